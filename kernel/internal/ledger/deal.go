package ledger

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/dealing"
)

// rowDealing is the row of a dealing: the payload of its record.
func rowDealing(attempt uint32, dealer kernel.Author) string {
	return fmt.Sprintf("deal/%d/%d", attempt, dealer)
}

// DraftOf is the next roster as dealings name it.
func DraftOf(network kernel.NetworkID, e *Epoch) *dealing.Draft {
	return &dealing.Draft{Network: network, Epoch: e.Number + 1, Attempt: e.Next.Attempt, Members: e.Next.Members}
}

// DealingsOf lists the dealings for the next roster that are in, by dealer.
func DealingsOf(v View, network kernel.NetworkID, e *Epoch) []dealing.Dealt {
	return dealings(v, DraftOf(network, e), e.Facts.Roster.Roster(), e.Next.DealerSet())
}

// KeyDealings lists the dealings that make the coin key of the epoch in force, and the draft that they
// name: each member finds its share of the key in them. There are none for epoch 0.
func KeyDealings(v View, network kernel.NetworkID, e *Epoch) (*dealing.Draft, []dealing.Dealt) {
	if e.Number == 0 {
		return nil, nil
	}
	before, ok := FactsOf(v, e.Number-1)
	if !ok {
		panic("ledger: an epoch without the one before")
	}
	f := e.Facts
	draft := &dealing.Draft{Network: network, Epoch: e.Number, Attempt: f.Attempt, Members: f.Roster.Members}
	return draft, dealings(v, draft, before.Roster.Roster(), f.Dealers&^f.Bad)
}

// dealings reads rows back that were checked when they were written.
func dealings(v View, draft *dealing.Draft, dealers *kernel.Roster, set kernel.AuthorSet) (all []dealing.Dealt) {
	for left := uint64(set); left != 0; left &= left - 1 {
		a := kernel.Author(bits.TrailingZeros64(left))
		key := rowDealing(draft.Attempt, a)
		b, ok := v.System(key)
		if !ok {
			panic("ledger: system row " + key + " is not there")
		}
		var r kernel.DealingRecord
		mustDecode(key, r.UnmarshalBinary(b))
		shared, err := dealing.Check(draft, dealers.Members[a].Key, &r)
		mustDecode(key, err)
		all = append(all, dealing.Dealt{Author: a, Dealer: dealers.Members[a].Key, Dealing: shared})
	}
	return all
}

func (x *execution) draft(n *NextEpoch) *dealing.Draft {
	return &dealing.Draft{Network: x.context.Network, Epoch: x.commit.Epoch + 1, Attempt: n.Attempt, Members: n.Members}
}

// wantedDealing reports whose dealing a record could be: of a voting member that has not dealt, while
// the set is open. Wanted asks the same before anything is carried.
func wantedDealing(n *NextEpoch, roster *kernel.Roster, signer kernel.Key) (kernel.Author, bool) {
	a := placeAmong(roster.Members, signer)
	if n.Closed > 0 || a < 0 || roster.Members[a].Flagged || n.DealerSet().Has(kernel.Author(a)) {
		return 0, false
	}
	return kernel.Author(a), true
}

// wantedVerdict reports whose verdict a record could be: of a member of the next roster that has posted none,
// after the set has closed.
func wantedVerdict(n *NextEpoch, signer kernel.Key) (kernel.Author, bool) {
	a := n.Place(signer)
	if n.Closed == 0 || a < 0 || n.Posted.Has(kernel.Author(a)) {
		return 0, false
	}
	return kernel.Author(a), true
}

// Wanted reports whether a dealing or a verdict could still count. It does not look at payload and signature.
func Wanted(v View, r *kernel.Record) bool {
	e, ok := EpochOf(v)
	if !ok || e.Next == nil || r.Epoch != e.Number {
		return false
	}
	switch r.Kind {
	case kernel.RecordDealing:
		_, ok = wantedDealing(e.Next, e.Facts.Roster.Roster(), r.Signer)
	case kernel.RecordVerdict:
		_, ok = wantedVerdict(e.Next, r.Signer)
	default:
		ok = false
	}
	return ok
}

// SignedRecord reports whether the record's signer signed it.
func SignedRecord(r *kernel.Record) bool { return signedRecord(r) }

// deal takes a dealing. With that of the q-th dealer the set is closed, by order. [EPO-4]
func (x *execution) deal(r *kernel.Record) {
	n, ok := nextRow(x)
	if !ok {
		return
	}
	a, wanted := wantedDealing(n, x.context.Roster, r.Signer)
	if !wanted || !signedRecord(r) {
		return
	}
	var payload kernel.DealingRecord
	if payload.UnmarshalBinary(r.Payload) != nil {
		return
	}
	if _, err := dealing.Check(x.draft(n), r.Signer, &payload); err != nil {
		return
	}
	x.setSystem(rowDealing(n.Attempt, a), bytes.Clone(r.Payload))
	if n.Dealers = append(n.Dealers, a); len(n.Dealers) == x.context.Roster.Quorum() {
		n.Closed = x.commit.Index
	}
	x.setSystem(rowNext, n.AppendBinary(nil))
}

// verdict takes a verdict. Complaints count in the first q' of voting members; what comes later publishes a
// checkpoint key and no more. [EPO-5]
func (x *execution) verdict(r *kernel.Record) {
	n, ok := nextRow(x)
	if !ok {
		return
	}
	me, wanted := wantedVerdict(n, r.Signer)
	var v kernel.VerdictRecord
	if !wanted || v.UnmarshalBinary(r.Payload) != nil || v.Dealers != n.DealerSet() || !signedRecord(r) {
		return
	}
	draft := x.draft(n)
	if v.Draft != draft.Hash() {
		return
	}
	if counts := !n.Members[me].Flagged && n.Verdicts.Len() < n.Roster().Quorum(); counts {
		bad, ok := x.proven(draft, me, &v)
		if !ok {
			return
		}
		n.Verdicts, n.Bad = n.Verdicts.With(me), n.Bad|bad
	}
	n.Posted = n.Posted.With(me)
	if n.mayPublish(v.CheckpointKey) {
		n.Keys[me] = v.CheckpointKey
	}
	x.setSystem(rowNext, n.AppendBinary(nil))
}

// proven is the set of dealers that complaints prove to have dealt badly. One that proves nothing makes the
// verdict void, all of it.
func (x *execution) proven(draft *dealing.Draft, me kernel.Author, v *kernel.VerdictRecord) (bad kernel.AuthorSet, ok bool) {
	for i := range v.Complaints {
		c := &v.Complaints[i]
		about := dealings(x, draft, x.context.Roster, kernel.AuthorSet(0).With(c.Dealer))
		if dealing.Proven(draft, me, c, &about[0]) != nil {
			return 0, false
		}
		bad = bad.With(c.Dealer)
	}
	return bad, true
}

// mayPublish: a key that signs for two members would count twice, so one that stands in the roster already
// is none. [CHK-2]
func (n *NextEpoch) mayPublish(key kernel.Key) bool {
	if !crypto.ValidKey(key) || n.Place(key) >= 0 {
		return false
	}
	for i := range n.Keys {
		if n.Keys[i] == key {
			return false
		}
	}
	return true
}
