package rpctest

import (
	"context"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Pending returns a submitted transaction.
func (n *Node) Pending(hash kernel.TxHash) ([]byte, kernel.Timestamp, bool) {
	n.RLock()
	defer n.RUnlock()
	raw, ok := n.pending[hash]
	return raw, n.view.Head().Timestamp, ok
}

// Explain says little: there is no consensus to wait for.
func (n *Node) Explain(hash kernel.TxHash) client.Explanation {
	out := client.Explanation{Transaction: hash, State: client.Unknown, Holders: []client.Holder{}, Story: []string{"This node has never seen it."}}
	if receipt, ok := n.Receipt(hash); ok {
		out.State, out.Receipt, out.Story = client.State(receipt.Status.String()), &receipt, []string{"It has its receipt."}
	} else if _, _, ok := n.Pending(hash); ok {
		out.State, out.Story = client.Pending, []string{"It waits for a snapshot."}
	}
	return out
}

// Peers returns the other members.
func (n *Node) Peers() (peers []client.Peer) {
	for _, m := range n.Info().Roster[1:] {
		peers = append(peers, client.Peer{ID: m.ID, Address: "127.0.0.1:5850", Relayer: true, Name: m.Name, Connected: true, Round: m.Newest.Round})
	}
	return peers
}

// Graph shows the rounds as they are: everything is committed.
func (n *Node) Graph(from, to kernel.Round) client.Graph {
	n.RLock()
	defer n.RUnlock()
	g := client.Graph{From: from, To: to, Newest: n.newest[0].Round, Wave: 5, Vertices: []client.GraphVertex{}, Slots: []client.GraphSlot{}, Equivocations: []client.Equivocation{}}
	for _, m := range n.Genesis.Members {
		g.Names = append(g.Names, m.Name)
	}
	for _, id := range n.sequence {
		h := n.headers[id]
		if h.Round < from || h.Round > to {
			continue
		}
		v := client.GraphVertex{Vertex: client.Vertex{Author: h.Author, Round: h.Round, ID: id}, Timestamp: h.Timestamp, Status: client.VertexCommitted, Commit: n.places[id].commit}
		for _, p := range h.Parents {
			v.Parents = append(v.Parents, p.ID)
		}
		g.Vertices = append(g.Vertices, v)
	}
	return g
}

// Link is the round below the newest one: every snapshot names all of the round before.
func (n *Node) Link(from, to kernel.NodeID) (kernel.Round, bool) {
	info := n.Info()
	known := func(id kernel.NodeID) bool {
		return slices.ContainsFunc(n.Genesis.Members, func(m kernel.Member) bool { return kernel.NodeIDOf(info.Network, m.Key) == id })
	}
	if !known(from) || !known(to) {
		return 0, false
	}
	return max(info.Round, 1) - 1, true
}

// SignWitness signs with the first member's key.
func (n *Node) SignWitness(msg []byte) kernel.Signature { return n.keys[0].Sign(msg) }

// Commits returns the head and what closes when it moves.
func (n *Node) Commits() (kernel.CommitIndex, <-chan struct{}) {
	n.RLock()
	defer n.RUnlock()
	return n.view.Head().Index, n.changed
}

// CommitAt returns a commit.
func (n *Node) CommitAt(index kernel.CommitIndex) (*kernel.Commit, []kernel.Receipt, bool) {
	n.RLock()
	defer n.RUnlock()
	if index >= kernel.CommitIndex(len(n.commits)) {
		return nil, nil, false
	}
	return n.commits[index], n.receipts[index], true
}

// Receipt returns a receipt.
func (n *Node) Receipt(hash kernel.TxHash) (kernel.Receipt, bool) {
	n.RLock()
	defer n.RUnlock()
	return n.view.Receipt(hash)
}

// Transaction returns a final transaction.
func (n *Node) Transaction(hash kernel.TxHash) ([]byte, kernel.Receipt, bool) {
	n.RLock()
	defer n.RUnlock()
	receipt, judged := n.view.Receipt(hash)
	raw, ok := n.raw[hash]
	return raw, receipt, ok && judged
}

// Header returns a header.
func (n *Node) Header(id kernel.SnapshotID) (*kernel.Header, bool) {
	n.RLock()
	defer n.RUnlock()
	h, ok := n.headers[id]
	return h, ok
}

// Variants returns the one snapshot of a round.
func (n *Node) Variants(author kernel.Author, round kernel.Round) (ids []kernel.SnapshotID) {
	n.RLock()
	defer n.RUnlock()
	for _, id := range n.sequence {
		if h := n.headers[id]; h.Author == author && h.Round == round {
			ids = append(ids, id)
		}
	}
	return ids
}

// SnapshotPosition returns a place.
func (n *Node) SnapshotPosition(id kernel.SnapshotID) (kernel.CommitIndex, uint64, bool) {
	n.RLock()
	defer n.RUnlock()
	p, ok := n.places[id]
	return p.commit, p.position, ok
}

// SnapshotAt returns the snapshot at a place.
func (n *Node) SnapshotAt(position uint64) (id kernel.SnapshotID, ok bool) {
	n.RLock()
	defer n.RUnlock()
	if position >= uint64(len(n.sequence)) {
		return id, false
	}
	return n.sequence[position], true
}

// Faults returns faults.
func (n *Node) Faults(from, to kernel.CommitIndex, limit int) (found []ledger.Fault) {
	n.RLock()
	defer n.RUnlock()
	for _, f := range n.faults {
		if f.Commit < from || f.Commit > to {
			continue
		}
		if len(found) >= limit && f.Commit != found[len(found)-1].Commit {
			break
		}
		found = append(found, f)
	}
	return found
}

// Assets returns the genesis assets.
func (n *Node) Assets() (ids []kernel.AssetID) {
	for _, a := range n.Genesis.Assets {
		ids = append(ids, a.ID)
	}
	return ids
}

// View holds commits back until it is released.
func (n *Node) View() (ledger.View, func()) {
	n.RLock()
	return n.view, n.RUnlock
}

// Supply reads every output that a receipt could have made.
func (n *Node) Supply(context.Context) (ledger.View, map[kernel.AssetID]kernel.Amount, func(), error) {
	n.RLock()
	sums := map[kernel.AssetID]kernel.Amount{}
	for hash := range n.raw {
		for index := range uint16(256) {
			out, ok := n.view.Output(kernel.OutputRef{Hash: hash, Index: index})
			if !ok {
				break
			}
			if out.SpentBy.IsZero() {
				sums[out.Asset], _ = sums[out.Asset].Add(out.Amount)
			}
		}
	}
	return n.view, sums, n.RUnlock, nil
}
