package p2p

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// Both ends' rules about a second connection of a pair. [NET-11]
func TestAttachRules(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	const later = 10 * time.Second // long after settle
	for _, tt := range []struct {
		name    string
		decides bool // the peer has the lower key
		change  func(p *peer, old, l *link)
		want    error // nil: l replaces old
	}{
		{"we decide, a reconnection long after", false, func(p *peer, old, l *link) {}, nil},
		{"we decide, dialled in the same moment", false, func(p *peer, old, l *link) { l.started = begin.Add(time.Millisecond) }, Duplicate},
		{"we decide, dialled before the first was there", false, func(p *peer, old, l *link) { l.started = begin.Add(-time.Second) }, Duplicate},
		{"we decide, dialled at once after a restart", false, func(p *peer, old, l *link) { l.started = begin; l.instance[0]++ }, nil},
		{"we decide, too often", false, func(p *peer, old, l *link) { p.last = begin.Add(later - time.Millisecond); l.instance[0]++ }, TooOften},
		{"we decide, barred", false, func(p *peer, old, l *link) { p.barred = begin.Add(later + 1) }, BackingOff},
		{"the peer decides, newer decision", true, func(p *peer, old, l *link) {}, nil},
		{"the peer decides, older decision", true, func(p *peer, old, l *link) { l.sequence = old.sequence - 1 }, Duplicate},
		{"the peer decides, the same decision again", true, func(p *peer, old, l *link) { l.sequence = old.sequence }, Duplicate},
		{"the peer decides, after its restart", true, func(p *peer, old, l *link) { l.sequence = 1; l.instance[0]++ }, nil},
		{"the peer decides, barred", true, func(p *peer, old, l *link) { p.barred = begin.Add(later + 1) }, BackingOff},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &peer{decides: tt.decides, vacant: make(chan struct{}, 1), news: newBulletin(), gone: make(chan struct{})}
			old := &link{peer: p, sequence: 7, started: begin}
			if _, err := p.attach(old, defaultTiming, begin); err != nil || p.link != old {
				t.Fatal("base case:", err)
			}
			l := &link{peer: p, sequence: 8, started: begin.Add(later)}
			tt.change(p, old, l)
			replaced, err := p.attach(l, defaultTiming, begin.Add(later))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if want := map[bool]*link{true: l, false: old}[err == nil]; p.link != want || err == nil && replaced != old {
				t.Error("the wrong connection stays")
			}
			if p.detach(old, begin.Add(later)) != (err != nil) {
				t.Error("a replaced connection took the new one with it")
			}
		})
	}
}

// Penalties double up to their limit and are forgiven by good behaviour.
func TestPenalties(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	p := &peer{}
	want := []time.Duration{1, 2, 4, 8, 16, 32, 60, 60}
	for i, w := range want {
		if got := p.punish(defaultTiming, now); got != w*time.Second {
			t.Errorf("penalty %d is %v, want %vs", i, got, int64(w))
		}
	}
	if left := p.barredFor(now.Add(61 * time.Second)); left > 0 {
		t.Errorf("still barred for %v", left)
	}
	p.link = &link{attached: now}
	if got := p.punish(defaultTiming, now.Add(2*time.Minute)); got != time.Second {
		t.Errorf("after two good minutes the penalty is %v", got)
	}
}

func TestQueueBounds(t *testing.T) {
	q := queue{maxBytes: 10, maxFrames: 3}
	if !q.push(make([]byte, 50)) {
		t.Error("an empty queue refuses a large frame")
	}
	if q.push([]byte{1}) {
		t.Error("a queue over its bytes takes more")
	}
	q.pop()
	for i := range 3 {
		if !q.push([]byte{byte(i)}) {
			t.Errorf("refuses frame %d", i)
		}
	}
	if q.push([]byte{3}) {
		t.Error("takes a frame over its count")
	}
	if q.bytes != 3 || q.reset() != 3 || q.len() != 0 || q.bytes != 0 || q.pop() != nil {
		t.Error("does not count right")
	}
	// Long use keeps order and does not keep space.
	q = queue{maxBytes: 1 << 20, maxFrames: 100}
	next := byte(0)
	for i := range 10_000 {
		q.push([]byte{byte(i)})
		if i >= 50 {
			if got := q.pop(); !bytes.Equal(got, []byte{next}) {
				t.Fatalf("got %v, want %d", got, next)
			}
			next++
		}
	}
	if cap(q.frames) > 256 {
		t.Errorf("space for %d frames, 100 are the limit", cap(q.frames))
	}
}
