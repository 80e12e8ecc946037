package explorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A Trace is a recorded run of the simulator, as aster sim --trace writes it: what happened when,
// and the graph at the end as one node saw it.
type Trace struct {
	Kind      string `json:"kind"`
	Title     string `json:"title"`
	Replay    string `json:"replay"` // the command that makes the run again
	Violation *struct {
		Checker string `json:"checker"`
		Node    int    `json:"node"`
		At      int64  `json:"at_ms"`
		Detail  string `json:"detail"`
	} `json:"violation"`
	Plan []struct {
		Number int    `json:"number"`
		Fault  string `json:"fault"`
	} `json:"plan"`
	Events  []Event      `json:"events"`
	Dropped int          `json:"dropped_events"`
	Node    int          `json:"node"` // whose graph it is
	Graph   client.Graph `json:"graph"`
}

// An Event is a line of a trace's story.
type Event struct {
	At    int64        `json:"at_ms"` // since the run began
	Round kernel.Round `json:"round"` // the highest that any honest node had made
	Node  int          `json:"node"`  // -1 is none
	What  string       `json:"what"`
}

const (
	traceKind   = "asterism simulation trace 1"
	maxTrace    = 64 << 20 // bytes of a file
	maxStory    = 2000     // events on a page; the last ones are the ones that matter
	traceRounds = 4096     // the longest graph that a browser is given
)

// ReadTrace reads a trace that may come from anywhere.
func ReadTrace(r io.Reader) (*Trace, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxTrace+1))
	if err != nil {
		return nil, err
	}
	t := new(Trace)
	switch err := json.Unmarshal(text, t); {
	case len(text) > maxTrace:
		return nil, fmt.Errorf("trace: more than %d bytes", maxTrace)
	case err != nil:
		return nil, fmt.Errorf("trace: %w", err)
	case t.Kind != traceKind:
		return nil, fmt.Errorf("trace: this is not what aster sim --trace writes: kind %.40q", t.Kind)
	case len(t.Graph.Names) > kernel.MaxMembers || t.Graph.Newest > traceRounds:
		return nil, fmt.Errorf("trace: a graph of %d members and %d rounds", len(t.Graph.Names), t.Graph.Newest)
	}
	return t, nil
}

// FromTrace shows a recorded run in place of a network. Hosts are as in Config.
func FromTrace(t *Trace, hosts []string) (*Explorer, error) {
	e := &Explorer{config: Config{Network: "simulated: " + clip(t.Title, 60), Hosts: hosts}, log: slog.New(slog.DiscardHandler), fetched: newCache(), trace: t}
	e.state = newState(make([]string, max(1, len(t.Graph.Names))))
	e.state.record(t)
	handler, err := e.routes()
	if err != nil {
		return nil, err
	}
	e.handler = handler
	return e, nil
}

// record takes a trace over as if nodes had told it.
func (s *state) record(t *Trace) {
	s.recorded = true
	s.graph.window = max(windowRounds, t.Graph.Newest)
	s.applyGraph(&t.Graph)
	for i := range s.nodes {
		n := &s.nodes[i]
		n.at, n.info.State, n.info.Name = time.Now(), "recorded", s.graph.name(kernel.Author(i))
	}
	for _, v := range t.Graph.Vertices {
		if int(v.Author) < len(s.nodes) {
			n := &s.nodes[v.Author].info
			n.Round, n.Head.Index = max(n.Round, v.Round), max(n.Head.Index, v.Commit)
		}
	}
	if t.Node > 0 && t.Node < len(s.nodes) {
		s.source = t.Node
	}
}

// errRecorded is for what a recording does not hold.
var errRecorded = errors.New("a recorded run: the graph only, not what its snapshots carried")

// wait is the poller of a recording: nothing changes any more.
func (e *Explorer) wait(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// A story is what the first page tells of a recorded run.
type story struct {
	*Trace
	Names []string
}

func (e *Explorer) story() *story {
	if e.trace == nil {
		return nil
	}
	s := &story{Trace: e.trace}
	for a := range s.Graph.Names {
		s.Names = append(s.Names, e.state.memberName(kernel.Author(a)))
	}
	return s
}

// Shown lists the events of the page.
func (s *story) Shown() []Event { return s.Events[max(len(s.Events), maxStory)-maxStory:] }

// Left is how many events the page does not list.
func (s *story) Left() int { return s.Dropped + max(len(s.Events), maxStory) - maxStory }

// Who is a member's name.
func (s *story) Who(node int) string {
	if node >= 0 && node < len(s.Names) {
		return s.Names[node]
	}
	return ""
}
