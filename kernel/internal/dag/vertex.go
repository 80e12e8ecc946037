package dag

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// A Vertex is an accepted snapshot as the rules see it: its place, its parents, and what its
// cone holds. Everything in it is a function of the cone alone, so it is the same on every
// node that accepts the snapshot, and it never changes.
type Vertex struct {
	ID        kernel.SnapshotID
	Header    *kernel.Header // nil for round 0
	Author    kernel.Author
	Round     kernel.Round
	Timestamp kernel.Timestamp
	Parents   []kernel.Parent // in header order: own, round-1, older
	Claim     kernel.CommitClaim
	Closing   bool
	Entries   int  // entries in the body
	HasShare  bool // carries a coin share, good or not

	Cut     // what the cone holds, the vertex included
	anchors [len(strides)]kernel.SnapshotID

	// Notes of the commit rule about the cone; see package consensus.
	Votes   committee.Set // authors of whom the cone holds a snapshot of round Round-(w-2)
	Certs   committee.Set // authors whose snapshot of round Round-(w-1) this vertex certifies
	Decided Progress      // how far the cone alone decides the total order
	Counted kernel.CommitIndex
	Named   bool // Claim.Digest counts: the author names a state at Claim.Index
}

// strides are the distances of anchors: a vertex knows the snapshots of its own chain at the
// highest multiple of each stride below its round. So a chain of any length is walked down in
// few steps, and an equivocator cannot make every join cost what its whole life cost.
var strides = [...]kernel.Round{64, 4096}

// anchor notes the anchors of v, whose previous snapshot is own.
func (v *Vertex) anchor(own *Vertex) {
	for i, s := range strides {
		if own.Round%s == 0 {
			v.anchors[i] = own.ID
		} else {
			v.anchors[i] = own.anchors[i]
		}
	}
}

// below is the snapshot of v's own chain that is farthest down of those known to v, and not
// below round r, which is less than v's.
func (v *Vertex) below(r kernel.Round) kernel.SnapshotID {
	for i := len(strides) - 1; i >= 0; i-- {
		if (v.Round-1)/strides[i]*strides[i] >= r {
			return v.anchors[i]
		}
	}
	return v.Parents[0].ID
}

// Progress is how far the total order is decided: the first undecided slot, and how many
// commits lie before it.
type Progress struct {
	Round   kernel.Round
	Rank    int
	Commits kernel.CommitIndex
}

// Before reports whether p is an earlier point of the order than o.
func (p Progress) Before(o Progress) bool {
	return p.Round < o.Round || p.Round == o.Round && p.Rank < o.Rank
}

// Strong lists the parents of the round just below; the author's own is the first.
func (v *Vertex) Strong() []kernel.Parent {
	n := 0
	for n < len(v.Parents) && v.Parents[n].Round+1 == v.Round {
		n++
	}
	return v.Parents[:n]
}

// Names is the set of other authors of whom v names a snapshot of the round just below.
func (v *Vertex) Names() (set committee.Set) {
	for _, p := range v.Strong()[1:] {
		set = set.With(p.Author)
	}
	return set
}

// AppendNotes appends what cannot be read off the header cheaply, for the log: restarting
// reads it back instead of walking the graph again.
func (v *Vertex) AppendNotes(b []byte) []byte {
	b = codec.AppendBool(b, v.HasShare)
	b = codec.AppendU16(b, uint16(v.Entries))
	b = v.Cut.appendBinary(b)
	for _, id := range v.anchors {
		b = append(b, id[:]...)
	}
	b = codec.AppendU64(b, uint64(v.Votes))
	b = codec.AppendU64(b, uint64(v.Certs))
	b = codec.AppendU64(b, uint64(v.Decided.Round))
	b = append(b, byte(v.Decided.Rank))
	b = codec.AppendU64(b, uint64(v.Decided.Commits))
	b = codec.AppendU64(b, uint64(v.Counted))
	return codec.AppendBool(b, v.Named)
}

// VertexOf rebuilds a vertex from its header and the notes that AppendNotes wrote.
func VertexOf(id kernel.SnapshotID, h *kernel.Header, notes []byte) (*Vertex, error) {
	v := fromHeader(id, h)
	r := codec.NewReader(notes)
	v.HasShare = r.Bool("share")
	v.Entries = int(r.U16("entries"))
	v.Cut = readCut(r)
	for i := range v.anchors {
		r.Fixed(v.anchors[i][:], "anchor")
	}
	v.Votes = committee.Set(r.U64("votes"))
	v.Certs = committee.Set(r.U64("certs"))
	v.Decided.Round = kernel.Round(r.U64("decided round"))
	v.Decided.Rank = int(r.U8("decided rank"))
	v.Decided.Commits = kernel.CommitIndex(r.U64("decided commits"))
	v.Counted = kernel.CommitIndex(r.U64("counted"))
	v.Named = r.Bool("named")
	return v, r.Done()
}

func fromHeader(id kernel.SnapshotID, h *kernel.Header) *Vertex {
	return &Vertex{
		ID: id, Header: h, Author: h.Author, Round: h.Round, Timestamp: h.Timestamp,
		Parents: h.Parents, Claim: h.Claim, Closing: h.Closing,
	}
}
