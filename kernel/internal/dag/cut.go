package dag

import (
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Cut is a set of snapshots that holds the cone of each of its members: a matrix clock row
// with room for equivocators. Every author's chain has no gaps, so the highest round of each
// author says which snapshots are in the set.
//
// An author that is known to equivocate has several chains; then Forks names the tips of
// those that the cut holds. An author without an entry there is held along the chain of
// snapshots that were accepted first, up to Clock.
type Cut struct {
	Clock []kernel.Round // by author; round 0 is in every cut
	Forks []Fork         // by ascending author, only known equivocators
}

// A Fork lists the highest snapshots of the chains of one author that a cut holds.
type Fork struct {
	Author kernel.Author
	Tips   []Tip // ascending by id; two or more mean the cut exposes the author
}

// A Tip is the end of a chain.
type Tip struct {
	Round kernel.Round
	ID    kernel.SnapshotID
}

// NewCut returns the cut that holds round 0 only, of n authors.
func NewCut(n int) Cut { return Cut{Clock: make([]kernel.Round, n)} }

// Clone returns a copy that shares nothing.
func (c Cut) Clone() Cut {
	out := Cut{Clock: slices.Clone(c.Clock)}
	for _, f := range c.Forks {
		out.Forks = append(out.Forks, Fork{f.Author, slices.Clone(f.Tips)})
	}
	return out
}

func (c *Cut) fork(a kernel.Author) ([]Tip, bool) {
	for i := range c.Forks {
		if c.Forks[i].Author == a {
			return c.Forks[i].Tips, true
		}
	}
	return nil, false
}

func (c *Cut) setFork(a kernel.Author, tips []Tip) {
	slices.SortFunc(tips, func(x, y Tip) int { return x.ID.Compare(y.ID) })
	i, found := slices.BinarySearchFunc(c.Forks, a, func(f Fork, a kernel.Author) int { return int(f.Author) - int(a) })
	if found {
		c.Forks[i].Tips = tips
	} else {
		c.Forks = slices.Insert(c.Forks, i, Fork{a, tips})
	}
	for _, t := range tips {
		c.Clock[a] = max(c.Clock[a], t.Round)
	}
}

// Exposes reports whether the cut holds two snapshots of one round by a.
func (c *Cut) Exposes(a kernel.Author) bool {
	tips, _ := c.fork(a)
	return len(tips) > 1
}

const (
	tipSize = 8 + 32
	maxTips = 4096 // of one author in one cut; far above what novelty limits let in
)

func (c *Cut) appendBinary(b []byte) []byte {
	b = append(b, byte(len(c.Clock)))
	for _, r := range c.Clock {
		b = codec.AppendU64(b, uint64(r))
	}
	b = append(b, byte(len(c.Forks)))
	for _, f := range c.Forks {
		b = append(b, byte(f.Author))
		b = codec.AppendU16(b, uint16(len(f.Tips)))
		for _, t := range f.Tips {
			b = codec.AppendU64(b, uint64(t.Round))
			b = append(b, t.ID[:]...)
		}
	}
	return b
}

func readCut(r *codec.Reader) (c Cut) {
	n := int(r.U8("clock"))
	if n > kernel.MaxMembers {
		r.Fail(codec.TooLarge, "clock")
		return c
	}
	c.Clock = make([]kernel.Round, n)
	for i := range c.Clock {
		c.Clock[i] = kernel.Round(r.U64("clock"))
	}
	forks := int(r.U8("forks"))
	if forks > n {
		r.Fail(codec.TooLarge, "forks")
		return c
	}
	for range forks {
		a := kernel.Author(r.U8("fork author"))
		tips := make([]Tip, r.Count16(maxTips, tipSize, "tips"))
		for i := range tips {
			tips[i].Round = kernel.Round(r.U64("tip round"))
			r.Fixed(tips[i].ID[:], "tip id")
		}
		if r.Failed() || int(a) >= n {
			r.Fail(codec.BadValue, "fork author")
			return c
		}
		c.Forks = append(c.Forks, Fork{a, tips})
	}
	return c
}

// AppendBinary appends the cut's binary form.
func (c *Cut) AppendBinary(b []byte) ([]byte, error) { return c.appendBinary(b), nil }

// ReadCut reads the form of AppendBinary.
func ReadCut(r *codec.Reader) Cut { return readCut(r) }
