package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// TestDoorLimit: how many may wait follows the speed at which they leave, over the last seconds
// only, and never falls below a thousand.
func TestDoorLimit(t *testing.T) {
	d, now, left := new(door), time.Unix(1000, 0), uint64(0)
	pass := func(seconds float64, speed float64, waiting int) {
		for range int(seconds * 20) {
			now = now.Add(50 * time.Millisecond)
			left += uint64(speed / 20)
			d.observe(now, waiting, left)
		}
	}
	limit := func() int { return d.room() + d.waiting }
	if d.room() != doorFree {
		t.Errorf("before anything: room for %d", d.room())
	}
	pass(5, 0, 10)
	if d.room() != doorFree-10 {
		t.Errorf("idle: room for %d", d.room())
	}
	pass(5, 4000, 3000)
	if l := limit(); l < 7900 || l > 8100 {
		t.Errorf("at 4000 a second %d may wait, want two seconds of it", l)
	}
	d.push(2000)
	if r := d.room(); r < 2900 || r > 3100 {
		t.Errorf("those on their way are not counted: room for %d", r)
	}
	d.leave(2000)
	pass(3, 1000, 3000)
	if l := limit(); l < 1900 || l > 2100 || d.room() > 0 {
		t.Errorf("after it slowed down %d may wait", l)
	}
	if r := d.retryAfter(); r < 1400*time.Millisecond || r > 1600*time.Millisecond {
		t.Errorf("half of 3000 at 1000 a second: retry after %v", r)
	}
	if len(d.samples) > 30 {
		t.Errorf("%d samples are kept", len(d.samples))
	}
}

// TestDoorWaits: who stands outside comes in when there is room, and is refused by name when
// there is none for too long.
func TestDoorWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(door)
		d.observe(time.Now(), doorFree, 0)
		ctx, cancel := context.WithTimeout(t.Context(), doorPatience)
		defer cancel()
		began := time.Now()
		var full *rpc.Overloaded
		if _, err := d.enter(ctx, 5); !errors.As(err, &full) || full.RetryAfter <= 0 || time.Since(began) != doorPatience {
			t.Errorf("no room: %v after %v", err, time.Since(began))
		}
		answer := make(chan int)
		go func() {
			got, _ := d.enter(t.Context(), 20)
			answer <- got
		}()
		synctest.Wait()
		d.observe(time.Now(), doorFree, 0) // still none
		synctest.Wait()
		select {
		case room := <-answer:
			t.Fatalf("let in with room for %d", room)
		default:
		}
		d.observe(time.Now(), doorFree-7, 7)
		if got := <-answer; got != 7 || d.room() != 0 {
			t.Errorf("let %d in, want 7; then room for %d", got, d.room())
		}
		d.leave(7)
		if got, err := d.enter(t.Context(), 3); got != 3 || err != nil {
			t.Errorf("let %d in, want 3 (%v)", got, err)
		}
	})
}
