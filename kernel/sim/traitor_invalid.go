package sim

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dag"
)

// A flawed way to spoil a snapshot that would be valid. It reports whether it could.
type spoil struct {
	name string
	do   func(*traitor, *draft) bool
}

// spoils break one rule of snapshots each.
var spoils = []spoil{
	{"no-quorum", func(t *traitor, d *draft) bool {
		d.header.Parents = d.header.Parents[:t.cabal.members.Q-1]
		return true
	}},
	{"parent-mismatch", func(t *traitor, d *draft) bool {
		p := &d.header.Parents[len(d.header.Parents)-1]
		v := t.cabal.graph.First(p.Author, p.Round-1)
		if v == nil {
			return false
		}
		p.ID = v.ID
		return true
	}},
	{"parent-too-old", func(t *traitor, d *draft) bool {
		return t.older(d, func(v *dag.Vertex) bool {
			return v.Round == 0 || v.Round+t.w.stage.genesis.Parameters.Depth < d.header.Round
		})
	}},
	{"parent-redundant", func(t *traitor, d *draft) bool {
		return t.older(d, func(v *dag.Vertex) bool {
			return v.Round > 0 && v.Round+t.w.stage.genesis.Parameters.Depth >= d.header.Round
		})
	}},
	{"time-backwards", func(t *traitor, d *draft) bool {
		d.header.Timestamp = d.branch.tip.Timestamp - 1
		return true
	}},
	{"exposed", func(t *traitor, d *draft) bool { return t.exposedParent(d) }},
	{"own-parent-of-another", func(t *traitor, d *draft) bool {
		d.header.Parents[0].ID = d.header.Parents[1].ID
		return true
	}},
	{"unordered", func(t *traitor, d *draft) bool {
		n := len(d.header.Parents)
		d.header.Parents[n-1], d.header.Parents[n-2] = d.header.Parents[n-2], d.header.Parents[n-1]
		return true
	}},
	{"repeated", func(t *traitor, d *draft) bool {
		d.header.Parents = append(d.header.Parents, d.header.Parents[len(d.header.Parents)-1])
		return true
	}},
	{"other-epoch", func(t *traitor, d *draft) bool { d.header.Epoch = 1; return true }},
	{"other-network", func(t *traitor, d *draft) bool { d.header.Network[3] ^= 1; return true }},
	{"other-author", func(t *traitor, d *draft) bool {
		d.header.Author = d.header.Parents[1].Author
		d.header.SortParents()
		return true
	}},
	{"time-beyond", func(t *traitor, d *draft) bool { d.header.Timestamp = kernel.MaxTimestamp; return true }},
	{"too-many-signatures", func(_ *traitor, d *draft) bool { d.entries = overfull(); return true }},
}

// overfull are the entries of a body with one signature too many. [DAG-12]
func overfull() []kernel.Entry {
	tx := kernel.Transaction{Aggregate: &kernel.AggregateSignature{Signers: make([]uint16, kernel.MaxBodySignatures)}}
	for i := range tx.Aggregate.Signers {
		tx.Aggregate.Signers[i] = uint16(i)
	}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		panic("sim: encode many signers: " + err.Error())
	}
	return []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: raw}, {Kind: kernel.EntryTransaction, Bytes: []byte("one more")}}
}

// older replaces a parent of the round below by an older snapshot of its author.
func (t *traitor) older(d *draft, fits func(*dag.Vertex) bool) bool {
	parents := d.header.Parents
	if len(parents) <= t.cabal.members.Q {
		return false // it would miss a quorum: another rule
	}
	last := &parents[len(parents)-1]
	for r := last.Round; r > 0; r-- {
		if v := t.cabal.graph.First(last.Author, r-1); v != nil && fits(v) {
			last.Round, last.ID = v.Round, v.ID
			return true
		}
	}
	return false
}

// exposedParent names a snapshot of an equivocator whose other variant the cone holds.
func (t *traitor) exposedParent(d *draft) bool {
	for i := 1; i < len(d.header.Parents); i++ {
		p := &d.header.Parents[i]
		if variants := t.cabal.graph.Variants(p.Author, p.Round); len(variants) > 1 {
			j := slices.IndexFunc(variants, func(v *dag.Vertex) bool { return v.ID != p.ID })
			p.ID = variants[j].ID
			return true
		}
	}
	return false
}

// planInvalidParents signs snapshots that break each rule of the graph in turn, shows them, and
// then goes on with a valid one. To those that get it first, the valid one is no equivocation;
// to others it may be.
func planInvalidParents(t *traitor) plot {
	next := t.arg % len(spoils)
	return plot{ready: func(b *branch) bool {
		if !t.chance(12) {
			return true
		}
		for range spoils {
			s := spoils[next]
			next = (next + 1) % len(spoils)
			if t.spoilt(b, s) {
				break
			}
		}
		t.made = t.w.clock.Now()
		return false
	}}
}

// spoilt makes and shows a snapshot that breaks a rule.
func (t *traitor) spoilt(b *branch, s spoil) bool {
	d := t.draft(b)
	if d == nil || len(d.header.Parents) < 3 || !s.do(t, d) {
		return false
	}
	t.w.reached("traitor_breaks_" + s.name)
	t.sign(d)
	to := t.victims()
	if t.chance(50) {
		to = t.some(2)
	}
	for _, p := range to {
		t.w.send(int(t.author), p, d.frame)
	}
	return true
}
