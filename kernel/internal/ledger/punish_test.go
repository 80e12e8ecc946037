package ledger

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestFlagThenRemoval follows a cheat to the pool.
func TestFlagThenRemoval(t *testing.T) {
	w := newStakeWorld(t, 8)
	cheat := w.nodes[3]
	pool, _ := StakeOf(w.view)
	w.carry(w.equivocate(cheat, 0, 5))
	w.carry(w.equivocate(cheat, 0, 6)) // counts as the first
	if m := w.of(cheat); m.Flag != FlagDue || m.State != kernel.MemberAccepted || m.Faults != 2 || m.First == nil || m.First.Round != 5 || m.Second != nil {
		t.Fatalf("after the first fault: %+v", m)
	}
	if !w.due() {
		t.Fatal("no roster is due")
	}
	next := w.turn()
	if m := w.of(cheat); m.Flag != FlagInForce || m.FlagEpoch != 1 || !m.Member.Flagged || !next.Members[3].Flagged || next.Roster().Voting() != 7 || w.due() {
		t.Fatalf("in force: %+v", m)
	}
	w.carry(w.equivocate(cheat, 0, 7)) // of the epoch before the flag: still the first
	if w.mustBe(t, cheat, kernel.MemberAccepted); w.due() {
		t.Fatal("an old fault counts as the second")
	}
	d := w.carry(w.equivocate(cheat, 1, 7))
	m := w.of(cheat)
	if m.State != kernel.MemberRemoved || !m.Escrowed || m.Second == nil || m.Second.Epoch != 1 || m.EscrowUntil != m.Since+testWindow {
		t.Fatalf("after the second: %+v", m)
	}
	if len(d.Issued) != 1 || len(d.Receipts) != 1 {
		t.Fatalf("%d transactions of the ledger's own", len(d.Issued))
	}
	if state, _ := StakeOf(w.view); state.Escrow != whole(testPledge) || state.Pool != pool.Pool {
		t.Fatalf("in escrow %v, pool %v", state.Escrow, state.Pool)
	}
	w.carry(w.equivocate(cheat, 1, 8)) // nothing is left to lose
	w.turn()
	if w.place(cheat.Public()) >= 0 || len(w.epoch.Members) != 7 {
		t.Fatal("it is still a member")
	}
	for w.view.Head().Index < m.EscrowUntil {
		w.pass(1)
		if state, _ := StakeOf(w.view); state.Escrow != whole(testPledge) {
			t.Fatalf("released at %d, the window ends with %d", w.view.Head().Index, m.EscrowUntil)
		}
	}
	w.pass(1)
	mustAdd(&pool.Pool, whole(testPledge))
	if state, _ := StakeOf(w.view); state != pool {
		t.Fatalf("%+v, want %+v", state, pool)
	}
	if m := w.of(cheat); m.Escrowed || m.Stake != (kernel.Amount{}) || m.State != kernel.MemberRemoved {
		t.Fatalf("at the end: %+v", m)
	}
	if ids := idsOf(w.view, rowMembers); len(ids) != 7 {
		t.Fatalf("%d members are listed", len(ids))
	}
}

// TestRemovalAtSeven: a flagged member that is removed changes no voting number, so it goes though
// six are left.
func TestRemovalAtSeven(t *testing.T) {
	w := newStakeWorld(t, 7)
	cheat := w.nodes[6]
	w.carry(w.equivocate(cheat, 0, 5))
	w.turn()
	w.carry(w.equivocate(cheat, 1, 5))
	if next := w.turn(); len(next.Members) != 6 || next.Roster().Voting() != 6 {
		t.Fatalf("%d members are left", len(next.Members))
	}
	if err := w.epoch.Check(); err != nil {
		t.Fatal(err)
	}
}

// TestFlagWaitsForTheNextRoster: what is found after a roster is fixed waits for the one behind it.
func TestFlagWaitsForTheNextRoster(t *testing.T) {
	w := newStakeWorld(t, 8)
	cheat := w.nodes[2]
	members := mustDraft(w)
	w.carry(w.equivocate(cheat, 0, 5))
	w.force(members)
	w.carry(w.equivocate(cheat, 1, 5)) // flag is not in force in epoch 1
	if m := w.of(cheat); m.Flag != FlagDue || m.State != kernel.MemberAccepted {
		t.Fatalf("%+v", m)
	}
	w.turn()
	if m := w.of(cheat); m.Flag != FlagInForce || m.FlagEpoch != 2 {
		t.Fatalf("%+v", m)
	}
	w.carry(w.equivocate(cheat, 1, 6)) // still before the flag
	w.mustBe(t, cheat, kernel.MemberAccepted)
}

