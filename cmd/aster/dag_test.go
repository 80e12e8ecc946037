package main

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

func TestDrawGraph(t *testing.T) {
	g := client.Graph{From: 4, To: 7, Newest: 7, Wave: 5, Names: []string{"berlin", "lima", "osaka"}}
	for round := kernel.Round(4); round <= 7; round++ {
		for author := range kernel.Author(3) {
			if author == 2 && round == 6 {
				continue // osaka was silent
			}
			status := client.VertexCommitted
			if round > 5 {
				status = client.VertexPending
			}
			g.Vertices = append(g.Vertices, client.GraphVertex{Vertex: client.Vertex{Author: author, Round: round}, Status: status, Transactions: int(author)})
		}
	}
	g.Vertices = append(g.Vertices, client.GraphVertex{Vertex: client.Vertex{Author: 1, Round: 7}, Status: client.VertexPending})
	g.Slots = []client.GraphSlot{
		{Round: 4, Author: 0, State: client.SlotCommitted},
		{Round: 4, Author: 2, State: client.SlotSkipped},
		{Round: 5, Author: 1, State: client.SlotUndecided},
	}
	g.Equivocations = []client.Equivocation{{Author: 1, Round: 7, IDs: make([]kernel.SnapshotID, 2)}}
	var out bytes.Buffer
	drawGraph(&out, &g)
	const want = `epoch 0 · rounds 4 to 7 · waves of 5 rounds
                  5
berlin        [●] ●  ○  ○
lima           ● {●} ○  ✗
osaka         (●) ●  ·  ○
transactions   3  3  1  3
● ordered  ○ not yet  · nothing seen  ✗ two of one round   slots of leaders: [ ] committed  ( ) skipped  { } undecided
equivocation: author 1 signed 2 snapshots of round 7
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
	if n := newest(g, 2); n.From != 4 {
		t.Errorf("a short graph is cut to %d", n.From)
	}
	g.To, g.Newest = 40, 40
	if n := newest(g, 10); n.From != 31 || len(n.Vertices) != 0 {
		t.Errorf("the newest ten rounds begin at %d with %d vertices", n.From, len(n.Vertices))
	}
}
