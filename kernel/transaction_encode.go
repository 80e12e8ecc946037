package kernel

import "github.com/asterism-network/asterism/internal/codec"

func (tx *Transaction) appendPayload(b []byte) []byte {
	return codec.AppendU16(tx.appendUnauthorized(b), 0)
}

func (tx *Transaction) appendUnauthorized(b []byte) []byte {
	b = codec.AppendU16(b, magic)
	b = codec.AppendU16(b, TransactionVersion)
	b = append(b, tx.Asset[:]...)
	b = codec.AppendU16(b, uint16(len(tx.Inputs)))
	for i := range tx.Inputs {
		b = tx.Inputs[i].append(b)
	}
	b = codec.AppendU16(b, uint16(len(tx.Outputs)))
	for i := range tx.Outputs {
		b = tx.Outputs[i].append(b)
	}
	b = codec.AppendU16(b, uint16(len(tx.References)))
	for _, hash := range tx.References {
		b = append(b, hash[:]...)
	}
	return codec.AppendBytes32(b, tx.Extra)
}

func (in *Input) append(b []byte) []byte {
	b = append(b, in.Hash[:]...)
	b = codec.AppendU16(b, in.Index)
	b = codec.AppendBytes16(b, in.Genesis)
	if d := in.Deposit; d == nil {
		b = codec.AppendU16(b, absent)
	} else {
		b = codec.AppendU16(b, magic)
		b = append(b, d.Chain[:]...)
		b = codec.AppendBytes16(b, []byte(d.AssetKey))
		b = codec.AppendBytes16(b, []byte(d.Transaction))
		b = codec.AppendU64(b, d.Index)
		b = d.Amount.AppendBinary(b)
	}
	if m := in.Mint; m == nil {
		b = codec.AppendU16(b, absent)
	} else {
		b = codec.AppendU16(b, magic)
		b = codec.AppendBytes16(b, []byte(m.Group))
		b = codec.AppendU64(b, m.Batch)
		b = m.Amount.AppendBinary(b)
	}
	return b
}

func (out *Output) append(b []byte) []byte {
	b = append(b, 0, byte(out.Type))
	b = out.Amount.AppendBinary(b)
	b = codec.AppendU16(b, uint16(len(out.Keys)))
	for i := range out.Keys {
		b = append(b, out.Keys[i][:]...)
	}
	b = append(b, out.Mask[:]...)
	b = codec.AppendBytes16(b, out.Script)
	if out.Withdrawal == nil {
		return codec.AppendU16(b, absent)
	}
	b = codec.AppendU16(b, magic)
	b = codec.AppendBytes16(b, []byte(out.Withdrawal.Address))
	return codec.AppendBytes16(b, []byte(out.Withdrawal.Tag))
}

func appendSignatures(b []byte, maps []SignatureMap) []byte {
	b = codec.AppendU16(b, uint16(len(maps)))
	for _, m := range maps {
		b = codec.AppendU16(b, uint16(len(m)))
		for i := range m {
			b = codec.AppendU16(b, m[i].Index)
			b = append(b, m[i].Signature[:]...)
		}
	}
	return b
}

func (a *AggregateSignature) append(b []byte) []byte {
	b = codec.AppendU16(b, aggregateMagic)
	b = codec.AppendU16(b, aggregateForm)
	b = append(b, a.Signature[:]...)
	if sparse(a.Signers) {
		b = append(b, signersSparse)
		b = codec.AppendU16(b, uint16(len(a.Signers)))
		for _, s := range a.Signers {
			b = codec.AppendU16(b, s)
		}
		return b
	}
	mask := make([]byte, bitmapLength(a.Signers))
	for _, s := range a.Signers {
		mask[s/8] |= 1 << (s % 8)
	}
	return codec.AppendBytes16(append(b, signersBitmap), mask)
}

// sparse reports whether the canonical form of ascending signers is a list: the bitmap would be
// longer.
func sparse(signers []uint16) bool { return bitmapLength(signers) > 2*len(signers) }

func bitmapLength(signers []uint16) int {
	if len(signers) == 0 {
		return 0
	}
	return int(signers[len(signers)-1])/8 + 1
}

// encodable reports the first count or length that the format cannot hold.
func (tx *Transaction) encodable() error {
	var limits limits
	limits.check(len(tx.Inputs), maxInputs, "inputs")
	limits.check(len(tx.Outputs), maxOutputs, "outputs")
	limits.check(len(tx.References), maxReferences, "references")
	limits.check(len(tx.Extra), MaxTransactionSize, "extra")
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		limits.check(len(in.Genesis), maxText, "genesis")
		if d := in.Deposit; d != nil {
			limits.check(len(d.AssetKey), maxText, "deposit asset key")
			limits.check(len(d.Transaction), maxText, "deposit transaction")
		}
		if m := in.Mint; m != nil {
			limits.check(len(m.Group), maxText, "mint group")
		}
	}
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		limits.check(len(out.Keys), maxOutputKeys, "output keys")
		limits.check(len(out.Script), maxScriptSize, "script")
		if w := out.Withdrawal; w != nil {
			limits.check(len(w.Address), maxText, "withdrawal address")
			limits.check(len(w.Tag), maxText, "withdrawal tag")
		}
	}
	return limits.err
}

func (tx *Transaction) authorizationEncodable() error {
	if tx.Aggregate != nil {
		if len(tx.Signatures) > 0 {
			return &codec.Error{Fault: codec.NonCanonical, Field: "authorization"}
		}
		if !ascending(tx.Aggregate.Signers) {
			return &codec.Error{Fault: codec.NonCanonical, Field: "signers"}
		}
		return nil
	}
	var limits limits
	limits.check(len(tx.Signatures), maxInputs, "signatures")
	for _, m := range tx.Signatures {
		limits.check(len(m), maxMapEntries, "signature map")
		for i := 1; i < len(m); i++ {
			if m[i].Index <= m[i-1].Index {
				return &codec.Error{Fault: codec.NonCanonical, Field: "signature index"}
			}
		}
	}
	return limits.err
}

func ascending(signers []uint16) bool {
	for i := 1; i < len(signers); i++ {
		if signers[i] <= signers[i-1] {
			return false
		}
	}
	return true
}

// limits keeps the first length that is over its limit.
type limits struct{ err error }

func (l *limits) check(n, limit int, field string) {
	if l.err == nil && n > limit {
		l.err = &codec.Error{Fault: codec.TooLarge, Field: field}
	}
}
