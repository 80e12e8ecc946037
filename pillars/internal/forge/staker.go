package forge

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/template"
	"github.com/asterism-network/asterism/pillars/internal/why"
)

// A Signer has keys that may stake. Nothing else can be asked of it, so a node that is taken over can stake with it and cannot
// pay. Its methods may be called from any goroutine.
type Signer interface {
	// Owners are the addresses whose keys it has, of the sort that may stake.
	Owners() []pillars.Address
	// SignCoinstake unlocks all inputs of a coinstake, which spend outputs to the owner. It refuses a transaction that is no
	// coinstake, or pays somebody else.
	SignCoinstake(owner pillars.Address, tx *pillars.Transaction) error
	// SignBlock signs a block under stake.
	SignBlock(owner pillars.Address, b *pillars.Block) error
}

// Bounds of the search.
const (
	lookEvery  = 500 * time.Millisecond // twice a second, so that none is missed
	longestTry = 3600                   // seconds behind a tip that are tried at once after a pause
	maxStakes  = 10_000                 // outputs that are tried
	maxSmall   = 64                     // smaller outputs that are offered for collection
)

// A queue is what may stake behind one parent, and when the rest may.
type queue struct {
	parent  consensus.Branch
	stakes  []pos.Stake                     // large enough and their owner has locked enough; mature or not
	small   map[pillars.Address][]pos.Stake // of the same owners, too small to stake
	bits    consensus.Difficulty
	blocked error // the branch allows no stake now
	owners  int   // that have locked enough
	all     int   // outputs that are large enough, whoever has them
	mature  int
	value   pillars.Amount // of the mature ones
	ripe    uint32         // height at which the first of the others matures; 0: none
	tried   uint32         // last second
}

// stake looks for a winning second while that is set.
func (f *Forge) stake(ctx context.Context) {
	for ctx.Err() == nil {
		_, s, changed := f.settings()
		if s.Signer == nil {
			pause(ctx, time.Hour, changed)
			continue
		}
		moved := f.board.changes()
		f.look(ctx, s)
		pause(ctx, lookEvery, changed, moved)
	}
}

// look tries all seconds up to now that were not tried behind the tip.
func (f *Forge) look(ctx context.Context, s Staking) {
	taken := f.holding.take() // before the state is read: it has all of that
	parent, view, release := stateOf(f.o.Node.Store(), f.o.Params)
	defer release()
	if cause, detail := f.mayStake(s); cause != "" {
		f.holding.back(taken)
		f.record.blocked(&parent, pillars.PoS, cause, detail)
		return
	}
	f.mu.Lock()
	q := f.queue
	f.mu.Unlock()
	if q == nil || q.parent.ID != parent.ID {
		q = f.newQueue(&parent, state.At(view, f.o.Params), f.holding.at(view, f.o.Params, taken))
		f.mu.Lock()
		if f.staking.Signer == s.Signer {
			f.queue = q
		}
		f.mu.Unlock()
	} else {
		f.holding.back(taken)
	}
	if q.blocked != nil {
		f.record.blocked(&parent, pillars.PoS, causeOf(q.blocked), q.blocked.Error())
		return
	}
	first, last := max(q.tried+1, parent.Earliest(f.o.Params, pillars.PoS)), now()
	if last > longestTry {
		first = max(first, last-longestTry)
	}
	for first <= last {
		w, ok := pos.Prepare(f.o.Params, &parent, q.stakes, first, last)
		until := last
		if ok {
			until = w.Stamp
		}
		f.count(q, first, until)
		q.tried = until
		if !ok {
			return
		}
		if f.win(ctx, s, &parent, view, q, w) {
			return
		}
		first = w.Stamp + 1
	}
}

// mayStake is the policy: what keeps a node from staking that has nothing to do with its stakes.
func (f *Forge) mayStake(s Staking) (cause why.Cause, detail string) {
	switch n := f.o.Node.Standing(); {
	case !n.Synced:
		return why.NotSynced, "the node had not caught up"
	case n.Inbound+n.Outbound < s.MinPeers:
		return why.NoPeers, ErrNoPeers.Error()
	case n.Inbound < s.MinInbound:
		return why.NoInbound, "no peer had connected to this node"
	}
	return "", ""
}

// newQueue sorts the outputs of the owners: who may stake, and when.
func (f *Forge) newQueue(parent *consensus.Branch, at state.Reader, all []pos.Stake) *queue {
	p := f.o.Params
	q := &queue{parent: *parent, small: map[pillars.Address][]pos.Stake{}}
	q.bits, q.blocked = parent.Difficulty(p, pillars.PoS, parent.Earliest(p, pillars.PoS))
	need := pos.Maturity(&p.Stake, &q.bits.Bits)
	slices.SortFunc(all, func(a, b pos.Stake) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), a.Outpoint.Tx.Compare(b.Outpoint.Tx), cmp.Compare(a.Outpoint.Index, b.Outpoint.Index))
	})
	locked := map[pillars.Address]bool{}
	for i := range all {
		s := &all[i]
		may, asked := locked[s.Owner]
		if !asked {
			may = pos.Eligible(p, parent.Number, s.Owner, at)
			locked[s.Owner] = may
			if may {
				q.owners++
			}
		}
		large := s.Value >= p.Stake.Minimum
		if large {
			q.all++
		}
		switch {
		case !may:
		case large && len(q.stakes) < maxStakes:
			q.add(s, need)
		case !large && s.Plain && len(q.small[s.Owner]) < maxSmall:
			q.small[s.Owner] = append(q.small[s.Owner], *s)
		}
	}
	return q
}

