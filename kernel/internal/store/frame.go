package store

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Record is one accepted snapshot as it stands in the log. Records are written in the order
// of acceptance and never change. Slices of a record that was read belong to the reader.
type Record struct {
	ID     kernel.SnapshotID
	Author kernel.Author
	Round  kernel.Round
	Header []byte // canonical bytes
	Body   []byte // canonical bytes
	Meta   []byte // what the graph wants back with the snapshot; the store does not look inside
}

// A frame is one entry of the log on disk. Three checksums (CRC32C, so every error of up to 32
// bits in a row is found) cover the prefix, the head and the rest apart, so that a header can
// be read without its body. The checksum of the prefix also covers the frame's place: a frame
// that a disk brings from elsewhere does not pass. [STO-4]
//
//	4 checksum of the other prefix bytes, segment number and offset
//	4 checksum of the head
//	4 checksum of the rest
//	4 length of the rest      2 length of the head
//	1 type                    1 zero
//	8 sequence number
type frame struct {
	kind     frameKind
	sequence uint64
	head     uint16
	rest     uint32
	headSum  uint32
	restSum  uint32
}

type frameKind uint8

const (
	frameInit     frameKind = 1 // first frame of every segment: what folder this is
	frameSnapshot frameKind = 2
)

const (
	prefixSize = 28

	// What stands before the header in a snapshot's head: id, author, round, length of the header.
	headFixed = 32 + 1 + 8 + 2

	// MaxMeta bounds Record.Meta. [STO-5]
	MaxMeta = 1 << 20

	maxHead = headFixed + kernel.MaxHeaderSize
	maxRest = 4 + kernel.MaxBodySize + MaxMeta
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A place is where a frame starts.
type place struct {
	segment uint32
	offset  uint32
}

func (p place) before(q place) bool {
	return p.segment < q.segment || p.segment == q.segment && p.offset < q.offset
}

func prefixSum(prefix []byte, at place) uint32 {
	var b [8]byte
	binary.BigEndian.PutUint32(b[:4], at.segment)
	binary.BigEndian.PutUint32(b[4:], at.offset)
	return crc32.Update(crc32.Checksum(prefix[4:prefixSize], castagnoli), castagnoli, b[:])
}

// size is the length of the whole frame.
func (f frame) size() int { return prefixSize + int(f.head) + int(f.rest) }

// closeFrame fills the prefix that was left open at start of b; head is the length of the head.
func closeFrame(b []byte, start, head int, kind frameKind, sequence uint64, at place) {
	prefix, payload := b[start:start+prefixSize], b[start+prefixSize:]
	binary.BigEndian.PutUint32(prefix[4:], crc32.Checksum(payload[:head], castagnoli))
	binary.BigEndian.PutUint32(prefix[8:], crc32.Checksum(payload[head:], castagnoli))
	binary.BigEndian.PutUint32(prefix[12:], uint32(len(payload)-head))
	binary.BigEndian.PutUint16(prefix[16:], uint16(head))
	prefix[18], prefix[19] = byte(kind), 0
	binary.BigEndian.PutUint64(prefix[20:], sequence)
	binary.BigEndian.PutUint32(prefix, prefixSum(prefix, at))
}

// readPrefix decodes the first prefixSize bytes of b as the prefix of a frame at the given place.
func readPrefix(b []byte, at place) (f frame, ok bool) {
	if len(b) < prefixSize || binary.BigEndian.Uint32(b) != prefixSum(b, at) {
		return f, false
	}
	f = frame{
		headSum:  binary.BigEndian.Uint32(b[4:]),
		restSum:  binary.BigEndian.Uint32(b[8:]),
		rest:     binary.BigEndian.Uint32(b[12:]),
		head:     binary.BigEndian.Uint16(b[16:]),
		kind:     frameKind(b[18]),
		sequence: binary.BigEndian.Uint64(b[20:]),
	}
	known := f.kind == frameInit || f.kind == frameSnapshot
	return f, known && b[19] == 0 && f.head <= maxHead && f.rest <= maxRest
}

// appendRecord appends the frame of r at the given place.
func appendRecord(b []byte, r *Record, sequence uint64, at place) []byte {
	start := len(b)
	b = append(b, make([]byte, prefixSize)...)
	b = append(b, r.ID[:]...)
	b = append(b, byte(r.Author))
	b = codec.AppendU64(b, uint64(r.Round))
	b = codec.AppendBytes16(b, r.Header)
	head := len(b) - start - prefixSize
	b = codec.AppendBytes32(b, r.Body)
	b = append(b, r.Meta...)
	closeFrame(b, start, head, frameSnapshot, sequence, at)
	return b
}

// recordSize is the length of r's frame.
func recordSize(r *Record) int {
	return prefixSize + headFixed + len(r.Header) + 4 + len(r.Body) + len(r.Meta)
}

// fits reports whether r is within the limits of the log. [STO-5]
func fits(r *Record) bool {
	return len(r.Header) >= minHeader && len(r.Header) <= kernel.MaxHeaderSize && len(r.Body) <= kernel.MaxBodySize && len(r.Meta) <= MaxMeta
}

// decodeHead reads the head of a snapshot's frame, whose checksum was good. Slices alias b.
func decodeHead(b []byte, r *Record) error {
	d := codec.NewReader(b)
	d.Fixed(r.ID[:], "id")
	r.Author = kernel.Author(d.U8("author"))
	r.Round = kernel.Round(d.U64("round"))
	r.Header = d.View16(kernel.MaxHeaderSize, "header")
	if !d.Failed() && len(r.Header) < minHeader {
		d.Fail(codec.Truncated, "header")
	}
	return d.Done()
}

// decodeRest reads the rest of a snapshot's frame, whose checksum was good. Slices alias b.
func decodeRest(b []byte, r *Record) error {
	d := codec.NewReader(b)
	r.Body = d.View32(kernel.MaxBodySize, "body")
	r.Meta = d.View(d.Left(), "meta")
	if len(r.Meta) > MaxMeta {
		d.Fail(codec.TooLarge, "meta")
	}
	return d.Done()
}

// decodePayload checks the sums of a whole payload (head and rest) and decodes it.
func (f frame) decodePayload(payload []byte, r *Record) bool {
	head, rest := payload[:f.head], payload[f.head:]
	return f.decodeHead(head, r) && crc32.Checksum(rest, castagnoli) == f.restSum && decodeRest(rest, r) == nil
}

// decodeHead checks the sum of the head alone and decodes it.
func (f frame) decodeHead(head []byte, r *Record) bool {
	return f.kind == frameSnapshot && crc32.Checksum(head, castagnoli) == f.headSum && decodeHead(head, r) == nil
}

// The header's first bytes are version, network and epoch.
const (
	epochOffset = 1 + 32
	minHeader   = epochOffset + 4
)

// epochOf reads the epoch out of a header's bytes.
func epochOf(header []byte) kernel.Epoch {
	return kernel.Epoch(binary.BigEndian.Uint32(header[epochOffset:]))
}

// An origin is the payload of a segment's first frame: which folder the segment belongs to,
// and where the segment before it ends. What stands behind that end was cut off. [STO-3]
type origin struct {
	network kernel.NetworkID
	node    kernel.NodeID
	format  uint32
	before  uint32 // length of the segment before, 0 in the first one
	base    uint32 // number of the oldest segment that must be there
}

const originSize = 4 + 32 + 32 + 4 + 4

func appendOrigin(b []byte, o origin, sequence uint64, at place) []byte {
	start := len(b)
	b = append(b, make([]byte, prefixSize)...)
	b = codec.AppendU32(b, o.format)
	b = append(b, o.network[:]...)
	b = append(b, o.node[:]...)
	b = codec.AppendU32(b, o.before)
	b = codec.AppendU32(b, o.base)
	closeFrame(b, start, originSize, frameInit, sequence, at)
	return b
}

// decodeOrigin reads a segment's first frame; the frame's sequence is that of its first record.
func decodeOrigin(b []byte, segment uint32) (o origin, first uint64, ok bool) {
	f, ok := readPrefix(b, place{segment: segment})
	if !ok || f.kind != frameInit || f.head != originSize || f.rest != 0 || len(b) < f.size() {
		return o, 0, false
	}
	head := b[prefixSize:f.size()]
	if crc32.Checksum(head, castagnoli) != f.headSum || f.restSum != 0 {
		return o, 0, false
	}
	d := codec.NewReader(head)
	o.format = d.U32("format")
	d.Fixed(o.network[:], "network")
	d.Fixed(o.node[:], "node")
	o.before = d.U32("before")
	o.base = d.U32("base")
	return o, f.sequence, d.Done() == nil
}
