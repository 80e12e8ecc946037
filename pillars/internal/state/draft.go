package state

import (
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// Scripts are the script checks of one transaction: what it spends, one output for each input and in their
// order. They may run side by side, by transaction or by input, with script.NewChecker.
type Scripts struct {
	Tx    *pillars.Transaction
	Spent []script.Spent
}

// Verify runs the scripts of a transaction, one after the other.
func (s Scripts) Verify(flags script.Flags) error {
	return script.NewChecker(s.Tx, s.Spent, flags).Verify()
}

// VerifyAll runs all scripts of a block: what a shell does on several processors.
func VerifyAll(all []Scripts) error {
	for _, s := range all {
		if err := s.Verify(script.Block); err != nil {
			return err
		}
	}
	return nil
}

// A Verdict is what is known of a transaction that keeps all rules but, perhaps, those of its scripts.
type Verdict struct {
	ID      pillars.TxID
	Fee     pillars.Amount
	SigOps  int
	Scripts Scripts
	// Names are the records of assets, avatars, certificates and tokens that it writes, each once, in no order of
	// importance. Two transactions that write one name and do not build on each other cannot both be mined.
	// The record of an asset of which it only burns some is none: others may do so at the same time.
	Names []Key
}

// A Draft is a block in the making: a state with transactions on top. Miners choose with it, a mempool
// judges chains of waiting transactions with it, and Apply is a draft that takes all of a block.
type Draft struct {
	ctx    Context
	height uint32 // of the block to come
	median uint32 // the median time at its parent
	over   overlay
	head   Head

	fees   pillars.Amount
	sigops int
}

// NewDraft returns a draft without transactions. The view must be the state after the context's parent.
func NewDraft(v View, c Context) *Draft {
	head, ok := readHead(v)
	if !ok || head.Block != c.Parent.ID {
		panic("state: the view is not the state after the parent")
	}
	return &Draft{
		ctx: c, height: c.Parent.Number + 1, median: c.Parent.Median(c.Params),
		over: overlay{base: v, now: map[Key][]byte{}}, head: head,
	}
}

// An overlay is a View with changes on top. It cannot list.
type overlay struct {
	base View
	now  map[Key][]byte // nil where there is no record any more
	keys []Key          // of now
}

func (o *overlay) Get(key Key) ([]byte, bool) {
	if value, ok := o.now[key]; ok {
		return value, value != nil
	}
	return o.base.Get(key)
}

func (o *overlay) has(key Key) bool {
	_, ok := o.Get(key)
	return ok
}

// Under is asked of whole states only: what stakes and what is locked is judged at the parent.
func (o *overlay) Under(Key, func(Key, []byte) bool) { panic("state: a draft lists nothing") }

func (o *overlay) put(key Key, value []byte) {
	if _, ok := o.now[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.now[key] = value
}

// changes returns what differs from the base, by rising keys.
func (o *overlay) changes() Changes {
	slices.Sort(o.keys)
	var out Changes
	for _, key := range o.keys {
		before, _ := o.base.Get(key)
		if after := o.now[key]; !same(before, after) {
			out = append(out, Change{key, before, after})
		}
	}
	return out
}
