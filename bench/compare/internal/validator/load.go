package validator

import (
	"context"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/zeebo/blake3"
)

// A load submits a validator's payments and notes what becomes of them.
type load struct {
	payments [][]byte
	lanes    int
	submit   func(raw []byte) error // returns when the mempool has taken or refused it

	mu      sync.Mutex
	changed *sync.Cond
	byHash  map[[32]byte]int
	own     []Own // of those submitted, in order
	flight  int   // submitted, neither in a block nor refused
	final   int
	refused int
	blocks  []Applied
	paid    int // payments in all blocks, whoever submitted them
}

// An Own is what became of one of a validator's own payments.
type Own struct {
	At      int64 // when it was due, ns of Unix time
	Height  int64 // of its block; 0: in none
	Refused bool
}

// An Applied is a block, and when this validator had executed and stored it.
type Applied struct {
	Height   int64
	At       int64 // ns of Unix time
	Payments int
}

func newLoad(payments [][]byte, lanes int) *load {
	l := &load{payments: payments, lanes: lanes, byHash: make(map[[32]byte]int, len(payments))}
	l.changed = sync.NewCond(&l.mu)
	for i, raw := range payments {
		l.byHash[blake3.Sum256(raw)] = i
	}
	return l
}

// committed notes an applied block; the application calls it.
func (l *load) committed(height int64, at time.Time, transactions [][]byte, refused []error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	block := Applied{Height: height, At: at.UnixNano()}
	for i, raw := range transactions {
		if refused[i] != nil {
			continue
		}
		block.Payments++
		if n, ours := l.byHash[blake3.Sum256(raw)]; ours && n < len(l.own) && l.own[n].Height == 0 {
			l.own[n].Height = height
			l.final++
			l.flight--
		}
	}
	l.paid += block.Payments
	l.blocks = append(l.blocks, block)
	l.changed.Broadcast()
}

// saturate keeps a number of payments in flight until ctx ends.
func (l *load) saturate(ctx context.Context, window int) {
	stop := context.AfterFunc(ctx, func() {
		l.mu.Lock()
		l.changed.Broadcast()
		l.mu.Unlock()
	})
	defer stop()
	for {
		l.mu.Lock()
		for ctx.Err() == nil && (l.flight >= window || !l.laneFree()) {
			l.changed.Wait()
		}
		l.mu.Unlock()
		if ctx.Err() != nil || !l.next(time.Now()) {
			return
		}
	}
}

// laneFree reports whether the payment that the next one spends from is done with. The caller
// holds mu.
func (l *load) laneFree() bool {
	before := len(l.own) - l.lanes
	return before < 0 || l.own[before].Height > 0 || l.own[before].Refused
}

// pace submits a number of payments a second, whatever becomes of them, until ctx ends. Time
// counts from when a payment is due, not from when this goroutine comes to it.
func (l *load) pace(ctx context.Context, rate float64, start time.Time) {
	for n := 0; ; n++ {
		due := start.Add(time.Duration(float64(n) / rate * float64(time.Second)))
		if wait := time.Until(due); wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
		if ctx.Err() != nil || !l.next(due) {
			return
		}
	}
}

// next submits the next payment; false when there is none left.
func (l *load) next(due time.Time) bool {
	l.mu.Lock()
	n := len(l.own)
	if n == len(l.payments) {
		l.mu.Unlock()
		return false
	}
	l.own = append(l.own, Own{At: due.UnixNano()})
	l.flight++
	l.mu.Unlock()
	if err := l.submit(l.payments[n]); err != nil {
		l.mu.Lock()
		l.own[n].Refused = true
		l.flight--
		l.refused++
		l.mu.Unlock()
	}
	return true
}

// counters are what a validator answers to every command.
func (l *load) counters() Counters {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Counters{Submitted: len(l.own), Left: len(l.payments) - len(l.own), Final: l.final, Refused: l.refused, Flight: l.flight, Paid: l.paid}
	if n := len(l.blocks); n > 0 {
		c.Height = l.blocks[n-1].Height
	}
	return c
}

// refusal is the reason that the application gives.
func refusal(code uint32) error {
	if code == 0 {
		return nil
	}
	return kernel.Rule(code)
}
