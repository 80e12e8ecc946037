package p2p

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// refusals counts what was turned away and logs each fault at most once in a while.
type refusals struct {
	mu     sync.Mutex
	count  [FaultCount + 1]uint64
	logged [FaultCount + 1]struct {
		at    time.Time
		count uint64
	}
}

const refusalLogPause = 10 * time.Second

func (r *refusals) note(log *slog.Logger, ip string, err error) {
	f := RefusedByPeer
	errors.As(err, &f)
	r.mu.Lock()
	r.count[f]++
	last, now := &r.logged[f], time.Now()
	due := now.Sub(last.at) > refusalLogPause
	more := r.count[f] - last.count - 1
	if due {
		last.at, last.count = now, r.count[f]
	}
	r.mu.Unlock()
	if due && f != Duplicate {
		log.Warn("connection refused", "ip", ip, "err", err, "more", more)
	}
}

func (r *refusals) counts() [FaultCount + 1]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}
