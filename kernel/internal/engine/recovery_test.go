package engine

import (
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// started returns a network of k running nodes that has settled into its rhythm.
func started(t *testing.T, seed uint64, k int) *network {
	n := newNetwork(seed, k, parameters(5, 3))
	for _, node := range n.nodes {
		node.start()
	}
	n.run(n.now+500, nil)
	for _, node := range n.nodes {
		if node.engine.phase != Active {
			t.Fatal("not active", describe(n.nodes, nil))
		}
	}
	return n
}

// settle submits one more transaction to a node and waits until it is final at all of the others.
func (n *network) settle(t *testing.T, to *testNode, nodes ...*testNode) kernel.Timestamp {
	t.Helper()
	raw := fmt.Appendf(nil, "settle %d", n.now)
	start, want := n.now, []kernel.TxHash{claimOfRaw(raw).Hash}
	n.submit(to, raw)
	if !n.run(n.now+60_000, func() bool { return everywhere(nodes, want) }) {
		t.Fatal("not final everywhere", describe(nodes, want))
	}
	if err := agree(n.nodes); err != nil {
		t.Fatal(err)
	}
	if err := blameless(n, n.nodes); err != nil {
		t.Fatal(err)
	}
	return n.now - start
}

// busy keeps the network at full pace for a while.
func (n *network) busy(nodes []*testNode, ms kernel.Timestamp) {
	for end := n.now + ms; n.now < end; n.run(n.now+20, nil) {
		n.submit(nodes[n.rng.IntN(len(nodes))], fmt.Appendf(nil, "busy %d", n.now))
	}
}

func (t *testNode) round() kernel.Round { return t.engine.own.Round }

// TestIdle: with nothing to say, one snapshot a second; a transaction wakes everybody at once.
func TestIdle(t *testing.T) {
	n := started(t, 1, 7)
	n.run(n.now+5000, nil)
	before := n.nodes[2].engine.stats.Made
	n.run(n.now+20_000, nil)
	if made := n.nodes[2].engine.stats.Made - before; made < 19 || made > 21 {
		t.Errorf("%d snapshots in 20 idle seconds", made)
	}
	if took := n.settle(t, n.nodes[4], n.nodes...); took > 250 {
		t.Errorf("%d ms from an idle network to final everywhere", took)
	}
}

// TestFarBehind: a node that slept for longer than the others keep rounds in memory makes its
// missing snapshots, and what it proposes then is settled.
func TestFarBehind(t *testing.T) {
	n := started(t, 2, 7)
	asleep := n.nodes[6]
	for _, node := range n.nodes {
		node.config.Limits.Serve = 64 // many answers are needed
		node.engine.config.Limits.Serve = 64
	}
	asleep.down = true
	n.busy(n.nodes[:6], 2500)
	if gap := n.nodes[0].round() - asleep.round(); gap < 3*n.genesis.Parameters.Horizon {
		t.Fatal("only behind by", gap)
	}
	asleep.start()
	n.busy(n.nodes[:6], 1000)
	if top := n.nodes[0].round(); asleep.round()+20 < top {
		t.Errorf("still behind after a second of full pace: %d of %d", asleep.round(), top)
	}
	n.settle(t, n.nodes[0], n.nodes...)
	n.settle(t, asleep, n.nodes...)
	if top := n.nodes[0].engine.graph.Top().Clock[6]; top+20 < n.nodes[0].round() {
		t.Error("its snapshots are not accepted: ", top, n.nodes[0].round())
	}
}

// TestOwnUnseen: the newest own snapshot is far below what the log's window holds, and no other
// node has it. It must not be signed again.
func TestOwnUnseen(t *testing.T) {
	n := started(t, 3, 7)
	node := n.nodes[6]
	mute := true
	n.drop = func(from, to *testNode, m wire.Message) bool {
		_, snapshot := m.(wire.Snapshot)
		return from == node && snapshot && mute
	}
	made := node.round()
	n.run(n.now+20_000, func() bool { return node.round() > made })
	node.down = true
	newest := node.engine.own.ID
	n.busy(n.nodes[:6], 2500)
	n.drop = func(from, to *testNode, m wire.Message) bool {
		_, answer := m.(wire.StartAnswer)
		return to == node && answer // catches up without daring to sign
	}
	node.start()
	n.run(n.now+20_000, nil)
	if node.engine.graph.Floor() <= node.round() || node.engine.own.ID != newest {
		t.Fatal("the scene is not set", node.engine.graph.Floor(), node.round())
	}
	node.down = true
	n.run(n.now+1000, nil)
	n.drop = nil
	node.start()
	if node.engine.own.ID != newest {
		t.Fatal("forgot its newest snapshot")
	}
	n.settle(t, node, n.nodes...)
	if node.engine.phase != Active {
		t.Error(node.engine.phase, node.engine.reason)
	}
}

// TestWiped: a node without its log follows and serves, and signs nothing.
func TestWiped(t *testing.T) {
	n := started(t, 4, 7)
	n.busy(n.nodes, 3000)
	node := n.nodes[5]
	node.down = true
	n.busy(n.nodes[:5], 1000)
	node.wipe()
	node.start()
	n.settle(t, n.nodes[0], n.nodes...)
	n.settle(t, node, n.nodes...) // passed on to those that sign
	lose := n.now + 300
	n.drop = func(from, _ *testNode, m wire.Message) bool {
		_, is := m.(wire.Transactions)
		return is && from == node && n.now < lose
	}
	n.settle(t, node, n.nodes...) // and again when that was lost
	if e := node.engine; e.phase != Following || e.stats.Made > 0 {
		t.Error(e.phase, e.stats.Made)
	}
}

// TestRestartStorm: nodes crash and come back all the time, f of them at once; a restarted
// engine always stands where the old one stood.
func TestRestartStorm(t *testing.T) {
	n := started(t, 5, 7)
	steps := 0
	for _, node := range n.nodes {
		node.after = func(x *testNode) {
			if steps++; steps%97 == 0 {
				sameAfterRestart(t, x)
			}
		}
	}
	for i := range 40 {
		x, y := n.nodes[n.rng.IntN(7)], n.nodes[n.rng.IntN(7)]
		x.down, y.down = true, true
		n.run(n.now+kernel.Timestamp(n.rng.IntN(60)), nil)
		x.start()
		if x != y {
			y.start()
		}
		n.submit(x, fmt.Appendf(nil, "storm %d", i))
		n.run(n.now+kernel.Timestamp(n.rng.IntN(200)), nil)
	}
	n.settle(t, n.nodes[0], n.nodes...)
}

// sameAfterRestart builds a second engine from what is durable and compares.
func sameAfterRestart(t *testing.T, x *testNode) {
	t.Helper()
	again := New(x.config, x.restored())
	again.Step(Input{Now: x.net.now})
	old := x.engine
	switch {
	case again.own.ID != old.own.ID:
		t.Errorf("own snapshot of round %d, was %d", again.own.Round, old.own.Round)
	case again.order.Progress != old.order.Progress, again.order.Position != old.order.Position, again.order.Timestamp != old.order.Timestamp:
		t.Errorf("order %+v, was %+v", again.order, old.order)
	case fmt.Sprint(again.graph.Top().Clock) != fmt.Sprint(old.graph.Top().Clock):
		t.Errorf("top %v, was %v", again.graph.Top().Clock, old.graph.Top().Clock)
	case again.graph.Forked()&^old.graph.Forked() != 0:
		t.Errorf("forked %b, was %b", again.graph.Forked(), old.graph.Forked())
	}
	draft := func(e *Engine) kernel.CommitIndex {
		h := &kernel.Header{Author: x.author, Round: e.own.Round + 1, Timestamp: e.own.Timestamp, Parents: e.chooseParents()}
		h.SortParents()
		v, err := e.graph.Check(kernel.SnapshotID{}, h)
		if err != nil {
			return 0
		}
		e.committer.Annotate(v)
		return v.Decided.Commits
	}
	if a, b := draft(again), draft(old); a != b {
		t.Errorf("the next snapshot decides %d commits, would have decided %d", a, b)
	}
}

// TestPartition: two halves, neither a quorum, then one of them with a quorum, then all.
func TestPartition(t *testing.T) {
	n := started(t, 6, 7)
	cut := 4
	n.drop = func(from, to *testNode, _ wire.Message) bool {
		return (int(from.author) < cut) != (int(to.author) < cut)
	}
	n.run(n.now+1000, nil)
	stuck := len(n.nodes[0].commits)
	n.busy(n.nodes, 3000)
	if len(n.nodes[0].commits) > stuck+3 {
		t.Error("a part without quorum commits")
	}
	cut = 5
	n.busy(n.nodes[:5], 3000)
	n.settle(t, n.nodes[1], n.nodes[:5]...)
	n.drop = nil
	n.settle(t, n.nodes[6], n.nodes...)
}

// TestKnownToOne: a node alone holds snapshots that decide commits, and dies; the others decide
// the same without it.
func TestKnownToOne(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		n := started(t, seed, 7)
		n.busy(n.nodes, 500)
		one := n.nodes[seed]
		n.drop = func(from, _ *testNode, _ wire.Message) bool { return from == one }
		n.busy(n.nodes[:1], 50+20*kernel.Timestamp(seed))
		ahead := len(one.commits)
		for _, o := range n.nodes {
			if o != one {
				ahead = max(ahead, len(o.commits))
			}
		}
		one.down = true
		n.drop = nil
		others := append(append([]*testNode(nil), n.nodes[:seed]...), n.nodes[seed+1:]...)
		n.settle(t, n.nodes[0], others...)
		one.start()
		n.settle(t, n.nodes[0], n.nodes...)
	}
}

