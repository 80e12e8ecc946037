package sim

import (
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// This file is who comes and goes: people whose nodes start with the genesis file alone, follow, and join
// by a pledge; members that resign; and those that nobody lets go because there would be too few.

// join starts the node of somebody who is no member, and pledges for it.
func (w *world) join(person kernel.Author) {
	n := w.nodeOf(person)
	if n == nil || n.joined {
		return
	}
	n.joined = true
	n.start()
	w.pledge(person, 0)
}

// nodeOf is the first copy of a person's node; nil for a traitor.
func (w *world) nodeOf(person kernel.Author) *node {
	n, _ := w.ends[person].(*node)
	return n
}

// memberAgain is how long whoever wants to join or leave waits for the ledger to say so, ms.
const memberAgain sim.Time = 3000

// pledge makes a pledge for somebody, and accepts it when it is final. A try that came to nothing, because
// somebody else spent the coin, is followed by another.
func (w *world) pledge(person kernel.Author, try int) {
	if try > 3 {
		return
	}
	p := w.clients.pledge(person)
	if p == nil {
		w.clock.After(memberAgain, func() { w.pledge(person, try+1) })
		return
	}
	p.then = func() { w.clients.accept(p, person) }
}

// leave lets a member resign. Any author carries its record.
func (w *world) leave(person kernel.Author) {
	n := w.nodeOf(person)
	if n == nil {
		return
	}
	if n.up && !n.frozen {
		view := n.store.View()
		m, ok := ledger.MemberOf(view, kernel.NodeIDOf(w.stage.network, n.key()))
		epoch, _ := ledger.EpochOf(view)
		view.Close()
		if ok && m.State != kernel.MemberAccepted && m.State != kernel.MemberJoining && m.State != kernel.MemberPledging {
			return // done
		}
		if ok {
			r := kernel.Record{Kind: kernel.RecordResign, Network: w.stage.network, Epoch: epoch.Number, Signer: n.key()}
			hash := r.SigningHash()
			r.Signature = w.stage.keys[person].Sign(hash[:])
			w.carry(r.AppendBinary(nil), 1)
		}
	}
	w.clock.After(memberAgain, func() { w.leave(person) })
}

// pledge pays a pledge for somebody out of one coin of XIN.
func (c *clients) pledge(person kernel.Author) *payment {
	for i, coin := range c.coins {
		rest, ok := coin.amount.Sub(c.w.stage.genesis.Parameters.Pledge)
		if coin.asset != kernel.XIN || !ok || rest.IsZero() {
			continue
		}
		c.coins = append(c.coins[:i:i], c.coins[i+1:]...)
		p := &payment{kind: "pledge", inputs: []coin0{coin}}
		p.tx = &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: coin.ref}}}
		p.tx.Outputs = []kernel.Output{{Type: kernel.OutputNodePledge, Amount: c.w.stage.genesis.Parameters.Pledge}}
		p.tx.Extra = kernel.MemberExtra(c.w.stage.keys[person].Public(), c.w.stage.payee(person))
		_, units := rest.Units()
		c.output(p, units)
		c.sign(p)
		c.enter(p)
		return p
	}
	return nil
}

// accept lets the signer of a final pledge accept it.
func (c *clients) accept(pledge *payment, person kernel.Author) {
	p := &payment{kind: "accept"}
	p.tx = &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: kernel.OutputRef{Hash: pledge.hash}}}, Extra: pledge.tx.Extra}
	p.tx.Outputs = []kernel.Output{{Type: kernel.OutputNodeAccept, Amount: pledge.tx.Outputs[0].Amount}}
	p.hash = p.tx.Hash()
	p.tx.Signatures = []kernel.SignatureMap{{{Signature: c.w.stage.keys[person].Sign(p.hash[:])}}}
	p.raw = encode(p.tx)
	c.enter(p)
}
