package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// A MisbehaveReport is what `aster devnet --misbehave` prints.
type MisbehaveReport struct {
	Nodes            int           `json:"nodes"`
	Flagged          bool          `json:"flagged"`
	Removed          bool          `json:"removed"`
	CollateralToPool bool          `json:"collateral_to_pool"`
	Restored         *bool         `json:"restored,omitempty"` // with --appeal win only
	EvidenceFile     string        `json:"evidence_file"`
	EvidenceVerified bool          `json:"evidence_verified"`
	Payments         FlowReport    `json:"payments"`
	LongestGap       int64         `json:"longest_gap_ms"`
	SupplyOK         bool          `json:"supply_ok"`
	LedgerRoot       kernel.Digest `json:"ledger_root"`

	once bool // a crime that cannot be a second one: it is flagged, and keeps its stake
}

// Holds reports what of it does not hold, or nil.
func (r *MisbehaveReport) Holds() error {
	switch {
	case !r.Flagged:
		return fmt.Errorf("the faulty node was not flagged")
	case r.once && (r.Removed || r.CollateralToPool):
		return fmt.Errorf("a first fault cost more than the vote")
	case !r.once && r.Restored == nil && (!r.Removed || !r.CollateralToPool):
		return fmt.Errorf("removed %v, collateral to the pool %v", r.Removed, r.CollateralToPool)
	case r.Restored != nil && (!*r.Restored || r.Removed):
		return fmt.Errorf("restored %v, removed %v", *r.Restored, r.Removed)
	case !r.EvidenceVerified:
		return fmt.Errorf("the evidence does not verify")
	}
	return flowHolds(r.Payments, r.LongestGap, r.SupplyOK)
}

// A Crime says who does what, and how its appeal ends.
type Crime struct {
	Node      int    // from 1
	Kind      string // one of Crimes
	AppealWin bool
}

// Crimes are the kinds of misbehaviour. Whoever is flagged carries nothing any more that a commit settles: the last two are found
// by execution, and so never are a second fault.
var Crimes = map[string]node.Misbehaviour{"equivocate": node.Equivocate, "double-spend": node.DoubleSpend, "bad-body": node.BadBody}

// Misbehave lets a node do what no honest one does, and shows what becomes of it.
func (n *Network) Misbehave(ctx context.Context, crime Crime, progress Progress) (*MisbehaveReport, error) {
	report := &MisbehaveReport{Nodes: len(n.members)}
	n.members[crime.Node-1].misbehave = Crimes[crime.Kind]
	report.once = crime.Kind != "equivocate"
	if crime.AppealWin {
		n.members[crime.Node-1].misbehave = node.EquivocateOnce
		report.Restored = new(bool)
	}
	f, gap, root, supply, err := n.run(ctx, progress, func(ctx context.Context, p *play) error { return p.misbehave(ctx, crime, report) })
	report.Payments, report.LongestGap, report.LedgerRoot, report.SupplyOK = f, gap.Milliseconds(), root, supply
	if err == nil {
		err = report.Holds()
	}
	return report, err
}

func (p *play) misbehave(ctx context.Context, crime Crime, report *MisbehaveReport) error {
	i := crime.Node - 1
	key := p.members[i].Key
	flagged := func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, key)
		return err == nil && (m.Flag == "in_force" || m.State == kernel.MemberRemoved), err
	}
	if err := p.until(ctx, p.members[i].Name+" is flagged", flagged); err != nil {
		return err
	}
	report.Flagged = true
	if err := p.evidence(ctx, report); err != nil {
		return err
	}
	switch {
	case report.once:
		return nil
	case crime.AppealWin:
		return p.appeal(ctx, i, report)
	}
	if err := p.until(ctx, p.members[i].Name+" is removed", func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, key)
		return err == nil && m.State == kernel.MemberRemoved, err
	}); err != nil {
		return err
	}
	report.Removed = true
	if err := p.until(ctx, "its stake is in the mining pool", func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, key)
		if err != nil || m.Escrowed || !m.Stake.IsZero() {
			return false, err
		}
		stake, err := p.clients[0].Stake(ctx)
		if err != nil {
			return false, err
		}
		atLeast, _ := p.Genesis.Stake.Pool.Add(p.Genesis.Parameters.Pledge)
		return stake.Escrow.IsZero() && stake.Pool.Compare(atLeast) >= 0, nil
	}); err != nil {
		return err
	}
	report.CollateralToPool = true
	p.leave(i)
	return nil
}

