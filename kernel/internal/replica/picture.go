package replica

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// Picture draws what an engine has seen: vertices, leader slots, equivocations. Times says when
// the node received and committed a snapshot, zero where it does not know. The caller fills in
// which rounds these are.
func (r *Replica) Picture(seen []engine.Seen, slots []consensus.Slot, times func(kernel.SnapshotID) (received, committed kernel.Timestamp)) client.Graph {
	out := client.Graph{Wave: int(r.genesis.Parameters.Wave)}
	for _, m := range r.Seat().Roster.Members {
		out.Names = append(out.Names, m.Name)
	}
	twins := make(map[kernel.Parent][]kernel.SnapshotID)
	for _, v := range seen {
		g := r.pictureOf(v)
		g.Received, g.CommittedAt = times(v.ID)
		out.Vertices = append(out.Vertices, g)
		p := kernel.Parent{Author: v.Author, Round: v.Round}
		if twins[p] = append(twins[p], v.ID); len(twins[p]) == 2 {
			out.Equivocations = append(out.Equivocations, client.Equivocation{Author: v.Author, Round: v.Round})
		}
	}
	for i, q := range out.Equivocations {
		out.Equivocations[i].IDs = twins[kernel.Parent{Author: q.Author, Round: q.Round}]
	}
	for _, s := range slots {
		g := client.GraphSlot{Round: s.Round, Rank: s.Rank, Author: s.Author, State: client.SlotState(s.State.String())}
		if s.Leader != nil {
			g.ID = s.Leader.ID
		}
		out.Slots = append(out.Slots, g)
	}
	return out
}

func (r *Replica) pictureOf(v engine.Seen) client.GraphVertex {
	g := client.GraphVertex{
		Vertex: client.Vertex{Author: v.Author, Round: v.Round, ID: v.ID}, Timestamp: v.Timestamp,
		Transactions: v.Entries, Status: StatusOf(v.Standing),
	}
	for _, p := range v.Parents {
		g.Parents = append(g.Parents, p.ID)
	}
	if v.Standing == engine.Settled {
		if commit, _, ok := r.store.SnapshotPosition(v.ID); ok {
			g.Commit = commit
		}
	}
	return g
}

// StatusOf says where a vertex stands in the words of the RPC.
func StatusOf(s engine.Standing) client.VertexStatus {
	switch s {
	case engine.Settled:
		return client.VertexCommitted
	case engine.BelowHorizon:
		return client.VertexBelowHorizon
	}
	return client.VertexPending
}
