package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
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
	if r.suspects.has(3) || !r.suspects.has(4) || !r.suspects.has(5) {
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
	w := newWorld(t, laterEntries+1)
	real, err := NewProofs(w.genesis)
	w.must(err)
	proofs := &batches{Proofs: real}
	r := w.open(0, w.create(0), nil)
	r, err = New(Config{Genesis: w.genesis, Store: r.store, Proofs: proofs, Later: true})
	w.must(err)
	raws := make([][]byte, laterEntries+1)
	for i := range raws {
		raws[i] = w.payment(i, "a")
	}
	large, err := r.Inspect(3, w.snapshot(3, bodyOf(raws[1:]...), nil), false)
	w.must(err)
	if len(large.Claims) != laterEntries || r.Waiting() != laterEntries || len(proofs.sizes) != 0 {
		t.Errorf("%d claims, %d wait, batches %v", len(large.Claims), r.Waiting(), proofs.sizes)
	}
	r.VerifyWaiting()
	if r.Waiting() != 0 || len(proofs.sizes) == 0 {
		t.Errorf("then %d wait, batches %v", r.Waiting(), proofs.sizes)
	}
	larger, err := r.Inspect(4, w.snapshot(4, bodyOf(raws...), nil), false)
	w.must(err)
	if len(larger.Claims) != laterEntries+1 || r.Waiting() != 0 {
		t.Errorf("of a larger body: %d claims, %d wait", len(larger.Claims), r.Waiting())
	}
}