// evidence writes the proof of the first fault into a file, reads it again and verifies it with the
// genesis alone.
func (p *play) evidence(ctx context.Context, report *MisbehaveReport) error {
	var file *kernel.EvidenceFile
	if err := p.until(ctx, "what proves the fault is certified", func(ctx context.Context) (yes bool, err error) {
		if file, err = p.clients[0].Evidence(ctx, 0); err != nil || file == nil {
			return false, ignoreNotYet(err)
		}
		_, err = light.VerifyEvidence(p.Genesis, file)
		return err == nil, ignoreNotYet(err)
	}); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	b, err := file.Encode()
	if err != nil {
		return err
	}
	report.EvidenceFile = filepath.Join(p.options.Home, "fault-0.evidence")
	if err := os.WriteFile(report.EvidenceFile, b, 0o644); err != nil {
		return err
	}
	if b, err = os.ReadFile(report.EvidenceFile); err != nil {
		return err
	}
	again, err := kernel.DecodeEvidenceFile(b)
	if err != nil {
		return err
	}
	found, err := light.VerifyEvidence(p.Genesis, again)
	if err != nil {
		return fmt.Errorf("verify %s: %w", report.EvidenceFile, err)
	}
	p.say("evidence in %s: %s", report.EvidenceFile, found.Reason)
	report.EvidenceVerified = true
	return nil
}

// ignoreNotYet drops errors that the next checkpoint cures: it covers what was spent, or what came first.
func ignoreNotYet(err error) error {
	if errors.Is(err, client.ErrNoEvidence) || errors.Is(err, light.NothingWrong) || errors.Is(err, light.BadProof) {
		return nil
	}
	return err
}

// witnessXIN is what the scenario's light witness locks.
var witnessXIN = kernel.NewAmount(2_000_00000000)

// appeal lets the accused appeal, a light witness and the holder vote for it, and waits until the
// member votes again.
func (p *play) appeal(ctx context.Context, i int, report *MisbehaveReport) error {
	accused, err := p.key(i)
	if err != nil {
		return err
	}
	if _, err := p.pay(ctx, "XIN of the light witness", wallet.Request{
		Asset: kernel.XIN, Plain: true, Pay: []wallet.Pay{{To: wallet.To(p.holder.Address()), Amount: witnessXIN}},
	}); err != nil {
		return err
	}
	witness, err := p.enrol(ctx)
	if err != nil {
		return err
	}
	m, err := p.member(ctx, accused.Public())
	if err != nil {
		return err
	}
	motion := kernel.Motion{Subject: kernel.SubjectPenalty, Title: "Lift the flag of " + m.Name, Text: "Two copies of one backup ran for a moment.",
		Penalty: &kernel.Penalty{Member: accused.Public()}}
	id := motion.ID(p.Facts.Network)
	if err := p.bring(ctx, kernel.RecordMotion, (&kernel.Proposal{Motion: motion}).AppendBinary(nil), accused); err != nil {
		return fmt.Errorf("appeal: %w", err)
	}
	if err := p.until(ctx, "the appeal is before the voters", p.voted(id, 0)); err != nil {
		return err
	}
	if err := p.cast(ctx, "the light witness has voted", id, 1, kernel.Vote{Motion: id, For: true}, witness); err != nil {
		return err
	}
	vote := kernel.Vote{Motion: id, For: true}
	if vote.Ballots, _, err = p.holder.Ballots(kernel.Amount{}, p.lockedOutputs(ctx), func(b []kernel.Ballot) kernel.Hash {
		return kernel.BallotHash(p.Facts.Network, id, true, b)
	}); err != nil {
		return err
	}
	if err := p.cast(ctx, "the holder has voted", id, 2, vote, witness); err != nil {
		return err
	}
	err = p.until(ctx, "the member is restored and votes again", func(ctx context.Context) (bool, error) {
		m, err := p.member(ctx, accused.Public())
		if err != nil || m.Flag != "none" {
			return false, err
		}
		info, err := p.clients[0].Info(ctx)
		for _, x := range info.Members {
			if x.Signer == accused.Public() {
				return !x.Flagged, nil
			}
		}
		return false, err
	})
	*report.Restored = err == nil
	return err
}

