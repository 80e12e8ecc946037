package validator

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// A pool takes what is submitted and refuses the payment with one byte.
type pool struct {
	mu    sync.Mutex
	taken [][]byte
	bad   byte
}

func (p *pool) submit(raw []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = append(p.taken, raw)
	if raw[0] == p.bad {
		return errors.New("refused")
	}
	return nil
}

func (p *pool) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

func payments(n int) (all [][]byte) {
	for i := range n {
		all = append(all, []byte{byte(i)})
	}
	return all
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("never:", what)
}

// TestSaturate: no more than the window is in flight, a refused payment frees its place, and the
// next of a lane waits for the one before it.
func TestSaturate(t *testing.T) {
	p, l := &pool{bad: 1}, newLoad(payments(20), 6)
	l.submit = p.submit
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); l.saturate(ctx, 4) }()
	eventually(t, "the window is full", func() bool { return p.count() == 5 }) // 4 and the refused one
	time.Sleep(20 * time.Millisecond)
	if c := l.counters(); c.Submitted != 5 || c.Flight != 4 || c.Refused != 1 {
		t.Fatalf("%+v", c)
	}
	l.committed(1, time.Now(), [][]byte{{3}, {4}, {99}}, make([]error, 3)) // one of them is not ours
	eventually(t, "one more, the next one's lane is busy with payment 0", func() bool { return p.count() == 6 })
	time.Sleep(20 * time.Millisecond)
	if c := l.counters(); c.Submitted != 6 || c.Final != 2 || c.Flight != 3 || c.Paid != 3 {
		t.Fatalf("%+v", c)
	}
	l.committed(2, time.Now(), [][]byte{{0}, {2}}, []error{nil, errors.New("not valid any more")})
	eventually(t, "payment 6 and the one after it", func() bool { return p.count() == 8 })
	cancel()
	<-done
	if c := l.counters(); c.Height != 2 || c.Final != 3 || c.Left != 12 {
		t.Errorf("%+v", c)
	}
}

// TestPace: payments go out when they are due, until there are none left.
func TestPace(t *testing.T) {
	p, l := &pool{bad: 255}, newLoad(payments(10), 100)
	l.submit = p.submit
	start := time.Now().Add(20 * time.Millisecond)
	l.pace(t.Context(), 100, start)
	if took := time.Since(start); took < 90*time.Millisecond || p.count() != 10 {
		t.Errorf("%d payments in %v", p.count(), took)
	}
	for i, own := range l.own {
		if want := start.Add(time.Duration(i) * 10 * time.Millisecond).UnixNano(); own.At != want {
			t.Errorf("payment %d due at %d, want %d", i, own.At, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l = newLoad(payments(10), 100)
	l.submit = p.submit
	l.pace(ctx, 1, time.Now())
	if len(l.own) != 1 {
		t.Errorf("%d payments within the first second", len(l.own))
	}
}
