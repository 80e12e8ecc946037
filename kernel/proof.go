package kernel

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
)

// A Branch leads from a leaf to a root of a checkpoint. The count of leaves is the checkpoint's.
type Branch struct {
	Place    uint64 `json:"place"`
	Siblings []Hash `json:"siblings"` // from the leaf upwards
}

// BranchOf is the branch that a tree's path is.
func BranchOf(p merkle.Path) Branch { return Branch{p.Index, hashesOf(p.Siblings)} }

// Verify reports whether leaf stands at the branch's place under head. The zero leaf is an empty
// place.
func (b *Branch) Verify(head TreeHead, leaf Hash) bool {
	return merkle.Path{Index: b.Place, Count: head.Count, Siblings: rawHashes(b.Siblings)}.Verify(head.Root, leaf)
}

func hashesOf(raw [][32]byte) []Hash {
	out := make([]Hash, len(raw))
	for i := range raw {
		out[i] = raw[i]
	}
	return out
}

func rawHashes(hashes []Hash) [][32]byte {
	out := make([][32]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i]
	}
	return out
}

func (b *Branch) append(out []byte) []byte {
	return appendHashes(codec.AppendU64(out, b.Place), b.Siblings)
}

func (b *Branch) decode(r *codec.Reader) {
	if b.Place = r.U64("place"); b.Place >= 1<<merkle.MaxDepth {
		r.Fail(codec.TooLarge, "place")
	}
	b.Siblings = readHashes(r, merkle.MaxDepth, "siblings")
}

func appendHashes(b []byte, hashes []Hash) []byte {
	b = codec.AppendU16(b, uint16(len(hashes)))
	for i := range hashes {
		b = append(b, hashes[i][:]...)
	}
	return b
}

func readHashes(r *codec.Reader, limit int, field string) []Hash {
	hashes := make([]Hash, r.Count16(limit, 32, field))
	for i := range hashes {
		r.Fixed(hashes[i][:], field)
	}
	return hashes
}

// Leaf is what the tree of receipts holds at a receipt's place. [CHK-1]
func (r Receipt) Leaf() Hash {
	return crypto.SumLabel("asterism receipt leaf", r.AppendBinary(nil))
}

// A FinalityProof shows what became of a transaction, for ever: its receipt stands in the tree of
// receipts under a certified checkpoint. [CHK-6]
type FinalityProof struct {
	Receipt     Receipt         `json:"receipt"`
	Branch      Branch          `json:"branch"`
	Certificate CheckpointProof `json:"certificate"`
}

// AppendBinary appends the canonical form.
func (p *FinalityProof) AppendBinary(b []byte) []byte {
	return p.Certificate.AppendBinary(p.Branch.append(p.Receipt.AppendBinary(b)))
}

// UnmarshalBinary decodes exactly one canonical proof; it does not verify it.
func (p *FinalityProof) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	p.decode(r)
	return r.Done()
}

func (p *FinalityProof) decode(r *codec.Reader) {
	readReceipt(r, &p.Receipt)
	p.Branch.decode(r)
	p.Certificate.decode(r)
}

func readReceipt(r *codec.Reader, into *Receipt) {
	if b := r.View(ReceiptSize, "receipt"); b != nil && into.UnmarshalBinary(b) != nil {
		r.Fail(codec.NonCanonical, "receipt")
	}
}

// An OutputProof shows that an output exists and is unspent at a certified checkpoint; without
// an output, that the one at the branch's place was spent by then. [CHK-7]
type OutputProof struct {
	Output      *StateOutput    `json:"output"`
	Branch      Branch          `json:"branch"`
	Certificate CheckpointProof `json:"certificate"`
}

// AppendBinary appends the canonical form.
func (p *OutputProof) AppendBinary(b []byte) []byte {
	b = appendPlace(b, p.Output)
	return p.Certificate.AppendBinary(p.Branch.append(b))
}

// UnmarshalBinary decodes exactly one canonical proof; it does not verify it.
func (p *OutputProof) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	p.decode(r)
	return r.Done()
}

func (p *OutputProof) decode(r *codec.Reader) {
	p.Output = readPlace(r)
	p.Branch.decode(r)
	p.Certificate.decode(r)
}
