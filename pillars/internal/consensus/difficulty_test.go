package consensus

import (
	"errors"
	"math/big"
	"testing"

	"github.com/holiman/uint256"
	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

// TestRetarget holds [PIL-DIF-2] to values worked out by hand.
func TestRetarget(t *testing.T) {
	p := pillars.MainnetLike()
	paper := p.PoW // the figures as the paper prints them
	paper.DivisorMilli = 10_000
	for _, tt := range []struct {
		r              *pillars.RetargetParams
		previous, next uint64
		dt             uint32
		twice          bool
	}{
		{&p.PoW, 2_048_000_000, 2_050_000_000, 0, false},
		{&p.PoW, 2_048_000_000, 2_050_000_000, 11, false},   // 11,000 / 11,353 = 0
		{&p.PoW, 2_048_000_000, 2_049_000_000, 12, false},   // 1
		{&p.PoW, 2_048_000_000, 2_049_000_000, 22, false},   // 1: 22,000 < 22,706
		{&p.PoW, 2_048_000_000, 2_048_000_000, 23, false},   // 2: the point of rest
		{&p.PoW, 2_048_000_000, 2_047_000_000, 35, false},   // 3
		{&p.PoW, 2_048_000_000, 1_950_000_000, 1146, false}, // 100: 1,146,000 / 11,353 = 100.9
		{&p.PoW, 2_048_000_000, 1_949_000_000, 1147, false}, // 101: -99
		{&p.PoW, 2_048_000_000, 1_949_000_000, 1158, false}, // 102: still -99
		{&p.PoW, 2_048_000_000, 1_949_000_000, 0xffffffff, false},
		{&p.PoW, 2_048_000_000, 1_949_000_000, 4_294_968, false}, // milliseconds beyond 32 bits
		{&p.PoW, 2_048_000_000, 2_052_000_000, 0, true},
		{&p.PoW, 2_048_000_000, 1_850_000_000, 0xffffffff, true}, // bounded, then doubled
		{&p.PoW, 2_048_002_047, 2_050_002_047, 0, false},         // the division comes first
		{&p.PoW, 914_572_800, 914_572_800, 100, false},           // the minimum
		{&p.PoW, 915_000_000, 914_572_800, 100, false},
		{&p.PoS, 204_800_000_000_000, 206_600_000_000_000, 13, false},
		{&p.PoS, 204_800_000_000_000, 206_500_000_000_000, 14, false},
		{&p.PoS, 204_800_000_000_000, 204_800_000_000_000, 246, false}, // 246,000 / 13,625 = 18.05
		{&p.PoS, 204_800_000_000_000, 194_900_000_000_000, 5000, false},
		{&paper, 2_048_000_000, 2_049_000_000, 19, false},
		{&paper, 2_048_000_000, 2_048_000_000, 20, false},
		{&paper, 2_048_000_000, 1_949_000_000, 1010, false},
	} {
		if got := retarget(tt.r, u(tt.previous), tt.dt, tt.twice); !got.Eq(u(tt.next)) {
			t.Errorf("%d after %d s: %s, want %d", tt.previous, tt.dt, got.Dec(), tt.next)
		}
	}
}

// TestRetargetExact compares with the formula in arithmetic without bounds.
func TestRetargetExact(t *testing.T) {
	ceiling := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	rapid.Check(t, func(t *rapid.T) {
		r := pillars.RetargetParams{
			Minimum:      *u(rapid.Uint64Min(10_000).Draw(t, "minimum")),
			Up:           rapid.Uint32Range(0, 200).Draw(t, "up"),
			Down:         rapid.Uint32Range(0, 499).Draw(t, "down"),
			DivisorMilli: rapid.Uint32Min(1).Draw(t, "divisor"),
			Scale:        rapid.Uint32Range(1000, 10_000).Draw(t, "scale"),
		}
		var previous uint256.Int
		previous.SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "previous"))
		dt, twice := rapid.Uint32().Draw(t, "dt"), rapid.Bool().Draw(t, "twice")

		a := big.NewInt(int64(r.Up))
		q := new(big.Int).Mul(big.NewInt(int64(dt)), big.NewInt(1000))
		a.Sub(a, q.Quo(q, big.NewInt(int64(r.DivisorMilli))))
		if low := big.NewInt(-int64(r.Down)); a.Cmp(low) < 0 {
			a = low
		}
		if twice {
			a.Lsh(a, 1)
		}
		want := new(big.Int).Quo(previous.ToBig(), big.NewInt(int64(r.Scale)))
		want.Add(want.Mul(want, a), previous.ToBig())
		if least := r.Minimum.ToBig(); want.Cmp(least) < 0 {
			want = least
		}
		if want.Cmp(ceiling) > 0 {
			want = ceiling
		}
		got := retarget(&r, &previous, dt, twice)
		if got.ToBig().Cmp(want) != 0 {
			t.Fatalf("%s, want %s", got.Dec(), want)
		}
	})
}

