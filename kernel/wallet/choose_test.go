package wallet

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"pgregory.net/rapid"
)

// ownedOutputs are outputs as a scan would have found them.
func ownedOutputs(amounts []uint64) []Output {
	k := AccountKeys(alice)
	var list []Output
	for i, units := range amounts {
		out, _, err := scriptOutput(&dice{source: seeded(uint64(i))}, To(k.address), kernel.NewAmount(units), i%1024)
		if err != nil {
			panic(err)
		}
		list = append(list, Output{
			Ref:   Ref{Hash: kernel.TxHash{byte(i >> 8), byte(i), 1}, Index: uint16(i % 1024)},
			Asset: kernel.BTC, Amount: out.Amount, Keys: out.Keys, Mask: out.Mask, Threshold: 1,
		})
	}
	return list
}

func walletWith(outputs []Output) *Wallet {
	w := New(AccountKeys(alice), kernel.NetworkID{}, 0)
	if err := w.facts.apply(&change{Created: outputs}); err != nil {
		panic(err)
	}
	return w
}

// Whatever a wallet holds and pays: sums are exact, no input twice, every output has at least a
// unit, every key is used once, limits hold, and equal seeds give equal plans.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Uint64Range(1, 1_000_000_000), 1, 12).Draw(t, "amounts")
		w := walletWith(ownedOutputs(amounts))
		have, _ := sumOf(w.Outputs())
		req := Request{Asset: kernel.BTC, Plain: rapid.Bool().Draw(t, "plain")}
		var want kernel.Amount
		for _, units := range rapid.SliceOfN(rapid.Uint64Range(1, 2_000_000_000), 1, 4).Draw(t, "pay") {
			to := account(byte(10 + len(req.Pay)))
			req.Pay = append(req.Pay, Pay{To(to.Address()), kernel.NewAmount(units)})
			want = plus(want, kernel.NewAmount(units))
		}
		seed := rapid.Uint64().Draw(t, "seed")
		p, err := w.Plan(req, seeded(seed))
		if have.Compare(want) < 0 {
			if !errors.Is(err, ErrInsufficient) {
				t.Fatalf("have %s, want %s: %v", have, want, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkPlan(t, w, p, want)
		again, err := walletWith(ownedOutputs(amounts)).Plan(req, seeded(seed))
		if err != nil || again.tx.Hash() != p.tx.Hash() {
			t.Fatalf("equal seeds, other plan: %v", err)
		}
	})
}

func checkPlan(t *rapid.T, w *Wallet, p *Plan, want kernel.Amount) {
	refs := map[Ref]bool{}
	for _, o := range p.spends {
		if refs[o.Ref] {
			t.Fatalf("input %s twice", o.Ref)
		}
		refs[o.Ref] = true
	}
	in, _ := sumOf(p.spends)
	var out kernel.Amount
	keys := map[kernel.Key]bool{}
	parts := map[string]int{}
	for i, o := range p.tx.Outputs {
		if o.Amount.IsZero() || keys[o.Keys[0]] {
			t.Fatalf("output %d: amount %s or key again", i, o.Amount)
		}
		keys[o.Keys[0]] = true
		out = plus(out, o.Amount)
		if !p.roles[i].change {
			parts[p.roles[i].to.String()]++
		}
	}
	if in != out || minus(in, p.change) != want {
		t.Fatalf("in %s, out %s, change %s, want %s", in, out, p.change, want)
	}
	if len(p.tx.Inputs) > maxInputs || len(p.tx.Outputs) > maxOutputs {
		t.Fatalf("%d inputs, %d outputs", len(p.tx.Inputs), len(p.tx.Outputs))
	}
	for _, pay := range p.request.Pay {
		n := privateParts
		if p.request.Plain {
			n = 1
		}
		_, units := pay.Amount.Units()
		if n = min(n, int(units)); parts[pay.To.String()] != n {
			t.Fatalf("%s in %d outputs, want %d", pay.Amount, parts[pay.To.String()], n)
		}
	}
	if _, err := w.keys.sign(p, seeded(1)); err != nil {
		t.Fatal(err)
	}
}

// Parts of an amount: exact, none below a sixteenth or a unit.
func TestSplitProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := kernel.AmountFromUnits(rapid.Uint64().Draw(t, "hi"), rapid.Uint64Range(8, 1<<63).Draw(t, "lo"))
		n := rapid.IntRange(1, 8).Draw(t, "n")
		d := &dice{source: seeded(rapid.Uint64().Draw(t, "seed"))}
		var sum kernel.Amount
		for _, part := range d.split(amount, n) {
			hi, lo := amount.Units()
			if least := kernel.AmountFromUnits(hi/16, hi%16<<60|lo/16); part.IsZero() || part.Compare(least) < 0 {
				t.Fatalf("part %s of %s is dust", part, amount)
			}
			sum = plus(sum, part)
		}
		if sum != amount {
			t.Fatalf("sum %s of %s", sum, amount)
		}
	})
}

