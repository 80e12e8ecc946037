package store

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Transactions that got a receipt are numbered in the order of their receipts, and everything
// that belongs to one stands in one row under its number: such rows are written once, behind
// each other, and a compaction has nothing to merge. What leads to a number is small: fingerprints
// of hashes and keys, of which several may share one. The row decides.
//
// A transaction with many outputs has several rows, one for each partOutputs places among its
// outputs, under numbers one after the other; the first is its head. So an output is found without
// reading those far from it. [STO-9] [STO-17]

// A number is a row's place in the order of receipts, from 0. A transaction's is that of its head.
type number uint64

// partOutputs is how many places for outputs a row has: more, and lookups of transactions with many
// read more; fewer, and the reference payments need two rows.
const partOutputs = 8

// partOf is the part of a transaction's rows that an output stands in.
func partOf(index uint16) number { return number(index / partOutputs) }

// partsOf is how many rows the transaction with these outputs, by index, has.
func partsOf(outputs []ledger.CreatedOutput) number {
	if len(outputs) == 0 {
		return 1
	}
	return 1 + partOf(outputs[len(outputs)-1].Ref.Index)
}

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

// Flags of a transaction's rows.
const (
	rowRejected = 1 << 0 // rule and winner follow
	rowPlaced   = 1 << 1 // the position of the snapshot follows; without it there is none
	rowOutputs  = 1 << 2
	rowMore     = 1 << 3 // how many rows come behind this head follows
	rowPart     = 1 << 4 // not a head: how many rows come before it follows, and nothing but outputs
	rowCounted  = 1 << 5 // its places in a checkpoint's trees follow; without them they stand in a table of their own
)

// Places say where a row begins in the trees of a checkpoint: how many receipts and how many
// outputs came before. A transaction's receipt stands at the receipts of its head. [CHK-1]
type places struct{ receipts, outputs uint64 }

func appendPlaces(b []byte, at places) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, at.receipts), at.outputs)
}

func readPlaces(r *codec.Reader) (at places) {
	at.receipts = readUvarint(r, "receipts")
	at.outputs = readUvarint(r, "outputs before")
	if at.receipts > 1<<merkle.MaxDepth || at.outputs > 1<<merkle.MaxDepth {
		r.Fail(codec.TooLarge, "places")
	}
	return at
}

// An assetNumber gives the number of an asset.
type assetNumber func(kernel.AssetID) uint32

// appendHeadRow appends the first row of a transaction: its receipt, the position of the snapshot
// that brought it if there is one, how many rows it has besides, its places unless they are nil, and
// the outputs of part 0, by index.
func appendHeadRow(b []byte, r *kernel.Receipt, position uint64, more number, at *places, outputs []ledger.CreatedOutput, assets assetNumber) []byte {
	flags := byte(0)
	if at != nil {
		flags |= rowCounted
	}
	if r.Status == kernel.Rejected {
		flags |= rowRejected
	}
	if !r.Snapshot.IsZero() {
		flags |= rowPlaced
	}
	if more > 0 {
		flags |= rowMore
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
	if flags&rowMore != 0 {
		b = binary.AppendUvarint(b, uint64(more))
	}
	if at != nil {
		b = appendPlaces(b, *at)
	}
	return appendOutputs(b, 0, outputs, assets)
}

// appendPartRow appends a row behind the head; part is at least 1.
func appendPartRow(b []byte, hash *kernel.TxHash, commit kernel.CommitIndex, part number, at *places, outputs []ledger.CreatedOutput, assets assetNumber) []byte {
	flags := byte(rowPart)
	if at != nil {
		flags |= rowCounted
	}
	if len(outputs) > 0 {
		flags |= rowOutputs
	}
	b = append(append(b, hash[:]...), flags)
	b = binary.AppendUvarint(b, uint64(commit))
	b = binary.AppendUvarint(b, uint64(part))
	if at != nil {
		b = appendPlaces(b, *at)
	}
	return appendOutputs(b, part, outputs, assets)
}

// appendOutputs appends the outputs of a part, if it has any.
func appendOutputs(b []byte, part number, outputs []ledger.CreatedOutput, assets assetNumber) []byte {
	if len(outputs) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(outputs)))
	asset := outputs[0].Output.Asset
	b = binary.AppendUvarint(b, uint64(assets(asset)))
	next := int(part) * partOutputs
	for i := range outputs {
		o := &outputs[i]
		other := -1
		if o.Output.Asset != asset {
			other = int(assets(o.Output.Asset))
		}
		b = appendOutput(b, &o.Output, int(o.Ref.Index), next, other)
		next = int(o.Ref.Index) + 1
	}
	return b
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

