package sim

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// calmWorld is a small run on which nothing goes wrong. It is stopped when its checks are done,
// so that tests can lie to them.
func calmWorld(t *testing.T, last kernel.CommitIndex) *world {
	t.Helper()
	w, err := newWorld(Options{Profile: "clients", Seed: 2 * claimsEvery, Nodes: 7, Faults: []int{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range w.ends {
		w.clock.At(1, e.(interface{ start() }).start)
	}
	for range 400 {
		w.clients.pay()
		w.until(w.clock.Now()+20, nil)
		if kernel.CommitIndex(len(w.checks.order)) >= last && w.checks.final > 20 && w.checks.rejected > 0 {
			break
		}
	}
	w.heal()
	w.until(w.clock.Now()+30_000, w.settled)
	if w.checks.violation != nil {
		t.Fatal("calm run:", w.checks.violation)
	}
	return w
}

func expect(t *testing.T, c *checks, checker, words string) {
	t.Helper()
	v := c.violation
	if v == nil || v.Checker != checker || !strings.Contains(v.Detail, words) {
		t.Errorf("got %v, want %s: … %s …", v, checker, words)
	}
	c.violation = nil
}

// TestAuditorNotices tells the auditor of a commit as it was, with one thing wrong.
func TestAuditorNotices(t *testing.T) {
	w := calmWorld(t, 20)
	store := w.nodes[0].store
	for _, tt := range []struct {
		name    string
		lie     func(c *kernel.Commit, d *ledger.Diff) bool // false: nothing here to lie about
		checker string
		words   string
	}{
		{"drops a valid transaction", func(_ *kernel.Commit, d *ledger.Diff) bool {
			i := slices.IndexFunc(d.Receipts, func(r kernel.Receipt) bool { return r.Status == kernel.Final })
			if i >= 0 {
				d.Receipts = slices.Delete(d.Receipts, i, i+1)
			}
			return i >= 0
		}, "C2", "is valid"},
		{"makes up a receipt", func(c *kernel.Commit, d *ledger.Diff) bool {
			d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: kernel.TxHash{1}, Status: kernel.Final, Commit: c.Index})
			return true
		}, "C2", "stands in no body"},
		{"gives two receipts", func(_ *kernel.Commit, d *ledger.Diff) bool {
			if len(d.Receipts) > 0 {
				d.Receipts = append(d.Receipts, d.Receipts[0])
			}
			return len(d.Receipts) > 0
		}, "C4", "two receipts"},
		{"gives a receipt again", func(_ *kernel.Commit, d *ledger.Diff) bool {
			d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: w.stage.first[0].Hash(), Status: kernel.Final})
			return true
		}, "C4", "has had its receipt"},
		{"rejects what is valid", func(_ *kernel.Commit, d *ledger.Diff) bool {
			i := slices.IndexFunc(d.Receipts, func(r kernel.Receipt) bool { return r.Status == kernel.Final })
			if i >= 0 {
				d.Receipts[i].Status, d.Receipts[i].Rule = kernel.Rejected, kernel.InputSpent
			}
			return i >= 0
		}, "C2", "but it is valid"},
		{"names another winner", func(_ *kernel.Commit, d *ledger.Diff) bool {
			i := slices.IndexFunc(d.Receipts, func(r kernel.Receipt) bool { return r.Status == kernel.Rejected })
			if i >= 0 {
				d.Receipts[i].Winner = kernel.TxHash{9}
			}
			return i >= 0
		}, "C2", "but it loses to"},
		{"creates more", func(_ *kernel.Commit, d *ledger.Diff) bool {
			if len(d.Created) > 0 {
				d.Created[0].Output.Amount, _ = d.Created[0].Output.Amount.Add(kernel.NewAmount(1))
			}
			return len(d.Created) > 0
		}, "C3", "creates"},
		{"does not spend", func(_ *kernel.Commit, d *ledger.Diff) bool {
			if len(d.Spent) > 0 {
				d.Spent = d.Spent[1:]
			}
			return len(d.Spent) > 0
		}, "C3", "spends"},
		{"forgets a key", func(_ *kernel.Commit, d *ledger.Diff) bool {
			if len(d.Keys) > 0 {
				d.Keys = d.Keys[1:]
			}
			return len(d.Keys) > 0
		}, "C3", "keys"},
		{"forgets a deposit", func(_ *kernel.Commit, d *ledger.Diff) bool {
			found := len(d.Taken) > 0
			d.Taken = nil
			return found
		}, "C3", "takes"},
		{"miscounts an asset", func(_ *kernel.Commit, d *ledger.Diff) bool {
			if len(d.Assets) > 0 {
				d.Assets[0].Asset.Deposited, _ = d.Assets[0].Asset.Deposited.Add(kernel.NewAmount(1))
			}
			return len(d.Assets) > 0
		}, "C3", "came in"},
		{"does not mention an asset", func(_ *kernel.Commit, d *ledger.Diff) bool {
			found := len(d.Assets) > 0
			d.Assets = nil
			return found
		}, "C3", "totals moved"},
		{"blames without reason", func(c *kernel.Commit, d *ledger.Diff) bool {
			d.Faults = append(d.Faults, ledger.Fault{Kind: ledger.FaultDoubleSpend, Author: 3, Round: 1, Commit: c.Index})
			return true
		}, "C2", "without reason"},
		{"has another digest", func(c *kernel.Commit, d *ledger.Diff) bool {
			d.Head.Digest[0] ^= 1
			return true
		}, "C5", "digest"},
		{"is early", func(c *kernel.Commit, d *ledger.Diff) bool {
			d.Head.Timestamp--
			return true
		}, "C2", "its head"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.checks
			c.auditor = newAuditor(c)
			view := ledger.NewMemView()
			view.Apply(w.stage.diff)
			for i, known := range c.order {
				commit := *known
				var bodies []ledger.Committed
				for _, s := range commit.Snapshots {
					bodies = append(bodies, ledger.Committed{Author: s.Author, Round: s.Round, ID: s.ID, Claim: s.Claim, Names: s.Names, Closing: s.Closing, Body: c.find(s.ID).body})
				}
				diff := ledger.Execute(view, &commit, bodies, w.nodes[0].replica.Context())
				view.Apply(diff)
				if tt.lie(&commit, diff) {
					c.auditor.audit(w.nodes[0], &commit, diff)
					expect(t, c, tt.checker, tt.words)
					return
				}
				c.auditor.audit(w.nodes[0], &commit, diff)
				if c.violation != nil {
					t.Fatalf("commit %d: %v", i+1, c.violation)
				}
			}
			t.Fatal("the run has nothing to lie about")
		})
	}
	if err := store.Verify(nil); err != nil {
		t.Error(err)
	}
}

