package explorer_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/explorer"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A site is an explorer that runs over fake nodes.
type site struct {
	t       *testing.T
	nodes   []*fakeNode
	handler http.Handler
	stop    context.CancelFunc // of the poller
	stopped chan struct{}
}

// newSite runs an explorer over nodes with rounds of history and waits until it has caught up.
func newSite(t *testing.T, nodes, rounds int) *site {
	t.Helper()
	s := &site{t: t, stopped: make(chan struct{})}
	var urls []string
	for i := range nodes {
		n := newFakeNode("node-" + string(rune('1'+i)))
		for range rounds {
			n.Advance()
		}
		s.nodes = append(s.nodes, n)
		server := httptest.NewServer(n)
		t.Cleanup(server.Close)
		urls = append(urls, server.URL)
	}
	e, err := explorer.New(explorer.Config{Nodes: urls, Network: "devnet"})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = e.Handler()
	ctx, stop := context.WithCancel(t.Context())
	s.stop = func() { stop(); <-s.stopped }
	t.Cleanup(s.stop)
	go func() { defer close(s.stopped); e.Run(ctx) }()
	s.caughtUp(rounds)
	return s
}

type homeJSON struct {
	Status struct {
		Network  string
		Commit   uint64
		Round    int
		Up       int
		Known    bool
		Stale    bool
		Source   string
		Test     bool
		Age      int64 `json:"age_ms"`
		Finality struct {
			P50   int64 `json:"p50_ms"`
			P99   int64 `json:"p99_ms"`
			Count int
			Paid  bool
		}
	}
	Transactions []payment
}

type payment struct {
	Hash     string
	Status   string
	Rule     string
	Amount   string
	Asset    string
	Author   string
	Commit   uint64
	Finality *int64 `json:"finality_ms"`
}

// caughtUp waits until the pages show a round and every commit and finality time below it.
func (s *site) caughtUp(round int) homeJSON {
	s.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var h homeJSON
		s.json("/", &h)
		if h.Status.Round != round {
			continue
		}
		if round > 10 && (len(h.Transactions) == 0 || h.Transactions[0].Commit != h.Status.Commit || h.Transactions[len(h.Transactions)-1].Finality == nil && h.Transactions[len(h.Transactions)-1].Status == "final") {
			continue
		}
		return h
	}
	s.t.Fatalf("the pages never showed round %d", round)
	panic("unreachable")
}

func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

func (s *site) json(path string, into any) {
	s.t.Helper()
	w := s.get(path + "?format=json")
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		s.t.Fatalf("%s: %v in %.200s", path, err, w.Body)
	}
}

func TestHome(t *testing.T) {
	s := newSite(t, 3, 40)
	var h homeJSON
	s.json("/", &h)
	if !h.Status.Known || h.Status.Network != "devnet" || !h.Status.Test || h.Status.Source != "node-1" || h.Status.Stale {
		t.Errorf("strip: %+v", h.Status)
	}
	if f := h.Status.Finality; f.P50 != 366 || f.P99 < f.P50 || f.Count == 0 || !f.Paid {
		t.Errorf("finality: %+v", f) // 4 rounds of 90 ms, and 2 ms for each place: the fourth is in the middle
	}
	statuses := map[string]int{}
	for _, p := range h.Transactions {
		statuses[p.Status]++
		if p.Status == "final" && (p.Amount != "1.9975" || p.Asset != "BTC" || p.Author == "") || p.Status == "rejected" && p.Rule != "input_spent" {
			t.Errorf("row: %+v", p)
		}
	}
	if statuses["final"] == 0 || statuses["rejected"] == 0 {
		t.Errorf("verdicts: %v", statuses)
	}
	page := s.get("/").Body.String()
	for _, want := range []string{"not real money", h.Transactions[0].Hash, "node-7", "leader committed", "leader undecided"} {
		if !strings.Contains(page, want) {
			t.Errorf("the first page lacks %q", want)
		}
	}
}

