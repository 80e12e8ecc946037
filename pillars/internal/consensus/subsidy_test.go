package consensus

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

// TestPublishedSubsidies holds [PIL-SUB-1] to the figures that the running network's tests print. They
// were computed in doubles and cut off: where the exact value is whole, or was rounded, they are one less.
func TestPublishedSubsidies(t *testing.T) {
	main, test := pillars.MainnetLike().Subsidy, pillars.Testnet().Subsidy
	for _, tt := range []struct {
		s         *pillars.SubsidyParams
		initial   pillars.Amount
		height    uint32
		published pillars.Amount
		exact     pillars.Amount // 0: as published
	}{
		{&main, 3 * pillars.ETP, 0, 300_000_000, 0},
		{&main, 3 * pillars.ETP, 499_999, 300_000_000, 0},
		{&main, 3 * pillars.ETP, 1_900_000, 257_212_499, 257_212_500},
		{&main, 3 * pillars.ETP, 1_999_999, 257_212_499, 257_212_500},
		{&main, 3 * pillars.ETP, 2_000_000, 244_351_874, 244_351_875},
		{&main, 250_000_000, 2_500_000, 193_445_234, 0}, // the running network cut its base here
		{&main, 250_000_000, 3_000_000, 183_772_972, 0},
		{&main, 30_000_000, 1_924_000, 25_721_249, 25_721_250},
		{&main, 30_000_000, 2_000_000, 24_435_187, 0},
		{&main, 30_000_000, 2_500_000, 23_213_428, 0},
		{&test, 3 * pillars.ETP, 989_999, 113_206_080, 0},
		{&test, 250_000_000, 990_000, 94_338_400, 0},
		{&test, 250_000_000, 1_000_000, 89_621_480, 0},
		{&test, 30_000_000, 1_019_574, 10_754_577, 0}, // the published block pays 10,754,578: rounded up
	} {
		want := max(tt.published, tt.exact)
		if got := Decayed(tt.s, tt.initial, tt.height); got != want {
			t.Errorf("%d at %d: %d, want %d", tt.initial, tt.height, got, want)
		}
		if tt.exact != 0 && tt.exact != tt.published+1 {
			t.Errorf("%d at %d: more than one satoshi from the published figure", tt.initial, tt.height)
		}
	}
}

// TestSupply: all PoW subsidies together are what the paper gives to miners, 30 million ETP less what rounding down loses.
func TestSupply(t *testing.T) {
	s := pillars.MainnetLike().Subsidy
	sum, eras := pillars.Amount(0), 0
	for height := uint32(0); ; height += s.Interval {
		reward := Decayed(&s, s.PoW, height)
		if reward == 0 {
			break
		}
		sum += reward * pillars.Amount(s.Interval)
		if eras++; height > 1<<31 {
			t.Fatal("it never ends")
		}
	}
	if limit := 30_000_000 * pillars.ETP; sum > limit || sum < limit-limit/100_000 {
		t.Errorf("%s in %d eras", sum, eras)
	}
	if Decayed(&s, s.PoW, 0xffffffff) != 0 {
		t.Error("the last height still pays")
	}
}

// TestDecayedExact compares with exact rationals, and finds that reward never rises.
func TestDecayedExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		den := rapid.Uint32Range(1, 1000).Draw(t, "den")
		s := pillars.SubsidyParams{Num: rapid.Uint32Range(0, den).Draw(t, "num"), Den: den, Interval: rapid.Uint32Range(1, 1000).Draw(t, "interval")}
		initial := pillars.Amount(rapid.Uint64Range(0, uint64(pillars.MaxMoney)).Draw(t, "initial"))
		height := rapid.Uint32Range(0, 200_000).Draw(t, "height")
		n := big.NewInt(int64(height / s.Interval))
		if n.Int64() > 2000 {
			n, height = big.NewInt(2000), 2000*s.Interval
		}
		want := new(big.Int).SetUint64(uint64(initial))
		want.Mul(want, new(big.Int).Exp(big.NewInt(int64(s.Num)), n, nil))
		want.Quo(want, new(big.Int).Exp(big.NewInt(int64(s.Den)), n, nil))
		if got := Decayed(&s, initial, height); uint64(got) != want.Uint64() {
			t.Fatalf("%d, want %s", got, want)
		}
		if Decayed(&s, initial, height+1) > Decayed(&s, initial, height) {
			t.Fatal("it rises")
		}
	})
}

