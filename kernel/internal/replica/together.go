package replica

import (
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Signatures are cheaper by the dozen: a payment's alone costs 50 µs, each of a thousand 15. So all
// that has arrived is verified together, headers and payments of all snapshots in one batch, and
// their coin shares in another, where one costs 60 µs alone and 36 among six. To
// find the bad ones in a batch costs up to half more than to verify each alone; so the author of
// a bad payment is left out of the common batch for a while, and a member that sends rubbish
// spoils few of them.

const (
	// batch is how many transactions of one body are verified together, where the common batch
	// did not do it: enough for most of the gain, few enough that a bad body costs little.
	batch = 128

	// headersTogether is how many headers are cheaper in a batch: one alone costs 24 µs, each of three 27, of
	// six 21.
	headersTogether = 5

	// groupEntries bounds the body entries behind one common batch. Larger ones gain little, and
	// other cores could have done their part.
	groupEntries = 512

	// waitingEntries is what one batch of signatures left for later verifies at least, if there are so many. Of
	// 1,024 checks each costs 16.1 µs, of 2,048 15.2, of 4,096 15.0, of 8,192 15.1.
	waitingEntries = 1024

	// laterEntries bounds the body entries whose signatures are left for later: all that an honest node
	// puts into one. A node that was held up makes a large body, which must not hold up the others.
	laterEntries = 1024

	// suspectFor is how many of an author's snapshots stay out of the common batch after a bad one.
	suspectFor = 64
)

// suspects counts down, for each author, the snapshots that are verified by themselves.
type suspects [kernel.MaxMembers]atomic.Int32

func (s *suspects) has(a kernel.Author) bool { return s[a].Load() > 0 }

func (s *suspects) note(a kernel.Author, good bool) {
	if !good {
		s[a].Store(suspectFor)
	} else if left := s[a].Load(); left > 0 {
		s[a].CompareAndSwap(left, left-1)
	}
}

// groups cuts inspections into groups for one batch each.
func groups(list []*inspection) iter.Seq[[]*inspection] {
	return func(yield func([]*inspection) bool) {
		from, entries := 0, 0
		for i, x := range list {
			n := 0
			if x.err == nil {
				n = len(x.payload.parsed)
			}
			if i > from && entries+n > groupEntries {
				if !yield(list[from:i]) {
					return
				}
				from, entries = i, 0
			}
			entries += n
		}
		if from < len(list) {
			yield(list[from:])
		}
	}
}

// proveTogether verifies the headers of a group and, as far as the state knows their inputs, the
// payments of its small bodies in one batch. What it does not prove is left to be verified alone.
func (r *Replica) proveTogether(view ledger.View, group []*inspection) {
	together, ok := r.proofs.(Batch)
	if !ok {
		return
	}
	b := gathering{replica: r, view: view}
	var headers []*inspection
	var places []int // of headers, in the checks
	for _, x := range group {
		if x.err != nil {
			continue
		}
		if !x.trusted {
			if c, ok := together.SnapshotCheck(x.seat.Key(x.header.Author), &x.id, x.header.Signature); ok {
				headers, places = append(headers, x), append(places, len(b.checks))
				b.checks = append(b.checks, c)
			}
		}
		if !x.later && len(x.payload.parsed) <= groupEntries && !x.seat.suspects.has(x.header.Author) {
			b.add(x.payload.parsed)
		}
	}
	if len(b.checks) < 2 || len(b.checks) == len(headers) && len(headers) < headersTogether {
		return
	}
	each := together.VerifyEach(b.checks)
	for i, x := range headers {
		x.proved = each[places[i]]
	}
	b.learn(each)
}

// waiting holds the payments whose signatures nobody has verified, by body.
type waiting struct {
	mu       sync.Mutex
	bodies   []unverified
	payments int
}

type unverified struct {
	suspects *suspects
	author   kernel.Author
	payload  *payload
}

func (w *waiting) add(of *suspects, a kernel.Author, p *payload) {
	if len(p.parsed) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bodies = append(w.bodies, unverified{of, a, p})
	w.payments += len(p.parsed)
}

func (w *waiting) take() []unverified {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.bodies
	w.bodies, w.payments = nil, 0
	return all
}

// Waiting is how many payments wait for VerifyWaiting.
func (r *Replica) Waiting() int {
	r.waiting.mu.Lock()
	defer r.waiting.mu.Unlock()
	return r.waiting.payments
}

// VerifyWaiting verifies the signatures that were left for later, in batches that are large if it is
// called seldom. Their commits are some rounds away; a commit that is sooner calls it too.
func (r *Replica) VerifyWaiting() {
	r.verifying.Lock()
	defer r.verifying.Unlock()
	list := r.waiting.take()
	if len(list) == 0 {
		return
	}
	view := r.store.View()
	defer view.Close()
	parts := evenParts(list)
	r.each(len(parts), func(i int) { r.verifyPart(view, parts[i]) })
}

// evenParts cuts what waits into batches of equal size, at least waitingEntries each and less than twice
// that and a body: a small rest would cost half more.
func evenParts(list []unverified) (parts [][]unverified) {
	all := 0
	for _, u := range list {
		all += len(u.payload.parsed)
	}
	count := max(all/waitingEntries, 1)
	from, entries := 0, 0
	for i, u := range list {
		entries += len(u.payload.parsed)
		if entries*count >= all*(len(parts)+1) {
			parts, from = append(parts, list[from:i+1]), i+1
		}
	}
	return parts
}

func (r *Replica) verifyPart(view ledger.View, part []unverified) {
	payments := 0
	for _, u := range part {
		payments += len(u.payload.parsed)
	}
	g := gathering{replica: r, view: view, checks: make([]crypto.Check, 0, 2*payments), covered: make([]covering, 0, payments)}
	for _, u := range part {
		g.add(u.payload.parsed)
	}
	if len(g.checks) > 0 {
		g.learn(r.proofs.(Batch).VerifyEach(g.checks))
	}
	for _, u := range part {
		u.suspects.note(u.author, !slices.ContainsFunc(u.payload.parsed, func(p *ledger.Parsed) bool {
			if p.Refusal != nil {
				return true
			}
			good, known := r.memory.verified.get(&p.Signed)
			if !known { // an aggregate signature, or an input that was not known a moment ago
				return errors.Is(ledger.CheckParsed(view, p, r.Context()), kernel.SignatureInvalid)
			}
			return !good
		}))
	}
}

// hopeful is a ledger.Verifier that takes for good what nobody has found bad.
type hopeful struct{ memory *Memory }

// Verify implements ledger.Verifier.
func (v hopeful) Verify(_ *kernel.Transaction, signed kernel.Hash, _ [][]kernel.Key) bool {
	good, known := v.memory.verified.get(&signed)
	return good || !known
}

// A gathering collects what must be verified of many transactions.
type gathering struct {
	replica *Replica
	view    ledger.View
	checks  []crypto.Check
	covered []covering
}

// A covering says which checks are a transaction's.
type covering struct {
	signed     kernel.Hash
	begin, end int
}

// add takes up what is not known to be good yet. Transactions with unknown inputs or aggregate
// signatures are left out.
func (g *gathering) add(all []*ledger.Parsed) {
	for _, p := range all {
		if !g.replica.unverified(p) {
			continue
		}
		keys, known := ledger.SigningKeys(g.view, p.Transaction, g.replica.Context())
		if !known {
			continue
		}
		list, aggregate, ok := ledger.SignatureChecks(p.Transaction, p.Hash, keys)
		if !ok || aggregate != nil {
			continue
		}
		begin := len(g.checks)
		g.checks = append(g.checks, list...)
		g.covered = append(g.covered, covering{p.Signed, begin, len(g.checks)})
	}
}

// good remembers that all checks are good.
func (g *gathering) good() {
	for _, c := range g.covered {
		g.replica.memory.verified.put(&c.signed, true)
	}
}

// learn remembers which checks are good.
func (g *gathering) learn(each []bool) {
	for _, c := range g.covered {
		g.replica.memory.verified.put(&c.signed, !slices.Contains(each[c.begin:c.end], false))
	}
}

// verifyTogether checks the signatures of many transactions in batches, as far as the state
// knows their inputs. It stops at a batch that fails, whose members are left to be checked alone.
func (r *Replica) verifyTogether(v ledger.View, all []*ledger.Parsed) {
	for part := range slices.Chunk(all, groupEntries) {
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
	g := gathering{replica: r, view: v}
	g.add(all)
	if len(g.covered) < 2 {
		return true
	}
	if !together.VerifyBatch(g.checks) {
		return false
	}
	g.good()
	return true
}
