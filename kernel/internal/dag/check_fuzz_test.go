package dag

import (
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// A referee judges snapshots by walking over whole cones, with nothing kept from one to the next.
// The bench's committee: four voting members, q is 3, D is 3.
type referee struct {
	headers map[kernel.SnapshotID]*kernel.Header
}

// cone is a snapshot's parents and all that they reach, round 0 included.
func (r referee) cone(parents []kernel.Parent, into map[kernel.SnapshotID]kernel.Parent) {
	for _, p := range parents {
		if _, known := into[p.ID]; known {
			continue
		}
		into[p.ID] = p
		if h := r.headers[p.ID]; h != nil {
			r.cone(h.Parents, into)
		}
	}
}

func (r referee) place(p kernel.Parent) (a kernel.Author, round kernel.Round) {
	if h := r.headers[p.ID]; h != nil {
		return h.Author, h.Round
	}
	for a := range kernel.Author(4) {
		if id(a, 0, 0) == p.ID {
			return a, 0
		}
	}
	panic("referee: unknown parent")
}

// flaws lists everything that is wrong with a snapshot, as docs/spec has it.
func (r referee) flaws(self kernel.SnapshotID, h *kernel.Header) (all []Flaw) {
	if h.Author >= 4 {
		return []Flaw{WrongPlace}
	}
	voters := make(map[kernel.Author]bool)
	for _, p := range h.Parents {
		a, round := r.place(p)
		if a != p.Author || round != p.Round {
			return append(all, ParentMismatch)
		}
		if round+1 == h.Round {
			voters[a] = true
		} else if round == 0 || round+3 < h.Round {
			all = append(all, ParentTooOld)
		}
	}
	if len(voters) < 3 {
		all = append(all, NoQuorum)
	}
	for _, p := range h.Parents {
		if p.Round+1 == h.Round {
			continue
		}
		for _, other := range h.Parents {
			cone := make(map[kernel.SnapshotID]kernel.Parent)
			r.cone([]kernel.Parent{other}, cone)
			if _, held := cone[p.ID]; held && other.ID != p.ID {
				all = append(all, ParentRedundant)
			}
		}
	}
	cone := map[kernel.SnapshotID]kernel.Parent{self: {Author: h.Author, Round: h.Round, ID: self}}
	r.cone(h.Parents, cone)
	seen := make(map[slotOf]kernel.SnapshotID)
	exposed := make(map[kernel.Author]bool)
	for _, p := range cone {
		s := slotOf{p.Author, p.Round}
		if first, twice := seen[s]; twice && first != p.ID {
			exposed[p.Author] = true
		}
		seen[s] = p.ID
	}
	for _, p := range h.Parents {
		if exposed[p.Author] {
			all = append(all, ParentExposed)
		}
	}
	if own := r.headers[h.Parents[0].ID]; own != nil && h.Timestamp < own.Timestamp || own == nil && h.Timestamp < 1 {
		all = append(all, TimeBackwards)
	}
	return all
}

type slotOf struct {
	author kernel.Author
	round  kernel.Round
}

// FuzzCheck grows a graph of four authors by bytes, equivocators and restarts among them, and asks
// a referee that walks over whole cones for each snapshot: the same are valid, and the flaw that is
// named is one of those that there are.
func FuzzCheck(f *testing.F) {
	var calm []byte
	for range 5 {
		for a := range byte(4) {
			calm = append(calm, a, 0x0f, 0, 0)
		}
	}
	f.Add(calm)
	f.Add(append(append([]byte{}, calm[:40]...), 2, 0x07, 1, 0, 1, 0x0f, 2, 0, 0, 0x4f, 0, 1, 3, 0x0e, 0, 0))
	f.Add(append(append([]byte{}, calm[:48]...), 0x82, 0x0f, 1, 0, 1, 0x0f, 2, 0x40, 0, 0x0f, 0, 1, 0x43, 0x0e, 0, 0))
	late := append([]byte{}, calm[:16]...) // the fourth falls silent, and is named when it is D rounds old, and older
	for range 3 {
		late = append(late, 0, 0x07, 0, 0, 1, 0x07, 0, 0, 2, 0x07, 0, 0)
	}
	f.Add(append(append([]byte{}, late...), 0, 0x17, 3, 0))
	f.Add(append(append([]byte{}, late[:len(late)-12]...), 0, 0x17, 3, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		bench := newBench(t)
		ref := referee{make(map[kernel.SnapshotID]*kernel.Header)}
		for i := 0; i+4 <= len(b) && i < 4*40; i += 4 {
			bench.grow(t, ref, [4]byte(b[i:i+4]))
		}
	})
}

// grow makes one snapshot of what four bytes say, and judges it twice.
//
//	0 author (2 bits), a restart first (1), an older own parent, which makes a twin (1), variant (3)
//	1 authors among the parents (4), an older parent is added (1), drawn by byte 2
//	2 which variants are named, by author (2 bits each)
//	3 timestamp (2), a wrong round or author in a parent (1)
func (b *bench) grow(t *testing.T, ref referee, c [4]byte) {
	author := kernel.Author(c[0] & 3)
	if c[0]&4 != 0 && len(b.order) > 0 {
		b.restart(b.order[len(b.order)-1].Round / 2)
	}
	own := b.pick(author, kernel.MaxRound, c[2]>>(2*author))
	if c[0]&8 != 0 && own.Round > 0 {
		own = ref.headers[own.ID].Parents[0]
	}
	round := own.Round + 1
	h := &kernel.Header{Author: author, Round: round, Timestamp: 1 + kernel.Timestamp(c[3]&3), Parents: []kernel.Parent{own}}
	for a := range kernel.Author(4) {
		if p := b.pick(a, own.Round, c[2]>>(2*a)); a != author && c[1]&(1<<a) != 0 && !slices.Contains(h.Parents, p) {
			h.Parents = append(h.Parents, p)
		}
	}
	if c[1]&16 != 0 && len(b.order) > 0 {
		v := b.order[int(c[2])%len(b.order)]
		p := kernel.Parent{Author: v.Author, Round: v.Round, ID: v.ID}
		// The codec lets one older parent an author through, and two of the round before.
		if p.Round < round && !slices.ContainsFunc(h.Parents, func(o kernel.Parent) bool { return o.Author == p.Author }) {
			h.Parents = append(h.Parents, p)
		}
	}
	if c[3]&4 != 0 && len(h.Parents) > 1 {
		h.Parents[1].Round ^= 1
		if h.Parents[1].Round >= round {
			return // the codec refuses it
		}
	}
	h.SortParents()
	self := id(author, round, c[0]>>5)
	self[3], self[4] = c[1], c[2] // content makes the id
	self[5], self[6] = c[3], byte(len(h.Parents))
	for _, p := range h.Parents {
		self[7] = self[7]*31 + p.ID[0] + p.ID[3] + p.ID[7]
	}
	if b.graph.Has(self) {
		return
	}
	v, err := b.graph.Check(self, h)
	want := ref.flaws(self, h)
	switch {
	case err == nil && len(want) > 0:
		t.Fatalf("%d@%d on %v is valid, but: %v", author, round, h.Parents, want)
	case err != nil && !slices.ContainsFunc(want, func(f Flaw) bool { return errors.Is(err, f) }):
		t.Fatalf("%d@%d on %v: %v, want one of %v", author, round, h.Parents, err, want)
	case err == nil:
		b.graph.Insert(v)
		b.stored[v.ID], ref.headers[v.ID] = v, h
		b.order = append(b.order, v)
	}
}

// pick is one of an author's newest snapshots at or below a round.
func (b *bench) pick(a kernel.Author, most kernel.Round, which byte) kernel.Parent {
	best := kernel.Parent{Author: a, ID: id(a, 0, 0)}
	var ids []kernel.SnapshotID
	for _, v := range b.order {
		if v.Author == a && v.Round <= most && v.Round >= best.Round {
			if v.Round > best.Round {
				ids = nil
			}
			best.Round, ids = v.Round, append(ids, v.ID)
		}
	}
	if len(ids) > 0 {
		best.ID = ids[int(which&3)%len(ids)]
	}
	return best
}
