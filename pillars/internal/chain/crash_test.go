package chain

import (
	"sync"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

// A left is what a crash left of a disk, and the heaviest tip that was promised until then.
type left struct {
	fs       *kv.CrashFS
	at       string
	promised *chaintest.Link
}

// TestCrashes ends the process, and cuts the power with all, half or nothing kept of what was not synced, before every
// change of the disk while random trees are taken. What is left must be the state after some block exactly; the chain that
// is opened on it is at least as heavy as what was acknowledged, and can be given the rest.
func TestCrashes(t *testing.T) {
	for name, engine := range map[string]kv.Engine{"plain": kv.Plain, "pebble": kv.Pebble} {
		t.Run(name, func(t *testing.T) {
			n := max(*seeds/4, 1)
			if engine == kv.Pebble {
				n = max(n/4, 1)
			}
			for seed := *firstSeed; seed < *firstSeed+n; seed++ {
				crashRun(t, seed, engine)
			}
		})
	}
}

func crashRun(t *testing.T, seed uint64, engine kv.Engine) {
	disk := kv.Crashable()
	faults := kv.Faulty(disk)
	d := deskOf(t, chaintest.New(seed), 60, faults)
	d.close()
	d.o.Store.Engine, d.o.Store.Prune = engine, 61
	d.o.Store.FS = faults
	if engine == kv.Pebble {
		disk = kv.Crashable()
		faults.Replace(disk)
		if err := Create(dir, &d.Params, d.o); err != nil {
			t.Fatal(err)
		}
	}
	d.now = d.Params.Genesis.Timestamp + 1000 // recent blocks are durable at once
	genesis := d.Genesis()
	byID := map[pillars.BlockID]*chaintest.Link{genesis.Branch.ID: genesis}
	all := d.Tree(genesis, 22, 6)
	for _, l := range all {
		byID[l.Branch.ID] = l
	}
	var mu sync.Mutex // the engine's own goroutines write too
	promised := genesis
	var crashes []left
	n, done := 0, false
	faults.Slow(func(op kv.Operation, name string) {
		mu.Lock()
		defer mu.Unlock()
		if !op.Changes() || done {
			return
		}
		n++
		at := op.String() + " " + name
		crashes = append(crashes, left{disk.Kill(), "killed before " + at, promised})
		percent := []int{0, 50, 100}[n%3]
		crashes = append(crashes, left{disk.Crash(percent, uint64(n)), "power lost before " + at, promised})
	})
	d.open()
	for _, i := range d.disorder(len(all)) {
		d.give(1, all[i])
		mu.Lock()
		promised = byID[d.c.Store().Tip().ID()]
		mu.Unlock()
	}
	mu.Lock()
	done = true
	mu.Unlock()
	faults.Slow(nil)
	best := d.c.Tip().Weight
	d.close()
	if len(crashes) < 20 {
		t.Fatalf("only %d crashes", len(crashes))
	}
	each := 1
	if engine == kv.Pebble {
		each = 15 // opening one takes long
	}
	for i := 0; i < len(crashes); i += each {
		d.judge(crashes[i], byID)
		for _, l := range all {
			d.give(1, l)
		}
		if d.c.Tip().Weight != best {
			t.Fatalf("seed %d, %s: the chain did not catch up", seed, crashes[i].at)
		}
		d.close()
	}
	t.Logf("seed %d: %d crashes", seed, len(crashes)/each)
}

// judge opens what a crash left: the store as it is, and then the chain.
func (d *desk) judge(c left, byID map[pillars.BlockID]*chaintest.Link) {
	d.t.Helper()
	d.o.Store.FS = c.fs
	s, err := store.Open(dir, &d.Params, d.o.Store)
	if err != nil {
		d.t.Fatalf("%s: %v", c.at, err)
	}
	tip := byID[s.Tip().ID()]
	if tip == nil || s.StateRoot() != tip.State.Root() {
		d.t.Fatalf("%s: the state is not that of a block", c.at)
	}
	if err := s.Close(); err != nil {
		d.t.Fatal(err)
	}
	d.open()
	tip = byID[d.c.Store().Tip().ID()]
	if c.promised.Branch.Heavier(&tip.Branch) {
		d.t.Fatalf("%s: tip at %d, %d was acknowledged", c.at, tip.Branch.Number, c.promised.Branch.Number)
	}
	d.tipIs(tip)
	d.indexesAreOf(tip)
}

// TestPrunedCrashes is the same for a folder that is pruned on the way: what a crash leaves has the bodies and undo data that it
// says it has, and no others.
func TestPrunedCrashes(t *testing.T) {
	disk := kv.Crashable()
	faults := kv.Faulty(disk)
	d := newDesk(t, 2, faults)
	d.close()
	d.o.Store.Prune = 13
	d.open()
	genesis := d.Genesis()
	byID := map[pillars.BlockID]*chaintest.Link{genesis.Branch.ID: genesis}
	var order []*chaintest.Link
	on := genesis
	for on.Branch.Number < 24 {
		order = append(order, d.Mine(on, 1, 2))
		if on = order[len(order)-1]; on.Branch.Number%8 == 0 { // and another way from three below, heavier by one
			other := on.Parent.Parent.Parent
			for range 4 {
				other = d.Mine(other, 1, 2)
				order = append(order, other)
			}
			on = other
		}
	}
	var crashes []left
	faults.Slow(func(op kv.Operation, name string) {
		if op.Changes() {
			crashes = append(crashes, left{disk.Kill(), "killed before " + name, genesis}, left{disk.Crash(50, uint64(len(crashes))), "power lost before " + name, genesis})
		}
	})
	for _, l := range order {
		byID[l.Branch.ID] = l
		d.give(1, l)
	}
	faults.Slow(nil)
	d.tipIs(on)
	if from := d.c.Store().From(); from < 5 {
		t.Errorf("bodies from %d: this shows nothing", from)
	}
	d.close()
	for _, c := range crashes {
		d.o.Store.FS = c.fs
		d.open()
		s := d.c.Store()
		tip := byID[s.Tip().ID()]
		d.tipIs(tip)
		for l := tip; l.Parent != nil; l = l.Parent {
			_, body := s.Block(l.Branch.ID)
			_, undo := s.Undo(l.Branch.ID)
			if here := l.Branch.Number >= s.From(); (body == nil) != here || (undo == nil) != here {
				t.Fatalf("%s: block %d of %d, bodies from %d: %v, %v", c.at, l.Branch.Number, tip.Branch.Number, s.From(), body, undo)
			}
		}
		d.close()
	}
	t.Logf("%d crashes", len(crashes))
}

// TestBrokenDisk: when a write fails the process ends, here by a panic, and what it leaves is the state after a block.
func TestBrokenDisk(t *testing.T) {
	for fuse := uint64(1); fuse < 12; fuse++ {
		faults := kv.Faulty(kv.Memory())
		d := deskOf(t, chaintest.New(5), 60, faults)
		all := d.Tree(d.Genesis(), 20, 5)
		byID := map[pillars.BlockID]*chaintest.Link{}
		byID[d.c.Store().Tip().ID()] = d.Genesis()
		died := func() (died bool) {
			defer func() { died = recover() != nil }()
			for i, l := range all {
				byID[l.Branch.ID] = l
				if i == 8 {
					faults.FailAfter(fuse, true)
				}
				d.give(1, l)
			}
			return false
		}()
		if !died {
			t.Fatal("nothing broke")
		}
		faults.FailAfter(0, false)
		func() {
			defer func() { _ = recover() }()
			_ = d.c.Close() // what the end of the process does
		}()
		d.open()
		d.tipIs(byID[d.c.Store().Tip().ID()])
		for _, l := range all {
			d.give(1, l)
		}
		d.close()
	}
}

// TestFullDisk: a full disk refuses blocks before anything is written, and when there is space again the next call does
// what was left.
func TestFullDisk(t *testing.T) {
	faults := kv.Faulty(kv.Memory())
	d := deskOf(t, chaintest.New(5), 60, faults)
	one := d.Mine(d.Genesis(), 1, 1)
	two := d.Mine(one, 1, 1)
	d.give(1, one)
	faults.SetFull(true)
	if _, err := d.c.Block(1, two.Block, d.now); err == nil {
		t.Fatal("written to a full disk")
	}
	d.tipIs(one)
	faults.SetFull(false)
	if events, err := d.c.Tick(d.now); err != nil || len(events) != 1 {
		t.Errorf("%d events, %v", len(events), err)
	}
	d.tipIs(two)
}
