package pillars

import (
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
)

// Limits of transactions. Counts need no limits of their own: each element takes bytes.
const (
	MaxTransactionSize = 1_000_000
	MaxScriptBytes     = 10_000 // in one input or output

	minTransactionSize = 4 + 1 + 1 + 4 // with nothing in it, which a rule refuses later
	minInputSize       = 32 + 4 + 1 + 4
	minOutputSize      = 8 + 1
	attachmentSize     = 8 // at least
	witnessMarker      = 0
	witnessFlag        = 1
)

// ID names the transaction: the double SHA-256 of its bytes, or of the Bitcoin transaction inside
// without its witnesses [PIL-TX-2].
func (tx *Transaction) ID() TxID {
	if tx.IsSegWit() {
		return DoubleSHA256(tx.AppendBitcoin(nil, false))
	}
	return DoubleSHA256(tx.AppendBinary(nil))
}

// Leaf is the transaction's place in the block's Merkle tree: the double SHA-256 of all its bytes,
// so the tree commits to witnesses too [PIL-BLK-2]. For versions 1 to 4 it is the id.
func (tx *Transaction) Leaf() Hash { return DoubleSHA256(tx.AppendBinary(nil)) }

// AppendBinary appends the wire form [PIL-TX-1].
func (tx *Transaction) AppendBinary(b []byte) []byte {
	b = appendU32(b, tx.Version)
	if tx.IsSegWit() {
		return tx.AppendBitcoin(b, true)
	}
	b = tx.appendInputs(b)
	b = appendCount(b, len(tx.Outputs))
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		b = appendBytes(appendU64(b, uint64(o.Value)), o.Script)
		b = o.Attachment.append(b)
	}
	return appendU32(b, tx.LockTime)
}

// AppendBitcoin appends the Bitcoin transaction inside a version-5 transaction as BIP 144 has it,
// with its witnesses, if there are any, or without.
func (tx *Transaction) AppendBitcoin(b []byte, witnesses bool) []byte {
	witnesses = witnesses && tx.HasWitness()
	b = appendU32(b, uint32(tx.Bitcoin))
	if witnesses {
		b = append(b, witnessMarker, witnessFlag)
	}
	b = tx.appendInputs(b)
	b = appendCount(b, len(tx.Outputs))
	for i := range tx.Outputs {
		b = appendBytes(appendU64(b, uint64(tx.Outputs[i].Value)), tx.Outputs[i].Script)
	}
	if witnesses {
		for i := range tx.Inputs {
			b = appendCount(b, len(tx.Inputs[i].Witness))
			for _, item := range tx.Inputs[i].Witness {
				b = appendBytes(b, item)
			}
		}
	}
	return appendU32(b, tx.LockTime)
}

func (tx *Transaction) appendInputs(b []byte) []byte {
	b = appendCount(b, len(tx.Inputs))
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		b = append(b, in.Previous.Tx[:]...)
		b = appendU32(b, in.Previous.Index)
		b = appendU32(appendBytes(b, in.Script), in.Sequence)
	}
	return b
}

// HasWitness reports whether any input has one.
func (tx *Transaction) HasWitness() bool {
	return slices.ContainsFunc(tx.Inputs, func(in Input) bool { return len(in.Witness) > 0 })
}

// Size returns the number of bytes of the wire form.
func (tx *Transaction) Size() int { return len(tx.AppendBinary(nil)) }

// UnmarshalBinary reads exactly one transaction.
func (tx *Transaction) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	tx.decode(r)
	return r.Done()
}

func (tx *Transaction) decode(r *codec.Reader) {
	start := r.Offset()
	*tx = Transaction{Version: readU32(r, "version")}
	switch {
	case tx.Version > VersionSegWit:
		r.Fail(codec.BadValue, "version")
	case tx.IsSegWit():
		tx.decodeBitcoin(r)
	default:
		tx.decodeInputs(r, readCount(r, MaxTransactionSize, minInputSize, "inputs"))
		tx.decodeOutputs(r)
		tx.LockTime = readU32(r, "lock time")
	}
	if r.Offset()-start > MaxTransactionSize {
		r.Fail(codec.TooLarge, "transaction")
	}
}

func (tx *Transaction) decodeInputs(r *codec.Reader, n int) {
	tx.Inputs = make([]Input, n)
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		r.Fixed(in.Previous.Tx[:], "input")
		in.Previous.Index = readU32(r, "input index")
		in.Script = readBytes(r, MaxScriptBytes, "input script")
		in.Sequence = readU32(r, "sequence")
	}
}

func (tx *Transaction) decodeOutputs(r *codec.Reader) {
	size := minOutputSize
	if !tx.IsSegWit() {
		size += attachmentSize
	}
	tx.Outputs = make([]Output, readCount(r, MaxTransactionSize, size, "outputs"))
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		o.Value = Amount(readU64(r, "value"))
		o.Script = readBytes(r, MaxScriptBytes, "output script")
		if !tx.IsSegWit() {
			o.Attachment.decode(r)
		}
	}
}

// decodeBitcoin reads what BIP 144 describes. No inputs and a flag mean that witnesses follow; a
// transaction whose witnesses are all empty must not have them.
func (tx *Transaction) decodeBitcoin(r *codec.Reader) {
	tx.Bitcoin = int32(readU32(r, "bitcoin version"))
	n := readCount(r, MaxTransactionSize, minInputSize, "inputs")
	witnesses := n == 0 && !r.Failed()
	if witnesses {
		failUnless(r, r.U8("witness flag") == witnessFlag, "witness flag")
		n = readCount(r, MaxTransactionSize, minInputSize, "inputs")
	}
	tx.decodeInputs(r, n)
	tx.decodeOutputs(r)
	if witnesses {
		tx.decodeWitnesses(r)
	}
	tx.LockTime = readU32(r, "lock time")
}

func (tx *Transaction) decodeWitnesses(r *codec.Reader) {
	for i := range tx.Inputs {
		items := make([][]byte, readCount(r, MaxTransactionSize, 1, "witness items"))
		for j := range items {
			items[j] = readBytes(r, MaxTransactionSize, "witness item")
		}
		if len(items) > 0 {
			tx.Inputs[i].Witness = items
		}
	}
	if !r.Failed() && !tx.HasWitness() {
		r.Fail(codec.NonCanonical, "witness items")
	}
}
