package rpc

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A Node is the running node as the public interface sees it. All methods are called from many
// goroutines at once, must return soon, and must not keep or change their arguments.
type Node interface {
	Info() Info

	// Storage says what the node keeps; nil if that is not known. It asks the disk's engine: not for every item of an answer.
	Storage() *client.StorageInfo

	// Submit admits the signed bytes of a transaction to the mempool. A refusal by the ledger
	// wraps a kernel.Rule; kernel.AlreadyFinal is one. A known pending transaction is no error.
	// A node that is full answers an *Overloaded, one that does not take part an *NotReady.
	Submit(ctx context.Context, raw []byte) (kernel.TxHash, error)

	// SubmitAll is Submit for many, whose signatures are checked together. The answers stand in the
	// order of raws; the error is for the call as a whole.
	SubmitAll(ctx context.Context, raws [][]byte) ([]Submission, error)

	// SubmitRecord takes the signed bytes of a record of holders, light witnesses or members and puts
	// it on its way. A record that would not count is refused by a ledger.RecordRule.
	SubmitRecord(ctx context.Context, raw []byte) (kernel.Hash, error)

	// RegisterDomain moves the registration of a checked domain, unless that is done, and answers
	// what became of it so far.
	RegisterDomain(ctx context.Context, d kernel.Domain) (kernel.DomainState, error)

	// Check answers what Submit would, without admitting.
	Check(raw []byte) error

	// Pending returns a transaction that has no receipt yet, and when it was first seen.
	Pending(kernel.TxHash) (raw []byte, since kernel.Timestamp, ok bool)

	// Excluded tells that a transaction without a receipt can never become final, because another
	// one took the same thing: the receipt it would get.
	Excluded(kernel.TxHash) (kernel.Receipt, bool)

	// Explain tells where a transaction stands; see client.Explanation.
	Explain(kernel.TxHash) client.Explanation

	// Peers lists the connections to other members, in a slice of the caller's own.
	Peers() []client.Peer

	// Graph is the node's view of rounds from to to, inclusive; at most MaxGraphRounds are asked
	// for. Both zero asks for the newest ones.
	Graph(from, to kernel.Round) client.Graph

	// Link is the highest round of to in the cone of from's newest snapshot.
	Link(from, to kernel.NodeID) (kernel.Round, bool)

	// SignWitness signs msg with the node key. Only messages made by WitnessMessage reach it.
	SignWitness(msg []byte) kernel.Signature

	// Commits returns the index of the newest executed commit and a channel that is closed when
	// a newer one exists and History answers it.
	Commits() (head kernel.CommitIndex, changed <-chan struct{})
}

// A Submission is the answer to one of many: as the results of Node.Submit.
type Submission struct {
	Hash kernel.TxHash
	Err  error
}

// A History reads what the node has stored. Reads cannot fail: a store that cannot read stops
// the process. What a commit wrote is visible as a whole or not at all.
type History interface {
	// CommitAt returns an executed commit with its receipts in the order of execution.
	CommitAt(kernel.CommitIndex) (*kernel.Commit, []kernel.Receipt, bool)

	// Ordered is CommitAt without the receipts, at a fraction of the cost.
	Ordered(kernel.CommitIndex) (*kernel.Commit, bool)

	// Receipt returns what became of a transaction.
	Receipt(kernel.TxHash) (kernel.Receipt, bool)

	// Transaction returns a receipt and, if it is final, the signed bytes; raw is nil where they
	// are not stored. ok is false without a receipt.
	Transaction(kernel.TxHash) (raw []byte, receipt kernel.Receipt, ok bool)

	// Base is the commit that history begins behind; 0 for all of it.
	Base() kernel.CommitIndex

	// ExportState writes the newest certified state, see docs/spec/storage.md. Nothing is written where there is none.
	ExportState(io.Writer) (kernel.CommitIndex, error)

	// Header and Body return the canonical bytes of a snapshot held, committed or not.
	Header(kernel.SnapshotID) ([]byte, bool)
	Body(kernel.SnapshotID) ([]byte, bool)

	// Variants lists the snapshots held of one author's round of the current epoch.
	Variants(kernel.Author, kernel.Round) []kernel.SnapshotID

	// SnapshotPosition is the place of a committed snapshot in the total order.
	SnapshotPosition(kernel.SnapshotID) (commit kernel.CommitIndex, position uint64, ok bool)

	// SnapshotAt is the snapshot at a place of the total order.
	SnapshotAt(position uint64) (kernel.SnapshotID, bool)

	// Faults lists at most limit of the faults found, in order, beginning with number from; the
	// first is 0.
	Faults(from uint64, limit int) []ledger.Fault

	// View returns a consistent read of the ledger. release must be called.
	View() (view View, release func())
}

// A View is a consistent read of the ledger that can also be read through.
type View interface {
	ledger.Rows

	// Assets lists all assets by id.
	Assets() []ledger.ChangedAsset

	// Outputs calls fn for every output kept, spent ones included, until fn fails.
	Outputs(fn func(kernel.OutputRef, ledger.Output) error) error
}

// MaxGraphRounds bounds the rounds of one Graph.
const MaxGraphRounds = 500

// An Info is the state of a node at one moment.
type Info struct {
	Network kernel.NetworkID
	Node    kernel.NodeID
	Name    string
	Version string
	Started time.Time
	Genesis *kernel.Genesis

	Epoch   kernel.Epoch
	Roster  []Member // by author
	State   State
	Reasons []string // why State is not active: words of docs/reference/rpc.md
	Checks  []Check

	Round    kernel.Round // of the node's own newest snapshot
	Head     ledger.Head
	Leader   kernel.SnapshotID // of the newest commit
	Position uint64            // committed snapshots so far
	Mempool  client.Mempool
	Peers    int     // connected
	SPS, TPS float64 // committed snapshots and final transactions a second, over the last minute
}

// A Member is one of the roster with the newest that the node holds of it.
type Member struct {
	kernel.Member
	ID        kernel.NodeID
	Newest    kernel.Parent // round and id; author is the place in the roster
	Committed kernel.Parent
}

// A State is a node's part in the network at the moment.
type State string

// The states. Only Active is ready.
const (
	Starting   State = "starting"
	Observing  State = "observing"
	CatchingUp State = "catching_up"
	Active     State = "active"
	Behind     State = "behind"
	Halted     State = "halted"
	Following  State = "following" // is no member, and up to date
)

// An Overloaded refuses a submission for now.
type Overloaded struct{ RetryAfter time.Duration }

func (e *Overloaded) Error() string {
	return fmt.Sprintf("the node has as many transactions as it can hold: try again in %v, or another node", e.RetryAfter)
}

// A NotReady refuses a call that needs an active node.
type NotReady struct {
	State   State
	Reasons []string
}

func (e *NotReady) Error() string {
	return fmt.Sprintf("the node is %s %v: try again, or another node", e.State, e.Reasons)
}
