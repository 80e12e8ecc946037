package kernel

import (
	"fmt"
	"math/bits"
	"unicode/utf8"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

// A Genesis is what every node of a network starts from; its hash is the network's id. The
// JSON file is one way to write it; the hash is taken over the canonical bytes. [GEN]
type Genesis struct {
	Name       string          `json:"name"`
	Timestamp  Timestamp       `json:"timestamp_ms"`
	Parameters Parameters      `json:"parameters"`
	Members    []Member        `json:"members"`
	CoinKey    []Key           `json:"coin_key"`             // commitments to the polynomial that shares the coin's secret, degree f; ristretto255 points
	CoinDealt  bool            `json:"coin_dealt,omitempty"` // one machine made the whole coin secret: never for real money
	Custodian  *Address        `json:"custodian,omitempty"`  // signs test deposits until domains exist
	Assets     []GenesisAsset  `json:"assets"`
	Balances   []GenesisOutput `json:"balances"`
	Stake      *Stake          `json:"stake,omitempty"` // nil: members never change
}

// Parameters are the constants of a network's protocol.
type Parameters struct {
	Wave             uint8  `json:"wave"`         // rounds of a wave, 4 or 5
	Slots            uint8  `json:"slots"`        // leader slots a round, 1..K
	Horizon          Round  `json:"horizon"`      // G: what lies deeper below a leader is dropped
	Depth            Round  `json:"depth"`        // D: how far back a parent may lie, below Horizon
	EpochLength      uint64 `json:"epoch_length"` // commits
	CheckpointPeriod uint64 `json:"checkpoint_period_ms"`
	Pledge           Amount `json:"pledge"` // XIN a member stakes
}

// DefaultParameters are those that `aster genesis` proposes.
func DefaultParameters() Parameters {
	return Parameters{Wave: 5, Slots: 3, Horizon: 100, Depth: 50, EpochLength: 1_000_000, CheckpointPeriod: 30_000, Pledge: NewAmount(10_000_00000000)}
}

// A Member is a node of a roster.
type Member struct {
	Name    string  `json:"name"`
	Key     Key     `json:"key"` // RFC 8032 public key: signs snapshots, authenticates connections
	Payee   Address `json:"payee"`
	Flagged bool    `json:"flagged,omitempty"` // weight 0: not in K, f, q, coin or leader slots
}

// A GenesisAsset registers an asset and its limits.
type GenesisAsset struct {
	ID      AssetID `json:"id"`
	Symbol  string  `json:"symbol"`
	Chain   AssetID `json:"chain"`
	Key     string  `json:"asset_key"`
	Ceiling Amount  `json:"ceiling"` // deposits may not raise the total to this; zero is no ceiling
}

// A GenesisOutput is a balance that exists from commit 0 on.
type GenesisOutput struct {
	Asset   AssetID `json:"asset"`
	Address Address `json:"address"`
	Amount  Amount  `json:"amount"`
}

// Limits of a genesis. [LIM]
const (
	maxNameLength      = 64
	maxAssetKeyLength  = 256
	maxGenesisAssets   = 1024
	maxGenesisBalances = 65536
	MaxGenesisSize     = 16 << 20 // of the canonical form and of the JSON file
)

// NetworkID is the hash of the canonical form.
func (g *Genesis) NetworkID() NetworkID {
	return crypto.SumLabel("asterism network", g.AppendBinary(nil))
}

// EpochHash is the hash of an epoch's genesis: network, epoch, the digest of the state it
// starts from, roster and coin key. [EPO-1]
func EpochHash(network NetworkID, epoch Epoch, state Digest, roster *Roster) Hash {
	b := append([]byte(nil), network[:]...)
	b = codec.AppendU32(b, uint32(epoch))
	b = append(b, state[:]...)
	b = roster.appendBinary(b)
	return crypto.SumLabel("asterism epoch", b)
}

// AppendBinary appends the canonical form.
func (g *Genesis) AppendBinary(b []byte) []byte {
	b = append(b, 1)
	b = codec.AppendBytes16(b, []byte(g.Name))
	b = codec.AppendU64(b, uint64(g.Timestamp))
	b = append(b, g.Parameters.Wave, g.Parameters.Slots)
	b = codec.AppendU64(b, uint64(g.Parameters.Horizon))
	b = codec.AppendU64(b, uint64(g.Parameters.Depth))
	b = codec.AppendU64(b, g.Parameters.EpochLength)
	b = codec.AppendU64(b, g.Parameters.CheckpointPeriod)
	b = g.Parameters.Pledge.AppendBinary(b)
	b = appendMembers(b, g.Members)
	b = codec.AppendU16(b, uint16(len(g.CoinKey)))
	for _, k := range g.CoinKey {
		b = append(b, k[:]...)
	}
	b = codec.AppendBool(b, g.CoinDealt)
	b = codec.AppendBool(b, g.Custodian != nil)
	if g.Custodian != nil {
		b = appendAddress(b, *g.Custodian)
	}
	b = codec.AppendU16(b, uint16(len(g.Assets)))
	for _, a := range g.Assets {
		b = a.appendBinary(b)
	}
	b = codec.AppendU32(b, uint32(len(g.Balances)))
	for _, o := range g.Balances {
		b = append(b, o.Asset[:]...)
		b = appendAddress(b, o.Address)
		b = o.Amount.AppendBinary(b)
	}
	if g.Stake != nil {
		b = g.Stake.appendBinary(b)
	}
	return b
}

func appendMembers(b []byte, members []Member) []byte {
	b = codec.AppendU16(b, uint16(len(members)))
	for _, m := range members {
		b = codec.AppendBytes16(b, []byte(m.Name))
		b = append(b, m.Key[:]...)
		b = appendAddress(b, m.Payee)
		b = codec.AppendBool(b, m.Flagged)
	}
	return b
}

func appendAddress(b []byte, a Address) []byte { return append(append(b, a.Spend[:]...), a.View[:]...) }

// Check reports the first thing that makes g unusable, in words for the person who wrote it.
func (g *Genesis) Check() error {
	p := g.Parameters
	f := (len(g.Members) - 1) / 3
	switch {
	case !validName(g.Name):
		return fmt.Errorf("genesis: name %q: want 1 to %d bytes of UTF-8", g.Name, maxNameLength)
	case g.Timestamp == 0 || g.Timestamp >= MaxTimestamp:
		return fmt.Errorf("genesis: timestamp_ms %d is out of range", g.Timestamp)
	case len(g.Members) < MinMembers || len(g.Members) > MaxMembers:
		return fmt.Errorf("genesis: %d members: a network has %d to %d", len(g.Members), MinMembers, MaxMembers)
	case p.Wave != 4 && p.Wave != 5:
		return fmt.Errorf("genesis: wave %d: want 4 or 5", p.Wave)
	case p.Slots == 0 || int(p.Slots) > len(g.Members):
		return fmt.Errorf("genesis: %d leader slots a round: want 1 to %d", p.Slots, len(g.Members))
	case p.Depth == 0 || p.Depth >= p.Horizon || p.Horizon > 10_000:
		return fmt.Errorf("genesis: depth %d and horizon %d: want 0 < depth < horizon ≤ 10000", p.Depth, p.Horizon)
	case p.EpochLength == 0 || p.CheckpointPeriod == 0:
		return fmt.Errorf("genesis: epoch_length and checkpoint_period_ms must not be 0")
	case len(g.CoinKey) != f+1:
		return fmt.Errorf("genesis: coin_key has %d points: %d members need %d", len(g.CoinKey), len(g.Members), f+1)
	case len(g.Assets) > maxGenesisAssets || len(g.Balances) > maxGenesisBalances:
		return fmt.Errorf("genesis: more than %d assets or %d balances", maxGenesisAssets, maxGenesisBalances)
	}
	if err := g.checkMembers(); err != nil {
		return err
	}
	if g.Custodian != nil {
		if err := g.Custodian.Check(); err != nil {
			return fmt.Errorf("genesis: custodian: %w", err)
		}
	}
	if err := g.checkAssets(); err != nil {
		return err
	}
	return g.checkStake()
}

func (g *Genesis) checkMembers() error {
	seen := make(map[Key]string, len(g.Members))
	for i, m := range g.Members {
		if !validName(m.Name) {
			return fmt.Errorf("genesis: member %d: name %q: want 1 to %d bytes of UTF-8", i, m.Name, maxNameLength)
		}
		if other, taken := seen[m.Key]; taken {
			return fmt.Errorf("genesis: members %s and %s have the same key", other, m.Name)
		}
		if !crypto.ValidKey(m.Key) {
			return fmt.Errorf("genesis: member %s: key %s is not a point of prime order", m.Name, m.Key)
		}
		if m.Flagged {
			return fmt.Errorf("genesis: member %s is flagged", m.Name)
		}
		if err := m.Payee.Check(); err != nil {
			return fmt.Errorf("genesis: member %s: payee: %w", m.Name, err)
		}
		seen[m.Key] = m.Name
	}
	return nil
}

func (g *Genesis) checkAssets() error {
	known := make(map[AssetID]bool, len(g.Assets))
	for _, a := range g.Assets {
		if known[a.ID] || a.ID.IsZero() || !validName(a.Symbol) || a.Chain.IsZero() || a.Key == "" || len(a.Key) > maxAssetKeyLength {
			return fmt.Errorf("genesis: asset %s %q: listed twice, or id, symbol, chain or asset_key missing", a.ID, a.Symbol)
		}
		known[a.ID] = true
	}
	totals := make(map[AssetID]Amount, len(g.Assets))
	for i, o := range g.Balances {
		if !known[o.Asset] || o.Amount.IsZero() {
			return fmt.Errorf("genesis: balance %d: unknown asset %s or zero amount", i, o.Asset)
		}
		if err := o.Address.Check(); err != nil {
			return fmt.Errorf("genesis: balance %d: %w", i, err)
		}
		sum, ok := totals[o.Asset].Add(o.Amount)
		if !ok {
			return fmt.Errorf("genesis: balances of asset %s exceed 2^128 units", o.Asset)
		}
		totals[o.Asset] = sum
	}
	return nil
}

func validName(s string) bool {
	return s != "" && len(s) <= maxNameLength && utf8.ValidString(s)
}

// Roster is the roster of epoch 0.
func (g *Genesis) Roster() *Roster { return &Roster{Members: g.Members, CoinKey: g.CoinKey} }

// A Roster is the membership of an epoch; it is constant inside it. An Author is a place in Members.
type Roster struct {
	Members []Member
	CoinKey []Key
}

func (r *Roster) appendBinary(b []byte) []byte {
	b = appendMembers(b, r.Members)
	b = codec.AppendU16(b, uint16(len(r.CoinKey)))
	for _, k := range r.CoinKey {
		b = append(b, k[:]...)
	}
	return b
}

// Voting is the number K of members whose snapshots count.
func (r *Roster) Voting() int { return bits.OnesCount64(r.VotingSet()) }

// VotingSet has bit a set when author a votes.
func (r *Roster) VotingSet() (set uint64) {
	for i, m := range r.Members {
		if !m.Flagged {
			set |= 1 << i
		}
	}
	return set
}

// Faulty is f = floor((K-1)/3), the faulty members that a network of K survives.
func (r *Roster) Faulty() int { return (r.Voting() - 1) / 3 }

// Quorum is q = K - f; any two quorums share an honest member. Never the literal 2f+1.
func (r *Roster) Quorum() int { return r.Voting() - r.Faulty() }

// NodeIDOf is the id of the node with the given key on a network.
func NodeIDOf(network NetworkID, key Key) NodeID {
	return crypto.SumLabel("asterism node", network[:], key[:])
}
