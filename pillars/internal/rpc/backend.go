package rpc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// A Backend is the running node as the public interface sees it. All methods are called from many
// goroutines at once, must return soon, and must not keep or change their arguments.
type Backend interface {
	// Status is how the node is now.
	Status() Status

	// Params is the network's profile, which does not change.
	Params() *pillars.Params

	// Chain is what the node has stored. It is read at any time.
	Chain() *store.Store

	// Submit gives a signed transaction to the mempool and the network. A refusal wraps a rule of package
	// pillars, script, state or mempool. One that waits already is no error. A node that does not take
	// part answers a *NotReady.
	Submit(ctx context.Context, tx *pillars.Transaction) error

	// Check answers what Submit would, without keeping the transaction, and its fee.
	Check(ctx context.Context, tx *pillars.Transaction) (pillars.Amount, error)

	// Waiting lists what waits for a block, in the order of arrival.
	Waiting() []Waiting

	// Peers lists the connections to other nodes, in a slice of the caller's own.
	Peers() []client.Peer

	// Connect asks for a connection to a node at host:port; drop ends one and stops calling.
	Connect(address string, drop bool) error

	// Changed returns a channel that is closed when the tip is another than now, or something else waits.
	Changed() <-chan struct{}

	// Miner is what mines and stakes in this node or hands work to miners, or nil.
	Miner() Miner
}

// A Miner is what getwork and its like are answered from.
type Miner interface {
	// Fill adds the node's own figures.
	Fill(*client.MiningInfo)
	// Work is what a miner searches a nonce for now.
	Work(ctx context.Context) (client.Work, error)
	// SubmitWork says whether a nonce was taken: false is one that is stale or not enough. The error is
	// the rule that a block broke, or a refusal.
	SubmitWork(ctx context.Context, nonce uint64, head, mix [32]byte) (bool, error)
	// Why explains for each of the last blocks why it is not the node's own.
	Why(ctx context.Context, blocks int) (json.RawMessage, error)
}

// A Waiting transaction is one in the mempool.
type Waiting struct {
	ID    pillars.TxID
	Tx    *pillars.Transaction
	Fee   pillars.Amount
	Size  int
	Since time.Time
	After []pillars.TxID // that wait too and that it spends
}

// A Status is the state of a node at one moment.
type Status struct {
	Name    string
	Version string
	Started time.Time
	State   State
	Reasons []string // why State is not active
	Checks  []rpcserver.Check

	Best       uint32 // height of the heaviest headers known
	Peers      int
	MinFeeRate uint64 // satoshis for 1,000 bytes, below which the mempool takes nothing now
	Reorgs     uint64 // since Started
	Deepest    uint32 // of those, in blocks taken back
}

// A State is a node's part in the network at the moment.
type State string

// The states. Only Active is ready.
const (
	Starting   State = "starting"
	CatchingUp State = "catching_up"
	Active     State = "active"
	Alone      State = "alone" // without peers, and not told that this is meant
	Halted     State = "halted"
)

// A NotReady refuses a call that needs an active node.
type NotReady struct {
	State   State
	Reasons []string
}

// Error says so to a person.
func (e *NotReady) Error() string {
	return fmt.Sprintf("the node is %s %v: try again, or another node", e.State, e.Reasons)
}
