package node

import (
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// TestLeisure lets signatures wait for two thirds of the time that commits usually take, counted from the
// first of them, and hardly at all while nothing is known or the network has just slept.
func TestLeisure(t *testing.T) {
	var l leisure
	now := time.Now()
	expect := func(what string, want time.Duration) {
		t.Helper()
		if got := l.wait(now); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	expect("nothing known", verifyWaitLeast)
	for range len(l.spans) {
		l.committed(5 * time.Second)
	}
	expect("slept", verifyWaitLeast)
	for range len(l.spans) / 2 {
		l.committed(300 * time.Millisecond)
	}
	l.committed(2 * time.Millisecond) // one with a straggler
	expect("busy", 200*time.Millisecond)
	l.arrived(now.Add(-150 * time.Millisecond))
	l.arrived(now)
	expect("the first came a while ago", 50*time.Millisecond)
	now = now.Add(time.Second)
	expect("late", 0)
	l.begin()
	l.arrived(now)
	expect("the next batch", 200*time.Millisecond)
	for range len(l.spans) {
		l.committed(2 * time.Second)
	}
	expect("slow", verifyWaitMost)
	for range len(l.spans) {
		l.committed(6 * time.Millisecond)
	}
	expect("fast", verifyWaitLeast)
}

// TestLeisureObserve counts from the arrival of a commit's youngest snapshot, and nothing where it is not known.
func TestLeisureObserve(t *testing.T) {
	var l leisure
	times := newTimeline()
	old, young := kernel.SnapshotID{1}, kernel.SnapshotID{2}
	times.received(old, 1000)
	times.received(young, 1400)
	c := &kernel.Commit{Snapshots: []kernel.CommittedID{{ID: young}, {ID: old}}}
	l.observe(times, &kernel.Commit{Snapshots: []kernel.CommittedID{{ID: kernel.SnapshotID{3}}}}, 1700)
	if l.spans[0] != 0 {
		t.Errorf("%v of a snapshot that this node does not know", l.spans[0])
	}
	l.observe(times, c, 1700)
	if l.spans[0] != 300*time.Millisecond {
		t.Errorf("%v, want 300 ms", l.spans[0])
	}
	if _, committed := times.of(old); committed != 1700 {
		t.Errorf("committed at %d", committed)
	}
}
