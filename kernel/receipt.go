package kernel

import (
	"math/bits"

	"github.com/asterism-network/asterism/internal/codec"
)

// A Status is what became of a transaction.
type Status uint8

// The statuses that a receipt can have. A transaction without a receipt is pending or unknown.
const (
	Final    Status = 1
	Rejected Status = 2
)

// String returns "final" or "rejected".
func (s Status) String() string {
	switch s {
	case Final:
		return "final"
	case Rejected:
		return "rejected"
	}
	return "unknown"
}

// MarshalText returns the form of String.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the form of String.
func (s *Status) UnmarshalText(text []byte) error {
	switch string(text) {
	case "final":
		*s = Final
	case "rejected":
		*s = Rejected
	default:
		*s = 0
	}
	return nil
}

// A Receipt is what became of a transaction: one per hash, for ever. [EXE-3]
type Receipt struct {
	Transaction TxHash      `json:"transaction"`
	Status      Status      `json:"status"`
	Commit      CommitIndex `json:"commit"`
	Snapshot    SnapshotID  `json:"snapshot"` // the one whose occurrence was judged
	Rule        Rule        `json:"rule,omitempty"`
	Winner      TxHash      `json:"winner,omitzero"` // rejected: the transaction that came first
}

// AppendBinary appends the canonical form.
func (r Receipt) AppendBinary(b []byte) []byte {
	b = append(b, r.Transaction[:]...)
	b = append(b, byte(r.Status))
	b = codec.AppendU64(b, uint64(r.Commit))
	b = append(b, r.Snapshot[:]...)
	b = codec.AppendU16(b, uint16(r.Rule))
	return append(b, r.Winner[:]...)
}

// ReceiptSize is the length of an encoded receipt.
const ReceiptSize = 32 + 1 + 8 + 32 + 2 + 32

// UnmarshalBinary decodes exactly one canonical receipt.
func (r *Receipt) UnmarshalBinary(b []byte) error {
	d := codec.NewReader(b)
	d.Fixed(r.Transaction[:], "transaction")
	r.Status = Status(d.U8("status"))
	r.Commit = CommitIndex(d.U64("commit"))
	d.Fixed(r.Snapshot[:], "snapshot")
	r.Rule = Rule(d.U16("rule"))
	d.Fixed(r.Winner[:], "winner")
	if !d.Failed() && (r.Status != Final && r.Status != Rejected || (r.Status == Rejected) != r.Rule.Valid() || r.Status == Final && (r.Rule != 0 || !r.Winner.IsZero())) {
		d.Fail(codec.NonCanonical, "status")
	}
	return d.Done()
}

// A Commit is one step of the total order. [ORD-7]
type Commit struct {
	Index     CommitIndex   `json:"index"`
	Epoch     Epoch         `json:"epoch"`
	Leader    Parent        `json:"leader"`
	CoinRound Round         `json:"coin_round"` // the round whose coin revealed the leader
	Coin      Hash          `json:"coin"`
	Timestamp Timestamp     `json:"timestamp_ms"`
	Position  uint64        `json:"position"` // place of the first snapshot among all committed ones
	Snapshots []CommittedID `json:"snapshots"`
	Digest    Digest        `json:"digest"` // of the state after it; zero until executed
}

// A CommittedID names a committed snapshot with what execution needs of its header.
type CommittedID struct {
	Author  Author      `json:"author"`
	Round   Round       `json:"round"`
	ID      SnapshotID  `json:"id"`
	Claim   CommitIndex `json:"claim"`             // the commit index that counts for its author
	Names   AuthorSet   `json:"names"`             // the other authors of whom it names a snapshot of the round below
	Closing bool        `json:"closing,omitempty"` // what the header says; counts where Claim is at or after the decision
}

// An AuthorSet is a set of authors of one epoch: bit a for author a.
type AuthorSet uint64

// Has reports whether a is in the set.
func (s AuthorSet) Has(a Author) bool { return s>>a&1 == 1 }

// With returns the set with a in it.
func (s AuthorSet) With(a Author) AuthorSet { return s | 1<<a }

// Len is the number of authors in the set.
func (s AuthorSet) Len() int { return bits.OnesCount64(uint64(s)) }

const (
	committedSize = 1 + 8 + 32 + 8 + 8 + 1
	// MaxCommitSnapshots bounds the snapshots of one commit.
	MaxCommitSnapshots = 1 << 20
)

// AppendBinary appends the canonical form.
func (c *Commit) AppendBinary(b []byte) []byte {
	b = codec.AppendU64(b, uint64(c.Index))
	b = codec.AppendU32(b, uint32(c.Epoch))
	b = append(b, byte(c.Leader.Author))
	b = codec.AppendU64(b, uint64(c.Leader.Round))
	b = append(b, c.Leader.ID[:]...)
	b = codec.AppendU64(b, uint64(c.CoinRound))
	b = append(b, c.Coin[:]...)
	b = codec.AppendU64(b, uint64(c.Timestamp))
	b = codec.AppendU64(b, c.Position)
	b = codec.AppendU32(b, uint32(len(c.Snapshots)))
	for _, s := range c.Snapshots {
		b = append(b, byte(s.Author))
		b = codec.AppendU64(b, uint64(s.Round))
		b = append(b, s.ID[:]...)
		b = codec.AppendU64(b, uint64(s.Claim))
		b = codec.AppendU64(b, uint64(s.Names))
		b = codec.AppendBool(b, s.Closing)
	}
	return append(b, c.Digest[:]...)
}

// UnmarshalBinary decodes exactly one canonical commit.
func (c *Commit) UnmarshalBinary(b []byte) error {
	r := codec.NewReader(b)
	c.Index = CommitIndex(r.U64("index"))
	c.Epoch = Epoch(r.U32("epoch"))
	c.Leader.Author = Author(r.U8("leader author"))
	c.Leader.Round = Round(r.U64("leader round"))
	r.Fixed(c.Leader.ID[:], "leader id")
	c.CoinRound = Round(r.U64("coin round"))
	r.Fixed(c.Coin[:], "coin")
	c.Timestamp = Timestamp(r.U64("timestamp"))
	c.Position = r.U64("position")
	c.Snapshots = make([]CommittedID, r.Count32(MaxCommitSnapshots, committedSize, "snapshots"))
	for i := range c.Snapshots {
		s := &c.Snapshots[i]
		s.Author = Author(r.U8("author"))
		s.Round = Round(r.U64("round"))
		r.Fixed(s.ID[:], "id")
		s.Claim = CommitIndex(r.U64("claim"))
		if s.Names = AuthorSet(r.U64("names")); s.Names>>MaxMembers != 0 {
			r.Fail(codec.BadValue, "names")
		}
		s.Closing = r.Bool("closing")
	}
	r.Fixed(c.Digest[:], "digest")
	return r.Done()
}
