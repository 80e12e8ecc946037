package ledger

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dealing"
)

// foundEpoch makes the rows of epoch 0.
func (o *overlay) foundEpoch(g *kernel.Genesis) {
	facts := EpochFacts{Roster: *g.EpochRoster()}
	o.setSystem(rowFacts(0), facts.AppendBinary(nil))
	o.setSystem(rowEpoch, new(Epoch).AppendBinary(nil))
}

// endEpoch takes the change to the next epoch further, at the end of each commit: it fixes the next
// roster when that is due, makes the key final when enough verdicts are in, gives an attempt up that
// comes to nothing, and ends the epoch when a quorum says that it is closing. [EPO-2] [EPO-6] [EPO-7]
func (x *execution) endEpoch(snapshots []Committed) {
	e, ok := epochRow(x)
	if !ok {
		return
	}
	if e.Number != x.commit.Epoch {
		panic("ledger: a commit of an epoch that is not in force")
	}
	switch n, fixed := nextRow(x); {
	case e.Decided > 0:
		x.countClosing(&e, snapshots)
	case fixed:
		x.renew(&e, n)
	case x.rosterDue(&e):
		x.fixRoster(&e)
	}
}

// rosterDue reports whether the next roster is to be fixed now. What makes one due is asked for only when
// something can have changed that.
func (x *execution) rosterDue(e *Epoch) bool {
	since := x.commit.Index - e.Genesis
	if uint64(since) >= x.context.EpochLength {
		return true
	}
	if since > 1 && !slices.ContainsFunc(x.diff.System, aboutMembers) {
		return false
	}
	_, due := nextMembers(x)
	return due
}

// aboutMembers reports whether a row is one that the next roster is worked out from.
func aboutMembers(row SystemRow) bool {
	return row.Key == rowMembers || row.Key == rowFlags || strings.HasPrefix(row.Key, "member/")
}

// fixRoster is the roster commit. Those whose keys are in late are left out. [EPO-2]
func (x *execution) fixRoster(e *Epoch, late ...kernel.Key) {
	members, _ := nextMembers(x, late...)
	e.Attempts++
	n := NextEpoch{Attempt: e.Attempts, Fixed: x.commit.Index, Members: members, Keys: make([]kernel.Key, len(members))}
	x.setSystem(rowNext, n.AppendBinary(nil))
	x.setSystem(rowEpoch, e.AppendBinary(nil))
}

// renew makes the key final at the commit that brings the last verdict that it takes, which is the decision to
// close the epoch. An attempt that has had an epoch's length is void. [EPO-6]
func (x *execution) renew(e *Epoch, n *NextEpoch) {
	enough := n.Verdicts.Len() >= n.Roster().Quorum()
	if enough && x.settleKey(n) {
		x.setSystem(rowNext, n.AppendBinary(nil))
		e.Decided = x.commit.Index
		x.setSystem(rowEpoch, e.AppendBinary(nil))
		return
	}
	if !enough && uint64(x.commit.Index-n.Fixed) < x.context.EpochLength {
		return
	}
	var late []kernel.Key
	for i := range n.Members {
		if key := n.Members[i].Key; !n.Posted.Has(kernel.Author(i)) && placeAmong(x.context.Roster.Members, key) < 0 {
			late = append(late, key)
		}
	}
	missedVerdict(x, late...)
	x.deleteDealings(n.Attempt, n.DealerSet())
	x.fixRoster(e, late...)
}

// settleKey adds up the dealings that nobody has proven bad. It fails where they make no key, which
// takes more liars than there may be.
func (x *execution) settleKey(n *NextEpoch) bool {
	draft := x.draft(n)
	key, err := dealing.CoinKey(draft, dealings(x, draft, x.context.Roster, n.DealerSet()&^n.Bad))
	if err != nil {
		return false
	}
	roster := kernel.EpochRoster{Epoch: x.commit.Epoch + 1, Members: n.Members, CoinKey: key, CheckpointKeys: n.Keys}
	if roster.Check() != nil {
		return false
	}
	n.CoinKey = key
	return true
}

// countClosing counts who says that it has executed the decision, in snapshots whose claim shows it. With a
// quorum of the epoch's authors the epoch ends, at this commit, which is executed in full. [EPO-7]
func (x *execution) countClosing(e *Epoch, snapshots []Committed) {
	closing, voting := e.Closing, kernel.AuthorSet(x.context.Roster.VotingSet())
	for i := range snapshots {
		if s := &snapshots[i]; s.Closing && s.Claim >= e.Decided && voting.Has(s.Author) {
			closing = closing.With(s.Author)
		}
	}
	if closing == e.Closing {
		return
	}
	e.Closing = closing
	if closing.Len() >= x.context.Roster.Quorum() {
		x.turn(e)
		return
	}
	x.setSystem(rowEpoch, e.AppendBinary(nil))
}

// turn puts the next roster in force from the next commit on. Dealings are kept for as long as somebody may
// have to find its share of the key in them.
func (x *execution) turn(e *Epoch) {
	n, ok := nextRow(x)
	old, known := FactsOf(x, e.Number)
	if !ok || !known {
		panic("ledger: an epoch ends without a next one")
	}
	facts := EpochFacts{
		Genesis: x.commit.Index, Attempt: n.Attempt, Dealers: n.DealerSet(), Bad: n.Bad,
		Roster: kernel.EpochRoster{Epoch: e.Number + 1, Members: n.Members, CoinKey: n.CoinKey, CheckpointKeys: n.Keys},
	}
	x.deleteDealings(old.Attempt, old.Dealers)
	x.deleteSystem(rowNext)
	x.setSystem(rowFacts(e.Number+1), facts.AppendBinary(nil))
	next := Epoch{Number: e.Number + 1, Genesis: x.commit.Index, Attempts: e.Attempts}
	x.setSystem(rowEpoch, next.AppendBinary(nil))
	rosterInForce(x, &old.Roster, &facts.Roster)
}

func (x *execution) deleteDealings(attempt uint32, dealers kernel.AuthorSet) {
	for set := uint64(dealers); set != 0; set &= set - 1 {
		x.deleteSystem(rowDealing(attempt, kernel.Author(bits.TrailingZeros64(set))))
	}
}
