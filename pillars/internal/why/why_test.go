package why

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

func id(n byte) pillars.BlockID { return pillars.BlockID{n} }

// TestExplain: each way of not getting a block has its cause, for the right seal.
func TestExplain(t *testing.T) {
	b := Block{Height: 7, ID: id(7), Parent: id(6), Seal: pillars.PoW, After: 20}
	seen := map[Cause]bool{}
	for _, tt := range []struct {
		name        string
		a           *Attempt
		work, stake Cause
		mine        bool
	}{
		{"nothing recorded", nil, Off, Off, false},
		{"another parent's record", &Attempt{Parent: id(5), Work: &Work{Hashes: 1}}, Off, Off, false},
		{"worked", &Attempt{Work: &Work{Hashes: 500, Bits: *uint256.NewInt(1000)}}, NotFound, Off, false},
		{"worked, then blocked", &Attempt{Work: &Work{Hashes: 500, Blocked: NotSynced, Bits: *uint256.NewInt(1000)}}, NotFound, Off, false},
		{"not synced", &Attempt{Work: &Work{Blocked: NotSynced}, Stake: &Stake{Blocked: NotSynced}}, NotSynced, NotSynced, false},
		{"no peers", &Attempt{Work: &Work{Blocked: NoPeers}, Stake: &Stake{Blocked: NoInbound}}, NoPeers, NoInbound, false},
		{"no address", &Attempt{Work: &Work{Blocked: NoAddress}}, NoAddress, Off, false},
		{"run", &Attempt{Work: &Work{Blocked: RunUsedUp}, Stake: &Stake{Blocked: RunUsedUp}}, RunUsedUp, RunUsedUp, false},
		{"no template", &Attempt{Work: &Work{Blocked: NoTemplate}}, NoTemplate, Off, false},
		{"no stake", &Attempt{Stake: &Stake{}}, Off, NoStake, false},
		{"immature", &Attempt{Stake: &Stake{Stakes: 2, Ripe: 30}}, Off, Immature, false},
		{"not locked", &Attempt{Stake: &Stake{Stakes: 2, Blocked: NotLocked}}, Off, NotLocked, false},
		{"not drawn", &Attempt{Stake: &Stake{Stakes: 2, Mature: 1, Tries: 20, Best: 1500, Value: 10, Bits: *uint256.NewInt(100)}}, Off, NotDrawn, false},
		{"no second passed", &Attempt{Stake: &Stake{Stakes: 2, Mature: 1}}, Off, NotDrawn, false},
		{"being spent", &Attempt{Stake: &Stake{Stakes: 2, Mature: 1, Tries: 20, Best: 900, Blocked: BeingSpent, Bits: *uint256.NewInt(100)}}, Off, BeingSpent, false},
		{"used", &Attempt{Found: []Found{{Seal: pillars.PoS, Cause: UsedBefore}}}, Off, UsedBefore, false},
		{"key", &Attempt{Found: []Found{{Seal: pillars.PoS, Cause: KeyRefused}}}, Off, KeyRefused, false},
		{"refused", &Attempt{Work: &Work{Hashes: 1}, Found: []Found{{Seal: pillars.PoW, ID: id(9), Cause: Refused}}}, Refused, Off, false},
		{"stale", &Attempt{Found: []Found{{Seal: pillars.PoW, ID: id(9), Cause: Stale}}}, Stale, Off, false},
		{"outweighed", &Attempt{Found: []Found{{Seal: pillars.PoW, ID: id(9)}}}, Outweighed, Off, false},
		{"mine after a refusal", &Attempt{Found: []Found{{Seal: pillars.PoW, ID: id(9), Cause: Refused}, {Seal: pillars.PoW, ID: id(7)}}}, Mine, Off, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var all []Attempt
			if tt.a != nil {
				if tt.a.Parent.IsZero() {
					tt.a.Parent = id(6)
				}
				all = []Attempt{*tt.a}
			}
			got := Explain([]Block{b}, all)[0]
			if got.Work.Cause != tt.work || got.Stake.Cause != tt.stake || got.Mine != tt.mine {
				t.Errorf("%+v", got)
			}
			seen[got.Work.Cause], seen[got.Stake.Cause] = true, true
		})
	}
	for _, c := range []Cause{
		Mine, Off, NotSynced, NoPeers, NoInbound, NoAddress, RunUsedUp, NoTemplate, NotFound, NoStake, Immature, NotLocked, NotDrawn,
		UsedBefore, BeingSpent, KeyRefused, Refused, Stale, Outweighed,
	} {
		if !seen[c] {
			t.Errorf("%s has no case", c)
		}
	}
}

