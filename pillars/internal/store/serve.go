package store

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// Locator are ids of our chain from the tip down: the newest ten, then ever wider steps, last the genesis. Whoever gets it finds
// the last block that both chains have, or one not far below.
func (s *Store) Locator() (ids []pillars.BlockID) {
	height, step := s.Tip().Branch.Number, uint32(1)
	for {
		if id, ok := s.IDAt(height); ok { // the tip may have moved down meanwhile
			ids = append(ids, id)
		}
		if height == 0 {
			return ids
		}
		if len(ids) >= 10 {
			step *= 2
		}
		height -= min(step, height)
	}
}

// maxLocator bounds how many ids of a peer's locator are looked up.
const maxLocator = 64

// After returns headers of our chain behind the first block of a locator that is on it, at most so many. Without such
// a block they start behind the genesis.
func (s *Store) After(locator []pillars.BlockID, most int) (heads []tree.Head) {
	height := uint32(0)
	for _, id := range locator[:min(len(locator), maxLocator)] {
		if e, ok := s.Entry(id); ok && s.Ours(&e) {
			height = e.Branch.Number
			break
		}
	}
	for len(heads) < most {
		height++
		id, ok := s.IDAt(height)
		if !ok {
			break
		}
		e, ok := s.Entry(id)
		if !ok || len(heads) > 0 && e.Head.Previous != heads[len(heads)-1].ID() {
			break // a reorganisation went by
		}
		heads = append(heads, e.Head)
	}
	return heads
}
