package kernel

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// SnapshotVersion is the version of header and body that this code writes and reads.
const SnapshotVersion = 1

// A Snapshot is a vertex of the graph: a signed header and the body it commits to.
type Snapshot struct {
	Header *Header
	Body   *Body
}

// A Header is the signed part of a snapshot. Docs: docs/spec/snapshot.md. [FMT-SNAP]
type Header struct {
	Network NetworkID
	Epoch   Epoch
	Author  Author
	Round   Round

	Timestamp  Timestamp
	Parents    []Parent // own previous snapshot first, then the others of round-1, then older ones; each group by author
	BodyRoot   Hash
	BodyLength uint32 // bytes of the encoded body
	Share      *CoinShare
	Claim      CommitClaim
	Closing    bool
	Checkpoint *CheckpointVote

	Signature Signature // by the author's node key over ID; not part of ID
}

// A Parent names a snapshot and repeats its place, so a missing one can be asked for by place too.
type Parent struct {
	Author Author     `json:"author"`
	Round  Round      `json:"round"`
	ID     SnapshotID `json:"id"`
}

// A CoinShare is an author's share of a round's coin with the proof that it is the right one.
type CoinShare struct {
	Share [32]byte // ristretto255 point
	Proof [64]byte // equal logarithms: commitment || response
}

// A CommitClaim is the newest commit that the author has executed and the snapshot's own cone
// decides, with the state it led to.
type CommitClaim struct {
	Index  CommitIndex
	Digest Digest
}

// A CheckpointVote is the author's signature over a checkpoint.
type CheckpointVote struct {
	Index     CommitIndex
	Signature Signature
}

const (
	parentSize    = 1 + 8 + 32
	maxParents    = MaxMembers
	headerPrefix  = 1 + 32 + 4 + 1 + 8
	headerMinimum = headerPrefix + 8 + 2 + 32 + 4 + 1 + 8 + 32 + 1 + 1 + 64

	// MaxHeaderSize bounds an encoded header. [LIM]
	MaxHeaderSize = headerMinimum + maxParents*parentSize + 96 + 72
)

// ID is the hash that the author signs: H(label, network, epoch, author, round, H(rest)). Proof
// that an author signed twice in one round needs these five values only, whatever the headers hold.
func (h *Header) ID() SnapshotID {
	return SnapshotIDOf(h.Network, h.Epoch, h.Author, h.Round, h.RestHash())
}

// SnapshotIDOf computes a snapshot id from its place and the hash of the rest of its header.
func SnapshotIDOf(network NetworkID, epoch Epoch, author Author, round Round, rest Hash) SnapshotID {
	var b [45]byte
	place := append(b[:0], network[:]...)
	place = codec.AppendU32(place, uint32(epoch))
	place = append(place, byte(author))
	place = codec.AppendU64(place, uint64(round))
	return crypto.SumLabel("asterism snapshot id", place, rest[:])
}

// RestHash is the hash of the header without version, place and signature.
func (h *Header) RestHash() Hash {
	return crypto.SumLabel("asterism snapshot rest", h.appendRest(make([]byte, 0, 512)))
}

// GenesisSnapshotID is the id of a member's unsigned round-0 snapshot of an epoch, whose
// genesis has the given hash. [DAG-1]
func GenesisSnapshotID(epochGenesis Hash, author Author) SnapshotID {
	return crypto.SumLabel("asterism epoch genesis snapshot", epochGenesis[:], []byte{byte(author)})
}

// AppendBinary appends the canonical form, signature last.
func (h *Header) AppendBinary(b []byte) ([]byte, error) {
	b = append(b, SnapshotVersion)
	b = append(b, h.Network[:]...)
	b = codec.AppendU32(b, uint32(h.Epoch))
	b = append(b, byte(h.Author))
	b = codec.AppendU64(b, uint64(h.Round))
	b = h.appendRest(b)
	return append(b, h.Signature[:]...), nil
}

func (h *Header) appendRest(b []byte) []byte {
	b = codec.AppendU64(b, uint64(h.Timestamp))
	b = codec.AppendU16(b, uint16(len(h.Parents)))
	for _, p := range h.Parents {
		b = append(b, byte(p.Author))
		b = codec.AppendU64(b, uint64(p.Round))
		b = append(b, p.ID[:]...)
	}
	b = append(b, h.BodyRoot[:]...)
	b = codec.AppendU32(b, h.BodyLength)
	b = codec.AppendBool(b, h.Share != nil)
	if h.Share != nil {
		b = append(b, h.Share.Share[:]...)
		b = append(b, h.Share.Proof[:]...)
	}
	b = codec.AppendU64(b, uint64(h.Claim.Index))
	b = append(b, h.Claim.Digest[:]...)
	b = codec.AppendBool(b, h.Closing)
	b = codec.AppendBool(b, h.Checkpoint != nil)
	if h.Checkpoint != nil {
		b = codec.AppendU64(b, uint64(h.Checkpoint.Index))
		b = append(b, h.Checkpoint.Signature[:]...)
	}
	return b
}