// TestRestore: an appeal that is won undoes everything, at each step.
func TestRestore(t *testing.T) {
	id := func(w *stakeWorld, node crypto.NodeKey) kernel.NodeID {
		return kernel.NodeIDOf(w.context.Network, node.Public())
	}
	t.Run("nothing to restore", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.inside(func(x *execution) {
			if restore(x, id(w, w.nodes[1])) || restore(x, kernel.NodeID{1}) {
				t.Error("restored")
			}
		})
	})
	t.Run("due", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.carry(w.equivocate(w.nodes[1], 0, 5))
		w.inside(func(x *execution) { restore(x, id(w, w.nodes[1])) })
		if m := w.of(w.nodes[1]); m.Flag != FlagNone || w.due() {
			t.Fatalf("%+v", m)
		}
	})
	t.Run("flagged", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.carry(w.equivocate(w.nodes[1], 0, 5))
		w.turn()
		w.inside(func(x *execution) { restore(x, id(w, w.nodes[1])) })
		if !w.due() {
			t.Fatal("no roster is due")
		}
		if next := w.turn(); next.Members[1].Flagged || next.Roster().Voting() != 8 || w.of(w.nodes[1]).Member.Flagged {
			t.Fatal("it is still flagged")
		}
	})
	t.Run("removed, in the roster", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.carry(w.equivocate(w.nodes[1], 0, 5))
		w.turn()
		w.carry(w.equivocate(w.nodes[1], 1, 5))
		w.inside(func(x *execution) { restore(x, id(w, w.nodes[1])) })
		if m := w.of(w.nodes[1]); m.State != kernel.MemberAccepted || m.Escrowed || m.Stake != whole(testPledge) {
			t.Fatalf("%+v", m)
		}
		if next := w.turn(); next.Roster().Voting() != 8 {
			t.Fatal("it does not vote")
		}
	})
	t.Run("removed and gone", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.carry(w.equivocate(w.nodes[1], 0, 5))
		w.turn()
		w.carry(w.equivocate(w.nodes[1], 1, 5))
		w.turn()
		w.inside(func(x *execution) { restore(x, id(w, w.nodes[1])) })
		w.mustBe(t, w.nodes[1], kernel.MemberJoining)
		if next := w.turn(); next.Roster().Voting() != 8 || w.place(w.nodes[1].Public()) != 7 {
			t.Fatal("it does not join again")
		}
		w.carry(w.equivocate(w.nodes[1], 3, 5))
		if m := w.of(w.nodes[1]); m.Flag != FlagDue {
			t.Fatalf("a fault after the restoration: %+v", m)
		}
	})
	t.Run("held, then too late", func(t *testing.T) {
		w := newStakeWorld(t, 8)
		w.carry(w.equivocate(w.nodes[1], 0, 5))
		w.turn()
		w.carry(w.equivocate(w.nodes[1], 1, 5))
		end := w.of(w.nodes[1]).EscrowUntil
		w.inside(func(x *execution) { holdEscrow(x, id(w, w.nodes[1]), end+5); holdEscrow(x, id(w, w.nodes[1]), end) })
		for w.view.Head().Index < end+5 {
			w.pass(1)
		}
		if !w.of(w.nodes[1]).Escrowed {
			t.Fatal("an appeal does not hold the escrow")
		}
		w.pass(1)
		w.inside(func(x *execution) {
			if restore(x, id(w, w.nodes[1])) {
				t.Error("restored from the pool")
			}
		})
	})
}

