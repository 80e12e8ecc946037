package explorer_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/explorer"
	"github.com/asterism-network/asterism/kernel/client"
)

// fakeTrace is a recorded run in the bytes of its file, over a graph that is longer than what a
// page keeps of a network.
func fakeTrace(t *testing.T, rounds int) string {
	t.Helper()
	n := newFakeNode("node-1")
	for range rounds {
		n.Advance()
	}
	text, err := json.Marshal(map[string]any{
		"kind": "asterism simulation trace 1", "title": "chaos, seed 5, 7 nodes", "replay": "aster sim --profile chaos --first 5 --seeds 1",
		"violation": map[string]any{"checker": "C1", "node": 2, "at_ms": 900, "detail": evil},
		"events": []map[string]any{
			{"at_ms": 100, "round": 3, "node": 2, "what": "loses power"},
			{"at_ms": 900, "round": 9, "node": -1, "what": "violation " + evil},
		},
		"node": 2, "graph": n.graph(1, n.newest),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTrace shows a recorded run: the whole graph, its story, no network.
func TestTrace(t *testing.T) {
	trace, err := explorer.ReadTrace(strings.NewReader(fakeTrace(t, 300)))
	if err != nil {
		t.Fatal(err)
	}
	e, err := explorer.FromTrace(trace, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, handler: e.Handler()}
	page := s.get("/").Body.String()
	for _, want := range []string{"What happened", "loses power", "C1 does not hold at 900 ms", "aster sim --profile chaos --first 5 --seeds 1", "simulated: chaos, seed 5", "story.js", "node-3"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, evil) || strings.Contains(page, "Latest transactions") || strings.Contains(page, "public RPC") {
		t.Error("the page has markup from the trace, or speaks of a network")
	}
	var h homeJSON
	s.json("/", &h)
	if !h.Status.Known || h.Status.Stale || h.Status.Age != 0 || h.Status.Up != 7 || h.Status.Source != "node-3" || h.Status.Round != 300 {
		t.Errorf("status %+v", h.Status)
	}
	var graph struct {
		Vertices []struct {
			Round int    `json:"r"`
			ID    string `json:"id"`
		}
	}
	s.json("/graph", &graph)
	if len(graph.Vertices) == 0 || graph.Vertices[0].Round != 1 {
		t.Fatalf("%d vertices; the first rounds are missing", len(graph.Vertices))
	}
	if w := s.get("/snapshot/" + graph.Vertices[0].ID); w.Code != http.StatusOK {
		t.Errorf("page of a recorded snapshot: %d", w.Code)
	}
	for _, path := range []string{"/commit/1", "/tx/" + graph.Vertices[0].ID, "/snapshot/" + strings.Repeat("ab", 32)} {
		if w := s.get(path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "Not in the recording") {
			t.Errorf("%s: %d %.200s", path, w.Code, w.Body)
		}
	}
}

// TestNetworkHasNoStory: what is for recordings does not show for a network.
func TestNetworkHasNoStory(t *testing.T) {
	s := newSite(t, 1, 20)
	page := s.get("/").Body.String()
	if strings.Contains(page, "story.js") || strings.Contains(page, "What happened") || !strings.Contains(page, "Latest transactions") {
		t.Error("the page of a network looks like a recording")
	}
}

// TestReadTraceRefuses what is no trace.
func TestReadTraceRefuses(t *testing.T) {
	whole := fakeTrace(t, 12)
	names, _ := json.Marshal(client.Graph{Names: make([]string, 51)})
	for name, text := range map[string]string{
		"empty": "", "cut": whole[:len(whole)/2], "other JSON": `{"kind":"report"}`, "a list": "[]",
		"too many members": `{"kind":"asterism simulation trace 1","graph":` + string(names) + `}`,
		"too many rounds":  `{"kind":"asterism simulation trace 1","graph":{"newest":1000000}}`,
	} {
		if _, err := explorer.ReadTrace(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
	// An empty graph is one of a run in which no node was up: it is shown.
	trace, err := explorer.ReadTrace(strings.NewReader(fmt.Sprintf(`{"kind":"asterism simulation trace 1","node":-1,"graph":%s}`, "{}")))
	if err != nil {
		t.Fatal(err)
	}
	e, err := explorer.FromTrace(trace, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "127.0.0.1"
	w := httptest.NewRecorder()
	if e.Handler().ServeHTTP(w, r); w.Code != http.StatusOK {
		t.Errorf("page of an empty trace: %d", w.Code)
	}
}
