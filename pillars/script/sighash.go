package script

import (
	"encoding/binary"
	"math"

	"github.com/asterism-network/asterism/pillars"
)

// What a signature covers, its last byte: one of the three, and whether other inputs may come.
const (
	SigHashAll          = 1
	SigHashNone         = 2 // no output
	SigHashSingle       = 3 // the output at the input's place
	SigHashAnyoneCanPay = 0x80

	sigHashMask = 0x1f
)

// SignatureHash is what a signature of a transaction of versions 1 to 4 is made over [PIL-SIG-3]:
// the transaction's bytes, attachments included, with the script that is being run in place of the
// input's own, and the kind in four bytes behind.
//
// A single-output signature of an input without an output at its place is over the number one: a
// mistake of the first Bitcoin node that every follower repeats. Such a signature fits anything.
func SignatureHash(tx *pillars.Transaction, input int, code []byte, kind byte) pillars.Hash {
	signed, ok := signedPart(tx, input, code, kind)
	if !ok {
		return pillars.Hash{1}
	}
	b := signed.AppendBinary(make([]byte, 0, 512))
	return pillars.DoubleSHA256(binary.LittleEndian.AppendUint32(b, uint32(kind)))
}

// signedPart returns the transaction as a signature sees it; ok is false where it sees nothing.
func signedPart(tx *pillars.Transaction, input int, code []byte, kind byte) (signed pillars.Transaction, ok bool) {
	single, none := kind&sigHashMask == SigHashSingle, kind&sigHashMask == SigHashNone
	if input >= len(tx.Inputs) || single && input >= len(tx.Outputs) {
		return signed, false
	}
	signed = *tx
	signed.Inputs = signedInputs(tx, input, code, kind)
	switch {
	case none:
		signed.Outputs = nil
	case single:
		signed.Outputs = make([]pillars.Output, input+1)
		for i := range input {
			signed.Outputs[i].Value = math.MaxUint64 // nothing, and no attachment
		}
		signed.Outputs[input] = tx.Outputs[input]
	}
	return signed, true
}

// signedInputs returns the inputs as a signature sees them.
func signedInputs(tx *pillars.Transaction, input int, code []byte, kind byte) []pillars.Input {
	own := pillars.Input{Previous: tx.Inputs[input].Previous, Script: withoutSeparators(code), Sequence: tx.Inputs[input].Sequence}
	if kind&SigHashAnyoneCanPay != 0 {
		return []pillars.Input{own}
	}
	base := kind & sigHashMask
	all := make([]pillars.Input, len(tx.Inputs))
	for i, in := range tx.Inputs {
		all[i] = pillars.Input{Previous: in.Previous, Sequence: in.Sequence}
		if base == SigHashSingle || base == SigHashNone {
			all[i].Sequence = 0
		}
	}
	all[input] = own
	return all
}

// withoutSeparators drops the code separators of a script.
func withoutSeparators(script []byte) []byte {
	out := make([]byte, 0, len(script))
	for at := 0; at < len(script); {
		in, ok := next(script, at)
		if !ok {
			return append(out, script[at:]...)
		}
		if in.op != OpCodeSeparator {
			out = append(out, script[at:in.next]...)
		}
		at = in.next
	}
	return out
}

// withoutPush drops every push of data, where an instruction starts, from a script. A signature
// cannot cover itself.
func withoutPush(script, data []byte) []byte {
	pattern := AppendPush(nil, data)
	out := make([]byte, 0, len(script))
	for at := 0; at < len(script); {
		if hasPrefix(script[at:], pattern) {
			at += len(pattern)
			continue
		}
		in, ok := next(script, at)
		if !ok {
			return append(out, script[at:]...)
		}
		out = append(out, script[at:in.next]...)
		at = in.next
	}
	return out
}

func hasPrefix(b, prefix []byte) bool {
	return len(b) >= len(prefix) && string(b[:len(prefix)]) == string(prefix)
}