// TestSameSeal: each seal looks at its own blocks only [PIL-DIF-3, PIL-DIF-4].
func TestSameSeal(t *testing.T) {
	c := newChain(t)
	at := func(seal pillars.Seal, dt uint32) uint256.Int {
		d, err := c.b.Difficulty(&c.p, seal, c.b.Stamps[0]+dt)
		if err != nil {
			t.Fatal(err)
		}
		return d.Bits
	}
	if b := at(pillars.PoW, 1); !b.Eq(&c.p.PoW.Minimum) {
		t.Errorf("first work: %s", b.Dec())
	}
	c.add(pillars.PoW, 10)
	c.addMany(2, pillars.PoS, 100)
	// Work: 200 s after the last work, whatever stake did in between; that is the minimum again. Then at once.
	if b := at(pillars.PoW, 0); !b.Eq(&c.p.PoW.Minimum) {
		t.Errorf("work after a pause: %s", b.Dec())
	}
	want := retarget(&c.p.PoS, &c.p.PoS.Minimum, 100, false)
	if b := at(pillars.PoS, 1); !b.Eq(&want) {
		t.Errorf("third stake: %s, want %s", b.Dec(), want.Dec())
	}
	if a, b := at(pillars.PoS, 1), at(pillars.PoS, 5000); !a.Eq(&b) {
		t.Error("a staker's own stamp moves his difficulty")
	}
	c.addMany(5, pillars.PoW, 1)
	if b := at(pillars.PoS, 1); !b.Eq(&want) {
		t.Error("work moves the difficulty of stake")
	}
	work := retarget(&c.p.PoW, &c.b.Work.Bits, 0, false)
	if d, err := c.b.Difficulty(&c.p, pillars.PoW, c.b.Stamps[0]-1); err != nil || !d.Bits.Eq(&work) {
		t.Errorf("asked about the past: %s, %v", d.Bits.Dec(), err)
	}
	work = retarget(&c.p.PoW, &c.b.Work.Bits, 7, false)
	if b := at(pillars.PoW, 7); !b.Eq(&work) {
		t.Error("work does not look at its own stamp")
	}
}

// TestSecondStake: with one PoS block there is no interval yet.
func TestSecondStake(t *testing.T) {
	c := newChain(t)
	for i := range 2 {
		d, err := c.b.Difficulty(&c.p, pillars.PoS, start+1)
		if err != nil || !d.Bits.Eq(&c.p.PoS.Minimum) {
			t.Errorf("stake %d: %s, %v", i+1, d.Bits.Dec(), err)
		}
		c.add(pillars.PoS, 1)
	}
	want := retarget(&c.p.PoS, &c.p.PoS.Minimum, 1, false)
	if d, _ := c.b.Difficulty(&c.p, pillars.PoS, start+9); !d.Bits.Eq(&want) || want.Eq(&c.p.PoS.Minimum) {
		t.Errorf("stake 3: %s", d.Bits.Dec())
	}
}

