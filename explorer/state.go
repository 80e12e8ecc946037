package explorer

import (
	"slices"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// Bounds of what is kept.
const (
	windowRounds = 240 // of the graph
	keptPayments = 200
	keptTimes    = 1000 // finality times
)

// A state is what the poller has learnt. Every change has a version, so that a visitor who has
// version n is told what changed since, however many changes lie between: nothing is queued.
type state struct {
	urls []string

	mu      sync.Mutex // never call out while holding it
	version uint64
	changed chan struct{} // closed and replaced when version grows

	recorded bool // nobody is asked: nothing here grows old

	source    int
	heard     time.Time // last answer of the source to getgraph
	unfit     time.Time // since when the source takes no part while others do; zero is not
	nodes     []nodeState
	symbols   map[kernel.AssetID]string
	graph     graphState
	payments  []payment // newest first
	paid      uint64    // version of payments
	commit    kernel.CommitIndex
	committed time.Time // when commit was observed; zero is none
}

// A nodeState is what one node said last.
type nodeState struct {
	url   string
	info  client.Info
	at    time.Time // of info; zero is never
	tried time.Time
	err   error // of the last attempt
	rtt   time.Duration
}

func (n *nodeState) up() bool { return n.err == nil && !n.at.IsZero() }

func newState(urls []string) *state {
	s := &state{urls: urls, changed: make(chan struct{}), symbols: map[kernel.AssetID]string{kernel.XIN: "XIN", kernel.BTC: "BTC", kernel.ETH: "ETH"}}
	for _, u := range urls {
		s.nodes = append(s.nodes, nodeState{url: u})
	}
	s.graph.reset(0)
	return s
}

// touch makes a new version and wakes those who wait. The caller holds mu.
func (s *state) touch() uint64 {
	s.version++
	close(s.changed)
	s.changed = make(chan struct{})
	return s.version
}

// next returns the newest version and a channel that is closed when there is a newer one.
func (s *state) next() (uint64, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version, s.changed
}

func (s *state) setInfo(i int, info client.Info, err error, rtt time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := &s.nodes[i]
	n.tried, n.err = time.Now(), err
	if err == nil {
		n.info, n.at, n.rtt = info, n.tried, rtt
	}
	if i == s.source || n.info.State == active {
		s.judgeSource()
	}
	s.touch()
}

// active is the state of a node that takes part; see getinfo.
const active = "active"

// judgeSource notes since when the source is worse than another. The caller holds mu.
func (s *state) judgeSource() {
	source := &s.nodes[s.source]
	better := func(n nodeState) bool { return n.up() && n.info.State == active }
	switch {
	case source.at.IsZero() || source.info.State == active || !slices.ContainsFunc(s.nodes, better):
		s.unfit = time.Time{}
	case s.unfit.IsZero():
		s.unfit = time.Now()
	}
}

// unfitFor is how long the source has taken no part while another node does.
func (s *state) unfitFor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unfit.IsZero() {
		return 0
	}
	return time.Since(s.unfit)
}

func (s *state) setAssets(list []client.Asset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range list[:min(len(list), 10_000)] {
		if a.Symbol != "" {
			s.symbols[a.ID] = clip(a.Symbol, 16)
		}
	}
}

func (s *state) sourceIndex() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source
}

// silentFor is how long the source has not answered; it begins with the first question.
func (s *state) silentFor() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard.IsZero() {
		s.heard = time.Now()
	}
	return time.Since(s.heard)
}

// nextSource chooses the next node that answers, an active one if there is one; false if there
// is no other.
func (s *state) nextSource() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := -1
	for step := len(s.nodes) - 1; step > 0; step-- { // backwards: the nearest one stays
		i := (s.source + step) % len(s.nodes)
		isActive := s.nodes[i].info.State == active
		if s.nodes[i].up() && (isActive || next < 0 || s.nodes[next].info.State != active) {
			next = i
		}
	}
	if next < 0 {
		return false
	}
	s.source, s.heard, s.unfit = next, time.Now(), time.Time{}
	s.touch()
	return true
}

func (s *state) graphFrom() (kernel.Round, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.graph.openFrom(), len(s.graph.byID) > 0
}

func (s *state) graphEpoch() kernel.Epoch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.graph.epoch
}

func (s *state) applyGraph(g *client.Graph) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = time.Now()
	if s.graph.apply(g, s.version+1) {
		s.touch()
		if slices.ContainsFunc(s.payments[:min(len(s.payments), shownPayments)], func(p payment) bool { return p.waitsForTime }) {
			s.timePayments()
		}
	}
}

func (s *state) lastCommit() (kernel.CommitIndex, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.commit, !s.committed.IsZero()
}

func (s *state) forgetCommits() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit, s.committed = 0, time.Time{}
	s.payments = nil
	s.paid = s.touch()
}

// order lists the nodes to ask for something: the source, then the others that answer.
func (s *state) order() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []int{s.source}
	for i := range s.nodes {
		if i != s.source && s.nodes[i].up() {
			out = append(out, i)
		}
	}
	return out
}

// head is the newest commit that any node told of.
func (s *state) head() (head kernel.CommitIndex) {
	head = s.commit
	for i := range s.nodes {
		head = max(head, s.nodes[i].info.Head.Index)
	}
	return head
}
