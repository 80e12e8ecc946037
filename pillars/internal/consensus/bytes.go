package consensus

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/pillars"
)

// BranchSize is the size in bytes of an encoded branch.
const BranchSize = 1 + 4 + 32 + 1 + 4*pillars.MaxMedianBlocks + 2*(4+32) + 4 + 1 + 4 + 4 + 32 + 32 + 8

// branchVersion leads the bytes: a node that finds another one rebuilds from headers.
const branchVersion = 1

// AppendBinary appends a form for a node's own disk; it is hashed nowhere.
func (b *Branch) AppendBinary(to []byte) []byte {
	to = append(to, branchVersion)
	to = codec.AppendU32(to, b.Number)
	to = append(to, b.ID[:]...)
	to = append(to, uint8(b.Seal))
	for _, s := range b.Stamps {
		to = codec.AppendU32(to, s)
	}
	to = b.Work.append(to)
	to = b.Stake.append(to)
	to = codec.AppendU32(to, b.Stake2)
	to = append(to, b.Stakes)
	to = codec.AppendU32(to, b.WorkRun)
	to = codec.AppendU32(to, b.StakeRun)
	to = append(to, b.Modifier[:]...)
	weight := b.Weight.Bytes32()
	to = append(to, weight[:]...)
	return codec.AppendU64(to, uint64(b.Earned))
}

func (m *Mark) append(to []byte) []byte {
	to = codec.AppendU32(to, m.Stamp)
	bits := m.Bits.Bytes32()
	return append(to, bits[:]...)
}

// UnmarshalBinary reads exactly one branch.
func (b *Branch) UnmarshalBinary(from []byte) error {
	r := codec.NewReader(from)
	*b = Branch{}
	if r.U8("version") != branchVersion {
		r.Fail(codec.BadValue, "version")
	}
	b.Number = r.U32("number")
	r.Fixed(b.ID[:], "id")
	b.Seal = pillars.Seal(r.U8("seal"))
	for i := range b.Stamps {
		b.Stamps[i] = r.U32("stamps")
	}
	b.Work.decode(r)
	b.Stake.decode(r)
	b.Stake2 = r.U32("stake before")
	b.Stakes = r.U8("stakes")
	b.WorkRun, b.StakeRun = r.U32("work run"), r.U32("stake run")
	r.Fixed(b.Modifier[:], "modifier")
	b.Weight.SetBytes(r.View(32, "weight"))
	b.Earned = pillars.Amount(r.U64("earned"))
	if b.Seal > pillars.DPoS || b.Stakes > 2 || !b.Earned.Valid() {
		r.Fail(codec.BadValue, "branch")
	}
	return r.Done()
}

func (m *Mark) decode(r *codec.Reader) {
	m.Stamp = r.U32("mark")
	m.Bits.SetBytes(r.View(32, "mark"))
}