// A row is the decoded beginning of a row; its outputs are read one by one.
type row struct {
	hash     kernel.TxHash
	commit   kernel.CommitIndex
	part     number // 0 is the head
	more     number // rows behind a head
	rejected bool
	placed   bool
	position uint64 // of the snapshot, if placed
	rule     kernel.Rule
	winner   kernel.TxHash
	counted  bool
	at       places // if counted
	asset    uint32 // of its outputs, unless they say otherwise
	left     int    // outputs not yet read
	fresh    bool   // none has been read
	next     int    // expected index of the next one
	end      int    // indexes are below
	reader   *codec.Reader
}

// mostParts is how many parts of outputs the indexes make room for.
const mostParts = (1 << 16) / partOutputs

func readRow(r *codec.Reader) (x row) {
	x.reader = r
	r.Fixed(x.hash[:], "hash")
	flags := r.U8("flags")
	if flags&^(rowRejected|rowPlaced|rowOutputs|rowMore|rowPart|rowCounted) != 0 || flags&rowPart != 0 && flags&^(rowOutputs|rowCounted) != rowPart {
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
	if flags&rowMore != 0 {
		x.more = readParts(r)
	}
	if flags&rowPart != 0 {
		x.part = readParts(r)
	}
	if x.counted = flags&rowCounted != 0; x.counted {
		x.at = readPlaces(r)
	}
	x.next = int(x.part) * partOutputs
	x.end = x.next + partOutputs
	if flags&rowOutputs != 0 {
		n := readUvarint(r, "outputs")
		if n == 0 || n > partOutputs {
			r.Fail(codec.BadValue, "outputs")
			return x
		}
		x.left, x.fresh = int(n), true
		x.asset = readAssetNumber(r)
	}
	return x
}

func readParts(r *codec.Reader) number {
	n := readUvarint(r, "parts")
	if n == 0 || n >= mostParts {
		r.Fail(codec.BadValue, "parts")
		return 0
	}
	return number(n)
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

// A span is the numbers of one commit's receipts.
type span struct {
	first number
	count uint64

	counted bool
	after   places // if counted: how many receipts and outputs there are after the commit
}

func appendSpan(b []byte, s span) []byte {
	b = binary.AppendUvarint(appendNumber(b, s.first), s.count)
	if s.counted {
		b = appendPlaces(b, s.after)
	}
	return b
}

func readSpan(b []byte) (s span, err error) {
	r := codec.NewReader(b)
	var first [numberSize]byte
	r.Fixed(first[:], "first")
	s.first = decodeNumber(first[:])
	if s.count = readUvarint(r, "count"); s.count > mostNumbers-uint64(s.first) {
		r.Fail(codec.TooLarge, "count")
	}
	if s.counted = r.Left() > 0; s.counted {
		s.after = readPlaces(r)
	}
	return s, r.Done()
}

// end is the number behind the span.
func (s span) end() number { return s.first + number(s.count) }

// mostAssets bounds the numbers of assets, which are kept in memory.
const mostAssets = 1 << 24

// corrupt names the row that cannot be right.
func corrupt(key []byte, err error) error {
	return fmt.Errorf("%w: key %x: %w", ErrCorrupt, key, err)
}
