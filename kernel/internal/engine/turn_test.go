package engine

import (
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// At the end of an epoch everybody finds the same last commit and a single snapshot that decides it, and
// stops; what is closing carries no transactions, and those that have no receipt wait for the next epoch.
func TestTurn(t *testing.T) {
	for seed := range uint64(5) {
		p := kernel.DefaultParameters()
		n := newNetwork(seed, 7, p)
		n.decide = 25
		for _, x := range n.nodes {
			x.start()
		}
		records := 0
		for i := 0; !n.run(n.now+40, func() bool { return ended(n) }) && i < 500; i++ {
			n.submit(n.nodes[i%7], fmt.Appendf(nil, "tx %d", i))
			n.post(n.nodes[0], 0, Input{Records: [][]byte{fmt.Appendf(nil, "record %d", i)}})
			records = i + 1
		}
		n.run(n.now+2000, nil)
		end := n.nodes[0].turn.Ended
		if !ended(n) || end <= n.decide {
			t.Fatalf("seed %d: the epoch does not end", seed)
		}
		waiting := 0
		for _, x := range n.nodes {
			if id, ok := x.engine.Deciding(); !ok || x.turn.Ended != end {
				t.Fatalf("seed %d: node %d ends at %d, not %d; decided by %v", seed, x.author, x.turn.Ended, end, id)
			}
			waiting += x.engine.Status().Waiting
		}
		for _, x := range n.nodes {
			for id, rec := range x.log {
				v, _ := x.engine.graph.Get(id)
				if v.Closing && len(n.arrival(x.author, rec.Raw).Claims) > 0 {
					t.Fatalf("seed %d: %v is closing and carries transactions", seed, v.Header)
				}
			}
			round := x.engine.Round()
			if x.engine.Step(Input{Now: n.now + 10_000}); x.engine.Round() != round {
				t.Fatalf("seed %d: node %d goes on when all is decided", seed, x.author)
			}
		}
		if waiting == 0 {
			t.Fatalf("seed %d: nothing waits for the next epoch", seed)
		}
		inherits(t, n.nodes[0], records)
	}
}

// inherits builds the next epoch's engine and looks at what it starts with.
func inherits(t *testing.T, x *testNode, records int) {
	open := make(map[string]bool)
	for i := range records {
		open[fmt.Sprintf("record %d", i)] = true
	}
	for _, c := range x.commits {
		for _, s := range c.Snapshots {
			for _, r := range bodyOf(x.log[s.ID].Raw).Records() {
				delete(open, string(r))
			}
		}
	}
	if len(open) == 0 || len(open) == records {
		t.Fatalf("%d of %d records are not settled", len(open), records)
	}
	before := x.engine.Status().Waiting
	c := x.config
	c.Epoch, c.Genesis, c.State, c.Started, c.Fresh = 1, x.turn.Ended, x.digest, x.net.now, true
	c.History = &testNode{}
	next := New(c, Restored{Trusted: true, Executed: kernel.CommitClaim{Index: x.turn.Ended, Digest: x.digest}})
	next.Inherit(x.engine)
	for _, r := range next.records {
		delete(open, string(r))
	}
	if len(open) > 0 {
		t.Errorf("nobody carries %d records any more", len(open))
	}
	if next.Phase() != Active || next.Status().Waiting != before || x.engine.Status().Waiting != 0 {
		t.Fatalf("%v with %d of %d transactions", next.Phase(), next.Status().Waiting, before)
	}
	out := next.Step(Input{Now: x.net.now + 20, Admitted: []mempool.Candidate{{Claim: mempool.Claim{Hash: kernel.TxHash{1}}, Checked: x.turn.Ended}}})
	if len(out.Persist) != 1 || out.Persist[0].Epoch != 1 || out.Persist[0].Round != 1 || out.Admit[0].Err != nil {
		t.Fatalf("the first step of an epoch: %+v", out)
	}
}

func ended(n *network) bool {
	for _, x := range n.nodes {
		if _, ok := x.engine.Deciding(); !ok {
			return false
		}
	}
	return true
}

// A node that is no member follows: it accepts and orders what others make, and asks them for it.
func TestWatching(t *testing.T) {
	n := newNetwork(3, 7, kernel.DefaultParameters())
	watcher := n.nodes[6]
	watcher.config.Self = Nobody
	for _, x := range n.nodes[:6] {
		x.start()
	}
	n.run(n.now+500, nil)
	n.submit(n.nodes[0], []byte("tx"))
	n.run(n.now+1500, nil)
	e := New(watcher.config, Restored{Trusted: true, Executed: kernel.CommitClaim{Digest: kernel.Digest{1}}})
	in := Input{Now: n.now, Peers: []PeerChange{{Peer: 0, Up: true}}}
	for _, rec := range n.nodes[0].order {
		in.Arrived = append(in.Arrived, n.arrival(0, rec.Raw))
	}
	out := e.Step(in)
	if e.Phase() != Watching || len(out.Commits) < 3 || out.Sync || len(out.Send) == 0 || e.Status().Round != 0 || e.Speaks() {
		t.Fatalf("%v, %d commits, sync %t, %d messages", e.Phase(), len(out.Commits), out.Sync, len(out.Send))
	}
	e.Step(Input{Now: n.now + 5000, Records: nil})
	_ = e.Status()
}
