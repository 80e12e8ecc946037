package ledger

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestJoinAndLeave follows a member from its pledge to the day it is paid back.
func TestJoinAndLeave(t *testing.T) {
	w := newStakeWorld(t, 7)
	if w.due() {
		t.Fatal("a new roster is due and nothing happened")
	}
	node, payee := w.candidate()
	pledge := w.pledgeTx(1, node, payee)
	w.settleStake(pledge)
	if w.due() {
		t.Fatal("a pledge alone makes a roster due")
	}
	w.settleStake(w.acceptTx(pledge, node))
	w.mustBe(t, node, kernel.MemberJoining)
	if !w.due() {
		t.Fatal("an accepted member waits and nothing is due")
	}
	w.turn()
	w.mustBe(t, node, kernel.MemberAccepted)
	if w.place(node.Public()) != 7 || w.due() {
		t.Fatalf("the new member has place %d", w.place(node.Public()))
	}
	w.resign(node)
	w.mustBe(t, node, kernel.MemberResigning)
	w.turn()
	if m := w.of(node); w.place(node.Public()) >= 0 || !m.Left || m.Stake != whole(testPledge) {
		t.Fatalf("after the epoch in which it resigned: %+v", m)
	}
	d := w.lastTurn(t)
	if m := w.of(node); m.State != kernel.MemberRemoved || m.Stake != (kernel.Amount{}) {
		t.Fatalf("an epoch later: %+v", m)
	}
	if len(d.Issued) != 1 || len(d.Receipts) != 1 || !d.Receipts[0].Snapshot.IsZero() {
		t.Fatalf("%d transactions of the ledger's own, %d receipts", len(d.Issued), len(d.Receipts))
	}
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(d.Issued[0]); err != nil {
		t.Fatal(err)
	}
	out := tx.Outputs[0]
	if spend, err := crypto.ViewGhost(kernel.PublicView(payee.Spend), out.Keys[0], out.Mask, 0); err != nil || spend != payee.Spend || out.Amount != whole(testPledge) {
		t.Fatal("the stake is not paid to the payee")
	}
	// The key is used up, the coins are not.
	if err := w.check(w.pledgeTx(2, node, payee)); err == nil {
		t.Error("a key is a member's twice")
	}
	w.privates[out.Keys[0]] = ghostOf(t, crypto.ScalarFromWide([64]byte{byte(w.fresh), byte(w.fresh >> 8), 9}), payee, out)
	w.settleStake(w.sign(w.spend(kernel.XIN, []kernel.OutputRef{{Hash: tx.Hash()}}, w.output(whole(testPledge), 1, 1))))
}

