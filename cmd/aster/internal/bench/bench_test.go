package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/workload"
)

// TestFinalWhenTheLastNodeShowsIt: receipts come from the first node, but count when every node
// has shown the commit's digest.
func TestFinalWhenTheLastNodeShowsIt(t *testing.T) {
	for name, order := range map[string][]int{"receipts first": {0, 1, 2}, "receipts in the middle": {2, 0, 1}, "receipts last": {1, 2, 0}} {
		tr := newTracker(3)
		tr.watch([]workload.Payment{{Hash: kernel.TxHash{1}}, {Hash: kernel.TxHash{2}}})
		now := time.Unix(100, 0)
		for i, node := range order {
			if tr.final != 0 {
				t.Errorf("%s: final after %d of 3 nodes", name, i)
			}
			d := &client.CommitDigest{Index: 7}
			if node == 0 {
				d.Receipts = []kernel.Receipt{{Transaction: kernel.TxHash{2}, Status: kernel.Final}, {Transaction: kernel.TxHash{9}, Status: kernel.Final}}
			}
			tr.add(node, d, now.Add(time.Duration(i)*time.Second))
		}
		if tr.final != 1 || !tr.when[1].final.Equal(now.Add(2*time.Second)) || !tr.when[0].final.IsZero() || tr.trouble != nil {
			t.Errorf("%s: %d final, %+v, %v", name, tr.final, tr.when, tr.trouble)
		}
	}
}

// TestTrouble: nodes that differ, and a payment that is rejected, end a run.
func TestTrouble(t *testing.T) {
	tr := newTracker(2)
	tr.add(0, &client.CommitDigest{Index: 1, Digest: kernel.Digest{1}}, time.Now())
	tr.add(1, &client.CommitDigest{Index: 1, Digest: kernel.Digest{2}}, time.Now())
	if err := tr.wait(t.Context(), func() bool { return true }); err == nil {
		t.Error("nodes that differ are not noticed")
	}
	tr = newTracker(1)
	tr.watch([]workload.Payment{{Hash: kernel.TxHash{1}}})
	tr.add(0, &client.CommitDigest{Index: 1, Receipts: []kernel.Receipt{{Transaction: kernel.TxHash{1}, Status: kernel.Rejected, Rule: kernel.InputSpent}}}, time.Now())
	if tr.trouble == nil || tr.rejected != 1 || tr.final != 0 {
		t.Errorf("a rejected payment: %v, %d rejected, %d final", tr.trouble, tr.rejected, tr.final)
	}
}