// UnmarshalBinary decodes exactly one canonical header.
func (h *Header) UnmarshalBinary(b []byte) error {
	if len(b) > MaxHeaderSize {
		return &codec.Error{Fault: codec.TooLarge, Field: "header"}
	}
	r := codec.NewReader(b)
	h.decode(r)
	return r.Done()
}

func (h *Header) decode(r *codec.Reader) {
	if r.U8("version") != SnapshotVersion {
		r.Fail(codec.BadValue, "version")
	}
	r.Fixed(h.Network[:], "network")
	h.Epoch = Epoch(r.U32("epoch"))
	if h.Author = Author(r.U8("author")); h.Author >= MaxMembers {
		r.Fail(codec.BadValue, "author")
	}
	if h.Round = Round(r.U64("round")); h.Round == 0 || h.Round > MaxRound {
		r.Fail(codec.BadValue, "round")
	}
	if h.Timestamp = Timestamp(r.U64("timestamp")); h.Timestamp == 0 || h.Timestamp >= MaxTimestamp {
		r.Fail(codec.BadValue, "timestamp")
	}
	n := r.Count16(maxParents, parentSize, "parents")
	h.Parents = make([]Parent, n)
	for i := range h.Parents {
		p := &h.Parents[i]
		p.Author = Author(r.U8("parent author"))
		p.Round = Round(r.U64("parent round"))
		r.Fixed(p.ID[:], "parent id")
	}
	if !r.Failed() && !h.parentsOrdered() {
		r.Fail(codec.NonCanonical, "parents")
	}
	r.Fixed(h.BodyRoot[:], "body root")
	if h.BodyLength = r.U32("body length"); h.BodyLength > MaxBodySize {
		r.Fail(codec.TooLarge, "body length")
	}
	h.Share = nil
	if r.Bool("coin share") {
		h.Share = new(CoinShare)
		r.Fixed(h.Share.Share[:], "coin share")
		r.Fixed(h.Share.Proof[:], "coin share proof")
	}
	h.Claim.Index = CommitIndex(r.U64("commit index"))
	r.Fixed(h.Claim.Digest[:], "commit digest")
	h.Closing = r.Bool("closing")
	h.Checkpoint = nil
	if r.Bool("checkpoint") {
		h.Checkpoint = new(CheckpointVote)
		h.Checkpoint.Index = CommitIndex(r.U64("checkpoint index"))
		r.Fixed(h.Checkpoint.Signature[:], "checkpoint signature")
	}
	r.Fixed(h.Signature[:], "signature")
}

// parentsOrdered reports whether the parents have the one order the format knows: the author's
// own of round-1, the others of round-1 by author, then older ones by author. Each author once.
func (h *Header) parentsOrdered() bool {
	if len(h.Parents) == 0 || h.Parents[0].Author != h.Author || h.Parents[0].Round != h.Round-1 {
		return false
	}
	var seen uint64
	for i, p := range h.Parents {
		if p.Author >= MaxMembers || seen&(1<<p.Author) != 0 || p.Round >= h.Round {
			return false
		}
		seen |= 1 << p.Author
		if i < 2 {
			continue
		}
		prev, older := h.Parents[i-1], p.Round < h.Round-1
		if prevOlder := prev.Round < h.Round-1; prevOlder != older && prevOlder || prevOlder == older && prev.Author > p.Author {
			return false
		}
	}
	return true
}

// SortParents brings parents into the order that the format demands.
func (h *Header) SortParents() {
	slices.SortFunc(h.Parents, func(x, y Parent) int { return h.parentRank(x) - h.parentRank(y) })
}

func (h *Header) parentRank(p Parent) int {
	switch {
	case p.Author == h.Author:
		return -1
	case p.Round == h.Round-1:
		return int(p.Author)
	default:
		return 256 + int(p.Author)
	}
}

// AppendBinary appends header and body, each with its length.
func (s *Snapshot) AppendBinary(b []byte) ([]byte, error) {
	header, err := s.Header.AppendBinary(nil)
	if err != nil {
		return nil, err
	}
	b = codec.AppendBytes16(b, header)
	body := s.Body.AppendBinary(make([]byte, 0, s.Header.BodyLength))
	return codec.AppendBytes32(b, body), nil
}

// UnmarshalBinary decodes header and body and checks that they belong together: length and
// root of the body are those the header commits to. The result aliases b.
func (s *Snapshot) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	header := r.View16(MaxHeaderSize, "header")
	body := r.View32(MaxBodySize, "body")
	if err := r.Done(); err != nil {
		return err
	}
	s.Header, s.Body = new(Header), new(Body)
	if err := s.Header.UnmarshalBinary(header); err != nil {
		return err
	}
	if uint32(len(body)) != s.Header.BodyLength {
		return &codec.Error{Fault: codec.BadValue, Field: "body length"}
	}
	if err := s.Body.UnmarshalBinary(body); err != nil {
		return err
	}
	if s.Body.Root() != s.Header.BodyRoot {
		return &codec.Error{Fault: codec.BadValue, Field: "body root"}
	}
	return nil
}

// String names the snapshot for people: author, round and the start of its id.
func (h *Header) String() string {
	return fmt.Sprintf("%d@%d %s", h.Author, h.Round, h.ID().Short())
}
