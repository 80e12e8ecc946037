package kernel

import (
	"crypto/sha3"
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// Limits of the transaction format. The ledger's rules are stricter in places; these bound what
// a decoder allocates. [LIM]
const (
	maxInputs     = 256
	maxOutputs    = 256
	maxOutputKeys = 256
	maxReferences = 256 // on the wire; the ledger allows MaxReferences
	maxMapEntries = 256 // signatures of one input
	maxText       = 1<<16 - 1
	maxBitmap     = 1 << 16 / 8 // bytes; a signer is a 16-bit number
	maxSparse     = 1<<16 - 1
)

const (
	magic          = 0x7777 // "present" before an optional part, and the format's first two bytes
	absent         = 0x0000
	aggregateMagic = 0xffff // in the place of the count of signature maps
	aggregateForm  = 0xff01

	signersBitmap = 0x00
	signersSparse = 0x01

	inputMinimum  = 32 + 2 + 2 + 2 + 2
	outputMinimum = 2 + 2 + 2 + 32 + 2 + 2
	mapEntrySize  = 2 + 64
)

// Hash is the BLAKE3-256 of the payload: what signatures sign and what the transaction is called
// everywhere. It does not depend on the authorization. A transaction over the limits of the
// format has no encoding, and its hash means nothing.
func (tx *Transaction) Hash() TxHash {
	return crypto.Sum(tx.appendPayload(make([]byte, 0, 512)))
}

// AppendPayload appends the encoding without any authorization.
func (tx *Transaction) AppendPayload(b []byte) ([]byte, error) {
	if err := tx.encodable(); err != nil {
		return nil, err
	}
	start := len(b)
	b = tx.appendPayload(b)
	return b, checkSize(b[start:])
}

// AppendBinary appends the canonical encoding. It fails where the format has none: a count over
// its limit, signatures or signers out of order, both forms of authorization at once.
func (tx *Transaction) AppendBinary(b []byte) ([]byte, error) {
	if err := tx.encodable(); err != nil {
		return nil, err
	}
	if err := tx.authorizationEncodable(); err != nil {
		return nil, err
	}
	start := len(b)
	b = tx.appendUnauthorized(b)
	if tx.Aggregate != nil {
		b = tx.Aggregate.append(b)
	} else {
		b = appendSignatures(b, tx.Signatures)
	}
	return b, checkSize(b[start:])
}

func checkSize(b []byte) error {
	if len(b) > MaxTransactionSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "transaction"}
	}
	return nil
}

// UnmarshalBinary decodes exactly one canonical transaction: encoding the result gives b again.
// Extra, scripts and genesis bytes alias b, which must not change while tx is in use.
func (tx *Transaction) UnmarshalBinary(b []byte) error {
	if err := checkSize(b); err != nil {
		return err
	}
	*tx = Transaction{}
	r := codec.NewReader(b)
	tx.decode(r)
	return r.Done()
}

func (tx *Transaction) decode(r *codec.Reader) {
	if r.U16("magic") != magic {
		r.Fail(codec.BadValue, "magic")
	}
	if r.U16("version") != TransactionVersion {
		r.Fail(codec.BadValue, "version")
	}
	r.Fixed(tx.Asset[:], "asset")
	tx.Inputs = make([]Input, r.Count16(maxInputs, inputMinimum, "inputs"))
	for i := range tx.Inputs {
		tx.Inputs[i].decode(r)
	}
	tx.Outputs = make([]Output, r.Count16(maxOutputs, outputMinimum, "outputs"))
	for i := range tx.Outputs {
		tx.Outputs[i].decode(r)
	}
	if n := r.Count16(maxReferences, 32, "references"); n > 0 {
		tx.References = make([]TxHash, n)
	}
	for i := range tx.References {
		r.Fixed(tx.References[i][:], "reference")
	}
	tx.Extra = orNil(r.View32(MaxTransactionSize, "extra"))
	tx.decodeAuthorization(r)
}

