package consensus

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// TestHeaderRules takes one fact at a time from a header that may follow, and expects the one rule that
// notices.
func TestHeaderRules(t *testing.T) {
	seen := map[Rule]bool{}
	for _, tt := range []struct {
		name   string
		seal   pillars.Seal
		broken func(c *chain, h *pillars.Header)
		want   Rule
	}{
		{"number too high", pillars.PoW, func(c *chain, h *pillars.Header) { h.Number++ }, WrongNumber},
		{"number of the parent", pillars.PoS, func(c *chain, h *pillars.Header) { h.Number-- }, WrongNumber},
		{"number wraps to zero", pillars.PoW, func(c *chain, h *pillars.Header) { c.b.Number, h.Number = 0xffffffff, 0 }, WrongNumber},
		{"another parent", pillars.PoW, func(c *chain, h *pillars.Header) { h.Previous[5] ^= 1 }, WrongParent},
		{"classic form", pillars.PoW, func(c *chain, h *pillars.Header) { h.Version = pillars.HeaderVersion(pillars.PoW, false) }, WrongForm},
		{"extended on a classic network", pillars.PoW, func(c *chain, h *pillars.Header) { c.p.Extended = false }, WrongForm},
		{"not the checkpoint", pillars.PoW, func(c *chain, h *pillars.Header) {
			c.p.Pinned = []pillars.Checkpoint{{Number: h.Number}}
		}, NotCheckpoint},
		{"at the median", pillars.PoW, func(c *chain, h *pillars.Header) { h.Timestamp = c.b.Median(&c.p) }, TimeTooOld},
		{"one before the parent", pillars.PoW, func(c *chain, h *pillars.Header) { h.Timestamp = c.b.Stamps[0] - 1 }, TimeBeforeParent},
		{"stake at the parent", pillars.PoS, func(c *chain, h *pillars.Header) { h.Timestamp = c.b.Stamps[0] }, TimeBeforeParent},
		{"no such seal", pillars.PoW, func(c *chain, h *pillars.Header) { h.Version = 0x100 }, SealNotActive},
		{"delegates before their time", pillars.DPoS, func(c *chain, h *pillars.Header) { c.p.Phase.Delegates = h.Number + 1 }, SealNotActive},
		{"delegates never", pillars.DPoS, func(c *chain, h *pillars.Header) { c.p.Phase.Delegates = 0 }, SealNotActive},
		{"delegate after delegate", pillars.DPoS, func(c *chain, h *pillars.Header) { c.b.Seal = pillars.DPoS }, DelegateTwice},
		{"work run", pillars.PoW, func(c *chain, h *pillars.Header) { c.p.Runs.Grace, c.b.WorkRun = 0, 29 }, WorkRunTooLong},
		{"stake run", pillars.PoS, func(c *chain, h *pillars.Header) { c.p.Runs.Grace, c.b.StakeRun = 0, 24 }, StakeRunTooLong},
		{"easier work", pillars.PoW, func(c *chain, h *pillars.Header) { h.Bits.SubUint64(&h.Bits, 1) }, WrongBits},
		{"harder stake", pillars.PoS, func(c *chain, h *pillars.Header) { h.Bits.AddUint64(&h.Bits, 1) }, WrongBits},
		{"delegate with difficulty", pillars.DPoS, func(c *chain, h *pillars.Header) { h.Bits.SetOne() }, WrongBits},
		{"work of another second", pillars.PoW, func(c *chain, h *pillars.Header) { h.Timestamp += 12 }, WrongBits},
		{"stake with a nonce", pillars.PoS, func(c *chain, h *pillars.Header) { h.Nonce = 1 }, NonceNotZero},
		{"stake with a mix", pillars.PoS, func(c *chain, h *pillars.Header) { h.MixHash[31] = 1 }, MixNotZero},
		{"delegate with a mix", pillars.DPoS, func(c *chain, h *pillars.Header) { h.MixHash[0] = 1 }, MixNotZero},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newChain(t)
			c.p.Phase = pillars.PhaseParams{Delegates: 1, DelegateNum: 1, DelegateDen: 8}
			c.addMany(12, pillars.PoW, 28)
			c.add(pillars.PoS, 10)
			c.add(pillars.PoS, 10)
			c.add(pillars.PoW, 3)
			h := c.header(tt.seal, 20)
			if err := c.b.Check(&c.p, &h); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			tt.broken(c, &h)
			if err := c.b.Check(&c.p, &h); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		seen[tt.want] = true
	}
	for r := WrongNumber; r <= MixNotZero; r++ {
		if !seen[r] {
			t.Errorf("%v has no case", r)
		}
	}
}

