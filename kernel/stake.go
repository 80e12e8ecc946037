package kernel

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
)

// A Stake is the optional part of a genesis by which a network has an economy of its own: a fixed
// supply of XIN, members that pledge some of it, a pool that mints and takes penalties and fees,
// and votes. Without it a network's members never change. [STK-1]
type Stake struct {
	Total        Amount      `json:"total"`         // of XIN, for ever: balances, the members' pledges and the pool
	Pool         Amount      `json:"pool"`          // what is there to be minted
	AppealWindow uint64      `json:"appeal_window"` // commits from a removal until the collateral goes to the pool
	Motion       MotionRules `json:"motion"`
	Mint         MintRules   `json:"mint"`
	Fees         Fees        `json:"fees"`
}

// MotionRules bound a vote of XIN holders.
type MotionRules struct {
	Window        uint64 `json:"window"`         // commits in which votes count
	Delay         uint64 `json:"delay"`          // commits from the window's end to the effect
	QuorumPercent uint8  `json:"quorum_percent"` // of all XIN outside the pool that must have voted, 1 to 100
}

// MintRules say when the pool mints and for whom. The shares are tenths.
type MintRules struct {
	PaidDays uint32 `json:"paid_days"` // days of the schedule that count as paid at genesis
	Nodes    uint8  `json:"nodes"`
	Domains  uint8  `json:"domains"`
	Light    uint8  `json:"light"`
}

// Fees are what the network charges, in XIN; they go to the pool.
type Fees struct {
	AppCreation Amount `json:"app_creation"`
	Call        Amount `json:"call"`
}

// The economy of the paper: a million XIN, half of them for whoever runs the network.
var (
	StakeTotal = NewAmount(1_000_000_00000000)
	StakePool  = NewAmount(500_000_00000000)
)

// DefaultStake is what `aster genesis` proposes: at a commit a tenth of a second, a window for
// appeals of a week, votes of a week that take effect two days later.
func DefaultStake() *Stake {
	const day = 10 * 60 * 60 * 24
	return &Stake{
		Total: StakeTotal, Pool: StakePool, AppealWindow: 7 * day,
		Motion: MotionRules{Window: 7 * day, Delay: 2 * day, QuorumPercent: 10},
		Mint:   MintRules{Nodes: 5, Domains: 4, Light: 1},
		Fees:   Fees{AppCreation: NewAmount(10_00000000), Call: NewAmount(10_000)},
	}
}

// RunningPledge is what a member of the network that Asterism follows stakes.
var RunningPledge = NewAmount(13_439_00000000)

// maxStakeSpan bounds every number of commits, so that sums with an index do not overflow.
const maxStakeSpan = 1 << 40

// MaxPaidDays bounds the days of the schedule that a genesis leaves out.
const MaxPaidDays = 36_500

func (s *Stake) appendBinary(b []byte) []byte {
	b = append(b, 1)
	b = s.Total.AppendBinary(b)
	b = s.Pool.AppendBinary(b)
	b = codec.AppendU64(b, s.AppealWindow)
	b = codec.AppendU64(b, s.Motion.Window)
	b = codec.AppendU64(b, s.Motion.Delay)
	b = append(b, s.Motion.QuorumPercent)
	b = codec.AppendU32(b, s.Mint.PaidDays)
	b = append(b, s.Mint.Nodes, s.Mint.Domains, s.Mint.Light)
	return s.Fees.AppendBinary(b)
}

// AppendBinary appends the canonical form.
func (f Fees) AppendBinary(b []byte) []byte {
	return f.Call.AppendBinary(f.AppCreation.AppendBinary(b))
}

// ErrEpochShort says that epochs are too short for the ceremony that makes the next coin key: every attempt would be
// void, and members could never change.
var ErrEpochShort = errors.New("epoch_too_short")

// LeastEpochLength is the least epoch_length of a network with stakes, in commits. A coin ceremony has two phases,
// dealings and verdicts, and has an epoch's length for both. In a phase the commits have to get from the one that
// begins it to the one that brings the last answer that counts, up to `slots` of them a round: a leader is
// decided wave - 1 rounds above its own, whoever executes it answers in the next, and the leaders of the one
// after that commit the answer. That makes wave + 1 rounds; one more for the slot in which the phase began and ends,
// and one for members that are a round behind. (Seven nodes on one machine took 37 to 43 commits for both where this
// demands 48.) [STK-2]
func LeastEpochLength(p Parameters) uint64 { return 2 * (uint64(p.Wave) + 3) * uint64(p.Slots) }

