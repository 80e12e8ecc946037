package kernel

import (
	"bytes"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/merkle"
)

// An EntryKind says what stands inside a body entry.
type EntryKind uint8

// The kinds of body entries, in the order in which they stand.
const (
	EntryTransaction EntryKind = 1 // a signed version-5 transaction
	EntryRecord      EntryKind = 2 // a system record
)

// An Entry is the signed bytes of one transaction or system record. Framing is a matter of the
// snapshot's validity; what stands inside is judged by the ledger at the snapshot's commit.
type Entry struct {
	Kind  EntryKind
	Bytes []byte

	hash Hash // where it was computed already: entries do not change
}

// A Body is the payload of a snapshot: entries by kind, inside a kind strictly ascending by
// the hash of their bytes. [FMT-BODY]
type Body struct {
	Entries []Entry
}

// Records returns copies of the body's system records.
func (b *Body) Records() (list [][]byte) {
	for _, e := range b.Entries {
		if e.Kind == EntryRecord {
			list = append(list, bytes.Clone(e.Bytes))
		}
	}
	return list
}

// EntryHash is the hash by which entries are ordered and that the body root's leaves hold.
func EntryHash(e Entry) Hash {
	if e.hash.IsZero() {
		return e.computeHash()
	}
	return e.hash
}

func (e *Entry) computeHash() Hash {
	return crypto.SumLabel("asterism body entry", []byte{byte(e.Kind)}, e.Bytes)
}

// Root is the Merkle root over the entries' hashes; an empty body has the empty tree's root.
func (b *Body) Root() Hash {
	leaves := make([][32]byte, len(b.Entries))
	for i, e := range b.Entries {
		leaves[i] = EntryHash(e)
	}
	return merkle.Root(leaves)
}

// Sort brings the entries into the order that the format demands.
func (b *Body) Sort() {
	for i := range b.Entries {
		b.Entries[i].hash = b.Entries[i].computeHash()
	}
	slices.SortFunc(b.Entries, func(x, y Entry) int {
		if x.Kind != y.Kind {
			return int(x.Kind) - int(y.Kind)
		}
		return x.hash.Compare(y.hash)
	})
}

// AppendBinary appends the canonical form: a count, then kind, length and bytes of each entry.
func (b *Body) AppendBinary(out []byte) []byte {
	out = codec.AppendU16(out, uint16(len(b.Entries)))
	for _, e := range b.Entries {
		out = append(out, byte(e.Kind))
		out = codec.AppendBytes32(out, e.Bytes)
	}
	return out
}

// UnmarshalBinary decodes exactly one canonical body. Entries alias in.
func (b *Body) UnmarshalBinary(in []byte) error {
	if len(in) > MaxBodySize {
		return &codec.Error{Fault: codec.TooLarge, Field: "body"}
	}
	r := codec.NewReader(in)
	n := r.Count16(MaxBodyEntries, 5, "body entries")
	b.Entries = make([]Entry, n)
	var last Hash
	for i := range b.Entries {
		e := &b.Entries[i]
		e.Kind = EntryKind(r.U8("entry kind"))
		if e.Kind != EntryTransaction && e.Kind != EntryRecord {
			r.Fail(codec.BadValue, "entry kind")
		}
		e.Bytes = r.View32(MaxTransactionSize, "entry")
		if r.Failed() {
			break
		}
		hash := e.computeHash()
		e.hash = hash
		if i > 0 {
			prev := b.Entries[i-1].Kind
			if e.Kind < prev || e.Kind == prev && last.Compare(hash) >= 0 {
				r.Fail(codec.NonCanonical, "entry order")
			}
		}
		last = hash
	}
	return r.Done()
}
