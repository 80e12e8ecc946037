package explorer

import (
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A pageServer answers requests from what the Explorer keeps.
type pageServer struct {
	*Explorer
	pages   map[string]*template.Template
	streams chan struct{} // one for each visitor who watches live
}

// A view is what a page shows.
type view struct {
	Title string
	Self  string // path of this page
	Query string // of the search box
	Strip stripView
	Chain bool // the public chain's pages are served too
	Page  any  // what the page's own template shows
	JSON  any  // what ?format=json shows
}

// A message is a page that says why there is nothing to show.
type message struct {
	Heading string
	Text    string
	Hint    string
}

func (p *pageServer) say(w http.ResponseWriter, r *http.Request, status int, m message) {
	p.write(w, r, status, "message", view{Title: m.Heading, Page: m, JSON: map[string]string{"error": m.Heading, "message": m.Text, "hint": m.Hint}})
}

func (p *pageServer) notFound(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusNotFound, message{"No such page", "There is nothing at this address.", "Search above for a transaction, a snapshot or a commit."})
}

// failed says that the nodes gave no answer.
func (p *pageServer) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	if errors.Is(err, errRecorded) {
		p.say(w, r, http.StatusNotFound, message{"Not in the recording", "This page shows " + errRecorded.Error() + ".", "Run it again: " + clip(p.trace.Replay, 300)})
		return
	}
	if errors.Is(err, errBusy) {
		w.Header().Set("Retry-After", "1")
		p.say(w, r, http.StatusServiceUnavailable, message{"One moment", "Many look-ups are under way.", "Reload this page."})
		return
	}
	p.log.Warn("look-up failed", "path", clip(r.URL.Path, 100), "err", err)
	p.say(w, r, http.StatusBadGateway, message{"The nodes do not answer", "This page could not ask any node: " + clip(err.Error(), 300), "Is the network running? This page works again as soon as one node does."})
}

type homeView struct {
	Payments []payment
	Rounds   []roundRow // the newest rounds as a table, for those who cannot see the picture
	Names    []string
	Story    *story // of a recorded run
}

func (p *pageServer) home(w http.ResponseWriter, r *http.Request) {
	h := p.state.home()
	h.Story = p.story()
	p.write(w, r, http.StatusOK, "home", view{Title: "Live graph", Page: h, JSON: map[string]any{
		"status": p.state.strip(p.config.Network), "transactions": h.Payments,
	}})
}

// graph is the whole window as JSON.
func (p *pageServer) graph(w http.ResponseWriter, r *http.Request) {
	graph, _ := p.state.changes(0)
	query := r.URL.Query()
	query.Set("format", "json")
	r.URL.RawQuery = query.Encode()
	p.write(w, r, http.StatusOK, "", view{JSON: graph})
}

// A roundRow is a round as a row of text.
type roundRow struct {
	Round kernel.Round
	Cells []string
}

const textRounds = 12

func (s *state) home() homeView {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := homeView{Payments: s.newestPayments()}
	for a := range s.graph.names {
		h.Names = append(h.Names, s.graph.name(kernel.Author(a)))
	}
	for round := s.graph.newest; round > 0 && len(h.Rounds) < textRounds && len(s.graph.byID) > 0; round-- {
		h.Rounds = append(h.Rounds, roundRow{round, make([]string, len(h.Names))})
	}
	for _, v := range s.graph.byID {
		if back := int(s.graph.newest - v.Round); back < len(h.Rounds) && int(v.Author) < len(h.Names) {
			cell := &h.Rounds[back].Cells[v.Author]
			if *cell != "" {
				*cell = "equivocated"
				continue
			}
			*cell = words(v.Status)
		}
	}
	for _, l := range s.graph.slots {
		if back := int(s.graph.newest - l.Round); back < len(h.Rounds) && int(l.Author) < len(h.Names) {
			cell := &h.Rounds[back].Cells[l.Author]
			if *cell == "" {
				*cell = "missing"
			}
			*cell += ", leader " + string(l.State)
		}
	}
	return h
}

type snapshotView struct {
	ID           kernel.SnapshotID   `json:"id"`
	Author       string              `json:"author"`
	Round        kernel.Round        `json:"round"`
	Status       client.VertexStatus `json:"status"`
	Sentence     string              `json:"sentence"`
	Timestamp    kernel.Timestamp    `json:"timestamp_ms"`
	Received     kernel.Timestamp    `json:"received_ms,omitempty"`
	CommittedAt  kernel.Timestamp    `json:"committed_ms,omitempty"`
	Finality     *int64              `json:"finality_ms,omitempty"`
	Commit       kernel.CommitIndex  `json:"commit,omitempty"`
	Position     *uint64             `json:"position,omitempty"`
	Parents      []parentView        `json:"parents"`
	Count        int                 `json:"transaction_count"`
	Transactions []kernel.TxHash     `json:"transactions"` // those it was the first to make final
	Leader       string              `json:"leader_slot,omitempty"`
	Twins        []kernel.SnapshotID `json:"twins,omitempty"`
	Source       string              `json:"source"`
	Hex          string              `json:"header_hex,omitempty"`
}

type parentView struct {
	ID     kernel.SnapshotID `json:"id"`
	Author string            `json:"author,omitempty"`
	Round  kernel.Round      `json:"round,omitempty"`
	Known  bool              `json:"-"`
}

