package sim

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// This file is holders of XIN that stand up for a member that was punished.

// appeal lets holders move that a member's penalty be lifted, as soon as it has one: its flag, or, if late, the
// loss of its stake. They lock as much XIN behind the motion as it needs to pass.
func (w *world) appeal(person kernel.Author, late bool, nonce uint64) {
	if w.calm {
		return
	}
	if m, epoch, ok := w.punished(person); ok && (!late || m.Escrowed) {
		if w.clients.move(m, epoch, nonce) {
			w.faults["client_appeal"]++
			return
		}
	}
	w.clock.After(memberAgain/4, func() { w.appeal(person, late, nonce) })
}

// punished reads, at some node that runs, the record of a member that has a penalty.
func (w *world) punished(person kernel.Author) (m ledger.MemberRecord, epoch kernel.Epoch, ok bool) {
	for _, n := range w.nodes {
		if !n.up || n.frozen {
			continue
		}
		view := n.store.View()
		defer view.Close()
		m, ok = ledger.MemberOf(view, kernel.NodeIDOf(w.stage.network, w.stage.keys[person].Public()))
		e, _ := ledger.EpochOf(view)
		return m, e.Number, ok && ledger.PenaltyOf(&m) != nil
	}
	return m, 0, false
}

// move brings the motion, with ballots that are enough: any author carries its record. False if the clients have
// not enough to spare.
func (c *clients) move(m ledger.MemberRecord, epoch kernel.Epoch, nonce uint64) bool {
	stake := c.w.stage.genesis.Stake
	outside, _ := stake.Total.Sub(stake.Pool)
	_, units := outside.Units()
	need, sum := units*uint64(stake.Motion.QuorumPercent)/100+1, uint64(0)
	var behind []coin0
	for _, coin := range c.coins {
		if coin.asset == kernel.XIN && sum < need && len(behind) < kernel.MaxBallots {
			_, units := coin.amount.Units()
			behind, sum = append(behind, coin), sum+units
		}
	}
	if sum < need {
		return false
	}
	c.coins = slices.DeleteFunc(c.coins, func(o coin0) bool { return slices.Contains(behind, o) }) // they are locked
	p := kernel.Proposal{Motion: kernel.Motion{
		Subject: kernel.SubjectPenalty, Title: fmt.Sprintf("lift the penalty of %s", m.Member.Name), Nonce: nonce,
		Penalty: &kernel.Penalty{Member: m.Member.Key},
	}}
	slices.SortFunc(behind, func(a, b coin0) int {
		if order := a.ref.Hash.Compare(b.ref.Hash); order != 0 {
			return order
		}
		return int(a.ref.Index) - int(b.ref.Index)
	})
	for _, coin := range behind {
		p.Ballots = append(p.Ballots, kernel.Ballot{Output: coin.ref})
	}
	statement := kernel.BallotHash(c.w.stage.network, p.Motion.ID(c.w.stage.network), true, p.Ballots)
	for i, coin := range behind {
		p.Ballots[i].Signatures = kernel.SignatureMap{{Signature: coin.private.Sign(statement[:])}}
	}
	r := kernel.Record{Kind: kernel.RecordMotion, Network: c.w.stage.network, Epoch: epoch, Payload: p.AppendBinary(nil)}
	private, public := purseKey(c.purse)
	c.purse++
	r.Signer = public
	hash := r.SigningHash()
	r.Signature = private.Sign(hash[:])
	c.w.carry(r.AppendBinary(nil), 4)
	return true
}

// carry gives a record to all nodes that run, some times: what an epoch's end leaves behind, or the crash of its
// only carrier, must not lose it.
func (w *world) carry(record []byte, times int) {
	for _, n := range w.nodes {
		if n.up {
			n.take(&replica.Input{Records: [][]byte{record}})
		}
	}
	if times > 1 && !w.calm {
		w.clock.After(memberAgain/2, func() { w.carry(record, times-1) })
	}
}
