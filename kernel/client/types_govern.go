package client

import "github.com/asterism-network/asterism/kernel"

// A StakeInfo answers getstake: the XIN that is in no output, and the parameters in force.
type StakeInfo struct {
	Commit       kernel.CommitIndex `json:"commit"` // of the state that answered
	Epoch        kernel.Epoch       `json:"epoch"`
	Total        kernel.Amount      `json:"total"`
	Pool         kernel.Amount      `json:"pool"`
	Escrow       kernel.Amount      `json:"escrow"`
	Pledge       kernel.Amount      `json:"pledge"`
	AppealWindow uint64             `json:"appeal_window"` // commits
	MotionWindow uint64             `json:"motion_window"`
	MotionDelay  uint64             `json:"motion_delay"`
	Quorum       kernel.Amount      `json:"quorum"` // XIN that must vote, as things stand
	AppFee       kernel.Amount      `json:"app_creation_fee"`
	CallFee      kernel.Amount      `json:"call_fee"`
	Protocol     ProtocolInfo       `json:"protocol"`
	SupplyOK     bool               `json:"supply_ok"` // unspent + pool + escrow is what came in less what left
}

// A ProtocolInfo is the version of the rules that an epoch runs.
type ProtocolInfo struct {
	Version uint32       `json:"version"` // in force
	Next    uint32       `json:"next,omitempty"`
	From    kernel.Epoch `json:"from,omitempty"` // epoch that Next begins with
}

// A MemberRecord is what the ledger knows of a member: one that pledges, is one, or was. It answers listmembers.
type MemberRecord struct {
	ID          kernel.NodeID      `json:"id"`
	Name        string             `json:"name"`
	Key         kernel.Key         `json:"key"`
	Payee       kernel.Address     `json:"payee"`
	State       kernel.MemberState `json:"state"`
	Since       kernel.CommitIndex `json:"since"`
	Stake       kernel.Amount      `json:"stake"`
	Collateral  kernel.OutputRef   `json:"collateral"`
	Flag        string             `json:"flag"` // none, due, in_force
	FlagEpoch   kernel.Epoch       `json:"flag_epoch,omitempty"`
	Escrowed    bool               `json:"escrowed,omitempty"`
	EscrowUntil kernel.CommitIndex `json:"escrow_until,omitempty"`
	Faults      uint32             `json:"faults"`
	Left        bool               `json:"left,omitempty"`
	Appeal      kernel.Hash        `json:"appeal,omitzero"` // motion
}

// A Tally is the XIN that voted one way.
type Tally struct {
	Holders   kernel.Amount `json:"holders"`
	Witnesses kernel.Amount `json:"witnesses"`
	Members   kernel.Amount `json:"members"`
	Sum       kernel.Amount `json:"sum"`
}

// A MotionInfo is a motion and how far it has come.
type MotionInfo struct {
	ID       kernel.Hash        `json:"id"`
	Number   uint64             `json:"number"`
	Motion   kernel.Motion      `json:"motion"`
	Proposer kernel.Key         `json:"proposer"`
	State    string             `json:"state"` // open, passed, rejected, done, failed
	Opened   kernel.CommitIndex `json:"opened"`
	Deadline kernel.CommitIndex `json:"deadline"`
	Due      kernel.CommitIndex `json:"due"`
	For      Tally              `json:"for"`
	Against  Tally              `json:"against"`
	Votes    uint32             `json:"votes"`
	Quorum   kernel.Amount      `json:"quorum"` // of an open one: as things stand
}

// A MotionPage answers listmotions, newest first.
type MotionPage struct {
	Items []MotionInfo `json:"items"`
	Count uint64       `json:"count"` // motions there ever were
}

// A CastVote is one vote on a motion.
type CastVote struct {
	By     string             `json:"by"` // holder, witness, member
	Voter  kernel.Key         `json:"voter"`
	For    bool               `json:"for"`
	Weight kernel.Amount      `json:"weight"`
	Commit kernel.CommitIndex `json:"commit"`
}

// A MotionVotes answers getmotion.
type MotionVotes struct {
	MotionInfo
	List []CastVote `json:"list"` // from the asked number on
}

// A Penalised member, in listappeals.
type PenalisedMember struct {
	Member MemberRecord `json:"member"`
	Fault  Fault        `json:"fault"`            // that the penalty is for
	Appeal *MotionInfo  `json:"appeal,omitempty"` // nil while nobody has appealed
	Seen   []Sighting   `json:"seen"`             // what light witnesses told about the time of the fault
}

