package node

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// newEngine builds the engine from what the folder holds.
func (n *Node) newEngine() (*engine.Engine, error) {
	g := n.config.Genesis
	genesis, _, ok := n.store.CommitAt(0)
	if !ok {
		return nil, fmt.Errorf("folder %s has no genesis commit", n.config.Home)
	}
	restored, err := n.restored()
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Network: n.network, Roster: g.Roster(), Parameters: g.Parameters,
		State: genesis.Digest, Started: genesis.Timestamp, Self: n.self,
		Signer: signer{n}, History: graphHistory{n.store},
		BatchWindow: kernel.Timestamp(n.config.BatchWindow.Milliseconds()),
		IdlePeriod:  kernel.Timestamp(n.config.IdlePeriod.Milliseconds()),
		Fanout:      n.config.Fanout,
	}, restored), nil
}

// restored reads back what the engine goes on from: the order after the newest executed commit
// and the accepted snapshots around and above it. What lies deeper is found in the store.
func (n *Node) restored() (engine.Restored, error) {
	head := n.store.Head()
	r := engine.Restored{
		Executed: kernel.CommitClaim{Index: head.Index, Digest: head.Digest},
	}
	if n.store.LogState() == store.Doubtful && head.Index > 0 && !n.holdsAny() {
		return r, fmt.Errorf("%w: the state is after commit %d", errLogLost, head.Index)
	}
	if blob := n.store.Consensus(); len(blob) > 0 {
		r.Order = new(consensus.Order)
		if err := r.Order.UnmarshalBinary(blob); err != nil {
			return r, fmt.Errorf("stored order of commit %d: %w", head.Index, err)
		}
		if keep := 2 * n.config.Genesis.Parameters.Horizon; r.Order.Progress.Round > keep {
			r.Floor = r.Order.Progress.Round - keep
		}
	}
	for a := range n.config.Genesis.Members {
		newest, ok := n.store.Newest(kernel.Author(a))
		if !ok {
			continue
		}
		for round := min(max(r.Floor, 1), newest); round <= newest; round++ {
			if err := n.restorePlace(&r, kernel.Author(a), round); err != nil {
				return r, err
			}
		}
	}
	slices.SortStableFunc(r.Window, func(x, y *dag.Vertex) int { return cmp.Compare(x.Round, y.Round) })
	r.Trusted = n.store.LogState() != store.Doubtful // last: reading may have met damage
	return r, nil
}

func (n *Node) holdsAny() bool {
	for a := range n.config.Genesis.Members {
		if _, ok := n.store.Newest(kernel.Author(a)); ok {
			return true
		}
	}
	return false
}

func (n *Node) restorePlace(r *engine.Restored, a kernel.Author, round kernel.Round) error {
	for _, id := range n.store.Variants(a, round) {
		rec, ok := n.store.Snapshot(id)
		if !ok {
			return fmt.Errorf("%w: snapshot %s cannot be read", errLogLost, id)
		}
		v, err := vertexOf(rec)
		if err != nil {
			return err
		}
		r.Window = append(r.Window, v)
		if _, _, executed := n.store.SnapshotPosition(id); executed || v.Entries == 0 {
			continue
		}
		arrival, err := n.checker.inspect(n.self, joinRecord(rec), true)
		if err != nil {
			return fmt.Errorf("snapshot %s of the log: %w", id, err)
		}
		r.Open = append(r.Open, arrival)
	}
	return nil
}

func vertexOf(rec store.Record) (*dag.Vertex, error) {
	h := new(kernel.Header)
	if err := h.UnmarshalBinary(rec.Header); err != nil {
		return nil, fmt.Errorf("snapshot %s of the log: %w", rec.ID, err)
	}
	v, err := dag.VertexOf(rec.ID, h, rec.Meta)
	if err != nil {
		return nil, fmt.Errorf("notes of snapshot %s: %w", rec.ID, err)
	}
	return v, nil
}

// joinRecord is the encoded snapshot of a log record; splitRecord undoes it.
func joinRecord(r store.Record) []byte {
	b := codec.AppendBytes16(make([]byte, 0, len(r.Header)+len(r.Body)+6), r.Header)
	return codec.AppendBytes32(b, r.Body)
}

func splitRecord(r engine.Record) store.Record {
	d := codec.NewReader(r.Raw)
	out := store.Record{ID: r.ID, Author: r.Author, Round: r.Round, Meta: r.Notes}
	out.Header = d.View16(kernel.MaxHeaderSize, "header")
	out.Body = d.View32(kernel.MaxBodySize, "body")
	return out
}

// graphHistory lets the graph read what it no longer keeps.
type graphHistory struct{ store *store.Store }

func (h graphHistory) Vertex(id kernel.SnapshotID) (*dag.Vertex, bool) {
	rec, ok := h.store.Snapshot(id)
	if !ok {
		return nil, false
	}
	v, err := vertexOf(rec)
	if err != nil {
		panic("node: " + err.Error()) // checksums passed: the notes are ours
	}
	return v, true
}

func (h graphHistory) Variants(a kernel.Author, r kernel.Round) []kernel.SnapshotID {
	return h.store.Variants(a, r)
}

// signer makes the node's own signatures and coin shares.
type signer struct{ n *Node }

func (s signer) Sign(id kernel.SnapshotID) kernel.Signature { return s.n.key.Sign(id[:]) }

func (s signer) SignRecord(h kernel.Hash) kernel.Signature { return s.n.key.Sign(h[:]) }

func (s signer) Share(r kernel.Round) *kernel.CoinShare {
	share, err := s.n.coin.Share(s.n.config.Identity.CoinShare, s.n.self, r)
	if err != nil {
		panic("node: coin share: " + err.Error()) // the identity was checked at Open
	}
	return share
}
