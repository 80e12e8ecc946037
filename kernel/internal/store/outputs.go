package store

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Outputs inside the rows of transactions: most are of one form, which leaves out what it can. [STO-17]

// Flags of an output in a row.
const (
	outputMask       = 1 << 0
	outputWithdrawal = 1 << 1
	outputStandard   = 1 << 2 // of type script, one key, script fffe01: only the key follows
	outputSkip       = 1 << 3 // its index follows: it is not one more than that of the output before
	outputAsset      = 1 << 4 // its asset follows: it is not that of the row

	maxOutputKeys = 1 << 12 // far above what the ledger allows
)

var standardScript = kernel.NewScript(1)

func isStandard(o *ledger.Output) bool {
	return o.Type == kernel.OutputScript && len(o.Keys) == 1 && bytes.Equal(o.Script, standardScript)
}

// appendOutput appends an output of a row; next is the index it is expected to have, asset its
// number if it is not the row's, else negative.
func appendOutput(b []byte, o *ledger.Output, index, next, asset int) []byte {
	flags := byte(0)
	if !o.Mask.IsZero() {
		flags |= outputMask
	}
	if o.Withdrawal != nil {
		flags |= outputWithdrawal
	}
	standard := isStandard(o)
	if standard {
		flags |= outputStandard
	}
	if index != next {
		flags |= outputSkip
	}
	if asset >= 0 {
		flags |= outputAsset
	}
	b = append(b, flags)
	if index != next {
		b = binary.AppendUvarint(b, uint64(index))
	}
	if asset >= 0 {
		b = binary.AppendUvarint(b, uint64(asset))
	}
	b = appendShortAmount(b, o.Amount)
	if !standard {
		b = append(b, byte(o.Type))
		b = codec.AppendU16(b, uint16(len(o.Keys)))
	}
	for i := range o.Keys {
		b = append(b, o.Keys[i][:]...)
	}
	if !standard {
		b = codec.AppendBytes16(b, o.Script)
	}
	if flags&outputMask != 0 {
		b = append(b, o.Mask[:]...)
	}
	if flags&outputWithdrawal != 0 {
		b = codec.AppendBytes16(b, []byte(o.Withdrawal.Address))
		b = codec.AppendBytes16(b, []byte(o.Withdrawal.Tag))
	}
	return b
}

// outputFits reports whether o's lists can be written with their 16-bit lengths.
func outputFits(o *ledger.Output) bool {
	return len(o.Keys) <= maxOutputKeys && len(o.Script) <= 0xffff &&
		(o.Withdrawal == nil || len(o.Withdrawal.Address) <= 0xffff && len(o.Withdrawal.Tag) <= 0xffff)
}

// A short amount is its length in bytes and so many bytes.
func appendShortAmount(b []byte, a kernel.Amount) []byte {
	hi, lo := a.Units()
	var full [16]byte
	binary.BigEndian.PutUint64(full[:], hi)
	binary.BigEndian.PutUint64(full[8:], lo)
	n := (bits.Len64(lo) + 7) / 8
	if hi != 0 {
		n = 8 + (bits.Len64(hi)+7)/8
	}
	return append(append(b, byte(n)), full[16-n:]...)
}

func readShortAmount(r *codec.Reader) kernel.Amount {
	n := int(r.U8("amount"))
	if n > 16 {
		r.Fail(codec.TooLarge, "amount")
		return kernel.Amount{}
	}
	var full [16]byte
	r.Fixed(full[16-n:], "amount")
	if n > 0 && full[16-n] == 0 {
		r.Fail(codec.NonCanonical, "amount")
	}
	return kernel.AmountFromUnits(binary.BigEndian.Uint64(full[:]), binary.BigEndian.Uint64(full[8:]))
}

// A rowOutput is an output inside a row; its slices are parts of the row.
type rowOutput struct {
	index      int
	kind       kernel.OutputType
	amount     kernel.Amount
	asset      uint32
	keys       []byte // 32 each
	script     []byte // nil for the standard one
	standard   bool
	mask       []byte
	withdrawal bool
	address    []byte
	tag        []byte
}

// output reads the next output of the row. Call it left times.
func (x *row) output() (o rowOutput) {
	r := x.reader
	x.left--
	first := x.fresh
	x.fresh = false
	flags := r.U8("output flags")
	if flags&^(outputMask|outputWithdrawal|outputStandard|outputSkip|outputAsset) != 0 {
		r.Fail(codec.BadValue, "output flags")
	}
	o.index, o.asset = x.next, x.asset
	if flags&outputSkip != 0 {
		i := readUvarint(r, "index")
		if i <= uint64(x.next) || i >= uint64(x.end) {
			r.Fail(codec.NonCanonical, "index")
			return o
		}
		o.index = int(i)
	}
	if o.index >= x.end {
		r.Fail(codec.TooLarge, "index")
	}
	if flags&outputAsset != 0 {
		if o.asset = readAssetNumber(r); o.asset == x.asset || first {
			r.Fail(codec.NonCanonical, "asset")
		}
	}
	x.next = o.index + 1
	o.amount = readShortAmount(r)
	o.standard = flags&outputStandard != 0
	keys := 1
	if !o.standard {
		o.kind = kernel.OutputType(r.U8("type"))
		keys = r.Count16(maxOutputKeys, 32, "keys")
	}
	o.keys = r.View(32*keys, "keys")
	if !o.standard {
		o.script = r.View16(0xffff, "script")
		if o.kind == kernel.OutputScript && keys == 1 && bytes.Equal(o.script, standardScript) {
			r.Fail(codec.NonCanonical, "script")
		}
	}
	if flags&outputMask != 0 {
		if o.mask = r.View(32, "mask"); len(bytes.TrimLeft(o.mask, "\x00")) == 0 {
			r.Fail(codec.NonCanonical, "mask")
		}
	}
	if o.withdrawal = flags&outputWithdrawal != 0; o.withdrawal {
		o.address = r.View16(0xffff, "address")
		o.tag = r.View16(0xffff, "tag")
	}
	return o
}

// outputAt reads on up to the output with an index; not ok if there is none.
func (x *row) outputAt(index uint16) (o rowOutput, ok bool) {
	for x.left > 0 && !x.reader.Failed() {
		if o = x.output(); o.index >= int(index) {
			return o, o.index == int(index) && !x.reader.Failed()
		}
	}
	return o, false
}

// hasKey reports whether key is among the output's.
func (o *rowOutput) hasKey(key *kernel.Key) bool {
	for keys := o.keys; len(keys) > 0; keys = keys[32:] {
		if kernel.Key(keys[:32]) == *key {
			return true
		}
	}
	return false
}

// full is the output as the ledger knows it, unspent. It shares nothing with the row.
func (o *rowOutput) full(asset kernel.AssetID, created kernel.CommitIndex) (out ledger.Output) {
	out.Type, out.Amount, out.Asset, out.Created = o.kind, o.amount, asset, created
	if n := len(o.keys) / 32; n > 0 {
		out.Keys = make([]kernel.Key, n)
		for i := range out.Keys {
			out.Keys[i] = kernel.Key(o.keys[32*i:])
		}
	}
	copy(out.Mask[:], o.mask)
	if o.standard {
		out.Type, out.Script = kernel.OutputScript, standardScript
	} else if len(o.script) > 0 {
		out.Script = bytes.Clone(o.script)
	}
	if o.withdrawal {
		out.Withdrawal = &kernel.Withdrawal{Address: string(o.address), Tag: string(o.tag)}
	}
	return out
}
