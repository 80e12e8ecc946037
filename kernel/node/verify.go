package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// Signatures of payments are verified when enough have come for a large batch, or as late as their
// commits allow: of 64 each costs 23 µs, of 250 19, of 2,000 15.
const (
	verifyEnough    = 2048 // signatures: more would gain 1 %
	verifyWaitLeast = 20 * time.Millisecond
	verifyWaitMost  = 500 * time.Millisecond
)

// verify verifies the signatures of payments that arrived in snapshots.
func (n *Node) verify(ctx context.Context) error {
	timer := time.NewTimer(verifyWaitLeast)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.left:
		}
		select {
		case <-n.enough: // of the batch before
		default:
		}
		if n.replica.Waiting() == 0 { // verified with a commit, or with the batch before
			n.leisure.begin()
			continue
		}
		if timer.Reset(n.leisure.wait(time.Now())); n.replica.Waiting() < verifyEnough {
			select {
			case <-ctx.Done():
				return nil
			case <-n.enough:
			case <-timer.C:
			}
		}
		n.leisure.begin()
		n.replica.VerifyWaiting()
	}
}

// remind tells verify what was left for it.
func (n *Node) remind() {
	waiting := n.replica.Waiting()
	if waiting > 0 {
		n.leisure.arrived(time.Now())
		leaveToken(n.left)
	}
	if waiting >= verifyEnough {
		leaveToken(n.enough)
	}
}

// leaveToken tells whoever waits for the channel; one token is enough for all news.
func leaveToken(token chan struct{}) {
	select {
	case token <- struct{}{}:
	default:
	}
}

// A leisure knows how long signatures may wait for others without keeping their commits waiting: two
// thirds of the time from the arrival of a commit's youngest snapshot until the commit, as it usually was lately. The
// rest is for their verification. A commit that is sooner has them verified itself.
type leisure struct {
	mu     sync.Mutex
	spans  [16]time.Duration // of the last commits, from their youngest snapshot's arrival; 0 is none
	next   int
	oldest time.Time // when the first of those that wait came; zero for none
}

// leisureSlept tells apart a network that slept: its rounds were seconds long, and the next take milliseconds.
const leisureSlept = 2500 * time.Millisecond

// committed notes how long ago the youngest snapshot of a commit arrived.
func (l *leisure) committed(span time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spans[l.next] = max(span, 1)
	l.next = (l.next + 1) % len(l.spans)
}

func (l *leisure) arrived(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.oldest.IsZero() {
		l.oldest = now
	}
}

// begin starts a batch: who arrives from now on is of the next.
func (l *leisure) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.oldest = time.Time{}
}

// wait is how long those that have arrived may wait from now on.
func (l *leisure) wait(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := l.span()
	if !l.oldest.IsZero() {
		wait -= now.Sub(l.oldest)
	}
	return max(wait, 0)
}

// span is how long signatures may wait in all; the caller holds mu.
func (l *leisure) span() time.Duration {
	known := slices.DeleteFunc(slices.Sorted(slices.Values(l.spans[:])), func(s time.Duration) bool { return s == 0 })
	if len(known) == 0 {
		return verifyWaitLeast
	}
	usual := known[len(known)/3] // early ones are verified with their commits, and many of a network that slept are long
	if usual > leisureSlept {
		return verifyWaitLeast
	}
	return min(max(usual*2/3, verifyWaitLeast), verifyWaitMost)
}

// observe notes what commits tell about the time that signatures have.
func (l *leisure) observe(times *timeline, c *kernel.Commit, at kernel.Timestamp) {
	if youngest := times.committed(c, at); youngest != 0 {
		l.committed(time.Duration(max(at, youngest)-youngest) * time.Millisecond)
	}
}
