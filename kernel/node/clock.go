package node

import (
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A clock tells the engine's time.
type clock struct {
	mu    sync.Mutex
	wall  func() time.Time // nil: time.Now
	first time.Time        // with the monotonic reading
	told  replica.Clock
}

// now returns the time in milliseconds.
func (c *clock) now() kernel.Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.Now()
	if c.first.IsZero() {
		c.first = t
	}
	wall := t
	if c.wall != nil {
		wall = c.wall()
	}
	return c.told.Advance(t.Sub(c.first).Milliseconds(), wall.UnixMilli())
}

// until is how long it takes, at most, until the clock tells at.
func (c *clock) until(at kernel.Timestamp) time.Duration {
	now := c.now()
	if at <= now {
		return 0
	}
	return time.Duration(at-now) * time.Millisecond
}
