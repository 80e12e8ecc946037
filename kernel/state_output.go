package kernel

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
)

// A StateOutput is an unspent output as the state holds it: all that a wallet needs to recognize
// it and to spend it. [CHK-4]
type StateOutput struct {
	Transaction TxHash      `json:"transaction"`
	Index       uint16      `json:"index"` // among the outputs of its transaction: one-time keys depend on it
	Type        OutputType  `json:"type"`
	Amount      Amount      `json:"amount"`
	Keys        []Key       `json:"keys,omitempty"`
	Mask        Key         `json:"mask,omitzero"`
	Script      Script      `json:"script,omitempty"`
	Asset       AssetID     `json:"asset"`
	Commit      CommitIndex `json:"commit"` // that made it
}

// StateOutputOf is the form of an output that a transaction made at a commit.
func StateOutputOf(ref OutputRef, out *Output, asset AssetID, commit CommitIndex) StateOutput {
	return StateOutput{ref.Hash, ref.Index, out.Type, out.Amount, out.Keys, out.Mask, out.Script, asset, commit}
}

// StateOutputs are the outputs that a final transaction adds to the state, in order: each takes
// the next place in the tree of outputs. What is withdrawn leaves the ledger and has none. [CHK-4]
func StateOutputs(tx *Transaction, hash TxHash, commit CommitIndex) []StateOutput {
	made := make([]StateOutput, 0, len(tx.Outputs))
	for i := range tx.Outputs {
		if t := tx.Outputs[i].Type; t != OutputWithdrawalSubmit && t != OutputNodeCancel {
			made = append(made, StateOutputOf(OutputRef{hash, uint16(i)}, &tx.Outputs[i], tx.Asset, commit))
		}
	}
	return made
}

// Ref names the output.
func (o *StateOutput) Ref() OutputRef { return OutputRef{o.Transaction, o.Index} }

// Leaf is what the tree of outputs holds at the output's place; zero for none.
func (o *StateOutput) Leaf() Hash {
	if o == nil {
		return Hash{}
	}
	return crypto.SumLabel("asterism output leaf", o.AppendBinary(make([]byte, 0, 256)))
}

// Encodable reports whether the format can hold the output; what was decoded from bytes always is.
func (o *StateOutput) Encodable() bool {
	return o == nil || len(o.Keys) <= maxOutputKeys && len(o.Script) <= scriptSize
}

// AppendBinary appends the canonical form: the bytes that the state's digest counts. [EXE-11]
func (o *StateOutput) AppendBinary(b []byte) []byte {
	b = codec.AppendU16(append(b, o.Transaction[:]...), o.Index)
	b = o.Amount.AppendBinary(append(b, byte(o.Type)))
	b = codec.AppendU16(b, uint16(len(o.Keys)))
	for i := range o.Keys {
		b = append(b, o.Keys[i][:]...)
	}
	b = append(b, o.Mask[:]...)
	b = codec.AppendBytes16(b, o.Script)
	b = append(b, o.Asset[:]...)
	return codec.AppendU64(b, uint64(o.Commit))
}

// UnmarshalBinary decodes exactly one canonical output. Script aliases b.
func (o *StateOutput) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	o.decode(r)
	return r.Done()
}

func (o *StateOutput) decode(r *codec.Reader) {
	r.Fixed(o.Transaction[:], "transaction")
	o.Index = r.U16("index")
	o.Type = OutputType(r.U8("type"))
	o.Amount = ReadAmount(r, "amount")
	o.Keys = nil
	if n := r.Count16(maxOutputKeys, 32, "output keys"); n > 0 {
		o.Keys = make([]Key, n)
	}
	for i := range o.Keys {
		r.Fixed(o.Keys[i][:], "output key")
	}
	r.Fixed(o.Mask[:], "mask")
	o.Script = orNil(r.View16(scriptSize, "script"))
	r.Fixed(o.Asset[:], "asset")
	o.Commit = CommitIndex(r.U64("commit"))
}

func appendPlace(b []byte, o *StateOutput) []byte {
	b = codec.AppendBool(b, o != nil)
	if o != nil {
		b = o.AppendBinary(b)
	}
	return b
}

func readPlace(r *codec.Reader) *StateOutput {
	if !r.Bool("output") {
		return nil
	}
	o := new(StateOutput)
	o.decode(r)
	return o
}

