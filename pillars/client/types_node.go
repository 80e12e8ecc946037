package client

import "github.com/asterism-network/asterism/pillars"

// A Mempool is what waits, in numbers.
type Mempool struct {
	Transactions int    `json:"transactions"`
	Bytes        int64  `json:"bytes"`
	MinFeeRate   uint64 `json:"min_fee_rate"` // satoshis for 1,000 bytes, below which none is taken now
}

// A Pending is a transaction that waits.
type Pending struct {
	Hash  pillars.TxID   `json:"hash"`
	Fee   pillars.Amount `json:"fee"`
	Size  int            `json:"size"`
	Since int64          `json:"since"`           // Unix seconds
	After []pillars.TxID `json:"after,omitempty"` // that wait too and that it spends
}

// PendingPage answers getmemorypool.
type PendingPage struct {
	Mempool
	Items []Pending `json:"items"`
	Next  int       `json:"next"` // from of the following page; 0 at the end
}

// A Peer is a connection to another node.
type Peer struct {
	Address string `json:"address"`
	Inbound bool   `json:"inbound"`
	Agent   string `json:"agent,omitempty"`
	Height  uint32 `json:"height"`
	Since   int64  `json:"since"` // Unix seconds
	RTTMS   int64  `json:"rtt_ms"`
	Sent    uint64 `json:"bytes_sent"`
	Got     uint64 `json:"bytes_received"`
	Score   int    `json:"misbehaviour"`
}

// MiningInfo answers getmininginfo.
type MiningInfo struct {
	Height      uint32         `json:"height"` // of the next block
	PoWBits     string         `json:"difficulty_pow"`
	PoSBits     string         `json:"difficulty_pos"`
	PoWSubsidy  pillars.Amount `json:"subsidy_pow"`
	PoSSubsidy  pillars.Amount `json:"subsidy_pos"`
	PoWBlocked  string         `json:"pow_blocked,omitempty"` // the rule that keeps such a block from following now
	PoSBlocked  string         `json:"pos_blocked,omitempty"`
	WorkRun     uint32         `json:"pow_run"` // such blocks in a row
	WorkRunMax  uint32         `json:"pow_run_limit"`
	StakeRun    uint32         `json:"pos_run"`
	StakeRunMax uint32         `json:"pos_run_limit"`

	HashRate   uint64 `json:"network_hashes_per_second"` // estimated from the last PoW blocks
	Mining     bool   `json:"is_mining"`
	OwnRate    uint64 `json:"own_hashes_per_second"`
	Staking    bool   `json:"is_staking"`
	Payment    string `json:"payment_address,omitempty"`
	Asset      string `json:"mining_asset,omitempty"`
	Found      uint64 `json:"blocks_found"`
	StakeFound uint64 `json:"stakes_found"`

	Shares Shares `json:"shares"` // of the last blocks by seal
}

// Shares count the last blocks by seal beside what the profile aims at.
type Shares struct {
	Blocks      uint32  `json:"blocks"`
	PoW         uint32  `json:"pow"`
	PoS         uint32  `json:"pos"`
	PoWTarget   float64 `json:"pow_target_share"`
	PoWInterval float64 `json:"pow_mean_seconds"`
	PoSInterval float64 `json:"pos_mean_seconds"`
	PoWAim      float64 `json:"pow_target_seconds"`
	PoSAim      float64 `json:"pos_target_seconds"`
}

// Work is what a miner searches a nonce for; see getwork.
type Work struct {
	Head   string `json:"header_hash"` // what Ethash is taken over, 32 bytes
	Seed   string `json:"seed_hash"`
	Target string `json:"boundary"`
	Height uint32 `json:"height"`
}

// StakeInfo answers getstakeinfo.
type StakeInfo struct {
	Address  string         `json:"address"`
	Eligible bool           `json:"eligible"` // an output locks enough, for long enough, and is old enough
	Why      string         `json:"message,omitempty"`
	Needs    uint32         `json:"maturity"` // heights that an output must be old now
	Minimum  pillars.Amount `json:"minimum"`
	Usable   pillars.Amount `json:"usable"`
	Maturing pillars.Amount `json:"maturing"`
	Locks    []StakeLock    `json:"locks"`
	Stakes   []Stake        `json:"stakes"`
	Bits     string         `json:"difficulty_pos"`
	Chance   float64        `json:"chance_per_hour"` // of one win at least, at this difficulty
}

// A StakeLock is an output whose lock lets its owner stake.
type StakeLock struct {
	Value  pillars.Amount `json:"value"`
	Height uint32         `json:"height"`
	Blocks uint32         `json:"blocks"`
	Ends   uint64         `json:"ends"`
}

// A Stake is an output that stakes, or will.
type Stake struct {
	Output pillars.Outpoint `json:"output"`
	Value  pillars.Amount   `json:"value"`
	Height uint32           `json:"height"`
	Ready  bool             `json:"ready"`
	At     uint32           `json:"ready_at,omitempty"` // height of the parent from which on it may stake
}

// An Item is what the stream brings for one block, or for what a reorganisation took back.
type Item struct {
	Kind string `json:"kind"` // block or rewind

	Header       *Header        `json:"header,omitempty"`             // block
	Transactions []Transaction  `json:"transactions,omitempty"`       // block, with topics transactions and addresses
	IDs          []pillars.TxID `json:"transaction_hashes,omitempty"` // block, with topic blocks

	// Of a rewind: everything above this height is taken back. Hash is the block that stays; Gone are
	// the blocks taken back, newest first, as far as they are known.
	Height uint32            `json:"height"`
	Hash   pillars.BlockID   `json:"hash"`
	Gone   []pillars.BlockID `json:"gone,omitempty"`
}

// The kinds of Items.
const (
	ItemBlock  = "block"
	ItemRewind = "rewind"
	ItemTx     = "transaction" // topic mempool
)
