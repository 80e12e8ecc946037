package ledger

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/kernel"
)

// TestRandomHistories: whatever stands in bodies, and however often, supply is conserved per
// asset, no output is spent twice, every transaction has one receipt, every loser a winner that
// it conflicts with, and the state counted again equals the state kept. Run with
// -rapid.seed to replay. [T02] [T07]
func TestRandomHistories(t *testing.T) {
	if full() {
		flag.Set("rapid.checks", "2000")
		defer flag.Set("rapid.checks", "100")
	}
	rapid.Check(t, randomHistory)
}

func randomHistory(r *rapid.T) {
	h := &history{world: newWorld(r), rapid: r}
	for range rapid.IntRange(1, 6).Draw(r, "commits") {
		h.step()
	}
	h.judge()
}

// FuzzHistories is TestRandomHistories with a fuzzer in the place of chance.
func FuzzHistories(f *testing.F) {
	for seed := range uint64(4) { // rapid draws from the bytes and wants many
		b, random := make([]byte, 8<<10), rand.New(rand.NewPCG(seed, 0))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(rapid.MakeFuzz(randomHistory))
}

// full is set by make test-full: the whole numbers of the test plan instead of a sample. It is
// asked inside tests: what is read before them does not count for the cache of test results.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

// manyChecks asks for ten thousand cases of a property in full runs.
func manyChecks(t *testing.T) {
	if !full() {
		return
	}
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set("10000"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { checks.Value.Set(before) })
}

// A history draws transactions from one small world, so that they meet often.
type history struct {
	*world
	rapid *rapid.T
	made  []*kernel.Transaction // all that were ever proposed, in every envelope
}

func (h *history) step() {
	var snapshots []Committed
	head := h.view.Head().Index
	for author := range rapid.IntRange(1, 4).Draw(h.rapid, "snapshots") {
		var txs []*kernel.Transaction
		for range rapid.IntRange(0, 4).Draw(h.rapid, "entries") {
			txs = append(txs, h.propose())
		}
		claim := rapid.Uint64Range(0, uint64(head)).Draw(h.rapid, "claim")
		snapshots = append(snapshots, snapshot(kernel.Author(author), kernel.Round(head+1), kernel.CommitIndex(claim), h.entries(txs...)))
	}
	h.commit(snapshots...)
}

// propose returns a new transaction or an old one, at times in another envelope or broken.
func (h *history) propose() *kernel.Transaction {
	kind := rapid.IntRange(0, 9).Draw(h.rapid, "kind")
	switch {
	case kind < 3 && len(h.made) > 0:
		return rapid.SampledFrom(h.made).Draw(h.rapid, "again")
	case kind == 3:
		return h.keep(h.deposit(rapid.Uint64Range(0, 4).Draw(h.rapid, "place"), whole(3)))
	}
	tx := h.spendSomething()
	switch kind {
	case 4:
		return h.keep(h.aggregate(tx))
	case 5:
		h.sign(tx)
		tx.Signatures[0][0].Signature[3] ^= 1
		return h.keep(tx)
	case 6:
		tx.Outputs[0].Amount, _ = tx.Outputs[0].Amount.Add(kernel.NewAmount(1))
		return h.keep(h.sign(tx))
	}
	return h.keep(h.sign(tx))
}

func (h *history) keep(tx *kernel.Transaction) *kernel.Transaction {
	h.made = append(h.made, tx)
	return tx
}

// spendSomething spends one or two outputs of one asset, spent ones too, at times under a used key.
func (h *history) spendSomething() *kernel.Transaction {
	first := rapid.SampledFrom(h.view.refs).Draw(h.rapid, "first")
	out, _ := h.view.Output(first)
	refs, sum := []kernel.OutputRef{first}, out.Amount
	second := rapid.SampledFrom(h.view.refs).Draw(h.rapid, "second")
	if o, _ := h.view.Output(second); second != first && o.Asset == out.Asset {
		refs = append(refs, second)
		mustAdd(&sum, o.Amount)
	}
	one := kernel.NewAmount(1)
	rest, _ := sum.Sub(one)
	if rest.IsZero() {
		return h.spend(out.Asset, refs, h.output(sum, 1, 1))
	}
	keys := rapid.IntRange(1, 3).Draw(h.rapid, "keys")
	outputs := []kernel.Output{h.output(rest, uint8(keys), keys), h.output(one, 1, 1)}
	if rapid.IntRange(0, 4).Draw(h.rapid, "leave") == 0 {
		outputs[0] = kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: rest, Withdrawal: &kernel.Withdrawal{Address: "x"}}
	}
	if rapid.IntRange(0, 9).Draw(h.rapid, "used key") == 0 {
		outputs[1].Keys[0] = out.Keys[0]
	}
	return h.spend(out.Asset, refs, outputs...)
}

// judge looks at the whole history from the end.
func (h *history) judge() {
	for _, tx := range h.made {
		receipt, ok := h.view.Receipt(tx.Hash())
		switch {
		case !ok:
		case receipt.Status == kernel.Final:
			for _, in := range tx.Inputs {
				if out, _ := h.view.Output(in.OutputRef); in.Deposit == nil && out.SpentBy != tx.Hash() {
					h.t.Fatal("an input of a final transaction is not spent by it")
				}
			}
		default:
			h.judgeLoser(tx, receipt)
		}
	}
}

