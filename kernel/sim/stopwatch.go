package sim

import (
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
)

// A stopwatch adds up the CPU time of this thread that parts of the nodes' work take, all nodes
// together. The nil stopwatch measures nothing.
type stopwatch struct {
	began time.Duration
	spent [parts]time.Duration
}

// A part of a node's work.
type part uint8

// The parts.
const (
	arriving  part = iota // decoding, verifying, checking on arrival
	ordering              // the engine's steps: graph, commit rule, mempool, own snapshots
	executing             // ledger and store
	parts
)

func newStopwatch() *stopwatch { return new(stopwatch) }

func (s *stopwatch) start() {
	if s != nil {
		s.began = cputime.Thread()
	}
}

func (s *stopwatch) stop(p part) {
	if s != nil {
		s.spent[p] += cputime.Thread() - s.began
	}
}
