package sim

import (
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// A skewed clock is a machine's wall clock, wrong in one or several ways, read through the clock
// that nodes use: that one never goes back.
type skewed struct {
	offset sim.Time // ahead of the true time; behind if negative
	drift  int      // gained in a thousand
	frozen bool     // the wall stands still; the machine's own counter goes on
	stood  sim.Time // where
	told   replica.Clock
}

func (c *skewed) wall(now sim.Time) sim.Time {
	if c.frozen {
		return c.stood
	}
	return genesisTime + now + c.offset + now*sim.Time(c.drift)/1000
}

func (c *skewed) freeze(now sim.Time) { c.stood, c.frozen = c.wall(now), true }

// now is what the node takes for the present.
func (c *skewed) now(at sim.Time) kernel.Timestamp {
	return c.told.Advance(int64(at), int64(c.wall(at)))
}

// when is the true time at which the node's clock may show wake: it looks again then.
func (c *skewed) when(wake kernel.Timestamp, now sim.Time) sim.Time {
	shows := c.now(now)
	if wake <= shows {
		return now
	}
	return now + sim.Time(wake-shows)
}
