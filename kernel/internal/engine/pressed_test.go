package engine

import (
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestPressed makes fewer rounds where all nodes are pressed, and loses nothing; a few that are pressed among others
// keep up with them.
func TestPressed(t *testing.T) {
	rounds := func(pressed int) (made kernel.Round) {
		n := newNetwork(1, 7, parameters(5, 3))
		n.delay = func(_, _ *testNode) (kernel.Timestamp, bool) { return 2, true }
		for i, node := range n.nodes {
			node.pressed = i < pressed
			node.start()
		}
		n.run(n.now+1500, nil)
		from := n.nodes[6].engine.Round()
		var want []kernel.TxHash
		for i := range 200 {
			raw := fmt.Appendf(nil, "tx %d", i)
			want = append(want, claimOfRaw(raw).Hash)
			n.submit(n.nodes[i%7], raw)
			n.run(n.now+10, nil)
		}
		made = n.nodes[6].engine.Round() - from
		n.run(n.now+2000, nil)
		for _, node := range n.nodes {
			for _, h := range want {
				if _, ok := node.final[h]; !ok {
					t.Fatalf("%d pressed: node %d lacks %s", pressed, node.author, h)
				}
			}
			if behind := n.nodes[6].engine.Round() - min(node.engine.Round(), n.nodes[6].engine.Round()); behind > 1 {
				t.Errorf("%d pressed: node %d is %d rounds behind", pressed, node.author, behind)
			}
		}
		return made
	}
	const ms = 2000
	free, few, all := rounds(0), rounds(2), rounds(7)
	if free < ms/14 || few < free*9/10 || all > ms/pressedWindow+2 || all < ms/(pressedWindow+5)-2 {
		t.Errorf("in two seconds %d rounds, with two nodes pressed %d, with all %d", free, few, all)
	}
}