// TestFullNodesAreAskedAgain: a sender brings everything again to a node that was full, in order,
// and loses nothing.
func TestFullNodesAreAskedAgain(t *testing.T) {
	var mu sync.Mutex
	taken, calls := map[string]int{}, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			ID     json.RawMessage
			Params struct{ Hexes []string }
		}
		json.NewDecoder(r.Body).Decode(&req)
		mu.Lock()
		defer mu.Unlock()
		calls++
		full := json.RawMessage(`{"code":-32003,"message":"full","data":{"name":"rate_limited","retry_after_ms":10}}`)
		if calls%3 == 1 {
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":%s}`, req.ID, full)
			return
		}
		var out client.Submissions
		for i, text := range req.Params.Hexes {
			var s client.Submission
			if i%2 == 1 && calls%3 == 2 {
				s.Error = full
			} else {
				taken[text]++
			}
			out.Results = append(out.Results, s)
		}
		result, _ := json.Marshal(out)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"result":%s}`, req.ID, result)
	}))
	defer server.Close()
	var got sync.Map
	s := newSender([]*client.Client{client.New(server.URL)}, 1, 1, func(numbers []int, _ time.Time) {
		for _, number := range numbers {
			got.Store(number, true)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	const count = 1500
	for i := range count {
		s.give(&workload.Payment{Raw: []byte(fmt.Sprint("payment ", i))}, i)
	}
	group.Go(func() { s.run(ctx) })
	deadline := time.Now().Add(2 * time.Minute)
	for s.now().taken < count && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	for text, times := range taken {
		if times != 1 {
			t.Fatalf("%s was taken %d times", text, times)
		}
	}
	if c := s.now(); len(taken) != count || c.taken != count || c.retried == 0 || c.slowed == 0 {
		t.Errorf("%d of %d taken, %+v", len(taken), count, s.now())
	}
}

// TestSample reads this very process: its time grows by what it works, and not by what it waits.
func TestSample(t *testing.T) {
	read := func() (s sample) {
		if err := s.process(os.Getpid()); err != nil {
			t.Skip(err)
		}
		return s
	}
	a := read()
	time.Sleep(300 * time.Millisecond)
	b := read()
	if d := b.cpu - a.cpu; d > 150*time.Millisecond {
		t.Errorf("300 ms of waiting are %v of CPU time", d)
	}
	for deadline := time.Now().Add(time.Minute); read().cpu-b.cpu < 100*time.Millisecond; {
		if time.Now().After(deadline) {
			t.Fatal("a minute of work is no CPU time")
		}
	}
	if b.rss < 1<<20 {
		t.Errorf("%d bytes resident", b.rss)
	}
}

// TestLatency sorts and cuts.
func TestLatency(t *testing.T) {
	var all []time.Duration
	for i := range 200 {
		all = append(all, time.Duration(200-i)*time.Millisecond)
	}
	if l := latencyOf(all); l.P50 != 101 || l.P99 != 199 || l.Max != 200 {
		t.Errorf("%+v", l)
	}
	if l := latencyOf(nil); l != (Latency{}) {
		t.Errorf("of nothing: %+v", l)
	}
}

// TestResultIsHonest: whatever is missing makes a result not OK.
func TestResultIsHonest(t *testing.T) {
	good := Result{Submitted: 5, Final: 5, Supply: true}
	if !good.OK() {
		t.Error("a good result is not OK")
	}
	for _, broken := range []func(*Result){
		func(r *Result) { r.Lost = 1 }, func(r *Result) { r.Rejected = 1 },
		func(r *Result) { r.Supply = false }, func(r *Result) { r.Final = 4 },
	} {
		r := good
		broken(&r)
		if r.OK() {
			t.Errorf("%+v is OK", r)
		}
	}
	var text strings.Builder
	good.Print(&text)
	if !strings.Contains(text.String(), "5 submitted, 5 final") {
		t.Error(text.String())
	}
}

// TestRecovered: the first second from which on all is normal; a relapse counts, and so does an
// end that is not normal.
func TestRecovered(t *testing.T) {
	for _, tt := range []struct {
		medians []float64
		want    float64
	}{
		{[]float64{1, 1, 1}, 0}, {[]float64{9, 9, 2, 1}, 2}, {[]float64{9, 1, 9, 1}, 3}, {[]float64{1, 1, 9}, -1}, {nil, -1},
	} {
		var after []Second
		for _, m := range tt.medians {
			after = append(after, Second{P50: m})
		}
		if got := recovered(after, 2); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.medians, got, tt.want)
		}
	}
}

// standing is a run whose payments go nowhere.
func standing(t *testing.T, lanes int) *run {
	t.Helper()
	load, err := workload.New(workload.Options{Seed: 1, Kind: workload.P1, Lanes: lanes})
	if err != nil {
		t.Fatal(err)
	}
	network, _, err := devnet.Make(devnet.Options{Nodes: 7, Home: filepath.Join(t.TempDir(), "net"), Seed: 1, Balances: load.Balances()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load.Fund(network.Genesis); err != nil {
		t.Fatal(err)
	}
	r := &run{load: load, tracker: newTracker(7), result: &Result{}, say: func(string, ...any) {}}
	r.sender = newSender(make([]*client.Client, 7), 1, 1, r.taken)
	return r
}

// TestOpenLoop: payments are due by the clock whatever becomes of them, each once and in order; the
// loop ends early when it was told to and the network is too far behind.
func TestOpenLoop(t *testing.T) {
	r := standing(t, 1000)
	if err := r.steady(t.Context(), 500, 200*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	given := 0
	for _, q := range r.sender.queues {
		given += len(q.list)
	}
	if r.number != 100 || r.sent != 100 || given != 100 {
		t.Errorf("%d due, %d sent, %d in queues, want 100", r.number, r.sent, given)
	}
	for i := 1; i < 100; i++ {
		if d := r.tracker.when[i].due.Sub(r.tracker.when[i-1].due); d < time.Millisecond || d > 3*time.Millisecond {
			t.Fatalf("payment %d is due %v after the one before", i, d)
		}
	}
}

// TestLanesWait: a lane's next payment is not sent before the last one is final.
func TestLanesWait(t *testing.T) {
	r := standing(t, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := r.steady(ctx, 100, time.Second); err != context.DeadlineExceeded || r.sent != 10 {
		t.Fatalf("%v, %d payments sent on 10 lanes", err, r.sent)
	}
	r.tracker.mu.Lock()
	r.tracker.when[0].final = time.Now()
	r.tracker.final++
	r.tracker.mu.Unlock()
	if err := r.next(t.Context(), time.Now(), r.sender); err != nil || r.sent != 11 {
		t.Errorf("%v, %d sent after one is final", err, r.sent)
	}
}

// TestNothingFinal: a stretch in which no payment became final has figures, and they are JSON.
func TestNothingFinal(t *testing.T) {
	u := usage{seconds: 4, self: time.Second, cpu: []time.Duration{2 * time.Second, time.Second, time.Second}}
	r := &run{Options: Options{Nodes: 3}}
	text, err := json.Marshal([]any{stepOf(8000, u, 0, 3), r.measuring(u, 0, counts{}, 0)})
	if err != nil {
		t.Fatal(err)
	}
	if got := stepOf(1000, u, 400, 3); got.Rate != 100 || got.CPU <= 0 {
		t.Errorf("%+v, beside %s", got, text)
	}
}

// TestBurstParts: usual clients are told from the burst's others, and what is not final counts nowhere.
func TestBurstParts(t *testing.T) {
	due := time.Unix(1000, 0)
	at := func(s float64) time.Time { return due.Add(time.Duration(s * float64(time.Second))) }
	r := &run{tracker: newTracker(7)}
	r.tracker.when = []times{
		{due: due, final: at(99)}, // before the range
		{due: due, taken: at(1), final: at(2)},
		{due: due, taken: at(3), final: at(6), rush: true},
		{due: due, taken: at(1)},
		{due: due, final: at(99)}, // after it
	}
	if l := r.usually(1, 4); l.P50 != 2000 || l.Max != 2000 {
		t.Errorf("usual clients: %+v", l)
	}
	if d := r.drained(1, 4, at(4)); d != 2 {
		t.Errorf("the last was final %v s after", d)
	}
	if s := r.seconds(1, 4, due); len(s) != 1 || s[0].P50 != 6000 || s[0].Taken != 1000 {
		t.Errorf("by second: %+v", s)
	}
}

// TestDue: a payment is due at its own time, not at that of the next one, and a stream ends where it should.
func TestDue(t *testing.T) {
	s := &stream{rate: 4}
	for _, tt := range []struct {
		elapsed time.Duration
		want    int
	}{{0, 1}, {249 * time.Millisecond, 1}, {250 * time.Millisecond, 2}, {2499 * time.Millisecond, 10}, {2500 * time.Millisecond, 10}} {
		if got := s.due(tt.elapsed, 2500*time.Millisecond); got != tt.want {
			t.Errorf("after %v %d are due, want %d", tt.elapsed, got, tt.want)
		}
	}
}

// TestBest: of steps whose rates hardly differ the one with the most under way counts.
func TestBest(t *testing.T) {
	for _, c := range []struct {
		rates []float64
		best  int
	}{
		{[]float64{100, 200, 150}, 1},
		{[]float64{200, 185, 100}, 1},
		{[]float64{200, 150, 185}, 2},
		{[]float64{200, 150, 180}, 0},
		{[]float64{0, 0}, 1},
	} {
		var s Saturation
		for i, rate := range c.rates {
			s.Steps = append(s.Steps, Step{InFlight: i, Rate: rate})
		}
		if got := s.best().InFlight; got != c.best {
			t.Errorf("%v: step %d, want %d", c.rates, got, c.best)
		}
	}
}
