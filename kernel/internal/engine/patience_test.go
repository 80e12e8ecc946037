package engine

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestPatience: an author that is late by itself is asked for later, within a bound, and at once
// after what it sent had to be asked for.
func TestPatience(t *testing.T) {
	const author = 3
	p := newPending(Limits{Pending: 1000, PendingBytes: 1 << 20})
	now, next := kernel.Timestamp(1000), byte(0)
	// missing holds a snapshot that names one of the author, and returns both ids.
	missing := func() (child *held, parent kernel.SnapshotID) {
		next++
		parent = kernel.SnapshotID{next}
		a := Arrival{ID: kernel.SnapshotID{next, 1}, Header: &kernel.Header{Author: 1, Parents: []kernel.Parent{{Author: author, ID: parent}}}}
		p.add(a, a.Header.Parents, now)
		return p.byID[a.ID], parent
	}
	came := func(parent kernel.SnapshotID, from kernel.Author) {
		p.arrived(Arrival{From: from, ID: parent, Header: &kernel.Header{Author: author}}, now)
		p.resolve(parent)
	}
	delay := func() kernel.Timestamp {
		child, parent := missing()
		d := child.askAt - now
		p.resolve(parent)
		return d
	}
	if d := delay(); d != askDelay {
		t.Fatalf("%d ms for an author that nothing is known of", d)
	}
	_, parent := missing()
	now += 70
	came(parent, author)
	if d := delay(); d != 140 {
		t.Errorf("%d ms for an author that was 70 ms late", d)
	}
	_, parent = missing()
	now += 10_000
	came(parent, author)
	if d := delay(); d != askLatest {
		t.Errorf("%d ms for an author that was ten seconds late", d)
	}
	for range 100 {
		_, parent = missing()
		now++
		came(parent, author)
	}
	if d := delay(); d != askDelay {
		t.Errorf("%d ms for an author that is in time again", d)
	}
	_, parent = missing()
	now += 100
	came(parent, author)
	child, parent := missing()
	child.asked++
	came(parent, 5)
	if d := delay(); d != askDelay {
		t.Errorf("%d ms for an author whose snapshot had to be asked for", d)
	}
}