// TestDouble: in phase 2 a retarget counts twice, but once behind a delegate's block.
func TestDouble(t *testing.T) {
	c := newChain(t)
	c.p.Phase = pillars.PhaseParams{Double: true, Delegates: 1, DelegateDen: 1}
	c.addMany(50, pillars.PoW, 1)
	work := c.b.Work.Bits
	d, _ := c.b.Difficulty(&c.p, pillars.PoW, c.b.Stamps[0]+2)
	if want := retarget(&c.p.PoW, &work, 2, true); !d.Bits.Eq(&want) {
		t.Errorf("after work: %s, want %s", d.Bits.Dec(), want.Dec())
	}
	c.add(pillars.DPoS, 1)
	d, _ = c.b.Difficulty(&c.p, pillars.PoW, c.b.Stamps[0]+1)
	if want := retarget(&c.p.PoW, &work, 2, false); !d.Bits.Eq(&want) {
		t.Errorf("after a delegate: %s, want %s", d.Bits.Dec(), want.Dec())
	}
}

// TestWorkRun walks up to the bound, through the valve and back [PIL-RUN-1, PIL-RUN-2].
func TestWorkRun(t *testing.T) {
	c := newChain(t)
	c.p.Runs.Grace = 3
	c.p.Phase = pillars.PhaseParams{Delegates: 1, DelegateNum: 0, DelegateDen: 1}
	c.addMany(3, pillars.PoW, 12)
	c.add(pillars.PoS, 12)
	last := c.b.Stamps[0]
	for i := range 29 {
		c.add(pillars.PoW, 10)
		if i%5 == 0 {
			c.add(pillars.DPoS, 2) // neither counts nor resets
		}
	}
	if _, err := c.b.Difficulty(&c.p, pillars.PoW, last+2519); !errors.Is(err, WorkRunTooLong) {
		t.Fatalf("30th work in a row: %v", err)
	}
	d, err := c.b.Difficulty(&c.p, pillars.PoW, last+2520)
	if err != nil {
		t.Fatal("the valve stays shut:", err)
	}
	if four := new(uint256.Int).Lsh(&d.Normal, 2); !d.Bits.Eq(four) {
		t.Errorf("valve at %s, normal is %s", d.Bits.Dec(), d.Normal.Dec())
	}
	before := c.b
	c.add(pillars.PoW, last+2520-c.b.Stamps[0])
	gained := new(uint256.Int).Sub(&c.b.Weight, &before.Weight)
	if !gained.Eq(&d.Normal) || !c.b.Work.Bits.Eq(&d.Normal) {
		t.Errorf("a block through the valve weighs %s and leaves %s, want %s", gained.Dec(), c.b.Work.Bits.Dec(), d.Normal.Dec())
	}
	normal := retarget(&c.p.PoW, &d.Normal, 1, false)
	next, err := c.b.Difficulty(&c.p, pillars.PoW, c.b.Stamps[0]+1)
	if err != nil || !next.Normal.Eq(&normal) || next.Bits.Eq(&next.Normal) {
		t.Errorf("the block after: %s of normal %s, %v", next.Bits.Dec(), next.Normal.Dec(), err)
	}
	c.add(pillars.PoS, 1) // a staker comes back
	if d, err := c.b.Difficulty(&c.p, pillars.PoW, c.b.Stamps[0]+1); err != nil || !d.Bits.Eq(&d.Normal) || c.b.WorkRun != 0 {
		t.Errorf("after stake: %s of normal %s, %v", d.Bits.Dec(), d.Normal.Dec(), err)
	}
}

// TestRunsInGrace: up to the height of grace runs are free, from the next one on they count.
func TestRunsInGrace(t *testing.T) {
	for seal, bound := range map[pillars.Seal]int{pillars.PoW: 29, pillars.PoS: 24} {
		c := newChain(t)
		c.p.Runs.Grace = 40
		c.addMany(40, seal, 12)
		if _, err := c.b.Difficulty(&c.p, seal, c.b.Stamps[0]+1); err == nil {
			t.Errorf("%s 41 in a row is taken above the grace", seal)
		}
		other := pillars.PoW + pillars.PoS - seal
		c.add(other, 12)
		c.addMany(bound, seal, 12)
		if _, err := c.b.Difficulty(&c.p, seal, c.b.Stamps[0]+1); err == nil {
			t.Errorf("%s %d in a row is taken", seal, bound+1)
		}
	}
}

