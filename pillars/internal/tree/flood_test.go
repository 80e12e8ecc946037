package tree

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

var tight = Limits{Heads: 200, PeerHeads: 100, Bytes: 2 << 20, PeerBytes: 1 << 20, Invalid: 50, Uses: 8}

func (k *kit) bounded(at string) {
	k.t.Helper()
	s := k.tree.Sizes()
	if s.Heads > k.tree.limits.Heads || s.Bytes > k.tree.limits.Bytes || s.Invalid > k.tree.limits.Invalid || s.Nodes > s.Heads+len(k.disk)+1 {
		k.t.Fatalf("%s: %+v", at, s)
	}
}

// TestOrphanFlood: peers send blocks with parents that nobody knows. What is held stays within the bound, and a peer that
// holds little gets its orphan in.
func TestOrphanFlood(t *testing.T) {
	k := newKit(t, 1, tight)
	lost := &link{branch: k.start}
	lost.branch.ID[0]++
	full := 0
	for i := range 1500 {
		if _, err := k.give(Peer(1+i%4), k.work(lost, 10)); errors.Is(err, NoRoom) {
			full++
		} else if err != nil {
			t.Fatal(err)
		}
		k.bounded("orphans")
	}
	if full == 0 || k.tree.Sizes().Bytes < tight.Bytes/2 {
		t.Errorf("%d had no room: this shows nothing", full)
	}
	one := k.work(k.first(), 10)
	k.must(9, k.work(one, 10), Orphan)
	k.must(9, one, Ready)
	if k.tree.Tip().Number != 2 {
		t.Error("the honest orphan was pushed out")
	}
	for p := range 10 {
		k.tree.Gone(Peer(p))
	}
	if s := k.tree.Sizes(); s.Bytes != 0 || s.Orphans != 0 || s.Heads != 0 {
		t.Errorf("%+v after all have left", s)
	}
}

// TestFakeStakeFlood: headers and blocks under stakes that do not exist cost nothing to make. None is written to disk,
// none is judged twice, and what is held stays within the bound.
func TestFakeStakeFlood(t *testing.T) {
	k := newKit(t, 1, tight)
	k.p.Runs.PoS = 1 << 30
	base := k.grow(k.first(), 3)
	tips := []*link{base}
	for i := range 1200 {
		on := tips[k.r.IntN(len(tips))]
		l := k.stake(on, 1+k.r.Uint32N(5), k.outpoint())
		k.bad[l.branch.ID] = true
		if tips = append(tips, l); len(tips) > 40 {
			tips = tips[1:]
		}
		from := Peer(1 + i%3)
		if i%2 == 0 {
			_, _ = k.tree.Headers(from, []Head{HeadOf(l.block)}, k.now)
		} else {
			_, _ = k.give(from, l)
		}
		k.bounded("fake stakes")
		if k.disk[l.branch.ID] {
			t.Fatal("a fake stake is on disk")
		}
	}
	k.tipIs(base)
	if len(k.disk) != 3 {
		t.Errorf("%d blocks on disk", len(k.disk))
	}
	k.tipIs(k.must(9, k.work(base, 10), Ready))
}

// TestTwinFlood: one stake signs any number of blocks. They cost memory within the bound and no judging.
func TestTwinFlood(t *testing.T) {
	k := newKit(t, 1, tight)
	o := k.outpoint()
	one := k.must(1, k.stake(k.first(), 10, o), Ready)
	for range 400 {
		_, _ = k.give(2, k.stake(k.first(), 10, o))
		k.bounded("twins")
	}
	k.tipIs(one)
	if k.judged != 1 || len(k.disk) != 1 {
		t.Errorf("%d judged, %d on disk", k.judged, len(k.disk))
	}
}

// TestInvalidMemory forgets the oldest.
func TestInvalidMemory(t *testing.T) {
	m := newMemory(3)
	for i := range 5 {
		m.set(pillars.BlockID{byte(i)}, NoRoom)
		m.set(pillars.BlockID{byte(i)}, ParentInvalid)
	}
	if m.len() != 3 || m.reason(pillars.BlockID{1}) != nil || m.reason(pillars.BlockID{2}) != ParentInvalid {
		t.Error(m)
	}
}

// TestShares: the peer that holds most gives way, newest first, to one that holds less; itself it refuses.
func TestShares(t *testing.T) {
	s := shares{each: 10, all: 12}
	put := func(p Peer, cost int) (dropped []Peer, ok bool) {
		for {
			victim, ok := s.room(p, cost)
			if ok {
				s.hold(&item{peer: p, cost: cost})
				return dropped, true
			}
			if victim == nil {
				return dropped, false
			}
			dropped = append(dropped, victim.peer)
			s.drop(victim)
		}
	}
	for _, step := range []struct {
		peer    Peer
		cost    int
		dropped int
		ok      bool
	}{
		{1, 4, 0, true}, {1, 4, 0, true}, {1, 4, 0, false}, // its own bound
		{2, 4, 0, true}, {3, 1, 1, true}, // the first gives way
		{3, 3, 0, true}, {3, 9, 0, false}, {4, 4, 0, false}, // all hold as much
		{0, 100, 0, true}, // ourselves
	} {
		dropped, ok := put(step.peer, step.cost)
		if len(dropped) != step.dropped || ok != step.ok {
			t.Fatalf("%+v: %v, %v; %d used", step, dropped, ok, s.used)
		}
	}
	if s.used != 112 || len(s.of(3)) != 2 || len(s.of(7)) != 0 {
		t.Errorf("%d used", s.used)
	}
}

// TestHeaderFlood: peers send branches of headers under stake, which cost nothing. The whole stays within the bound, and a peer
// that sent little gets its headers in.
func TestHeaderFlood(t *testing.T) {
	k := newKit(t, 1, tight)
	k.p.Runs.PoS = 1 << 30
	base := k.grow(k.first(), 2)
	given := 0
	for i := range 20 {
		on := base
		var heads []Head
		for range 20 {
			on = k.stake(on, 1, k.outpoint())
			heads = append(heads, HeadOf(on.block))
		}
		n, err := k.tree.Headers(Peer(1+i%4), heads, k.now)
		if err != nil && !errors.Is(err, NoRoom) {
			t.Fatal(err)
		}
		given += n
		k.bounded("headers")
	}
	if given < tight.Heads || k.tree.Sizes().Heads != tight.Heads {
		t.Errorf("%d given, %d held: this shows nothing", given, k.tree.Sizes().Heads)
	}
	var heads []Head
	for on, n := base, 0; n < 10; n++ {
		on = k.work(on, 10)
		heads = append(heads, HeadOf(on.block))
	}
	if n, err := k.tree.Headers(9, heads, k.now); n != 10 || err != nil {
		t.Errorf("%d of the honest headers: %v", n, err)
	}
	k.bounded("headers")
}
