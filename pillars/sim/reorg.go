package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// Reorganisation equivalence: a chain that followed one branch and then goes over to another has the state of a chain that
// never saw the first, record by record. Chains are whole, with their stores; blocks are full of payments and stakes.

// deepestReorg is how many blocks a case takes back at most. The finality depth of these chains is above it.
const deepestReorg = 200

// A Reorg is what all cases together showed.
type Reorg struct {
	Cases   int    `json:"cases"`
	Deepest int    `json:"deepest"`
	Undone  int    `json:"undone"`  // blocks taken back, in all cases
	Crashes int    `json:"crashes"` // on the way from branch to branch, each opened again
	Error   string `json:"error,omitempty"`
}

func (r *Report) reorg(ctx context.Context, o Options) {
	r.Reorg = new(Reorg)
	sim.Each(ctx, o.Cases, o.Workers, func(i int) Reorg { return ReorgCase(o.First+uint64(i), 0) }, func(i int, c Reorg) bool {
		if r.Reorg.add(c); c.Error != "" {
			r.violated(c.Error, o.replay("reorg", o.First+uint64(i)))
		}
		o.Progress(fmt.Sprintf("reorganisations: %d of %d cases", i+1, o.Cases))
		return c.Error == ""
	})
}

func (r *Reorg) add(c Reorg) {
	r.Cases += c.Cases
	r.Undone += c.Undone
	r.Crashes += c.Crashes
	r.Deepest = max(r.Deepest, c.Deepest)
	if r.Error == "" {
		r.Error = c.Error
	}
}

// ReorgCase makes one case. Its depth is given, or drawn if 0: from 1 to deepestReorg, each power of two as likely as the
// next, one in twenty the deepest.
func ReorgCase(seed uint64, depth int) (r Reorg) {
	rng := sim.Stream(seed, "reorg")
	if depth == 0 {
		depth = int(math.Exp(rng.Float64() * math.Log(deepestReorg+1)))
		if rng.IntN(20) == 0 {
			depth = deepestReorg
		}
	}
	r.Cases, r.Deepest = 1, depth
	c := &reorgCase{Maker: chaintest.New(seed), rng: rng, r: &r}
	c.Params.Finality = deepestReorg + 50
	if err := c.run(depth); err != nil {
		r.Error = fmt.Sprintf("reorganisation, seed %d, depth %d: %v", seed, depth, err)
	}
	return r
}

type reorgCase struct {
	*chaintest.Maker
	rng *rand.Rand
	r   *Reorg
}

func (c *reorgCase) run(depth int) error {
	fork := c.grow(c.Genesis(), 1+c.rng.IntN(8), nil)
	one := c.grow(fork, depth, nil)
	two := c.grow(fork, 1, one)

	disk := kv.Crashable()
	faults := kv.Faulty(disk)
	switched, err := c.open(faults, true)
	if err != nil {
		return err
	}
	if err := c.give(switched, path(one)); err != nil {
		return err
	}
	if err := same(switched, one); err != nil {
		return fmt.Errorf("first branch: %w", err)
	}
	crashes := c.watch(disk, faults, len(path(two)))
	if err := c.give(switched, path(two)); err != nil {
		return err
	}
	faults.Slow(nil)
	if err := same(switched, two); err != nil {
		return fmt.Errorf("after the switch: %w", err)
	}
	if err := switched.Close(); err != nil {
		return err
	}
	straight, err := c.straight(two)
	if err != nil {
		return err
	}
	if straight != two.State.Root() {
		return fmt.Errorf("a chain that never saw the first branch has another state")
	}
	c.r.Undone += depth
	return c.recover(*crashes, one, two)
}

// grow makes blocks behind a link: so many, and if there is a rival then until they weigh more.
func (c *reorgCase) grow(on *chaintest.Link, blocks int, rival *chaintest.Link) *chaintest.Link {
	for n := 0; n < blocks || rival != nil && !on.Branch.Heavier(&rival.Branch); n++ {
		if c.rng.IntN(4) == 0 {
			if l, ok := c.Stake(on, 3, c.rng.IntN(3)); ok {
				on = l
				continue
			}
		}
		on = c.Mine(on, 1+c.rng.Uint32N(6), c.rng.IntN(3))
	}
	return on
}

// path lists the links from block 1 to a link.
func path(to *chaintest.Link) (all []*chaintest.Link) {
	for l := to; l.Parent != nil; l = l.Parent {
		all = append([]*chaintest.Link{l}, all...)
	}
	return all
}

// anyWork takes every header's work: these blocks have none.
type anyWork struct{}

// Verify implements tree.Seals.
func (anyWork) Verify(h []*pillars.Header) (int, error) { return len(h), nil }

