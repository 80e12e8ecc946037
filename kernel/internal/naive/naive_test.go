package naive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// A loom makes worlds by hand: snapshots are named by author, variant and round.
type loom struct {
	t testing.TB
	*World
}

// leaderOf: round r has the leader r mod k, then the next ones.
func leaderOf(k, slots int, wave kernel.Round) func(kernel.Round) []kernel.Author {
	return func(d kernel.Round) (out []kernel.Author) {
		for i := range slots {
			out = append(out, kernel.Author((int(d-wave)+1+i)%k))
		}
		return out
	}
}

func newLoom(t testing.TB, k, slots int, wave uint8) *loom {
	r := Of(k, kernel.Parameters{Wave: wave, Horizon: 100, Depth: 50})
	r.Leaders = leaderOf(k, slots, kernel.Round(wave))
	return &loom{t, New(r)}
}

func id(a kernel.Author, r kernel.Round, variant int) kernel.SnapshotID {
	if r == 0 {
		return kernel.GenesisSnapshotID(kernel.Hash{}, a)
	}
	return kernel.SnapshotID{byte(variant + 1), byte(a), byte(r >> 8), byte(r)}
}

func parent(a kernel.Author, r kernel.Round, variant int) kernel.Parent {
	return kernel.Parent{Author: a, Round: r, ID: id(a, r, variant)}
}

func header(a kernel.Author, r kernel.Round, parents ...kernel.Parent) *kernel.Header {
	return &kernel.Header{Author: a, Round: r, Timestamp: kernel.Timestamp(r), Parents: parents}
}

func (l *loom) add(variant int, h *kernel.Header) *Snap {
	l.t.Helper()
	s, err := l.Add(id(h.Author, h.Round, variant), h, true)
	if err != nil {
		l.t.Fatalf("%d@%d: %v", h.Author, h.Round, err)
	}
	return s
}

// round has each of the authors name all of them.
func (l *loom) round(r kernel.Round, authors ...kernel.Author) {
	l.t.Helper()
	for _, a := range authors {
		h := header(a, r, parent(a, r-1, 0))
		for _, b := range authors {
			if b != a {
				h.Parents = append(h.Parents, parent(b, r-1, 0))
			}
		}
		l.add(0, h)
	}
}

