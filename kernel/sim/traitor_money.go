package sim

import (
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
)

// This file holds behaviours that put into bodies what does not belong there. Transactions come
// from clients: a traitor can spoil them or choose among them, not sign them.

func carry(raw []byte) kernel.Entry {
	return kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw}
}

// payment draws one of the newest n payments that fits; nil if there is none.
func (t *traitor) payment(n int, fits func(*payment) bool) *payment {
	all := t.w.clients.payments
	all = all[max(0, len(all)-n):]
	if len(all) == 0 {
		return nil
	}
	from := t.dice.IntN(len(all))
	for i := range all {
		if p := all[(from+i)%len(all)]; fits(p) {
			return p
		}
	}
	return nil
}

func waits(p *payment) bool   { return !p.settled && !p.bad }
func settled(p *payment) bool { return p.settled && !p.bad }
func wrong(p *payment) bool   { return p.bad }

// loser fits the losing side of a double spend that is over.
func loser(p *payment) bool { return p.settled && !p.bad && p.rival != nil && p.rival.settled }

// planBadTransactions fills bodies with everything that a transaction must not be.
func planBadTransactions(t *traitor) plot {
	return plot{entries: func(*draft) (list []kernel.Entry) {
		if !t.chance(50) {
			return nil
		}
		for range 1 + t.dice.IntN(4) {
			if raw := t.badTransaction(); raw != nil {
				list = append(list, carry(raw))
			}
		}
		return list
	}}
}

func (t *traitor) badTransaction() []byte {
	switch t.dice.IntN(8) {
	case 0: // one that waits, with another signature: the good one must not suffer
		if p := t.payment(20, waits); p != nil {
			return t.tampered(p.raw)
		}
	case 1:
		if p := t.payment(200, wrong); p != nil {
			return p.raw
		}
	case 2:
		b := make([]byte, t.dice.IntN(400))
		for i := range b {
			b[i] = byte(t.dice.Uint32())
		}
		return b
	case 3:
		if p := t.payment(50, waits); p != nil {
			return p.raw[:t.dice.IntN(len(p.raw))]
		}
	case 4:
		if p := t.payment(200, settled); p != nil {
			return p.raw
		}
	case 5:
		if p := t.payment(200, loser); p != nil {
			return p.raw
		}
	case 6:
		if p := t.payment(20, waits); p != nil {
			return p.raw
		}
	case 7: // spends what is spent, under a hash that nobody has seen
		if p := t.payment(200, settled); p != nil {
			return t.relabelled(p)
		}
	}
	return nil
}

// tampered turns a bit of the signatures, which stand last.
func (t *traitor) tampered(raw []byte) []byte {
	b := slices.Clone(raw)
	b[len(b)-1-t.dice.IntN(min(60, len(b)))] ^= 1 << t.dice.IntN(8)
	return b
}

// relabelled is a payment with something in its extra field: another transaction, whose
// signatures do not fit.
func (t *traitor) relabelled(p *payment) []byte {
	tx := *p.tx
	tx.Extra = []byte{byte(t.dice.Uint32()), 1}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		return nil
	}
	return raw
}

// planDoubleSpendAuthor proposes both sides of a client's double spend: in one body, in two
// variants of one round, or the losing side after it knew better, which is fault E2.
func planDoubleSpendAuthor(t *traitor) plot {
	var pair *payment
	forked := false
	turn := kernel.Round(20 + t.arg%120)
	return plot{
		choose: t.apart,
		entries: func(d *draft) (list []kernel.Entry) {
			if d.twin > 0 {
				return []kernel.Entry{carry(pair.rival.raw)}
			}
			fits := func(p *payment) bool { return waits(p) && p.rival != nil && waits(p.rival) }
			if pair = t.payment(20, fits); pair != nil {
				if !forked && d.header.Round >= turn {
					forked = true
					t.fork(d, t.sides(2))
					return []kernel.Entry{carry(pair.raw)}
				}
				list = append(list, carry(pair.raw), carry(pair.rival.raw))
			}
			if p := t.payment(100, loser); p != nil && t.chance(40) {
				list = append(list, carry(p.raw))
			}
			return list
		},
	}
}

