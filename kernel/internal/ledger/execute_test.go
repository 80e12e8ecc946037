package ledger

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

func TestPaymentBecomesFinal(t *testing.T) {
	w := newWorld(t)
	tx := w.sign(w.spend(kernel.XIN, w.refs(0, 1), w.output(whole(150), 1, 1), w.output(whole(50), 2, 3)))
	if err := w.check(tx); err != nil {
		t.Fatal(err)
	}
	w.settle(tx)
	if err := w.check(tx); !errors.Is(err, kernel.AlreadyFinal) {
		t.Fatalf("got %v", err)
	}
	r, ok := w.view.Receipt(tx.Hash())
	if !ok || r.Status != kernel.Final || r.Commit != 1 {
		t.Fatalf("receipt %+v", r)
	}
	next := kernel.OutputRef{Hash: tx.Hash(), Index: 1}
	spend := w.aggregate(w.spend(kernel.XIN, []kernel.OutputRef{next}, w.output(whole(50), 1, 1)))
	w.settle(spend)
	if out, _ := w.view.Output(next); out.SpentBy != spend.Hash() || out.SpentAt != 2 {
		t.Fatalf("spent by %v at %d", out.SpentBy, out.SpentAt)
	}
}
