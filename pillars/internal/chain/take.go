package chain

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/tree"
)

// A Kind says what an Event is about.
type Kind uint8

// The kinds of events.
const (
	Connected    Kind = iota + 1 // a block is our tip now
	Disconnected                 // our tip is not on our chain any more; its parent is the tip
	Stored                       // a valid block of another branch is on disk
	Invalid                      // a block broke a rule after it was taken: Err says which
	Twin                         // a stake was used in two blocks: ID and Other are evidence against their signer
)

// String returns the kind's name.
func (k Kind) String() string {
	return [...]string{"none", "connected", "disconnected", "stored", "invalid", "twin"}[k]
}

// An Event is something that happened to a block. Events come in the order in which things happened: whoever
// follows Connected and Disconnected has the chain.
type Event struct {
	Kind  Kind
	ID    pillars.BlockID
	Block *pillars.Block  // Connected, Disconnected, Twin
	From  tree.Peer       // Invalid, Twin: who sent it
	Err   error           // Invalid
	Other pillars.BlockID // Twin
}

// A Result is what became of a block that was given to the chain.
type Result struct {
	Fate   tree.Fate
	Rule   error // which it breaks, if it was refused
	Relay  bool  // it is valid and its stake was not seen before: peers should have it
	Events []Event
}

// Block takes a block from a peer, at a time in seconds of the local clock. The error is of the disk: a full one refuses
// writes, everything else has ended the process. Whoever gets it gives no more blocks until a Tick, which does what
// was left, returns none.
func (c *Chain) Block(from tree.Peer, b *pillars.Block, now uint32) (r Result, err error) {
	id := b.ID()
	if c.final(id, b.Number) {
		return Result{Fate: tree.Known}, nil
	}
	r.Fate, r.Rule = c.tree.Block(from, b, now)
	err = c.settle(now)
	if r.Fate == tree.Ready {
		if r.Rule = c.tree.Invalid(id); r.Rule != nil {
			r.Fate = tree.Refused
		}
		n := c.tree.Find(id)
		r.Relay = n != nil && n.Judged() && !n.Twin()
	}
	r.Events = c.take()
	return r, err
}

// Headers takes headers that follow one another and returns how many of them are known now, and which rule the next
// one breaks.
func (c *Chain) Headers(from tree.Peer, heads []tree.Head, now uint32) (known int, rule error, events []Event, err error) {
	skip := 0
	for skip < len(heads) && c.final(heads[skip].ID(), heads[skip].Number) {
		skip++
	}
	known, rule = c.tree.Headers(from, heads[skip:], now)
	err = c.settle(now)
	return known + skip, rule, c.take(), err
}

// Tick takes what waited for the clock.
func (c *Chain) Tick(now uint32) ([]Event, error) {
	c.tree.Tick(now)
	err := c.settle(now)
	return c.take(), err
}

// Gone drops what waits from a peer that has left.
func (c *Chain) Gone(p tree.Peer) { c.tree.Gone(p) }

// final reports whether a block is one of our chain's below what the tree holds.
func (c *Chain) final(id pillars.BlockID, number uint32) bool {
	if number >= c.tree.Root().Number {
		return false
	}
	ours, ok := c.store.IDAt(number)
	return ok && ours == id
}

func (c *Chain) take() []Event {
	e := c.events
	c.events = nil
	return e
}

// collect turns the tree's events into ours.
func (c *Chain) collect() {
	for _, e := range c.tree.Events() {
		kind := Twin
		if e.Err != nil {
			kind = Invalid
		}
		c.events = append(c.events, Event{Kind: kind, ID: e.ID, From: e.From, Err: e.Err, Other: e.Other, Block: e.Block})
	}
}