// TestNewestLost: everything under way is lost in one moment, and all reconnect.
func TestNewestLost(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		n := started(t, seed, 7)
		n.busy(n.nodes, 300)
		n.drop = func(*testNode, *testNode, wire.Message) bool { return true }
		n.run(n.now+2500, nil) // everybody makes what it can, and nobody hears of it
		n.drop = nil
		for _, x := range n.nodes {
			for _, y := range n.nodes {
				if x != y {
					n.post(x, 1, Input{Peers: []PeerChange{{y.author, false}}})
					n.post(x, 2, Input{Peers: []PeerChange{{y.author, true}}})
				}
			}
		}
		if took := n.settle(t, n.nodes[3], n.nodes...); took > 3000 {
			t.Errorf("seed %d: %d ms to recover", seed, took)
		}
	}
}

// TestWrongLedger: a node that computes other states than a quorum stops; the others go on and
// know who differs.
func TestWrongLedger(t *testing.T) {
	for _, slow := range []kernel.Timestamp{1, 300} {
		wrongLedger(t, slow)
	}
}

func wrongLedger(t *testing.T, slow kernel.Timestamp) {
	n := started(t, 7, 7)
	n.nodes[2].wrong, n.nodes[2].slow = true, slow
	n.busy(n.nodes, 2000)
	n.nodes[2].commits = n.nodes[2].commits[:0] // its states are not compared below
	if e := n.nodes[2].engine; e.phase != Halted {
		t.Errorf("phase %s after %v", e.phase, e.stats.Mismatched)
	}
	for _, node := range n.nodes {
		named := slow == 1 // a slow one knows better than to name its state
		if node.author != 2 && (node.engine.stats.Mismatched.Has(2) != named || node.engine.phase != Active) {
			t.Errorf("node %d: %s, mismatched %b", node.author, node.engine.phase, node.engine.stats.Mismatched)
		}
	}
}