func (h *history) judgeLoser(tx *kernel.Transaction, receipt kernel.Receipt) {
	if winner, ok := h.view.Receipt(receipt.Winner); !ok || winner.Status != kernel.Final || winner.Commit > receipt.Commit {
		h.t.Fatal("the winner is not final")
	}
	inputs, keys, identities := Touches(tx)
	for _, ref := range inputs {
		if out, _ := h.view.Output(ref); out.SpentBy == receipt.Winner {
			return
		}
	}
	won := func(o Owner, ok bool) bool { return ok && o.Transaction == receipt.Winner }
	if !slices.ContainsFunc(keys, func(k kernel.Key) bool { return won(h.view.GhostKey(k)) }) &&
		!slices.ContainsFunc(identities, func(id kernel.Hash) bool { return won(h.view.Identity(id)) }) {
		h.t.Fatal("the winner has nothing that the loser wanted")
	}
}

// TestSplitOfCommitsDoesNotMatter: the same occurrences in one commit or in many end in the same
// receipts, commit numbers aside. No author knows anything, so nothing depends on claims.
func TestSplitOfCommitsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := &history{world: newWorld(r), rapid: r}
		other := newWorld(r)
		var one []Committed
		for i := range rapid.IntRange(1, 8).Draw(r, "entries") {
			s := snapshot(0, kernel.Round(i+1), 0, h.entries(h.propose()))
			one = append(one, s)
			other.commit(s)
		}
		h.commit(one...)
		for _, tx := range h.made {
			a, _ := h.view.Receipt(tx.Hash())
			b, _ := other.view.Receipt(tx.Hash())
			if a.Status != b.Status || a.Rule != b.Rule || a.Winner != b.Winner {
				r.Fatalf("%v in one commit, %v in many", a, b)
			}
		}
	})
}

// TestHonestAuthorsAreNeverAtFault: whoever carries only what checks on the state that it
// declares is not at fault, whatever others carry and however late its snapshots are committed:
// 10,000 schedules in full runs. [T11]
func TestHonestAuthorsAreNeverAtFault(t *testing.T) {
	manyChecks(t)
	const honest, liar = 1, 6
	rapid.Check(t, func(r *rapid.T) {
		h := &history{world: newWorld(r), rapid: r}
		var waiting []Committed
		for round := kernel.Round(1); round < 6; round++ {
			var checked, any []*kernel.Transaction
			for range rapid.IntRange(1, 4).Draw(r, "entries") {
				tx := h.propose()
				if h.check(tx) == nil && h.disjoint(checked, tx) {
					checked = append(checked, tx)
				}
				any = append(any, tx, h.propose())
			}
			k := h.view.Head().Index
			waiting = append(waiting, snapshot(honest, round, k, h.entries(checked...)))
			now := rapid.IntRange(0, len(waiting)).Draw(r, "committed")
			h.commit(append([]Committed{snapshot(liar, round, 0, h.entries(any...))}, waiting[:now]...)...)
			waiting = waiting[now:]
		}
		h.commit(waiting...)
		for _, f := range h.view.Faults() {
			if f.Author == honest {
				r.Fatalf("an honest author is at fault: %+v", f)
			}
		}
	})
}

// disjoint reports whether tx conflicts with none of txs.
func (h *history) disjoint(txs []*kernel.Transaction, tx *kernel.Transaction) bool {
	inputs, keys, identities := Touches(tx)
	for _, other := range txs {
		in, ks, ids := Touches(other)
		if overlap(inputs, in) || overlap(keys, ks) || overlap(identities, ids) {
			return false
		}
	}
	return true
}

func overlap[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(v T) bool { return slices.Contains(b, v) })
}

// FuzzExecute: no bytes in a body make execution panic, lose or make coins.
func FuzzExecute(f *testing.F) {
	w := newWorld(f)
	for _, name := range []string{"transfer", "deposit", "withdrawal", "storage"} {
		tx := bases[name](newWorld(f))
		f.Add(byte(kernel.EntryTransaction), w.raw(tx), w.raw(tx))
	}
	f.Add(byte(kernel.EntryRecord), w.evidence(kernel.EquivocationOf(w.twins(2, 7)), 0).AppendBinary(nil), []byte{})
	f.Add(byte(kernel.EntryTransaction), w.raw(w.pay(0)), w.raw(w.pay(0)))
	trusting := newWorld(f)
	trusting.context.Verifier = verified{} // deeper than signatures let random bytes come
	f.Fuzz(func(t *testing.T, kind byte, a, b []byte) {
		body := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryKind(kind), Bytes: a}, {Kind: kernel.EntryTransaction, Bytes: b}}}
		for _, w := range []*world{w, trusting} {
			w.t = t
			w.mustConserve(w.execute(snapshot(1, 1, 0, body), snapshot(2, 1, 0, body)))
		}
		p := Parse(b)
		if p.Transaction == nil {
			return
		}
		Touches(p.Transaction)
		err, again := CheckParsed(w.view, p, w.context), Check(w.view, p.Transaction, b, w.context)
		if (err == nil) != (again == nil) {
			t.Fatal("two ways to check disagree")
		}
	})
}

// mustConserve compares what a diff says of each asset with the outputs that it makes and spends.
func (w *world) mustConserve(d *Diff) {
	for _, changed := range d.Assets {
		before, _ := w.view.Asset(changed.ID)
		sum, made := before.Unspent, map[kernel.OutputRef]Output{}
		for _, c := range d.Created {
			if made[c.Ref] = c.Output; c.Output.Asset == changed.ID {
				mustAdd(&sum, c.Output.Amount)
			}
		}
		for _, s := range d.Spent {
			out, ok := made[s.Ref]
			if !ok {
				out, _ = w.view.Output(s.Ref)
			}
			if out.Asset == changed.ID {
				mustSub(&sum, out.Amount)
			}
		}
		if sum != changed.Asset.Unspent {
			w.t.Fatalf("asset %v: %v unspent, counted %v", changed.ID, changed.Asset.Unspent, sum)
		}
	}
}
