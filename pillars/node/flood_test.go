package node

import (
	"context"
	"errors"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// floodBound is what a node's heap may grow by, whatever strangers send: the tree's headers of a few peers (a kilobyte each), what
// connections read at a time (PIL-NET-2) decoded, and as much again for garbage that is not collected yet.
const floodBound = 128 << 20

// TestFloodStaysBounded: strangers send headers under made-up stakes without bodies, blocks without parents, and transactions without inputs, over
// connections that they open again and again. The heap stays within a bound, the honest chain goes on, and nothing of it
// is left when they are gone.
func TestFloodStaysBounded(t *testing.T) {
	n := newNetwork(t, 1, 200)
	tip := n.Mine(n.Genesis(), 2, 0)
	victim := n.start("victim", t.TempDir())
	victim.give(tip)
	heads := fakes(t, n, tip.Branch, 6000)
	orphan := n.Mine(n.Mine(tip, 3, 0), 3, 3).Block
	before, most := heap(), uint64(0)
	for round := range 12 {
		sock, err := net.Dial("tcp", victim.Address())
		if err != nil {
			t.Fatal(err)
		}
		flood := wire.AppendFrame(nil, n.Params.Magic, &wire.Hello{
			Version: wire.Version, Genesis: n.Genesis().Branch.ID, Profile: store.ProfileHash(&n.Params), Nonce: uint64(round),
		})
		for i := 0; i < len(heads); i += wire.MaxHeaders {
			flood = wire.AppendFrame(flood, n.Params.Magic, &wire.Headers{Heads: heads[i:min(i+wire.MaxHeaders, len(heads))]})
		}
		for i := range 200 {
			flood = wire.AppendFrame(flood, n.Params.Magic, &wire.Tx{Tx: n.Pay([]pillars.Outpoint{{Tx: pillars.TxID{byte(i)}}}, 1000)})
			flood = wire.AppendFrame(flood, n.Params.Magic, &wire.Block{Block: orphan})
		}
		_ = sock.SetDeadline(time.Now().Add(time.Minute))
		_, _ = sock.Write(flood) // it may be hung up on meanwhile
		tip = n.Mine(tip, 2, 0)
		victim.give(tip)
		most = max(most, heap())
		defer sock.Close()
	}
	until(t, "all strangers are sent away", func() bool { return victim.Inbound() == 0 })
	if victim.Tip().ID != tip.Branch.ID {
		t.Error("the honest chain does not go on")
	}
	if most > before+floodBound {
		t.Errorf("the heap grew by %d MiB", (most-before)>>20)
	}
	t.Logf("heap %d MiB before, %d MiB at most", before>>20, most>>20)
	err := victim.Ask(context.Background(), func(d *Desk) {
		if s := d.Chain.Tree().Sizes(); s.Heads != 0 || s.Orphans != 0 || s.Bytes != 0 || d.Pool.Sizes().Orphans != 0 {
			t.Errorf("left behind: %+v, %d orphans", s, d.Pool.Sizes().Orphans)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// fakes are headers under stakes that do not exist: a header alone does not show it.
func fakes(t *testing.T, n *network, on consensus.Branch, count int) (heads []tree.Head) {
	for i := range count {
		h := tree.Head{Extension: pillars.Extension{Modifier: on.Modifier, Stake: pillars.Outpoint{Tx: pillars.TxID{byte(i), byte(i >> 8)}, Index: 7}}}
		copy(h.Extension.Key[:], n.Key.PubKey().SerializeCompressed())
		var err error
		if h.Header, err = on.Prepare(&n.Params, pillars.PoS, on.Stamps[0]+1); err != nil {
			t.Fatal(err)
		}
		h.ExtensionRoot = h.Extension.Root()
		on = on.Next(&n.Params, &h.Header, consensus.Reveal{Stake: h.Extension.Stake})
		heads = append(heads, h)
	}
	return heads
}

// TestFolders: a folder is made once, opened once at a time, and only as what it is.
func TestFolders(t *testing.T) {
	n := newNetwork(t, 2, 120)
	home := t.TempDir() + "/node"
	if _, err := Open(home, Options{}); !errors.Is(err, ErrNoFolder) {
		t.Errorf("no folder: %v", err)
	}
	if err := Init(home, &n.Params); err != nil {
		t.Fatal(err)
	}
	if err := Init(home, &n.Params); !errors.Is(err, ErrExists) {
		t.Errorf("made twice: %v", err)
	}
	other := n.Params
	other.Finality++
	if err := Init(home, &other); !errors.Is(err, ErrExists) {
		t.Errorf("made as another network: %v", err)
	}
	node, err := Open(home, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(home, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(home, Options{Params: &other}); !errors.Is(err, ErrProfile) {
		t.Errorf("opened as another network: %v", err)
	}
}

// TestEvents: who listens gets the chain in order, who falls behind is told so, and all end with the node.
func TestEvents(t *testing.T) {
	n := newNetwork(t, 3, 120)
	r := n.start("a", t.TempDir())
	all, slow := r.Subscribe(100), r.Subscribe(1)
	one := n.Mine(n.Genesis(), 2, 0)
	two := n.Mine(one, 2, 0)
	rival := n.Mine(n.Mine(n.Genesis(), 3, 0), 3, 0)
	third := n.Mine(rival, 3, 0)
	r.give(one)
	r.give(two)
	r.give(rival.Parent)
	r.give(rival)
	r.give(third)
	r.pay(n.Pay(n.Free()[:1], 40_000*pillars.ETP))
	var kinds []EventKind
	var seq uint64
	for len(kinds) < 8 {
		e := <-all.C
		if e.Seq != seq+1 {
			t.Fatalf("event %d after %d", e.Seq, seq)
		}
		kinds, seq = append(kinds, e.Kind), e.Seq
	}
	want := []EventKind{Connected, Connected, Disconnected, Disconnected, Connected, Connected, Connected, Arrived}
	for i := range want {
		if kinds[i] != want[i] {
			t.Errorf("event %d is %s, want %s", i, kinds[i], want[i])
		}
	}
	<-slow.C
	if _, open := <-slow.C; open {
		t.Error("a slow listener is not told")
	}
	r.stop()
	if _, open := <-all.C; open {
		t.Error("a listener outlives the node")
	}
	if err := r.SubmitTransaction(context.Background(), n.Pay(n.Free()[1:2], 1)); !errors.Is(err, ErrStopped) {
		t.Errorf("after its end: %v", err)
	}
}