// A Sighting is what a light witness told of a member about the time of a fault.
type Sighting struct {
	Witness   kernel.Key         `json:"witness"`
	Weight    kernel.Amount      `json:"weight"`
	Commit    kernel.CommitIndex `json:"commit"`
	Reachable bool               `json:"reachable"`
}

// A WitnessInfo is a light witness, in listwitnesses.
type WitnessInfo struct {
	Key     kernel.Key         `json:"key"`
	Payee   kernel.Address     `json:"payee"`
	Locked  kernel.Amount      `json:"locked"`
	Since   kernel.CommitIndex `json:"since"`
	Until   kernel.CommitIndex `json:"until"`
	Votes   uint32             `json:"votes"`
	Reports uint32             `json:"reports"`
	Recent  []WitnessSeen      `json:"recent"`
}

// A WitnessSeen is one report of a light witness.
type WitnessSeen struct {
	Commit    kernel.CommitIndex `json:"commit"`
	Epoch     kernel.Epoch       `json:"epoch"`
	Seen      kernel.CommitIndex `json:"seen"`
	Reachable uint64             `json:"reachable"`
}

// A MintSchedule answers getmintschedule.
type MintSchedule struct {
	Batch         uint64         `json:"batch"` // newest day that is settled
	Day           kernel.Amount  `json:"day"`   // what the next day releases
	Pool          kernel.Amount  `json:"pool"`
	Shares        [3]uint8       `json:"shares"` // tenths: nodes, domains, light witnesses
	Distributions uint64         `json:"distributions"`
	Recent        []Distribution `json:"recent"` // newest first
}

// A Distribution is one settlement of the mint.
type Distribution struct {
	Batch       uint64             `json:"batch"`
	Commit      kernel.CommitIndex `json:"commit"`
	Due         kernel.Amount      `json:"due"`
	Paid        kernel.Amount      `json:"paid"`
	Transaction kernel.TxHash      `json:"transaction,omitzero"`
	Shares      []MintShare        `json:"shares"`
}

// A MintShare is one payee's part of a distribution.
type MintShare struct {
	Key    kernel.Key    `json:"key"`
	Light  bool          `json:"light,omitempty"`
	Led    uint64        `json:"led"`    // of a light witness: its work
	Signed uint64        `json:"signed"` // of a light witness: its XIN in units
	Amount kernel.Amount `json:"amount"`
}

// A DomainInfo answers getdomain.
type DomainInfo struct {
	ID     string             `json:"id"`
	State  kernel.DomainState `json:"state"`
	Asked  uint64             `json:"asked"`
	Motion kernel.Hash        `json:"motion,omitzero"`
	Nodes  []kernel.Key       `json:"nodes"` // that are registered
}

// A FaultEvidence answers getfault: a fault with both statements that prove it.
type FaultEvidence struct {
	Fault
	Number     uint64            `json:"number"`
	Key        kernel.Key        `json:"key,omitzero"` // of the author
	Record     string            `json:"record"`       // hex of the body entry that proves it; empty where it is not kept
	Statements []SignedStatement `json:"statements"`   // two for an equivocation
	Carrier    kernel.SnapshotID `json:"carrier"`      // the snapshot that brought the entry

	// Of a fault that execution found: what the author signed over a body with the entry in it.
	Header  kernel.HexBytes       `json:"header,omitempty"`
	Carried *kernel.EvidenceEntry `json:"carried,omitempty"`
}

// A SignedStatement is one of the two snapshots that an author signed for one round.
type SignedStatement struct {
	ID        kernel.SnapshotID `json:"id"`
	Rest      kernel.Hash       `json:"rest"` // hash of the header without its place
	Signature kernel.Signature  `json:"signature"`
	Valid     bool              `json:"valid"`
	Header    string            `json:"header,omitempty"` // hex, where the node holds it
}

// A Lock is an output that votes, or that is a light witness's, and cannot be spent yet.
type Lock struct {
	Hash    kernel.TxHash      `json:"hash"`
	Index   uint16             `json:"index"`
	Until   kernel.CommitIndex `json:"until"` // the last commit up to which it is locked
	Witness kernel.Key         `json:"witness,omitzero"`
	Motions []kernel.Hash      `json:"motions,omitempty"` // open ones on which it has voted
}

// A LockPage answers listlocks.
type LockPage struct {
	Commit kernel.CommitIndex `json:"commit"` // of the state that answered
	Items  []Lock             `json:"items"`
	Next   string             `json:"next,omitempty"` // what to go on behind; empty at the end
}
