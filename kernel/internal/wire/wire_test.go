package wire

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var samples = []Message{
	Snapshot{[]byte("snapshot")},
	Want{[]kernel.SnapshotID{{1}, {2}}},
	Have{3, []kernel.Round{1, 2, 1 << 39}},
	More{4},
	Kept{First: 2, Current: 5},
	StartQuery{5},
	StartAnswer{1, 2, []byte("header")},
	Records{[][]byte{[]byte("record"), {1}}},
	Transactions{[][]byte{[]byte("a"), {}}},
	Push{Epoch: 7, Round: 9, Timestamp: 8, Named: 1<<49 | 5, Older: []Place{{3, 7}}, Share: new(kernel.CoinShare), Closing: true, Checkpoint: new(kernel.CheckpointVote), Body: []byte("body")},
	Push{Round: 2},
	Ask{8, []Place{{1, 2}, {49, 1 << 39}}},
	CheckpointVote{3, kernel.CheckpointVote{Index: 7, Signature: kernel.Signature{1}}},
	CertificateQuery{9},
	Certificate{Proof: proof(kernel.Hash{})},
	Certificate{Proof: proof(kernel.Hash{4}), Next: roster()},
}

func proof(next kernel.Hash) kernel.CheckpointProof {
	cp := kernel.Checkpoint{Network: kernel.NetworkID{1}, Index: 5, Timestamp: 1, Digest: kernel.Digest{1}, Roster: kernel.Hash{1}, Next: next}
	cp.Receipts.Root, cp.Outputs.Root = kernel.Hash{2}, kernel.Hash{3}
	return kernel.CheckpointProof{Checkpoint: cp, Signatures: []kernel.CheckpointSignature{{Author: 2}, {Author: 49}}}
}

func roster() *kernel.EpochRoster {
	r := &kernel.EpochRoster{Epoch: 1, CoinKey: make([]kernel.Key, 3), CheckpointKeys: make([]kernel.Key, 7)}
	for i := range byte(7) {
		r.Members = append(r.Members, kernel.Member{Name: "m", Key: kernel.Key{i + 1}})
	}
	return r
}

func TestRoundTrip(t *testing.T) {
	for _, m := range samples {
		b := Append(nil, m)
		got, err := Decode(b)
		if err != nil {
			t.Fatalf("%T: %v", m, err)
		}
		if !bytes.Equal(Append(nil, got), b) {
			t.Errorf("%T does not survive", m)
		}
		switch m.(type) {
		case Snapshot, Push: // what they end with is the rest
			continue
		}
		if _, err := Decode(append(b, 0)); err == nil {
			t.Errorf("%T: trailing byte accepted", m)
		}
		if len(b) > 1 {
			if _, err := Decode(b[:len(b)-1]); err == nil {
				t.Errorf("%T: truncated accepted", m)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, m := range samples {
		f.Add(Append(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err == nil && !bytes.Equal(Append(nil, m), b) {
			t.Fatal("not canonical")
		}
	})
}

// TestPushRefuses what no header holds.
func TestPushRefuses(t *testing.T) {
	good := Push{Epoch: 7, Round: 9, Named: 2, Older: []Place{{3, 7}}}
	for what, change := range map[string]func(p *Push){
		"round 1":         func(p *Push) { p.Round = 1 },
		"a far round":     func(p *Push) { p.Round = kernel.MaxRound + 1 },
		"author 50":       func(p *Push) { p.Named = 1 << 50 },
		"older author 50": func(p *Push) { p.Older[0].Author = 50 },
		"older round 0":   func(p *Push) { p.Older[0].Round = 0 },
		"51 older":        func(p *Push) { p.Older = make([]Place, 51) },
	} {
		p := good
		p.Older = []Place{{3, 7}}
		if _, err := Decode(Append(nil, p)); err != nil {
			t.Fatal("base case:", err)
		}
		change(&p)
		if _, err := Decode(Append(nil, p)); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
