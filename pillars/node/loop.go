package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// ErrStopped says that the node does not run.
var ErrStopped = errors.New("node_stopped")

// A Desk is what the owner of the chain shows to who asks: the chain and what waits, at one moment. It must not be
// used after the call that it was given to.
type Desk struct {
	Chain *chain.Chain
	Pool  *mempool.Pool
	Now   uint32 // seconds of the local clock
	node  *Node
}

// Tip is what a transaction is judged by.
func (d *Desk) Tip() mempool.Tip {
	tip := d.Chain.Tip()
	return mempool.Tip{View: d.Chain.Store().View(), Branch: &tip}
}

type ask struct {
	with func(*Desk)
	done chan struct{}
}

// Ask calls with the chain and what waits, on the goroutine that owns them; nothing moves meanwhile. What is changed goes through
// the methods of Node.
func (n *Node) Ask(ctx context.Context, with func(*Desk)) error {
	a := ask{with, make(chan struct{})}
	select {
	case n.asks <- a:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-n.stopped:
		return ErrStopped
	}
	select {
	case <-a.done:
		return nil
	case <-n.breaker.broken:
		return n.breaker.err
	}
}

// Times at which the loop looks after what waits for the clock.
const (
	tickEvery   = 100 * time.Millisecond // of conversations
	chainEvery  = 10                     // ticks
	expireEvery = 600                    // ticks
)

// loop owns the chain until ctx ends; no other goroutine may touch it.
func (n *Node) loop(ctx context.Context) error {
	defer close(n.stopped)
	defer n.feed.close()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for ticks := 0; ; {
		select {
		case <-ctx.Done():
			if err := n.saveBook(n.core.Book().All()); err != nil {
				n.log.Warn("save addresses of other nodes", "err", err)
			}
			return nil
		case a := <-n.asks:
			a.with(n.desk())
			n.core.Settle(n.desk().millis())
			close(a.done)
		case <-tick.C:
			ticks++
			n.tick(ticks)
		}
		n.deliver()
	}
}

func (n *Node) desk() *Desk { return &Desk{Chain: n.chain, Pool: n.pool, Now: now(), node: n} }

func (n *Node) tick(ticks int) {
	d := n.desk()
	if ticks%chainEvery == 0 {
		events, err := n.chain.Tick(d.Now)
		d.took(events, err)
		n.publishStats()
	}
	if ticks%expireEvery == 0 {
		n.pool.Expire(d.Now)
		d.flush()
	}
	n.core.Tick(d.millis())
}

// block gives a block to the chain, and follows what comes of it.
func (d *Desk) block(from peer, b *pillars.Block) (chain.Result, error) {
	if err := d.node.stalled; err != nil {
		return chain.Result{}, err
	}
	r, err := d.Chain.Block(from, b, d.Now)
	d.took(r.Events, err)
	return r, err
}

// took follows what happened to the chain: the pool first, then who listens. An error is a disk that is full; blocks are
// refused until a tick finds it has room.
func (d *Desk) took(events []chain.Event, err error) {
	n := d.node
	if err != nil && n.stalled == nil {
		n.log.Error("the disk takes no blocks", "err", err)
	}
	if n.stalled = nil; err != nil {
		n.stalled = fmt.Errorf("%w: %w", ErrDiskFull, err)
	} else {
		n.core.Room()
	}
	if slices.ContainsFunc(events, func(e chain.Event) bool { return e.Kind == chain.Disconnected }) {
		n.reorgs++
	}
	steps := d.steps(events)
	if len(steps) > 0 {
		d.Pool.Follow(steps, d.Tip(), d.Now)
		n.publishTip()
		select {
		case n.ahead <- n.chain.Tip().Number:
		default:
		}
	}
	for _, e := range events {
		d.tell(e)
	}
	d.flush()
}

// steps are what the pool must know of what happened.
func (d *Desk) steps(events []chain.Event) (steps []mempool.Step) {
	left := false
	for _, e := range events {
		left = left || e.Kind == chain.Disconnected
	}
	for _, e := range events {
		switch e.Kind {
		case chain.Connected:
			steps = append(steps, mempool.Step{Block: e.Block, Changed: d.changed(e.ID, left)})
		case chain.Disconnected:
			steps = append(steps, mempool.Step{Block: e.Block, Left: true})
		}
	}
	return steps
}

// changed are the records that a block of our chain changed, if anything waits that may rest on them.
func (d *Desk) changed(id pillars.BlockID, all bool) (keys []state.Key) {
	if all || d.Pool.Len() == 0 {
		return nil
	}
	undo, err := d.Chain.Store().Undo(id)
	if err != nil {
		panic("node: " + err.Error()) // it was connected in this very call
	}
	for _, r := range undo.Records {
		keys = append(keys, r.Key)
	}
	return keys
}

// tell publishes what happened to a block.
func (d *Desk) tell(e chain.Event) {
	n := d.node
	switch e.Kind {
	case chain.Connected:
		n.connected++
		n.core.Joined(e.Block)
		n.feed.publish(Event{Kind: Connected, ID: e.ID, Block: e.Block})
	case chain.Disconnected:
		n.log.Debug("block left our chain", "height", e.Block.Number, "block", e.ID.Short())
		n.feed.publish(Event{Kind: Disconnected, ID: e.ID, Block: e.Block})
	case chain.Twin:
		n.core.Twin(e.Block, e.Other)
		n.log.Warn("a stake was used in two blocks", "first", e.Other.Short(), "second", e.ID.Short())
		n.feed.publish(Event{Kind: Twin, ID: e.ID, Block: e.Block, Other: e.Other})
	case chain.Invalid:
		n.log.Info("invalid block", "block", e.ID.Short(), "why", e.Err)
		if e.From != self && condemns(e.Err) {
			n.core.Broken(e.From)
		}
	}
}

// flush publishes what happened to transactions that wait.
func (d *Desk) flush() {
	for _, e := range d.Pool.Events() {
		kind := Arrived
		if e.Why != nil {
			kind = Left
		} else {
			d.node.core.Waits(e.Entry)
		}
		d.node.feed.publish(Event{Kind: kind, Entry: e.Entry, Why: e.Why})
	}
}

// condemns reports whether a rule speaks against who sent the block: not our lack of room, and not our clock.
func condemns(err error) bool {
	for _, rule := range []error{tree.NoRoom, tree.TooEarly, tree.ParentUnknown, tree.BelowFinality} {
		if errors.Is(err, rule) {
			return false
		}
	}
	return true
}