// TestBeforeAnyAnswer: the pages say that nothing is known, and do not pretend zeros.
func TestBeforeAnyAnswer(t *testing.T) {
	e, err := explorer.New(explorer.Config{Nodes: []string{"http://127.0.0.1:1"}, Network: "mainnet"})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, handler: e.Handler()}
	w := s.get("/")
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "No node has answered yet") || strings.Contains(body, "not real money") {
		t.Errorf("%d %s", w.Code, body)
	}
	w = s.get("/tx/" + strings.Repeat("ab", 32))
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "The nodes do not answer") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestConfig(t *testing.T) {
	for _, nodes := range [][]string{nil, {"127.0.0.1:6861"}, {"ftp://127.0.0.1"}, {"http://"}, {"http://user:secret@127.0.0.1:1"}} {
		if _, err := explorer.New(explorer.Config{Nodes: nodes}); err == nil {
			t.Errorf("%q was taken", nodes)
		}
	}
}

// TestGuard: names that merely resolve here, other sites' scripts and writes are refused, and
// every answer forbids what is not from here.
func TestGuard(t *testing.T) {
	s := newSite(t, 1, 1)
	for _, tt := range []struct {
		name   string
		header []string
		want   int
	}{
		{"address", []string{"Host", "127.0.0.1:8080"}, 200},
		{"name", []string{"Host", "localhost:8080"}, 200},
		{"IPv6", []string{"Host", "[::1]:8080"}, 200},
		{"own origin", []string{"Origin", "http://127.0.0.1:8080"}, 200},
		{"rebinding", []string{"Host", "rebind.example:8080"}, 403},
		{"name that looks like loopback", []string{"Host", "127.0.0.1.example:8080"}, 403},
		{"no host", []string{"Host", ""}, 403},
		{"another site", []string{"Origin", "https://evil.example"}, 403},
		{"another port", []string{"Origin", "http://127.0.0.1:8081"}, 403},
		{"opaque origin", []string{"Origin", "null"}, 403},
	} {
		for _, path := range []string{"/", "/graph", "/static/page.css"} {
			w := s.get(path, tt.header...)
			if w.Code != tt.want {
				t.Errorf("%s: %s answers %d, want %d", tt.name, path, w.Code, tt.want)
			}
			csp := w.Header().Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %s: headers %v", tt.name, path, w.Header())
			}
		}
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", w.Code)
	}
}

func TestTransactionVerdicts(t *testing.T) {
	s := newSite(t, 2, 40)
	n := s.nodes[1] // what only the second node knows is found too
	n.mu.Lock()
	n.pending = kernel.TxHash(fakeID("pending"))
	pending := n.pending.String()
	n.mu.Unlock()
	var h homeJSON
	s.json("/", &h)
	hashes := map[string]string{"pending": pending, "unknown": strings.Repeat("0a", 32)}
	for _, p := range h.Transactions {
		hashes[p.Status] = p.Hash
	}
	for _, tt := range []struct {
		state string
		code  int
		want  []string
	}{
		{"final", 200, []string{">Final</h1>", "Settled in commit", "1.9975", "Payment of", "1 of 1 keys", "&lt;script&gt;alert("}},
		{"rejected", 200, []string{">Rejected</h1>", "spent by another transaction first", "input_spent", "won by"}},
		{"pending", 200, []string{">Pending</h1>", "Why it is not final yet", "carried by a snapshot"}},
		{"unknown", 404, []string{">Unknown</h1>", "No node that this page asks"}},
	} {
		w := s.get("/tx/" + hashes[tt.state])
		body := w.Body.String()
		if w.Code != tt.code {
			t.Errorf("%s: status %d", tt.state, w.Code)
		}
		for _, want := range tt.want {
			if !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %q", tt.state, want)
			}
		}
		if strings.Contains(body, "<script>") {
			t.Errorf("%s: chain text became markup", tt.state)
		}
		var answer struct{ Status client.TransactionStatus }
		s.json("/tx/"+hashes[tt.state], &answer)
		if string(answer.Status.State) != tt.state {
			t.Errorf("%s: JSON says %q", tt.state, answer.Status.State)
		}
	}
}

