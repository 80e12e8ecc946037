package consensus

import (
	"testing"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A chain grows headers that are right by every rule of this package.
type chain struct {
	t testing.TB
	p pillars.Params
	b Branch
}

const start = 1_600_000_000

func newChain(t testing.TB) *chain {
	p := pillars.MainnetLike()
	genesis := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, p.Extended), Timestamp: start}
	return &chain{t, p, Start(&genesis)}
}

// header makes the next header, dt seconds after the last one. Where a rule forbids it the
// difficulty stays zero.
func (c *chain) header(seal pillars.Seal, dt uint32) pillars.Header {
	h, _ := c.b.Prepare(&c.p, seal, c.b.Stamps[0]+dt)
	h.Timestamp = c.b.Stamps[0] + dt // also where that is too early
	return h
}

// add appends a block that must be valid.
func (c *chain) add(seal pillars.Seal, dt uint32) {
	c.t.Helper()
	h := c.header(seal, dt)
	if err := c.b.Check(&c.p, &h); err != nil {
		c.t.Fatalf("%s %d s after %d: %v", seal, dt, c.b.Number, err)
	}
	c.b = c.b.Next(&c.p, &h, Reveal{Stake: pillars.Outpoint{Index: h.Number}})
}

func (c *chain) addMany(n int, seal pillars.Seal, dt uint32) {
	c.t.Helper()
	for range n {
		c.add(seal, dt)
	}
}

func u(v uint64) *uint256.Int { return uint256.NewInt(v) }