// TestConflicts: contradicting transactions at different nodes: one of each pair is final, the
// same everywhere; repeated messages and submissions change nothing.
func TestConflicts(t *testing.T) {
	n := started(t, 8, 7)
	n.twice = 30
	var want []kernel.TxHash
	for i := range 20 {
		for v := range 3 {
			raw := fmt.Appendf(nil, "pair %d:%d", i, v)
			n.submit(n.nodes[(i+v)%7], raw)
			n.submit(n.nodes[(i+2*v)%7], raw)
		}
		n.run(n.now+kernel.Timestamp(n.rng.IntN(30)), nil)
		want = append(want, claimOfRaw(fmt.Appendf(nil, "pair %d:0", i)).Hash)
	}
	n.settle(t, n.nodes[0], n.nodes...)
	n.run(n.now+3000, nil)
	for i := range want {
		touch := claimOfRaw(fmt.Appendf(nil, "pair %d", i)).Touches[0]
		for _, node := range n.nodes {
			if winner, ok := node.taken[touch]; !ok || winner != n.nodes[0].taken[touch] {
				t.Fatalf("pair %d: node %d has winner %v", i, node.author, ok)
			}
		}
	}
	for _, node := range n.nodes {
		if node.engine.pool.Len() > 0 || node.engine.busy() {
			t.Errorf("node %d still waits: %d", node.author, node.engine.pool.Len())
		}
	}
}

