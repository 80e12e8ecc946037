package engine

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A Restored is what the log and the store held at the start.
type Restored struct {
	Trusted  bool             // the log is intact; an unused one is too
	Order    *consensus.Order // with the newest executed commit; nil for none
	Executed kernel.CommitClaim
	Floor    kernel.Round // lowest round in Window; History has what lies below
	Epoch    Turn
	Window   []*dag.Vertex // accepted snapshots of rounds ≥ Floor, per place in acceptance order, parents first
	Open     []Arrival     // those of Window that are not executed and have a body; only ID, Round and Claims are read
}

// An Input is what happened. The zero Input is a tick.
type Input struct {
	Now      kernel.Timestamp
	Pressed  bool // clients stand in line, because transactions come faster than they leave
	Arrived  []Arrival
	Missed   []Missed
	Messages []Message
	Peers    []PeerChange
	Admitted []mempool.Candidate
	Executed []Execution
	Records  [][]byte // system records that the next own snapshot is to carry
}

// Join adds what another input holds, all but what is true of its moment only: one step takes both.
func (in *Input) Join(more *Input) {
	in.Arrived = append(in.Arrived, more.Arrived...)
	in.Missed = append(in.Missed, more.Missed...)
	in.Messages = append(in.Messages, more.Messages...)
	in.Peers = append(in.Peers, more.Peers...)
	in.Admitted = append(in.Admitted, more.Admitted...)
	in.Executed = append(in.Executed, more.Executed...)
	in.Records = append(in.Records, more.Records...)
}

// An Arrival is a snapshot whose signature, framing and body root the shell has verified.
type Arrival struct {
	From    kernel.Author // the peer that sent it; Self for one read back
	ID      kernel.SnapshotID
	Header  *kernel.Header
	Raw     []byte // encoded snapshot
	Entries int
	Claims  []mempool.Claim // transactions in the body that check, signatures included
	Records [][]byte        // the body's system records, of this node's own snapshots only
}

// A Message is one received from a peer that concerns no snapshot's content.
type Message struct {
	From    kernel.Author
	Message wire.Message   // Want, Ask, Have, More, StartQuery or StartAnswer, of this epoch
	Newest  *kernel.Header // StartAnswer: the header, its signature verified
}

// A PeerChange tells that a connection came up or went down.
type PeerChange struct {
	Peer kernel.Author
	Up   bool
}

// An Execution is the ledger's answer to a commit.
type Execution struct {
	Commit   *kernel.Commit // with the digest after it
	Final    []mempool.Claim
	Rejected []kernel.TxHash
	Void     []kernel.TxHash // judged void: proposing them again is for whoever checks them again
	Faults   []kernel.Author // authors proved to equivocate by this commit
	Epoch    Turn            // as the state after the commit has it
	Changed  bool            // the state says something new about the next epoch
}

// A Turn is how far the change to the next epoch is. [EPO-6] [EPO-7]
type Turn struct {
	Hurry   bool               // dealings, verdicts or closing snapshots are being waited for
	Decided kernel.CommitIndex // the decision to close the epoch; 0 before it
	Ended   kernel.CommitIndex // the commit that ended the epoch; 0 before it
}

// An Output is what the shell owes the engine after one Step, in the order of the fields.
type Output struct {
	Persist []Record   // 1. append to the log
	Sync    bool       //    and sync it
	Send    []Envelope // 2. may be lost, repeated or reordered
	Serve   []Serving  //    snapshots from the log, likewise
	Commits []Ordered  // 3. to the ledger, in order, each exactly once
	Refused []Refused  // 4. to the logs and metrics
	Faulty  []kernel.Equivocation
	Beaten  []Beaten         // waiting transactions that a final one excludes
	Admit   []Admission      // what became of Input.Admitted, in order
	Wake    kernel.Timestamp // 5. step again no later than this; 0 is never
}

// A Record is an accepted snapshot for the log.
type Record struct {
	Epoch  kernel.Epoch
	ID     kernel.SnapshotID
	Author kernel.Author
	Round  kernel.Round
	Raw    []byte // encoded snapshot
	Notes  []byte
}

// An Audience says who gets a message.
type Audience struct {
	Peer   kernel.Author
	All    bool          // everyone
	Sample int           // that many at random
	Except committee.Set // but not these
}

// An Envelope is a message to send.
type Envelope struct {
	To      Audience
	Message wire.Message
}

// A Serving asks the shell to send snapshots out of the log.
type Serving struct {
	To    kernel.Author
	IDs   []kernel.SnapshotID
	More  bool // say that there is more
	Epoch kernel.Epoch
}

// An Ordered is a commit with the order after it, in stored form.
type Ordered struct {
	Commit *kernel.Commit
	Order  []byte
}

// A Refused is a snapshot that is not valid, or not wanted now.
type Refused struct {
	Epoch kernel.Epoch
	From  kernel.Author
	ID    kernel.SnapshotID
	Err   error
}

// A Beaten is a waiting transaction that can never become final.
type Beaten struct {
	Transaction, Winner kernel.TxHash
}

// An Admission answers one admitted candidate.
type Admission struct {
	Transaction kernel.TxHash
	Err         error
}
