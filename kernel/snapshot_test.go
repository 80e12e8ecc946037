package kernel

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

func testNodeKey(n byte) crypto.NodeKey { return crypto.NodeKeyFromSeed([32]byte{n}) }

// testSnapshot is a signed snapshot that uses every part of the format: author 2 at round 7.
func testSnapshot() *Snapshot {
	body := &Body{Entries: sortedEntries(
		Entry{Kind: EntryTransaction, Bytes: []byte("one")}, Entry{Kind: EntryTransaction, Bytes: []byte("two")},
		Entry{Kind: EntryRecord, Bytes: []byte("three")}, Entry{Kind: EntryRecord, Bytes: nil})}
	h := &Header{
		Network: NetworkID{1}, Epoch: 3, Author: 2, Round: 7, Timestamp: 1_700_000_000_000,
		Parents: []Parent{
			{2, 6, SnapshotID{2}}, {0, 6, SnapshotID{1}}, {5, 6, SnapshotID{3}}, {1, 4, SnapshotID{4}}, {3, 5, SnapshotID{5}},
		},
		BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
		Share:   &CoinShare{Share: [32]byte{6}, Proof: [64]byte{7}},
		Claim:   CommitClaim{Index: 8, Digest: Digest{9}},
		Closing: true, Checkpoint: &CheckpointVote{Index: 10, Signature: Signature{11}},
	}
	sign(h, testNodeKey(2))
	return &Snapshot{h, body}
}

func sign(h *Header, key crypto.NodeKey) {
	id := h.ID()
	h.Signature = key.Sign(id[:])
}

func sortedEntries(entries ...Entry) []Entry {
	b := &Body{Entries: entries}
	b.Sort()
	return b.Entries
}

func encodeHeader(t testing.TB, h *Header) []byte {
	t.Helper()
	b, err := h.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSnapshotRoundTrip(t *testing.T) {
	full := testSnapshot()
	small := &Snapshot{&Header{Author: 1, Round: 1, Timestamp: 1, Parents: []Parent{{Author: 1}}}, &Body{}}
	small.Header.BodyRoot, small.Header.BodyLength = small.Body.Root(), 2
	for _, s := range []*Snapshot{full, small} {
		b, err := s.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var again Snapshot
		if err := again.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if c, _ := again.AppendBinary(nil); !bytes.Equal(b, c) || again.Header.ID() != s.Header.ID() {
			t.Error("decoded and encoded again it differs")
		}
	}
}

// TestHeaderEveryBitCounts flips each bit of an encoded header: it is refused, or is another
// header whose signature does not hold.
func TestHeaderEveryBitCounts(t *testing.T) {
	s, key := testSnapshot(), testNodeKey(2).Public()
	b, id := encodeHeader(t, s.Header), s.Header.ID()
	if !crypto.Verify(key, id[:], s.Header.Signature) {
		t.Fatal("the base case is not signed")
	}
	for i := range 8 * len(b) {
		c := bytes.Clone(b)
		c[i/8] ^= 1 << (i % 8)
		var h Header
		if h.UnmarshalBinary(c) != nil {
			continue
		}
		if !bytes.Equal(encodeHeader(t, &h), c) {
			t.Errorf("bit %d: decoded, but encodes to other bytes", i)
		}
		if id := h.ID(); crypto.Verify(key, id[:], h.Signature) {
			t.Errorf("bit %d does not count", i)
		}
	}
}

func TestHeaderRefusals(t *testing.T) {
	for _, tt := range []struct {
		name   string
		broken func(h *Header)
		want   codec.Error
	}{
		{"author 50", func(h *Header) { h.Author = MaxMembers }, codec.Error{Fault: codec.BadValue, Field: "author"}},
		{"round 0", func(h *Header) { h.Round = 0 }, codec.Error{Fault: codec.BadValue, Field: "round"}},
		{"round over the limit", func(h *Header) { h.Round = MaxRound + 1 }, codec.Error{Fault: codec.BadValue, Field: "round"}},
		{"time 0", func(h *Header) { h.Timestamp = 0 }, codec.Error{Fault: codec.BadValue, Field: "timestamp"}},
		{"time over the limit", func(h *Header) { h.Timestamp = MaxTimestamp }, codec.Error{Fault: codec.BadValue, Field: "timestamp"}},
		{"body too long", func(h *Header) { h.BodyLength = MaxBodySize + 1 }, codec.Error{Fault: codec.TooLarge, Field: "body length"}},
		{"no parents", func(h *Header) { h.Parents = nil }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"own parent missing", func(h *Header) { h.Parents = h.Parents[1:] }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"own parent older", func(h *Header) { h.Parents[0].Round-- }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"own parent twice", func(h *Header) { h.Parents[3].Author = 2 }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"author twice", func(h *Header) { h.Parents[3].Author = 0 }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"parent's author 50", func(h *Header) { h.Parents[2].Author = MaxMembers }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"parent of the own round", func(h *Header) { h.Parents[2].Round = 7 }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"order in the previous round", func(h *Header) { h.Parents[1], h.Parents[2] = h.Parents[2], h.Parents[1] }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"order among older ones", func(h *Header) { h.Parents[3], h.Parents[4] = h.Parents[4], h.Parents[3] }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"older one first", func(h *Header) { h.Parents[1], h.Parents[3] = h.Parents[3], h.Parents[1] }, codec.Error{Fault: codec.NonCanonical, Field: "parents"}},
		{"51 parents", func(h *Header) { h.Share, h.Parents = nil, make([]Parent, maxParents+1) }, codec.Error{Fault: codec.TooLarge, Field: "parents"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := testSnapshot().Header
			tt.broken(h)
			if err := new(Header).UnmarshalBinary(encodeHeader(t, h)); !errors.Is(err, &tt.want) {
				t.Errorf("%v, want %v", err, &tt.want)
			}
		})
	}
	b := encodeHeader(t, testSnapshot().Header)
	if err := new(Header).UnmarshalBinary(set(b, 0, 2)); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: "version"}) {
		t.Errorf("version 2: %v", err)
	}
	if err := new(Header).UnmarshalBinary(make([]byte, MaxHeaderSize+1)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "header"}) {
		t.Errorf("too long: %v", err)
	}
}

