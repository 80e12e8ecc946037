// Package mempool holds transactions that this node was asked to settle until they have a
// receipt, and knows which of them may be proposed now: not while a snapshot that is not yet
// settled holds the same or a conflicting transaction.
package mempool

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/kernel"
)

// A Touch is something that only one transaction can ever take: an input, a one-time key, or
// the identity of a deposit or mint. Two transactions conflict when they share one.
type Touch [35]byte

// InputTouch is the touch of spending an output.
func InputTouch(r kernel.OutputRef) (t Touch) {
	t[0] = 1
	copy(t[1:], r.Hash[:])
	t[33], t[34] = byte(r.Index>>8), byte(r.Index)
	return t
}

// KeyTouch is the touch of creating an output under a one-time key.
func KeyTouch(k kernel.Key) (t Touch) {
	t[0] = 2
	copy(t[1:], k[:])
	return t
}

// IdentityTouch is the touch of crediting a deposit or paying a mint.
func IdentityTouch(h kernel.Hash) (t Touch) {
	t[0] = 3
	copy(t[1:], h[:])
	return t
}

// hashTouch is the touch of being a transaction: that one may stand in several snapshots.
func hashTouch(h kernel.TxHash) (t Touch) {
	copy(t[1:], h[:])
	return t
}

// A Claim is a transaction and what it takes.
type Claim struct {
	Hash    kernel.TxHash
	Touches []Touch
}

// A Candidate is a transaction that checks against the state after commit Checked, and still
// does: the pool drops it when a commit takes one of its touches.
type Candidate struct {
	Claim
	Raw        []byte
	Signatures int // that stand in it
	Checked    kernel.CommitIndex
	Since      kernel.Timestamp // when this node first held it
}

// ErrFull says that the pool is at its limit: the client should slow down and try again.
var ErrFull = errors.New("mempool_full")

// A Conflict says that another waiting transaction takes the same thing.
type Conflict struct{ With kernel.TxHash }

func (c *Conflict) Error() string { return fmt.Sprintf("conflicts_with %s", c.With) }

// Limits of a pool.
type Limits struct {
	Count int
	Bytes int
}

// A Pool is one node's waiting transactions. It is not safe for concurrent use.
type Pool struct {
	limits  Limits
	bytes   int
	ready   int                           // waiting transactions that nothing blocks
	left    uint64                        // that waited once and do no more
	queue   []*entry                      // by arrival; those that are gone are skipped, and dropped when they are the most
	gone    int                           // of queue
	takings takings                       // by waiting transactions and by those in unsettled snapshots; each takes its hash too
	holding map[kernel.SnapshotID][]Claim // unsettled snapshots with transactions
}

type entry struct {
	Candidate
	round   kernel.Round // own round when it came or was last sent around
	waited  kernel.Round // rounds of epochs that ended meanwhile
	blocked int          // touches that stand in unsettled snapshots
	gone    bool
}

// New returns an empty pool.
func New(l Limits) *Pool {
	return &Pool{limits: l, takings: newTakings(), holding: make(map[kernel.SnapshotID][]Claim)}
}

// Len returns how many transactions wait.
func (p *Pool) Len() int { return len(p.queue) - p.gone }

// Bytes returns how many bytes they take.
func (p *Pool) Bytes() int { return p.bytes }

// Left returns how many have waited and do no more.
func (p *Pool) Left() uint64 { return p.left }

// Get finds a waiting transaction.
func (p *Pool) Get(h kernel.TxHash) (Candidate, bool) {
	if e := p.owner(hashTouch(h)); e != nil {
		return e.Candidate, true
	}
	return Candidate{}, false
}

// owner finds the waiting transaction that takes a touch.
func (p *Pool) owner(t Touch) *entry {
	if at, _ := p.takings.find(&t); at != nil {
		return at.owner
	}
	return nil
}

// Add takes a transaction in while the node is in the given round. A known one is no error.
func (p *Pool) Add(c Candidate, round kernel.Round) error {
	if p.owner(hashTouch(c.Hash)) != nil {
		return nil
	}
	for _, t := range c.Touches {
		if o := p.owner(t); o != nil {
			return &Conflict{o.Hash}
		}
	}
	if p.Len() >= p.limits.Count || p.bytes+len(c.Raw) > p.limits.Bytes {
		return ErrFull
	}
	e := &entry{Candidate: c, round: round}
	hash := hashTouch(c.Hash)
	e.own(p.takings.take(&hash))
	for _, t := range c.Touches {
		e.own(p.takings.take(&t))
	}
	if e.blocked == 0 {
		p.ready++
	}
	p.queue = append(p.queue, e)
	p.bytes += len(c.Raw)
	return nil
}

func (e *entry) own(at *taking) {
	if at.owner == e {
		return // named twice; it counts once
	}
	at.owner = e
	if at.standing > 0 {
		e.blocked++
	}
}

// Hold notes the transactions of an accepted snapshot that check; until Release they, and what
// conflicts with them, are not proposed.
func (p *Pool) Hold(id kernel.SnapshotID, claims []Claim) {
	if _, known := p.holding[id]; known || len(claims) == 0 {
		return
	}
	p.holding[id] = claims
	for _, c := range claims {
		p.hold(hashTouch(c.Hash))
		for _, t := range c.Touches {
			p.hold(t)
		}
	}
}

