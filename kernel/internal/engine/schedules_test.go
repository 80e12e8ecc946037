package engine

import (
	"flag"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var (
	seeds = flag.Uint64("seeds", 12, "schedules to run")
	first = flag.Uint64("first", 1, "seed of the first schedule")
)

func parameters(wave uint8, slots uint8) kernel.Parameters {
	p := kernel.DefaultParameters()
	p.Wave, p.Slots, p.Horizon, p.Depth = wave, slots, 20, 10
	return p
}

// TestSchedules runs networks whose delays, losses, crashes and equivocators come from a seed
// and checks after each that honest nodes agree and that everything submitted is final.
func TestSchedules(t *testing.T) {
	n := *seeds
	if testing.Short() {
		n = min(n, 4)
	}
	for seed := *first; seed < *first+n; seed++ {
		if err := schedule(seed); err != nil {
			t.Fatalf("%v\nreplay: go test ./kernel/internal/engine -run Schedules -first %d -seeds 1 -v", err, seed)
		}
	}
}

func schedule(seed uint64) error {
	k := []int{7, 8, 10, 13}[seed%4]
	f := (k - 1) / 3
	n := newNetwork(seed, k, parameters(uint8(4+seed%2), uint8(1+seed%5)))
	loss := n.rng.IntN(3) * 5
	twins := int(seed/2) % (f + 1)
	for i := range twins {
		n.add(kernel.Author(i), true)
		n.nodes[i].twin = true
	}
	for _, node := range n.nodes {
		if seed%3 == 0 {
			node.config.Fanout = 2 + int(seed/3)%2
		}
		node.start()
	}
	n.delay = func(from, to *testNode) (kernel.Timestamp, bool) {
		if from.twin && to.author%2 == 0 != (from == n.nodes[from.author]) {
			return 0, false // each copy talks to one half
		}
		d := kernel.Timestamp(1 + n.rng.IntN(15))
		if n.rng.IntN(50) == 0 {
			d += kernel.Timestamp(n.rng.IntN(400))
		}
		return d, n.rng.IntN(100) >= loss
	}
	n.run(n.now+1500, nil)
	honest := n.nodes[twins:k]
	var want []kernel.TxHash
	for i := range 60 {
		raw := fmt.Appendf(nil, "tx %d", i)
		want = append(want, claimOfRaw(raw).Hash)
		to := honest[n.rng.IntN(len(honest))]
		for to.down {
			to = honest[n.rng.IntN(len(honest))]
		}
		n.submit(to, raw)
		if to == honest[0] {
			n.submit(honest[1], raw) // what waits in a node that crashes is lost: clients submit to two
		}
		n.run(n.now+kernel.Timestamp(n.rng.IntN(40)), nil)
		if i == 20 && seed%2 == 1 && twins < f {
			honest[0].down = true
		}
		if i == 45 && honest[0].down {
			honest[0].start()
		}
	}
	finished := n.run(n.now+120_000, func() bool { return everywhere(honest, want) })
	if err := agree(honest); err != nil {
		return err
	}
	if err := blameless(n, honest); err != nil {
		return err
	}
	if !finished {
		return fmt.Errorf("seed %d: k=%d twins=%d loss=%d: %s", seed, k, twins, loss, describe(honest, want))
	}
	return nil
}

func everywhere(nodes []*testNode, want []kernel.TxHash) bool {
	for _, t := range nodes {
		if len(t.final) < len(want) {
			return false
		}
		for _, h := range want {
			if _, ok := t.final[h]; !ok {
				return false
			}
		}
	}
	return true
}

// agree checks that the commits of any two nodes are prefixes of each other, digests included.
func agree(nodes []*testNode) error {
	for _, x := range nodes {
		for _, y := range nodes {
			for i := range min(len(x.commits), len(y.commits)) {
				a, b := x.commits[i], y.commits[i]
				if a.Digest != b.Digest || a.Leader != b.Leader || a.Index != kernel.CommitIndex(i+1) {
					return fmt.Errorf("commit %d: node %d has leader %d@%d, node %d has %d@%d", i+1, x.author, a.Leader.Author, a.Leader.Round, y.author, b.Leader.Author, b.Leader.Round)
				}
			}
		}
	}
	return nil
}

// blameless checks that nobody holds a proof against an honest node, and that no snapshot of an
// honest node was refused as invalid.
func blameless(n *network, honest []*testNode) error {
	twin := make(map[kernel.Author]bool)
	for _, t := range n.nodes {
		twin[t.author] = twin[t.author] || t.twin
	}
	for _, t := range honest {
		for _, proof := range t.faulty {
			if !proof.Verify(n.genesis.Members[proof.Author].Key) {
				return fmt.Errorf("node %d holds a proof that does not verify", t.author)
			}
			if !twin[proof.Author] {
				return fmt.Errorf("node %d accuses honest node %d", t.author, proof.Author)
			}
		}
		for _, r := range t.refused {
			if !twin[r.From] && r.Err != ErrTwin && r.Err != ErrPendingFull {
				return fmt.Errorf("node %d refused %s from %d: %w", t.author, r.ID.Short(), r.From, r.Err)
			}
		}
	}
	return nil
}

func describe(nodes []*testNode, want []kernel.TxHash) string {
	s := ""
	for _, t := range nodes {
		missing := 0
		for _, h := range want {
			if _, ok := t.final[h]; !ok {
				missing++
			}
		}
		s += fmt.Sprintf("\nnode %d down=%v phase %v %s round %d top %v order %v commits %d missing %d pool %d held %d open %d",
			t.author, t.down, t.engine.phase, t.engine.reason, t.engine.own.Round, t.engine.graph.Top().Clock, t.engine.order.Progress, len(t.commits), missing, t.engine.pool.Len(), len(t.engine.held.byID), len(t.engine.open))
	}
	return s
}

// TestCalm shows the rhythm of a network without faults: seven nodes, a few commits a wave.
func TestCalm(t *testing.T) {
	n := newNetwork(1, 7, parameters(5, 3))
	for _, node := range n.nodes {
		node.start()
	}
	n.run(n.now+1000, nil)
	raw := []byte("tx")
	n.submit(n.nodes[3], raw)
	start := n.now
	if !n.run(n.now+5000, func() bool { return everywhere(n.nodes, []kernel.TxHash{claimOfRaw(raw).Hash}) }) {
		t.Fatal("not final everywhere", describe(n.nodes, []kernel.TxHash{claimOfRaw(raw).Hash}))
	}
	t.Logf("final everywhere after %d ms", n.now-start)
	if err := agree(n.nodes); err != nil {
		t.Fatal(err)
	}
}

// TestAbsurdClock runs a network whose clocks show a year that no snapshot can name: snapshots name
// the last moment that they can, and pace and order go on.
func TestAbsurdClock(t *testing.T) {
	n := newNetwork(1, 7, parameters(5, 3))
	n.now = 2 * kernel.MaxTimestamp
	for _, node := range n.nodes {
		node.start()
	}
	n.run(n.now+1000, nil)
	raw := []byte("tx")
	n.submit(n.nodes[3], raw)
	if !n.run(n.now+5000, func() bool { return everywhere(n.nodes, []kernel.TxHash{claimOfRaw(raw).Hash}) }) {
		t.Fatal("not final everywhere", describe(n.nodes, []kernel.TxHash{claimOfRaw(raw).Hash}))
	}
	for _, node := range n.nodes {
		if own := node.engine.own; own.Timestamp >= kernel.MaxTimestamp {
			t.Errorf("snapshot %d@%d names %d", own.Author, own.Round, own.Timestamp)
		}
	}
}
