package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// A slowJudge takes ten milliseconds a batch, notes their sizes, and answers each with itself.
type slowJudge struct {
	mu    sync.Mutex
	sizes []int
	now   int
}

const judging = 10 * time.Millisecond

func (j *slowJudge) judge(raws [][]byte) []replica.Judged {
	j.mu.Lock()
	if j.sizes, j.now = append(j.sizes, len(raws)), j.now+1; j.now > 1 {
		panic("two batches at once")
	}
	j.mu.Unlock()
	time.Sleep(judging)
	out := make([]replica.Judged, len(raws))
	for i, raw := range raws {
		out[i].Candidate.Hash = hashed(raw)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now--
	return out
}

func hashed(raw []byte) (h kernel.TxHash) {
	copy(h[:], raw)
	return h
}

// call checks n transactions that no other call has, and returns how long that took.
func (d *desk) call(t *testing.T, ctx context.Context, name, n int) (time.Duration, error) {
	raws := make([][]byte, n)
	for i := range raws {
		raws[i] = []byte{byte(name), byte(name >> 8), byte(i), byte(i >> 8)}
	}
	began := time.Now()
	answers, err := d.check(ctx, raws)
	if err == nil && len(answers) != n {
		t.Errorf("%d answers for %d", len(answers), n)
	}
	for i, a := range answers {
		if a.Candidate.Hash != hashed(raws[i]) {
			t.Errorf("call %d: place %d has somebody else's answer", name, i)
		}
	}
	return time.Since(began), err
}

// TestDeskGathers: a lone call is checked at once; those that come meanwhile are the next batch, as
// far as one may be large, and each gets its own answers.
func TestDeskGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(slowJudge)
		d := &desk{judge: j.judge}
		var group sync.WaitGroup
		for name, n := range []int{1, 2, 3, deskBatch - 10, 6, 2 * deskBatch, 1} {
			group.Go(func() {
				if _, err := d.call(t, t.Context(), name, n); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		if want := []int{1, deskBatch - 5, 6, 2 * deskBatch, 1}; !slices.Equal(j.sizes, want) {
			t.Errorf("batches of %v, want %v", j.sizes, want)
		}
		if took, err := d.call(t, t.Context(), 9, 1); err != nil || took != judging {
			t.Errorf("alone again: %v, %v", took, err)
		}
		if d.busy || d.held != 0 || len(d.waiting) != 0 {
			t.Errorf("not idle after all: %+v", d)
		}
	})
}

// TestDeskWithdraws: calls that end leave the queue and hold up nobody, whether they wait, are being
// checked, or were about to check.
func TestDeskWithdraws(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(slowJudge)
		d := &desk{judge: j.judge}
		var group sync.WaitGroup
		// The first checks until 10 ms, the second batch until 20 ms; the last two wait for the third.
		for name, c := range []struct {
			n        int
			patience time.Duration
			want     error
		}{
			{1, time.Second, nil},
			{deskBatch, 5 * time.Millisecond, context.DeadlineExceeded}, // waits
			{deskBatch, judging, context.DeadlineExceeded},              // it may be its turn just then
			{deskBatch - 1, time.Second, nil},
			{1, 15 * time.Millisecond, context.DeadlineExceeded}, // another checks it
			{2, time.Second, nil},
		} {
			group.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), c.patience)
				defer cancel()
				_, err := d.call(t, ctx, name, c.n)
				if c.patience != judging && !errors.Is(err, c.want) {
					t.Errorf("call %d: %v, want %v", name, err, c.want)
				}
			})
			synctest.Wait()
		}
		group.Wait()
		if d.busy || d.held != 0 || len(d.waiting) != 0 {
			t.Errorf("not idle after all: %+v", d)
		}
	})
}

// TestDeskPassesTheTurn: a call that ends at the very moment when it is told to check tells the next.
func TestDeskPassesTheTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{judge: new(slowJudge).judge, busy: true}
		gone, cancel := context.WithCancel(t.Context())
		first := &slip{raws: [][]byte{{1}}, told: make(chan struct{}, 1)}
		d.waiting, d.held = []*slip{first}, 1
		d.next()
		done := make(chan error)
		go func() {
			_, err := d.call(t, t.Context(), 2, 1)
			done <- err
		}()
		synctest.Wait()
		cancel()
		if err := d.withdraw(gone, first); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestDeskFull: the queue is bounded, and refuses by name.
func TestDeskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{judge: new(slowJudge).judge}
		var group sync.WaitGroup
		for name := range 2 + deskRoom/1000 {
			group.Go(func() {
				_, err := d.call(t, t.Context(), name, 1000)
				var full *rpc.Overloaded
				if last := name == 1+deskRoom/1000; last != errors.As(err, &full) || !last && err != nil {
					t.Errorf("call %d: %v", name, err)
				}
			})
			synctest.Wait()
		}
		group.Wait()
	})
}
