package replica

import "github.com/asterism-network/asterism/kernel"

// A Clock makes a time that never goes back out of a wall clock that may. When the wall clock is
// set back, this one goes on at half its pace until it is overtaken, so that neither pace nor
// timeouts stand still meanwhile: nor do they where it shows a year that no snapshot can name.
// The zero Clock has told nothing yet.
type Clock struct {
	begun   bool
	counted int64 // at the last reading
	half    int64 // of a millisecond, that the last reading left over
	told    int64 // since 1970
}

// Advance reads the clock: counted is the machine's own counter, which only goes up, and wall
// the time of day since 1970, both in milliseconds.
func (c *Clock) Advance(counted, wall int64) kernel.Timestamp {
	switch passed := counted - c.counted; {
	case !c.begun:
		c.begun, c.told = true, wall
	case passed > 0:
		c.half += passed
		c.told = max(wall, c.told+c.half/2)
		c.half %= 2
	}
	c.counted = counted
	return kernel.Timestamp(max(c.told, 1))
}
