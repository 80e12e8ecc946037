package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestRosterDue: in the middle of an epoch the next roster is worked out only where a commit touched what it is worked
// out from, and no change is missed: each fixes it at the very commit that brings it.
func TestRosterDue(t *testing.T) {
	for name, change := range map[string]func(w *epochWorld){
		"a member joins":   func(w *epochWorld) { w.joinNow(1) },
		"a member resigns": func(w *epochWorld) { w.say(w.record(kernel.RecordResign, w.members[3], nil)) },
		"a member signs twice": func(w *epochWorld) {
			w.say(w.equivocate(w.members[4], w.epoch.Epoch, 3))
		},
		"a member carries rubbish": func(w *epochWorld) {
			w.commit(snapshot(5, 3, 0, &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: []byte("rubbish")}}}))
		},
	} {
		w := newEpochWorld(t, 9)
		w.context.EpochLength = 1000
		for range 10 { // they touch rows: work is counted
			w.commit(snapshot(0, w.round+1, 0, nil), snapshot(1, w.round+1, 0, nil))
			w.round++
		}
		if w.now().Next != nil || w.due() {
			t.Fatalf("%s: a roster is due before", name)
		}
		change(w)
		if n := w.now().Next; n == nil || n.Fixed != w.view.Head().Index {
			t.Errorf("%s: no roster is fixed at that commit: %+v", name, n)
		}
	}
}

// TestLateResignation: a resignation that an epoch's end left behind counts in the next one, and not for ever.
func TestLateResignation(t *testing.T) {
	w := newEpochWorld(t, 9)
	early, late := w.record(kernel.RecordResign, w.members[3], nil), w.record(kernel.RecordResign, w.members[4], nil)
	staying, leaving := w.members[4], w.members[3]
	w.renew()
	w.say(early)
	w.mustBe(t, leaving, kernel.MemberResigning)
	w.renew()
	w.say(late)
	w.mustBe(t, staying, kernel.MemberAccepted)
}
