package ledger

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// fullRecord has something in every field.
func fullRecord() *MemberRecord {
	fault := func(kind FaultKind) *Fault {
		return &Fault{Kind: kind, Author: 3, Epoch: 4, Round: 5, Snapshot: kernel.SnapshotID{6}, Entry: kernel.Hash{7}, Commit: 8}
	}
	return &MemberRecord{
		Member: kernel.Member{Name: "n", Key: kernel.Key{1}, Payee: kernel.Address{Spend: kernel.Key{2}, View: kernel.Key{3}}, Flagged: true},
		State:  kernel.MemberResigning, Since: 9, Stake: whole(10), Collateral: kernel.OutputRef{Hash: kernel.TxHash{11}, Index: 12},
		Funding: Funding{Key: kernel.Key{13}, Mask: kernel.Key{14}, Index: 15}, Left: true, LeftEpoch: 16,
		Flag: FlagInForce, FlagEpoch: 17, Escrowed: true, EscrowUntil: 18, Late: true, Faults: 19,
		First: fault(FaultEquivocation), Second: fault(FaultCoin),
	}
}

// TestMemberRecordForm: a record comes back as it was, and each of its bytes counts.
func TestMemberRecordForm(t *testing.T) {
	for _, m := range []*MemberRecord{fullRecord(), {Member: kernel.Member{Name: "x"}, State: kernel.MemberPledging}} {
		b := m.AppendBinary(nil)
		var again MemberRecord
		if err := again.UnmarshalBinary(b); err != nil || !reflect.DeepEqual(&again, m) {
			t.Fatalf("%v: %+v", err, again)
		}
		for i := range b {
			changed := bytes.Clone(b)
			changed[i] ^= 1
			var other MemberRecord
			if err := other.UnmarshalBinary(changed); err == nil && reflect.DeepEqual(&other, m) {
				t.Errorf("byte %d says nothing", i)
			}
		}
		if (&MemberRecord{}).UnmarshalBinary(b[:len(b)-1]) == nil || (&MemberRecord{}).UnmarshalBinary(append(b, 0)) == nil {
			t.Error("a record of another length is read")
		}
	}
}

func FuzzMemberRecord(f *testing.F) {
	f.Add(fullRecord().AppendBinary(nil))
	f.Add((&MemberRecord{Member: kernel.Member{Name: "x"}, State: kernel.MemberAccepted}).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m MemberRecord
		if m.UnmarshalBinary(b) == nil && !bytes.Equal(m.AppendBinary(nil), b) {
			t.Fatalf("%x is not the form of what it says", b)
		}
	})
}

func FuzzStakeState(f *testing.F) {
	f.Add((&StakeState{Pool: whole(1), Escrow: whole(2), Pledge: whole(3), AppealWindow: 4}).AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s StakeState
		if s.UnmarshalBinary(b) == nil && !bytes.Equal(s.AppendBinary(nil), b) {
			t.Fatalf("%x is not the form of what it says", b)
		}
	})
}

// TestRemoveAndAppealAtEveryBoundary: with every number of members one is flagged, removed, and
// restored by an appeal; another is flagged, removed, and its stake is the pool's.
func TestRemoveAndAppealAtEveryBoundary(t *testing.T) {
	for n := kernel.MinMembers; n <= kernel.MaxMembers; n++ {
		w := newStakeWorld(t, n)
		lucky, cheat := w.nodes[n-1], w.nodes[n/2]
		w.carry(w.equivocate(lucky, 0, 3), w.equivocate(cheat, 0, 3))
		if next := w.turn(); next.Roster().Voting() != n-2 {
			t.Fatalf("%d of %d vote with two flags", next.Roster().Voting(), n)
		}
		w.carry(w.equivocate(lucky, 1, 3), w.equivocate(cheat, 1, 3))
		if next := w.turn(); len(next.Members) != n-2 || next.Roster().Voting() != n-2 {
			t.Fatalf("%d of %d are members after two removals", len(next.Members), n)
		}
		w.inside(func(x *execution) {
			if !restore(x, kernel.NodeIDOf(w.context.Network, lucky.Public())) {
				t.Fatal("nothing is restored")
			}
		})
		if next := w.turn(); len(next.Members) != n-1 || next.Roster().Voting() != n-1 || w.place(lucky.Public()) != n-2 || w.place(cheat.Public()) >= 0 {
			t.Fatalf("%d of %d are members after the appeal", len(next.Members), n)
		}
		w.pass(testWindow)
		state, _ := StakeOf(w.view)
		if want, _ := state.Pool.Sub(w.genesis.Stake.Pool); want != whole(testPledge) || !state.Escrow.IsZero() {
			t.Fatalf("with %d members the pool got %v, %v is in escrow", n, want, state.Escrow)
		}
	}
}
