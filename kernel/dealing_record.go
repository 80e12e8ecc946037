package kernel

import (
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
)

// A DealingRecord is the payload of a dealing: one member's contribution to the next epoch's coin
// key. The draft names the roster that it is for and nothing else. [EPO-3]
type DealingRecord struct {
	Draft   Hash
	Dealing []byte // a sharing.Dealing, whose own limits are above those of any roster
}

// MaxDealing bounds a dealing for the largest roster: 17 commitments and 50 shares. [LIM]
const MaxDealing = 1 + 17*32 + 32 + 64 + 1 + MaxMembers*48

// AppendBinary appends the canonical form.
func (d *DealingRecord) AppendBinary(b []byte) []byte {
	return codec.AppendBytes16(append(b, d.Draft[:]...), d.Dealing)
}

// UnmarshalBinary decodes exactly one canonical payload. Dealing aliases b.
func (d *DealingRecord) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	r.Fixed(d.Draft[:], "draft")
	d.Dealing = r.View16(MaxDealing, "dealing")
	return r.Done()
}

// A VerdictRecord is the payload of a verdict: what a member of the next roster finds in the closed
// set of dealings, and the key that it will sign the next epoch's checkpoints with. [EPO-5]
type VerdictRecord struct {
	Draft         Hash
	Dealers       AuthorSet // the closed set, by place in the roster of the epoch that deals
	CheckpointKey Key       // zero is none: then the node key signs
	Complaints    []ComplaintRecord
}

// A ComplaintRecord opens one box to everybody, to show that the share in it is wrong.
type ComplaintRecord struct {
	Dealer Author
	Opened Key      // ristretto255 point
	Proof  [64]byte // that it opens the box
}

const complaintSize = 32 + 64

// AppendBinary appends the canonical form: complaints by dealer, whose set comes first.
func (v *VerdictRecord) AppendBinary(b []byte) []byte {
	b = append(b, v.Draft[:]...)
	b = codec.AppendU64(b, uint64(v.Dealers))
	b = append(b, v.CheckpointKey[:]...)
	var about AuthorSet
	for i := range v.Complaints {
		about = about.With(v.Complaints[i].Dealer)
	}
	b = codec.AppendU64(b, uint64(about))
	for i := range v.Complaints {
		c := &v.Complaints[i]
		b = append(append(b, c.Opened[:]...), c.Proof[:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical payload. Complaints are about dealers of the set,
// one about each at most.
func (v *VerdictRecord) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	r.Fixed(v.Draft[:], "draft")
	if v.Dealers = AuthorSet(r.U64("dealers")); v.Dealers>>MaxMembers != 0 {
		r.Fail(codec.BadValue, "dealers")
	}
	r.Fixed(v.CheckpointKey[:], "checkpoint key")
	about := r.U64("complaints")
	if about&^uint64(v.Dealers) != 0 {
		r.Fail(codec.BadValue, "complaints")
	}
	if v.Complaints = nil; !r.Failed() && bits.OnesCount64(about)*complaintSize > r.Left() {
		r.Fail(codec.Truncated, "complaints")
	}
	for ; about != 0 && !r.Failed(); about &= about - 1 {
		c := ComplaintRecord{Dealer: Author(bits.TrailingZeros64(about))}
		r.Fixed(c.Opened[:], "opened key")
		r.Fixed(c.Proof[:], "proof of opened key")
		v.Complaints = append(v.Complaints, c)
	}
	return r.Done()
}
