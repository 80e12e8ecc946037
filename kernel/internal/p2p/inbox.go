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
	ready chan struct{}   // holds a token when some queue may hold a frame
	space []chan struct{} // per peer: a token when its queue may have room again

	mu     sync.Mutex
	queues []queue
	turn   int // the peer to ask first
}

func newInbox(members int, l Limits) *inbox {
	in := &inbox{ready: make(chan struct{}, 1), space: make([]chan struct{}, members), queues: make([]queue, members)}
	for i := range in.queues {
		in.space[i] = make(chan struct{}, 1)
		in.queues[i] = queue{maxBytes: l.InboxBytes, maxFrames: l.InboxFrames}
	}
	return in
}

// put waits until the peer's queue has room. It returns false when done ends first.
func (in *inbox) put(from kernel.Author, frame []byte, done <-chan struct{}) bool {
	for {
		in.mu.Lock()
		taken := in.queues[from].push(frame)
		in.mu.Unlock()
		if taken {
			signal(in.ready)
			return true
		}
		select {
		case <-in.space[from]:
		case <-done:
			return false
		}
	}
}

// take returns the next frame in turn.
func (in *inbox) take() (frame Inbound, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i := range in.queues {
		at := (in.turn + i) % len(in.queues)
		if b := in.queues[at].pop(); b != nil {
			in.turn = at + 1
			signal(in.space[at])
			return Inbound{From: kernel.Author(at), Frame: b}, true
		}
	}
	return Inbound{}, false
}

// deliver moves frames to out until ctx ends.
func (in *inbox) deliver(ctx context.Context, out chan<- Inbound) {
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
		case out <- frame:
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