func (c *reorgCase) options(fs kv.FS) chain.Options {
	return chain.Options{Store: store.Options{FS: fs, Engine: kv.Plain}, Workers: 1}
}

func (c *reorgCase) open(fs kv.FS, fresh bool) (*chain.Chain, error) {
	if fresh {
		if err := chain.Create(chainDir, &c.Params, c.options(fs)); err != nil {
			return nil, err
		}
	}
	return chain.OpenWith(chainDir, &c.Params, anyWork{}, c.options(fs))
}

func (c *reorgCase) give(to *chain.Chain, all []*chaintest.Link) error {
	now := c.Params.Genesis.Timestamp + 1_000_000
	for _, l := range all {
		result, err := to.Block(1, l.Block, now)
		if err != nil {
			return err
		}
		if result.Rule != nil {
			return fmt.Errorf("block %d: %w", l.Branch.Number, result.Rule)
		}
	}
	return nil
}

// straight is the hash of the state of a chain that is given one branch only.
func (c *reorgCase) straight(to *chaintest.Link) (root [32]byte, err error) {
	one, err := c.open(kv.Memory(), true)
	if err != nil {
		return root, err
	}
	if err := c.give(one, path(to)); err != nil {
		return root, err
	}
	if err := same(one, to); err != nil {
		return root, fmt.Errorf("straight: %w", err)
	}
	return one.Store().StateRoot(), one.Close()
}

// same compares tip, hash and every record with straight application.
func same(c *chain.Chain, l *chaintest.Link) error {
	s := c.Store()
	if tip := s.Tip(); tip.ID() != l.Branch.ID || tip.Branch != l.Branch {
		return fmt.Errorf("tip %d %s, want %d %s", tip.Branch.Number, tip.ID().Short(), l.Branch.Number, l.Branch.ID.Short())
	}
	if s.StateRoot() != l.State.Root() {
		return fmt.Errorf("another hash of the state after %d", l.Branch.Number)
	}
	var err error
	n := 0
	s.View().Under("", func(key state.Key, value []byte) bool {
		if want, ok := l.State.Get(key); !ok || string(want) != string(value) {
			err = fmt.Errorf("record %x is %x, want %x", string(key), value, want)
		}
		n++
		return err == nil
	})
	if err == nil && n != len(l.State.Keys()) {
		err = fmt.Errorf("%d records, want %d", n, len(l.State.Keys()))
	}
	return err
}

// keptCrashes is how many of the moments at which the disk changes are kept as crashes, spread over the switch.
const keptCrashes = 3

// watch keeps copies of the disk at random moments: as a killed process leaves it, and with half or nothing of
// what was not synced as a power loss does.
func (c *reorgCase) watch(disk *kv.CrashFS, faults *kv.FaultFS, blocks int) *[]*kv.CrashFS {
	var kept []*kv.CrashFS
	seen := 0
	faults.Slow(func(op kv.Operation, _ string) {
		if !op.Changes() {
			return
		}
		seen++
		at := c.rng.IntN(seen) // each moment as likely as the others in the end
		if at >= keptCrashes && len(kept) == keptCrashes {
			return
		}
		var left *kv.CrashFS
		if percent := c.rng.IntN(4); percent == 3 {
			left = disk.Kill()
		} else {
			left = disk.Crash(50*percent, c.rng.Uint64())
		}
		if len(kept) < keptCrashes {
			kept = append(kept, left)
		} else {
			kept[at] = left
		}
	})
	return &kept
}

// recover opens what crashes left: the state after some block of the two branches exactly, and given the second
// branch again it ends where the others did.
func (c *reorgCase) recover(crashes []*kv.CrashFS, one, two *chaintest.Link) error {
	known := map[pillars.BlockID]*chaintest.Link{}
	for _, l := range append(path(one), path(two)...) {
		known[l.Branch.ID] = l
	}
	genesis := c.Genesis()
	known[genesis.Branch.ID] = genesis
	for _, fs := range crashes {
		c.r.Crashes++
		again, err := c.open(fs, false)
		if err != nil {
			return fmt.Errorf("after a crash: %w", err)
		}
		at := known[again.Store().Tip().ID()]
		if at == nil {
			return fmt.Errorf("after a crash: the tip is no block of either branch")
		}
		if err := same(again, at); err != nil {
			return fmt.Errorf("after a crash: %w", err)
		}
		if err := c.give(again, append(path(one), path(two)...)); err != nil {
			return fmt.Errorf("after a crash: %w", err)
		}
		if err := same(again, two); err != nil {
			return fmt.Errorf("after a crash and the second branch again: %w", err)
		}
		if err := again.Close(); err != nil {
			return err
		}
	}
	return nil
}
