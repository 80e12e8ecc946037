package p2p

import (
	"context"
	"sync"

	"github.com/asterism-network/asterism/kernel"
)

// An Event tells the newest state of a peer. Up means that a connection is new, also when it
// replaced another one in between: what was sent before may be lost, so summaries are due.
type Event struct {
	Peer kernel.Author
	Up   bool
}

// A bulletin keeps the newest state of every peer until it is told, so that a slow reader
// misses changes that have been undone, but never the state that holds. [NET-12]
type bulletin struct {
	changed chan struct{} // holds a token after a change

	mu      sync.Mutex
	up      []bool
	version []uint64 // of the state
	told    []uint64 // version that was last told
	turn    int
}

func newBulletin(members int) *bulletin {
	return &bulletin{changed: make(chan struct{}, 1), up: make([]bool, members), version: make([]uint64, members), told: make([]uint64, members)}
}

func (b *bulletin) post(peer kernel.Author, up bool) {
	b.mu.Lock()
	b.up[peer] = up
	b.version[peer]++
	b.mu.Unlock()
	signal(b.changed)
}

// next returns an untold state and its version.
func (b *bulletin) next() (e Event, version uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.up {
		at := (b.turn + i) % len(b.up)
		if b.version[at] != b.told[at] {
			return Event{Peer: kernel.Author(at), Up: b.up[at]}, b.version[at], true
		}
	}
	return Event{}, 0, false
}

func (b *bulletin) tell(e Event, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told[e.Peer], b.turn = version, int(e.Peer)+1
}

// run moves states to out until ctx ends.
func (b *bulletin) run(ctx context.Context, out chan<- Event) {
	for {
		e, version, ok := b.next()
		hand := out
		if !ok {
			hand = nil // nothing to tell
		}
		select {
		case hand <- e:
			b.tell(e, version)
		case <-b.changed: // look again: the state on offer may be out of date
		case <-ctx.Done():
			return
		}
	}
}
