package naive

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// What Check returns: the rules of a snapshot's place, and a parent that is not there.
var (
	ErrMissing   = errors.New("missing_parent")
	ErrPlace     = errors.New("wrong_place")       // [DAG-2]
	ErrParent    = errors.New("parent_mismatch")   // [DAG-3]
	ErrQuorum    = errors.New("no_quorum")         // [DAG-4]
	ErrNotVoting = errors.New("parent_not_voting") // [DAG-5]
	ErrOld       = errors.New("parent_too_old")    // [DAG-6]
	ErrRedundant = errors.New("parent_redundant")  // [DAG-7]
	ErrExposed   = errors.New("parent_exposed")    // [DAG-8]
	ErrTime      = errors.New("time_backwards")    // [DAG-9]
)

// Check judges the place of a snapshot whose parents are all in the world. The author's
// signature, the network and the epoch are not looked at.
func (w *World) Check(h *kernel.Header) error {
	if int(h.Author) >= w.k || h.Round == 0 || len(h.Parents) == 0 {
		return fmt.Errorf("%w: author %d round %d", ErrPlace, h.Author, h.Round)
	}
	parents := make([]*Snap, len(h.Parents))
	for i, p := range h.Parents {
		s, ok := w.byID[p.ID]
		if !ok {
			return fmt.Errorf("%w: %d@%d", ErrMissing, p.Author, p.Round)
		}
		if s.Author != p.Author || s.Round != p.Round || i == 0 && (p.Author != h.Author || p.Round+1 != h.Round) {
			return fmt.Errorf("%w: %v", ErrParent, s)
		}
		parents[i] = s
	}
	if err := w.checkPlaces(h.Round, parents); err != nil {
		return err
	}
	for i, s := range parents {
		for k, other := range parents {
			if s.Round+1 < h.Round && i != k && other.Cone.Has(s) {
				return fmt.Errorf("%w: %v", ErrRedundant, s)
			}
		}
	}
	if err := w.checkExposed(parents); err != nil {
		return err
	}
	if h.Timestamp < parents[0].Time {
		return ErrTime
	}
	return nil
}

func (w *World) checkPlaces(round kernel.Round, parents []*Snap) error {
	named := make([]bool, w.k)
	voters := 0
	for i, s := range parents {
		switch {
		case named[s.Author]:
			return fmt.Errorf("%w: author %d twice", ErrParent, s.Author)
		case i > 0 && !w.votes(s.Author):
			return fmt.Errorf("%w: %v", ErrNotVoting, s)
		case s.Round >= round:
			return fmt.Errorf("%w: %v", ErrParent, s)
		case s.Round+1 < round && (s.Round == 0 || s.Round+w.rules.Depth < round):
			return fmt.Errorf("%w: %v", ErrOld, s)
		}
		named[s.Author] = true
		if s.Round+1 == round && w.votes(s.Author) {
			voters++
		}
	}
	if voters < w.q {
		return fmt.Errorf("%w: %d of %d", ErrQuorum, voters, w.q)
	}
	return nil
}

func (w *World) checkExposed(parents []*Snap) error {
	var cone Part
	for _, s := range parents {
		cone.Join(s.Cone)
	}
	for _, s := range parents {
		if w.Forked(cone, s.Author) {
			return fmt.Errorf("%w: author %d", ErrExposed, s.Author)
		}
	}
	return nil
}

// Forked reports whether the part holds two snapshots of one round by a.
func (w *World) Forked(p Part, a kernel.Author) bool {
	for r := range w.rounds {
		held := 0
		for _, s := range w.rounds[r][a] {
			if p.Has(s) {
				held++
			}
		}
		if held > 1 {
			return true
		}
	}
	return false
}
