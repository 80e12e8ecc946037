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

// A Claim is a transaction and what it takes.
type Claim struct {
	Hash    kernel.TxHash
	Touches []Touch
}

// A Candidate is a transaction that checks against the state after commit Checked, and still
// does: the pool drops it when a commit takes one of its touches.
type Candidate struct {
	Claim
	Raw     []byte
	Checked kernel.CommitIndex
	Since   kernel.Timestamp // when this node first held it
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
	limits Limits
	bytes  int
	ready  int    // waiting transactions that nothing blocks
	left   uint64 // that waited once and do no more
	byHash map[kernel.TxHash]*entry
	owner  map[Touch]*entry // of waiting transactions; they never conflict with each other
	queue  []*entry         // by arrival; those that are gone are skipped, and dropped when they are the most
	gone   int              // of queue

	standing map[Touch]int                 // touches of transactions in unsettled snapshots
	holding  map[kernel.SnapshotID][]Claim // unsettled snapshots with transactions
	carried  map[kernel.TxHash]int         // how many of them hold a transaction
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
	return &Pool{
		limits: l, byHash: make(map[kernel.TxHash]*entry), owner: make(map[Touch]*entry),
		standing: make(map[Touch]int), holding: make(map[kernel.SnapshotID][]Claim),
		carried: make(map[kernel.TxHash]int),
	}
}

// Len returns how many transactions wait.
func (p *Pool) Len() int { return len(p.byHash) }

// Bytes returns how many bytes they take.
func (p *Pool) Bytes() int { return p.bytes }

// Left returns how many have waited and do no more.
func (p *Pool) Left() uint64 { return p.left }

// Get finds a waiting transaction.
func (p *Pool) Get(h kernel.TxHash) (Candidate, bool) {
	if e, ok := p.byHash[h]; ok {
		return e.Candidate, true
	}
	return Candidate{}, false
}

// Add takes a transaction in while the node is in the given round. A known one is no error.
func (p *Pool) Add(c Candidate, round kernel.Round) error {
	if _, known := p.byHash[c.Hash]; known {
		return nil
	}
	for _, t := range c.Touches {
		if o, taken := p.owner[t]; taken {
			return &Conflict{o.Hash}
		}
	}
	if len(p.byHash) >= p.limits.Count || p.bytes+len(c.Raw) > p.limits.Bytes {
		return ErrFull
	}
	e := &entry{Candidate: c, round: round}
	for _, t := range c.Touches {
		if p.owner[t] == e {
			continue // named twice; it counts once
		}
		p.owner[t] = e
		if p.standing[t] > 0 {
			e.blocked++
		}
	}
	if e.blocked == 0 {
		p.ready++
	}
	p.byHash[c.Hash] = e
	p.queue = append(p.queue, e)
	p.bytes += len(c.Raw)
	return nil
}

// Hold notes the transactions of an accepted snapshot that check; until Release they, and what
// conflicts with them, are not proposed.
func (p *Pool) Hold(id kernel.SnapshotID, claims []Claim) {
	if _, known := p.holding[id]; known || len(claims) == 0 {
		return
	}
	p.holding[id] = claims
	for _, c := range claims {
		p.carried[c.Hash]++
		for _, t := range c.Touches {
			p.standing[t]++
			if e := p.owner[t]; e != nil && p.standing[t] == 1 {
				if e.blocked++; e.blocked == 1 {
					p.ready--
				}
			}
		}
	}
}

// Release ends Hold: the snapshot was executed, or fell below the horizon.
func (p *Pool) Release(id kernel.SnapshotID) {
	for _, c := range p.holding[id] {
		if p.carried[c.Hash]--; p.carried[c.Hash] == 0 {
			delete(p.carried, c.Hash)
		}
		for _, t := range c.Touches {
			if p.standing[t]--; p.standing[t] > 0 {
				continue
			}
			delete(p.standing, t)
			if e := p.owner[t]; e != nil {
				if e.blocked--; e.blocked == 0 {
					p.ready++
				}
			}
		}
	}
	delete(p.holding, id)
}

// Carried reports whether any unsettled snapshot holds a transaction that checks.
func (p *Pool) Carried(tx kernel.TxHash) bool { return p.carried[tx] > 0 }

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
	p.remove(p.byHash[c.Hash])
	if !final {
		return nil
	}
	for _, t := range c.Touches {
		if e := p.owner[t]; e != nil {
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
	delete(p.byHash, e.Hash)
	for _, t := range e.Touches {
		delete(p.owner, t)
	}
	if p.gone++; p.gone > len(p.queue)/2 {
		p.queue = slices.DeleteFunc(p.queue, func(e *entry) bool { return e.gone })
		p.gone = 0
	}
}

// Waiting reports whether something may be proposed.
func (p *Pool) Waiting() bool { return p.ready > 0 }

// Pick returns transactions to propose, oldest first, in a snapshot that claims commit k: they
// check at k and nothing unsettled holds or contradicts them. One that is larger than bytes goes
// alone.
func (p *Pool) Pick(k kernel.CommitIndex, count, bytes int) (out []Candidate) {
	for _, e := range p.queue {
		if len(out) >= count {
			break
		}
		if e.gone || e.blocked > 0 || e.Checked > k || len(e.Raw) > bytes && len(out) > 0 {
			continue
		}
		bytes -= len(e.Raw)
		out = append(out, e.Candidate)
	}
	return out
}

// Overdue returns transactions that have been held for more than after rounds at round now, and counts
// them as held since now: they are sent to all members, each of which proposes them.
func (p *Pool) Overdue(now, after kernel.Round, count int) (raw [][]byte) {
	for _, e := range p.queue {
		if len(raw) >= count {
			break
		}
		if !e.gone && e.held(now) > after {
			e.round, e.waited = now, 0
			raw = append(raw, e.Raw)
		}
	}
	return raw
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
