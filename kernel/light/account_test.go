package light

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

func withChecksum(label string, body []byte) []byte {
	sum := crypto.SumLabel(label, body)
	return append(slices.Clone(body), sum[:]...)
}

func (w *world) account() *Account {
	a, err := NewAccount(w.mine.View, w.mine.Address().Spend)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// owned sums what is mine by the private spend key, which the account does not have.
func (w *world) owned() (list []Balance) {
	for _, asset := range []kernel.AssetID{kernel.XIN, kernel.BTC} {
		b := Balance{Asset: asset}
		for _, place := range w.unspent {
			o := w.outputs[place]
			if o.Asset != asset || !w.opens(o) {
				continue
			}
			b.Outputs++
			sum := &b.Amount
			if len(o.Keys) > 1 {
				sum = &b.Shared
			}
			*sum, _ = sum.Add(o.Amount)
		}
		if b.Outputs > 0 {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(x, y Balance) int { return x.Asset.Compare(y.Asset) })
	return list
}

func (w *world) opens(o *kernel.StateOutput) bool {
	p, err := crypto.GhostPrivate(w.mine.View, w.mine.Spend, o.Mask, uint64(o.Index))
	return err == nil && slices.Contains(o.Keys, p.Public()) && o.Script[2] == 1
}

func (w *world) scanAll(a *Account, page int) {
	w.t.Helper()
	for from := int(a.NextOutput()); from < w.outputsDone; from = int(a.NextOutput()) {
		if err := a.Scan(&w.last.Checkpoint, w.outputRange(from, min(from+page, w.outputsDone))); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, place := range a.Stale(&w.last.Checkpoint) {
		branch := w.place(place).Branch
		if err := a.Look(&w.last.Checkpoint, &branch); err != nil {
			w.t.Fatal(err)
		}
	}
	if !a.Complete(&w.last.Checkpoint) {
		w.t.Fatal("all was looked at, and it is not complete")
	}
}

func (w *world) replayAll(a *Account, page int) {
	w.t.Helper()
	done := 0
	for _, r := range w.receipts[:a.NextReceipt()] {
		if r.Status == kernel.Final {
			done++
		}
	}
	for from := int(a.NextReceipt()); from < w.receiptsDone; from = int(a.NextReceipt()) {
		r := w.receiptRange(from, min(from+page, w.receiptsDone))
		finals := 0
		for i := range r.Receipts {
			if r.Receipts[i].Status == kernel.Final {
				finals++
			}
		}
		if err := a.Replay(&w.last.Checkpoint, r, w.transactions[done:done+finals]); err != nil {
			w.t.Fatal(err)
		}
		done += finals
	}
	if !a.Complete(&w.last.Checkpoint) {
		w.t.Fatal("all was replayed, and it is not complete")
	}
	w.idle(restored(w, a))
}

// idle shows an account that has everything a checkpoint under which nothing is new.
func (w *world) idle(a *Account) {
	w.t.Helper()
	later := w.last.Checkpoint
	later.Index++
	more, other := later, later
	more.Receipts.Count++
	other.Outputs.Count++
	if err := a.Idle(&more); !errors.Is(err, OutOfOrder) {
		w.t.Fatal("a receipt is left out:", err)
	}
	if err := a.Idle(&other); !errors.Is(err, CountMismatch) {
		w.t.Fatal("an output came from nowhere:", err)
	}
	if err := a.Idle(&later); err != nil || !a.Complete(&later) {
		w.t.Fatal("not complete where nothing is new:", err)
	}
}

func restored(w *world, a *Account) *Account {
	w.t.Helper()
	b := a.AppendBinary(nil)
	again, err := RestoreAccount(w.mine.View, w.mine.Address().Spend, b)
	if err != nil {
		w.t.Fatal(err)
	}
	if string(again.AppendBinary(nil)) != string(b) {
		w.t.Fatal("restored, it has another state")
	}
	return again
}

// TestAccounts fills an account both ways over several checkpoints, with restarts, and compares
// with what the keys own.
func TestAccounts(t *testing.T) {
	for seed := range uint64(6) {
		w := newWorld(t, 10, 200+seed)
		w.mineGets = 6
		scanned, replayed := w.account(), w.account()
		for range 5 {
			w.pay(60)
			w.checkpoint()
			w.scanAll(scanned, 17)
			w.replayAll(replayed, 13)
			want := w.owned()
			for name, a := range map[string]*Account{"scanned": scanned, "replayed": replayed} {
				if got, ok := a.Balances(); !ok || !slices.Equal(got, want) {
					t.Fatalf("seed %d: %s balances %v, want %v", seed, name, got, want)
				}
				checkHistory(t, a)
			}
			scanned, replayed = restored(w, scanned), restored(w, replayed)
		}
		explain(t, w, scanned, replayed)
	}
}

// checkHistory adds a history up: it must lead to the balances.
func checkHistory(t *testing.T, a *Account) {
	t.Helper()
	history, ok := a.History()
	if !ok {
		t.Fatal("sums overflow")
	}
	balances, _ := a.Balances()
	for _, b := range balances {
		var in, out, sharedIn, sharedOut kernel.Amount
		for _, e := range history {
			if e.Asset == b.Asset {
				in, _ = in.Add(e.Received)
				out, _ = out.Add(e.Spent)
				sharedIn, _ = sharedIn.Add(e.SharedReceived)
				sharedOut, _ = sharedOut.Add(e.SharedSpent)
			}
		}
		left, ok := in.Sub(out)
		shared, okShared := sharedIn.Sub(sharedOut)
		if !ok || !okShared || left != b.Amount || shared != b.Shared {
			t.Fatalf("history of %s leads to %s and %s, the balance is %s and %s", b.Asset.Short(), left, shared, b.Amount, b.Shared)
		}
	}
	for i := 1; i < len(history); i++ {
		if history[i].Commit < history[i-1].Commit {
			t.Fatal("history is out of order")
		}
	}
}

// explain tells the account that scanned who spent its outputs: then it knows of each what the
// one that replayed knows.
func explain(t *testing.T, w *world, scanned, replayed *Account) {
	final := 0
	for i := range w.receipts[:w.receiptsDone] {
		if w.receipts[i].Status != kernel.Final {
			continue
		}
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(w.transactions[final]); err != nil {
			t.Fatal(err)
		}
		final++
		p := w.finality(i)
		if err := scanned.Explain(&w.last.Checkpoint, &tx, &p.Receipt, &p.Branch); err != nil {
			t.Fatal(err)
		}
	}
	unseen := 0
	for _, o := range replayed.Own() {
		i, ok := scanned.places[o.Output.Ref()]
		if !ok {
			if unseen++; !o.Spent {
				t.Errorf("unspent output %d was never seen", o.Place)
			}
			continue
		}
		if s := scanned.own[i]; s.Place != o.Place || s.Spent != o.Spent || s.SpentBy != o.SpentBy || s.SpentAt != o.SpentAt {
			t.Errorf("scanned %+v\nreplayed %+v", s, o)
		}
	}
	if unseen == 0 || len(replayed.Own()) < 100 {
		t.Errorf("%d own outputs, %d of them spent unseen: this world is too quiet", len(replayed.Own()), unseen)
	}
}

// TestAccountRefusals breaks one thing of what an account is given at a time; nothing of it counts.
func TestAccountRefusals(t *testing.T) {
	seen := map[Refusal]bool{}
	for _, tt := range []struct {
		name string
		try  func(w *world, a *Account) error
		want Refusal
	}{
		{"a gap", func(w *world, a *Account) error { return a.Scan(&w.last.Checkpoint, w.outputRange(11, 20)) }, OutOfOrder},
		{"again", func(w *world, a *Account) error { return a.Scan(&w.last.Checkpoint, w.outputRange(0, 10)) }, OutOfOrder},
		{"an output kept back", func(w *world, a *Account) error {
			r := w.outputRange(10, w.outputsDone)
			r.Outputs[slices.IndexFunc(r.Outputs, func(o *kernel.StateOutput) bool { return o != nil })] = nil
			return a.Scan(&w.last.Checkpoint, r)
		}, RangeIncomplete},
		{"replayed after a scan", func(w *world, a *Account) error {
			return a.Replay(&w.last.Checkpoint, w.receiptRange(0, 1), w.transactions[:1])
		}, OutOfOrder},
		{"not its output", func(w *world, a *Account) error {
			return a.Look(&w.last.Checkpoint, &kernel.Branch{Place: uint64(w.outputsDone)})
		}, NotOwn},
		{"another branch", func(w *world, a *Account) error {
			branch := w.place(w.emptyPlace()).Branch
			branch.Place = a.own[0].Place
			return a.Look(&w.last.Checkpoint, &branch)
		}, BranchInvalid},
		{"an older checkpoint", func(w *world, a *Account) error {
			cp := w.last.Checkpoint
			cp.Index--
			return a.Look(&cp, &kernel.Branch{Place: a.own[0].Place})
		}, Older},
		{"explained by a rejected one", func(w *world, a *Account) error {
			p := w.finality(w.finalReceipt(kernel.Rejected))
			return a.Explain(&w.last.Checkpoint, new(kernel.Transaction), &p.Receipt, &p.Branch)
		}, NotFinal},
		{"explained by another one", func(w *world, a *Account) error {
			p := w.final()
			return a.Explain(&w.last.Checkpoint, new(kernel.Transaction), &p.Receipt, &p.Branch)
		}, WrongTransaction},
		{"explained without a branch", func(w *world, a *Account) error {
			p := w.final()
			return a.Explain(&w.last.Checkpoint, new(kernel.Transaction), &p.Receipt, &kernel.Branch{})
		}, BranchInvalid},
	} {
		w := newWorld(t, 10, 300)
		w.mineGets = 8
		w.pay(100)
		w.checkpoint()
		a := w.account()
		if err := a.Scan(&w.last.Checkpoint, w.outputRange(0, 10)); err != nil {
			t.Fatal("base case is not valid:", err)
		}
		seen[tt.want] = true
		refusesUnchanged(t, a, tt.name, tt.want, func() error { return tt.try(w, a) })
	}
	for _, tt := range []struct {
		name string
		try  func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error
		want Refusal
	}{
		{"a receipt kept back", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			r.Receipts = r.Receipts[:len(r.Receipts)-1]
			return a.Replay(&w.last.Checkpoint, r, all)
		}, RangeIncomplete},
		{"a gap", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			return a.Replay(&w.last.Checkpoint, w.receiptRange(1, 5), all)
		}, OutOfOrder},
		{"a transaction kept back", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			return a.Replay(&w.last.Checkpoint, r, all[:len(all)-1])
		}, WrongTransaction},
		{"a transaction more", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			return a.Replay(&w.last.Checkpoint, r, append(slices.Clone(all), all[0]))
		}, WrongTransaction},
		{"transactions exchanged", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			all = slices.Clone(all)
			all[3], all[4] = all[4], all[3]
			return a.Replay(&w.last.Checkpoint, r, all)
		}, WrongTransaction},
		{"outputs that nothing made", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			cp := w.last.Checkpoint
			cp.Outputs.Count++
			return a.Replay(&cp, r, all)
		}, CountMismatch},
		{"a commit after the checkpoint", func(w *world, a *Account, r *kernel.ReceiptRange, all [][]byte) error {
			cp := w.last.Checkpoint
			cp.Index = 2
			return a.Replay(&cp, r, all)
		}, CommitAhead},
	} {
		w := newWorld(t, 10, 300)
		w.pay(100)
		w.checkpoint()
		a := w.account()
		seen[tt.want] = true
		refusesUnchanged(t, a, tt.name, tt.want, func() error { return tt.try(w, a, w.receiptRange(0, w.receiptsDone), w.transactions) })
	}
	for r := OutOfOrder; r < refusalEnd; r++ {
		if !seen[r] {
			t.Errorf("%s has no case", r)
		}
	}
}

