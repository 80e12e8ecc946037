package node

import (
	"sync"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
)

// An EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	Connected    EventKind = iota + 1 // a block is our tip now
	Disconnected                      // our tip is not on our chain any more; its parent is the tip
	Twin                              // a stake was used in two blocks: ID and Other are evidence against their signer
	Arrived                           // a transaction waits
	Left                              // a transaction waits no more: Why says for which reason
)

// String returns the kind's name.
func (k EventKind) String() string {
	names := [...]string{"none", "connected", "disconnected", "twin", "arrived", "left"}
	if int(k) >= len(names) {
		return names[0]
	}
	return names[k]
}

// An Event is something that happened, with a number that grows by one from the start of the process. Whoever follows
// Connected and Disconnected has the chain.
type Event struct {
	Seq   uint64
	Kind  EventKind
	ID    pillars.BlockID // of a block
	Block *pillars.Block
	Other pillars.BlockID // Twin: the block in which the stake was seen first
	Entry *mempool.Entry  // Arrived, Left
	Why   error           // Left
}

// feed hands events to all that listen.
type feed struct {
	mu     sync.Mutex
	seq    uint64
	closed bool
	subs   map[*Subscription]struct{}
}

// A Subscription is one listener's events. Its channel is closed when the listener fell behind by its whole buffer, when the
// node stops, or by Close. Whoever fell behind reads where the chain stands and subscribes anew.
type Subscription struct {
	C    <-chan Event
	c    chan Event
	feed *feed
}

// Subscribe returns the events from now on; so many may wait to be read.
func (n *Node) Subscribe(buffer int) *Subscription {
	c := make(chan Event, max(buffer, 1))
	s := &Subscription{C: c, c: c, feed: &n.feed}
	n.feed.mu.Lock()
	defer n.feed.mu.Unlock()
	if n.feed.closed {
		close(c)
		return s
	}
	if n.feed.subs == nil {
		n.feed.subs = map[*Subscription]struct{}{}
	}
	n.feed.subs[s] = struct{}{}
	return s
}

// Close ends a subscription.
func (s *Subscription) Close() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.feed.drop(s)
}

func (f *feed) drop(s *Subscription) {
	if _, ok := f.subs[s]; ok {
		delete(f.subs, s)
		close(s.c)
	}
}

func (f *feed) publish(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	e.Seq = f.seq
	for s := range f.subs {
		select {
		case s.c <- e:
		default:
			f.drop(s)
		}
	}
}

func (f *feed) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for s := range f.subs {
		f.drop(s)
	}
}