// castAgain is after how long a vote that no commit has carried is brought again: a node can take a record and stop before it passes it on.
const castAgain = 3 * time.Second

// cast brings a vote until a motion has n votes.
func (p *play) cast(ctx context.Context, what string, motion kernel.Hash, n uint32, vote kernel.Vote, signer kernel.NodeKey) error {
	var brought time.Time
	voted := p.voted(motion, n)
	return p.until(ctx, what, func(ctx context.Context) (bool, error) {
		if done, err := voted(ctx); done || err != nil || time.Since(brought) < castAgain {
			return done, err
		}
		first := brought.IsZero()
		brought = time.Now()
		if err := p.bring(ctx, kernel.RecordVote, vote.AppendBinary(nil), signer); first {
			return false, err
		}
		return false, nil // it may have come to something meanwhile
	})
}

// voted asks whether a motion has n votes.
func (p *play) voted(motion kernel.Hash, n uint32) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		found, err := p.clients[0].Motion(ctx, motion, 0, 1)
		switch {
		case err != nil || found == nil:
			return false, err
		case found.Votes < n && found.State != "open":
			return false, fmt.Errorf("%w: the motion is %s with %d votes", errOver, found.State, found.Votes)
		}
		return found.Votes >= n, nil
	}
}

// enrol makes a light witness with the smallest output that the holder has.
func (p *play) enrol(ctx context.Context) (kernel.NodeKey, error) {
	witness := kernel.NodeKeyFromSeed([32]byte{31: 200, 0: byte(p.options.Seed)})
	info, err := p.clients[0].Info(ctx)
	if err != nil {
		return witness, err
	}
	card := kernel.WitnessCard{Payee: p.holder.Address(), Until: info.Head.Index + 1_000_000}
	var avoid []wallet.Ref
	for _, o := range p.holder.Outputs() {
		if o.Asset != kernel.XIN || o.Amount != witnessXIN {
			avoid = append(avoid, o.Ref)
		}
	}
	card.Ballots, _, err = p.holder.Ballots(witnessXIN, avoid, func(b []kernel.Ballot) kernel.Hash {
		return kernel.WitnessHash(p.Facts.Network, witness.Public(), &kernel.WitnessCard{Payee: card.Payee, Until: card.Until, Ballots: b})
	})
	if err != nil {
		return witness, err
	}
	if err := p.bring(ctx, kernel.RecordWitness, card.AppendBinary(nil), witness); err != nil {
		return witness, fmt.Errorf("enrol: %w", err)
	}
	return witness, p.until(ctx, "the light witness is enrolled", func(ctx context.Context) (bool, error) {
		all, err := p.clients[0].Witnesses(ctx)
		return err == nil && len(all) > 0, err
	})
}

// lockedOutputs are the holder's that the light witness has.
func (p *play) lockedOutputs(ctx context.Context) (locked []wallet.Ref) {
	for _, o := range p.holder.Outputs() {
		if out, err := p.clients[0].Output(ctx, kernel.OutputRef(o.Ref)); err == nil && out != nil && !out.Witness.IsZero() {
			locked = append(locked, o.Ref)
		}
	}
	return locked
}
