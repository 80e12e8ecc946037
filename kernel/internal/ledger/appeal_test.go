package ledger

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestAppealOfAFlag: the accused appeals by its own key, holders and a light witness vote, the flag ends.
func TestAppealOfAFlag(t *testing.T) {
	for name, win := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			w := newParliament(t)
			w.bring(w.card(asIs, w.voter, 0, 1))
			m := w.punished(2)
			w.bring(w.record(kernel.RecordMotion, (&kernel.Proposal{Motion: *m}).AppendBinary(nil), w.nodes[2]))
			if got := w.motion(m); got.Votes != 0 || got.Deadline != w.view.Head().Index+testWindow {
				t.Fatalf("%+v", got)
			}
			again := *m
			again.Nonce++
			if err := CheckRecord(w.view, w.motionRecord(&again, 3), 0, w.context); !errors.Is(err, MotionVoid) {
				t.Fatalf("a second appeal in one matter: %v", err)
			}
			vote := kernel.Vote{Motion: m.ID(w.context.Network), For: win}
			w.bring(w.record(kernel.RecordVote, vote.AppendBinary(nil), w.voter))
			w.cast(m, win, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)
			tally := w.motion(m).Against
			if win {
				tally = w.motion(m).For
			}
			if tally.Witnesses != whole(2*testBalance) || tally.Holders != whole(10*testBalance) {
				t.Fatalf("%+v", tally)
			}
			w.wait(testWindow)
			member := memberOfKey(w.view, w.context.Network, w.nodes[2].Public())
			if win {
				w.state(m, MotionDone)
			} else {
				w.state(m, MotionRejected)
			}
			if (member.Flag == FlagNone) != win {
				t.Fatalf("flag %v", member.Flag)
			}
			if all := Witnesses(w.view); len(all) != 1 || all[0].Votes != 1 || all[0].Work != workOfVote {
				t.Fatalf("witnesses %+v", all)
			}
		})
	}
}

// TestAppealOfARemoval: what is in escrow stays there until the votes on it have ended, then goes
// back to the member or to the pool.
func TestAppealOfARemoval(t *testing.T) {
	for name, win := range map[string]bool{"won": true, "lost": false} {
		t.Run(name, func(t *testing.T) {
			w := newParliament(t)
			key := w.nodes[2].Public()
			w.punished(2)
			w.turn()
			a, b := w.twins(2, 9)
			for _, h := range []*kernel.Header{a, b} {
				h.Epoch = 1
				w.signHeader(h, 2)
			}
			r := w.record(kernel.RecordEvidence, appendEquivocation(a, b), w.nodes[0])
			r.Epoch = 1
			w.turned(on(r, r.Network, w.nodes[0]))
			member := memberOfKey(w.view, w.context.Network, key)
			if !member.Escrowed {
				t.Fatalf("%+v", member)
			}
			pool, _ := StakeOf(w.view)
			for range testWindow - 2 {
				w.turned()
			}
			m := &kernel.Motion{Subject: kernel.SubjectPenalty, Title: "lift", Penalty: &kernel.Penalty{Member: key}}
			w.turned(w.motionRecord(m, 0))
			w.turned(w.record(kernel.RecordVote, w.voteOf(m, win, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19).AppendBinary(nil), w.voter))
			for range testWindow - 2 {
				w.turned()
			}
			if m := memberOfKey(w.view, w.context.Network, key); !m.Escrowed {
				t.Fatal("the stake is gone before the votes have ended")
			}
			w.turned()
			w.turned()
			member = memberOfKey(w.view, w.context.Network, key)
			now, _ := StakeOf(w.view)
			gone, _ := now.Pool.Sub(pool.Pool)
			switch {
			case win && (member.Flag != FlagNone || member.Stake != whole(testPledge) || !gone.IsZero() || w.motion(m).State != MotionDone):
				t.Fatalf("won: %+v, %v to the pool", member, gone)
			case !win && (member.Escrowed || gone != whole(testPledge) || w.motion(m).State != MotionRejected):
				t.Fatalf("lost: %+v, %v to the pool", member, gone)
			}
		})
	}
}

// turned commits records in the epoch under way.
func (w *parliament) turned(rs ...*kernel.Record) {
	w.inside(func(x *execution) { x.endGovernance(); x.endMint() }, snapshot(0, kernel.Round(w.view.Head().Index+1), 0, records(rs...)))
}

// TestNobodyMakesAPenalty: a motion on a member that did nothing is void, whoever wants it.
func TestNobodyMakesAPenalty(t *testing.T) {
	w := newParliament(t)
	m := &kernel.Motion{Subject: kernel.SubjectPenalty, Title: "punish", Penalty: &kernel.Penalty{Member: w.nodes[1].Public()}}
	w.carry(w.motionRecord(m, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11))
	w.wait(testWindow + voteDelay + 2)
	if got := memberOfKey(w.view, w.context.Network, w.nodes[1].Public()); got.Flag != FlagNone || MotionCount(w.view) != 0 {
		t.Fatalf("%+v", got)
	}
}
