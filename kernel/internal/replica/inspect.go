package replica

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
)

// Inspect decodes a snapshot and verifies all of it that depends on nothing else: framing,
// body root, header signature, coin share. It tells which transactions check against the
// newest state, and keeps the body. With trusted, header and share are taken as verified before.
func (r *Replica) Inspect(from kernel.Author, raw []byte, trusted bool) (engine.Arrival, error) {
	d := r.memory.decode(raw)
	if d.err != nil {
		return engine.Arrival{}, d.err
	}
	s, h, id := &d.snapshot, d.snapshot.Header, d.id
	if h.Network != r.network || h.Epoch != 0 || int(h.Author) >= len(r.genesis.Members) {
		return engine.Arrival{}, fmt.Errorf("snapshot of another network, epoch or roster")
	}
	if !trusted && !r.proofs.Snapshot(h.Author, id, h.Signature) {
		return engine.Arrival{}, fmt.Errorf("snapshot %d@%d: signature does not verify", h.Author, h.Round)
	}
	a := engine.Arrival{From: from, ID: id, Header: h, Raw: raw, Entries: len(s.Body.Entries)}
	a.HasShare = h.Share != nil && (trusted || r.proofs.Share(h.Author, h.Round, h.Share))
	r.look(&a, s.Body)
	r.keepBody(h, id, s.Body)
	return a, nil
}

// look judges a body's entries for the mempool: what checks now stands in the way of others. It
// stops at the first that no honest author carries: the rest is judged at the commit, and a
// body full of bad signatures costs no more than one batch before that.
func (r *Replica) look(a *engine.Arrival, body *kernel.Body) {
	if len(body.Entries) == 0 {
		return
	}
	view := r.store.View()
	defer view.Close()
	for part := range slices.Chunk(r.parseAll(nil, body), batch) {
		r.verifyBatch(view, part)
		for _, p := range part {
			err := ledger.CheckParsed(view, p, r.context)
			if errors.Is(err, kernel.SignatureInvalid) || errors.Is(err, kernel.Malformed) {
				return
			}
			if err == nil {
				a.Claims = append(a.Claims, claimOf(p))
			}
		}
	}
}

// parseAll appends the parsed transactions of a body to all.
func (r *Replica) parseAll(all []*ledger.Parsed, body *kernel.Body) []*ledger.Parsed {
	for _, e := range body.Entries {
		if e.Kind == kernel.EntryTransaction {
			all = append(all, r.Parse(e.Bytes))
		}
	}
	return all
}

// Candidate checks signed bytes against the newest state. The error is a *ledger.Refusal; the
// candidate has its hash even then, if the bytes decode.
func (r *Replica) Candidate(raw []byte) (mempool.Candidate, error) {
	view := r.store.View()
	defer view.Close()
	return r.candidate(view, r.Parse(raw), raw)
}

func (r *Replica) candidate(view ledger.View, p *ledger.Parsed, raw []byte) (mempool.Candidate, error) {
	if err := ledger.CheckParsed(view, p, r.context); err != nil {
		return mempool.Candidate{Claim: mempool.Claim{Hash: p.Hash}}, err
	}
	return mempool.Candidate{Claim: claimOf(p), Raw: raw, Checked: view.Head().Index}, nil
}

// claimOf lists what a transaction takes.
func claimOf(p *ledger.Parsed) mempool.Claim {
	inputs, keys, identities := ledger.Touches(p.Transaction)
	c := mempool.Claim{Hash: p.Hash, Touches: make([]mempool.Touch, 0, len(inputs)+len(keys)+len(identities))}
	for _, ref := range inputs {
		c.Touches = append(c.Touches, mempool.InputTouch(ref))
	}
	for _, k := range keys {
		c.Touches = append(c.Touches, mempool.KeyTouch(k))
	}
	for _, id := range identities {
		c.Touches = append(c.Touches, mempool.IdentityTouch(id))
	}
	return c
}

// batch is how many transactions are verified together: enough for most of the gain, few
// enough that one bad signature spoils little work.
const batch = 64

// verifyTogether checks the signatures of many transactions in batches, as far as the state
// knows their inputs. It stops at a batch that fails, whose members are left to be checked alone.
func (r *Replica) verifyTogether(v ledger.View, all []*ledger.Parsed) {
	for part := range slices.Chunk(all, batch) {
		if !r.verifyBatch(v, part) {
			return
		}
	}
}

func (r *Replica) verifyBatch(v ledger.View, all []*ledger.Parsed) bool {
	together, ok := r.proofs.(Batch)
	if !ok {
		return false
	}
	var checks []crypto.Check
	var covered []kernel.Hash
	for _, p := range all {
		if p.Refusal != nil || r.memory.verified.Contains(p.Signed) {
			continue
		}
		keys, known := ledger.SigningKeys(v, p.Transaction, r.context)
		if !known {
			continue
		}
		list, aggregate, ok := ledger.SignatureChecks(p.Transaction, p.Hash, keys)
		if !ok || aggregate != nil {
			continue
		}
		checks = append(checks, list...)
		covered = append(covered, p.Signed)
	}
	if len(covered) < 2 {
		return true
	}
	if !together.VerifyBatch(checks) {
		return false
	}
	for _, signed := range covered {
		r.memory.verified.Add(signed, true)
	}
	return true
}
