package forge

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/pillars/internal/pow"
)

// waitForWork is how long the miner waits before it asks again for work that could not be had.
const waitForWork = time.Second

// cpuWorker is the name of this machine's workers on the board.
const cpuWorker = "this machine"

// mine works on this machine's processors while that is set.
func (f *Forge) mine(ctx context.Context) {
	for ctx.Err() == nil {
		m, _, changed := f.settings()
		if m.Workers <= 0 {
			pause(ctx, time.Hour, changed)
			continue
		}
		better := f.board.changes()
		job, err := f.Work(ctx, cpuWorker)
		if err != nil {
			f.noWork(err)
			pause(ctx, waitForWork, changed, better)
			continue
		}
		with, ready := f.tables.hasher(job.Epoch, m.Full)
		s, tried, err := f.search(ctx, m, with, job, changed, ready)
		f.record.worked(&job.from.Template.Parent, tried, job.from.Header.Bits)
		if err != nil {
			continue
		}
		f.board.note(job, s.Nonce)
		if _, err := f.give(ctx, job.from.Block(s.Nonce, s.Mix), &job.from.Template.Parent); err != nil && ctx.Err() == nil {
			pause(ctx, waitForWork, better)
		}
	}
}

// noWork records why the miner waits.
func (f *Forge) noWork(err error) {
	tip := f.o.Node.Store().Tip()
	f.record.blocked(&tip.Branch, workSeal, causeOf(err), err.Error())
}

var errBetter = errors.New("there is better work")

// A found is a nonce that is enough.
type found struct {
	Nonce uint64
	Mix   [32]byte
}

// search looks for a nonce until there is one, better work, or other settings.
func (f *Forge) search(ctx context.Context, m Mining, with pow.Hasher, job *Job, changed, ready <-chan struct{}) (found, uint64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	defer func() {
		cancel(nil)
		watch.Wait()
	}()
	watch.Go(func() {
		select {
		case <-ctx.Done():
		case <-job.Changed:
		case <-changed:
		case <-ready:
		}
		cancel(errBetter)
	})
	return f.work(ctx, m, with, job.Work)
}

// work is the search itself, on so many goroutines at a pace.
func (f *Forge) work(ctx context.Context, m Mining, with pow.Hasher, w pow.Work) (found, uint64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	pace := newPace(m.Rate)
	first := rand.Uint64()
	var next, tried atomic.Uint64
	var got atomic.Pointer[found]
	var all sync.WaitGroup
	for range m.Workers {
		all.Go(func() {
			for pace.wait(ctx) {
				from := first + next.Add(pace.slice) - pace.slice
				nonce, mix, ok := pow.Search(with, w, from, pace.slice)
				done := pace.slice
				if ok {
					done = nonce - from + 1
					got.CompareAndSwap(nil, &found{nonce, mix})
					stop()
				}
				tried.Add(done)
				f.stats.hashes.Add(done)
			}
		})
	}
	all.Wait()
	if s := got.Load(); s != nil {
		return *s, tried.Load(), nil
	}
	return found{}, tried.Load(), context.Cause(ctx)
}

// A pace spreads slices of nonces over time, for all workers together.
type pace struct {
	slice uint64
	each  time.Duration // from one slice to the next; 0: at once

	mu   sync.Mutex
	next time.Time
}

// newPace makes slices of a twentieth of a second, so that workers stop quickly and sleep seldom.
func newPace(rate uint64) *pace {
	const unbound = 128
	if rate == 0 {
		return &pace{slice: unbound}
	}
	slice := min(max(rate/20, 1), 1<<20)
	return &pace{slice: slice, each: time.Duration(slice) * time.Second / time.Duration(min(rate, 1<<40)), next: time.Now()}
}

// wait returns when the next slice is due; false when ctx ended.
func (p *pace) wait(ctx context.Context) bool {
	if p.each == 0 {
		return ctx.Err() == nil
	}
	p.mu.Lock()
	at := p.next
	if late := time.Now(); at.Before(late.Add(-time.Second)) {
		at = late // it slept: what was missed is not made up for
	}
	p.next = at.Add(p.each)
	p.mu.Unlock()
	return pause(ctx, time.Until(at))
}
