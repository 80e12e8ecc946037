package p2p

import (
	"context"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
)

// An Inbound is a frame as it came from an authenticated peer. The bytes are the receiver's.
type Inbound struct {
	From  crypto.Key
	Frame []byte
}

// An inbox keeps one bounded queue per peer and hands frames out in turn, one peer after the
// other: whoever floods fills its own queue, is no longer read, and costs others nothing. [NET-18]
type inbox struct {
	limits Limits
	out    chan Inbound  // unbuffered: what nobody takes stays in its queue
	ready  chan struct{} // holds a token when some queue may hold a frame

	mu     sync.Mutex
	lanes  []*lane
	turn   int  // the lane to ask first
	frames int  // in all lanes
	held   bool // deliver has taken a frame that nobody has received yet
}

// A lane is the queue of one peer. The inbox' lock guards what is inside.
type lane struct {
	from  crypto.Key
	space chan struct{} // a token when the queue may have room again
	queue queue
}

func newInbox(l Limits) *inbox {
	return &inbox{limits: l, out: make(chan Inbound), ready: make(chan struct{}, 1)}
}

// open makes the lane of a peer.
func (in *inbox) open(from crypto.Key) *lane {
	l := &lane{from: from, space: make(chan struct{}, 1)}
	l.queue = queue{maxBytes: in.limits.InboxBytes, maxFrames: in.limits.InboxFrames}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lanes = append(in.lanes, l)
	return l
}

// close forgets a lane, and what waits in it.
func (in *inbox) close(l *lane) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.frames -= l.queue.len()
	l.queue.reset()
	in.lanes = slices.DeleteFunc(in.lanes, func(x *lane) bool { return x == l })
}

// put waits until the peer's queue has room. It returns false when done ends first.
func (in *inbox) put(l *lane, frame []byte, done <-chan struct{}) bool {
	for {
		if in.hand(l, frame) || in.push(l, frame) {
			return true
		}
		select {
		case <-l.space:
		case <-done:
			return false
		}
	}
}

// hand gives the frame to a receiver that waits, if no other frame does: the usual way on a
// quiet network, two wake-ups shorter.
func (in *inbox) hand(l *lane, frame []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.frames > 0 || in.held {
		return false
	}
	select {
	case in.out <- Inbound{From: l.from, Frame: frame}:
		return true
	default:
		return false
	}
}

func (in *inbox) push(l *lane, frame []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !slices.Contains(in.lanes, l) {
		return true // closed: nobody takes it
	}
	if !l.queue.push(frame) {
		return false
	}
	in.frames++
	signal(in.ready)
	return true
}

// take returns the next frame in turn; the one that it returned before has been received.
func (in *inbox) take() (frame Inbound, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	frame, in.held = in.popLocked()
	return frame, in.held
}

// more returns the next frame in turn without waiting. It overtakes the one that deliver holds.
func (in *inbox) more() (frame Inbound, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.popLocked()
}

func (in *inbox) popLocked() (frame Inbound, ok bool) {
	for i := range in.lanes {
		at := (in.turn + i) % len(in.lanes)
		l := in.lanes[at]
		if b := l.queue.pop(); b != nil {
			in.turn = at + 1
			in.frames--
			signal(l.space)
			return Inbound{From: l.from, Frame: b}, true
		}
	}
	return Inbound{}, false
}

// deliver moves frames from the queues to out until ctx ends.
func (in *inbox) deliver(ctx context.Context) {
	for {
		frame, ok := in.take()
		if !ok {
			select {
			case <-in.ready:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case in.out <- frame:
		case <-ctx.Done():
			return
		}
	}
}

// signal leaves a token for whoever waits; one is enough for all news.
func signal(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}