func TestPagesOfIDs(t *testing.T) {
	s := newSite(t, 1, 40)
	g := s.graph()
	byStatus := map[client.VertexStatus]string{}
	for _, v := range g.Vertices {
		byStatus[v.Status] = v.ID
	}
	for status, want := range map[client.VertexStatus]string{
		client.VertexCommitted: "the same on every node", client.VertexPending: "waits for a leader", client.VertexBelowHorizon: "arrived too late",
	} {
		if body := s.get("/snapshot/" + byStatus[status]).Body.String(); !strings.Contains(body, want) || !strings.Contains(body, "Parents") {
			t.Errorf("%s: %.300s", status, body)
		}
	}
	for path, want := range map[string]int{
		"/commit/1": 200, "/commit/0": 200, "/commit/100000": 404, "/commit/x": 400, "/commit/-1": 400, "/commit/99999999999999999999999": 400,
		"/snapshot/12": 400, "/snapshot/" + strings.Repeat("0b", 32): 404, "/tx/" + strings.Repeat("AB", 32): 400, "/tx/%3Cscript%3E": 400,
		"/nothing": 404, "/static/../explorer.go": 404, "/static/home.html": 404, "/static/page.css": 200, "/favicon.ico": 200,
	} {
		if w := s.get(path); w.Code != want && w.Code != http.StatusMovedPermanently && w.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		} else if strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s: the address became markup", path)
		}
	}
}

// TestOldSnapshot: below the window the signed header still tells all parents.
func TestOldSnapshot(t *testing.T) {
	s := newSite(t, 1, 20)
	h := kernel.Header{Network: kernel.NetworkID(fakeID("network")), Author: 2, Round: 5, Timestamp: 1_800_000_000_000, BodyRoot: kernel.Hash(fakeID("body"))}
	for a := range kernel.Author(members) {
		h.Parents = append(h.Parents, kernel.Parent{Author: a, Round: 4, ID: fakeID("parent", a)})
	}
	h.SortParents()
	raw, err := h.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	n := s.nodes[0]
	n.mu.Lock()
	n.old = &client.Snapshot{Hash: h.ID(), Round: 5, Timestamp: 1_800_000_000_000_000_000, Topology: 31, Hex: hex.EncodeToString(raw)}
	n.mu.Unlock()
	body := s.get("/snapshot/" + h.ID().String()).Body.String()
	for _, p := range h.Parents {
		if !strings.Contains(body, p.ID.String()) {
			t.Errorf("parent %d is missing", p.Author)
		}
	}
	if !strings.Contains(body, "node-7, round 4") || !strings.Contains(body, "not observed by this page") || !strings.Contains(body, "<dd>31</dd>") {
		t.Errorf("%s", body)
	}
}

type graphJSON struct {
	Reset    bool
	Newest   int
	Names    []string
	Vertices []struct {
		A, R, V, T int
		ID         string
		P          []int
		S, Status  client.VertexStatus
		F          *int64
	}
	Slots []struct {
		R, K, A int
		S       client.SlotState
	}
}

func (s *site) graph() (g graphJSON) {
	s.t.Helper()
	s.json("/graph", &g)
	for i := range g.Vertices {
		g.Vertices[i].Status = g.Vertices[i].S
	}
	return g
}

func TestGraph(t *testing.T) {
	s := newSite(t, 1, 40)
	g := s.graph()
	statuses, twins, slots := map[client.VertexStatus]int{}, 0, map[client.SlotState]int{}
	for _, v := range g.Vertices {
		statuses[v.S]++
		if v.V > 0 {
			twins++
		}
		if v.R == 30 && len(v.P) != 3*members {
			t.Errorf("vertex %d/%d has %d parent numbers", v.A, v.R, len(v.P))
		}
		if (v.S == client.VertexCommitted) != (v.F != nil) {
			t.Errorf("vertex %d/%d is %s with finality %v", v.A, v.R, v.S, v.F)
		}
	}
	for _, l := range g.Slots {
		slots[l.S]++
	}
	if len(g.Names) != members || twins != 1 || len(statuses) != 3 || len(slots) != 3 {
		t.Errorf("names %d, twins %d, %v, %v", len(g.Names), twins, statuses, slots)
	}
}

// TestLive: a visitor who applies what the stream says has the same graph as one who loads it
// whole, and is sent only what changed.
func TestLive(t *testing.T) {
	s := newSite(t, 1, 30)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	resp, err := http.Get(server.URL + "/live")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatal(kind)
	}
	have, first, largest := map[string]client.VertexStatus{}, true, 0
	events := map[string]int{}
	lines := bufio.NewReader(resp.Body)
	for name := ""; ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if after, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(after)
			events[name]++
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok || name != "graph" {
			continue
		}
		var g graphJSON
		if err := json.Unmarshal([]byte(data), &g); err != nil {
			t.Fatal(err)
		}
		if g.Reset != first {
			t.Fatalf("reset %v in event %d", g.Reset, events["graph"])
		}
		if !first {
			largest = max(largest, len(g.Vertices))
		}
		first = false
		for _, v := range g.Vertices {
			have[v.ID] = v.S
		}
		if g.Newest == 36 {
			break
		}
		s.nodes[0].Advance()
	}
	whole := s.graph()
	for _, v := range whole.Vertices {
		if have[v.ID] != v.S {
			t.Errorf("%d/%d: the stream says %q, the whole graph %q", v.A, v.R, have[v.ID], v.S)
		}
	}
	if largest == 0 || largest > 60 {
		t.Errorf("an event carried %d vertices", largest)
	}
	if events["strip"] == 0 || events["payments"] == 0 {
		t.Errorf("events: %v", events)
	}
}