func ghostOf(t *testing.T, spend crypto.Scalar, payee kernel.Address, out kernel.Output) crypto.Scalar {
	t.Helper()
	private, err := crypto.GhostPrivate(kernel.PublicView(payee.Spend), spend, out.Mask, 0)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

// lastTurn turns the epoch and returns the diff of the commit that ended it.
func (w *stakeWorld) lastTurn(t *testing.T) *Diff {
	t.Helper()
	members, _ := w.draft()
	next := &kernel.EpochRoster{Epoch: w.epoch.Epoch + 1, Members: members, CheckpointKeys: make([]kernel.Key, len(members)), CoinKey: w.genesis.CoinKey}
	d := w.inside(func(x *execution) { rosterInForce(x, w.epoch, next) })
	w.epoch = next
	context := *w.context
	context.Roster = next.Roster()
	w.context = &context
	return d
}

// draft is what a roster fixed now would be, without fixing it.
func (w *stakeWorld) draft(late ...kernel.Key) (members []kernel.Member, due bool) {
	w.inside(func(x *execution) { members, due = nextMembers(x, late...) })
	return members, due
}

// TestEveryBoundary joins from 7 up to 50 members and leaves down to 7: at each size the numbers are
// right, the fifty-first waits, and so does the one that would leave six.
func TestEveryBoundary(t *testing.T) {
	w := newStakeWorld(t, 7)
	var joined []crypto.NodeKey
	for n := 8; n <= kernel.MaxMembers; n++ {
		joined = append(joined, w.join(n))
		if next := w.turn(); len(next.Members) != n || next.Roster().Voting() != n {
			t.Fatalf("%d members, want %d", len(next.Members), n)
		}
	}
	node, payee := w.candidate()
	if err := w.check(w.pledgeTx(60, node, payee)); err == nil {
		t.Fatal("a fifty-first member")
	}
	for n := kernel.MaxMembers - 1; n >= kernel.MinMembers; n-- {
		w.resign(joined[n-7])
		if next := w.turn(); len(next.Members) != n {
			t.Fatalf("%d members, want %d", len(next.Members), n)
		}
	}
	w.resign(w.nodes[3])
	if w.due() {
		t.Fatal("a leave that cannot be makes a roster due")
	}
	w.turn()
	w.mustBe(t, w.nodes[3], kernel.MemberResigning)
	if w.place(w.nodes[3].Public()) != 3 {
		t.Fatal("six members are left")
	}
	w.join(61)
	if next := w.turn(); len(next.Members) != 7 || w.place(w.nodes[3].Public()) >= 0 {
		t.Fatal("with an eighth it may leave")
	}
}

// TestFlagBoundaries: at every size, flags come in the order of the faults until four vote.
func TestFlagBoundaries(t *testing.T) {
	for n := kernel.MinMembers; n <= kernel.MaxMembers; n++ {
		w := newStakeWorld(t, n)
		order := make([]int, 0, n)
		for i := range n - 2 {
			order = append(order, (i*3+1)%n)
		}
		at := make(map[int]bool)
		for i, a := range order {
			if at[a] {
				order[i] = -1
				continue
			}
			at[a] = true
			w.carry(w.equivocate(w.nodes[a], 0, 5))
		}
		next := w.turn()
		if got, want := next.Roster().Voting(), max(kernel.MinVoting, n-len(at)); got != want {
			t.Fatalf("of %d with %d faulty %d vote, want %d", n, len(at), got, want)
		}
		left := n - kernel.MinVoting
		for _, a := range order {
			if a < 0 {
				continue
			}
			left--
			if flagged := next.Members[a].Flagged; flagged != (left >= 0) {
				t.Fatalf("of %d: flag of member %d is %v, %d before it", n, a, flagged, n-kernel.MinVoting-left-1)
			}
		}
	}
}

// TestLateJoiner: who posts no verdict is left out, and makes no roster due until there is another reason.
func TestLateJoiner(t *testing.T) {
	w := newStakeWorld(t, 7)
	late, good := w.join(1), w.join(2)
	if members, due := w.draft(late.Public()); len(members) != 8 || !due {
		t.Fatalf("%d members without the late one", len(members))
	}
	w.inside(func(x *execution) { missedVerdict(x, late.Public()) })
	if members, due := w.draft(); len(members) != 9 || !due {
		t.Fatalf("%d members, due %v, while another waits", len(members), due)
	}
	w.force(mustDraft(w, late.Public()))
	w.mustBe(t, late, kernel.MemberJoining)
	w.mustBe(t, good, kernel.MemberAccepted)
	if w.due() {
		t.Fatal("the late one makes a roster due")
	}
	w.turn()
	w.mustBe(t, late, kernel.MemberAccepted)
	if w.of(late).Late {
		t.Fatal("it is late and a member")
	}
}

func mustDraft(w *stakeWorld, late ...kernel.Key) []kernel.Member {
	members, _ := w.draft(late...)
	return members
}

// TestJoinerResigns: who accepted and thinks better of it is paid back without having been a member.
func TestJoinerResigns(t *testing.T) {
	w := newStakeWorld(t, 7)
	node := w.join(1)
	w.resign(node)
	if w.due() {
		t.Fatal("somebody who will not come makes a roster due")
	}
	w.turn()
	w.turn()
	w.mustBe(t, node, kernel.MemberRemoved)
	if w.place(node.Public()) >= 0 {
		t.Fatal("it is a member")
	}
}

// TestResignAfterTheRosterIsFixed: the joiner that resigns then is a member for an epoch.
func TestResignAfterTheRosterIsFixed(t *testing.T) {
	w := newStakeWorld(t, 7)
	node := w.join(1)
	members := mustDraft(w)
	w.resign(node)
	w.force(members)
	w.mustBe(t, node, kernel.MemberResigning)
	if w.of(node).Left || w.place(node.Public()) < 0 || !w.due() {
		t.Fatal("it is not a member that leaves")
	}
	w.turn()
	w.turn()
	w.mustBe(t, node, kernel.MemberRemoved)
}

// TestBadResignations are ignored.
func TestBadResignations(t *testing.T) {
	w := newStakeWorld(t, 8)
	node := w.nodes[1]
	forged := w.record(kernel.RecordResign, node, nil)
	forged.Signature[3]++
	payload := w.record(kernel.RecordResign, node, []byte{1})
	early := w.record(kernel.RecordResign, node, nil)
	early.Epoch++
	stranger, _ := w.candidate()
	w.carry(forged, payload, early, w.record(kernel.RecordResign, stranger, nil))
	if w.mustBe(t, node, kernel.MemberAccepted); w.due() {
		t.Fatal("a roster is due")
	}
	w.resign(node)
	since := w.of(node).Since
	w.resign(node)
	if w.of(node).Since != since {
		t.Fatal("resigning again begins anew")
	}
}

// TestTakenKeyIsAvoided: who uses the key before that the ledger would pay to changes the key, no more.
func TestTakenKeyIsAvoided(t *testing.T) {
	w := newStakeWorld(t, 7)
	var out, again kernel.Output
	w.inside(func(x *execution) {
		to := w.owner.Address()
		out = x.payTo(to, kernel.OutputNodeRemove, 0, whole(1), []byte("what"))
		x.keys[out.Keys[0]] = 0
		x.diff.Keys = append(x.diff.Keys, TakenKey{Key: out.Keys[0]})
		again = x.payTo(to, kernel.OutputNodeRemove, 0, whole(1), []byte("what"))
		delete(x.keys, out.Keys[0])
		x.diff.Keys = x.diff.Keys[:0]
	})
	if out.Keys[0] == again.Keys[0] || out.Mask == again.Mask {
		t.Fatal("the ledger pays to a key that is taken")
	}
}
