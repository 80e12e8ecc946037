package explorer

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// A stripView is the strip on top of every page.
type stripView struct {
	Network   string             `json:"network"`
	NetworkID string             `json:"network_id,omitempty"`
	Test      bool               `json:"test"` // not real money
	Commit    kernel.CommitIndex `json:"commit"`
	Round     kernel.Round       `json:"round"`
	Known     bool               `json:"known"` // any node has answered
	Up        int                `json:"up"`
	Nodes     int                `json:"nodes"`
	Finality  finalityView       `json:"finality"`
	AgeMS     int64              `json:"age_ms"` // of the oldest answer that this page shows
	Stale     bool               `json:"stale"`
	Source    string             `json:"source"` // name of the node whose view is shown
	SourceURL string             `json:"source_url"`
	State     string             `json:"state,omitempty"` // of the source
	Waiting   int                `json:"waiting"`         // in the source's mempool
	TPS       float64            `json:"tps"`
	Members   []memberView       `json:"members"`
	Recorded  bool               `json:"recorded,omitempty"` // a run of the simulator, not a network
}

type finalityView struct {
	P50   int64 `json:"p50_ms"`
	P99   int64 `json:"p99_ms"`
	Count int   `json:"count"`
	Paid  bool  `json:"paid"` // of snapshots that carried transactions; else of all
}

// A memberView is one node as its own RPC tells.
type memberView struct {
	Name   string             `json:"name"`
	URL    string             `json:"url"`
	Up     bool               `json:"up"`
	State  string             `json:"state"` // its own word, or "unreachable"
	Round  kernel.Round       `json:"round"`
	Commit kernel.CommitIndex `json:"commit"`
	Peers  int                `json:"peers"`
	RTTMS  int64              `json:"rtt_ms"`
	Error  string             `json:"error,omitempty"`
	Source bool               `json:"source"`
}

// staleAfter is the age from which a page warns.
const staleAfter = 3 * time.Second

// strip sums up what is known. network is the configured name.
func (s *state) strip(network string) stripView {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	source := &s.nodes[s.source]
	v := stripView{
		Network: network, Nodes: len(s.nodes), Finality: s.graph.finalities(), Round: s.graph.newest,
		Commit: s.head(), Source: nodeName(source, s.source), SourceURL: source.url, State: source.info.State,
		Waiting: source.info.Mempool.Transactions, TPS: source.info.Graph.TPS,
	}
	if !source.info.Network.IsZero() {
		v.NetworkID = source.info.Network.String()
	}
	v.Network = cmp.Or(v.Network, "network "+source.info.Network.Short())
	v.Test = strings.HasPrefix(v.Network, "devnet") || strings.HasPrefix(v.Network, "testnet")
	for i := range s.nodes {
		m := s.nodes[i].view(i)
		m.Source = i == s.source
		v.Known = v.Known || !s.nodes[i].at.IsZero()
		if m.Up {
			v.Up++
		}
		v.Members = append(v.Members, m)
	}
	if v.Recorded = s.recorded; !s.recorded {
		v.AgeMS = oldest(now, s.heard, source.at).Milliseconds()
	}
	v.Stale = v.Known && v.AgeMS > staleAfter.Milliseconds()
	return v
}

func oldest(now time.Time, times ...time.Time) (age time.Duration) {
	for _, t := range times {
		if !t.IsZero() {
			age = max(age, now.Sub(t))
		}
	}
	return age
}

func (n *nodeState) view(i int) memberView {
	m := memberView{Name: nodeName(n, i), URL: n.url, Up: n.up(), State: n.info.State, Round: n.info.Round,
		Commit: n.info.Head.Index, Peers: n.info.Peers, RTTMS: n.rtt.Milliseconds()}
	switch {
	case n.err != nil:
		m.State, m.Error = "unreachable", clip(n.err.Error(), 200)
	case n.at.IsZero():
		m.State = "not asked yet"
	}
	return m
}

func nodeName(n *nodeState, i int) string {
	return cmp.Or(clip(n.info.Name, 40), fmt.Sprintf("node %d", i+1))
}

// name of a member, by its place in the roster.
func (g *graphState) name(author kernel.Author) string {
	if int(author) < len(g.names) && g.names[author] != "" {
		return clip(g.names[author], 40)
	}
	return fmt.Sprintf("node %d", author+1)
}