func refusesUnchanged(t *testing.T, a *Account, name string, want Refusal, try func() error) {
	t.Helper()
	before := string(a.AppendBinary(nil))
	if err := try(); !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", name, err, want)
	}
	if string(a.AppendBinary(nil)) != before {
		t.Errorf("%s: refused, and something has changed", name)
	}
}

// TestKeyCountsOnce shows an account two outputs with one key: only one could ever be spent.
func TestKeyCountsOnce(t *testing.T) {
	w := newWorld(t, 10, 400)
	out := w.output(0)
	for w.mineGets = 16; len(out.Keys) != 1 || out.Script[2] != 1; {
		out = w.output(0)
	}
	for n := range 2 {
		tx := &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: kernel.OutputRef{Index: uint16(n)}}}, Outputs: []kernel.Output{out}}
		w.index++
		w.apply(tx, tx.Hash())
	}
	w.checkpoint()
	a := w.account()
	w.scanAll(a, 10)
	if got, _ := a.Balances(); len(got) != 1 || got[0].Amount != out.Amount || got[0].Outputs != 1 {
		t.Errorf("balances %v, want %s once", got, out.Amount)
	}
}

// TestViewKeyStays shows that neither state nor text of an account holds the view key, and that
// another account's state is refused.
func TestViewKeyStays(t *testing.T) {
	w := newWorld(t, 10, 401)
	w.mineGets = 8
	w.pay(50)
	w.checkpoint()
	a := w.account()
	w.scanAll(a, 100)
	b := a.AppendBinary(nil)
	text, err := json.Marshal(a.Own())
	if err != nil {
		t.Fatal(err)
	}
	if all := string(b) + string(text) + fmt.Sprintf("%v %+v %#v", a.viewer, a.viewer, a.viewer); strings.Contains(all, string(w.mine.View[:])) || strings.Contains(all, hex.EncodeToString(w.mine.View[:])) {
		t.Error("the view key is written")
	}
	other := kernel.AccountFromSeed([64]byte{3})
	if _, err := RestoreAccount(other.View, other.Address().Spend, b); err == nil {
		t.Error("another account's state is restored")
	}
	for i := range b {
		bad := slices.Clone(b)
		bad[i] ^= 4
		if _, err := RestoreAccount(w.mine.View, w.mine.Address().Spend, bad); err == nil {
			t.Fatalf("byte %d changed: restored", i)
		}
	}
}

