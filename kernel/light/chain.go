package light

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A Chain is what a verifier believes of one network: the roster of the newest epoch that it was
// led to, and the newest checkpoint. One goroutine owns it. A copy of the value is a Chain of its
// own. [CHK-10]
type Chain struct {
	network  kernel.NetworkID
	current  *term
	previous *term // for certificates that were on their way when the epoch ended; nil in epoch 0
	head     kernel.CheckpointProof
	marks    []mark // of checkpoints that were believed, ascending, the newest maxMarks; never changed in place
}

// A mark is what is remembered of a checkpoint to notice one that contradicts it.
type mark struct {
	index             kernel.CommitIndex
	timestamp         kernel.Timestamp
	receipts, outputs uint64
	hash              kernel.Hash // what the members signed
	ends              bool        // its epoch
}

const maxMarks = 256

func markOf(cp *kernel.Checkpoint) mark {
	return mark{cp.Index, cp.Timestamp, cp.Receipts.Count, cp.Outputs.Count, cp.SigningHash(), cp.EndsEpoch()}
}

// Start begins with a genesis that was checked (kernel.ParseGenesis does) and its roster.
func Start(genesis *kernel.Genesis) *Chain {
	c := &Chain{network: genesis.NetworkID()}
	c.current = newTerm(c.network, genesis.EpochRoster(), mark{})
	return c
}

// Network is the hash of the genesis.
func (c *Chain) Network() kernel.NetworkID { return c.network }

// Epoch is the newest one whose roster is held.
func (c *Chain) Epoch() kernel.Epoch { return c.current.roster.Epoch }

// Head returns the newest checkpoint that was accepted; ok is false at the genesis.
func (c *Chain) Head() (cp kernel.Checkpoint, ok bool) {
	return c.head.Checkpoint, c.head.Checkpoint.Index != 0
}

// Accept takes a newer checkpoint. One that is held already changes nothing; an older one is
// refused. One that contradicts is an *Alarm. [CHK-14]
func (c *Chain) Accept(p *kernel.CheckpointProof) error {
	if err := c.certified(p); err != nil {
		return err
	}
	return c.take(p)
}

// take makes a certified checkpoint the head.
func (c *Chain) take(p *kernel.CheckpointProof) error {
	held := c.head.Checkpoint.Index
	switch {
	case p.Checkpoint == c.head.Checkpoint:
		return nil
	case p.Checkpoint.Index < held:
		return refuse(Older, "commit %d, held is %d", p.Checkpoint.Index, held)
	}
	c.head = kernel.CheckpointProof{Checkpoint: p.Checkpoint, Signatures: slices.Clone(p.Signatures)}
	oldest := max(0, len(c.marks)+1-maxMarks)
	c.marks = append(slices.Clone(c.marks[oldest:]), markOf(&p.Checkpoint))
	return nil
}

// Change goes from the current epoch to the next. [CHK-13]
func (c *Chain) Change(change *kernel.RosterChange) error {
	t, next, err := c.successor(change)
	if err != nil {
		return err
	}
	if err := t.signatures(&change.End); err != nil {
		return err
	}
	return c.enter(next, change)
}

// successor checks all of a change but the signatures, and returns the term that they must be of
// and the one that follows.
func (c *Chain) successor(change *kernel.RosterChange) (t, next *term, err error) {
	end := &change.End.Checkpoint
	if t, err = c.termOf(&change.End); err != nil {
		return nil, nil, err
	}
	if !end.EndsEpoch() {
		return nil, nil, refuse(NotEpochEnd, "checkpoint of commit %d", end.Index)
	}
	if err := change.Next.Check(); err != nil {
		return nil, nil, refuse(BadRoster, "%v", err)
	}
	if change.Next.Epoch != end.Epoch+1 {
		return nil, nil, refuse(BadRoster, "epoch %d after %d", change.Next.Epoch, end.Epoch)
	}
	roster := copyRoster(&change.Next)
	if next = newTerm(c.network, roster, markOf(end)); next.hash != end.Next {
		return nil, nil, refuse(WrongRoster, "%s, the checkpoint names %s", next.hash.Short(), end.Next.Short())
	}
	return t, next, nil
}

// copyRoster makes the chain's own copy: the caller's may alias what it was decoded from.
func copyRoster(r *kernel.EpochRoster) *kernel.EpochRoster {
	return &kernel.EpochRoster{
		Epoch: r.Epoch, Members: slices.Clone(r.Members), CoinKey: slices.Clone(r.CoinKey), CheckpointKeys: slices.Clone(r.CheckpointKeys),
	}
}