// TestCloseNotices changes the auditor's books at the end of a run: the node's folder and the set
// hash are then not theirs.
func TestCloseNotices(t *testing.T) {
	w := calmWorld(t, 5)
	c := w.checks
	c.finish()
	if c.violation != nil {
		t.Fatal(c.violation)
	}
	books := c.auditor.state
	for ref, o := range books.outputs {
		if o.spent.tx.IsZero() {
			o.Amount, _ = o.Amount.Add(kernel.NewAmount(1))
			c.folder()
			expect(t, c, "C3", "unspent outputs")
			o.Amount, _ = o.Amount.Sub(kernel.NewAmount(1))
			o.created++
			c.folder()
			expect(t, c, "C5", "set hash")
			o.created--
			delete(books.outputs, ref)
			if checker, problem := books.storeDiffers(w.nodes[0].store); checker != "C5" || !strings.Contains(problem, "not what the auditor has") {
				t.Errorf("got %s %s", checker, problem)
			}
			books.outputs[ref] = o
			break
		}
	}
	p := c.w.clients.payments[slices.IndexFunc(w.clients.payments, func(p *payment) bool { return books.receipts[p.hash].Status == kernel.Final })]
	kept := books.receipts[p.hash]
	moved := kept
	moved.Commit--
	books.receipts[p.hash] = moved
	c.closes(w.nodes[0])
	expect(t, c, "C4", "was reported")
	delete(books.receipts, p.hash)
	c.answers()
	expect(t, c, "C7", "")
	books.receipts[p.hash] = kept
	p.bad = true
	c.answers()
	expect(t, c, "C2", "became final")
}

