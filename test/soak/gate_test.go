package main

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2)
		var all sync.WaitGroup
		for node := range 7 {
			for range 3 {
				all.Go(func() {
					if !g.enter(t.Context(), node) {
						t.Error("no place in the end")
					}
					time.Sleep(time.Second)
					g.leave(node)
				})
			}
		}
		all.Wait()
		if g.most != 2 {
			t.Errorf("%d impaired at once", g.most)
		}
	})
}

// TestGateOfTheLost counts nodes that stay impaired: their places are gone, and with all places
// gone nobody waits for ever.
func TestGateOfTheLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(2)
		g.enter(t.Context(), 1)
		g.lose(1)
		if g.enter(t.Context(), 1) {
			t.Error("a lost node gets a place")
		}
		g.enter(t.Context(), 2)
		entered := make(chan bool)
		go func() { entered <- g.enter(t.Context(), 3) }()
		synctest.Wait()
		g.lose(2)
		if <-entered {
			t.Error("a third node gets a place beside two lost ones")
		}
		ctx, cancel := context.WithCancel(t.Context())
		g = newGate(1)
		g.enter(ctx, 1)
		go func() { entered <- g.enter(ctx, 2) }()
		synctest.Wait()
		cancel()
		if <-entered {
			t.Error("a place after the end")
		}
	})
}
