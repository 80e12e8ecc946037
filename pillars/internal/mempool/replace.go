package mempool

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
)

// conflicts are what a transaction would replace: those that spend the same outputs, and all that build on
// them.
type conflicts struct {
	most   int
	direct []*Entry
	doomed []*Entry // direct and their descendants
}

func (p *Pool) conflicts(tx *pillars.Transaction) conflicts {
	c := conflicts{most: p.limits.Replaced}
	for i := range tx.Inputs {
		if e := p.spends[tx.Inputs[i].Previous]; e != nil && !slices.Contains(c.direct, e) {
			c.direct = append(c.direct, e)
		}
	}
	if len(c.direct) > 0 {
		c.doomed = descendants(c.direct)
	}
	return c
}

// allowed: those replaced say that they may be, and they are not too many [PIL-MEM-6].
func (c *conflicts) allowed(never bool) error {
	for _, e := range c.direct {
		if never || !e.signals {
			return reject(Conflict, "with %s", e.ID)
		}
	}
	if len(c.doomed) > c.most {
		return reject(ReplacementTooMany, "%d, at most %d", len(c.doomed), c.most)
	}
	return nil
}

// paid: the replacement pays more for a byte than each that it replaces directly, and all together what all of them
// pay and the relay of its own bytes [PIL-MEM-6].
func (c *conflicts) paid(e *Entry, relay pillars.Amount) error {
	if len(c.direct) == 0 {
		return nil
	}
	for _, old := range c.direct {
		if e.own().rate().compare(old.own().rate()) <= 0 {
			return reject(ReplacementFee, "%s for %d bytes, %s pays %s for %d", e.Fee, e.Size, old.ID.Short(), old.Fee, old.Size)
		}
	}
	least := relay
	for _, old := range c.doomed {
		least += old.Fee
	}
	if e.Fee < least {
		return reject(ReplacementFee, "%s, least is %s", e.Fee, least)
	}
	return nil
}

// newInputs: whoever replaces must not become harder to mine than what it replaces by spending more that waits
// [PIL-MEM-6].
func (c *conflicts) newInputs(parents []*Entry) error {
	if len(c.direct) == 0 {
		return nil
	}
	for _, parent := range parents {
		before := slices.ContainsFunc(c.direct, func(e *Entry) bool { return slices.Contains(e.parents, parent) })
		if !before {
			return reject(ReplacementNewInput, "of %s", parent.ID)
		}
	}
	return nil
}
