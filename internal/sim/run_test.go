package sim

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// TestEachOrder: results come in order, each once, whatever the number of workers and however
// long each takes.
func TestEachOrder(t *testing.T) {
	for _, workers := range []int{-1, 1, 2, 7, 100} {
		var got []int
		n := Each(t.Context(), 50, workers, func(i int) int {
			time.Sleep(time.Duration(i*7919%5) * 100 * time.Microsecond)
			return i * i
		}, func(i, square int) bool {
			if square != i*i {
				t.Errorf("result %d for number %d", square, i)
			}
			got = append(got, i)
			return true
		})
		if n != 50 || !slices.Equal(got, all(50)) {
			t.Errorf("%d workers: %d results, %v", workers, n, got)
		}
	}
}

// TestEachStops: when done has seen enough, no result follows and nothing goes on.
func TestEachStops(t *testing.T) {
	var running, seen atomic.Int32
	n := Each(t.Context(), 1000, 4, func(i int) int {
		running.Add(1)
		defer running.Add(-1)
		return i
	}, func(i, _ int) bool { seen.Add(1); return i < 9 })
	if n != 10 || seen.Load() != 10 {
		t.Errorf("gave out %d, said %d, want 10", seen.Load(), n)
	}
	if running.Load() != 0 {
		t.Error("work goes on after the end")
	}
}

// TestEachCancelled: when ctx ends, Each returns and says how many results it gave out.
func TestEachCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	given := 0
	n := Each(ctx, 1_000_000, 2, func(i int) int {
		if i == 20 {
			cancel()
		}
		return i
	}, func(i, _ int) bool {
		if i != given {
			t.Fatalf("result %d after %d", i, given)
		}
		given++
		return true
	})
	if n != given || n > 100_000 {
		t.Errorf("gave out %d, said %d", given, n)
	}
	if n := Each(ctx, 0, 2, func(int) int { return 0 }, func(int, int) bool { return true }); n != 0 {
		t.Errorf("no numbers, %d results", n)
	}
}

// TestCounts: counts add up and their names are in order.
func TestCounts(t *testing.T) {
	c := Counts{"b": 1}
	c.Add(Counts{"a": 2, "b": 3})
	if c["a"] != 2 || c["b"] != 4 || !slices.Equal(c.Names(), []string{"a", "b"}) {
		t.Errorf("got %v", c)
	}
}
