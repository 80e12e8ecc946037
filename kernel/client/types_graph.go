package client

import (
	"encoding/json"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// An Info answers getinfo. The first part has the shape that the wider ecosystem knows; the
// second is ours.
type Info struct {
	Network   kernel.NetworkID  `json:"network"`
	Node      kernel.NodeID     `json:"node"`
	Version   string            `json:"version"`
	Uptime    string            `json:"uptime"`    // Go duration
	Epoch     time.Time         `json:"epoch"`     // of the genesis
	Timestamp time.Time         `json:"timestamp"` // of the newest commit
	Consensus kernel.SnapshotID `json:"consensus"` // leader of the newest commit
	Mint      MintInfo          `json:"mint"`
	Graph     GraphInfo         `json:"graph"`
	Queue     QueueInfo         `json:"queue"`
	Metric    MetricInfo        `json:"metric"`

	Name        string       `json:"name"`
	State       string       `json:"state"` // starting, observing, catching_up, active, behind, following, halted
	Reasons     []string     `json:"reasons"`
	EpochNumber kernel.Epoch `json:"epoch_number"`
	Round       kernel.Round `json:"round"` // of this node's newest snapshot
	Head        Head         `json:"head"`
	Mempool     Mempool      `json:"mempool"`
	Peers       int          `json:"peers"` // connected
	Members     []MemberInfo `json:"members"`
	Storage     *StorageInfo `json:"storage,omitempty"`
}

// A StorageInfo is what a node keeps.
type StorageInfo struct {
	Mode       string             `json:"mode"`        // archive, pruned
	Base       kernel.CommitIndex `json:"base"`        // commit that history begins behind; 0: all is there
	FirstEpoch kernel.Epoch       `json:"first_epoch"` // the oldest of which all is there
	LogBytes   uint64             `json:"log_bytes"`
	StateBytes uint64             `json:"state_bytes"`
	Archives   []kernel.NodeID    `json:"archives"` // connected nodes that have said of nothing that it is gone
}

// A Head is the newest commit of a node and the state after it.
type Head struct {
	Index     kernel.CommitIndex `json:"index"`
	Digest    kernel.Digest      `json:"digest"`
	Timestamp kernel.Timestamp   `json:"timestamp_ms"`
}

// A Mempool is what waits to be put into a snapshot, or for its receipt.
type Mempool struct {
	Transactions int   `json:"transactions"`
	Bytes        int64 `json:"bytes"`
}

// A MemberInfo is a member of the roster and the newest the node holds of it.
type MemberInfo struct {
	Author   kernel.Author     `json:"author"`
	Name     string            `json:"name"`
	Node     kernel.NodeID     `json:"node"`
	Signer   kernel.Key        `json:"signer"`
	Flagged  bool              `json:"flagged"`
	Round    kernel.Round      `json:"round"`
	Snapshot kernel.SnapshotID `json:"snapshot,omitzero"`
}

// A MintInfo is the state of the distribution. Its rules follow in a later version: all zero.
type MintInfo struct {
	Pool   kernel.Amount `json:"pool"`
	Batch  uint64        `json:"batch"`
	Pledge kernel.Amount `json:"pledge"`
}

// A GraphInfo is the graph part of getinfo.
type GraphInfo struct {
	Consensus []ConsensusNode       `json:"consensus"`
	Cache     map[string]CacheRound `json:"cache"` // by node id: newest held
	Final     map[string]FinalRound `json:"final"` // by node id: newest committed
	Topology  uint64                `json:"topology"`
	SPS       float64               `json:"sps"` // committed snapshots a second
	SPT       float64               `json:"spt"` // committed snapshots for each final transaction; 0 without any
	TPS       float64               `json:"tps"` // final transactions a second
}

// A ConsensusNode is a member as getinfo and listallnodes show it.
type ConsensusNode struct {
	Node        kernel.NodeID `json:"node"`
	Signer      string        `json:"signer"` // address whose spend key is the node key
	Payee       string        `json:"payee"`
	State       string        `json:"state"`
	Timestamp   uint64        `json:"timestamp"` // nanoseconds
	Transaction string        `json:"transaction"`
	Aggregator  uint64        `json:"aggregator"`
	Works       [2]uint64     `json:"works"`
}

// A CacheRound is the newest round held of a node.
type CacheRound struct {
	Node       kernel.NodeID `json:"node"`
	Round      kernel.Round  `json:"round"`
	Timestamp  uint64        `json:"timestamp"` // nanoseconds
	Snapshots  []Snapshot    `json:"snapshots"`
	References *References   `json:"references"`
}

// A FinalRound is the newest committed round of a node.
type FinalRound struct {
	Node  kernel.NodeID     `json:"node"`
	Round kernel.Round      `json:"round"`
	Start uint64            `json:"start"` // nanoseconds
	End   uint64            `json:"end"`
	Hash  kernel.SnapshotID `json:"hash"`
}

// A QueueInfo counts what waits inside the node.
type QueueInfo struct {
	Finals uint64               `json:"finals"`
	Caches uint64               `json:"caches"`
	State  map[string][2]uint64 `json:"state"`
}

// A MetricInfo counts messages; empty: see the operations listener's /metrics.
type MetricInfo struct {
	Transport struct{} `json:"transport"`
}

// References are the two links that the wider ecosystem knows: the author's own parent and the
// first other parent.
type References struct {
	Self     kernel.SnapshotID `json:"self"`
	External kernel.SnapshotID `json:"external"`
}

// A Witness is the answering node's own signature over a snapshot, its place and the time.
type Witness struct {
	Signature kernel.Signature `json:"signature"`
	Timestamp uint64           `json:"timestamp"` // nanoseconds
}

// A Snapshot answers getsnapshot and listsnapshots: a committed snapshot. Transactions are
// those that it was the first to make final.
type Snapshot struct {
	Version      uint8             `json:"version"`
	Node         kernel.NodeID     `json:"node"`
	References   *References       `json:"references"`
	Round        kernel.Round      `json:"round"`
	Timestamp    uint64            `json:"timestamp"` // nanoseconds, the author's
	Hash         kernel.SnapshotID `json:"hash"`
	Hex          string            `json:"hex"` // the signed header
	Topology     uint64            `json:"topology"`
	Witness      *Witness          `json:"witness,omitempty"`
	Transactions []TransactionRef  `json:"transactions"`
	Signature    *kernel.Signature `json:"signature,omitempty"`
}

// A RoundInfo answers getroundbynumber and getroundbyhash. A round of one author is one snapshot.
type RoundInfo struct {
	Node       kernel.NodeID     `json:"node"`
	Hash       kernel.SnapshotID `json:"hash"`
	Start      uint64            `json:"start"` // nanoseconds
	End        uint64            `json:"end"`
	Number     kernel.Round      `json:"number"`
	References *References       `json:"references"`
	Snapshots  []Snapshot        `json:"snapshots"` // empty until it is committed
}

// A GraphHead is one row of dumpgraphhead.
type GraphHead struct {
	Node  kernel.NodeID     `json:"node"`
	Round kernel.Round      `json:"round"`
	Hash  kernel.SnapshotID `json:"hash"`
	Pool  GraphPool         `json:"pool"`
}

// A GraphPool is the newest round held and how many snapshots of it.
type GraphPool struct {
	Index kernel.Round `json:"index"`
	Count int          `json:"count"`
}

// A NodeInfo is one row of listallnodes.
type NodeInfo struct {
	ID          kernel.NodeID `json:"id"`
	Signer      string        `json:"signer"`
	Payee       string        `json:"payee"`
	Transaction string        `json:"transaction"`
	Timestamp   uint64        `json:"timestamp"` // nanoseconds
	State       string        `json:"state"`
}

// A Peer is one row of listpeers: a connection to another member.
type Peer struct {
	ID        kernel.NodeID `json:"id"`
	Address   string        `json:"address"`
	Relayer   bool          `json:"relayer"`
	Name      string        `json:"name,omitempty"`
	Connected bool          `json:"connected"`
	Round     kernel.Round  `json:"round"` // newest snapshot held of it
	RTT       int64         `json:"rtt_ms,omitempty"`
	Sent      uint64        `json:"sent_bytes,omitempty"`
	Received  uint64        `json:"received_bytes,omitempty"`
	Error     string        `json:"error,omitempty"` // of the last attempt
}

// A VertexStatus says whether a vertex has a place in the total order.
type VertexStatus string

// The statuses of a vertex.
const (
	VertexPending      VertexStatus = "pending"
	VertexCommitted    VertexStatus = "committed"
	VertexBelowHorizon VertexStatus = "below_horizon"
)

// A SlotState is what the commit rule has decided about a leader slot.
type SlotState string

// The states of a leader slot.
const (
	SlotUndecided SlotState = "undecided"
	SlotCommitted SlotState = "committed"
	SlotSkipped   SlotState = "skipped"
)

// A Graph answers getgraph: one node's view of some rounds.
type Graph struct {
	Epoch         kernel.Epoch   `json:"epoch"`
	From          kernel.Round   `json:"from"`
	To            kernel.Round   `json:"to"` // inclusive
	Newest        kernel.Round   `json:"newest"`
	Wave          int            `json:"wave"`
	Names         []string       `json:"names"` // by author
	Vertices      []GraphVertex  `json:"vertices"`
	Slots         []GraphSlot    `json:"slots"`
	Equivocations []Equivocation `json:"equivocations"`
}

// A GraphVertex is a snapshot as a picture needs it.
type GraphVertex struct {
	Vertex
	Parents      []kernel.SnapshotID `json:"parents"`
	Timestamp    kernel.Timestamp    `json:"timestamp_ms"`
	Received     kernel.Timestamp    `json:"received_ms,omitempty"`
	Transactions int                 `json:"transactions"`
	Status       VertexStatus        `json:"status"`
	Commit       kernel.CommitIndex  `json:"commit,omitempty"`
	CommittedAt  kernel.Timestamp    `json:"committed_ms,omitempty"` // when this node learnt it
}

// A GraphSlot is a leader slot of a round whose coin is known.
type GraphSlot struct {
	Round  kernel.Round      `json:"round"`
	Rank   int               `json:"rank"`
	Author kernel.Author     `json:"author"`
	State  SlotState         `json:"state"`
	ID     kernel.SnapshotID `json:"id,omitzero"` // committed: the leader
}

// An Equivocation lists the snapshots of an author who signed more than one in a round.
type Equivocation struct {
	Author kernel.Author       `json:"author"`
	Round  kernel.Round        `json:"round"`
	IDs    []kernel.SnapshotID `json:"ids"`
}

// An Explanation answers explaintransaction: where a transaction stands and what it waits for.
type Explanation struct {
	Transaction kernel.TxHash   `json:"transaction"`
	State       State           `json:"state"`
	Holders     []Holder        `json:"holders"` // snapshots that carry it
	Receipt     *kernel.Receipt `json:"receipt,omitempty"`
	Story       []string        `json:"story"` // sentences for a person, in order
}

// A Holder is a snapshot that carries a transaction.
type Holder struct {
	Vertex
	Status    VertexStatus       `json:"status"`
	Supported int                `json:"supported"` // authors whose newest snapshot has it in its cone
	Commit    kernel.CommitIndex `json:"commit,omitempty"`
}

// A TransactionRef is a transaction inside a snapshot: a bare hash, or the expanded object.
type TransactionRef struct {
	Hash   kernel.TxHash
	Object *Transaction // nil when only the hash was given
}

// MarshalJSON writes the object if there is one, else the hash.
func (t TransactionRef) MarshalJSON() ([]byte, error) {
	if t.Object != nil {
		return json.Marshal(t.Object)
	}
	return json.Marshal(t.Hash)
}

// UnmarshalJSON reads either form.
func (t *TransactionRef) UnmarshalJSON(b []byte) error {
	*t = TransactionRef{}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &t.Hash)
	}
	if err := json.Unmarshal(b, &t.Object); err != nil || t.Object == nil {
		return err
	}
	t.Hash = t.Object.Hash
	return nil
}
