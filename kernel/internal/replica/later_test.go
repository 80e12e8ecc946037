package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// TestVerifyLater leaves signatures for later: meanwhile they pass for good, one batch finds the bad
// ones of several bodies, and their author's next bodies are looked at whole.
func TestVerifyLater(t *testing.T) {
	w := newWorld(t, 20)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r := w.open(0, w.create(0), nil)
	r, err = New(Config{Genesis: w.genesis, Store: r.store, Proofs: proofs, Later: true})
	w.must(err)
	aggregated := func(i int) []byte { // the right payment under an aggregate signature that is none
		tx := w.pay(i, "aggregate")
		tx.Signatures = nil
		tx.Aggregate = &kernel.AggregateSignature{Signers: []uint16{0}, Signature: kernel.Signature{1}}
		return w.encode(tx)
	}
	claims := func(author kernel.Author, round kernel.Round, raws ...[]byte) int {
		a, err := r.Inspect(author, w.snapshot(author, bodyOf(raws...), func(h *kernel.Header) {
			h.Round = round
			for i := range h.Parents {
				h.Parents[i].Round = round - 1
			}
		}), false)
		w.must(err)
		return len(a.Claims)
	}
	if n := claims(3, 9, w.payment(0, "a"), w.payment(1, "b")) + claims(4, 9, w.payment(2, "c"), w.unsigned(3)) + claims(5, 9, aggregated(4)); n != 5 {
		t.Errorf("%d claims before anybody verified", n)
	}
	if r.Waiting() != 5 || len(proofs.sizes) != 0 {
		t.Fatalf("%d wait, batches %v", r.Waiting(), proofs.sizes)
	}
	r.VerifyWaiting()
	if r.Waiting() != 0 || len(proofs.sizes) != 1 || proofs.sizes[0] != 4 {
		t.Errorf("%d wait, batches %v", r.Waiting(), proofs.sizes)
	}
	if r.Seat().suspects.has(3) || !r.Seat().suspects.has(4) || !r.Seat().suspects.has(5) {
		t.Error("the authors of bad payments are not suspected, or another is")
	}
	if n := claims(4, 10, w.unsigned(5)) + claims(5, 10, aggregated(6)); n != 0 || r.Waiting() != 0 {
		t.Errorf("%d claims of suspects, %d wait", n, r.Waiting())
	}
	if n := claims(3, 10, w.payment(7, "d")); n != 1 || r.Waiting() != 1 {
		t.Errorf("%d claims, %d wait", n, r.Waiting())
	}
}

// TestVerifyLargeBodyLater leaves the largest body that an honest node makes for later too, so that it holds up
// no round; a larger one is looked at before it is taken.
func TestVerifyLargeBodyLater(t *testing.T) {
	w := newWorld(t, laterSignatures+1)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r := w.open(0, w.create(0), nil)
	r, err = New(Config{Genesis: w.genesis, Store: r.store, Proofs: proofs, Later: true})
	w.must(err)
	raws := make([][]byte, laterSignatures+1)
	for i := range raws {
		raws[i] = w.payment(i, "a")
	}
	large, err := r.Inspect(3, w.snapshot(3, bodyOf(raws[1:]...), nil), false)
	w.must(err)
	if len(large.Claims) != laterSignatures || r.Waiting() != laterSignatures || len(proofs.sizes) != 0 {
		t.Errorf("%d claims, %d wait, batches %v", len(large.Claims), r.Waiting(), proofs.sizes)
	}
	r.VerifyWaiting()
	if r.Waiting() != 0 || len(proofs.sizes) == 0 {
		t.Errorf("then %d wait, batches %v", r.Waiting(), proofs.sizes)
	}
	larger, err := r.Inspect(4, w.snapshot(4, bodyOf(raws...), nil), false)
	w.must(err)
	if len(larger.Claims) != laterSignatures+1 || r.Waiting() != 0 {
		t.Errorf("of a larger body: %d claims, %d wait", len(larger.Claims), r.Waiting())
	}
}

// TestCommitBeforeItsSignatures executes a commit whose payments wait to be verified: one batch verifies them with all
// others that wait, and none is verified a second time.
func TestCommitBeforeItsSignatures(t *testing.T) {
	w := newWorld(t, 8)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r := w.open(0, w.create(0), nil)
	r, err = New(Config{Genesis: w.genesis, Store: r.store, Proofs: proofs, Later: true})
	w.must(err)
	commit := func(index kernel.CommitIndex, author kernel.Author, from int) engine.Ordered {
		raw := w.snapshot(author, bodyOf(w.payment(from, "a"), w.payment(from+1, "b")), nil)
		a, err := r.Inspect(author, raw, false)
		w.must(err)
		w.must(r.store.Append([]store.Record{splitRecord(engine.Record{ID: a.ID, Author: author, Round: a.Header.Round, Raw: a.Raw})}, true))
		c := &kernel.Commit{Index: index, Timestamp: w.genesis.Timestamp + 10, Snapshots: []kernel.CommittedID{{Author: author, Round: a.Header.Round, ID: a.ID}}}
		return engine.Ordered{Commit: c, Order: []byte("order")}
	}
	for i, o := range []engine.Ordered{commit(1, 3, 0), commit(2, 4, 2), commit(3, 5, 4)} {
		x, _, err := r.Execute(o)
		w.must(err)
		if len(x.Final) != 2 || r.Waiting() != 0 || len(proofs.sizes) != 1 || proofs.sizes[0] != 6 {
			t.Errorf("commit %d: %d final, %d wait, batches %v", i+1, len(x.Final), r.Waiting(), proofs.sizes)
		}
	}
}

// TestEvenParts cuts what waits into batches without a small rest, each body in one of them.
func TestEvenParts(t *testing.T) {
	for _, c := range []struct{ bodies, signatures, parts, least int }{
		{1, 3, 1, 3}, {1, laterSignatures, 1, laterSignatures}, {90, 40, 1, 3600}, {110, 40, 2, 2000}, {500, 50, 12, 2000}, {7, laterSignatures, 7, laterSignatures},
	} {
		list := make([]unverified, c.bodies)
		for i := range list {
			list[i] = unverified{author: kernel.Author(i % 7), signatures: c.signatures}
		}
		parts := evenParts(list)
		bodies := 0
		for _, part := range parts {
			bodies += len(part)
			if n := len(part) * c.signatures; n < c.least || n > 2*waitingSignatures {
				t.Errorf("%d bodies of %d: a part of %d", c.bodies, c.signatures, n)
			}
		}
		if len(parts) != c.parts || bodies != c.bodies {
			t.Errorf("%d bodies of %d: %d parts with %d bodies", c.bodies, c.signatures, len(parts), bodies)
		}
	}
}
