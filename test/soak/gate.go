package main

import (
	"context"
	"sync"
)

// A gate keeps more than f nodes from being impaired at once, whatever a manifest plans: a
// step that comes too early waits until a node before it has recovered.
type gate struct {
	limit int

	mu       sync.Mutex   // guards all below
	impaired map[int]bool // by number
	lost     map[int]bool // those that will not recover in this run
	most     int
	changed  chan struct{} // closed and replaced when a node leaves or is lost
}

func newGate(limit int) *gate {
	return &gate{limit: limit, impaired: map[int]bool{}, lost: map[int]bool{}, changed: make(chan struct{})}
}

// enter waits for a place for a node. It is false if there will be none: the node, or as many as
// may be, will not recover any more, or ctx ends.
func (g *gate) enter(ctx context.Context, node int) bool {
	for {
		g.mu.Lock()
		hopeless := g.lost[node] || len(g.lost) >= g.limit
		if !hopeless && !g.impaired[node] && len(g.impaired) < g.limit {
			g.impaired[node] = true
			g.most = max(g.most, len(g.impaired))
			g.mu.Unlock()
			return true
		}
		changed := g.changed
		g.mu.Unlock()
		if hopeless {
			return false
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// leave gives the place back.
func (g *gate) leave(node int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.impaired, node)
	g.wake()
}

// lose keeps the place for good: the node signs nothing to the end of the run.
func (g *gate) lose(node int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost[node] = true
	g.wake()
}

func (g *gate) isLost(node int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost[node]
}

// wake tells the waiting that something has changed; the caller holds mu.
func (g *gate) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}
