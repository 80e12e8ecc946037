package ledger

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// The state is a set of elements, and its hash a set hash: each change costs the elements it
// touches, and a state that was loaded from elsewhere can be counted again in any order. An
// element begins with its tag. An output's element stands for its ghost keys too; being spent
// adds a second one. Elements are few on purpose: each costs about a microsecond. [EXE-11]
const (
	tagOutput   = 1
	tagSpent    = 2
	tagReceipt  = 3
	tagIdentity = 4
	tagAsset    = 5
	tagFault    = 6
)

// Elements counts a whole state, in any order, to compare with the set hash of its Head.
type Elements struct{ set elementSet }

// Output adds an output and, if it is spent, its spending.
func (e *Elements) Output(ref kernel.OutputRef, out *Output) {
	e.set.output(ref, out)
	if !out.SpentBy.IsZero() {
		e.set.spent(ref, Owner{Transaction: out.SpentBy, Commit: out.SpentAt})
	}
}

// Receipt adds a receipt.
func (e *Elements) Receipt(r kernel.Receipt) { e.set.receipt(r) }

// Identity adds a taken identity.
func (e *Elements) Identity(id kernel.Hash, by Owner) { e.set.identity(id, by) }

// Asset adds an asset.
func (e *Elements) Asset(id kernel.AssetID, a *Asset) { e.set.add(elementAsset(nil, id, a)) }

// Fault adds a recorded fault.
func (e *Elements) Fault(f *Fault) { e.set.fault(f) }

// Sum returns the set hash of all that was added.
func (e *Elements) Sum() crypto.SetHash { return e.set.set }

// An elementSet encodes elements into one buffer and folds them into a set hash.
type elementSet struct {
	set    crypto.SetHash
	buffer []byte
}

func (s *elementSet) add(element []byte)    { s.set.Add(element) }
func (s *elementSet) remove(element []byte) { s.set.Remove(element) }

func (s *elementSet) output(ref kernel.OutputRef, out *Output) {
	b := append(s.buffer[:0], tagOutput)
	b = appendRef(b, ref)
	b = append(b, byte(out.Type))
	b = out.Amount.AppendBinary(b)
	b = codec.AppendU16(b, uint16(len(out.Keys)))
	for _, key := range out.Keys {
		b = append(b, key[:]...)
	}
	b = append(b, out.Mask[:]...)
	b = codec.AppendBytes16(b, out.Script)
	b = append(b, out.Asset[:]...)
	b = codec.AppendU64(b, uint64(out.Created))
	s.buffer = b
	s.set.Add(b)
}

func (s *elementSet) spent(ref kernel.OutputRef, by Owner) {
	s.buffer = appendOwner(appendRef(append(s.buffer[:0], tagSpent), ref), by)
	s.set.Add(s.buffer)
}

func (s *elementSet) receipt(r kernel.Receipt) {
	s.buffer = r.AppendBinary(append(s.buffer[:0], tagReceipt))
	s.set.Add(s.buffer)
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

func appendRef(b []byte, ref kernel.OutputRef) []byte {
	return codec.AppendU16(append(b, ref.Hash[:]...), ref.Index)
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
