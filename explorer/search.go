package explorer

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A match is one answer to a search.
type match struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	Path string `json:"path"`
}

const (
	minPrefix  = 3
	maxMatches = 30
)

type searchView struct {
	Query   string
	Matches []match
}

// search goes straight to the only match; several are listed.
func (p *pageServer) search(w http.ResponseWriter, r *http.Request) {
	query := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	if query == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	matches, err := p.find(r, query)
	if err != nil && len(matches) == 0 {
		p.failed(w, r, err)
		return
	}
	if len(matches) == 1 && r.URL.Query().Get("format") != "json" {
		http.Redirect(w, r, matches[0].Path, http.StatusSeeOther)
		return
	}
	status := http.StatusOK
	if len(matches) == 0 {
		status = http.StatusNotFound
	}
	p.write(w, r, status, "search", view{Title: "Search", Query: clip(query, 100), JSON: matches, Page: searchView{clip(query, 100), matches}})
}

func (p *pageServer) find(r *http.Request, query string) (matches []match, err error) {
	matches = []match{}
	if len(query) == 64 {
		return p.findWhole(r, query)
	}
	if index, err := strconv.ParseUint(strings.TrimPrefix(query, "#"), 10, 63); err == nil {
		if kernel.CommitIndex(index) <= p.state.newestCommit() {
			matches = append(matches, match{"commit", formatUint(index), "/commit/" + formatUint(index)})
		}
	}
	if len(query) >= minPrefix && isHex(query) {
		matches = append(matches, p.state.findPrefix(query)...)
	}
	return matches, nil
}

// findWhole asks the nodes what a whole id is.
func (p *pageServer) findWhole(r *http.Request, query string) (matches []match, err error) {
	matches = []match{}
	hash, err := kernel.ParseTxHash(query)
	if err != nil {
		return matches, nil
	}
	id := kernel.SnapshotID(hash)
	if _, known := p.state.snapshotView(id); known {
		return append(matches, match{"snapshot", query, "/snapshot/" + query}), nil
	}
	answer, err := p.transaction(r.Context(), hash)
	if err == nil && answer.Status.State != client.Unknown {
		return append(matches, match{"transaction", query, "/tx/" + query}), nil
	}
	found, failed := p.snapshot(r.Context(), id)
	if failed == nil && found != nil {
		return append(matches, match{"snapshot", query, "/snapshot/" + query}), nil
	}
	if err == nil {
		err = failed
	}
	return matches, err
}

// findPrefix looks through what is kept: the newest transactions and the graph.
func (s *state) findPrefix(prefix string) (matches []match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.payments {
		if id := s.payments[i].Hash.String(); strings.HasPrefix(id, prefix) {
			matches = append(matches, match{"transaction", id, "/tx/" + id})
		}
	}
	var snapshots []match
	for id := range s.graph.byID {
		if id := id.String(); strings.HasPrefix(id, prefix) {
			snapshots = append(snapshots, match{"snapshot", id, "/snapshot/" + id})
		}
	}
	slices.SortFunc(snapshots, func(x, y match) int { return strings.Compare(x.Text, y.Text) })
	matches = append(matches, snapshots...)
	return matches[:min(len(matches), maxMatches)]
}

func (s *state) newestCommit() kernel.CommitIndex {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head()
}

func isHex(s string) bool {
	return strings.Trim(s, "0123456789abcdef") == ""
}
