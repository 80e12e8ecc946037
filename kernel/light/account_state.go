package light

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

const (
	accountVersion = 1
	accountLabel   = "asterism light account"
	ownMinimum     = 8 + 2 + 8 + 1 + 8 + 32 + 2
)

// AppendBinary appends the state of the account, about 300 bytes for each own output. The view
// key is no part of it. [CHK-20]
func (a *Account) AppendBinary(b []byte) []byte {
	start := len(b)
	b = append(b, accountVersion)
	b = codec.AppendU64(b, a.outputs)
	b = codec.AppendU64(b, a.receipts)
	b = codec.AppendBool(b, a.replayed)
	b = codec.AppendU32(b, uint32(len(a.own)))
	for i := range a.own {
		o := &a.own[i]
		b = codec.AppendU64(b, o.Place)
		b = codec.AppendU16(b, uint16(o.Key))
		b = codec.AppendU64(b, uint64(o.Seen))
		b = codec.AppendBool(b, o.Spent)
		b = codec.AppendU64(b, uint64(o.SpentAt))
		b = append(b, o.SpentBy[:]...)
		b = codec.AppendBytes16(b, o.Output.AppendBinary(nil))
	}
	sum := crypto.SumLabel(accountLabel, b[start:])
	return append(b, sum[:]...)
}

// RestoreAccount continues from a state that AppendBinary made, for the same keys. An output that
// is not the keys' is refused, so another account's state is. It looks at each once more.
func RestoreAccount(view kernel.Scalar, spend kernel.Key, b []byte) (*Account, error) {
	a, err := NewAccount(view, spend)
	if err != nil {
		return nil, err
	}
	if len(b) < crypto.HashSize {
		return nil, fmt.Errorf("state of the account: %w", &codec.Error{Fault: codec.Truncated, Field: "checksum"})
	}
	body, sum := b[:len(b)-crypto.HashSize], b[len(b)-crypto.HashSize:]
	if crypto.SumLabel(accountLabel, body) != [crypto.HashSize]byte(sum) {
		return nil, fmt.Errorf("state of the account: %w", &codec.Error{Fault: codec.BadValue, Field: "checksum"})
	}
	r := codec.NewReader(body)
	a.decode(r)
	if err := r.Done(); err != nil {
		return nil, fmt.Errorf("state of the account: %w", err)
	}
	return a, nil
}

func (a *Account) decode(r *codec.Reader) {
	if r.U8("version") != accountVersion {
		r.Fail(codec.BadValue, "version")
	}
	a.outputs = r.U64("outputs")
	a.receipts = r.U64("receipts")
	a.replayed = r.Bool("replayed")
	next := uint64(0)
	for range r.Count32(1<<31-1, ownMinimum, "own outputs") {
		o := a.decodeOwn(r)
		if r.Failed() {
			return
		}
		n := len(a.own)
		if a.add(&o); o.Place < next || o.Place >= a.outputs || len(a.own) == n {
			r.Fail(codec.NonCanonical, "place")
			return
		}
		next = o.Place + 1
	}
}

func (a *Account) decodeOwn(r *codec.Reader) (o Own) {
	o.Place = r.U64("place")
	o.Key = int(r.U16("key"))
	o.Seen = kernel.CommitIndex(r.U64("seen"))
	o.Spent = r.Bool("spent")
	o.SpentAt = kernel.CommitIndex(r.U64("spent at"))
	r.Fixed(o.SpentBy[:], "spent by")
	if err := o.Output.UnmarshalBinary(r.View16(1<<16-1, "output")); err != nil {
		r.Fail(codec.BadValue, "output")
		return o
	}
	if o.Key >= len(o.Output.Keys) || !a.viewer.Owns(o.Output.Keys[o.Key], o.Output.Mask, uint64(o.Output.Index)) {
		r.Fail(codec.BadValue, "key")
	}
	o.Output.Script = append(kernel.Script(nil), o.Output.Script...)
	return o
}
