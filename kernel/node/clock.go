package node

import (
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// A clock tells the engine's time: the wall clock, except that it never goes back. When the
// wall clock is set back, this one goes on at half its pace until it is overtaken, so that
// neither pace nor timeouts stand still meanwhile.
type clock struct {
	mu   sync.Mutex
	read time.Time     // with the monotonic reading
	told time.Duration // since 1970
}

// now returns the time in milliseconds.
func (c *clock) now() kernel.Timestamp {
	t := time.Now()
	return c.advance(t, time.Duration(t.UnixNano()))
}

func (c *clock) advance(t time.Time, wall time.Duration) kernel.Timestamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.IsZero() {
		c.told = wall
	} else if passed := t.Sub(c.read); passed > 0 {
		c.told = max(wall, c.told+passed/2)
	}
	c.read = t
	return min(kernel.Timestamp(max(c.told, 1).Milliseconds()), kernel.MaxTimestamp-1)
}

// until is how long it takes, at most, until the clock tells at.
func (c *clock) until(at kernel.Timestamp) time.Duration {
	now := c.now()
	if at <= now {
		return 0
	}
	return time.Duration(at-now) * time.Millisecond
}