func (q *queue) add(s *pos.Stake, need uint32) {
	q.stakes = append(q.stakes, *s)
	if ripe := ripeAt(s, need); s.Plain && ripe <= q.parent.Number+1 {
		q.mature++
		q.value += s.Value
	} else if ripe = max(ripe, q.parent.Number+2); q.ripe == 0 || ripe < q.ripe {
		q.ripe = ripe
	}
}

// ripeAt is the height of the first block that an output may stake, at a maturity.
func ripeAt(s *pos.Stake, need uint32) uint32 { return s.Height + need + 1 }

// count records tries that did not win, and how near the best came.
func (f *Forge) count(q *queue, first, last uint32) {
	need := pos.Maturity(&f.o.Params.Stake, &q.bits.Bits)
	best, tries := uint64(1)<<63, uint64(0)
	for stamp := first; stamp <= last; stamp++ {
		for i := range q.stakes {
			if s := &q.stakes[i]; s.Plain && ripeAt(s, need) <= q.parent.Number+1 {
				best = min(best, why.Missed(pos.Hash(q.parent.Modifier, s, stamp), s.Value, &q.bits.Bits))
				tries++
			}
		}
	}
	f.record.at(&q.parent, func(a *why.Attempt) {
		if a.Stake == nil || a.Stake.Tries == 0 {
			a.Stake = &why.Stake{Best: best}
		}
		w := a.Stake
		w.Stakes, w.Mature, w.Ripe, w.Value, w.Bits = q.all, q.mature, q.ripe, q.value, q.bits.Bits
		w.Best = min(w.Best, best)
		w.Tries += tries
		if q.owners == 0 && q.all > 0 {
			w.Blocked, w.Detail = why.NotLocked, "no owner of a stake has locked enough"
		}
	})
}

// win makes the block of a stake that wins. It reports whether a block was made: then this parent is done with.
func (f *Forge) win(ctx context.Context, s Staking, parent *consensus.Branch, view state.View, q *queue, w pos.Winner) bool {
	waiting, err := f.o.Node.Waiting(ctx, int(f.o.Params.Limits.BlockSize))
	if err != nil {
		return false
	}
	spent := spentBy(waiting)
	if id, ok := spent[w.Stake.Outpoint]; ok {
		f.record.blocked(parent, pillars.PoS, why.BeingSpent, "transaction "+id.String()+" spends the stake that won")
		return false
	}
	others := slices.DeleteFunc(slices.Clone(q.small[w.Stake.Owner]), func(s pos.Stake) bool {
		_, ok := spent[s.Outpoint]
		return ok
	})
	m := f.Mining()
	pay := m.Pay
	if pay == (pillars.Address{}) {
		pay = w.Stake.Owner
	}
	t, err := template.NewStake(template.Request{
		Params: f.o.Params, Parent: parent, View: view, Pay: pay, Asset: m.Asset, Text: m.Text, Waiting: waiting, Verified: true,
	}, w, others)
	if err != nil {
		f.o.Log.Warn("no block for a stake that wins", "height", parent.Number+1, "why", err)
		f.record.blocked(parent, pillars.PoS, why.NoTemplate, err.Error())
		return false
	}
	if err := f.o.Guard.Use(w.Stake.Outpoint, w.Stamp, t.Height()); err != nil {
		f.record.made(parent, why.Found{Seal: pillars.PoS, Cause: why.UsedBefore, Why: err.Error()})
		return false
	}
	block, err := t.Finish(
		func(tx *pillars.Transaction) error { return s.Signer.SignCoinstake(w.Stake.Owner, tx) },
		func(b *pillars.Block) error { return s.Signer.SignBlock(w.Stake.Owner, b) },
	)
	if err != nil {
		cause := why.Refused
		if errors.Is(err, ErrSigner) {
			cause = why.KeyRefused
		}
		f.o.Log.Error("block under stake cannot be made", "height", t.Height(), "why", err)
		f.record.made(parent, why.Found{Seal: pillars.PoS, Cause: cause, Why: err.Error()})
		return false
	}
	_, err = f.give(ctx, block, parent)
	return err == nil
}

// spentBy says which transaction spends an output. Whoever pays wants to pay: a coinstake that took the output first would make the
// payment void, again and again while the output is large enough to win often.
func spentBy(waiting []*pillars.Transaction) map[pillars.Outpoint]pillars.TxID {
	spent := make(map[pillars.Outpoint]pillars.TxID, 2*len(waiting))
	for _, tx := range waiting {
		id := tx.ID()
		for i := range tx.Inputs {
			spent[tx.Inputs[i].Previous] = id
		}
	}
	return spent
}

// ErrSigner is what a Signer's refusals wrap.
var ErrSigner = errors.New("the wallet does not sign")