func FuzzRestoreAccount(f *testing.F) {
	w := newWorld(f, 10, 402)
	w.mineGets = 8
	w.pay(10)
	w.checkpoint()
	a := w.account()
	w.scanAll(a, 100)
	b := a.AppendBinary(nil)
	f.Add(b[:len(b)-32])
	f.Fuzz(func(t *testing.T, body []byte) {
		b := withChecksum(accountLabel, body)
		a, err := RestoreAccount(w.mine.View, w.mine.Address().Spend, b)
		if err == nil && string(a.AppendBinary(nil)) != string(b) {
			t.Error("written again it is another state")
		}
	})
}

// TestLocked: what is locked is counted of the account's own unspent XIN only.
func TestLocked(t *testing.T) {
	a := &Account{own: []Own{
		{Output: kernel.StateOutput{Index: 1, Asset: kernel.XIN, Amount: kernel.NewAmount(5), Keys: make([]kernel.Key, 1)}},
		{Output: kernel.StateOutput{Index: 2, Asset: kernel.XIN, Amount: kernel.NewAmount(7), Keys: make([]kernel.Key, 1)}},
		{Output: kernel.StateOutput{Index: 3, Asset: kernel.XIN, Amount: kernel.NewAmount(11), Keys: make([]kernel.Key, 1)}, Spent: true},
		{Output: kernel.StateOutput{Index: 4, Asset: kernel.XIN, Amount: kernel.NewAmount(13), Keys: make([]kernel.Key, 2)}},
		{Output: kernel.StateOutput{Index: 5, Asset: kernel.BTC, Amount: kernel.NewAmount(17), Keys: make([]kernel.Key, 1)}},
	}}
	if got, ok := a.Locked(func(ref kernel.OutputRef) bool { return ref.Index != 2 }); !ok || got != kernel.NewAmount(5) {
		t.Errorf("locked is %s, want that of output 1", got)
	}
	a.own[0].Output.Amount = kernel.AmountFromUnits(1<<64-1, 1<<64-1)
	if _, ok := a.Locked(func(kernel.OutputRef) bool { return true }); ok {
		t.Error("a sum overflows unnoticed")
	}
}