// TestOverdue: what a node cannot get settled itself is passed on to all after G rounds.
func TestOverdue(t *testing.T) {
	n := started(t, 9, 7)
	mute := n.nodes[6]
	n.drop = func(from, _ *testNode, m wire.Message) bool {
		_, passes := m.(wire.Transactions)
		return from == mute && !passes
	}
	n.settle(t, mute, n.nodes[:6]...)
}

// TestFanout: with two receivers per push, relaying reaches everybody.
func TestFanout(t *testing.T) {
	n := newNetwork(10, 13, parameters(4, 2))
	for _, node := range n.nodes {
		node.config.Fanout = 2
		node.start()
	}
	n.run(n.now+1000, nil)
	n.busy(n.nodes, 1000)
	if took := n.settle(t, n.nodes[0], n.nodes...); took > 1500 {
		t.Errorf("%d ms", took)
	}
}

// TestLostAnswers: a start that loses every answer at first still gets them, however lively the
// network is.
func TestLostAnswers(t *testing.T) {
	n := started(t, 11, 7)
	node := n.nodes[4]
	node.down = true
	n.run(n.now+200, nil)
	n.drop = func(_, _ *testNode, m wire.Message) bool { _, is := m.(wire.StartAnswer); return is }
	node.start()
	n.busy(n.nodes[:4], 500)
	n.drop = nil
	n.busy(n.nodes[:4], 1500)
	if node.engine.phase != Active {
		t.Error(node.engine.phase)
	}
}

// TestAbsurdDate: clocks that once showed a date beyond all timestamps, and never go back, keep
// their nodes going: what is missing is still asked for in time.
func TestAbsurdDate(t *testing.T) {
	n := started(t, 9, 7)
	for _, node := range n.nodes {
		node.ahead = 1 << 43
	}
	n.delay = func(_, _ *testNode) (kernel.Timestamp, bool) {
		return 1 + kernel.Timestamp(n.rng.IntN(10)), n.rng.IntN(10) > 0
	}
	for _, node := range n.nodes {
		n.post(node, 0, Input{})
	}
	n.settle(t, n.nodes[2], n.nodes...)
	if last := n.nodes[0].engine.own.Timestamp; last != kernel.MaxTimestamp-1 {
		t.Errorf("timestamp %d", last)
	}
}

// TestPendingFull: a snapshot that was let go of because its author has too many waiting is
// reported, so that the shell takes it when it comes again.
func TestPendingFull(t *testing.T) {
	n := started(t, 10, 7)
	late := n.nodes[6]
	late.config.Limits.Pending, late.down = 3, true
	n.busy(n.nodes[:6], 600)
	late.start()
	n.run(n.now+30, nil)
	var high, low Record
	for _, r := range n.nodes[0].order {
		if r.Author == 1 && r.Round > late.engine.graph.Top().Clock[1]+8 {
			if low.Raw == nil {
				low = r
			}
			high = r
		}
	}
	e := New(late.config, late.restored())
	var in Input
	for _, r := range n.nodes[0].order {
		if r.Author == 1 && r.Round > low.Round && r.Round <= high.Round {
			in.Arrived = append(in.Arrived, n.arrival(0, r.Raw))
		}
	}
	in.Now = n.now
	e.Step(in)
	out := e.Step(Input{Now: n.now, Arrived: []Arrival{n.arrival(0, low.Raw)}})
	if len(out.Refused) != 1 || out.Refused[0].Err != ErrPendingFull || out.Refused[0].ID == low.ID {
		t.Fatalf("a lower snapshot pushes one out without a word: %v", out.Refused)
	}
	if !e.held.has(low.ID) {
		t.Error("the lower one is not held")
	}
}
