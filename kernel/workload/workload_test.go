package workload

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// testGenesis is a genesis with the balances of a load between two others of the asset. Nothing
// checks its members here.
func testGenesis(w *Workload) *kernel.Genesis {
	stranger := kernel.AccountFromSeed([64]byte{9}).Address()
	other := kernel.GenesisOutput{Asset: kernel.XIN, Address: stranger, Amount: kernel.NewAmount(5)}
	bitcoin := kernel.GenesisAsset{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: "bitcoin"}
	g := &kernel.Genesis{
		Name: "load", Timestamp: 1, Parameters: kernel.DefaultParameters(), Assets: []kernel.GenesisAsset{bitcoin, Asset()},
		Balances: []kernel.GenesisOutput{{Asset: kernel.BTC, Address: stranger, Amount: kernel.NewAmount(7)}, other},
	}
	g.Balances = append(append(g.Balances, w.Balances()...), other)
	for i := range kernel.MinMembers {
		seed := [32]byte{byte(i), 1}
		g.Members = append(g.Members, kernel.Member{Name: string(rune('a' + i)), Key: kernel.NodeKeyFromSeed(seed).Public(), Payee: stranger})
	}
	for range 3 {
		g.CoinKey = append(g.CoinKey, kernel.Key{1})
	}
	return g
}

func start(t *testing.T, o Options) (w *Workload, g *kernel.Genesis, funding []Payment) {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	g = testGenesis(w)
	if funding, err = w.Fund(g); err != nil {
		t.Fatal(err)
	}
	return w, g, funding
}

// TestPaymentsHold: the ledger finds every funding transaction and payment of the stream valid,
// in order, with nothing left out and no key used twice.
func TestPaymentsHold(t *testing.T) {
	for _, kind := range []Kind{P1, P2} {
		t.Run(kind.String(), func(t *testing.T) {
			const lanes = 300 // more coins than one funding transaction makes
			w, g, payments := start(t, Options{Seed: 3, Kind: kind, Lanes: lanes})
			funded := len(payments)
			payments = append(payments, w.Make(lanes+7)...) // the second call begins in the middle of the lanes
			payments = append(payments, w.Make(lanes)...)
			diff, _, err := ledger.Genesis(g)
			if err != nil {
				t.Fatal(err)
			}
			view := ledger.NewMemView()
			view.Apply(diff)
			commit(t, view, g, payments[:funded])
			commit(t, view, g, payments[funded:])
			masks, keys := map[kernel.Key]bool{}, map[kernel.Key]bool{}
			for _, p := range payments[funded:] {
				tx := decode(t, p)
				if len(tx.Inputs) != kind.Inputs() || len(tx.Outputs) != kind.Outputs() || len(tx.Signatures) != kind.Signatures() {
					t.Fatalf("%d inputs, %d outputs, %d signatures", len(tx.Inputs), len(tx.Outputs), len(tx.Signatures))
				}
				for _, out := range tx.Outputs {
					if masks[out.Mask] || keys[out.Keys[0]] || len(out.Keys) != 1 || out.Script.String() != "fffe01" {
						t.Fatal("a mask or key is used twice, or an output is not under one key")
					}
					masks[out.Mask], keys[out.Keys[0]] = true, true
				}
			}
			if _, err := VerifyCost(payments[funded:]); err == nil && kind == P1 {
				t.Error("a cost from fewer signatures than a batch")
			}
		})
	}
}

// commit executes payments as one commit and expects each to become final.
func commit(t *testing.T, view *ledger.MemView, g *kernel.Genesis, payments []Payment) {
	t.Helper()
	body := new(kernel.Body)
	for _, p := range payments {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: p.Raw})
	}
	context := ledger.ContextOf(g, ledger.Direct{})
	index := view.Head().Index + 1
	c := &kernel.Commit{Index: index, Timestamp: g.Timestamp}
	diff := ledger.Execute(view, c, []ledger.Committed{{Body: body, Claim: index - 1}}, context)
	if len(diff.Receipts) != len(payments) {
		t.Fatalf("%d receipts of %d payments", len(diff.Receipts), len(payments))
	}
	for i, r := range diff.Receipts {
		if r.Status != kernel.Final || r.Transaction != payments[i].Hash {
			t.Fatalf("payment %d: %v %v", i, r.Status, r.Rule)
		}
	}
	view.Apply(diff)
}

