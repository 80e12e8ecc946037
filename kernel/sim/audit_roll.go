package sim

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// This file compares the auditor's list of members with what the ledger wrote into its rows.

// rowsOf is a view of system rows, and of nothing else.
type rowsOf struct {
	ledger.View
	rows map[string][]byte
}

// System implements ledger.View.
func (r rowsOf) System(key string) ([]byte, bool) {
	b, ok := r.rows[key]
	return b, ok
}

// rollDiffers: members, faults, flags, stakes and the next roster are as the auditor found by itself. [C9]
func (j *judgement) rollDiffers(*ledger.Diff) (checker, problem string) {
	if j.roll == nil {
		return "", ""
	}
	view := rowsOf{rows: j.system}
	listed := ledger.MembersOf(view)
	all := slices.Concat(j.roll.members, j.roll.gone)
	if len(listed) != len(all) {
		return "C9", fmt.Sprintf("%d members were ever listed, the auditor knows %d", len(listed), len(all))
	}
	for i := range listed {
		if problem := all[i].differs(&listed[i]); problem != "" {
			return "C9", fmt.Sprintf("member %s: %s", listed[i].Member.Name, problem)
		}
	}
	state, ok := ledger.StakeOf(view)
	if !ok || state.Pool != j.roll.pool || state.Escrow != j.roll.escrow {
		return "C9", fmt.Sprintf("%v in the pool and %v in escrow, by the auditor %v and %v", state.Pool, state.Escrow, j.roll.pool, j.roll.escrow)
	}
	return j.epochDiffers(view)
}

// differs compares a member with its row.
func (m *enrolment) differs(row *ledger.MemberRecord) string {
	for _, x := range []struct {
		what      string
		got, want any
	}{
		{"key", row.Member.Key, m.key},
		{"payee", row.Member.Payee, m.payee},
		{"state", row.State, m.state},
		{"since", row.Since, m.since},
		{"stake", row.Stake, m.stake},
		{"collateral", row.Collateral, m.collateral},
		{"left", row.Left, m.left},
		{"left in epoch", row.LeftEpoch, m.leftEpoch},
		{"flag", row.Flag, m.flag},
		{"flag since epoch", row.FlagEpoch, m.flagEpoch},
		{"flagged in its roster", row.Member.Flagged, m.flagged},
		{"in escrow", row.Escrowed, m.escrowed},
		{"in escrow until", row.EscrowUntil, m.until},
		{"late", row.Late, m.late},
		{"faults", row.Faults, m.faults},
		{"first fault", faultAt(row.First), faultAt(m.first)},
		{"second fault", faultAt(row.Second), faultAt(m.second)},
	} {
		if x.got != x.want {
			return fmt.Sprintf("%s is %v, by the auditor %v", x.what, x.got, x.want)
		}
	}
	return ""
}

func faultAt(f *ledger.Fault) ledger.Fault {
	if f == nil {
		return ledger.Fault{}
	}
	return *f
}

// epochDiffers compares how far the epoch is.
func (j *judgement) epochDiffers(view ledger.View) (checker, problem string) {
	r := j.roll
	e, ok := ledger.EpochOf(view)
	switch {
	case !ok || e.Number != r.epoch || e.Genesis != r.genesisCommit() || e.Attempts != r.attempts:
		return "C9", fmt.Sprintf("epoch %d since commit %d, %d rosters fixed; by the auditor %d, %d, %d", e.Number, e.Genesis, e.Attempts, r.epoch, r.genesisCommit(), r.attempts)
	case e.Decided != r.decided || e.Closing != r.closing:
		return "C9", fmt.Sprintf("decided at %d, closing %b; by the auditor %d, %b", e.Decided, e.Closing, r.decided, r.closing)
	case !slices.Equal(e.Facts.Roster.Members, r.roster):
		return "C9", fmt.Sprintf("the roster in force has %d members, not the auditor's %d", len(e.Facts.Roster.Members), len(r.roster))
	case (e.Next == nil) != (r.attempt == nil):
		return "C9", fmt.Sprintf("the next roster is fixed: %t, by the auditor %t", e.Next != nil, r.attempt != nil)
	case e.Next == nil:
		return "", ""
	}
	a, n := r.attempt, e.Next
	switch {
	case n.Fixed != a.fixed || n.Attempt != a.draft.Attempt || !slices.Equal(n.Members, a.draft.Members):
		return "C9", fmt.Sprintf("the next roster has %d members since %d, not the auditor's %d since %d", len(n.Members), n.Fixed, len(a.draft.Members), a.fixed)
	case n.DealerSet() != a.dealers() || (n.Closed > 0) != a.closed || n.Posted != a.posted || n.Verdicts != a.verdicts || n.Bad != a.bad:
		return "C9", fmt.Sprintf("dealers %b, verdicts %b of %b, bad %b; by the auditor %b, %b of %b, %b", n.DealerSet(), n.Verdicts, n.Posted, n.Bad, a.dealers(), a.verdicts, a.posted, a.bad)
	case !slices.Equal(n.CoinKey, a.key):
		return "C9", "another coin key than the dealings make"
	}
	return "", ""
}

var _ ledger.View = rowsOf{}