// planFalseEvidence accuses: honest members with what proves nothing, and a fellow traitor, if
// one has signed twice, with what does, again and again.
func planFalseEvidence(t *traitor) plot {
	return plot{entries: func(d *draft) (list []kernel.Entry) {
		if !t.chance(40) {
			return nil
		}
		for range 1 + t.dice.IntN(3) {
			list = append(list, t.accusation(d))
		}
		return list
	}}
}

// accusation makes up a record that looks like evidence.
func (t *traitor) accusation(d *draft) kernel.Entry {
	victim := kernel.Author(t.dice.IntN(t.cabal.members.Size))
	proof := t.madeUp(victim)
	r := kernel.Record{Kind: kernel.RecordEvidence, Network: t.w.stage.network, Signer: t.w.stage.keys[t.author].Public()}
	switch t.dice.IntN(6) {
	case 0:
		proof.Network[0] ^= 1
	case 1:
		proof.Epoch = 1
	case 2:
		r.Network[0] ^= 1
	case 3:
		r.Epoch = 1
	case 4:
		r.Signer = t.w.stage.keys[victim].Public()
	}
	r.Payload = proof.AppendBinary(nil)
	if t.chance(10) {
		r.Payload = r.Payload[:t.dice.IntN(len(r.Payload))]
	}
	if t.chance(10) {
		r.Kind = kernel.RecordKind(1 + t.dice.IntN(6))
	}
	r.Signature = t.w.notaryRecord(t.author, r.SigningHash())
	if t.chance(10) {
		r.Signature[5] ^= 4
	}
	return kernel.Entry{Kind: kernel.EntryRecord, Bytes: r.AppendBinary(nil)}
}

// notaryRecord signs a record with a traitor's own key.
func (w *world) notaryRecord(a kernel.Author, h kernel.Hash) kernel.Signature {
	return w.stage.keys[a].Sign(h[:])
}

// madeUp is a proof against a member: of true headers as far as there are any.
func (t *traitor) madeUp(victim kernel.Author) kernel.Equivocation {
	g := t.cabal.graph
	if forked := g.Forked() & t.w.evil; forked != committee.Set(0) && t.chance(30) {
		if proof, ok := t.twins(forked); ok {
			t.w.reached("traitor_accuses_traitor")
			return proof
		}
	}
	top := g.Top().Clock[victim]
	v := g.First(victim, top)
	if v == nil || v.Header == nil {
		return kernel.Equivocation{Network: t.w.stage.network, Author: victim, Round: 1, Rest: [2]kernel.Hash{{1}, {2}}}
	}
	other := *v.Header
	switch t.dice.IntN(4) {
	case 0: // one header twice, under another signature
		other.Signature[7] ^= 1
	case 1: // two rounds
		if u := g.First(victim, top-1); u != nil && u.Header != nil {
			other = *u.Header
		}
	case 2: // a header that it never signed, with the signature of the one it did
		other.Timestamp++
	default: // signed by the accuser
		other.Timestamp++
		id := other.ID()
		other.Signature = t.w.stage.keys[t.author].Sign(id[:])
	}
	return kernel.EquivocationOf(v.Header, &other)
}

// twins finds two snapshots of one round by one of the authors.
func (t *traitor) twins(authors committee.Set) (kernel.Equivocation, bool) {
	g := t.cabal.graph
	for a := range t.cabal.members.Size {
		if !authors.Has(kernel.Author(a)) {
			continue
		}
		for r := g.Top().Clock[a]; r > 0; r-- {
			if vs := g.Variants(kernel.Author(a), r); len(vs) > 1 {
				return kernel.EquivocationOf(vs[0].Header, vs[1].Header), true
			}
		}
	}
	return kernel.Equivocation{}, false
}
