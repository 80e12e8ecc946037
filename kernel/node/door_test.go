package node

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// TestDoorLimit: how many may wait follows the speed at which they leave, over the last seconds
// only, and how far the others are, and never falls below doorFree.
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
	if l := limit(); l < 3900 || l > 4100 {
		t.Errorf("at 4000 a second %d may wait, want a second of it", l)
	}
	d.push(500)
	if r := d.room(); r < 400 || r > 600 {
		t.Errorf("those on their way are not counted: room for %d", r)
	}
	d.leave(500)
	d.trip = func() time.Duration { return 125 * time.Millisecond }
	pass(5, 4000, 3000)
	if l := limit(); l < 5900 || l > 6100 {
		t.Errorf("with 125 ms to the others %d may wait, want a second and a half", l)
	}
	pass(3, 1000, 3000)
	if l := limit(); l < 1400 || l > 1600 || d.room() > 0 {
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
		if _, err := d.enter(ctx, 5, 5); !errors.As(err, &full) || full.RetryAfter <= 0 || time.Since(began) != doorPatience {
			t.Errorf("no room: %v after %v", err, time.Since(began))
		}
		answer := make(chan int)
		go func() {
			got, _ := d.enter(t.Context(), 20, 20)
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
		d.giveBack(7)
		if got, err := d.enter(t.Context(), 3, 3); got != 3 || err != nil {
			t.Errorf("let %d in, want 3 (%v)", got, err)
		}
		if len(d.line) != 0 || d.lineBytes != 0 {
			t.Errorf("%d stand in line with %d bytes", len(d.line), d.lineBytes)
		}
	})
}

// TestDoorPressed: a door is pressed while somebody stands in line, and for a moment after.
func TestDoorPressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(door)
		d.observe(time.Now(), doorFree, 0)
		if d.pressed(time.Now()) {
			t.Error("pressed though nobody came")
		}
		go func() { _, _ = d.enter(t.Context(), 1, 1) }()
		synctest.Wait()
		d.observe(time.Now(), doorFree, 0)
		if !d.pressed(time.Now()) {
			t.Error("not pressed by somebody in line")
		}
		d.observe(time.Now(), 0, 0) // lets in
		if time.Sleep(doorPressed - time.Millisecond); !d.pressed(time.Now()) {
			t.Error("not pressed a moment later")
		}
		if time.Sleep(time.Millisecond); d.pressed(time.Now()) {
			t.Error("pressed for ever")
		}
	})
}

// TestDoorTurns: those in line come in by arrival, a share each, so that one with little passes others
// with much after one turn of theirs.
func TestDoorTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(door)
		d.observe(time.Now(), doorFree, 0)
		type turn struct{ who, got int }
		var mu sync.Mutex
		var turns []turn
		for who, want := range []int{1000, 1000, 1} {
			go func() {
				for want > 0 {
					got, err := d.enter(t.Context(), want, want)
					if err != nil {
						return
					}
					mu.Lock()
					turns, want = append(turns, turn{who, got}), want-got
					mu.Unlock()
				}
			}()
			synctest.Wait()
		}
		for _, room := range []int{doorShare, 2*doorShare + 1, doorShare / 2, doorShare} {
			d.mu.Lock()
			d.entering = 0
			d.mu.Unlock()
			before := len(turns)
			d.observe(time.Now(), doorFree-room, 0)
			synctest.Wait()
			slices.SortFunc(turns[before:], func(x, y turn) int { return x.who - y.who }) // let in at once, and noted by chance
		}
		want := []turn{{0, doorShare}, {0, doorShare}, {1, doorShare}, {2, 1}, {1, doorShare / 2}, {0, doorShare}}
		if !slices.Equal(turns, want) && !slices.Equal(turns, []turn{want[0], want[1], want[2], want[3], {0, doorShare / 2}, {1, doorShare}}) {
			t.Errorf("turns %v, want %v", turns, want)
		}
	})
}

// TestDoorLine: what stands in line is bounded in bytes; whoever would stand beyond is refused at once,
// and a place that nobody took is free again.
func TestDoorLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(door)
		d.observe(time.Now(), doorFree, 0)
		ctx, cancel := context.WithCancel(t.Context())
		go d.enter(ctx, 1, doorBytes+1) // the first may, whatever it brings
		synctest.Wait()
		var full *rpc.Overloaded
		if _, err := d.enter(t.Context(), 1, 1); !errors.As(err, &full) {
			t.Errorf("behind a full line: %v", err)
		}
		cancel()
		synctest.Wait()
		d.giveBack(1)
		if got, err := d.enter(t.Context(), 1, 1); got != 1 || err != nil {
			t.Errorf("after it left: %d, %v", got, err)
		}
	})
}

// TestDoorJustNow: who is let in at the very moment when it gives up is in, and its place is not lost.
func TestDoorJustNow(t *testing.T) {
	d := new(door)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if got, err := d.enter(over, 1, 1); got != 1 || err != nil {
			t.Fatalf("let %d in: %v", got, err)
		}
	}
	if d.entering != 100 || len(d.line) != 0 {
		t.Errorf("%d came in, %d stand in line", d.entering, len(d.line))
	}
}
