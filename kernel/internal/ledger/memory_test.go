package ledger

import (
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

var (
	_ View     = (*MemView)(nil)
	_ View     = (*overlay)(nil)
	_ Verifier = Direct{}
)

// TestAssertions: what no sequence of entries can bring about stops the process, with the
// package's name.
func TestAssertions(t *testing.T) {
	for name, breakIt := range map[string]func(w *world, d *Diff){
		"diff applied twice":         func(w *world, d *Diff) { w.view.Apply(d); w.view.Apply(d) },
		"output created twice":       func(w *world, d *Diff) { d.Created = append(d.Created, d.Created[0]); w.view.Apply(d) },
		"output spent twice":         func(w *world, d *Diff) { d.Spent = append(d.Spent, d.Spent[0]); w.view.Apply(d) },
		"unknown output spent":       func(w *world, d *Diff) { d.Spent[0].Ref.Index = 900; w.view.Apply(d) },
		"ghost key twice":            func(w *world, d *Diff) { d.Keys = append(d.Keys, d.Keys[0]); w.view.Apply(d) },
		"identity twice":             func(w *world, d *Diff) { d.Taken = make([]TakenIdentity, 2); w.view.Apply(d) },
		"second receipt":             func(w *world, d *Diff) { d.Receipts = append(d.Receipts, d.Receipts[0]); w.view.Apply(d) },
		"coins from nowhere":         func(w *world, _ *Diff) { w.inflate(1, 0); w.execute(w.anyPayment()) },
		"coins gone":                 func(w *world, _ *Diff) { w.inflate(0, 1); w.execute(w.anyPayment()) },
		"more spent than there ever": func(w *world, _ *Diff) { w.view.assets[kernel.XIN] = Asset{}; w.execute(w.anyPayment()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if message, _ := recover().(string); !strings.HasPrefix(message, "ledger: ") {
					t.Errorf("panic %q", message)
				}
			}()
			w := newWorld(t)
			breakIt(w, w.execute(w.anyPayment()))
		})
	}
}

func (w *world) anyPayment() Committed { return snapshot(0, 1, 0, w.entries(w.pay(0))) }

// inflate corrupts XIN's totals by whole coins.
func (w *world) inflate(more, less uint64) {
	a := w.view.assets[kernel.XIN]
	mustAdd(&a.Unspent, whole(more))
	mustSub(&a.Unspent, whole(less))
	w.view.assets[kernel.XIN] = a
}