// TestCheckpointHolds: the right block at a checkpoint's number is taken.
func TestCheckpointHolds(t *testing.T) {
	c := newChain(t)
	h := c.header(pillars.PoW, 28)
	c.p.Pinned = []pillars.Checkpoint{{Number: 7}, {Number: h.Number, ID: h.ID()}}
	if err := c.b.Check(&c.p, &h); err != nil {
		t.Error(err)
	}
}

// TestRulesAreSpecified finds each rule's name in the page that it cites.
func TestRulesAreSpecified(t *testing.T) {
	page, err := os.ReadFile("../../../docs/spec/pillars-consensus.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for r := Rule(1); int(r) <= RuleCount; r++ {
		if names[r.Error()] || !regexp.MustCompile("`"+r.Error()+"`").Match(page) {
			t.Errorf("rule %d, %q: not on the page, or twice in the list", r, r)
		}
		names[r.Error()] = true
	}
	if Rule(0).Error() != "rule_0" || Rule(250).Error() != "rule_250" {
		t.Error("a number that is no rule has a name")
	}
}

// TestWeight holds [PIL-WGT-1]: stake weighs the work before it, delegates an eighth of it, and neither its own difficulty.
func TestWeight(t *testing.T) {
	c := newChain(t)
	c.p.Phase = pillars.PhaseParams{Delegates: 1, DelegateNum: 1, DelegateDen: 8}
	c.add(pillars.PoS, 5)
	if w := c.b.Weight; !w.Eq(&c.p.PoW.Minimum) {
		t.Errorf("stake before any work weighs %s", w.Dec())
	}
	c.add(pillars.DPoS, 5)
	c.addMany(20, pillars.PoW, 0+1)
	work := c.b.Work.Bits
	if !work.Gt(&c.p.PoW.Minimum) {
		t.Fatal("difficulty did not rise")
	}
	for seal, want := range map[pillars.Seal]uint64{pillars.PoS: work.Uint64(), pillars.DPoS: work.Uint64() / 8} {
		before := c.b
		c.add(seal, 5)
		c.b.Weight.Sub(&c.b.Weight, &before.Weight)
		if c.b.Weight.Uint64() != want {
			t.Errorf("%s weighs %s, want %d", seal, c.b.Weight.Dec(), want)
		}
		c.b = before
	}
}

// TestChoice holds [PIL-WGT-2] and [PIL-WGT-3].
func TestChoice(t *testing.T) {
	a, b := newChain(t), newChain(t)
	a.add(pillars.PoW, 28)
	b.add(pillars.PoS, 27)
	if a.b.Heavier(&b.b) || b.b.Heavier(&a.b) || a.b.ID == b.b.ID {
		t.Error("equal weights: the first one seen stays")
	}
	a.add(pillars.PoW, 28)
	if !a.b.Heavier(&b.b) || b.b.Heavier(&a.b) {
		t.Error("more weight wins")
	}
	tip := Branch{Number: 1000}
	for fork, want := range map[uint32]bool{879: true, 880: false, 1000: false, 1001: false, 0: true} {
		if got := tip.Settled(&a.p, fork); got != want {
			t.Errorf("fork at %d below %d: settled is %v", fork, tip.Number, got)
		}
	}
	if a.p.Finality = 0; tip.Settled(&a.p, 0) {
		t.Error("without a finality depth nothing is settled")
	}
}

