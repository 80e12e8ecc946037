// Package state says what a block does to the state of the public chain, and every rule of
// transactions that needs the state: what may be spent and when, fees and rewards, assets,
// certificates, avatars and identifiable tokens. The rules are numbered in docs/spec/pillars-state.md.
//
// It is pure. A state is a set of records under keys; a block turns into the records that it
// changes, with what they were before, so that undoing it is the same operation backwards. Everything
// is judged at the block's own parent: a View of another block is a bug of the caller. Scripts are
// not run here; what remains of them is handed back, so that a shell runs them on all processors.
package state

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A View is the state after a block, the parent of what is judged. It does not change while it is
// used. Reads cannot fail: a store that cannot read stops the process. Callers change no bytes that
// they get.
type View interface {
	// Get returns a record's bytes.
	Get(Key) (value []byte, ok bool)
	// Under calls with every record whose key starts with the prefix, by rising keys, until the call
	// returns false.
	Under(prefix Key, each func(Key, []byte) bool)
}

// A Context is the place of what is judged: on which branch it follows, and when. For a block, Parent
// is the branch that ends in its parent; for a transaction that waits, the one that ends in the tip.
type Context struct {
	Params *pillars.Params
	Parent *consensus.Branch
	Stamp  uint32 // of the block; of no matter to the rules, but outputs remember it
}