// enter takes a change whose signatures were verified.
func (c *Chain) enter(next *term, change *kernel.RosterChange) error {
	if err := c.contradiction(&change.End); err != nil {
		return err
	}
	if next.roster.Epoch != c.current.roster.Epoch+1 {
		return nil // entered before: certified as it was
	}
	if err := c.take(&change.End); err != nil {
		return err
	}
	c.previous, c.current = c.current, next
	return nil
}

// changesAtOnce bounds the signatures that are verified together: 50 members each.
const changesAtOnce = 64

// Changes is Change for each of them in order, up to the first that is refused: the same verdict
// and the same state, for half the work. It returns how many were taken.
func (c *Chain) Changes(changes []kernel.RosterChange) (taken int, err error) {
	for taken < len(changes) {
		part := changes[taken:min(taken+changesAtOnce, len(changes))]
		n, err := c.changesTogether(part)
		taken += n
		if err != nil {
			return taken, fmt.Errorf("roster change %d: %w", taken, err)
		}
	}
	return taken, nil
}

func (c *Chain) changesTogether(part []kernel.RosterChange) (taken int, err error) {
	ahead := *c
	var list []crypto.Check
	for i := range part {
		t, next, failed := ahead.successor(&part[i])
		if failed == nil {
			list = t.checks(list, &part[i].End)
			failed = ahead.enter(next, &part[i])
		}
		if failed != nil {
			break
		}
		taken++
	}
	if taken == len(part) && crypto.VerifyBatch(list) {
		*c = ahead
		return taken, nil
	}
	for taken = 0; taken < len(part); taken++ { // one is refused: find out which
		if err := c.Change(&part[taken]); err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// contradiction compares a certificate with what was believed before. It is asked when the
// signatures are known to be good: whoever lies alone is refused, not feared. [CHK-15]
func (c *Chain) contradiction(p *kernel.CheckpointProof) error {
	shown := markOf(&p.Checkpoint)
	if known, ok := c.known(shown.index); ok {
		if known != shown {
			return c.alarm(Forked, known, p)
		}
		return nil
	}
	if held, ok := c.outsideEpoch(p.Checkpoint.Epoch, &shown); ok {
		return c.alarm(Forked, held, p)
	}
	place, _ := c.place(shown.index)
	if place > 0 && !c.marks[place-1].before(&shown) {
		return c.alarm(GoesBack, c.marks[place-1], p)
	}
	if place < len(c.marks) && !shown.before(&c.marks[place]) {
		return c.alarm(GoesBack, c.marks[place], p)
	}
	return nil
}

// place finds a commit among the marks, or where it would stand.
func (c *Chain) place(index kernel.CommitIndex) (int, bool) {
	return slices.BinarySearchFunc(c.marks, index, func(m mark, i kernel.CommitIndex) int { return cmp.Compare(m.index, i) })
}

// known returns what was believed of a commit. The ends of the last epochs stay known when their
// marks are gone.
func (c *Chain) known(index kernel.CommitIndex) (mark, bool) {
	if i, ok := c.place(index); ok {
		return c.marks[i], true
	}
	for _, t := range []*term{c.current, c.previous} {
		if t != nil && t.start.index == index && index != 0 {
			return t.start, true
		}
	}
	return mark{}, false
}

// outsideEpoch returns an end of an epoch that a checkpoint of the epoch cannot stand beside: it
// lies before or behind it, or ends an epoch that is known to have ended later or to go on.
func (c *Chain) outsideEpoch(epoch kernel.Epoch, shown *mark) (held mark, outside bool) {
	if epoch != c.current.roster.Epoch {
		end := c.current.start
		return end, shown.index <= c.previous.start.index || shown.index > end.index || shown.ends
	}
	if shown.index <= c.current.start.index {
		return c.current.start, true
	}
	head := markOf(&c.head.Checkpoint)
	ofEpoch := head.index > c.current.start.index
	return head, ofEpoch && (head.ends && shown.index > head.index || shown.ends && shown.index < head.index)
}

// before reports whether nothing falls from m to a later checkpoint.
func (m *mark) before(later *mark) bool {
	return m.timestamp <= later.timestamp && m.receipts <= later.receipts && m.outputs <= later.outputs
}

func (c *Chain) alarm(r Refusal, held mark, shown *kernel.CheckpointProof) error {
	a := &Alarm{Refusal: r, Hash: held.hash, Shown: *shown}
	a.Held = kernel.Checkpoint{Network: c.network, Index: held.index, Timestamp: held.timestamp}
	a.Held.Receipts.Count, a.Held.Outputs.Count = held.receipts, held.outputs
	if held.index == c.head.Checkpoint.Index {
		a.Held = c.head.Checkpoint
	}
	return a
}
