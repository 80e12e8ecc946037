package node

import (
	"context"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
)

// TestThreeNodes: two nodes in a line behind a third synchronise from scratch, relay a payment and the block with it,
// are cut apart and find together again, and one that was away catches up.
func TestThreeNodes(t *testing.T) {
	n := newNetwork(t, 1, 200)
	tip := n.Genesis()
	homes := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	a := n.start("a", homes[0])
	for range 40 {
		tip = n.Mine(tip, 2, 2)
		a.give(tip)
		if l, ok := n.Stake(tip, 3, 1); ok {
			tip = l
			a.give(tip)
		}
	}
	b := n.start("b", homes[1], a)
	c := n.start("c", homes[2], b)
	n.at(tip, a, b, c)

	parent := n.Pay(n.ripe(tip, 1), 1000*pillars.ETP)
	c.pay(parent)
	child := n.Pay([]pillars.Outpoint{{Tx: parent.ID()}}, 999*pillars.ETP)
	c.pay(child)
	n.waits(child, a, b, c)
	tip = n.MineWith(tip, 2, parent, child)
	a.give(tip)
	n.at(tip, a, b, c)
	for _, r := range []*running{a, b, c} {
		s, err := r.Mempool(context.Background())
		if err != nil || len(s.Entries) != 0 {
			t.Errorf("%s: %d transactions wait, %v", r.name, len(s.Entries), err)
		}
	}

	b.Disconnect(a.Address())
	until(t, "a and b are apart", func() bool { return a.peers() == 0 && b.peers() == 1 }) // or a block slips through
	left := tip
	for range 3 {
		left = n.Mine(left, 2, 1)
		a.give(left)
	}
	right := tip
	for range 5 {
		right = n.Mine(right, 2, 1)
		c.give(right)
	}
	n.at(left, a)
	n.at(right, b, c)
	b.Connect(a.Address())
	n.at(right, a, b, c)
	if s := a.Stats(); s.Reorgs == 0 {
		until(t, "a counts its reorganisation", func() bool { return a.Stats().Reorgs == 1 })
	}

	c.stop()
	tip = right
	for range 30 {
		tip = n.Mine(tip, 2, 1)
		b.give(tip)
	}
	n.at(tip, a, b)
	c = n.start("c", homes[2], b)
	n.at(tip, c)
}

// ripe are outputs of a link's coins that hold a lot.
func (n *network) ripe(l *chaintest.Link, count int) []pillars.Outpoint {
	var all []pillars.Outpoint
	for _, o := range l.Coins(l.Branch.Number+1, 1001*pillars.ETP) {
		if len(all) < count {
			all = append(all, o)
		}
	}
	if len(all) < count {
		n.t.Fatal("too few coins")
	}
	return all
}

// TestNodesFindEachOther: who knows one node learns of the others, dials them, and remembers them over a restart.
func TestNodesFindEachOther(t *testing.T) {
	n := newNetwork(t, 4, 120)
	n.find = true
	a := n.start("a", t.TempDir())
	b := n.start("b", t.TempDir(), a)
	home := t.TempDir()
	c := n.start("c", home, b)
	known := func(r *running, who *running) func() bool {
		return func() bool {
			peers, err := r.Peers(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range peers {
				if p.Addr == who.Address() && p.Ready && !p.Inbound {
					return true
				}
			}
			return false
		}
	}
	until(t, "c dials a", known(c, a))
	c.stop()
	c = n.start("c", home)
	until(t, "c dials a again, of whom nobody told it in this life", known(c, a))
}
