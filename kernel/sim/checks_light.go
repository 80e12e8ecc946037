package sim

import (
	"errors"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/light"
)

// This file is checker C9: at the end of a run the honest members certify what they have, and a light
// node that knows the genesis alone must believe their proofs, and what they prove must be what the
// auditor knows. Checkpoint signatures travel by hand: that they may be late or lost is for tests of
// package replica.

// proofsAsked bounds the transactions of a run that are proven.
const proofsAsked = 30

// A certifying node makes checkpoints of what a run left in its folder.
type certifying struct {
	*node
	*replica.Certifier
}

// checkpointer signs checkpoints with node keys: in simulations nobody publishes others.
type checkpointer struct{ n *node }

// SignCheckpoint implements replica.CheckpointSigner.
func (c checkpointer) SignCheckpoint(roster *kernel.EpochRoster, h kernel.Hash) (kernel.Author, kernel.Signature, bool) {
	key := c.n.w.stage.keys[c.n.author]
	a := slices.IndexFunc(roster.Members, func(m kernel.Member) bool { return m.Key == key.Public() })
	if a < 0 {
		return 0, kernel.Signature{}, false
	}
	return kernel.Author(a), key.Sign(h[:]), true
}

// lights holds light proofs to what full nodes say. [C9]
func (c *checks) lights() {
	if !c.w.profile.renews {
		return
	}
	var all []certifying
	for _, n := range c.w.nodes {
		if n.up && !n.rotten && n.rebel == nil && n.place == int(n.author) && int(n.store.Head().Index) == len(c.order) {
			all = append(all, certifying{n, replica.NewCertifier(n.store, c.w.stage.genesis, checkpointer{n})})
		}
	}
	for c.violation == nil && c.certify(all) {
	}
	if c.violation == nil && len(all) > 0 {
		c.prove(all[len(c.order)%len(all)].node)
	}
}

// certify makes the next checkpoint at every node and tells everyone the signatures; false when none is due.
func (c *checks) certify(all []certifying) (more bool) {
	for _, x := range all {
		index, due := x.Due()
		if !due {
			continue
		}
		more = true
		messages, err := x.Make(index, true)
		if err != nil {
			c.violated("C9", x.node, "makes no checkpoint of commit %d: %v", index, err)
			return false
		}
		for _, m := range messages {
			for _, to := range all {
				if _, err := to.Take(x.key(), m); err != nil {
					c.violated("C9", to.node, "takes no signature of node %d: %v", x.author, err)
					return false
				}
			}
		}
	}
	return more
}

// prove leads a light node from the genesis to a node's newest certificate and asks it for proofs.
func (c *checks) prove(n *node) {
	chain := light.Start(c.w.stage.genesis)
	for _, e := range c.eras[1:] {
		change, ok := n.store.RosterChange(e.epoch)
		if !ok {
			c.violated("C9", n, "has no certificate of the end of epoch %d", e.epoch-1)
			return
		}
		if err := chain.Change(change); err != nil {
			c.violated("C9", n, "a light node does not follow to epoch %d: %v", e.epoch, err)
			return
		}
		c.w.reached("light_followed")
	}
	p, err := n.store.Prover()
	if errors.Is(err, store.ErrNoCertificate) {
		return // the run was too short for one
	}
	if err == nil {
		err = chain.Accept(p.Certificate)
	}
	if err != nil {
		c.violated("C9", n, "a light node does not believe the newest certificate: %v", err)
		return
	}
	payments := c.w.clients.payments
	for i := 0; i < len(payments) && c.violation == nil; i += 1 + len(payments)/proofsAsked {
		c.proveReceipt(n, chain, p, payments[i])
		for _, o := range payments[i].outputs {
			c.proveOutput(n, chain, p, o.ref)
		}
	}
}

func (c *checks) proveReceipt(n *node, chain *light.Chain, p *store.Prover, payment *payment) {
	want, judged := c.auditor.state.receipts[payment.hash]
	proof, err := p.Receipt(payment.hash)
	switch covered := judged && want.Commit <= p.Certificate.Checkpoint.Index; {
	case covered != (err == nil):
		c.violated("C9", n, "proof of %s, judged %t at commit %d: %v", payment.hash.Short(), judged, want.Commit, err)
	case err != nil:
	case proof.Receipt != want:
		c.violated("C9", n, "proves that %s is %v, which is %v", payment.hash.Short(), proof.Receipt.Status, want.Status)
	case chain.Settled(proof) != nil:
		c.violated("C9", n, "a light node refuses the proof of %s: %v", payment.hash.Short(), chain.Settled(proof))
	default:
		c.w.reached("light_proof")
		forged := *proof
		forged.Receipt.Commit++
		if chain.Settled(&forged) == nil {
			c.violated("C9", n, "a light node believes a forged receipt of %s", payment.hash.Short())
		}
	}
}

func (c *checks) proveOutput(n *node, chain *light.Chain, p *store.Prover, ref kernel.OutputRef) {
	o, at := c.auditor.state.outputs[ref], p.Certificate.Checkpoint.Index
	if o == nil || o.created > at {
		return
	}
	place, err := p.Place(ref)
	if err == nil {
		var proof *kernel.OutputProof
		if proof, err = p.Output(place); err == nil {
			if spent := !o.spent.tx.IsZero() && o.spent.commit <= at; spent {
				err = chain.Spent(proof)
			} else {
				err = chain.Unspent(proof)
			}
		}
	}
	if err != nil {
		c.violated("C9", n, "output %d of %s is not proven: %v", ref.Index, ref.Hash.Short(), err)
	}
}
