package p2p

import (
	"context"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
)

// An Event tells the newest state of a peer. Up means that a connection is new, also when it
// replaced another one in between: what was sent before may be lost, so summaries are due.
type Event struct {
	Peer crypto.Key
	Up   bool
}

// A bulletin keeps the newest state of every peer until it is told, so that a slow reader
// misses changes that have been undone, but never the state that holds. [NET-12]
type bulletin struct {
	changed chan struct{} // holds a token after a change

	mu   sync.Mutex
	news map[crypto.Key]*notice // of peers that were ever connected; who is down and told goes
	turn []crypto.Key           // whose newest state is not told, in order
}

// A notice is the newest state of a peer.
type notice struct {
	up      bool
	version uint64
	waits   bool // in turn
}

func newBulletin() *bulletin {
	return &bulletin{changed: make(chan struct{}, 1), news: make(map[crypto.Key]*notice)}
}

func (b *bulletin) post(peer crypto.Key, up bool) {
	b.mu.Lock()
	n := b.news[peer]
	if n == nil {
		n = new(notice)
		b.news[peer] = n
	}
	n.up = up
	n.version++
	if !n.waits {
		n.waits = true
		b.turn = append(b.turn, peer)
	}
	b.mu.Unlock()
	signal(b.changed)
}

// next returns an untold state and its version.
func (b *bulletin) next() (e Event, version uint64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.turn) == 0 {
		return Event{}, 0, false
	}
	peer := b.turn[0]
	return Event{Peer: peer, Up: b.news[peer].up}, b.news[peer].version, true
}

// tell takes the state that was told out of turn; if it has changed since, the peer waits again.
func (b *bulletin) tell(e Event, version uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn = b.turn[1:]
	n := b.news[e.Peer]
	switch {
	case n.version != version:
		b.turn = append(b.turn, e.Peer)
	case n.up:
		n.waits = false
	default:
		delete(b.news, e.Peer)
	}
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
