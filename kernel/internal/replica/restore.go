package replica

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// ErrLogLost says that the folder's log lacks what its state was made from: see Rebuild.
var ErrLogLost = errors.New("log is lost or damaged")

// Restored reads back what the engine goes on from: the order after the newest executed commit
// and the accepted snapshots around and above it. What lies deeper is found in the store. The
// error is ErrLogLost if the log is not what the state needs.
func (r *Replica) Restored() (engine.Restored, error) {
	head := r.store.Head()
	current, _ := splitOrders(r.store.Consensus())
	out := engine.Restored{
		Executed: kernel.CommitClaim{Index: head.Index, Digest: head.Digest},
		Epoch:    engine.Turn{Hurry: r.epoch.Next != nil, Decided: r.epoch.Decided},
	}
	if r.store.LogState() == store.Doubtful && head.Index > r.store.Base() && !r.holdsAny() {
		return out, fmt.Errorf("%w: the state is after commit %d", ErrLogLost, head.Index)
	}
	return out, r.restoreEpoch(&out, r.Seat(), current)
}

// restoredAfter reads back what the log holds of an epoch that the state has just reached. After a loss of power the
// state may be of long before: then this node may have signed in that epoch already.
func (r *Replica) restoredAfter(s *Seat) (engine.Restored, error) {
	out := engine.Restored{Executed: kernel.CommitClaim{Index: s.genesis.Index, Digest: s.genesis.Digest}}
	return out, r.restoreEpoch(&out, s, nil)
}

// restoredBefore reads back the epoch before the one in force, as it ended.
func (r *Replica) restoredBefore(s *Seat) (engine.Restored, error) {
	end := r.Seat().genesis
	_, ended := splitOrders(r.store.Consensus())
	out := engine.Restored{
		Executed: kernel.CommitClaim{Index: end.Index, Digest: end.Digest},
		Epoch:    engine.Turn{Decided: end.Index, Ended: end.Index},
	}
	return out, r.restoreEpoch(&out, s, ended)
}

func (r *Replica) restoreEpoch(out *engine.Restored, s *Seat, order []byte) (err error) {
	if out.Order, err = orderOf(order); err != nil {
		return fmt.Errorf("stored order of epoch %d: %w", s.Epoch, err)
	}
	if keep := 2 * r.genesis.Parameters.Horizon; out.Order != nil && out.Order.Progress.Round > keep {
		out.Floor = out.Order.Progress.Round - keep
	}
	for a := range s.Roster.Members {
		newest, ok := r.store.NewestIn(s.Epoch, kernel.Author(a))
		if !ok {
			continue
		}
		for round := min(max(out.Floor, 1), newest); round <= newest; round++ {
			if err := r.restorePlace(out, s, kernel.Author(a), round); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(out.Window, func(x, y *dag.Vertex) int { return cmp.Compare(x.Round, y.Round) })
	out.Trusted = r.store.LogState() != store.Doubtful // last: reading may have met damage
	return nil
}

// holdsAny reports whether the log holds snapshots of the epoch in force or the one before.
func (r *Replica) holdsAny() bool {
	seats := r.seats.Load()
	for _, s := range []*Seat{seats.current, seats.previous} {
		for a := 0; s != nil && a < len(s.keys); a++ {
			if _, ok := r.store.NewestIn(s.Epoch, kernel.Author(a)); ok {
				return true
			}
		}
	}
	return false
}

func (r *Replica) restorePlace(out *engine.Restored, s *Seat, a kernel.Author, round kernel.Round) error {
	for _, id := range r.store.VariantsIn(s.Epoch, a, round) {
		rec, ok := r.store.Snapshot(id)
		if !ok {
			return fmt.Errorf("%w: snapshot %s cannot be read", ErrLogLost, id)
		}
		v, err := vertexOf(rec)
		if err != nil {
			return err
		}
		out.Window = append(out.Window, v)
		if _, _, executed := r.store.SnapshotPosition(id); executed || v.Entries == 0 {
			continue
		}
		arrival, err := r.Inspect(s.Self, joinRecord(rec), true)
		if err != nil {
			return fmt.Errorf("snapshot %s of the log: %w", id, err)
		}
		out.Open = append(out.Open, arrival)
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
type graphHistory struct {
	store *store.Store
	epoch kernel.Epoch
}

func (h graphHistory) Vertex(id kernel.SnapshotID) (*dag.Vertex, bool) {
	rec, ok := h.store.Snapshot(id)
	if !ok {
		return nil, false
	}
	v, err := vertexOf(rec)
	if err != nil {
		panic("replica: " + err.Error()) // checksums passed: the notes are ours
	}
	return v, v.Header.Epoch == h.epoch
}

func (h graphHistory) Variants(a kernel.Author, r kernel.Round) []kernel.SnapshotID {
	return h.store.VariantsIn(h.epoch, a, r)
}