func (p *pageServer) snapshotPage(w http.ResponseWriter, r *http.Request) {
	id, err := kernel.ParseSnapshotID(r.PathValue("id"))
	if err != nil {
		p.malformed(w, r, "snapshot id", err)
		return
	}
	v, known := p.state.snapshotView(id)
	if !known || v.Status == client.VertexCommitted {
		full, err := p.snapshot(r.Context(), id)
		if err != nil && !known {
			p.failed(w, r, err)
			return
		}
		if full == nil && !known {
			p.say(w, r, http.StatusNotFound, message{"No such snapshot", "No node that this page asks holds the snapshot " + id.String() + ".", "Snapshots that never got a place in the total order are forgotten after a while."})
			return
		}
		if full != nil {
			v.fill(full, p.state.nodeNames(), p.state.memberName)
		}
	}
	p.write(w, r, http.StatusOK, "snapshot", view{Title: "Snapshot " + id.Short(), Page: v, JSON: v})
}

func (p *pageServer) malformed(w http.ResponseWriter, r *http.Request, what string, err error) {
	p.say(w, r, http.StatusBadRequest, message{"This is not a " + what, clip(err.Error(), 200), "An id is 64 lower-case hex digits."})
}

// snapshotView shows a snapshot of the window; known is false outside of it.
func (s *state) snapshotView(id kernel.SnapshotID) (out snapshotView, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	source := &s.nodes[s.source]
	out = snapshotView{ID: id, Source: nodeName(source, s.source), Transactions: []kernel.TxHash{}, Parents: []parentView{}}
	v := s.graph.byID[id]
	if v == nil {
		return out, false
	}
	out.Author, out.Round, out.Status = s.graph.name(v.Author), v.Round, v.Status
	out.Timestamp, out.Received, out.CommittedAt, out.Commit, out.Count = v.Timestamp, v.Received, v.CommittedAt, v.Commit, v.Transactions
	if ms, ok := v.finality(); ok {
		out.Finality = &ms
	}
	for _, parent := range v.Parents {
		row := parentView{ID: parent}
		if known := s.graph.byID[parent]; known != nil {
			row.Author, row.Round, row.Known = s.graph.name(known.Author), known.Round, true
		}
		out.Parents = append(out.Parents, row)
	}
	for _, l := range s.graph.slots {
		if l.Round == v.Round && l.Author == v.Author && (l.ID.IsZero() || l.ID == id) {
			out.Leader = string(l.State)
		}
	}
	if s.graph.places[placeKey{v.Author, v.Round}] > 1 {
		for other, o := range s.graph.byID {
			if o.Author == v.Author && o.Round == v.Round && other != id {
				out.Twins = append(out.Twins, other)
			}
		}
		slices.SortFunc(out.Twins, kernel.SnapshotID.Compare)
	}
	out.Sentence = standing(v.Status)
	return out, true
}

func standing(status client.VertexStatus) string {
	switch status {
	case client.VertexCommitted:
		return "It has its place in the total order, the same on every node, for ever."
	case client.VertexBelowHorizon:
		return "It arrived too late: no later leader may reach it. What it carried can be carried again."
	}
	return "It waits for a leader that reaches it to be committed."
}

func (s *state) nodeNames() map[kernel.NodeID]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[kernel.NodeID]string{}
	for i := range s.nodes {
		for _, m := range s.nodes[i].info.Members {
			names[m.Node] = clip(m.Name, 40)
		}
	}
	return names
}

// fill adds what only the snapshot itself tells.
func (v *snapshotView) fill(s *client.Snapshot, names map[kernel.NodeID]string, name func(kernel.Author) string) {
	v.Status, v.Sentence = client.VertexCommitted, standing(client.VertexCommitted)
	v.Round, v.Timestamp, v.Hex = s.Round, kernel.Timestamp(s.Timestamp/1_000_000), s.Hex
	v.Position = &s.Topology
	if v.Author == "" {
		v.Author = names[s.Node]
	}
	if v.Author == "" {
		v.Author = s.Node.Short()
	}
	for _, t := range s.Transactions {
		v.Transactions = append(v.Transactions, t.Hash)
	}
	if len(v.Parents) == 0 {
		v.Parents = parentsOf(s.Hex, name)
	}
}

// parentsOf reads the parents from a signed header; none if it is not one.
func parentsOf(text string, name func(kernel.Author) string) []parentView {
	var h kernel.Header
	raw, err := hex.DecodeString(text)
	if err != nil || h.UnmarshalBinary(raw) != nil {
		return nil
	}
	parents := []parentView{}
	for _, p := range h.Parents {
		parents = append(parents, parentView{p.ID, name(p.Author), p.Round, true})
	}
	return parents
}

type commitView struct {
	*client.Commit
	Names  []string
	Source string
}

// Name of a snapshot's author.
func (c commitView) Name(author kernel.Author) string {
	if int(author) < len(c.Names) {
		return c.Names[author]
	}
	return "node " + strconv.Itoa(int(author)+1)
}

// Previous is the commit before this one; Next the one after.
func (c commitView) Previous() kernel.CommitIndex { return max(c.Index, 1) - 1 }

// Next is the commit after this one.
func (c commitView) Next() kernel.CommitIndex { return c.Index + 1 }

func (p *pageServer) commitPage(w http.ResponseWriter, r *http.Request) {
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 63)
	if err != nil {
		p.say(w, r, http.StatusBadRequest, message{"This is not a commit", "A commit has a number, from 0 on.", ""})
		return
	}
	c, err := p.commit(r.Context(), kernel.CommitIndex(index))
	switch {
	case err != nil:
		p.failed(w, r, err)
	case c == nil:
		p.say(w, r, http.StatusNotFound, message{"This commit has not happened", "The total order has not reached commit " + formatUint(index) + " on the nodes that this page asks.", ""})
	default:
		home := p.state.home()
		p.write(w, r, http.StatusOK, "commit", view{Title: "Commit " + formatUint(index), JSON: c,
			Page: commitView{c, home.Names, p.state.strip(p.config.Network).Source}})
	}
}