// TestValveWithoutStake: where nobody ever staked the valve counts from the genesis.
func TestValveWithoutStake(t *testing.T) {
	c := newChain(t)
	c.p.Runs.Grace = 0
	c.addMany(29, pillars.PoW, 12)
	if _, err := c.b.Difficulty(&c.p, pillars.PoW, start+2519); !errors.Is(err, WorkRunTooLong) {
		t.Error(err)
	}
	if _, err := c.b.Difficulty(&c.p, pillars.PoW, start+2520); err != nil {
		t.Error(err)
	}
	c.p.Runs.ValveFactor = 0xffffffff
	c.b.Work.Bits.SetAllOne()
	if d, err := c.b.Difficulty(&c.p, pillars.PoW, start+2520); err != nil || !d.Bits.Eq(new(uint256.Int).SetAllOne()) {
		t.Errorf("no room above: %s, %v", d.Bits.Hex(), err)
	}
	c.p.Runs.ValveFactor = 0
	if _, err := c.b.Difficulty(&c.p, pillars.PoW, 0xffffffff); !errors.Is(err, WorkRunTooLong) {
		t.Error("a network without a valve:", err)
	}
}

// TestTime holds [PIL-TIM-1] to [PIL-TIM-3], also where few blocks exist.
func TestTime(t *testing.T) {
	c := newChain(t)
	if m := c.b.Median(&c.p); m != start {
		t.Errorf("median of a genesis: %d", m)
	}
	if e := c.b.Earliest(&c.p, pillars.PoW); e != start+1 {
		t.Errorf("first block: %d", e)
	}
	c.add(pillars.PoW, 10) // 0 10: the later of two
	if m := c.b.Median(&c.p); m != start+10 {
		t.Errorf("median of two: %d", m-start)
	}
	c.add(pillars.PoW, 20) // 0 10 30
	if m := c.b.Median(&c.p); m != start+10 {
		t.Errorf("median of three: %d", m-start)
	}
	c.addMany(20, pillars.PoW, 2)
	if m := c.b.Median(&c.p); m != c.b.Stamps[0]-10 {
		t.Errorf("median of eleven is %d s before the last", c.b.Stamps[0]-m)
	}
	if c.b.Earliest(&c.p, pillars.PoW) != c.b.Stamps[0] || c.b.Earliest(&c.p, pillars.PoS) != c.b.Stamps[0]+1 {
		t.Error("work may have its parent's stamp, stake not")
	}
	c.addMany(4, pillars.PoW, 0)
	if c.b.Earliest(&c.p, pillars.PoW) != c.b.Stamps[0] {
		t.Error("five equal stamps are no median yet")
	}
	c.add(pillars.PoW, 0) // the sixth of eleven
	if c.b.Earliest(&c.p, pillars.PoW) != c.b.Stamps[0]+1 {
		t.Error("time stands still")
	}
	if c.p.Time.MedianBlocks = 1; c.b.Median(&c.p) != c.b.Stamps[0] {
		t.Error("median of one")
	}

	h := pillars.Header{Timestamp: 1_000_038}
	for now, wait := range map[uint32]uint32{1_000_000: 0, 1_000_001: 0, 999_999: 1, 999_000: 1000, 0xffffffff: 0, 0: 1_000_000} {
		if got := Wait(&c.p, &h, now); got != wait {
			t.Errorf("at %d: wait %d, want %d", now, got, wait)
		}
	}
	h.Version = pillars.HeaderVersion(pillars.PoS, true)
	for now, wait := range map[uint32]uint32{1_000_000: 36, 1_000_036: 0, 1_000_035: 1, 0xffffffff: 0} {
		if got := Wait(&c.p, &h, now); got != wait {
			t.Errorf("stake at %d: wait %d, want %d", now, got, wait)
		}
	}
}
