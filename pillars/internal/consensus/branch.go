// Package consensus holds the rules of Pillars that a block obeys because of the blocks before it, whatever
// seals it: difficulty, runs, time, weight, the shape of each kind of block, and what it may earn.
//
// It is pure. What the rules remember of a chain is one value of fixed size, a Branch; a node keeps one
// beside each header and so judges a header on any branch without reading another. The seals themselves
// are packages of their own.
package consensus

import (
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
)

// A Branch is what the rules remember of a chain at its last block [PIL-BR-4].
type Branch struct {
	Number   uint32 // of the last block
	ID       pillars.BlockID
	Seal     pillars.Seal                    // of the last block; 0 for a genesis
	Stamps   [pillars.MaxMedianBlocks]uint32 // of the last blocks, newest first
	Work     Mark                            // the last PoW block
	Stake    Mark                            // the last PoS block; before the first, its stamp is the genesis'
	Stake2   uint32                          // stamp of the PoS block before that one, if there were two
	Stakes   uint8                           // how many PoS blocks there were, counted to 2
	WorkRun  uint32                          // PoW blocks since the last PoS block
	StakeRun uint32                          // PoS blocks since the last PoW block
	Modifier pillars.Hash                    // the stake modifier after the last block
	Weight   uint256.Int                     // of all blocks together
	Earned   pillars.Amount                  // what PoS blocks could earn so far; see PhaseParams.Pool
}

// A Mark is what is remembered of the last block with one seal.
type Mark struct {
	Stamp uint32
	Bits  uint256.Int // its normal difficulty, without the valve's factor; zero before the first block
}

// Start is the branch that consists of a genesis. A genesis has no seal: it counts for time, not for difficulty.
func Start(genesis *pillars.Header) Branch {
	b := Branch{Number: genesis.Number, ID: genesis.ID(), Stake: Mark{Stamp: genesis.Timestamp}}
	b.Stamps[0] = genesis.Timestamp
	b.Modifier = pillars.TaggedHash(modifierTag, b.ID[:])
	return b
}

// Check says whether a header may follow, its seal and the clock apart. It needs no other block.
func (b *Branch) Check(p *pillars.Params, h *pillars.Header) error {
	switch {
	case h.Number != b.Number+1 || h.Number == 0:
		return Reject(WrongNumber, "%d after %d", h.Number, b.Number)
	case h.Previous != b.ID:
		return Reject(WrongParent, "%s is not the parent of %d", h.Previous.Short(), h.Number)
	case h.Extended() != p.Extended:
		return Reject(WrongForm, "version %#x", h.Version)
	}
	if err := checkpointed(p, h); err != nil {
		return err
	}
	if err := b.checkTime(p, h); err != nil {
		return err
	}
	if err := checkNonce(h); err != nil {
		return err
	}
	want, err := b.Difficulty(p, h.Seal(), h.Timestamp)
	if err != nil {
		return err
	}
	if !h.Bits.Eq(&want.Bits) {
		return Reject(WrongBits, "%s at %d, want %s", h.Bits.Dec(), h.Number, want.Bits.Dec())
	}
	return nil
}

func checkpointed(p *pillars.Params, h *pillars.Header) error {
	for _, c := range p.Pinned {
		if c.Number == h.Number && h.ID() != c.ID {
			return Reject(NotCheckpoint, "%s at %d, want %s", h.ID().Short(), h.Number, c.ID.Short())
		}
	}
	return nil
}

// Prepare makes the header of the next block with a seal as far as the branch determines it: its place, its stamp
// (raised to the earliest that is allowed) and what difficulty it must show at that stamp. Whoever changes the stamp of a
// PoW header prepares it anew.
func (b *Branch) Prepare(p *pillars.Params, seal pillars.Seal, stamp uint32) (pillars.Header, error) {
	h := pillars.Header{
		Version: pillars.HeaderVersion(seal, p.Extended), Previous: b.ID, Number: b.Number + 1,
		Timestamp: max(stamp, b.Earliest(p, seal)),
	}
	d, err := b.Difficulty(p, seal, h.Timestamp)
	h.Bits = d.Bits
	return h, err
}

