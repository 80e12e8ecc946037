package replica

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// An inspection is a snapshot being verified: framing, body root, header signature, and the payments
// in it, all that depends on nothing else but state. The coin share is not: the engine looks at
// those of a round together.
type inspection struct {
	sender  kernel.Key
	seat    *Seat         // of its epoch
	from    kernel.Author // the sender's place in it
	raw     []byte
	trusted bool     // the header was verified before
	decoded *decoded // of a push that was put together; nil for others
	woken   bool     // which had to wait: whoever sent the frame that ends that is not to blame

	id      kernel.SnapshotID
	header  *kernel.Header // nil where bytes and body are no snapshot's, whoever signed it
	payload *payload
	proved  bool // the header's signature is good
	later   bool // the payments' signatures are left to VerifyWaiting
	arrival engine.Arrival
	err     error
}

// Inspect verifies one snapshot, tells which of its transactions check against the newest
// state, and keeps the body. With trusted, the header is taken as verified before.
func (r *Replica) Inspect(from kernel.Author, raw []byte, trusted bool) (engine.Arrival, error) {
	x := &inspection{raw: raw, trusted: trusted}
	if _, h, err := r.peek(raw); err == nil {
		x.seat = r.seat(h.Epoch)
	}
	if x.from = from; x.seat == nil {
		return x.arrival, errOtherNetwork
	}
	r.inspect([]*inspection{x})
	return x.arrival, x.err
}

// inspect verifies snapshots together.
func (r *Replica) inspect(list []*inspection) {
	if len(list) == 0 {
		return
	}
	view := r.store.View()
	defer view.Close()
	r.each(len(list), func(i int) { r.open(list[i]) })
	parts := slices.Collect(cut(list, groupSignatures, (*inspection).signatures))
	r.each(len(parts), func(i int) { r.proveTogether(view, parts[i]) })
	r.each(len(list), func(i int) {
		if list[i].err == nil {
			r.conclude(view, list[i])
		}
	})
}

// signatures is how many its payments have.
func (x *inspection) signatures() int {
	if x.err != nil {
		return 0
	}
	return x.payload.signatures
}

// open decodes a snapshot and all that stands in it.
func (r *Replica) open(x *inspection) {
	d := x.decoded
	if d == nil {
		d = r.memory.decode(x.raw)
	}
	if x.err = d.err; x.err != nil {
		return
	}
	h := d.snapshot.Header
	if h.Network != r.network || h.Epoch != x.seat.Epoch || int(h.Author) >= len(x.seat.keys) {
		x.err = errOtherNetwork
		return
	}
	x.payload = r.unpack(d.snapshot.Body)
	if x.payload.carries > kernel.MaxBodySignatures {
		x.err = fmt.Errorf("body of more than %d signatures", kernel.MaxBodySignatures) // [DAG-12]
		return
	}
	x.id, x.header = d.id, h
	x.later = r.later && !x.trusted && x.payload.signatures <= laterSignatures && !x.seat.suspects.has(x.header.Author)
}

// conclude judges what was opened; signatures that were verified together are known to be good.
func (r *Replica) conclude(view *store.View, x *inspection) {
	h := x.header
	if !x.trusted && !x.proved && !r.proofs.Snapshot(x.seat.Key(h.Author), x.id, h.Signature) {
		x.err = fmt.Errorf("snapshot %d@%d: signature does not verify", h.Author, h.Round)
		return
	}
	a := &x.arrival
	*a = engine.Arrival{From: x.from, ID: x.id, Header: h, Raw: x.raw, Entries: len(x.payload.body.Entries)}
	if h.Author == x.seat.Self {
		a.Records = x.payload.body.Records()
	}
	if !x.later || !r.waiting.add(r.glance(view, x)) {
		x.seat.suspects.note(h.Author, r.look(view, a, x.payload))
	}
	r.keepBody(x)
}

// glance is look for one whose signatures will be verified later: until then they pass for good. It returns what
// must wait for that: of what is settled nobody will ask for the signatures.
// So a member that carries a payment under a bad signature can hold back the good one for as long
// as that takes, until a commit; from then on it is suspected, and its bodies are looked at whole.
func (r *Replica) glance(view ledger.View, x *inspection) unverified {
	u := unverified{suspects: x.seat.suspects, author: x.header.Author}
	all := x.payload.parsed
	if len(all) == 0 {
		return u
	}
	x.arrival.Claims, u.payments = make([]mempool.Claim, 0, len(all)), make([]*ledger.Parsed, 0, len(all))
	var checker ledger.Checker
	for _, p := range all {
		err := checker.Check(view, p, r.context.Load().hopeful)
		if err == nil {
			x.arrival.Claims = append(x.arrival.Claims, claimOf(p))
		}
		if p.Refusal != nil || !ledger.Settled(err) {
			u.payments, u.signatures = append(u.payments, p), u.signatures+p.Signatures()
		}
	}
	return u
}

// look judges a body's entries for the mempool: what checks now stands in the way of others. It
// stops at the first that no honest author carries, and returns false: the rest is judged at the
// commit, and a body full of bad signatures costs no more than one batch before that.
func (r *Replica) look(view ledger.View, a *engine.Arrival, p *payload) bool {
	if len(p.parsed) == 0 {
		return true
	}
	a.Claims = make([]mempool.Claim, 0, len(p.parsed))
	for part := range cut(p.parsed, lookSignatures, (*ledger.Parsed).Signatures) {
		r.verifyBatch(view, part)
		for _, p := range part {
			err := ledger.CheckParsed(view, p, r.Context())
			if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.Malformed) {
				return false
			}
			if err == nil {
				a.Claims = append(a.Claims, claimOf(p))
			}
		}
	}
	return true
}

// Candidate checks signed bytes against the newest state. The error is a *ledger.Refusal; the
// candidate has its hash even then, if the bytes decode.
func (r *Replica) Candidate(raw []byte) (mempool.Candidate, error) {
	view := r.store.View()
	defer view.Close()
	return r.candidate(view, r.Parse(raw), raw)
}

func (r *Replica) candidate(view ledger.View, p *ledger.Parsed, raw []byte) (mempool.Candidate, error) {
	if err := ledger.CheckParsed(view, p, r.Context()); err != nil {
		return mempool.Candidate{Claim: mempool.Claim{Hash: p.Hash}}, err
	}
	return mempool.Candidate{Claim: claimOf(p), Raw: raw, Signatures: p.Carries(), Checked: view.Head().Index}, nil
}

// claimOf lists what a transaction takes.
func claimOf(p *ledger.Parsed) mempool.Claim {
	tx := p.Transaction
	c := mempool.Claim{Hash: p.Hash, Touches: make([]mempool.Touch, 0, len(tx.Inputs)+len(tx.Outputs))}
	ledger.EachTouch(tx,
		func(ref kernel.OutputRef) { c.Touches = append(c.Touches, mempool.InputTouch(ref)) },
		func(key kernel.Key) { c.Touches = append(c.Touches, mempool.KeyTouch(key)) },
		func(identity kernel.Hash) { c.Touches = append(c.Touches, mempool.IdentityTouch(identity)) })
	return c
}
