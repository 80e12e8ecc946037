package devnet

import (
	"context"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A JoinLeaveReport is what `aster devnet --scenario join-leave` prints.
type JoinLeaveReport struct {
	Joined       bool          `json:"joined"`    // an eighth node pledged, accepted, and signs
	Resigned     bool          `json:"resigned"`  // another one is out of the roster
	PaidBack     bool          `json:"paid_back"` // and has its whole stake back
	CoinRenewals int           `json:"coin_renewals"`
	Payments     FlowReport    `json:"payments"`
	LongestGap   int64         `json:"longest_gap_ms"`
	SupplyOK     bool          `json:"supply_ok"`
	LedgerRoot   kernel.Digest `json:"ledger_root"`
}

// Holds reports what of it does not hold, or nil.
func (r *JoinLeaveReport) Holds() error {
	switch {
	case !r.Joined || !r.Resigned || !r.PaidBack:
		return fmt.Errorf("joined %v, resigned %v, paid back %v", r.Joined, r.Resigned, r.PaidBack)
	case r.CoinRenewals < 2:
		return fmt.Errorf("the coin key was renewed %d times", r.CoinRenewals)
	}
	return flowHolds(r.Payments, r.LongestGap, r.SupplyOK)
}

func flowHolds(f FlowReport, gap int64, supply bool) error {
	switch {
	case f.Submitted == 0 || f.Final != f.Submitted:
		return fmt.Errorf("%d of %d payments are final", f.Final, f.Submitted)
	case gap > gapAllowed.Milliseconds():
		return fmt.Errorf("for %d ms no payment became final", gap)
	case !supply:
		return fmt.Errorf("the supply does not add up")
	}
	return nil
}

const (
	leaver    = 2 // node-3
	joinBegin = "an eighth node pledges"
)

// JoinLeave lets an eighth node join and the third one leave, with payments all the while.
func (n *Network) JoinLeave(ctx context.Context, progress Progress) (*JoinLeaveReport, error) {
	report := new(JoinLeaveReport)
	f, gap, root, supply, err := n.run(ctx, progress, func(ctx context.Context, p *play) error { return p.joinLeave(ctx, report) })
	report.Payments, report.LongestGap, report.LedgerRoot, report.SupplyOK = f, gap.Milliseconds(), root, supply
	if err == nil {
		err = report.Holds()
	}
	return report, err
}

func (p *play) joinLeave(ctx context.Context, report *JoinLeaveReport) error {
	seed := [32]byte{31: 8}
	random := randomness(p.options.Seed)
	if _, err := random.Read(seed[:31]); err != nil {
		return err
	}
	joiner, err := p.addNode("node-8", seed)
	if err != nil {
		return err
	}
	node := kernel.NodeKeyFromSeed(seed)
	p.say(joinBegin)
	pledge, err := p.pay(ctx, "pledge of node-8", wallet.Request{
		Asset: kernel.XIN, Plain: true,
		Pledge: &wallet.Pledge{Signer: node.Public(), Payee: p.holder.Address(), Amount: p.Genesis.Parameters.Pledge},
	})
	if err != nil {
		return err
	}
	accept, err := wallet.AcceptPledge(pledge, node)
	if err != nil {
		return err
	}
	if _, err := p.clients[0].SendRawTransaction(ctx, accept); err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	if err := p.until(ctx, "the eighth node signs", func(ctx context.Context) (bool, error) { return p.signs(ctx, joiner) }); err != nil {
		return err
	}
	report.Joined = true
	return p.resign(ctx, report)
}

// signs reports whether a node is a member that takes part, and the others see its rounds.
func (p *play) signs(ctx context.Context, i int) (bool, error) {
	own, err := p.clients[i].Info(ctx)
	if err != nil || own.State != "active" {
		return false, err
	}
	info, err := p.clients[0].Info(ctx)
	for _, m := range info.Members {
		if m.Signer == p.members[i].Key {
			return m.Round > 2, nil
		}
	}
	return false, err
}

func (p *play) resign(ctx context.Context, report *JoinLeaveReport) error {
	key, err := p.key(leaver)
	if err != nil {
		return err
	}
	if err := p.until(ctx, "node-3 resigns and is out of the roster", func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, key.Public())
		if err != nil {
			return false, err
		}
		if m.State == kernel.MemberAccepted { // again if the epoch ended on the way
			return false, p.bring(ctx, kernel.RecordResign, nil, key)
		}
		return m.Left || m.State == kernel.MemberRemoved, nil
	}); err != nil {
		return err
	}
	report.Resigned = true
	if err := p.until(ctx, "its stake is paid back", func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, key.Public())
		return err == nil && m.State == kernel.MemberRemoved && m.Stake.IsZero() && p.watch.paidBack(p.Genesis.Parameters.Pledge), err
	}); err != nil {
		return err
	}
	report.PaidBack = true
	p.leave(leaver)
	return p.until(ctx, "the coin key is renewed twice", func(ctx context.Context) (bool, error) {
		info, err := p.clients[0].Info(ctx)
		report.CoinRenewals = int(info.EpochNumber)
		return err == nil && report.CoinRenewals >= 2, err
	})
}