// The draw is random: every input of a large set is chosen first now and then.
func TestChoiceIsRandom(t *testing.T) {
	from := ownedOutputs([]uint64{5, 5, 5, 5, 5, 5, 5, 5})
	first := map[Ref]int{}
	for seed := range uint64(400) {
		inputs, _, err := choose(&dice{source: seeded(seed)}, from, kernel.NewAmount(5))
		if err != nil || len(inputs) != 1 {
			t.Fatal(inputs, err)
		}
		first[inputs[0].Ref]++
	}
	for _, o := range from {
		if n := first[o.Ref]; n < 20 || n > 90 { // 50 expected, standard deviation 6.6
			t.Errorf("%s is drawn %d times of 400", o.Ref, n)
		}
	}
}

func TestManySmallInputs(t *testing.T) {
	amounts := make([]uint64, 600)
	for i := range amounts {
		amounts[i] = 10
	}
	w := walletWith(ownedOutputs(amounts))
	if _, err := w.Plan(btc(bob, kernel.NewAmount(2561)), seeded(1)); !errors.Is(err, ErrConsolidate) {
		t.Fatalf("%v", err)
	}
	p, err := w.Plan(btc(bob, kernel.NewAmount(2560)), seeded(1))
	if err != nil || len(p.tx.Inputs) != maxInputs {
		t.Fatalf("%v", err)
	}
	p, err = w.Consolidate(kernel.BTC, seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.tx.Inputs) != maxInputs || len(p.tx.Outputs) != 1 || p.tx.Outputs[0].Amount != kernel.NewAmount(2560) {
		t.Fatalf("%d inputs, %d outputs", len(p.tx.Inputs), len(p.tx.Outputs))
	}
	if e := p.Effects(); len(e.Lines) != 1 || !e.Lines[0].Back {
		t.Fatalf("%s", e)
	}
	// One large output among the small ones is found although the draw may miss it.
	w = walletWith(ownedOutputs(append(amounts, 5000)))
	for seed := range uint64(5) {
		if _, err := w.Plan(btc(bob, kernel.NewAmount(6000)), seeded(seed)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTinyPaymentsSayWhy(t *testing.T) {
	w := walletWith(ownedOutputs([]uint64{100}))
	for units, want := range map[uint64]int{1: 1, 2: 2, 3: 3} {
		p, err := w.Plan(btc(bob, kernel.NewAmount(units)), seeded(units))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range p.roles {
			if !r.change {
				n++
			}
		}
		if n != want || (len(p.Notes()) == 0) != (want == 3) {
			t.Errorf("%d units in %d outputs, notes %v", units, n, p.Notes())
		}
	}
}

func TestRequestRefusals(t *testing.T) {
	good := func() Request { return btc(bob, coins(1)) }
	for name, tt := range map[string]struct {
		broken func(*Request)
		want   error
	}{
		"nothing": {func(r *Request) { r.Pay = nil }, ErrRequest},
		"zero":    {func(r *Request) { r.Pay[0].Amount = kernel.Amount{} }, ErrRequest},
		"overflow": {func(r *Request) {
			r.Pay = append(r.Pay, Pay{r.Pay[0].To, kernel.AmountFromUnits(1<<63, 0)}, Pay{r.Pay[0].To, kernel.AmountFromUnits(1<<63, 0)})
		}, ErrRequest},
		"memo":                 {func(r *Request) { r.Memo = make([]byte, 257) }, ErrRequest},
		"references":           {func(r *Request) { r.References = make([]kernel.TxHash, 17) }, ErrRequest},
		"receivers":            {func(r *Request) { r.Pay = make([]Pay, 253) }, ErrRequest},
		"receiver":             {func(r *Request) { r.Pay[0].To.Members[0].View = kernel.Key{} }, ErrReceiver},
		"withdrawal":           {func(r *Request) { r.Withdraw = &Withdraw{Amount: coins(1)} }, ErrRequest},
		"from":                 {func(r *Request) { r.From = &Receiver{} }, ErrReceiver},
		"asset without money":  {func(r *Request) { r.Asset = kernel.ETH }, ErrInsufficient},
		"inputs without money": {func(r *Request) { r.Inputs = []Ref{{Index: 7}} }, ErrInsufficient},
	} {
		w := walletWith(ownedOutputs([]uint64{1_000_000_000}))
		req := good()
		if _, err := w.Plan(req, seeded(1)); err != nil {
			t.Fatal("base case:", err)
		}
		tt.broken(&req)
		if _, err := w.Plan(req, seeded(1)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// A plan whose randomness ends fails; it never goes on with zeros.
func TestRandomnessMayFail(t *testing.T) {
	w := walletWith(ownedOutputs([]uint64{1_000_000_000, 5}))
	for n := 0; n < 1000; n += 9 {
		limited := &limitedReader{left: n}
		if _, err := w.Plan(btc(bob, coins(1)), limited); err == nil {
			if n < 64 {
				t.Fatalf("a plan from %d random bytes", n)
			}
			return
		} else if !errors.Is(err, errNoMore) {
			t.Fatal(err)
		}
	}
	t.Fatal("no number of bytes was enough")
}

var errNoMore = fmt.Errorf("no more randomness")

type limitedReader struct{ left int }

func (l *limitedReader) Read(b []byte) (int, error) {
	if l.left < len(b) {
		return 0, errNoMore
	}
	l.left -= len(b)
	for i := range b {
		b[i] = byte(l.left + 7*i)
	}
	return len(b), nil
}