func (p *Pool) hold(t Touch) {
	at := p.takings.take(&t)
	if at.standing++; at.standing == 1 && at.owner != nil {
		if at.owner.blocked++; at.owner.blocked == 1 {
			p.ready--
		}
	}
}

// Release ends Hold: the snapshot was executed, or fell below the horizon.
func (p *Pool) Release(id kernel.SnapshotID) {
	for _, c := range p.holding[id] {
		p.release(hashTouch(c.Hash))
		for _, t := range c.Touches {
			p.release(t)
		}
	}
	delete(p.holding, id)
}

func (p *Pool) release(t Touch) {
	at, slot := p.takings.find(&t)
	if at.standing--; at.standing > 0 {
		return
	}
	if at.owner == nil {
		p.takings.drop(slot)
	} else if at.owner.blocked--; at.owner.blocked == 0 {
		p.ready++
	}
}

// Carried reports whether any unsettled snapshot holds a transaction that checks.
func (p *Pool) Carried(tx kernel.TxHash) bool {
	t := hashTouch(tx)
	at, _ := p.takings.find(&t)
	return at != nil && at.standing > 0
}

// Carries reports whether an unsettled snapshot holds a transaction.
func (p *Pool) Carries(id kernel.SnapshotID, tx kernel.TxHash) bool {
	for _, c := range p.holding[id] {
		if c.Hash == tx {
			return true
		}
	}
	return false
}

// Settle removes a transaction that has a receipt and, if it became final, those that it beats;
// it returns the beaten ones.
func (p *Pool) Settle(c Claim, final bool) (beaten []kernel.TxHash) {
	p.remove(p.owner(hashTouch(c.Hash)))
	if !final {
		return nil
	}
	for _, t := range c.Touches {
		if e := p.owner(t); e != nil {
			beaten = append(beaten, e.Hash)
			p.remove(e)
		}
	}
	return beaten
}

func (p *Pool) remove(e *entry) {
	if e == nil {
		return
	}
	e.gone = true
	p.left++
	if e.blocked == 0 {
		p.ready--
	}
	p.bytes -= len(e.Raw)
	p.disown(hashTouch(e.Hash))
	for _, t := range e.Touches {
		p.disown(t)
	}
	if p.gone++; p.gone > len(p.queue)/2 {
		p.queue = slices.DeleteFunc(p.queue, func(e *entry) bool { return e.gone })
		p.gone = 0
	}
}

func (p *Pool) disown(t Touch) {
	at, slot := p.takings.find(&t)
	if at == nil {
		return // named twice
	}
	at.owner = nil
	if at.standing == 0 {
		p.takings.drop(slot)
	}
}

// Waiting reports whether something may be proposed.
func (p *Pool) Waiting() bool { return p.ready > 0 }

// A Room bounds what of transactions goes into one thing: a body, or a message.
type Room struct {
	Count      int
	Bytes      int
	Signatures int
}

// take makes room for c as the number n, from 0. The first has it always: what is larger than
// all of the room goes alone.
func (r *Room) take(n int, c *Candidate) bool {
	if n >= r.Count || n > 0 && (len(c.Raw) > r.Bytes || c.Signatures > r.Signatures) {
		return false
	}
	r.Bytes, r.Signatures = r.Bytes-len(c.Raw), r.Signatures-c.Signatures
	return true
}

// Pick returns transactions to propose, oldest first, in a snapshot that claims commit k: they
// check at k and nothing unsettled holds or contradicts them. What does not fit beside older ones is
// the oldest some day.
func (p *Pool) Pick(k kernel.CommitIndex, room Room) (out []Candidate) {
	for _, e := range p.queue {
		if len(out) >= room.Count {
			break
		}
		if e.gone || e.blocked > 0 || e.Checked > k || !room.take(len(out), &e.Candidate) {
			continue
		}
		out = append(out, e.Candidate)
	}
	return out
}

// Overdue returns transactions that have been held for more than after rounds at round now, oldest first and as
// many as there is room for, and counts them as held since now: they are sent to all members, each of which
// proposes them.
func (p *Pool) Overdue(now, after kernel.Round, room Room) (out []Candidate) {
	for _, e := range p.queue {
		if e.gone || e.held(now) <= after {
			continue
		}
		if !room.take(len(out), &e.Candidate) {
			break
		}
		e.round, e.waited = now, 0
		out = append(out, e.Candidate)
	}
	return out
}

// held is for how many rounds a transaction has been here, or was not sent around.
func (e *entry) held(now kernel.Round) kernel.Round { return e.waited + max(now, e.round) - e.round }

// Restart begins to count rounds anew: another epoch has begun, the one before ended at a round. What was
// waited is not forgotten: in short epochs nothing would ever be overdue.
func (p *Pool) Restart(end kernel.Round) {
	for _, e := range p.queue {
		e.waited, e.round = e.held(end), 0
	}
}