// checkStake: the numbers are in range, and every XIN of the total is somewhere. [STK-2]
func (g *Genesis) checkStake() error {
	s := g.Stake
	if s == nil {
		return nil
	}
	span := func(n uint64) bool { return n > 0 && n <= maxStakeSpan }
	switch {
	case g.Parameters.EpochLength < LeastEpochLength(g.Parameters):
		return fmt.Errorf("genesis: stake: %w: epoch_length %d: want at least 2 × (wave + 3) × slots = %d commits, or no next coin key can be made",
			ErrEpochShort, g.Parameters.EpochLength, LeastEpochLength(g.Parameters))
	case !span(s.AppealWindow) || !span(s.Motion.Window) || s.Motion.Delay > maxStakeSpan:
		return fmt.Errorf("genesis: stake: appeal_window, motion window and delay are commits: want 1 (delay: 0) to %d", uint64(maxStakeSpan))
	case s.Motion.QuorumPercent == 0 || s.Motion.QuorumPercent > 100:
		return fmt.Errorf("genesis: stake: quorum_percent %d: want 1 to 100", s.Motion.QuorumPercent)
	case s.Mint.PaidDays > MaxPaidDays:
		return fmt.Errorf("genesis: stake: paid_days %d: at most %d", s.Mint.PaidDays, MaxPaidDays)
	case int(s.Mint.Nodes)+int(s.Mint.Domains)+int(s.Mint.Light) != 10:
		return fmt.Errorf("genesis: stake: mint shares %d, %d and %d: they are tenths and must add up to 10", s.Mint.Nodes, s.Mint.Domains, s.Mint.Light)
	case g.Parameters.Pledge.IsZero():
		return fmt.Errorf("genesis: stake: parameters.pledge is zero: a member without a stake has nothing to lose")
	case !g.registers(XIN):
		return fmt.Errorf("genesis: stake: XIN (%s) is not among the assets", XIN)
	}
	if hi, _ := s.Total.Units(); hi != 0 {
		return fmt.Errorf("genesis: stake: total %s: at most 2^64-1 units, so that shares of it can be counted", s.Total)
	}
	sum, ok := g.distributed()
	if !ok || sum != s.Total {
		return fmt.Errorf("genesis: stake: pool %s, %d pledges of %s and the balances are %s XIN: total says %s", s.Pool, len(g.Members), g.Parameters.Pledge, sum, s.Total)
	}
	return nil
}

func (g *Genesis) registers(asset AssetID) bool {
	for i := range g.Assets {
		if g.Assets[i].ID == asset {
			return true
		}
	}
	return false
}

// distributed is the XIN of pool, pledges and balances; false if it is 2^128 units or more.
func (g *Genesis) distributed() (sum Amount, ok bool) {
	sum = g.Stake.Pool
	for range g.Members {
		if sum, ok = sum.Add(g.Parameters.Pledge); !ok {
			return sum, false
		}
	}
	for i := range g.Balances {
		if g.Balances[i].Asset != XIN {
			continue
		}
		if sum, ok = sum.Add(g.Balances[i].Amount); !ok {
			return sum, false
		}
	}
	return sum, true
}

// Distribute gives the XIN that neither pool nor pledges nor balances have to one holder, so that
// the total is all there. It fails if more than the total is given already.
func (g *Genesis) Distribute(holder Address) error {
	sum, ok := g.distributed()
	if !ok || sum.Compare(g.Stake.Total) > 0 {
		return fmt.Errorf("genesis: stake: pool, pledges and balances are %s XIN, more than the total of %s", sum, g.Stake.Total)
	}
	if rest, _ := g.Stake.Total.Sub(sum); !rest.IsZero() {
		g.Balances = append(g.Balances, GenesisOutput{Asset: XIN, Address: holder, Amount: rest})
	}
	return nil
}

// stakeTransactions are the members' pledges in commit 0, in the order of the roster: each has one
// output of type a4, which names the member in its extra. First is the running number of the first. [STK-3]
func (g *Genesis) stakeTransactions(network NetworkID, first int) []*Transaction {
	if g.Stake == nil {
		return nil
	}
	all := make([]*Transaction, len(g.Members))
	for i := range g.Members {
		m := &g.Members[i]
		tx := genesisTransaction(network, XIN, first+i)
		tx.Outputs = []Output{{Type: OutputNodeAccept, Amount: g.Parameters.Pledge}}
		tx.Extra = MemberExtra(m.Key, m.Payee)
		all[i] = tx
	}
	return all
}