// TestRefereeNotices changes the order that was executed.
func TestRefereeNotices(t *testing.T) {
	w := calmWorld(t, 10)
	c := w.checks
	c.referee()
	if c.violation != nil {
		t.Fatal(c.violation)
	}
	at := slices.IndexFunc(c.order, func(o *kernel.Commit) bool { return len(o.Snapshots) > 1 })
	good := c.order[at]
	for _, tt := range []struct {
		lie   func(*kernel.Commit)
		words string
	}{
		{func(o *kernel.Commit) { o.Leader.Author ^= 1 }, "has leader"},
		{func(o *kernel.Commit) { o.Coin[0] ^= 1 }, "names the coin"},
		{func(o *kernel.Commit) { o.CoinRound++ }, "names the coin"},
		{func(o *kernel.Commit) { o.Timestamp++ }, "is at"},
		{func(o *kernel.Commit) { o.Position++ }, "begins at"},
		{func(o *kernel.Commit) { o.Snapshots = o.Snapshots[1:] }, "settles"},
		{func(o *kernel.Commit) { o.Snapshots = o.Snapshots[:len(o.Snapshots)-1] }, "does not settle"},
		{func(o *kernel.Commit) { o.Snapshots[0], o.Snapshots[1] = o.Snapshots[1], o.Snapshots[0] }, "where the naive rule"},
		{func(o *kernel.Commit) { o.Snapshots[1].Claim++ }, "claim"},
	} {
		lied := *good
		lied.Snapshots = slices.Clone(good.Snapshots)
		tt.lie(&lied)
		c.order[at] = &lied
		c.referee()
		expect(t, c, "C2", tt.words)
	}
	c.order[at] = good
	c.order = append(c.order, make([]*kernel.Commit, 1000)...)
	c.referee()
	expect(t, c, "C2", "the naive rule knows")
	c.order = c.order[:len(c.order)-1000]
	c.arrivals[len(c.arrivals)/2].header.Parents[0].ID[0] ^= 1
	c.referee()
	expect(t, c, "C2", "without its parent")
}

