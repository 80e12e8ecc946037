package ledger

import (
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A View is the ledger before a commit. Reads cannot fail: a store that cannot read stops the
// process. A View does not change while it is used.
type View interface {
	Head() Head
	Output(kernel.OutputRef) (Output, bool)
	GhostKey(kernel.Key) (Owner, bool)  // who used a one-time key first
	Identity(kernel.Hash) (Owner, bool) // who took a deposit's or mint's identity
	Receipt(kernel.TxHash) (kernel.Receipt, bool)
	Asset(kernel.AssetID) (Asset, bool)
	Faulted(FaultKind, kernel.Author, kernel.Epoch, kernel.Round) bool // such a fault is recorded
	System(key string) ([]byte, bool)                                  // a system row's value, which must not be changed
}

// A Head is where the ledger stands.
type Head struct {
	Index     kernel.CommitIndex
	Timestamp kernel.Timestamp
	Digest    kernel.Digest
	State     crypto.SetHash // over everything execution reads
}

// An Output is an output with its history. Spent ones are kept until the end of the next epoch.
type Output struct {
	kernel.Output
	Asset   kernel.AssetID
	Created kernel.CommitIndex
	SpentBy kernel.TxHash // zero while unspent
	SpentAt kernel.CommitIndex
}

// An Owner is the transaction that took something that can be taken once, and when.
type Owner struct {
	Transaction kernel.TxHash
	Commit      kernel.CommitIndex
}

// An Asset is what the ledger knows of an asset.
type Asset struct {
	Chain     kernel.AssetID
	Key       string
	Symbol    string
	Ceiling   kernel.Amount // zero is none
	Deposited kernel.Amount // genesis balances and deposits, ever
	Withdrawn kernel.Amount // withdrawals, ever
	Unspent   kernel.Amount // sum of unspent outputs; always Deposited - Withdrawn, of XIN less what is in pool and escrow
}

// A Diff is what one commit changes. Slices are in execution order and name each thing once,
// except that an output may be created and spent by the same commit: then it is in both.
type Diff struct {
	Created  []CreatedOutput
	Spent    []SpentOutput
	Keys     []TakenKey
	Taken    []TakenIdentity
	Receipts []kernel.Receipt
	Assets   []ChangedAsset
	Faults   []Fault
	System   []SystemRow // that are not what they were
	Issued   [][]byte    // transactions that the ledger made itself, in the order of their receipts, which name no snapshot; not those of commit 0
	Head     Head        // after the commit
}

// A CreatedOutput is a new output.
type CreatedOutput struct {
	Ref    kernel.OutputRef
	Output Output
}

// A SpentOutput marks an output as spent.
type SpentOutput struct {
	Ref kernel.OutputRef
	By  Owner
}

// A TakenKey reserves a one-time key for ever.
type TakenKey struct {
	Key kernel.Key
	By  Owner
}

// A TakenIdentity reserves a deposit's or mint's identity for ever.
type TakenIdentity struct {
	Identity kernel.Hash
	By       Owner
}

// A ChangedAsset is an asset's new totals.
type ChangedAsset struct {
	ID    kernel.AssetID
	Asset Asset
}

// A FaultKind is one of the faults that cost a member its stake.
type FaultKind uint8

// The faults, numbered as in the design: E1 to E4.
const (
	FaultEquivocation FaultKind = 1 // two signed ids in one round; proved by a record
	FaultDoubleSpend  FaultKind = 2 // carried a spend that its own claim already excludes
	FaultInvalid      FaultKind = 3 // carried bytes, signatures or sums that cannot be right
	FaultCoin         FaultKind = 4 // wrong coin share; proved by a record
)

// A Fault is one found by a commit. Consequences follow at the next roster.
type Fault struct {
	Kind     FaultKind
	Author   kernel.Author
	Epoch    kernel.Epoch
	Round    kernel.Round
	Snapshot kernel.SnapshotID // whose execution found it; for E1 one of the two
	Entry    kernel.Hash       // the body entry that proves it
	Commit   kernel.CommitIndex
}

// A Committed is one committed snapshot as execution sees it.
type Committed struct {
	Author  kernel.Author
	Round   kernel.Round
	ID      kernel.SnapshotID
	Claim   kernel.CommitIndex // the k that counts for it
	Names   kernel.AuthorSet   // see kernel.CommittedID
	Closing bool
	Body    *kernel.Body // empty for a snapshot that says nothing
	Parsed  []*Parsed    // of the body's transactions, in order, by Context.Parse; nil where nobody has parsed them
}

// A Verifier answers whether all signatures of a transaction are good, given the keys of the
// outputs that its inputs spend (one list per input, in order). The answer is a function of
// the arguments: signed is the hash of the full signed bytes, so an implementation may cache. It
// keeps none of them.
type Verifier interface {
	Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool
}