// TestResignedCheat: who resigns is paid back only when nothing that it did can be found any more.
func TestResignedCheat(t *testing.T) {
	w := newStakeWorld(t, 9)
	cheat := w.nodes[4]
	w.carry(w.equivocate(cheat, 0, 5))
	w.turn()
	w.resign(cheat)
	w.turn() // epoch 2: it has left
	if w.place(cheat.Public()) >= 0 {
		t.Fatal("it has not left")
	}
	w.carry(w.equivocate(cheat, 1, 9))
	if m := w.of(cheat); m.State != kernel.MemberRemoved || !m.Escrowed {
		t.Fatalf("its second fault, found an epoch later: %+v", m)
	}
	w.turn()
	w.turn()
	if state, _ := StakeOf(w.view); state.Escrow == (kernel.Amount{}) {
		t.Fatal("it was paid back")
	}
}

// TestOldEvidence: of the epoch before, not of older ones.
func TestOldEvidence(t *testing.T) {
	w := newStakeWorld(t, 9)
	old := w.equivocate(w.nodes[1], 0, 5)
	w.turn()
	other := w.equivocate(w.nodes[2], 0, 5)
	if d := w.carry(other); len(d.Faults) != 1 || d.Faults[0].Epoch != 0 {
		t.Fatalf("evidence of the epoch before: %v", d.Faults)
	}
	w.turn()
	if d := w.carry(old); len(d.Faults) != 0 {
		t.Fatalf("evidence of two epochs ago: %v", d.Faults)
	}
}

// TestWrongShare: E4 for a share that is not the author's for the round, and for nothing else.
func TestWrongShare(t *testing.T) {
	w := newStakeWorld(t, 7)
	good := w.shareHeader(2, 9, 9)
	other := w.shareHeader(2, 9, 10) // right share of another round
	if d := w.carry(w.wrongShare(good)); len(d.Faults) != 0 {
		t.Fatal("a right share is a fault")
	}
	missing := *good
	missing.Share = nil
	id := missing.ID()
	missing.Signature = w.nodes[2].Sign(id[:])
	if d := w.carry(w.wrongShare(&missing)); len(d.Faults) != 0 {
		t.Fatal("a missing share is a fault")
	}
	unsigned := *other
	unsigned.Signature[5]++
	if d := w.carry(w.wrongShare(&unsigned)); len(d.Faults) != 0 {
		t.Fatal("a header that nobody signed is evidence")
	}
	framed := *other
	framed.Author, framed.Parents = 3, []kernel.Parent{{Author: 3, Round: 8}}
	if d := w.carry(w.wrongShare(&framed)); len(d.Faults) != 0 {
		t.Fatal("somebody else's header is evidence")
	}
	forged := w.wrongShare(other)
	forged.Signature[0]++
	if d := w.carry(forged); len(d.Faults) != 0 {
		t.Fatal("a record that nobody signed is evidence")
	}
	d := w.carry(w.wrongShare(other), w.wrongShare(other))
	if len(d.Faults) != 1 || d.Faults[0].Kind != FaultCoin || d.Faults[0].Author != 2 || d.Faults[0].Round != 9 || d.Faults[0].Snapshot != other.ID() {
		t.Fatalf("faults %v", d.Faults)
	}
	if m := w.of(w.nodes[2]); m.Flag != FlagDue {
		t.Fatalf("%+v", m)
	}
}

// TestSharesJudgedInASnapshot: only so many records cost time.
func TestSharesJudgedInASnapshot(t *testing.T) {
	w := newStakeWorld(t, 7)
	var list []*kernel.Record
	for range maxSharesJudged {
		list = append(list, w.wrongShare(w.shareHeader(2, 9, 9)))
	}
	late := w.wrongShare(w.shareHeader(3, 9, 10))
	if d := w.carry(append(list, late)...); len(d.Faults) != 0 {
		t.Fatal("a ninth record is read")
	}
	if d := w.carry(late); len(d.Faults) != 1 {
		t.Fatal("in a snapshot of its own it is evidence")
	}
}

// TestExecutionFaultsFlag: E2 and E3 have the same consequences.
func TestExecutionFaultsFlag(t *testing.T) {
	w := newStakeWorld(t, 8)
	bad := &kernel.Body{Entries: []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: []byte("rubbish")}}}
	if d := w.inside(nil, snapshot(5, 3, 0, bad)); len(d.Faults) != 1 {
		t.Fatal("no fault")
	}
	if m := w.of(w.nodes[5]); m.Flag != FlagDue || m.First.Kind != FaultInvalid {
		t.Fatalf("%+v", m)
	}
}

