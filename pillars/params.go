package pillars

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/holiman/uint256"
)

// Params is the profile of a network: everything in which two networks with the same rules may
// differ. A genesis file holds one; nothing in it is a constant of the code.
type Params struct {
	Name     string         `json:"name"`
	Magic    uint32         `json:"magic"` // first four bytes of every message between nodes, little-endian
	Extended bool           `json:"extended"`
	Address  AddressParams  `json:"address"`
	Ethash   EthashParams   `json:"ethash"`
	PoW      RetargetParams `json:"pow"`
	PoS      RetargetParams `json:"pos"`
	Runs     RunParams      `json:"runs"`
	Weight   WeightParams   `json:"weight"`
	Time     TimeParams     `json:"time"`
	Stake    StakeParams    `json:"stake"`
	Subsidy  SubsidyParams  `json:"subsidy"`
	Phase    PhaseParams    `json:"phase"` // see params_seals.go
	Limits   LimitParams    `json:"limits"`
	Fees     FeeParams      `json:"fees"`
	Names    NameParams     `json:"names"`
	Genesis  GenesisParams  `json:"genesis"`
	Pinned   []Checkpoint   `json:"checkpoints,omitempty"`
	Seeds    []string       `json:"seeds,omitempty"` // host:port of nodes that a new one asks for others
	Finality uint32         `json:"finality"`        // a branch that leaves more heights below the tip is refused
}

// AddressParams are the version bytes of base58 addresses and the prefix of bech32 ones.
type AddressParams struct {
	PubKeyHash byte   `json:"pubkey_hash"`
	ScriptHash byte   `json:"script_hash"`
	Bech32     string `json:"bech32"`
}

// EthashParams are the sizes of Ethash, in bytes before rounding to a prime number of rows.
type EthashParams struct {
	Epoch         uint32 `json:"epoch"` // blocks of all seals
	CacheInit     uint64 `json:"cache_init"`
	CacheGrowth   uint64 `json:"cache_growth"`
	DatasetInit   uint64 `json:"dataset_init"`
	DatasetGrowth uint64 `json:"dataset_growth"`
}

// RetargetParams are the difficulty rule of one seal: for an interval of dt seconds
// A = max(Up - floor(1000·dt / DivisorMilli), -Down) and the next difficulty is
// previous + floor(previous / Scale)·A, not below Minimum.
type RetargetParams struct {
	Minimum      uint256.Int `json:"minimum"` // also that of the seal's first block
	Up           uint32      `json:"up"`
	Down         uint32      `json:"down"`
	DivisorMilli uint32      `json:"divisor_milli"` // thousandths of a second
	Scale        uint32      `json:"scale"`
}

// RunParams bound how many blocks of one seal follow each other, and the valve that keeps the
// chain alive when stakers are away.
type RunParams struct {
	PoW          uint32 `json:"pow"`   // most PoW blocks since the last PoS block
	PoS          uint32 `json:"pos"`   // most PoS blocks since the last block of another seal
	Grace        uint32 `json:"grace"` // heights without the rule
	ValveSeconds uint32 `json:"valve_seconds"`
	ValveFactor  uint32 `json:"valve_factor"` // times the normal difficulty, at normal weight
}

// WeightParams say what a block adds to its chain's weight, as a share of the last PoW difficulty.
type WeightParams struct {
	PoSNum uint32 `json:"pos_num"`
	PoSDen uint32 `json:"pos_den"`
}

// TimeParams bound timestamps.
type TimeParams struct {
	FutureSeconds uint32 `json:"future_seconds"`
	StakeSeconds  uint32 `json:"stake_seconds"` // the same for stake, whose author tries once a second; at most that above
	MedianBlocks  uint32 `json:"median_blocks"`
}

// StakeParams say who may stake, and with what.
type StakeParams struct {
	Locked        Amount      `json:"locked"`       // in one output with a relative lock
	LockBlocks    uint32      `json:"lock_blocks"`  // at least
	LockTail      uint32      `json:"lock_tail"`    // the last blocks of a lock do not count
	LockAge       uint32      `json:"lock_age"`     // blocks since the lock was made
	Minimum       Amount      `json:"minimum"`      // of the output that stakes
	MaturityMin   uint32      `json:"maturity_min"` // heights
	MaturityScale uint32      `json:"maturity_scale"`
	MaturityBase  uint256.Int `json:"maturity_base"` // difficulty at which half the scale is asked
	MaxInputs     uint32      `json:"max_inputs"`    // of a coinstake
	MaxPieces     uint32      `json:"max_pieces"`
	HalfBelow     uint256.Int `json:"half_below"` // PoW difficulty under which stake earns half; 0 is never
	HalfAbove     uint256.Int `json:"half_above"` // the same from above
}