// TestVisitorsCostNothing: however many look, the nodes are asked once.
func TestVisitorsCostNothing(t *testing.T) {
	s := newSite(t, 1, 30)
	var h homeJSON
	s.json("/", &h)
	s.stop()
	final := h.Transactions[slices.IndexFunc(h.Transactions, func(p payment) bool { return p.Status == "final" })].Hash
	n := s.nodes[0]
	n.mu.Lock()
	clear(n.calls)
	n.mu.Unlock()
	for range 50 {
		s.get("/")
		s.get("/graph")
		s.get("/tx/" + final)
		s.get("/commit/3")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for method, count := range n.calls {
		if count > 1 {
			t.Errorf("%s was asked %d times", method, count)
		}
	}
	if len(n.calls) != 5 {
		t.Errorf("asked: %v", n.calls)
	}
}

// TestSourceChanges: when the source falls silent another node takes its place; rows neither
// double nor go missing.
func TestSourceChanges(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for patience to end")
	}
	s := newSite(t, 2, 30)
	s.nodes[0].mu.Lock()
	s.nodes[0].down = true
	s.nodes[0].mu.Unlock()
	for range 6 {
		s.nodes[1].Advance()
	}
	h := s.caughtUp(36)
	if h.Status.Source != "node-2" || h.Status.Up != 1 {
		t.Errorf("strip: %+v", h.Status)
	}
	seen := map[string]bool{}
	for i, p := range h.Transactions {
		if seen[p.Hash] || i > 0 && h.Transactions[i-1].Commit < p.Commit {
			t.Errorf("row %d is doubled or out of order: %+v", i, p)
		}
		seen[p.Hash] = true
	}
}

// TestUnfitSource: a node that answers but takes no part is not what visitors should see.
func TestUnfitSource(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for patience to end")
	}
	s := newSite(t, 3, 12)
	for i, state := range []string{"halted", "catching_up"} {
		s.nodes[i].mu.Lock()
		s.nodes[i].state = state
		s.nodes[i].mu.Unlock()
	}
	var h homeJSON
	for deadline := time.Now().Add(2 * time.Minute); h.Status.Source != "node-3"; time.Sleep(50 * time.Millisecond) {
		if s.json("/", &h); time.Now().After(deadline) {
			t.Fatalf("strip: %+v", h.Status)
		}
	}
}

// TestStale: silence is said, with the age of what is shown.
func TestStale(t *testing.T) {
	if testing.Short() {
		t.Skip("waits")
	}
	s := newSite(t, 1, 12)
	s.stop()
	time.Sleep(3100 * time.Millisecond)
	var h homeJSON
	s.json("/", &h)
	if !h.Status.Stale || h.Status.Age < 3000 {
		t.Errorf("strip: %+v", h.Status)
	}
	if !strings.Contains(s.get("/").Body.String(), "is silent: what you see may be old") {
		t.Error("the page does not say so")
	}
}

func TestSearch(t *testing.T) {
	s := newSite(t, 1, 40)
	var h homeJSON
	s.json("/", &h)
	hash := h.Transactions[0].Hash
	snapshot := s.graph().Vertices[3].ID
	for query, want := range map[string]string{
		hash: "/tx/" + hash, strings.ToUpper(hash): "/tx/" + hash, "%20" + hash + "%20": "/tx/" + hash, hash[:20]: "/tx/" + hash,
		snapshot: "/snapshot/" + snapshot, snapshot[:16]: "/snapshot/" + snapshot, "7": "/commit/7", "%237": "/commit/7", "": "/",
	} {
		w := s.get("/search?q=" + query)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%q: %d to %q, want %q", query, w.Code, w.Header().Get("Location"), want)
		}
	}
	for _, query := range []string{"zzz", strings.Repeat("0", 64), "999999999", "%3Cscript%3E", strings.Repeat("a", 900), "//evil.example"} {
		w := s.get("/search?q=" + query)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "Nothing found") || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%.20q: %d", query, w.Code)
		}
	}
	if w := s.get("/search?q=" + strings.Repeat("a", 2000)); w.Code != http.StatusRequestURITooLong {
		t.Errorf("a long query: %d", w.Code)
	}
}