// TestOnlyCheatsPay: whatever happens in whatever order, a member that is not at fault keeps its
// stake and its vote: payments race, records come late, twice and forged, members come and go,
// rosters are fixed early and come into force late. Who cheats is flagged at the next roster, and
// loses its stake for what it does behind that.
// 10,000 histories in full runs. [T11]
func TestOnlyCheatsPay(t *testing.T) {
	manyChecks(t)
	rapid.Check(t, func(r *rapid.T) {
		w := newStakeWorld(r, rapid.SampledFrom([]int{7, 8, 9, 10, 13}).Draw(r, "members"))
		c := &chaos{stakeWorld: w, guilty: make(map[kernel.Key]bool), round: 10}
		for range rapid.IntRange(5, 30).Draw(r, "steps") {
			c.step(r)
		}
	})
}

// A chaos is a network in which everything happens.
type chaos struct {
	*stakeWorld
	guilty  map[kernel.Key]bool // signed twice
	round   kernel.Round
	fixed   []kernel.Member // a roster that waits to come into force
	late    []*kernel.Record
	balance int
}

func (c *chaos) step(r *rapid.T) {
	members := c.context.Roster.Members
	member := c.keys[members[rapid.IntRange(0, len(members)-1).Draw(r, "member")].Key]
	c.round++
	switch rapid.IntRange(0, 9).Draw(r, "what") {
	case 0: // signs twice; the proof comes now or later
		c.guilty[member.Public()] = true
		record := c.equivocate(member, c.epoch.Epoch, c.round)
		if rapid.Bool().Draw(r, "later") {
			c.late = append(c.late, record)
		} else {
			c.carry(record)
		}
	case 1: // proofs that were on their way
		if len(c.late) > 0 {
			c.carry(c.late...)
			c.late = nil
		}
	case 2: // somebody is accused of what it did not do
		forged := c.equivocate(member, c.epoch.Epoch, c.round)
		forged.Payload[len(forged.Payload)-1]++
		hash := forged.SigningHash()
		forged.Signature = c.nodes[0].Sign(hash[:])
		c.carry(forged)
	case 3:
		c.resign(member)
	case 4:
		c.join(c.next())
	case 5:
		node, payee := c.candidate()
		tx := c.pledgeTx(c.next(), node, payee)
		c.settleStake(tx)
		c.settleStake(c.cancelTx(tx, c.balance))
	case 6:
		c.race(r)
	case 7:
		c.pass(rapid.IntRange(1, 30).Draw(r, "commits"))
	case 8: // a roster is fixed, things happen, and it comes into force
		if c.fixed == nil {
			c.fixed = mustDraft(c.stakeWorld)
			return
		}
		c.force(c.fixed)
		c.fixed = nil
	case 9:
		c.turn()
		c.fixed = nil
	}
	c.judge(r)
}

func (c *chaos) next() int {
	c.balance++
	return c.balance
}

// race puts two spends of one output into the snapshots of two authors that knew nothing of each other.
func (c *chaos) race(r *rapid.T) {
	place := c.next()
	head := c.view.Head().Index
	a := c.sign(c.spend(kernel.XIN, c.refs(place), c.output(whole(testBalance), 1, 1)))
	b := c.sign(c.spend(kernel.XIN, c.refs(place), c.output(whole(testBalance), 1, 1)))
	first, second := snapshot(0, c.round, head, c.entries(a)), snapshot(1, c.round, head, c.entries(b))
	if rapid.Bool().Draw(r, "in one commit") {
		c.inside(nil, first, second)
		return
	}
	c.inside(nil, first)
	c.inside(nil, second) // its claim is from before
}

func (c *chaos) judge(r *rapid.T) {
	for _, m := range MembersOf(c.view) {
		guilty := c.guilty[m.Member.Key]
		if !guilty && (m.Flag != FlagNone || m.Faults > 0 || m.Escrowed || m.Member.Flagged) {
			r.Fatalf("%s did nothing and is punished: %+v", m.Member.Name, m)
		}
		if !guilty && m.State == kernel.MemberRemoved && !m.Left {
			r.Fatalf("%s did nothing and is removed: %+v", m.Member.Name, m)
		}
	}
	if voting := c.context.Roster.Voting(); voting < kernel.MinVoting {
		r.Fatalf("%d vote", voting)
	}
}
