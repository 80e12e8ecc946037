package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Transactions that got a receipt are numbered in the order of their receipts, and everything
// that belongs to one stands in one row under its number: such rows are written once, behind
// each other, and a compaction has nothing to merge. What leads to a number is small: fingerprints
// of hashes and keys, of which several may share one. The row decides. [STO-9] [STO-17]

// A number is a transaction's place in the order of receipts, from 0.
type number uint64

const (
	numberSize  = 5 // bytes in a value: 2^40 transactions: a thousand a second for thirty-four years
	mostNumbers = 1 << (8 * numberSize)

	// fingerprintSize is the length of what stands for a hash or a key.
	fingerprintSize = 8
)

var errNumbers = errors.New("2^40 transactions are all that a folder takes")

func appendNumber(b []byte, n number) []byte {
	return append(b, byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func decodeNumber(b []byte) number {
	_ = b[numberSize-1]
	return number(b[0])<<32 | number(b[1])<<24 | number(b[2])<<16 | number(b[3])<<8 | number(b[4])
}

// checkNumbers is for lists: numbers one after the other, at least one.
func checkNumbers(b []byte) error {
	if len(b) == 0 || len(b)%numberSize != 0 {
		return &codec.Error{Fault: codec.Truncated, Field: "numbers"}
	}
	return nil
}

func readSingleNumber(b []byte) (number, error) {
	if len(b) != numberSize {
		return 0, &codec.Error{Fault: codec.Truncated, Field: "number"}
	}
	return decodeNumber(b), nil
}

// fingerprint shortens a one-time key. Keys are chosen by whoever pays, also such that many begin
// alike; the hash makes that as hard as finding collisions of it, which cost a lookup each.
func (s *Store) fingerprint(key *kernel.Key) (print [fingerprintSize]byte) {
	return fingerprint(s.salt, key)
}

type salt = [16]byte

func fingerprint(salt salt, key *kernel.Key) [fingerprintSize]byte {
	var b [16 + 32]byte
	copy(b[:], salt[:])
	copy(b[16:], key[:])
	sum := sha256.Sum256(b[:])
	return [fingerprintSize]byte(sum[:])
}

// Flags of a transaction's row and of its outputs.
const (
	rowRejected = 1 << 0 // rule and winner follow
	rowPlaced   = 1 << 1 // the position of the snapshot follows; without it there is none
	rowOutputs  = 1 << 2

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

// appendRow appends a transaction's row: its receipt, the position of the snapshot that brought it
// if there is one, and the outputs it created, by index.
func appendRow(b []byte, r *kernel.Receipt, position uint64, outputs []ledger.CreatedOutput, assetNumber func(kernel.AssetID) uint32) []byte {
	flags := byte(0)
	if r.Status == kernel.Rejected {
		flags |= rowRejected
	}
	if !r.Snapshot.IsZero() {
		flags |= rowPlaced
	}
	if len(outputs) > 0 {
		flags |= rowOutputs
	}
	b = append(append(b, r.Transaction[:]...), flags)
	b = binary.AppendUvarint(b, uint64(r.Commit))
	if flags&rowPlaced != 0 {
		b = binary.AppendUvarint(b, position)
	}
	if flags&rowRejected != 0 {
		b = append(codec.AppendU16(b, uint16(r.Rule)), r.Winner[:]...)
	}
	if len(outputs) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(outputs)))
	asset := outputs[0].Output.Asset
	b = binary.AppendUvarint(b, uint64(assetNumber(asset)))
	next := 0
	for i := range outputs {
		o := &outputs[i]
		other := -1
		if o.Output.Asset != asset {
			other = int(assetNumber(o.Output.Asset))
		}
		b = appendOutput(b, &o.Output, int(o.Ref.Index), next, other)
		next = int(o.Ref.Index) + 1
	}
	return b
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

// readUvarint reads a varint in its shortest form.
func readUvarint(r *codec.Reader, field string) (v uint64) {
	for shift := 0; ; shift += 7 {
		c := r.U8(field)
		if shift == 63 && c > 1 {
			r.Fail(codec.TooLarge, field)
			return 0
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if c == 0 && shift > 0 {
				r.Fail(codec.NonCanonical, field)
			}
			return v
		}
	}
}

// A row is the decoded head of a transaction's row; its outputs are read one by one.
type row struct {
	hash     kernel.TxHash
	commit   kernel.CommitIndex
	rejected bool
	placed   bool
	position uint64 // of the snapshot, if placed
	rule     kernel.Rule
	winner   kernel.TxHash
	asset    uint32 // of its outputs, unless they say otherwise
	left     int    // outputs not yet read
	next     int    // expected index of the next one
	reader   *codec.Reader
}

func readRow(r *codec.Reader) (x row) {
	x.reader = r
	r.Fixed(x.hash[:], "hash")
	flags := r.U8("flags")
	if flags&^(rowRejected|rowPlaced|rowOutputs) != 0 {
		r.Fail(codec.BadValue, "flags")
	}
	x.commit = kernel.CommitIndex(readUvarint(r, "commit"))
	x.rejected, x.placed = flags&rowRejected != 0, flags&rowPlaced != 0
	if x.placed {
		x.position = readUvarint(r, "position")
	}
	if x.rejected {
		x.rule = kernel.Rule(r.U16("rule"))
		r.Fixed(x.winner[:], "winner")
		if !x.rule.Valid() {
			r.Fail(codec.BadValue, "rule")
		}
	}
	if flags&rowOutputs != 0 {
		n := readUvarint(r, "outputs")
		if n == 0 || n > 1<<16 {
			r.Fail(codec.BadValue, "outputs")
			return x
		}
		x.left = int(n)
		x.asset = readAssetNumber(r)
	}
	return x
}

func readAssetNumber(r *codec.Reader) uint32 {
	n := readUvarint(r, "asset")
	if n >= mostAssets {
		r.Fail(codec.TooLarge, "asset")
	}
	return uint32(n)
}

// receipt is what the row says of the transaction, but for the snapshot.
func (x *row) receipt() kernel.Receipt {
	r := kernel.Receipt{Transaction: x.hash, Status: kernel.Final, Commit: x.commit}
	if x.rejected {
		r.Status, r.Rule, r.Winner = kernel.Rejected, x.rule, x.winner
	}
	return r
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
	first := x.next == 0
	flags := r.U8("output flags")
	if flags&^(outputMask|outputWithdrawal|outputStandard|outputSkip|outputAsset) != 0 {
		r.Fail(codec.BadValue, "output flags")
	}
	o.index, o.asset = x.next, x.asset
	if flags&outputSkip != 0 {
		i := readUvarint(r, "index")
		if i <= uint64(x.next) || i > 0xffff {
			r.Fail(codec.NonCanonical, "index")
			return o
		}
		o.index = int(i)
	}
	if o.index > 0xffff {
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

// A span is the numbers of one commit's receipts.
type span struct {
	first number
	count uint64
}

func appendSpan(b []byte, s span) []byte {
	return binary.AppendUvarint(appendNumber(b, s.first), s.count)
}

func readSpan(b []byte) (s span, err error) {
	r := codec.NewReader(b)
	var first [numberSize]byte
	r.Fixed(first[:], "first")
	s.first = decodeNumber(first[:])
	if s.count = readUvarint(r, "count"); s.count > mostNumbers-uint64(s.first) {
		r.Fail(codec.TooLarge, "count")
	}
	return s, r.Done()
}

// mostAssets bounds the numbers of assets, which are kept in memory.
const mostAssets = 1 << 24

// corrupt names the row that cannot be right.
func corrupt(key []byte, err error) error {
	return fmt.Errorf("%w: key %x: %w", ErrCorrupt, key, err)
}
