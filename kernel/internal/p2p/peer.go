package p2p

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
)

// A peer is another member: what waits for it, the connection it has now, and its record.
type peer struct {
	key     crypto.Key
	name    string        // for logs
	decides bool          // the peer has the lower key: it says which connection stays
	vacant  chan struct{} // holds a token after the connection is lost, or a new address
	gone    chan struct{} // closed when the peer is no member any more
	in      *lane         // of the inbox
	news    *bulletin

	sent, received, dropped atomic.Uint64 // bytes, bytes, frames

	mu      sync.Mutex // only the bulletin's lock is taken while holding it
	address string     // to dial; "" is unknown
	link    *link      // nil while not connected
	out     queue      // empty while not connected
	last    time.Time  // when a connection was attached last
	lived   time.Duration
	lastErr error
	strikes int       // misbehaviours not yet forgiven
	barred  time.Time // no connection before
}

// A PeerStatus is what operators and metrics see of a peer.
type PeerStatus struct {
	Key           crypto.Key
	Address       string // the other end of the connection, or where to dial
	Connected     bool
	Since         time.Time     // of the connection; zero without one
	RTT           time.Duration // of the newest ping; zero while unknown
	SentBytes     uint64        // with frame headers, since the start
	ReceivedBytes uint64
	Queued        int    // bytes waiting to be sent
	Dropped       uint64 // frames that found the queue full, or were queued when a connection ended
	LastError     error  // why the last connection or attempt failed
}

func (p *peer) status() PeerStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PeerStatus{
		Key: p.key, Address: p.address,
		SentBytes: p.sent.Load(), ReceivedBytes: p.received.Load(),
		Queued: p.out.bytes, Dropped: p.dropped.Load(), LastError: p.lastErr,
	}
	if l := p.link; l != nil {
		s.Connected, s.Since, s.Address = true, l.attached, l.remote
		s.RTT = time.Duration(l.rtt.Load())
	}
	return s
}

func (p *peer) setAddress(address string) {
	p.mu.Lock()
	changed := p.address != address
	p.address = address
	p.mu.Unlock()
	if changed {
		signal(p.vacant)
	}
}

// dialAt is the address to dial, "" while there is none or nobody needs to.
func (p *peer) dialAt() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil {
		return ""
	}
	return p.address
}

func (p *peer) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link != nil
}

// push queues a frame for the connection there is.
func (p *peer) push(frame []byte) bool {
	p.mu.Lock()
	l := p.link
	ok := l != nil && p.out.push(frame)
	p.mu.Unlock()
	if ok {
		signal(l.wake)
	} else if l != nil {
		p.dropped.Add(1)
	}
	return ok
}

// pop returns the next frame for l, or nil: none waits, or l is no longer the connection.
func (p *peer) pop(l *link) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != l {
		return nil
	}
	return p.out.pop()
}

// attach makes l the connection of the pair if the rules allow, and returns the one that it
// replaces. Without one, the connection that the lower key saw first stays; a later one
// wins only if the peer can no longer be using the first. So each end can dial at any time,
// one open direction is enough, and a race ends in one connection without a break. [NET-11]
func (p *peer) attach(l *link, t timing, now time.Time) (replaced *link, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.barred) {
		return nil, BackingOff
	}
	if old := p.link; old != nil && old.instance == l.instance {
		if p.decides && l.sequence <= old.sequence {
			return nil, Duplicate // the decision on old is the newer one
		}
		if !p.decides && l.started.Before(old.attached.Add(t.settle)) {
			return nil, Duplicate // dialled before the peer could know of old
		}
	}
	if !p.decides && now.Before(p.last.Add(t.spacing)) {
		return nil, TooOften
	}
	replaced, p.link = p.link, l
	p.last, l.attached = now, now
	p.news.post(p.key, true)
	return replaced, nil
}

// detach forgets l and reports whether it was the connection. What waited for it is dropped:
// the node sends summaries on the next one, and old frames would only be in their way.
func (p *peer) detach(l *link, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != l {
		return false
	}
	p.link = nil
	p.lived = now.Sub(l.attached)
	p.dropped.Add(uint64(p.out.reset()))
	p.news.post(p.key, false)
	signal(p.vacant)
	return true
}

// note keeps why a connection or an attempt failed, unless it is a mere consequence of
// having another connection.
func (p *peer) note(err error) {
	var closed ClosedByPeer
	errors.As(err, &closed)
	for _, f := range []Fault{Duplicate, Replaced} {
		if errors.Is(err, f) || closed.Fault == f {
			return
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lastErr = err
}

// punish bars the peer for a while: longer every time, never for ever, and forgiven after a
// connection that was good for longer than the longest pause. [NET-20]
func (p *peer) punish(t timing, now time.Time) (pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil && now.Sub(p.link.attached) > t.penaltyMax {
		p.strikes = 0
	}
	pause = backoff(t.penalty, t.penaltyMax, p.strikes)
	p.strikes++
	p.barred = now.Add(pause)
	return pause
}

// barredFor is how long the peer must still wait.
func (p *peer) barredFor(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.barred.Sub(now)
}

// takeLived is how long the last connection lasted, told once.
func (p *peer) takeLived() (lived time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lived, p.lived = p.lived, 0
	return lived
}

// waitVacant waits until there is no connection and an address to dial; false means that ctx ended
// first.
func (p *peer) waitVacant(ctx context.Context) bool {
	for p.dialAt() == "" {
		select {
		case <-p.vacant:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// backoff doubles first once per failure, up to last.
func backoff(first, last time.Duration, failures int) time.Duration {
	for ; failures > 0 && first < last; failures-- {
		first *= 2
	}
	return min(first, last)
}
