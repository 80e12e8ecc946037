package replica

import (
	"errors"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Signatures are cheaper by the dozen: a payment's alone costs 50 µs, each of a thousand 15. So all
// that has arrived is verified together, headers and payments of all snapshots in one batch, and
// their coin shares in another, where one costs 60 µs alone and 36 among six. To
// find the bad ones in a batch costs up to half more than to verify each alone; so the author of
// a bad payment is left out of the common batch for a while, and a member that sends rubbish
// spoils few of them.
//
// All is bounded by signatures, not by payments: one payment can have 60,000. Ordinary ones have one or two.

const (
	// lookSignatures bounds what of one body is verified together, where the common batch
	// did not do it: enough for most of the gain, few enough that a bad body costs little.
	lookSignatures = 256

	// headersTogether is how many headers are cheaper in a batch: one alone costs 24 µs, each of three 27, of
	// six 21.
	headersTogether = 5

	// groupSignatures bounds one common batch. Larger ones gain little, and
	// other cores could have done their part.
	groupSignatures = 1024

	// waitingSignatures is what one batch of signatures left for later verifies at least, if there are so many. Of
	// 1,024 checks each costs 16.1 µs, of 2,048 15.2, of 4,096 15.0, of 8,192 15.1.
	waitingSignatures = 2048

	// laterSignatures bounds what is left for later of one body: all that an honest node puts into one, but for a
	// transaction that alone has more. A node that was held up makes a large body, which must not hold up the others.
	laterSignatures = engine.BodySignatures

	// waitingMost bounds what waits, to half a second of one core: commits may have to wait for it, and for as much that is
	// being verified. What comes beyond is verified before it is taken, so that its sender can send no more than can be
	// verified. Honest load is far below: what waits is verified when it is a sixteenth of this.
	waitingMost = 1 << 15

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

// cut cuts a list into parts of at most so many signatures, or of one that has more.
func cut[T any](list []T, most int, signatures func(T) int) iter.Seq[[]T] {
	return func(yield func([]T) bool) {
		from, sum := 0, 0
		for i, x := range list {
			n := signatures(x)
			if i > from && sum+n > most {
				if !yield(list[from:i:i]) {
					return
				}
				from, sum = i, 0
			}
			sum += n
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
		if !x.later && x.payload.signatures <= groupSignatures && !x.seat.suspects.has(x.header.Author) {
			b.add(x.payload.parsed...)
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
	mu         sync.Mutex
	bodies     []unverified
	signatures int
}

type unverified struct {
	suspects   *suspects
	author     kernel.Author
	payments   []*ledger.Parsed
	signatures int // of payments
}

// add takes a body's payments; false if too much waits already.
func (w *waiting) add(u unverified) bool {
	if len(u.payments) == 0 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.signatures+u.signatures > waitingMost {
		return false
	}
	w.bodies = append(w.bodies, u)
	w.signatures += u.signatures
	return true
}

func (w *waiting) take() []unverified {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.bodies
	w.bodies, w.signatures = nil, 0
	return all
}

// Waiting is how many signatures wait for VerifyWaiting.
func (r *Replica) Waiting() int {
	r.waiting.mu.Lock()
	defer r.waiting.mu.Unlock()
	return r.waiting.signatures
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

// evenParts cuts what waits into batches of about equal size, as far as bodies allow, of waitingSignatures to twice
// that: a small rest would cost half more.
func evenParts(list []unverified) (parts [][]unverified) {
	all := 0
	for _, u := range list {
		all += u.signatures
	}
	count := max(all/waitingSignatures, 1)
	from, sum := 0, 0
	for i, u := range list {
		sum += u.signatures
		if sum*count >= all*(len(parts)+1) {
			parts, from = append(parts, list[from:i+1]), i+1
		}
	}
	return parts
}

func (r *Replica) verifyPart(view ledger.View, part []unverified) {
	payments, signatures := 0, 0
	for _, u := range part {
		payments, signatures = payments+len(u.payments), signatures+u.signatures
	}
	g := gathering{replica: r, view: view, checks: make([]crypto.Check, 0, signatures), covered: make([]covering, 0, payments)}
	for _, u := range part {
		g.add(u.payments...)
	}
	if len(g.checks) > 0 {
		g.learn(r.proofs.(Batch).VerifyEach(g.checks))
	}
	for _, u := range part {
		u.suspects.note(u.author, !slices.ContainsFunc(u.payments, func(p *ledger.Parsed) bool {
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

// add takes up what is not known to be good yet. Transactions with a receipt, with unknown or spent inputs or aggregate
// signatures are left out.
func (g *gathering) add(all ...*ledger.Parsed) {
	for _, p := range all {
		if !g.replica.unverified(g.view, p) {
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
	for part := range cut(all, groupSignatures, (*ledger.Parsed).Signatures) {
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
	g.add(all...)
	if len(g.covered) < 2 {
		return true
	}
	if !together.VerifyBatch(g.checks) {
		return false
	}
	g.good()
	return true
}