func (in *Input) decode(r *codec.Reader) {
	r.Fixed(in.Hash[:], "input hash")
	in.Index = r.U16("input index")
	in.Genesis = orNil(r.View16(maxText, "genesis"))
	if present(r, "deposit") {
		d := new(Deposit)
		r.Fixed(d.Chain[:], "deposit chain")
		d.AssetKey = string(r.View16(maxText, "deposit asset key"))
		d.Transaction = string(r.View16(maxText, "deposit transaction"))
		d.Index = r.U64("deposit index")
		d.Amount = ReadAmount(r, "amount")
		in.Deposit = d
	}
	if present(r, "mint") {
		m := new(Mint)
		m.Group = string(r.View16(maxText, "mint group"))
		m.Batch = r.U64("mint batch")
		m.Amount = ReadAmount(r, "amount")
		in.Mint = m
	}
}

func (out *Output) decode(r *codec.Reader) {
	if r.U8("output type") != 0 {
		r.Fail(codec.BadValue, "output type")
	}
	out.Type = OutputType(r.U8("output type"))
	out.Amount = ReadAmount(r, "amount")
	if n := r.Count16(maxOutputKeys, 32, "output keys"); n > 0 {
		out.Keys = make([]Key, n)
	}
	for i := range out.Keys {
		r.Fixed(out.Keys[i][:], "output key")
	}
	r.Fixed(out.Mask[:], "mask")
	out.Script = orNil(r.View16(maxScriptSize, "script"))
	if present(r, "withdrawal") {
		out.Withdrawal = &Withdrawal{
			Address: string(r.View16(maxText, "withdrawal address")),
			Tag:     string(r.View16(maxText, "withdrawal tag")),
		}
	}
}

func (tx *Transaction) decodeAuthorization(r *codec.Reader) {
	n := int(r.U16("signatures"))
	if n == aggregateMagic {
		tx.Aggregate = new(AggregateSignature)
		tx.Aggregate.decode(r)
		return
	}
	switch {
	case n > maxInputs:
		r.Fail(codec.TooLarge, "signatures")
		return
	case n > r.Left()/2:
		r.Fail(codec.Truncated, "signatures")
		return
	case n == 0:
		return
	}
	tx.Signatures = make([]SignatureMap, n)
	for i := range tx.Signatures {
		m := make(SignatureMap, r.Count16(maxMapEntries, mapEntrySize, "signature map"))
		for k := range m {
			m[k].Index = r.U16("signature index")
			if k > 0 && m[k].Index <= m[k-1].Index {
				r.Fail(codec.NonCanonical, "signature index")
			}
			r.Fixed(m[k].Signature[:], "signature")
		}
		tx.Signatures[i] = m
	}
}

func (a *AggregateSignature) decode(r *codec.Reader) {
	if r.U16("aggregate") != aggregateForm {
		r.Fail(codec.BadValue, "aggregate")
	}
	r.Fixed(a.Signature[:], "aggregate signature")
	switch r.U8("signers form") {
	case signersBitmap:
		mask := r.View16(maxBitmap, "signers")
		a.Signers = signersOf(mask)
		if sparse(a.Signers) || bitmapLength(a.Signers) != len(mask) {
			r.Fail(codec.NonCanonical, "signers")
		}
	case signersSparse:
		a.Signers = make([]uint16, r.Count16(maxSparse, 2, "signers"))
		for i := range a.Signers {
			a.Signers[i] = r.U16("signer")
		}
		if !ascending(a.Signers) || !sparse(a.Signers) {
			r.Fail(codec.NonCanonical, "signers")
		}
	default:
		r.Fail(codec.BadValue, "signers form")
	}
}

func signersOf(mask []byte) []uint16 {
	n := 0
	for _, m := range mask {
		n += bits.OnesCount8(m)
	}
	signers := make([]uint16, 0, n)
	for i, m := range mask {
		for ; m != 0; m &= m - 1 {
			signers = append(signers, uint16(8*i+bits.TrailingZeros8(m)))
		}
	}
	return signers
}

// present reads whether an optional part follows.
func present(r *codec.Reader, field string) bool {
	switch r.U16(field) {
	case magic:
		return true
	case absent:
		return false
	}
	r.Fail(codec.BadValue, field)
	return false
}

// orNil gives an empty part one form in memory.
func orNil(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Identity is what makes an external transfer unique, so that it is credited once. [TX-28]
func (d Deposit) Identity() Hash {
	transfer := sha3.Sum256(fmt.Appendf(nil, "%s:%s:%d", hex.EncodeToString(d.Chain[:]), d.Transaction, d.Index))
	return crypto.Sum(d.Chain[:], transfer[:])
}