// TestTexts: the figures that people read.
func TestTexts(t *testing.T) {
	b := Block{ID: id(7), Parent: id(6), After: 28}
	bits := *uint256.NewInt(1_000_000)
	for _, tt := range []struct {
		a    Attempt
		want string
		pick func(Answer) string
	}{
		{Attempt{Work: &Work{Hashes: 12_345, Bits: bits}},
			"12345 hashes in 28 s; a block takes 1000000 on average, so the chance was about 1.23 %", func(a Answer) string { return a.Work.Text }},
		{Attempt{Work: &Work{Hashes: 2_500_000, Bits: bits}},
			"2500000 hashes in 28 s; a block takes 1000000 on average, so the chance was about 2.5 blocks' worth of work", func(a Answer) string { return a.Work.Text }},
		{Attempt{Stake: &Stake{Stakes: 3, Mature: 2, Tries: 56, Best: 3_042, Value: 1000, Bits: bits}},
			"2 of 3 outputs old enough, 56 tries; the best hash was 3.042 times its bound; one win is expected in 1000 s", func(a Answer) string { return a.Stake.Text }},
	} {
		tt.a.Parent = id(6)
		if got := tt.pick(Explain([]Block{b}, []Attempt{tt.a})[0]); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

// TestMissed: a hash at its bound is one, below it less.
func TestMissed(t *testing.T) {
	bits, value := uint256.NewInt(1000), pillars.Amount(4) // the bound is 4/1000 of all hashes
	var bound uint256.Int
	bound.SetAllOne()
	bound.Div(&bound, bits).Mul(&bound, uint256.NewInt(4))
	at := func(num, den uint64) pillars.Hash {
		var h uint256.Int
		h.MulDivOverflow(&bound, uint256.NewInt(num), uint256.NewInt(den))
		return h.Bytes32()
	}
	for _, tt := range []struct {
		hash pillars.Hash
		want uint64
	}{{at(1, 1), 1000}, {at(1, 2), 499}, {at(3, 1), 3000}, {at(249, 1), 249_000}, {pillars.Hash{}, 0}} {
		if got := Missed(tt.hash, value, bits); got > tt.want+1 || got+1 < tt.want {
			t.Errorf("%s: %d, want %d", tt.hash.Short(), got, tt.want)
		}
	}
	if got := Missed(at(1, 1), 2000, bits); got != 0 {
		t.Errorf("a bound above all hashes: %d", got)
	}
	if got := Missed(at(1, 1), 0, bits); got != 1<<63 {
		t.Errorf("no stake: %d", got)
	}
}

// TestSummary: the most frequent cause first, with advice.
func TestSummary(t *testing.T) {
	answers := []Answer{
		{Work: Reason{Cause: NotFound}, Stake: Reason{Cause: Immature}}, {Work: Reason{Cause: Mine}, Stake: Reason{Cause: NotDrawn}},
		{Work: Reason{Cause: Mine}, Stake: Reason{Cause: NotDrawn}},
	}
	work, stake := Summarise(answers, pillars.PoW), Summarise(answers, pillars.PoS)
	if len(work) != 2 || work[0].Cause != Mine || work[0].Blocks != 2 || work[1].Advice == "" {
		t.Errorf("%+v", work)
	}
	if len(stake) != 2 || stake[0].Cause != NotDrawn {
		t.Errorf("%+v", stake)
	}
}