func decode(t *testing.T, p Payment) *kernel.Transaction {
	t.Helper()
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(p.Raw); err != nil {
		t.Fatal(err)
	}
	if tx.Hash() != p.Hash {
		t.Fatal("a payment has another hash than it says")
	}
	return tx
}

// TestReproducible: equal seeds make equal streams, however they are cut; other seeds others.
func TestReproducible(t *testing.T) {
	make3 := func(seed uint64, cuts ...int) (all []Payment) {
		w, _, funding := start(t, Options{Seed: seed, Kind: P2, Lanes: 4})
		all = funding
		for _, n := range cuts {
			all = append(all, w.Make(n)...)
		}
		return all
	}
	a, b, c := make3(1, 10), make3(1, 3, 0, 1, 6), make3(2, 10)
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) || a[i].Hash != b[i].Hash || a[i].Lane != b[i].Lane {
			t.Fatalf("payment %d differs between equal seeds", i)
		}
		if bytes.Equal(a[i].Raw, c[i].Raw) {
			t.Fatalf("payment %d is the same for another seed", i)
		}
	}
}

// TestOutputsAreTheirOwners: a wallet with the view key finds what was paid to it.
func TestOutputsAreTheirOwners(t *testing.T) {
	w, _, _ := start(t, Options{Seed: 5, Kind: P2, Lanes: 2})
	for _, p := range w.Make(4) {
		for i, out := range decode(t, p).Outputs {
			found := false
			for _, a := range append(w.recipients, w.owner) {
				viewer, err := crypto.NewViewer(a.View, a.Address().Spend)
				if err != nil {
					t.Fatal(err)
				}
				found = found || viewer.Owns(out.Keys[0], out.Mask, uint64(i))
			}
			if !found {
				t.Fatalf("output %d of %s belongs to nobody", i, p.Hash)
			}
		}
	}
}

// TestForeignGenesis: a load is refused on a network that does not hold its balances.
func TestForeignGenesis(t *testing.T) {
	w, err := New(Options{Seed: 1, Kind: P1, Lanes: 600})
	if err != nil {
		t.Fatal(err)
	}
	g := testGenesis(w)
	g.Balances = g.Balances[:3]
	if _, err := w.Fund(g); err == nil {
		t.Error("funded from one of three balances")
	}
	for _, o := range []Options{{Kind: 3}, {}, {Kind: P1, Lanes: -1}, {Kind: P1, Lanes: maxLanes + 1}} {
		if _, err := New(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
}

func TestVerifyCost(t *testing.T) {
	w, _, _ := start(t, Options{Seed: 1, Kind: P2, Lanes: 100})
	payments := w.Make(CostBatch / 2)
	cost, err := VerifyCost(payments)
	if err != nil || cost < 1000 || cost > 10_000_000 {
		t.Fatalf("cost of one signature %v, %v", cost, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	beside, err := VerifyCostBeside(ctx, payments, time.Millisecond)
	if err != nil || beside < 1000 || beside > 10_000_000 || ctx.Err() == nil {
		t.Errorf("cost of one signature beside others %v, %v; time is up: %v", beside, err, ctx.Err())
	}
	t.Log(cost, beside)
	payments[17].Hash[3]++
	if _, err := VerifyCost(payments); err == nil {
		t.Error("a cost measured with a bad signature")
	}
	if _, err := VerifyCostBeside(t.Context(), payments, time.Millisecond); err == nil {
		t.Error("a cost measured beside others with a bad signature")
	}
	if _, err := VerifyCostBeside(t.Context(), payments[:1], time.Millisecond); err == nil {
		t.Error("a cost measured with two signatures")
	}
}

func BenchmarkMake(b *testing.B) {
	w, err := New(Options{Seed: 1, Kind: P2, Lanes: 1000})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := w.Fund(testGenesis(w)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.Make(100)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/payment")
}