// TestModifier: each block changes it, by what its author does not choose, and the seal counts
// [PIL-POS-2].
func TestModifier(t *testing.T) {
	c := newChain(t)
	c.p.Phase.Delegates = 1
	c.p.Phase.DelegateDen = 1
	next := func(seal pillars.Seal, mix [32]byte, r Reveal) pillars.Hash {
		h := c.header(seal, 9)
		h.MixHash = mix
		n := c.b.Next(&c.p, &h, r)
		return n.Modifier
	}
	x := [32]byte{1}
	stake := pillars.Outpoint{Tx: x}
	all := []pillars.Hash{
		c.b.Modifier,
		next(pillars.PoW, [32]byte{}, Reveal{}), next(pillars.PoW, x, Reveal{}),
		next(pillars.PoS, [32]byte{}, Reveal{}), next(pillars.PoS, [32]byte{}, Reveal{Stake: stake}),
		next(pillars.DPoS, [32]byte{}, Reveal{}), next(pillars.DPoS, [32]byte{}, Reveal{Proof: x}),
	}
	for i := range all {
		for j := range i {
			if all[i] == all[j] {
				t.Errorf("modifiers %d and %d are equal", i, j)
			}
		}
	}
	if next(pillars.PoW, x, Reveal{Stake: stake, Proof: x}) != all[2] || next(pillars.PoS, [32]byte{}, Reveal{Stake: stake, Proof: x}) != all[4] {
		t.Error("what a seal does not reveal changed its modifier")
	}
	// A miner may choose transactions and stamp: neither moves the modifier.
	h := c.header(pillars.PoW, 9)
	h.Merkle[3], h.Timestamp, h.MixHash = 7, h.Timestamp+1, x
	if n := c.b.Next(&c.p, &h, Reveal{}); n.Modifier != all[2] {
		t.Error("transactions or stamp moved the modifier")
	}
}

// TestBranchBytes: what is kept beside a header comes back.
func TestBranchBytes(t *testing.T) {
	c := newChain(t)
	for i := range uint32(60) {
		c.add(pillars.PoW, 7+i%50)
		if i%7 == 3 {
			c.add(pillars.PoS, 30)
		}
		raw := c.b.AppendBinary(nil)
		var back Branch
		if err := back.UnmarshalBinary(raw); err != nil || back != c.b || len(raw) != BranchSize {
			t.Fatalf("block %d: %v, %d bytes", c.b.Number, err, len(raw))
		}
	}
}

func FuzzBranch(f *testing.F) {
	c := newChain(f)
	f.Add(c.b.AppendBinary(nil))
	c.add(pillars.PoW, 20)
	c.add(pillars.PoS, 20)
	f.Add(c.b.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var b Branch
		if b.UnmarshalBinary(raw) != nil {
			return
		}
		if string(b.AppendBinary(nil)) != string(raw) {
			t.Fatal("two encodings of one branch")
		}
		// Any branch can be asked anything.
		p := pillars.MainnetLike()
		for _, seal := range []pillars.Seal{0, pillars.PoW, pillars.PoS, pillars.DPoS} {
			h := pillars.Header{Version: pillars.HeaderVersion(seal, true), Previous: b.ID, Number: b.Number + 1, Timestamp: b.Stamps[0] + 7}
			if d, err := b.Difficulty(&p, seal, h.Timestamp); err == nil {
				h.Bits = d.Bits
				if b.Check(&p, &h) == nil {
					n := b.Next(&p, &h, Reveal{})
					if n.Weight.Lt(&b.Weight) {
						t.Fatal("a block took weight away")
					}
				}
			}
			b.Subsidy(&p, seal)
		}
	})
}
