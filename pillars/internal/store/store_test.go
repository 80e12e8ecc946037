package store_test

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

const dir = "/node/chain"

// A shelf is a store and the straight chain that is in it.
type shelf struct {
	*chaintest.Maker
	t     testing.TB
	o     store.Options
	s     *store.Store
	chain []*chaintest.Link // by height
}

func newShelf(t testing.TB, o store.Options) *shelf {
	if o.FS == nil {
		o.FS = kv.Memory()
	}
	o.Engine = kv.Plain
	h := &shelf{Maker: chaintest.New(3), t: t, o: o}
	g := h.Genesis()
	h.chain = []*chaintest.Link{g}
	diff := state.Genesis(&state.Memory{}, g.Block, &h.Params)
	if err := store.Create(dir, &h.Params, store.EntryOf(g.Block, g.Branch), g.Block, diff, o); err != nil {
		t.Fatal(err)
	}
	h.open()
	t.Cleanup(h.close)
	return h
}

func (h *shelf) open() {
	h.t.Helper()
	var err error
	if h.s, err = store.Open(dir, &h.Params, h.o); err != nil {
		h.t.Fatal(err)
	}
}

func (h *shelf) close() {
	if err := h.s.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *shelf) connect(l *chaintest.Link) {
	h.t.Helper()
	diff, err := state.Apply(h.s.View(), l.Block, state.Context{Params: &h.Params, Parent: &l.Parent.Branch, Stamp: l.Block.Timestamp})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.s.Connect(store.EntryOf(l.Block, l.Branch), l.Block, diff, true); err != nil {
		h.t.Fatal(err)
	}
	h.chain = append(h.chain, l)
}

func (h *shelf) grow(n int) {
	h.t.Helper()
	for range n {
		h.connect(h.Mine(h.chain[len(h.chain)-1], 1, 2))
	}
}

