package pos

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// A View is the state after the parent of the block that is judged. Reads cannot fail: a store that
// cannot read stops the process.
type View interface {
	// Stake returns an output that is unspent after the parent.
	Stake(pillars.Outpoint) (Stake, bool)
	// Locks calls with each unspent output of the owner that is plain ETP under a relative lock by
	// height, in any order, until the call returns false.
	Locks(owner pillars.Address, each func(Lock) bool)
}

// A Lock is an output that cannot be spent before Height+Blocks.
type Lock struct {
	Value  pillars.Amount
	Height uint32 // of the block that made it
	Blocks uint32 // for how many it is locked
}

// Verify says whether a block's stake is real and wins, on the branch that ends in its parent, and whether its owner signed
// [PIL-POS-1 to PIL-POS-7]. The header has passed Branch.Check, the block CheckShape.
func Verify(p *pillars.Params, block *pillars.Block, parent *consensus.Branch, v View) error {
	if err := VerifyStake(p, block, parent, v); err != nil {
		return err
	}
	return block.VerifySignature()
}

// VerifyStake is Verify for a block whose signature has been verified: that costs more than all the rest. Cheap questions come first: a
// made-up stake costs one lookup.
func VerifyStake(p *pillars.Params, block *pillars.Block, parent *consensus.Branch, v View) error {
	coinstake := block.Transactions[1]
	s, ok := v.Stake(coinstake.Inputs[0].Previous)
	if !ok {
		return consensus.Reject(consensus.StakeUnknown, "%s:%d after %d", coinstake.Inputs[0].Previous.Tx, coinstake.Inputs[0].Previous.Index, parent.Number)
	}
	if err := CheckStake(p, &block.Header, parent, &s); err != nil {
		return err
	}
	if err := CheckSigner(block, s.Owner); err != nil {
		return err
	}
	if !Eligible(p, parent.Number, s.Owner, v) {
		return consensus.Reject(consensus.StakeNotLocked, "owner of %s after %d", s.Outpoint.Tx, parent.Number)
	}
	return CheckCoinstake(p, coinstake, &s, v)
}

// CheckStake judges the stake itself against a header: plain, large and old enough, and winning.
func CheckStake(p *pillars.Params, h *pillars.Header, parent *consensus.Branch, s *Stake) error {
	switch need := Maturity(&p.Stake, &h.Bits); {
	case !s.Plain || s.Owner.Kind() != pillars.ToPubKeyHash:
		return consensus.Reject(consensus.StakeNotPlain, "%s", s.Outpoint.Tx)
	case s.Value < p.Stake.Minimum:
		return consensus.Reject(consensus.StakeTooSmall, "%s, least is %s", s.Value, p.Stake.Minimum)
	case !aged(s.Height, parent.Number, need):
		return consensus.Reject(consensus.StakeImmature, "made at %d, parent is %d, %d heights asked", s.Height, parent.Number, need)
	}
	if k := Hash(parent.Modifier, s, h.Timestamp); !Wins(k, s.Value, &h.Bits) {
		return consensus.Reject(consensus.StakeHashTooHigh, "%s with %s for difficulty %s", k, s.Value, h.Bits.Dec())
	}
	return nil
}

// aged reports whether at least need heights lie between where something was made and the parent.
func aged(made, parent, need uint32) bool {
	return made <= parent && parent-made >= need
}

// CheckSigner: the key that a block is signed with is that of the stake's owner [PIL-POS-6].
func CheckSigner(block *pillars.Block, owner pillars.Address) error {
	if pillars.PubKeyHashAddress(pillars.Hash160(block.SignerKey())) != owner {
		return consensus.Reject(consensus.SignerNotOwner, "key %x", block.SignerKey())
	}
	return nil
}

// Eligible reports whether an owner may stake after a parent [PIL-POS-5]: one output alone holds
// enough, is locked for long enough, is old enough, and is not in the last blocks of its lock.
func Eligible(p *pillars.Params, parent uint32, owner pillars.Address, v View) bool {
	found := false
	v.Locks(owner, func(l Lock) bool {
		found = l.counts(&p.Stake, parent)
		return !found
	})
	return found
}

func (l Lock) counts(p *pillars.StakeParams, parent uint32) bool {
	ends := uint64(l.Height) + uint64(l.Blocks)
	return l.Value >= p.Locked && l.Blocks >= p.LockBlocks && aged(l.Height, parent, p.LockAge) &&
		ends > uint64(parent)+uint64(p.LockTail)
}