// TestHalf holds the switch of [PIL-SUB-3].
func TestHalf(t *testing.T) {
	c := newChain(t)
	stake := func() pillars.Amount { return c.b.Subsidy(&c.p, pillars.PoS) }
	c.p.Stake.HalfBelow, c.p.Stake.HalfAbove = *u(1000), *u(2000)
	if stake() != 30_000_000 {
		t.Errorf("before any work: %s", stake())
	}
	for bits, want := range map[uint64]pillars.Amount{999: 150_000_000, 1000: 30_000_000, 2000: 30_000_000, 2001: 150_000_000} {
		c.b.Work.Bits = *u(bits)
		if stake() != want {
			t.Errorf("work at %d: %s, want %s", bits, stake(), want)
		}
	}
	c.b.Work.Bits = *u(2001)
	if c.p.Stake.HalfAbove.Clear(); stake() != 30_000_000 {
		t.Error("no upper bound, but it holds")
	}
	if c.b.Subsidy(&c.p, pillars.PoW) != 3*pillars.ETP || c.b.Subsidy(&c.p, pillars.DPoS) != 0 {
		t.Error("work or delegates")
	}
	c.b.Number = 499_999 // the next block is the first of the second era
	if c.b.Subsidy(&c.p, pillars.PoW) != 285_000_000 {
		t.Errorf("the era of the parent counts: %s", c.b.Subsidy(&c.p, pillars.PoW))
	}
}

// TestPool holds [PIL-SUB-4]: the last PoS block gets the rest, later ones nothing.
func TestPool(t *testing.T) {
	c := newChain(t)
	c.p.Phase.Pool = 70_000_000
	var paid []pillars.Amount
	for range 4 {
		paid = append(paid, c.b.Subsidy(&c.p, pillars.PoS))
		c.add(pillars.PoS, 100)
		c.add(pillars.PoW, 100)
	}
	if want := [4]pillars.Amount{30_000_000, 30_000_000, 10_000_000, 0}; [4]pillars.Amount(paid) != want {
		t.Errorf("%v", paid)
	}
}

// TestAssetReward holds [PIL-SUB-5].
func TestAssetReward(t *testing.T) {
	terms := func(s string) pillars.MiningTerms {
		m, err := pillars.ParseMiningTerms(s)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const all = ^uint64(0)
	for _, tt := range []struct {
		terms             string
		age               uint32
		seats, left, want uint64
	}{
		{"initial:300000000,interval:500000,base:0.95", 0, 1, all, 300_000_000},
		{"initial:300000000,interval:500000,base:0.95", 499_999, 1, all, 300_000_000},
		{"initial:300000000,interval:500000,base:0.95", 500_000, 1, all, 285_000_000},
		{"initial:300000000,interval:500000,base:0.95", 1_500_000, 1, all, 257_212_500}, // whole, though the power is not
		{"initial:300000000,interval:500000,base:0.95", 2_000_000, 1, all, 244_351_875},
		{"initial:300000000,interval:500000,base:0.95", 2_500_000, 1, all, 232_134_281}, // .25
		{"initial:300000000,interval:500000,base:0.95", 3_000_000, 1, all, 220_527_567}, // .1875
		{"initial:300000000,interval:500000,base:0.95", 0xffffffff, 1, all, 0},
		{"initial:3,interval:1,base:0.5", 1, 1, all, 2}, // 1.5
		{"initial:3,interval:1,base:0.5", 2, 1, all, 1}, // 0.75
		{"initial:3,interval:1,base:0.5", 3, 1, all, 0}, // 0.375
		{"initial:18446744073709551615,interval:1,base:1", 0xffffffff, 1, all, all},
		{"initial:18446744073709551615,interval:1,base:0.999999999", 1, 1, all, 18446744055262807541}, // ...2807541.4…
		{"initial:1000,interval:10,base:1", 55, 23, all, 43},
		{"initial:1000,interval:10,base:1", 55, 1, 600, 600},
		{"initial:1000,interval:10,base:1", 55, 23, 600, 43},
		{"initial:1000,interval:10,base:1", 55, 1, 0, 0},
		{"initial:1000,interval:10,base:1", 55, 0, all, 0},
	} {
		if got := AssetReward(terms(tt.terms), tt.age, tt.seats, tt.left); got != tt.want {
			t.Errorf("%s at %d: %d, want %d", tt.terms, tt.age, got, tt.want)
		}
	}
}

// TestAssetRewardExact compares the fixed point with exact rationals where those can be computed.
func TestAssetRewardExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := pillars.MiningTerms{
			Initial: rapid.Uint64().Draw(t, "initial"), Interval: 1,
			BaseDen: 1_000_000_000, BaseNum: rapid.Uint32Range(1, 1_000_000_000).Draw(t, "base"),
		}
		n := rapid.Uint32Range(0, 1000).Draw(t, "n")
		num, den := new(big.Int), new(big.Int)
		num.Exp(big.NewInt(int64(m.BaseNum)), big.NewInt(int64(n)), nil)
		den.Exp(big.NewInt(int64(m.BaseDen)), big.NewInt(int64(n)), nil)
		num.Mul(num, new(big.Int).SetUint64(m.Initial)).Lsh(num, 1)
		num.Add(num, den).Quo(num, den.Lsh(den, 1))
		if got := AssetReward(m, n, 1, ^uint64(0)); got != num.Uint64() {
			t.Fatalf("%d, want %s", got, num)
		}
	})
}