// SubsidyParams are the rewards of a block: initial · (Num/Den)^floor(height/Interval), rounded down.
type SubsidyParams struct {
	PoW      Amount `json:"pow"`
	PoS      Amount `json:"pos"`
	Num      uint32 `json:"num"`
	Den      uint32 `json:"den"`
	Interval uint32 `json:"interval"`
	Maturity uint32 `json:"maturity"` // heights until a reward may be spent
}

// LimitParams bound blocks and transactions.
type LimitParams struct {
	BlockSize       uint32 `json:"block_size"`
	TransactionSize uint32 `json:"transaction_size"`       // of version 5
	LegacySize      uint32 `json:"legacy_size"`            // of versions 1 to 4, whose signatures hash the whole each
	SigOps          uint32 `json:"sigops"`                 // in a block
	TestVersion     bool   `json:"test_version,omitempty"` // transactions of version 3
}

// FeeParams are the least fees.
type FeeParams struct {
	Transaction Amount `json:"transaction"`
	Asset       Amount `json:"asset"`      // to issue an asset
	Avatar      Amount `json:"avatar"`     // to register an avatar
	MinerPart   uint32 `json:"miner_part"` // percent of the two above that the block's author gets; the rest may go to the community
	Community   string `json:"community"`  // address; empty: all to the author
}

// NameParams list what symbols of assets and avatars must not contain or be.
type NameParams struct {
	Banned []string `json:"banned,omitempty"` // upper-case substrings
}

// GenesisParams describe block 0.
type GenesisParams struct {
	Timestamp uint32          `json:"timestamp"`
	Text      string          `json:"text"` // the script of the first input, without a push
	Outputs   []GenesisOutput `json:"outputs"`
}

// A GenesisOutput is one balance at the start.
type GenesisOutput struct {
	Address string `json:"address"`
	Value   Amount `json:"value"`
}

// A Checkpoint is a block that a chain must contain.
type Checkpoint struct {
	Number uint32  `json:"number"`
	ID     BlockID `json:"id"`
}

// maxParams bounds the text of a profile.
const maxParams = 16 << 20

// ParseParams reads the JSON of a profile and judges it; unknown fields are errors.
func ParseParams(text []byte) (*Params, error) {
	if len(text) > maxParams {
		return nil, fmt.Errorf("profile of %d bytes, at most %d", len(text), maxParams)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	p := new(Params)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if d.More() {
		return nil, fmt.Errorf("profile %q: more behind it", p.Name)
	}
	return p, p.Check()
}

// Check judges what codecs, stateless rules and seals take from a profile.
func (p *Params) Check() error {
	for _, rule := range []struct {
		broken bool
		why    string
	}{
		{p.Name == "" || len(p.Name) > 64, "name of 1 to 64 bytes"},
		{p.Address.PubKeyHash == p.Address.ScriptHash, "two different version bytes of addresses"},
		{!validPrefix(p.Address.Bech32), "bech32 prefix of 1 to 16 lower-case letters"},
		{p.Ethash.Epoch == 0 || p.Ethash.CacheInit < 1024 || p.Ethash.DatasetInit < 4096, "Ethash sizes"},
		{p.Limits.BlockSize > MaxBlockSize || p.Limits.BlockSize < 1000, "block size of 1,000 to 4,000,000"},
		{p.Limits.TransactionSize > MaxTransactionSize || max(p.Limits.TransactionSize, p.Limits.LegacySize) > p.Limits.BlockSize, "transactions that fit into blocks"},
		{p.Fees.MinerPart > 100, "percent"},
		{!p.Fees.valid(p.Address), "fees that are amounts, and an address of the network for the community's"},
	} {
		if rule.broken {
			return fmt.Errorf("profile %q: want %s", p.Name, rule.why)
		}
	}
	if err := p.CheckSeals(); err != nil {
		return fmt.Errorf("profile %q: %w", p.Name, err)
	}
	return nil
}

func (f *FeeParams) valid(network AddressParams) bool {
	if f.Community != "" {
		if _, err := ParseAddress(f.Community, network); err != nil {
			return false
		}
	}
	return f.Transaction.Valid() && f.Asset.Valid() && f.Avatar.Valid()
}

func validPrefix(s string) bool {
	for i := range len(s) {
		if !lower(s[i]) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 16
}

// MarshalJSON writes the form that ParseParams reads. It is here because 256-bit integers print as
// numbers only where they can be addressed.
func (p Params) MarshalJSON() ([]byte, error) {
	type plain Params
	return json.Marshal((*plain)(&p))
}
