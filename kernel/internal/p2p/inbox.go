package p2p

import (
	"context"
	"sync"

	"github.com/asterism-network/asterism/kernel"
)

// An Inbound is a frame as it came from an authenticated peer. The bytes are the receiver's.
type Inbound struct {
	From  kernel.Author
	Frame []byte
}

// An inbox keeps one bounded queue per peer and hands frames out in turn, one peer after the
// other: whoever floods fills its own queue, is no longer read, and costs others nothing. [NET-18]
type inbox struct {
	out   chan Inbound    // unbuffered: what nobody takes stays in its queue
	ready chan struct{}   // holds a token when some queue may hold a frame
	space []chan struct{} // per peer: a token when its queue may have room again

	mu     sync.Mutex
	queues []queue
	turn   int  // the peer to ask first
	frames int  // in all queues
	held   bool // deliver has taken a frame that nobody has received yet
}

func newInbox(members int, l Limits) *inbox {
	in := &inbox{out: make(chan Inbound), ready: make(chan struct{}, 1), space: make([]chan struct{}, members), queues: make([]queue, members)}
	for i := range in.queues {
		in.space[i] = make(chan struct{}, 1)
		in.queues[i] = queue{maxBytes: l.InboxBytes, maxFrames: l.InboxFrames}
	}
	return in
}

// put waits until the peer's queue has room. It returns false when done ends first.
func (in *inbox) put(from kernel.Author, frame []byte, done <-chan struct{}) bool {
	for {
		if in.hand(from, frame) || in.push(from, frame) {
			return true
		}
		select {
		case <-in.space[from]:
		case <-done:
			return false
		}
	}
}

// hand gives the frame to a receiver that waits, if no other frame does: the usual way on a
// quiet network, two wake-ups shorter.
func (in *inbox) hand(from kernel.Author, frame []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.frames > 0 || in.held {
		return false
	}
	select {
	case in.out <- Inbound{From: from, Frame: frame}:
		return true
	default:
		return false
	}
}

func (in *inbox) push(from kernel.Author, frame []byte) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.queues[from].push(frame) {
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
	for i := range in.queues {
		at := (in.turn + i) % len(in.queues)
		if b := in.queues[at].pop(); b != nil {
			in.turn = at + 1
			in.frames--
			signal(in.space[at])
			return Inbound{From: kernel.Author(at), Frame: b}, true
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
