package checkpoint

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A Verdict says how the members of an epoch stand to a checkpoint of one's own. [CHK-43]
type Verdict uint8

// The verdicts, from nothing known to the worst.
const (
	Waiting   Verdict = iota // too few have signed
	Certified                // a quorum signed the same
	Disputed                 // more members than can all lie signed something else: sign nothing, report nothing as final
	Outvoted                 // a quorum signed something else: this node's state is wrong, it stops
)

// String returns the name of the verdict.
func (v Verdict) String() string {
	return [...]string{"waiting", "certified", "disputed", "outvoted"}[v]
}

// A Collector gathers the signatures of one epoch's voting members over checkpoints, in any order:
// before and after the own checkpoint is known, late, repeated, or wrong. One goroutine owns it.
type Collector struct {
	network kernel.NetworkID
	roster  *kernel.EpochRoster
	voting  uint64 // bit a: author a votes
	f, q    int
	open    []round // ascending
}

// A round is what is known of one checkpoint.
type round struct {
	index      kernel.CommitIndex
	own        kernel.Checkpoint // zero while this node has not executed the commit
	signatures [kernel.MaxMembers]kernel.Signature
	unchecked  uint64 // signatures that came before the own checkpoint
	good, bad  uint64 // over the own checkpoint, or over something else
}

// aheadOfUs is how many checkpoints are kept of which this node has not executed the commit.
// Beyond it the farthest give way: whoever is that far behind is led on by certificates.
const aheadOfUs = 16

// NewCollector collects for an epoch.
func NewCollector(network kernel.NetworkID, roster *kernel.EpochRoster) *Collector {
	r := roster.Roster()
	return &Collector{network: network, roster: roster, voting: r.VotingSet(), f: r.Faulty(), q: r.Quorum()}
}

// at finds the round of a commit, or where it would stand.
func (c *Collector) at(index kernel.CommitIndex) (int, bool) {
	return slices.BinarySearchFunc(c.open, index, func(r round, i kernel.CommitIndex) int { return cmp.Compare(r.index, i) })
}

// Own gives the checkpoint that this node's state leads to, and returns how the members stand to
// it. It panics if it is of another network, epoch or roster, or differs from one given before.
func (c *Collector) Own(cp *kernel.Checkpoint) Verdict {
	if cp.Network != c.network || cp.Epoch != c.roster.Epoch || cp.Roster != c.roster.Hash(c.network) || cp.Index == 0 {
		panic("checkpoint: own checkpoint of another epoch")
	}
	i, ok := c.at(cp.Index)
	if !ok {
		c.open = slices.Insert(c.open, i, round{index: cp.Index})
	}
	r := &c.open[i]
	if r.own.Index != 0 && r.own != *cp {
		panic("checkpoint: two own checkpoints for one commit")
	}
	if r.own.Index == 0 {
		r.own = *cp
		c.check(r)
	}
	return c.verdict(r)
}

// Add takes a member's signature over the checkpoint of a commit and returns how the members stand
// to it. Whoever has no vote is ignored; so is a second signature, unless the first was wrong and
// this one is right.
func (c *Collector) Add(author kernel.Author, vote *kernel.CheckpointVote) Verdict {
	bit := uint64(1) << author
	if c.voting&bit == 0 || vote.Index == 0 {
		return c.Verdict(vote.Index)
	}
	r := c.round(vote.Index)
	if r == nil {
		return Waiting
	}
	if (r.good|r.unchecked)&bit == 0 {
		r.signatures[author] = vote.Signature
		r.unchecked |= bit
	}
	if r.own.Index != 0 {
		c.check(r)
	}
	return c.verdict(r)
}

// Verdict says how the members stand to the own checkpoint of a commit.
func (c *Collector) Verdict(index kernel.CommitIndex) Verdict {
	if i, ok := c.at(index); ok {
		return c.verdict(&c.open[i])
	}
	return Waiting
}

// round returns the round of a commit and makes room for it where there may be one.
func (c *Collector) round(index kernel.CommitIndex) *round {
	i, ok := c.at(index)
	if ok {
		return &c.open[i]
	}
	ahead := 0
	for j := range c.open {
		if c.open[j].own.Index == 0 {
			ahead++
		}
	}
	if ahead >= aheadOfUs {
		last := len(c.open) - 1
		if c.open[last].own.Index != 0 || c.open[last].index < index {
			return nil
		}
		c.open = c.open[:last]
	}
	c.open = slices.Insert(c.open, i, round{index: index})
	return &c.open[i]
}

// check verifies what was not, against the own checkpoint, all together.
func (c *Collector) check(r *round) {
	hash := r.own.SigningHash()
	var list []crypto.Check
	for set := r.unchecked; set != 0; set &= set - 1 {
		a := bits.TrailingZeros64(set)
		list = append(list, crypto.Check{Key: c.roster.CheckpointKey(kernel.Author(a)), Message: hash[:], Signature: r.signatures[a]})
	}
	for _, good := range crypto.VerifyEach(list) {
		bit := r.unchecked & -r.unchecked
		r.unchecked &^= bit
		if good {
			r.good |= bit
			r.bad &^= bit
		} else {
			r.bad |= bit
		}
	}
}

func (c *Collector) verdict(r *round) Verdict {
	switch bad := bits.OnesCount64(r.bad); {
	case r.own.Index == 0:
		return Waiting
	case bits.OnesCount64(r.good) >= c.q:
		return Certified
	case bad >= c.q:
		return Outvoted
	case bad > c.f:
		return Disputed
	}
	return Waiting
}

// Certificate returns the certificate of a commit's checkpoint, once a quorum has signed it.
func (c *Collector) Certificate(index kernel.CommitIndex) (*kernel.CheckpointProof, bool) {
	i, ok := c.at(index)
	if !ok || c.verdict(&c.open[i]) != Certified {
		return nil, false
	}
	r := &c.open[i]
	p := &kernel.CheckpointProof{Checkpoint: r.own}
	for set := r.good; set != 0 && len(p.Signatures) < c.q; set &= set - 1 {
		a := kernel.Author(bits.TrailingZeros64(set))
		p.Signatures = append(p.Signatures, kernel.CheckpointSignature{Author: a, Signature: r.signatures[a]})
	}
	return p, true
}

// Others lists the members whose signature for a commit is not over this node's own checkpoint: who
// to name when it is disputed.
func (c *Collector) Others(index kernel.CommitIndex) (authors []kernel.Author) {
	i, ok := c.at(index)
	if !ok {
		return nil
	}
	for set := c.open[i].bad; set != 0; set &= set - 1 {
		authors = append(authors, kernel.Author(bits.TrailingZeros64(set)))
	}
	return authors
}

// Forget drops everything up to a commit: its certificate is kept elsewhere.
func (c *Collector) Forget(upTo kernel.CommitIndex) {
	i, ok := c.at(upTo)
	if ok {
		i++
	}
	c.open = slices.Delete(c.open, 0, i)
}
