package kernel

import "time"

// A Round numbers the snapshots of one author inside an epoch, from 0 without gaps.
type Round uint64

// An Author is a member's place in the roster of an epoch: 0 to 49.
type Author uint8

// An Epoch numbers the spans in which roster, quorum and coin key are constant.
type Epoch uint32

// A CommitIndex numbers the steps of the total order; 0 is the genesis commit.
type CommitIndex uint64

// A Timestamp is Unix time in milliseconds, below MaxTimestamp. Zero is never a valid time.
type Timestamp uint64

// MaxTimestamp bounds every timestamp (the year 2109), so sums of a few never overflow.
const MaxTimestamp Timestamp = 1 << 42

// Time converts t for people and logs.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Protocol limits. They bound what a decoder allocates and are part of the rules: every node
// has the same ones. [LIM]
const (
	MinMembers = 7  // a network never boots with fewer
	MaxMembers = 50 // author sets fit a 64-bit mask

	MaxRound = Round(1) << 40

	MaxTransactionSize = 4 << 20  // encoded, signatures included
	MaxBodySize        = 16 << 20 // encoded body of one snapshot
	MaxBodyEntries     = 8192

	// MaxBodySignatures bounds the signatures of a body's transactions together, see SignatureCount: a second of one
	// core. A signer of an aggregate is a 16-bit number, so one transaction has as many at most: every
	// transaction fits into a body. [DAG-12]
	MaxBodySignatures = 1 << 16

	MaxRecordPayload = 64 << 10 // of a system record
)
