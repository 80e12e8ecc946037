package explorer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	maxStreams  = 64 // visitors who watch live at once
	liveSpacing = 200 * time.Millisecond
	stripPeriod = time.Second
	liveTimeout = 20 * time.Second // a visitor who takes nothing for so long is cut off
)

// live sends what changes as server-sent events: graph, strip and payments. A slow visitor gets
// fewer and larger events; nothing is queued for anyone.
func (p *pageServer) live(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many visitors watch live: try again later", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s := eventSender{w: w, control: http.NewResponseController(w)}
	s.text("retry: 1000\n\n")
	strip := time.NewTicker(stripPeriod)
	defer strip.Stop()
	version := uint64(0)
	for s.err == nil {
		now, changed := p.state.next()
		if now != version {
			p.sendChanges(&s, version)
			version = now
		}
		select {
		case <-r.Context().Done():
			return
		case <-strip.C:
			s.event("strip", p.state.strip(p.config.Network))
			continue
		case <-changed:
		}
		if !pause(r.Context(), liveSpacing) {
			return
		}
	}
}

// sendChanges sends what happened after version.
func (p *pageServer) sendChanges(s *eventSender, version uint64) {
	graph, payments := p.state.changes(version)
	if version == 0 {
		s.event("strip", p.state.strip(p.config.Network))
	}
	if graph.Reset || len(graph.Vertices) > 0 || len(graph.Slots) > 0 {
		s.event("graph", graph)
	}
	if payments != nil {
		s.event("payments", payments)
	}
}

// changes returns what a visitor who has seen version has not; payments are nil if they are
// the same.
func (s *state) changes(version uint64) (liveGraph, []payment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var payments []payment
	if s.paid > version || version == 0 {
		payments = s.newestPayments()
	}
	return s.graph.since(version), payments
}

// newestPayments copies the rows that the first page shows. The caller holds mu.
func (s *state) newestPayments() []payment {
	return append([]payment{}, s.payments[:min(len(s.payments), shownPayments)]...)
}

// An eventSender writes events until one fails.
type eventSender struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (s *eventSender) event(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		s.err = err
		return
	}
	s.text(fmt.Sprintf("event: %s\ndata: %s\n\n", name, text))
}

func (s *eventSender) text(t string) {
	if s.err != nil {
		return
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(liveTimeout)) // not every writer can; then the server's own limit holds
	if _, s.err = s.w.Write([]byte(t)); s.err == nil {
		s.err = s.control.Flush()
	}
}