func TestLargestHeader(t *testing.T) {
	h := testSnapshot().Header
	h.Parents = nil
	for a := range Author(MaxMembers) {
		h.Parents = append(h.Parents, Parent{Author: MaxMembers - 1 - a, Round: 6 - Round(a%2)})
	}
	h.Parents[MaxMembers-1-2].Round = 6
	h.SortParents()
	b := encodeHeader(t, h)
	if len(b) != MaxHeaderSize {
		t.Errorf("the largest header has %d bytes, the limit is %d", len(b), MaxHeaderSize)
	}
	if err := new(Header).UnmarshalBinary(b); err != nil {
		t.Error("sorted parents are refused:", err)
	}
}

func TestSnapshotBindsItsBody(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(s *Snapshot)
		field  string
	}{
		"another body of the same length": {func(s *Snapshot) { s.Body.Entries = sortedEntries(entriesWith(s, []byte("six"))...) }, "body root"},
		"a shorter body":                  {func(s *Snapshot) { s.Body.Entries = s.Body.Entries[1:] }, "body length"},
		"length":                          {func(s *Snapshot) { s.Header.BodyLength++ }, "body length"},
		"root":                            {func(s *Snapshot) { s.Header.BodyRoot[0]++ }, "body root"},
	} {
		s := testSnapshot()
		tt.change(s)
		b, err := s.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Snapshot).UnmarshalBinary(b); !errors.Is(err, &codec.Error{Fault: codec.BadValue, Field: tt.field}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// entriesWith replaces the first transaction of three bytes.
func entriesWith(s *Snapshot, b []byte) []Entry {
	entries := slices.Clone(s.Body.Entries)
	entries[0].Bytes = b
	return entries
}

func TestBodyRefusals(t *testing.T) {
	good := testSnapshot().Body
	if err := new(Body).UnmarshalBinary(good.AppendBinary(nil)); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	swap := func(i, j int) *Body {
		entries := slices.Clone(good.Entries)
		entries[i], entries[j] = entries[j], entries[i]
		return &Body{entries}
	}
	order := codec.Error{Fault: codec.NonCanonical, Field: "entry order"}
	for _, tt := range []struct {
		name  string
		bytes []byte
		want  codec.Error
	}{
		{"order of transactions", swap(0, 1).AppendBinary(nil), order},
		{"order of records", swap(2, 3).AppendBinary(nil), order},
		{"order of kinds", swap(1, 2).AppendBinary(nil), order},
		{"an entry twice", (&Body{[]Entry{good.Entries[0], good.Entries[0]}}).AppendBinary(nil), order},
		{"kind 0", (&Body{[]Entry{{}}}).AppendBinary(nil), codec.Error{Fault: codec.BadValue, Field: "entry kind"}},
		{"kind 3", (&Body{[]Entry{{Kind: 3}}}).AppendBinary(nil), codec.Error{Fault: codec.BadValue, Field: "entry kind"}},
		{"more entries than allowed", []byte{0x20, 0x01}, codec.Error{Fault: codec.TooLarge, Field: "body entries"}},
		{"more entries than bytes", []byte{0x20, 0x00, 1, 0, 0, 0, 0}, codec.Error{Fault: codec.Truncated, Field: "body entries"}},
		{"entry too long", []byte{0, 1, 1, 0, 0x40, 0, 1}, codec.Error{Fault: codec.TooLarge, Field: "entry"}},
		{"body too long", make([]byte, MaxBodySize+1), codec.Error{Fault: codec.TooLarge, Field: "body"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := new(Body).UnmarshalBinary(tt.bytes); !errors.Is(err, &tt.want) {
				t.Errorf("%v, want %v", err, &tt.want)
			}
		})
	}
}

// TestIdsSeparatePlaces checks that no two places or networks share an id.
func TestIdsSeparatePlaces(t *testing.T) {
	seen := map[SnapshotID]string{}
	for name, change := range map[string]func(h *Header){
		"base": func(*Header) {}, "network": func(h *Header) { h.Network[0]++ }, "epoch": func(h *Header) { h.Epoch++ },
		"author": func(h *Header) { h.Author++ }, "round": func(h *Header) { h.Round++ }, "time": func(h *Header) { h.Timestamp++ },
		"parent": func(h *Header) { h.Parents[4].ID[0]++ }, "claim": func(h *Header) { h.Claim.Index++ }, "closing": func(h *Header) { h.Closing = false },
		"no share": func(h *Header) { h.Share = nil }, "no vote": func(h *Header) { h.Checkpoint = nil },
	} {
		h := testSnapshot().Header
		change(h)
		if other, taken := seen[h.ID()]; taken {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[h.ID()] = name
	}
	h := testSnapshot().Header
	id := h.ID()
	if h.Signature = (Signature{}); h.ID() != id {
		t.Error("the id depends on the signature")
	}
}