// TestFirstView: what a first visit loads stays small and comes from here alone.
func TestFirstView(t *testing.T) {
	s := newSite(t, 1, 40)
	w := s.get("/", "Accept-Encoding", "gzip")
	total := w.Body.Len()
	plain, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/static/[^"#]+)`).FindAllStringSubmatch(string(page), -1) {
		w := s.get(m[1], "Accept-Encoding", "gzip")
		if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", m[1], w.Code, w.Header())
		}
		total += w.Body.Len()
	}
	t.Logf("first view: %d bytes compressed", total)
	if total > 200<<10 {
		t.Errorf("first view: %d bytes compressed, want at most 200 KiB", total)
	}
	address := regexp.MustCompile(`https?://[^ "'<)]+`)
	inline := regexp.MustCompile(`(?i)<script>|<style|\son[a-z]+=|\sstyle=|javascript:|innerHTML|insertAdjacentHTML|document\.write|\beval\(`)
	err = fs.WalkDir(os.DirFS("web"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile("web/" + name)
		if found := address.Find(text); found != nil && string(found) != "http://www.w3.org/2000/svg" {
			t.Errorf("%s names %s", name, found)
		}
		if found := inline.Find(text); found != nil {
			t.Errorf("%s holds %q", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHostileNode: absurd answers are bounded and shown as text.
func TestHostileNode(t *testing.T) {
	n := newFakeNode(evil)
	n.names = []string{evil, strings.Repeat("x", 5000)}
	n.newest = 1 << 39
	for i := range 2000 {
		n.vertices = append(n.vertices, client.GraphVertex{Vertex: client.Vertex{Author: kernel.Author(i), Round: n.newest - kernel.Round(i%3), ID: fakeID(i)},
			Status: client.VertexStatus(evil), CommittedAt: 1, Timestamp: 1 << 41, Transactions: -5})
		n.slots = append(n.slots, client.GraphSlot{Round: kernel.Round(i) << 32, Author: 255, State: client.SlotState(evil)})
	}
	server := httptest.NewServer(n)
	defer server.Close()
	e, err := explorer.New(explorer.Config{Nodes: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	go e.Run(t.Context())
	s := &site{t: t, handler: e.Handler()}
	var g graphJSON
	for deadline := time.Now().Add(2 * time.Minute); len(g.Vertices) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		g = s.graph()
	}
	if len(g.Vertices) == 0 || len(g.Vertices) > 4*kernel.MaxMembers*3 {
		t.Errorf("%d vertices kept", len(g.Vertices))
	}
	for _, path := range []string{"/", "/snapshot/" + g.Vertices[0].ID} {
		w := s.get(path)
		if w.Code != 200 || strings.Contains(w.Body.String(), "<script>") || w.Body.Len() > 300_000 {
			t.Errorf("%s: %d, %d bytes", path, w.Code, w.Body.Len())
		}
	}
}

// FuzzAddress: whatever is asked for, the answer is a page or a refusal, never a failure of
// this server.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"/", "/tx/00", "/search?q=%00", "/commit/18446744073709551615", "/snapshot/../tx", "//a", "/static/page.css", "/search?q=é&format=json"} {
		f.Add(seed)
	}
	e, err := explorer.New(explorer.Config{Nodes: []string{"http://127.0.0.1:1"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		r, err := http.NewRequest(http.MethodGet, "http://127.0.0.1"+address, nil)
		if err != nil || r.URL.Path == "/live" || r.URL.Path == "" {
			return
		}
		w := httptest.NewRecorder()
		e.Handler().ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Fatalf("%q: %s", address, w.Body)
		}
		if strings.Contains(w.Header().Get("Content-Type"), "html") && strings.Contains(w.Body.String(), "<script>") {
			t.Fatalf("%q: the address became markup", address)
		}
	})
}
