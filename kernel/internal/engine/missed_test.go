package engine

import (
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// asked runs an engine alone for some ms and collects what it asks of whom.
func asked(e *Engine, from, to kernel.Timestamp, in Input) (peers []kernel.Author, places [][]wire.Place) {
	for in.Now = from; in.Now <= to; in = (Input{Now: in.Now + 1}) {
		out := e.Step(in)
		for _, s := range out.Send {
			if a, ok := s.Message.(wire.Ask); ok {
				peers, places = append(peers, s.To.Peer), append(places, a.Places)
			}
		}
	}
	return peers, places
}

func calm(t *testing.T) (*network, *Engine, kernel.Round) {
	n := newNetwork(3, 4, parameters(5, 3))
	for _, node := range n.nodes {
		node.start()
	}
	n.submit(n.nodes[0], []byte("tx"))
	n.run(n.now+400, nil)
	e := n.nodes[0].engine
	if e.Phase() != Active || e.Round() < 3 {
		t.Fatalf("%s in round %d", e.Phase(), e.Round())
	}
	return n, e, e.Newest()
}

// TestMissed: what a push lacks is asked of its sender once it had time to come, then of others, and
// not for ever.
func TestMissed(t *testing.T) {
	n, e, top := calm(t)
	lacks := []wire.Place{{Author: 2, Round: top + 1}, {Author: 1, Round: 1}} // the second is accepted
	m := Missed{From: 3, At: wire.Place{Author: 3, Round: top + 2}, Lacks: lacks}
	if peers, _ := asked(e, n.now, n.now+askDelay-1, Input{Missed: []Missed{m, m}}); len(peers) != 0 {
		t.Fatalf("asked %v at once", peers)
	}
	peers, places := asked(e, n.now+askDelay, n.now+20*askAgain, Input{})
	if len(peers) != missedAsks || peers[0] != 3 || !slices.ContainsFunc(peers, func(a kernel.Author) bool { return a != 3 }) {
		t.Fatalf("asked %v", peers)
	}
	for _, p := range places {
		if !slices.Equal(p, lacks[:1]) {
			t.Fatalf("asked for %v", p)
		}
	}
	if len(e.missed) != 0 {
		t.Errorf("%d missed for ever", len(e.missed))
	}
}

// TestMissedWhole: an ambiguous push is asked for at once and whole; one whose snapshot is here is not.
func TestMissedWhole(t *testing.T) {
	n, e, top := calm(t)
	whole, here := wire.Place{Author: 3, Round: top + 2}, wire.Place{Author: 1, Round: 2}
	peers, places := asked(e, n.now, n.now, Input{Missed: []Missed{{From: 3, At: whole}, {From: 1, At: here}}})
	if len(peers) != 1 || peers[0] != 3 || !slices.Equal(places[0], []wire.Place{whole}) {
		t.Fatalf("asked %v for %v", peers, places)
	}
	for i := range 2 * missedKept {
		e.Step(Input{Now: n.now, Missed: []Missed{{From: 3, At: wire.Place{Author: 3, Round: top + 3 + kernel.Round(i)}}}})
	}
	if len(e.missed) != missedKept {
		t.Errorf("%d missed of one author", len(e.missed))
	}
	e.came(wire.Place{Author: 3, Round: top + 2*missedKept})
	if len(e.missed) != missedKept-1 {
		t.Error("what came is missed still")
	}
}

// TestServeAsk: the snapshots of a place are served, and nothing for places that do not exist.
func TestServeAsk(t *testing.T) {
	n, e, top := calm(t)
	ask := wire.Ask{Places: []wire.Place{{Author: 2, Round: 2}, {Author: 40, Round: 1}, {Author: 1, Round: top + 100}, {Author: 0, Round: 1}}}
	out := e.Step(Input{Now: n.now, Messages: []Message{{From: 1, Message: ask}}})
	want := []kernel.SnapshotID{e.graph.First(2, 2).ID, e.graph.First(0, 1).ID}
	if len(out.Serve) != 1 || out.Serve[0].To != 1 || !slices.Equal(out.Serve[0].IDs, want) {
		t.Errorf("served %+v", out.Serve)
	}
}
