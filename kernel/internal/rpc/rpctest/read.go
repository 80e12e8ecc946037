package rpctest

import (
	"errors"
	"io"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// Pending returns a submitted transaction.
func (n *Node) Pending(hash kernel.TxHash) ([]byte, kernel.Timestamp, bool) {
	n.RLock()
	defer n.RUnlock()
	raw, ok := n.pending[hash]
	return raw, n.view.Head().Timestamp, ok
}

// Excluded implements rpc.Node: this node's mempool holds no conflicts.
func (n *Node) Excluded(kernel.TxHash) (kernel.Receipt, bool) { return kernel.Receipt{}, false }

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

// Ordered returns a commit without its receipts.
func (n *Node) Ordered(index kernel.CommitIndex) (*kernel.Commit, bool) {
	c, _, ok := n.CommitAt(index)
	return c, ok
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

// Transaction returns a receipt and the bytes of a final transaction.
func (n *Node) Transaction(hash kernel.TxHash) ([]byte, kernel.Receipt, bool) {
	n.RLock()
	defer n.RUnlock()
	receipt, judged := n.view.Receipt(hash)
	if receipt.Status != kernel.Final {
		return nil, receipt, judged
	}
	return n.raw[hash], receipt, judged
}

// Header returns the bytes of a header.
func (n *Node) Header(id kernel.SnapshotID) ([]byte, bool) {
	n.RLock()
	defer n.RUnlock()
	h, ok := n.headers[id]
	if !ok {
		return nil, false
	}
	encoded, err := h.AppendBinary(nil)
	return encoded, err == nil
}

// Body returns the bytes of a body.
func (n *Node) Body(id kernel.SnapshotID) ([]byte, bool) {
	n.RLock()
	defer n.RUnlock()
	b, ok := n.bodies[id]
	return b, ok
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
func (n *Node) Faults(from uint64, limit int) []ledger.Fault {
	n.RLock()
	defer n.RUnlock()
	from = min(from, uint64(len(n.faults)))
	return n.faults[from:min(from+uint64(limit), uint64(len(n.faults)))]
}

// View holds commits back until it is released.
func (n *Node) View() (rpc.View, func()) {
	n.RLock()
	return fullView{n.view, n}, n.RUnlock
}

// A fullView is read while the node's lock is held.
type fullView struct {
	*ledger.MemView
	node *Node
}

// Assets returns the genesis assets.
func (v fullView) Assets() (all []ledger.ChangedAsset) {
	for _, a := range v.node.Genesis.Assets {
		asset, _ := v.Asset(a.ID)
		all = append(all, ledger.ChangedAsset{ID: a.ID, Asset: asset})
	}
	return all
}

// Outputs calls fn for every output until it fails.
func (v fullView) Outputs(fn func(kernel.OutputRef, ledger.Output) error) (err error) {
	v.MemView.Outputs(func(ref kernel.OutputRef, out ledger.Output) {
		if err == nil {
			err = fn(ref, out)
		}
	})
	return err
}

// Base implements rpc.History: all is here.
func (n *Node) Base() kernel.CommitIndex { return 0 }

// ExportState implements rpc.History: nothing is certified here, unless a test says so.
func (n *Node) ExportState(w io.Writer) (kernel.CommitIndex, error) {
	if n.Export != nil {
		return n.Export(w)
	}
	return 0, errNoState
}

var errNoState = errors.New("no epoch has ended: there is no state to export")
