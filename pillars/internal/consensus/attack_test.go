package consensus

import (
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// A fork is a race that has settled, split into two that know nothing of each other.
func fork(t *testing.T, seed uint64) (honest, attacker *race) {
	t.Helper()
	g := newRace(seed, 1)
	g.run(300)
	for g.b.Seal != pillars.PoS { // where an attacker without stake has the longest run before him
		g.step()
	}
	h, a := *g, *newRace(seed+1000, 1)
	h.r, a.b, a.now = newRace(seed+2000, 1).r, g.b, g.now
	return &h, &a
}

// seeds is how many runs there are: a sixth of them when tests shall be short.
func seeds(n uint64) uint64 {
	if testing.Short() {
		return (n + 5) / 6
	}
	return n
}

// lead lets both run side by side for some hours and reports the most blocks of the honest branch that the other
// one would have displaced at any moment by being heavier.
func lead(honest, attacker *race, hours float64) (displaced uint32) {
	from, end := honest.b.Number, honest.now+hours*3600
	for tick := honest.now; tick < end; tick += 25 {
		for honest.until(tick) != 0 {
		}
		for attacker.until(tick) != 0 {
		}
		if attacker.b.Heavier(&honest.b) {
			displaced = max(displaced, honest.b.Number-from)
		}
	}
	return displaced
}

// TestMajorityWithoutStake: a miner with 51 % of the hash rate and no stake can displace fewer than W = 30 blocks. His
// branch stops at 29 blocks of work; beyond, each costs four times what it weighs.
func TestMajorityWithoutStake(t *testing.T) {
	for seed := range seeds(60) {
		honest, attacker := fork(t, seed)
		honest.rate, attacker.rate = 0.49*honest.rate, 0.51*attacker.rate
		attacker.stake = 0
		if n := lead(honest, attacker, 12); n >= 30 {
			t.Errorf("seed %d: %d blocks displaced", seed, n)
		}
	}
}

// TestMajorityWithStakeWins shows that the test above could fail: the same miner with all the stake displaces
// as much as he likes.
func TestMajorityWithStakeWins(t *testing.T) {
	wins := 0
	for seed := range seeds(10) {
		honest, attacker := fork(t, seed)
		honest.rate, attacker.rate = 0.40*honest.rate, 0.60*attacker.rate
		honest.stake = 0
		if lead(honest, attacker, 12) >= 30 {
			wins++
		}
	}
	if n := int(seeds(10)); wins < n*8/10 {
		t.Errorf("only %d of %d succeed", wins, n)
	}
}

// TestNothingAtStake: stakers who have all the stake, keep it from the honest branch and build one of their own
// without work, may lead by luck at first, as one block in nine would; never once six blocks stand on the other.
func TestNothingAtStake(t *testing.T) {
	for seed := range seeds(60) {
		honest, attacker := fork(t, seed)
		honest.stake, attacker.rate = 0, 1e-9
		if n := lead(honest, attacker, 6); n >= 6 {
			t.Errorf("seed %d: %d blocks displaced", seed, n)
		}
		if attacker.b.StakeRun > attacker.p.Runs.PoS {
			t.Errorf("seed %d: a run of %d", seed, attacker.b.StakeRun)
		}
	}
}

// TestNextWorkDecides: of two PoS blocks by one staker, the one that the next work stands on has the heavier branch.
func TestNextWorkDecides(t *testing.T) {
	c := newChain(t)
	c.addMany(5, pillars.PoW, 28)
	one, two := *c, *c
	one.add(pillars.PoS, 3)
	two.add(pillars.PoS, 4)
	if one.b.Heavier(&two.b) || two.b.Heavier(&one.b) || one.b.ID == two.b.ID {
		t.Fatal("twins differ in weight")
	}
	two.add(pillars.PoW, 30)
	if !two.b.Heavier(&one.b) {
		t.Error("work did not decide")
	}
	one.add(pillars.PoS, 300) // nor does another twin above catch up
	two.add(pillars.PoW, 1)
	if !two.b.Heavier(&one.b) {
		t.Error("stake kept a branch against work")
	}
}

// BenchmarkHeader is what the rules of this package cost for one header, id included.
func BenchmarkHeader(b *testing.B) {
	c := newChain(b)
	c.addMany(20, pillars.PoW, 28)
	h := c.header(pillars.PoW, 28)
	for b.Loop() {
		if err := c.b.Check(&c.p, &h); err != nil {
			b.Fatal(err)
		}
		c.b.Next(&c.p, &h, Reveal{})
	}
}