// TestStepsNotice tells the checks of steps that no honest node takes.
func TestStepsNotice(t *testing.T) {
	w := calmWorld(t, 5)
	c, n := w.checks, w.nodes[0]
	other := *c.arrivals[0].header
	other.Timestamp++
	raw, err := (&kernel.Snapshot{Header: &other, Body: c.arrivals[0].body}).AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := engine.Record{ID: other.ID(), Author: other.Author, Round: other.Round, Raw: raw}
	for _, tt := range []struct {
		name           string
		out            replica.Output
		checker, words string
	}{
		{"a second snapshot of a round", replica.Output{Persist: []engine.Record{record}}, "C6", "second snapshot"},
		{"bytes that do not decode", replica.Output{Persist: []engine.Record{{ID: kernel.SnapshotID{1}, Raw: raw[1:]}}}, "C6", "does not decode"},
		{"a false accusation", replica.Output{Faulty: []kernel.Equivocation{{Author: 2, Round: 1}}}, "C6", "does not verify"},
		{"a refusal", replica.Output{Refused: []engine.Refused{{From: 2, Err: os.ErrInvalid}}}, "C6", "refuses snapshot"},
	} {
		c.stepped(n, &tt.out)
		expect(t, c, tt.checker, tt.words)
	}
	last := c.order[len(c.order)-1]
	changed := *last
	changed.Coin[0] ^= 1
	c.executed(n, &changed, new(ledger.Diff))
	expect(t, c, "C1", "differs from node")
	changed = *last
	changed.Digest[0] ^= 1
	c.executed(n, &changed, new(ledger.Diff))
	expect(t, c, "C5", "state after commit")
	changed.Index += 2
	c.executed(n, &changed, new(ledger.Diff))
	expect(t, c, "C1", "before anybody")
	c.stuck(1)
	expect(t, c, "C7", "have no answer")
	c.misbehaved(n, 1, os.ErrInvalid)
	expect(t, c, "C6", "ends the connection to honest")

	for range 4 {
		p := w.clients.spend("payment", 1)
		w.clients.sign(p)
		if err := n.submit(p.raw); err != nil {
			t.Fatal(err)
		}
	}
	n.step()
	w.profile.limits.Pool.Count = 3
	c.look(n)
	expect(t, c, "C8", "holds 4 waiting")
	c.idled(n, 4*7*quiet/1000+1)
	expect(t, c, "C8", "idle")
}

// TestReachPoints holds the list of rare states to the code that counts them.
func TestReachPoints(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, name := range files {
		if name == "reach.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		code.Write(b)
	}
	known := make(map[string]bool)
	for _, p := range ReachPoints() {
		if known[p.Name] || p.Help == "" {
			t.Errorf("%s: twice, or without a sentence", p.Name)
		}
		known[p.Name] = true
		if !strings.Contains(code.String(), `reached("`+p.Name) && !composed(p.Name) {
			t.Errorf("nothing counts %s", p.Name)
		}
	}
	for _, found := range regexp.MustCompile(`reached\("([a-z_A-Z0-9]+)"\)`).FindAllStringSubmatch(code.String(), -1) {
		if !known[found[1]] {
			t.Errorf("%s is counted and not listed", found[1])
		}
	}
	for _, p := range Profiles() {
		reached := sim.Counts{}
		for _, name := range strings.Fields(due[p.Name]) {
			if !known[name] {
				t.Errorf("%s must reach %s, which is not listed", p.Name, name)
			}
			reached[name] = 1
		}
		if missed := Missed(p.Name, reached); len(reached) == 0 || len(missed) > 0 {
			t.Errorf("%s: %d points, %v missed", p.Name, len(reached), missed)
		}
		if missed := Missed(p.Name, nil); len(missed) != len(reached) {
			t.Errorf("%s: a suite without runs missed %v only", p.Name, missed)
		}
	}
}

// composed reports whether a name is put together where it is counted.
func composed(name string) bool {
	for _, prefix := range []string{"rejected_", "client_told_", "client_refused_"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			return new(kernel.Rule).UnmarshalText([]byte(rest)) == nil
		}
	}
	if rest, ok := strings.CutPrefix(name, "crash_"); ok {
		return slices.Contains(momentNames[:], rest)
	}
	return strings.HasPrefix(name, "fault_E")
}

// TestRefereeAlone breaks rules of the order and asks nobody but the referee.
func TestRefereeAlone(t *testing.T) {
	for _, name := range []string{"own-horizon", "ignored-parent"} {
		caught := ""
		for seed := uint64(1); seed <= 8 && caught == ""; seed++ {
			w, err := newWorld(Options{Profile: "horizon", Seed: seed, Canary: name, Nodes: 7})
			if err != nil {
				t.Fatal(err)
			}
			w.run()
			w.checks.violation = nil
			if w.checks.referee(); w.checks.violation != nil {
				caught = w.checks.violation.String()
				t.Logf("%s, seed %d: %s", name, seed, caught)
			}
		}
		if caught == "" {
			t.Errorf("%s: nothing noticed", name)
		}
	}
}
