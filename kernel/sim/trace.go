package sim

import "github.com/asterism-network/asterism/internal/sim"

// A Trace is a run's story, and its graph at the end. The nil Trace keeps nothing.
type Trace struct {
	Events []TraceEvent `json:"events"`
}

// A TraceEvent is something that happened to a member; Node is -1 for what happened to none.
type TraceEvent struct {
	At   sim.Time `json:"at_ms"`
	Node int      `json:"node"`
	What string   `json:"what"`
}

func newTrace() *Trace { return new(Trace) }

func (t *Trace) event(at sim.Time, node int, what string) {
	if t != nil {
		t.Events = append(t.Events, TraceEvent{at, node, what})
	}
}
