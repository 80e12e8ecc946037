package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// TestRollNotices tells the auditor of a run in which stakes were taken and given back, with one thing wrong that
// the ledger says of members, stakes and epochs.
func TestRollNotices(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	member := func(change func(*ledger.MemberRecord) bool) rowLie {
		return lieAbout("member/", func(b []byte) []byte {
			var m ledger.MemberRecord
			if m.UnmarshalBinary(b) != nil || !change(&m) {
				return nil
			}
			return m.AppendBinary(nil)
		})
	}
	lies := []lie{
		{"a fault without a flag", member(func(m *ledger.MemberRecord) bool {
			due := m.Flag == ledger.FlagDue
			m.Flag, m.First = ledger.FlagNone, nil
			return due
		}), "flag is none"},
		{"a flag out of force", member(func(m *ledger.MemberRecord) bool {
			inForce := m.Flag == ledger.FlagInForce
			m.FlagEpoch++
			return inForce
		}), "flag since epoch"},
		{"a longer escrow", member(func(m *ledger.MemberRecord) bool {
			m.EscrowUntil++
			return m.Escrowed
		}), "in escrow until"},
		{"a removal", member(func(m *ledger.MemberRecord) bool {
			removed := m.State == kernel.MemberRemoved
			m.State = kernel.MemberAccepted
			return removed
		}), "state is accepted"},
		{"coins from nowhere", lieAbout(ledger.RowStake, func(b []byte) []byte {
			var s ledger.StakeState
			if s.UnmarshalBinary(b) != nil {
				return nil
			}
			s.Escrow, _ = s.Escrow.Add(kernel.NewAmount(1))
			return s.AppendBinary(nil)
		}), "in escrow"},
		{"another roster", lieAbout("next", func(b []byte) []byte {
			var n ledger.NextEpoch
			if n.UnmarshalBinary(b) != nil {
				return nil
			}
			n.Members[0], n.Members[1] = n.Members[1], n.Members[0]
			return n.AppendBinary(nil)
		}), "the next roster has"},
		{"a verdict that nobody gave", lieAbout("next", func(b []byte) []byte {
			var n ledger.NextEpoch
			if n.UnmarshalBinary(b) != nil || n.Verdicts == 0 {
				return nil
			}
			n.Verdicts &= n.Verdicts - 1
			return n.AppendBinary(nil)
		}), "verdicts"},
		{"an early end", lieAbout("epoch", func(b []byte) []byte {
			var e ledger.Epoch
			if e.UnmarshalBinary(b) != nil || e.Closing == 0 {
				return nil
			}
			e.Closing &= e.Closing - 1
			return e.AppendBinary(nil)
		}), "closing"},
	}
	const first, most = 10, 40 // the first has all there is to lie about, until something changes what runs do
	for seed := uint64(first); seed < first+most; seed++ {
		w, err := newWorld(Options{Profile: "members", Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		if w.run(); w.checks.violation != nil {
			t.Fatal(w.checks.violation)
		}
		before, done := len(lies), false
		if lies, done = w.audited(t, lies); done {
			return
		}
		t.Logf("seed %d: %d of %d lies told", seed, before-len(lies), before)
	}
	t.Fatalf("the runs have nothing to lie about: %d lies left", len(lies))
}

// A lie is something wrong in a row, and what the auditor says of it.
type lie struct {
	name  string
	row   rowLie
	words string
}

// A rowLie changes a row of a commit; nil if there is nothing to lie about.
type rowLie func(*ledger.Diff) *ledger.SystemRow

// lieAbout changes the first row whose key begins with a prefix, if it can.
func lieAbout(prefix string, change func([]byte) []byte) rowLie {
	return func(d *ledger.Diff) *ledger.SystemRow {
		for _, row := range d.System {
			if !strings.HasPrefix(row.Key, prefix) || len(row.Key) != len(prefix) && !strings.HasSuffix(prefix, "/") || row.Value == nil {
				continue
			}
			if lied := change(bytes.Clone(row.Value)); lied != nil {
				return &ledger.SystemRow{Key: row.Key, Value: lied}
			}
		}
		return nil
	}
}

// audited executes a run's commits again and tells a new auditor of them. As soon as it can it lies about each
// row, and in the end about a transaction of the ledger's own: then it is done.
func (w *world) audited(t *testing.T, lies []lie) (left []lie, done bool) {
	t.Helper()
	c := w.checks
	c.auditor = newAuditor(c)
	n := w.nodes[slices.IndexFunc(w.nodes, func(n *node) bool { return n.up })]
	view := ledger.NewMemView()
	view.Apply(w.stage.diff)
	for _, known := range c.order {
		commit := *known
		var bodies []ledger.Committed
		for _, s := range commit.Snapshots {
			bodies = append(bodies, ledger.Committed{Author: s.Author, Round: s.Round, ID: s.ID, Claim: s.Claim, Names: s.Names, Closing: s.Closing, Body: c.find(s.ID).body})
		}
		context := *n.replica.Context()
		context.Roster = c.eras[commit.Epoch].roster
		diff := ledger.Execute(view, &commit, bodies, &context)
		view.Apply(diff)
		if len(lies) == 0 && len(diff.Issued) > 0 {
			diff.Issued = diff.Issued[1:]
			c.auditor.audit(n, &commit, diff)
			expect(t, c, "C9", "transactions by itself")
			return nil, true
		}
		if c.auditor.audit(n, &commit, diff); c.violation != nil {
			t.Fatalf("commit %d: %v", commit.Index, c.violation)
		}
		lies = slices.DeleteFunc(lies, func(l lie) bool {
			row := l.row(diff)
			if row == nil {
				return false
			}
			j := &judgement{books: c.auditor.state}
			right := j.system[row.Key]
			j.system[row.Key] = row.Value
			checker, problem := j.rollDiffers(diff)
			j.system[row.Key] = right
			if checker != "C9" || !strings.Contains(problem, l.words) {
				t.Errorf("%s: got %s %q, want %q", l.name, checker, problem, l.words)
			}
			return true
		})
	}
	return lies, false
}
