package state

import "github.com/asterism-network/asterism/pillars"

// Apply judges a block on the state after its parent and returns what it does to it. The block has passed
// its other checks: Block.Check, consensus.CheckShape and Branch.Check, and its seal, for which At(v, p) is the
// pos.View. It is valid once the diff's scripts verify too.
func Apply(v View, b *pillars.Block, c Context) (*Diff, error) {
	panic("not yet")
}

// Genesis returns what block 0 does to the empty state.
func Genesis(v View, b *pillars.Block, p *pillars.Params) (*Diff, error) {
	panic("not yet")
}

// Check judges a transaction that waits, on the state after the tip: with the rules of a block, those
// of its scripts apart, which the verdict hands back.
func Check(v View, tx *pillars.Transaction, c Context) (Verdict, error) {
	return NewDraft(v, c).Try(tx)
}

// Try judges a transaction on top of the draft, which stays as it is.
func (d *Draft) Try(tx *pillars.Transaction) (Verdict, error) {
	panic("not yet")
}

// Add judges a transaction on top of the draft and, if it keeps the rules, puts it there.
func (d *Draft) Add(tx *pillars.Transaction) (Verdict, error) {
	panic("not yet")
}
