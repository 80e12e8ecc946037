package node

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/light"
)

// TestFaultsFoundByExecution lets two of eight real nodes carry what no honest one does: a payment of what it knows to be
// spent (E2) and one whose signature is wrong (E3). Both are flagged, what proves it is exported over the public
// interface and verified with the genesis alone, and no forgery of it is.
func TestFaultsFoundByExecution(t *testing.T) {
	n := newNetwork(t, 8, coinsEach, staked)
	n.configs[2].Misbehave, n.configs[5].Misbehave = DoubleSpend, BadBody
	for i := range 8 {
		n.configs[i].IdlePeriod = 100 * time.Millisecond
		n.start(i)
	}
	ctx, cancel := context.WithTimeout(context.Background(), slow*10*time.Minute)
	defer cancel()
	c := n.clients[0]
	files, paid, at := map[kernel.FaultNumber]*kernel.EvidenceFile{}, 0, time.Time{}
	n.until("what proves both faults is certified", patient, func() bool {
		if paid < coinsEach/2 && time.Since(at) > 2*time.Second { // something to be spent twice; what is spent is forgotten with the next epoch
			if _, err := c.SendRawTransaction(ctx, n.payment(paid, "what is spent twice")); err != nil {
				t.Fatal(err)
			}
			paid, at = paid+1, time.Now()
		}
		n.collect(ctx, files)
		return files[kernel.FaultE2] != nil && files[kernel.FaultE3] != nil
	})
	for fault, author := range map[kernel.FaultNumber]kernel.Author{kernel.FaultE2: 2, kernel.FaultE3: 5} {
		found, err := light.VerifyEvidence(n.genesis, files[fault])
		if err != nil || found.Author != author || found.Member.Key != n.genesis.Members[author].Key {
			t.Errorf("E%d: %+v, %v", fault, found, err)
		}
		forge(t, n.genesis, files[fault], files[kernel.FaultE2+kernel.FaultE3-fault])
	}
	n.until("both are flagged", patient, func() bool {
		members, err := c.Members(ctx)
		if err != nil {
			t.Fatal(err)
		}
		flagged := 0
		for _, m := range members {
			guilty := m.Key == n.genesis.Members[2].Key || m.Key == n.genesis.Members[5].Key
			if m.Flag == "in_force" && guilty {
				flagged++
			} else if m.Flag != "none" && !guilty {
				t.Fatalf("%s is %s", m.Name, m.Flag)
			}
		}
		return flagged == 2
	})
	hash, err := n.clients[5].SendRawTransaction(ctx, n.payment(coinsEach/2, "a flagged node serves on"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitFinal(ctx, hash); err != nil {
		t.Error(err)
	}
	n.finalOn(hash, all(8)...)
	if stake, err := c.Stake(ctx); err != nil || !stake.SupplyOK {
		t.Errorf("supply: %+v, %v", stake, err)
	}
}

// collect gets what proves a fault of each kind, as far as it is certified already.
func (n *testNetwork) collect(ctx context.Context, files map[kernel.FaultNumber]*kernel.EvidenceFile) {
	n.t.Helper()
	for number := uint64(0); ; number++ {
		found, err := n.clients[0].Fault(ctx, number)
		if err != nil {
			n.t.Fatal(err)
		}
		if found == nil {
			return
		}
		f, err := n.clients[0].Evidence(ctx, number)
		if err != nil {
			continue // no checkpoint covers it yet
		}
		if _, err := light.VerifyEvidence(n.genesis, f); err == nil && files[f.Fault] == nil {
			files[f.Fault] = f
		}
	}
}

// forge changes evidence in every way that somebody might who wants another member's stake: nothing verifies.
func forge(t *testing.T, g *kernel.Genesis, good, other *kernel.EvidenceFile) {
	t.Helper()
	b, err := good.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := kernel.DecodeEvidenceFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := light.VerifyEvidence(g, again); err != nil {
		t.Fatalf("from a file: %v", err)
	}
	tried := 0
	for place := 0; place < len(b); place += 1 + len(b)/700 {
		broken := bytes.Clone(b)
		broken[place] ^= 1 << (place % 8)
		f, err := kernel.DecodeEvidenceFile(broken)
		if err == nil {
			_, err = light.VerifyEvidence(g, f)
		}
		if tried++; err == nil && !sameWinner(f, good) {
			t.Errorf("E%d: byte %d of %d differs, and it verifies", good.Fault, place, len(b))
		}
	}
	for name, change := range map[string]func(f *kernel.EvidenceFile){
		"another member's header": func(f *kernel.EvidenceFile) { f.Header = other.Header },
		"another entry":           func(f *kernel.EvidenceFile) { f.Entry = other.Entry },
		"no rosters or no proof": func(f *kernel.EvidenceFile) {
			f.Spent, f.Winner, f.WinnerBytes = nil, nil, nil
		},
		"the other fault": func(f *kernel.EvidenceFile) { f.Fault = other.Fault },
	} {
		f, err := kernel.DecodeEvidenceFile(b)
		if err != nil {
			t.Fatal(err)
		}
		change(f)
		if _, err := light.VerifyEvidence(g, f); err == nil {
			t.Errorf("E%d with %s verifies", good.Fault, name)
		}
	}
	t.Logf("E%d: %d bytes, %d of them changed", good.Fault, len(b), tried)
}

// sameWinner reports whether only the signatures of the transaction that came first differ, which prove nothing here: that it
// is final is what the receipt shows.
func sameWinner(a, b *kernel.EvidenceFile) bool {
	var x, y kernel.Transaction
	return x.UnmarshalBinary(a.WinnerBytes) == nil && y.UnmarshalBinary(b.WinnerBytes) == nil && x.Hash() == y.Hash() && !bytes.Equal(a.WinnerBytes, b.WinnerBytes)
}