// TestFolders: a folder says of which format, network and profile it is, and is refused by name.
func TestFolders(t *testing.T) {
	h := newShelf(t, store.Options{})
	h.grow(2)
	if _, err := store.Open(dir, &h.Params, h.o); !errors.Is(err, store.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	h.close()
	open := func(change func(p *pillars.Params, o *store.Options)) error {
		p, o := h.Params, h.o
		change(&p, &o)
		s, err := store.Open(dir, &p, o)
		if err == nil {
			err = s.Close()
		}
		return err
	}
	for name, tt := range map[string]struct {
		change func(p *pillars.Params, o *store.Options)
		want   error
	}{
		"the same":              {func(*pillars.Params, *store.Options) {}, nil},
		"another name":          {func(p *pillars.Params, _ *store.Options) { p.Name = "other" }, store.ErrNetwork},
		"another genesis":       {func(p *pillars.Params, _ *store.Options) { p.Genesis.Timestamp++ }, store.ErrNetwork},
		"other parameters":      {func(p *pillars.Params, _ *store.Options) { p.Stake.LockAge++ }, store.ErrProfile},
		"a checkpoint more":     {func(p *pillars.Params, _ *store.Options) { p.Pinned = append(p.Pinned, pillars.Checkpoint{}) }, nil},
		"no folder":             {func(_ *pillars.Params, o *store.Options) { o.FS = kv.Memory() }, store.ErrNotFound},
		"pruned below finality": {func(_ *pillars.Params, o *store.Options) { o.Prune = 12 }, errAny},
	} {
		if err := open(tt.change); !errors.Is(err, tt.want) && (tt.want != errAny || err == nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	g := h.chain[0]
	err := store.Create(dir, &h.Params, store.EntryOf(g.Block, g.Branch), g.Block, state.Genesis(&state.Memory{}, g.Block, &h.Params), h.o)
	if !errors.Is(err, store.ErrExists) {
		t.Errorf("created over another: %v", err)
	}
	h.open()
	if tip := h.s.Tip(); tip.ID() != h.chain[2].Branch.ID || tip.Head.Header != h.chain[2].Block.Header || tip.Transactions != uint32(len(h.chain[2].Block.Transactions)) {
		t.Errorf("tip %+v", tip)
	}
}

var errAny = errors.New("any error")

// TestUndo: connecting and disconnecting leaves no trace but the bodies, and those are listed.
func TestUndo(t *testing.T) {
	h := newShelf(t, store.Options{})
	h.grow(6)
	for i := 6; i > 0; i-- {
		if b, err := h.s.Disconnect(); err != nil || b.ID() != h.chain[i].Branch.ID {
			t.Fatal(err)
		}
		if h.s.StateRoot() != h.chain[i-1].State.Root() {
			t.Fatalf("the state after %d is another", i-1)
		}
		for _, tx := range h.chain[i].Block.Transactions {
			if _, ok := h.s.Transaction(tx.ID()); ok {
				t.Fatal("a transaction of no block on our chain")
			}
		}
	}
	side := 0
	h.s.Side(func(e store.Entry) {
		side++
		if e.ID() != h.chain[side].Branch.ID || h.s.Ours(&e) {
			t.Errorf("side %d", side)
		}
	})
	n := 0
	h.s.History(h.Owner, store.Place{}, func(store.Place, byte) bool { n++; return true })
	if side != 6 || n != len(h.chain[0].Block.Transactions) || h.s.High() != 6 {
		t.Errorf("%d blocks aside, %d in the history, high %d", side, n, h.s.High())
	}
	var ids []pillars.BlockID
	for _, l := range h.chain[1:] {
		ids = append(ids, l.Branch.ID)
	}
	if err := h.s.Forget(ids); err != nil {
		t.Fatal(err)
	}
	h.s.Side(func(store.Entry) { t.Error("still there") })
	if _, err := h.s.Block(ids[0]); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestPruning: bodies, undo data and index entries of old blocks go, headers stay; an archive can be pruned later and
// not come back.
func TestPruning(t *testing.T) {
	h := newShelf(t, store.Options{})
	h.grow(50)
	h.close()
	h.o.Prune = 13
	h.open()
	h.grow(2) // two steps of sixteen
	if h.s.From() != 33 {
		t.Errorf("bodies from %d after two steps", h.s.From())
	}
	h.grow(8)
	from := h.s.From()
	if tip := uint32(60); from != tip-13+1 {
		t.Errorf("bodies from %d of %d", from, tip)
	}
	for height, l := range h.chain {
		_, err := h.s.Block(l.Branch.ID)
		gone := height > 0 && uint32(height) < from
		if gone != errors.Is(err, store.ErrPruned) || !gone && err != nil {
			t.Fatalf("block %d: %v", height, err)
		}
		if e, ok := h.s.Entry(l.Branch.ID); !ok || e.Branch != l.Branch {
			t.Fatalf("no header of %d", height)
		}
		_, found := h.s.Transaction(l.Block.Transactions[0].ID())
		if _, err := h.s.Undo(l.Branch.ID); found == gone || (err == nil) == gone {
			t.Fatalf("block %d: transaction found %v, undo %v", height, found, err)
		}
	}
	h.s.History(h.Owner, store.Place{Height: 1}, func(at store.Place, _ byte) bool {
		if at.Height != from {
			t.Errorf("history from %d", at.Height)
		}
		return false
	})
	h.close()
	h.o.Prune = 0
	if _, err := store.Open(dir, &h.Params, h.o); !errors.Is(err, store.ErrPruned) {
		t.Errorf("an archive again: %v", err)
	}
	h.o.Prune = 13
	h.open()
	for range 12 {
		if _, err := h.s.Disconnect(); err != nil {
			t.Fatal(err)
		}
	}
	if h.s.StateRoot() != h.chain[48].State.Root() {
		t.Error("the state after a reorganisation in a pruned folder")
	}
}

// TestFixed: a fixed view stays what it was.
func TestFixed(t *testing.T) {
	h := newShelf(t, store.Options{})
	h.grow(2)
	v, release := h.s.Fixed()
	defer release()
	h.grow(2)
	if head, ok := state.At(v, &h.Params).Head(); !ok || head.Number != 2 {
		t.Errorf("%+v", head)
	}
	if head, ok := state.At(h.s.View(), &h.Params).Head(); !ok || head.Number != 4 {
		t.Errorf("%+v", head)
	}
}

// TestDamage: a changed bit is never served.
func TestDamage(t *testing.T) {
	disk := kv.Crashable()
	h := newShelf(t, store.Options{FS: disk})
	h.grow(3)
	h.close()
	found := 0
	for seed := range uint64(40) {
		hurt := disk.Kill()
		files, err := hurt.List(dir + "/chain")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			_, _, _ = hurt.Flip(dir+"/chain/"+name, seed)
		}
		o := h.o
		o.FS = hurt
		s, err := store.Open(dir, &h.Params, o)
		if err != nil {
			found++
			continue
		}
		l := h.chain[s.Tip().Branch.Number]
		if s.Tip().ID() != l.Branch.ID || s.StateRoot() != l.State.Root() {
			t.Errorf("seed %d: served", seed)
		}
		_ = s.Close()
	}
	if found == 0 {
		t.Error("no damage was found: this test shows nothing")
	}
	h.open()
}

// TestServe: a peer with a shorter chain, or one of its own from some height on, gets what it lacks.
func TestServe(t *testing.T) {
	h := newShelf(t, store.Options{})
	h.grow(40)
	locator := h.s.Locator()
	if locator[0] != h.chain[40].Branch.ID || locator[len(locator)-1] != h.chain[0].Branch.ID || len(locator) > 16 {
		t.Errorf("%d ids", len(locator))
	}
	for _, tt := range []struct {
		locator     []pillars.BlockID
		most, first int
		n           int
	}{
		{locator, 100, 0, 0},
		{[]pillars.BlockID{{1}, h.chain[30].Branch.ID, h.chain[0].Branch.ID}, 100, 31, 10},
		{[]pillars.BlockID{h.chain[30].Branch.ID}, 3, 31, 3},
		{[]pillars.BlockID{{1}}, 5, 1, 5},
		{nil, 5, 1, 5},
	} {
		heads := h.s.After(tt.locator, tt.most)
		if len(heads) != tt.n || tt.n > 0 && heads[0].Header != h.chain[tt.first].Block.Header {
			t.Errorf("%d headers, want %d from %d", len(heads), tt.n, tt.first)
		}
	}
}

// TestCreateCrashes kills the making of a folder, and cuts the power, before each change of the disk: what is left opens, or can
// be made again.
func TestCreateCrashes(t *testing.T) {
	disk := kv.Crashable()
	faults := kv.Faulty(disk)
	var left []*kv.CrashFS
	faults.Slow(func(op kv.Operation, _ string) {
		if op.Changes() {
			left = append(left, disk.Kill(), disk.Crash(50, uint64(len(left))))
		}
	})
	m := chaintest.New(3)
	g := m.Genesis()
	o := store.Options{FS: faults, Engine: kv.Plain}
	create := func() error {
		diff := state.Genesis(&state.Memory{}, g.Block, &m.Params)
		return store.Create(dir, &m.Params, store.EntryOf(g.Block, g.Branch), g.Block, diff, o)
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	opened := 0
	for i, disk := range append(left, disk.Crash(0, 1)) {
		o.FS = disk
		s, err := store.Open(dir, &m.Params, o)
		if errors.Is(err, store.ErrNotFound) {
			if err := create(); err != nil {
				t.Fatalf("make it again after change %d: %v", i/2, err)
			}
			s, err = store.Open(dir, &m.Params, o)
		} else {
			opened++
		}
		if err != nil {
			t.Fatalf("after change %d: %v", i/2, err)
		}
		if s.StateRoot() != g.State.Root() {
			t.Fatalf("after change %d: another state", i/2)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if opened == 0 || opened > len(left) {
		t.Errorf("%d of %d opened", opened, len(left)+1)
	}
}