func describe(commits []Commit) string {
	var b strings.Builder
	for _, c := range commits {
		fmt.Fprintf(&b, "%d %v at %d:", c.Index, c.Leader, c.Timestamp)
		for _, s := range c.Settled {
			fmt.Fprintf(&b, " %v", s.Snap)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestCalm: with nobody late every leader is committed w-1 rounds after it, with what it names.
func TestCalm(t *testing.T) {
	l := newLoom(t, 4, 1, 4)
	for r := kernel.Round(1); r <= 5; r++ {
		l.round(r, 0, 1, 2, 3)
	}
	want := "1 1@1 at 0: 1@1\n2 2@2 at 1: 0@1 2@1 3@1 2@2\n"
	if got := describe(l.Order(l.All())); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if n, r, rank := l.Decides(l.All()); n != 2 || r != 3 || rank != 0 {
		t.Errorf("decides %d commits up to (%d, %d)", n, r, rank)
	}
	s, _ := l.Get(id(0, 4, 0))
	if n, r, _ := l.ConeDecides(s); n != 0 || r != 1 {
		t.Errorf("one certificate decides %d commits up to %d", n, r)
	}
}

// TestSkip: a leader that nobody names is skipped; one behind it whose round is not there waits.
func TestSkip(t *testing.T) {
	l := newLoom(t, 4, 1, 4)
	for r := kernel.Round(1); r <= 5; r++ {
		l.round(r, 0, 2, 3) // author 1 is silent; it leads round 1
	}
	want := "1 2@2 at 1: 0@1 2@1 3@1 2@2\n"
	if got := describe(l.Order(l.All())); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	slots := l.Slots(l.All())
	if len(slots) != 2 || slots[0].State != Skipped || slots[1].State != Committed || slots[1].Leader.Author != 2 {
		t.Errorf("slots %+v", slots)
	}
}

// TestFlaggedCountForNothing: a member without a vote is in no quorum, and named by nobody.
func TestFlaggedCountForNothing(t *testing.T) {
	r := Of(5, kernel.Parameters{Wave: 4, Horizon: 100, Depth: 50})
	r.Flagged[4] = true
	r.Leaders = leaderOf(4, 1, 4)
	l := &loom{t, New(r)}
	if f, q := l.Numbers(); f != 1 || q != 3 {
		t.Fatalf("f = %d, q = %d", f, q)
	}
	for r := kernel.Round(1); r <= 4; r++ {
		l.round(r, 0, 1, 2)
		l.add(0, header(4, r, parent(4, r-1, 0), parent(0, r-1, 0), parent(1, r-1, 0), parent(2, r-1, 0)))
	}
	if _, err := l.Add(id(0, 5, 0), header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(4, 4, 0)), true); !errors.Is(err, ErrNotVoting) {
		t.Errorf("a flagged author as parent: %v", err)
	}
	if _, err := l.Add(id(4, 5, 0), header(4, 5, parent(4, 4, 0), parent(0, 4, 0), parent(1, 4, 0)), true); !errors.Is(err, ErrQuorum) {
		t.Errorf("a flagged author in its own quorum: %v", err)
	}
	cone := l.Start()
	for _, a := range []kernel.Author{0, 1, 4} { // two votes and a flagged one
		s, _ := l.Get(id(a, 4, 0))
		cone.Join(s.Cone)
	}
	if n, _, _ := l.Decides(cone); n != 0 {
		t.Errorf("two votes decide %d commits", n)
	}
	if n, _, _ := l.Decides(l.All()); n != 1 {
		t.Errorf("three votes decide %d commits", n)
	}
}

// TestHorizon: what a leader sees too late is dropped, once nobody can still say otherwise.
func TestHorizon(t *testing.T) {
	r := Of(4, kernel.Parameters{Wave: 4, Horizon: 3, Depth: 2})
	r.Leaders = func(kernel.Round) []kernel.Author { return []kernel.Author{0} }
	l := &loom{t, New(r)}
	l.round(1, 0, 1, 2)
	l.add(0, header(3, 1, parent(3, 0, 0), parent(0, 0, 0), parent(1, 0, 0), parent(2, 0, 0)))
	for r := kernel.Round(2); r <= 4; r++ {
		l.add(0, header(3, r, parent(3, r-1, 0), parent(0, r-1, 0), parent(1, r-1, 0), parent(2, r-1, 0)))
		l.round(r, 0, 1, 2)
	}
	l.round(5, 0, 1, 2)
	l.add(0, header(0, 6, parent(0, 5, 0), parent(1, 5, 0), parent(2, 5, 0), parent(3, 4, 0)))
	l.add(0, header(1, 6, parent(1, 5, 0), parent(0, 5, 0), parent(2, 5, 0)))
	l.add(0, header(2, 6, parent(2, 5, 0), parent(0, 5, 0), parent(1, 5, 0)))
	for r := kernel.Round(7); r <= 9; r++ {
		l.round(r, 0, 1, 2)
	}
	commits := l.Order(l.All())
	last := commits[len(commits)-1]
	if got := describe(commits[5:]); got != "6 0@6 at 5: 3@3 3@4 1@5 2@5 0@6\n" {
		t.Errorf("got %s", got)
	}
	if fmt.Sprint(last.Dropped) != "[3@1 3@2]" {
		t.Errorf("dropped %v", last.Dropped)
	}
}

// TestFlaws breaks one thing at a time.
func TestFlaws(t *testing.T) {
	seen := 0
	for _, tt := range []struct {
		name string
		h    *kernel.Header
		want error
	}{
		{"author beyond the roster", header(4, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0)), ErrPlace},
		{"unknown parent", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 7)), ErrMissing},
		{"parent's round is another", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), kernel.Parent{Author: 2, Round: 4, ID: id(2, 3, 0)}), ErrParent},
		{"another's first", header(0, 5, parent(1, 4, 0), parent(0, 4, 0), parent(2, 4, 0)), ErrParent},
		{"one author twice", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(1, 4, 0), parent(2, 4, 0)), ErrParent},
		{"two authors", header(0, 5, parent(0, 4, 0), parent(1, 4, 0)), ErrQuorum},
		{"deeper than D", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0), parent(3, 1, 0)), ErrOld},
		{"an older one that is held already", header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0), parent(3, 2, 0)), ErrRedundant},
		{"a parent whose author is exposed", header(1, 5, parent(1, 4, 0), parent(0, 4, 0), parent(2, 4, 0), parent(3, 3, 0)), ErrExposed},
		{"before the previous one", func() *kernel.Header {
			h := header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0))
			h.Timestamp = 0
			return h
		}(), ErrTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Of(4, kernel.Parameters{Wave: 4, Horizon: 6, Depth: 3})
			l := &loom{t, New(r)}
			l.round(1, 0, 1, 2, 3)
			l.round(2, 0, 1, 2, 3)
			l.round(3, 0, 1, 2)
			l.add(0, header(0, 4, parent(0, 3, 0), parent(1, 3, 0), parent(2, 3, 0), parent(3, 2, 0)))
			l.add(0, header(1, 4, parent(1, 3, 0), parent(0, 3, 0), parent(2, 3, 0)))
			l.add(0, header(2, 4, parent(2, 3, 0), parent(0, 3, 0), parent(1, 3, 0)))
			l.add(1, header(3, 2, parent(3, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
			l.add(0, header(3, 3, parent(3, 2, 1), parent(0, 2, 0), parent(1, 2, 0)))
			if tt.want != ErrExposed {
				if err := l.Check(header(0, 5, parent(0, 4, 0), parent(1, 4, 0), parent(2, 4, 0))); err != nil {
					t.Fatal("base case is not valid:", err)
				}
			}
			if _, err := l.Add(id(tt.h.Author, tt.h.Round, 9), tt.h, true); !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
		})
		seen++
	}
	if seen < 9 {
		t.Errorf("%d cases", seen)
	}
}