// MaxRange bounds the places of one range. Whoever serves ranges also keeps each within
// MaxRangeSize; a single output always is.
const (
	MaxRange     = 8192
	MaxRangeSize = 4 << 20
	maxOutside   = 2 * merkle.MaxDepth
)

// An OutputRange holds everything that stands at consecutive places of the tree of outputs, in
// order, and shows that nothing is left out: a wallet looks through it by itself. [CHK-8]
type OutputRange struct {
	From    uint64         `json:"from"`
	Outputs []*StateOutput `json:"outputs"` // nil is an empty place
	Hashes  []Hash         `json:"hashes"`  // of the subtrees outside, from left to right
}

// OutputRangeOf joins the outputs and their tree's proof.
func OutputRangeOf(outputs []*StateOutput, proof merkle.Range) *OutputRange {
	return &OutputRange{proof.From, outputs, hashesOf(proof.Hashes)}
}

// Verify reports whether the range is complete under head.
func (o *OutputRange) Verify(head TreeHead) bool {
	if len(o.Outputs) == 0 || len(o.Outputs) > MaxRange {
		return false
	}
	leaves := make([][32]byte, len(o.Outputs))
	for i, out := range o.Outputs {
		if !out.Encodable() {
			return false
		}
		leaves[i] = out.Leaf()
	}
	return merkle.Range{From: o.From, Count: head.Count, Hashes: rawHashes(o.Hashes)}.Verify(head.Root, leaves)
}

// AppendBinary appends the canonical form.
func (o *OutputRange) AppendBinary(b []byte) []byte {
	b = codec.AppendU64(b, o.From)
	b = codec.AppendU16(b, uint16(len(o.Outputs)))
	for _, out := range o.Outputs {
		b = appendPlace(b, out)
	}
	return appendHashes(b, o.Hashes)
}

// UnmarshalBinary decodes exactly one canonical range; it does not verify it. Scripts alias b.
func (o *OutputRange) UnmarshalBinary(b []byte) error {
	if len(b) > MaxRangeSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "range"}
	}
	r := codec.NewReader(b)
	o.From = r.U64("from")
	o.Outputs = make([]*StateOutput, r.Count16(MaxRange, 1, "outputs"))
	if len(o.Outputs) == 0 {
		r.Fail(codec.BadValue, "outputs")
	}
	for i := range o.Outputs {
		o.Outputs[i] = readPlace(r)
	}
	o.Hashes = readHashes(r, maxOutside, "hashes")
	return r.Done()
}

// A ReceiptRange holds the receipts at consecutive places of the tree of receipts: a complete
// part of history. [CHK-8]
type ReceiptRange struct {
	From     uint64    `json:"from"`
	Receipts []Receipt `json:"receipts"`
	Hashes   []Hash    `json:"hashes"` // of the subtrees outside, from left to right
}

// ReceiptRangeOf joins the receipts and their tree's proof.
func ReceiptRangeOf(receipts []Receipt, proof merkle.Range) *ReceiptRange {
	return &ReceiptRange{proof.From, receipts, hashesOf(proof.Hashes)}
}

// Verify reports whether the range is complete under head.
func (o *ReceiptRange) Verify(head TreeHead) bool {
	if len(o.Receipts) == 0 || len(o.Receipts) > MaxRange {
		return false
	}
	leaves := make([][32]byte, len(o.Receipts))
	for i := range o.Receipts {
		leaves[i] = o.Receipts[i].Leaf()
	}
	return merkle.Range{From: o.From, Count: head.Count, Hashes: rawHashes(o.Hashes)}.Verify(head.Root, leaves)
}

// AppendBinary appends the canonical form.
func (o *ReceiptRange) AppendBinary(b []byte) []byte {
	b = codec.AppendU64(b, o.From)
	b = codec.AppendU16(b, uint16(len(o.Receipts)))
	for i := range o.Receipts {
		b = o.Receipts[i].AppendBinary(b)
	}
	return appendHashes(b, o.Hashes)
}

// UnmarshalBinary decodes exactly one canonical range; it does not verify it.
func (o *ReceiptRange) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	o.From = r.U64("from")
	o.Receipts = make([]Receipt, r.Count16(MaxRange, ReceiptSize, "receipts"))
	if len(o.Receipts) == 0 {
		r.Fail(codec.BadValue, "receipts")
	}
	for i := range o.Receipts {
		readReceipt(r, &o.Receipts[i])
	}
	o.Hashes = readHashes(r, maxOutside, "hashes")
	return r.Done()
}
