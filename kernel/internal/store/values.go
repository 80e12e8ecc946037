package store

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Values in the key-value store. The engine's block checksums find bytes that changed on disk;
// the decoders are canonical all the same, so that a bug of ours cannot pass as state. They
// return the codec's errors; whoever reads turns those into ErrCorrupt. [STO-9]

func appendAmount(b []byte, a kernel.Amount) []byte {
	hi, lo := a.Units()
	return codec.AppendU64(codec.AppendU64(b, hi), lo)
}

func readAmount(r *codec.Reader, field string) kernel.Amount {
	hi := r.U64(field)
	return kernel.AmountFromUnits(hi, r.U64(field))
}

const maxAssetText = 1024 // bytes of an asset's key or symbol, above what the vocabulary allows

func appendAsset(b []byte, a *ledger.Asset) []byte {
	b = append(b, a.Chain[:]...)
	b = codec.AppendBytes16(b, []byte(a.Key))
	b = codec.AppendBytes16(b, []byte(a.Symbol))
	b = appendAmount(b, a.Ceiling)
	b = appendAmount(b, a.Deposited)
	b = appendAmount(b, a.Withdrawn)
	return appendAmount(b, a.Unspent)
}

func readAsset(b []byte) (a ledger.Asset, err error) {
	r := codec.NewReader(b)
	r.Fixed(a.Chain[:], "chain")
	a.Key = string(r.View16(maxAssetText, "key"))
	a.Symbol = string(r.View16(maxAssetText, "symbol"))
	a.Ceiling = readAmount(r, "ceiling")
	a.Deposited = readAmount(r, "deposited")
	a.Withdrawn = readAmount(r, "withdrawn")
	a.Unspent = readAmount(r, "unspent")
	return a, r.Done()
}

func appendFault(b []byte, f *ledger.Fault) []byte {
	b = append(b, byte(f.Kind), byte(f.Author))
	b = codec.AppendU32(b, uint32(f.Epoch))
	b = codec.AppendU64(b, uint64(f.Round))
	b = append(b, f.Snapshot[:]...)
	b = append(b, f.Entry[:]...)
	return codec.AppendU64(b, uint64(f.Commit))
}

func readFault(b []byte) (f ledger.Fault, err error) {
	r := codec.NewReader(b)
	if f.Kind = ledger.FaultKind(r.U8("kind")); f.Kind < ledger.FaultEquivocation || f.Kind > ledger.FaultCoin {
		r.Fail(codec.BadValue, "kind")
	}
	f.Author = kernel.Author(r.U8("author"))
	f.Epoch = kernel.Epoch(r.U32("epoch"))
	f.Round = kernel.Round(r.U64("round"))
	r.Fixed(f.Snapshot[:], "snapshot")
	r.Fixed(f.Entry[:], "entry")
	f.Commit = kernel.CommitIndex(r.U64("commit"))
	return f, r.Done()
}

func appendHead(b []byte, h *ledger.Head) []byte {
	b = codec.AppendU64(b, uint64(h.Index))
	b = codec.AppendU64(b, uint64(h.Timestamp))
	b = append(b, h.Digest[:]...)
	return append(b, h.State[:]...)
}

func readHead(b []byte) (h ledger.Head, err error) {
	r := codec.NewReader(b)
	h.Index = kernel.CommitIndex(r.U64("index"))
	h.Timestamp = kernel.Timestamp(r.U64("timestamp"))
	r.Fixed(h.Digest[:], "digest")
	r.Fixed(h.State[:], "state")
	return h, r.Done()
}

func readNumber(b []byte) (uint64, error) {
	r := codec.NewReader(b)
	n := r.U64("number")
	return n, r.Done()
}

const entrySize = 4 + 4 + 8 + 2 + 4

func appendEntry(b []byte, e entry) []byte {
	b = codec.AppendU32(b, e.segment)
	b = codec.AppendU32(b, e.offset)
	b = codec.AppendU64(b, e.sequence)
	b = codec.AppendU16(b, e.head)
	return codec.AppendU32(b, e.rest)
}

func readEntry(b []byte) (e entry, err error) {
	r := codec.NewReader(b)
	e.segment = r.U32("segment")
	e.offset = r.U32("offset")
	e.sequence = r.U64("sequence")
	if e.head = r.U16("head"); e.head > maxHead {
		r.Fail(codec.TooLarge, "head")
	}
	if e.rest = r.U32("rest"); e.rest > maxRest {
		r.Fail(codec.TooLarge, "rest")
	}
	return e, r.Done()
}

// A committedAt is where a snapshot stands in the total order.
type committedAt struct {
	commit   kernel.CommitIndex
	position uint64
}

func appendCommittedAt(b []byte, c committedAt) []byte {
	return codec.AppendU64(codec.AppendU64(b, uint64(c.commit)), c.position)
}

func readCommittedAt(b []byte) (c committedAt, err error) {
	r := codec.NewReader(b)
	c.commit = kernel.CommitIndex(r.U64("commit"))
	c.position = r.U64("position")
	return c, r.Done()
}

func appendMark(b []byte, m mark) []byte {
	b = codec.AppendU32(b, m.segment)
	b = codec.AppendU32(b, m.offset)
	return codec.AppendU64(b, m.sequence)
}

func readMark(b []byte) (m mark, err error) {
	r := codec.NewReader(b)
	m.segment = r.U32("segment")
	m.offset = r.U32("offset")
	m.sequence = r.U64("sequence")
	return m, r.Done()
}

func appendFolder(b []byte, o origin) []byte {
	b = codec.AppendU32(b, o.format)
	b = append(b, o.network[:]...)
	return append(b, o.node[:]...)
}

func readFolder(b []byte) (o origin, err error) {
	r := codec.NewReader(b)
	o.format = r.U32("format")
	r.Fixed(o.network[:], "network")
	r.Fixed(o.node[:], "node")
	return o, r.Done()
}