// TestSupportOfTwins: a cone that holds both variants supports the one with the smaller id.
func TestSupportOfTwins(t *testing.T) {
	l := newLoom(t, 4, 1, 4)
	l.round(1, 0, 1, 2, 3)
	twin := l.add(-1, header(3, 1, parent(3, 0, 0), parent(0, 0, 0), parent(1, 0, 0))) // the smaller id
	l.add(0, header(0, 2, parent(0, 1, 0), parent(1, 1, 0), parent(3, 1, -1)))
	l.add(0, header(1, 2, parent(1, 1, 0), parent(0, 1, 0), parent(2, 1, 0), parent(3, 1, 0)))
	l.add(0, header(2, 2, parent(2, 1, 0), parent(0, 1, 0), parent(1, 1, 0)))
	both := l.add(0, header(0, 3, parent(0, 2, 0), parent(1, 2, 0), parent(2, 2, 0)))
	if both.supports[3] != twin || !l.Forked(both.Cone, 3) || l.Forked(both.Cone, 2) {
		t.Errorf("supports %v", both.supports[3])
	}
	if got := l.At(l.All(), 3, 1); len(got) != 2 || !slices.Contains(got, twin) {
		t.Errorf("variants %v", got)
	}
}

// weave fills a world with random snapshots: each names all of the last round but some.
func weave(w *World, k, rounds int) {
	state := uint64(1)
	random := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	_, q := w.Numbers()
	for r := kernel.Round(1); r <= kernel.Round(rounds); r++ {
		for a := range kernel.Author(k) {
			h := header(a, r, parent(a, r-1, 0))
			h.Claim.Index = kernel.CommitIndex(r)
			leave := random(k - q + 1)
			for b := range kernel.Author(k) {
				if x := kernel.Author(random(k)); x == a || leave == 0 {
					if b != a {
						h.Parents = append(h.Parents, parent(b, r-1, 0))
					}
				} else if b != a {
					leave--
				}
			}
			if _, err := w.Add(id(a, r, 0), h, true); err != nil {
				panic(err)
			}
		}
	}
}

// BenchmarkReferee is the whole job for one run: take everything in, judge it, order it, claims
// included.
func BenchmarkReferee(b *testing.B) {
	for _, size := range []struct{ k, rounds int }{{7, 400}, {50, 100}} {
		b.Run(fmt.Sprintf("K=%d,rounds=%d", size.k, size.rounds), func(b *testing.B) {
			for b.Loop() {
				l := newLoom(b, size.k, 3, 5)
				weave(l.World, size.k, size.rounds)
				if n := len(l.Order(l.All())); n < size.rounds {
					b.Fatalf("%d commits", n)
				}
			}
		})
	}
}