// A Reveal is what a block adds to the stake modifier beyond its header: its author could not choose
// it freely.
type Reveal struct {
	Stake pillars.Outpoint // PoS: what staked; an extended header commits to it
	Proof pillars.Hash     // DPoS: the output of the delegate's verifiable random function over the modifier
}

// Next is the branch with one more block. The header must have passed Check.
func (b *Branch) Next(p *pillars.Params, h *pillars.Header, r Reveal) Branch {
	want, err := b.Difficulty(p, h.Seal(), h.Timestamp)
	if err != nil {
		panic("consensus: next of an unchecked header: " + err.Error())
	}
	n := *b
	n.Number, n.ID, n.Seal = h.Number, h.ID(), h.Seal()
	copy(n.Stamps[1:], b.Stamps[:])
	n.Stamps[0] = h.Timestamp
	n.Modifier = b.modifierAfter(h, r)
	add := b.weightOf(p, h.Seal(), &want)
	if _, over := n.Weight.AddOverflow(&b.Weight, &add); over {
		n.Weight.SetAllOne()
	}
	switch h.Seal() {
	case pillars.PoW:
		n.Work = Mark{h.Timestamp, want.Normal}
		n.WorkRun, n.StakeRun = b.WorkRun+1, 0
	case pillars.PoS:
		n.Stake = Mark{h.Timestamp, want.Normal}
		n.Stake2, n.Stakes = b.Stake.Stamp, min(b.Stakes+1, 2)
		n.WorkRun, n.StakeRun = 0, b.StakeRun+1
		n.Earned = min(b.Earned+b.Subsidy(p, pillars.PoS), pillars.MaxMoney)
	}
	return n
}

const modifierTag = "asterism pillars modifier"

// modifierAfter chains the stake modifier: the mix hash of work, the staked output, or a delegate's
// random function [PIL-POS-2]. The seal enters, so that no kind of block can imitate another's step.
func (b *Branch) modifierAfter(h *pillars.Header, r Reveal) pillars.Hash {
	seal := []byte{byte(h.Seal())}
	switch h.Seal() {
	case pillars.PoW:
		return pillars.TaggedHash(modifierTag, b.Modifier[:], seal, h.MixHash[:])
	case pillars.PoS:
		return pillars.TaggedHash(modifierTag, b.Modifier[:], seal, r.Stake.Bytes())
	}
	return pillars.TaggedHash(modifierTag, b.Modifier[:], seal, r.Proof[:])
}

// weightOf is what a block adds to its chain: work its normal difficulty, stake and delegates a share
// of the last work's [PIL-WGT-1].
func (b *Branch) weightOf(p *pillars.Params, seal pillars.Seal, d *Difficulty) uint256.Int {
	switch seal {
	case pillars.PoW:
		return d.Normal
	case pillars.PoS:
		return b.share(p, p.Weight.PoSNum, p.Weight.PoSDen)
	}
	return b.share(p, p.Phase.DelegateNum, p.Phase.DelegateDen)
}

func (b *Branch) share(p *pillars.Params, num, den uint32) (w uint256.Int) {
	if num == 0 {
		return w
	}
	work := &b.Work.Bits
	if work.IsZero() {
		work = &p.PoW.Minimum
	}
	w.MulDivOverflow(work, uint256.NewInt(uint64(num)), uint256.NewInt(uint64(den)))
	return w
}

// Heavier reports whether a chain that ends in b replaces one that ends in tip and was seen first: only
// more weight does [PIL-WGT-2].
func (b *Branch) Heavier(tip *Branch) bool { return b.Weight.Gt(&tip.Weight) }

// Settled reports whether leaving a chain at the height of a fork would undo what is final
// [PIL-WGT-3].
func (b *Branch) Settled(p *pillars.Params, fork uint32) bool {
	return p.Finality != 0 && fork < b.Number && b.Number-fork > p.Finality
}
