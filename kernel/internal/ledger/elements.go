package ledger

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// The state is a set of elements, and its hash a set hash: each change costs the elements it
// touches, and a state that was loaded from elsewhere can be counted again in any order. An
// element begins with its tag. Elements are few on purpose, each costs more than a microsecond: a
// transaction is one with the outputs it created and their ghost keys, and what one transaction
// spends of another is one. Both are what the state itself says, whatever led to it: who removes
// part of what an element stands for puts the rest in its place. [EXE-11]
const (
	tagTransaction = 1
	tagSpent       = 2
	tagIdentity    = 4
	tagAsset       = 5
	tagFault       = 6
	tagSystem      = 7
)

// Elements counts a whole state, in any order, to compare with the set hash of its Head.
type Elements struct {
	set   elementSet
	spent []SpentOutput
}

// Transaction adds a receipt, the outputs that its transaction created, by index, and how they
// were spent.
func (e *Elements) Transaction(r kernel.Receipt, outputs []CreatedOutput) {
	e.set.transaction(r, outputs)
	e.spent = e.spent[:0]
	for i := range outputs {
		if o := &outputs[i]; !o.Output.SpentBy.IsZero() {
			by := Owner{Transaction: o.Output.SpentBy, Commit: o.Output.SpentAt}
			e.spent = append(e.spent, SpentOutput{Ref: o.Ref, By: by})
		}
	}
	slices.SortFunc(e.spent, func(a, b SpentOutput) int {
		if c := bytes.Compare(a.By.Transaction[:], b.By.Transaction[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.Ref.Index, b.Ref.Index)
	})
	e.set.spendings(e.spent)
}

// Identity adds a taken identity.
func (e *Elements) Identity(id kernel.Hash, by Owner) { e.set.identity(id, by) }

// Asset adds an asset.
func (e *Elements) Asset(id kernel.AssetID, a *Asset) { e.set.add(elementAsset(nil, id, a)) }

// Fault adds a recorded fault.
func (e *Elements) Fault(f *Fault) { e.set.fault(f) }

// System adds a system row.
func (e *Elements) System(key string, value []byte) { e.set.add(elementSystem(nil, key, value)) }

// Sum returns the set hash of all that was added.
func (e *Elements) Sum() crypto.SetHash { return e.set.set }

// An elementSet encodes elements into one buffer and folds them into a set hash.
type elementSet struct {
	set    crypto.SetHash
	buffer []byte
}

func (s *elementSet) add(element []byte)    { s.set.Add(element) }
func (s *elementSet) remove(element []byte) { s.set.Remove(element) }

// transaction adds a receipt with the outputs of its transaction, by index.
func (s *elementSet) transaction(r kernel.Receipt, outputs []CreatedOutput) {
	b := r.AppendBinary(append(s.buffer[:0], tagTransaction))
	for i := range outputs {
		b = appendOutput(b, outputs[i].Ref.Index, &outputs[i].Output)
	}
	s.buffer = b
	s.set.Add(b)
}

func appendOutput(b []byte, index uint16, out *Output) []byte {
	b = codec.AppendU16(b, index)
	b = append(b, byte(out.Type))
	b = out.Amount.AppendBinary(b)
	b = codec.AppendU16(b, uint16(len(out.Keys)))
	for i := range out.Keys {
		b = append(b, out.Keys[i][:]...)
	}
	b = append(b, out.Mask[:]...)
	b = codec.AppendBytes16(b, out.Script)
	b = append(b, out.Asset[:]...)
	return codec.AppendU64(b, uint64(out.Created))
}

// spendings adds an element for each run of the list that has one creator and one spender. The
// indexes of each run ascend.
func (s *elementSet) spendings(list []SpentOutput) {
	for len(list) > 0 {
		first := &list[0]
		b := append(append(s.buffer[:0], tagSpent), first.Ref.Hash[:]...)
		b = appendOwner(b, first.By)
		n := 0
		for n < len(list) && list[n].Ref.Hash == first.Ref.Hash && list[n].By == first.By {
			b = codec.AppendU16(b, list[n].Ref.Index)
			n++
		}
		s.buffer, list = b, list[n:]
		s.set.Add(b)
	}
}

func (s *elementSet) identity(id kernel.Hash, by Owner) {
	s.buffer = appendOwner(append(append(s.buffer[:0], tagIdentity), id[:]...), by)
	s.set.Add(s.buffer)
}

func (s *elementSet) fault(f *Fault) {
	b := append(s.buffer[:0], tagFault, byte(f.Kind), byte(f.Author))
	b = codec.AppendU32(b, uint32(f.Epoch))
	b = codec.AppendU64(b, uint64(f.Round))
	b = append(b, f.Snapshot[:]...)
	b = append(b, f.Entry[:]...)
	s.buffer = codec.AppendU64(b, uint64(f.Commit))
	s.set.Add(s.buffer)
}

func elementAsset(b []byte, id kernel.AssetID, a *Asset) []byte {
	b = append(append(b, tagAsset), id[:]...)
	b = append(b, a.Chain[:]...)
	b = codec.AppendBytes16(b, []byte(a.Key))
	b = codec.AppendBytes16(b, []byte(a.Symbol))
	b = a.Ceiling.AppendBinary(b)
	b = a.Deposited.AppendBinary(b)
	b = a.Withdrawn.AppendBinary(b)
	return a.Unspent.AppendBinary(b)
}

// DigestOf is the state's digest after a commit, for whoever checks a state that came from elsewhere.
func DigestOf(previous kernel.Digest, index kernel.CommitIndex, timestamp kernel.Timestamp, receipts []kernel.Receipt, state *crypto.SetHash) kernel.Digest {
	return digest(previous, index, timestamp, receipts, state)
}

func appendOwner(b []byte, by Owner) []byte {
	return codec.AppendU64(append(b, by.Transaction[:]...), uint64(by.Commit))
}

// digest chains the state's digest: equal digests mean equal histories of receipts and equal
// states. The digest before commit 0 is the network's id. [EXE-12]
func digest(previous kernel.Digest, index kernel.CommitIndex, timestamp kernel.Timestamp, receipts []kernel.Receipt, state *crypto.SetHash) kernel.Digest {
	list := make([]byte, 0, len(receipts)*kernel.ReceiptSize)
	for _, r := range receipts {
		list = r.AppendBinary(list)
	}
	ordered := crypto.SumLabel("asterism receipts", list)
	place := codec.AppendU64(codec.AppendU64(nil, uint64(index)), uint64(timestamp))
	sum := state.Sum()
	return crypto.SumLabel("asterism state", previous[:], place, ordered[:], sum[:])
}
