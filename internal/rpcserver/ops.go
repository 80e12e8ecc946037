package rpcserver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Ops answers health, metrics and profiles for those who run the node. It has no tokens, so
// it listens on loopback only.
type Ops struct {
	listen string
	health func() Health
	gather prometheus.Gatherer
	log    *slog.Logger
	report atomic.Pointer[report] // the poller's latest
}

// probeInterval is how old an answer of a probe can be.
const probeInterval = 500 * time.Millisecond

// A Health is how a node is at one moment.
type Health struct {
	State   string   // a word of the product
	Ready   bool     // the state is the one in which the node takes part
	Reasons []string // why it is not
	Checks  []Check
}

// A Check is one line of the readiness report.
type Check struct {
	Name  string    `json:"name"`
	OK    bool      `json:"ok"`
	Since time.Time `json:"since,omitzero"`  // of the present answer
	Error string    `json:"error,omitempty"` // the last one, even if OK now
}

// NewOps makes the operators' server; health is asked in the background, never by a probe.
func NewOps(listen string, health func() Health, gather prometheus.Gatherer, log *slog.Logger) (*Ops, error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fmt.Errorf("%w: ops listen %q: want host:port", ErrConfig, listen)
	}
	if !IsLoopback(host) {
		return nil, fmt.Errorf("%w: ops listen %q: health, metrics and profiles are for loopback only", ErrExposed, listen)
	}
	return &Ops{listen: listen, health: health, gather: gather, log: log}, nil
}

// Listen opens the configured address; port 0 chooses one.
func (o *Ops) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("listen for operations: %w", err)
	}
	return l, nil
}

// Run serves on l until ctx ends. It closes l. When it returns nobody asks the node any more.
func (o *Ops) Run(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var poller sync.WaitGroup
	defer poller.Wait()
	defer cancel()
	o.poll()
	poller.Go(func() { o.keepPolling(ctx) })
	server := &http.Server{
		Handler: o.Handler(), ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(o.log.Handler(), slog.LevelDebug),
	}
	return Serve(ctx, server, &CappedListener{Listener: l, Total: 64, PerAddress: 64})
}

func (o *Ops) keepPolling(ctx context.Context) {
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			o.poll()
		}
	}
}

// A report is what the probes answer.
type report struct {
	State   string
	Reasons []string
	Checks  []Check
	At      time.Time
}

func (o *Ops) poll() {
	h := o.health()
	state := Check{Name: "state", OK: h.Ready}
	if !h.Ready {
		state.Error = fmt.Sprintf("%s %v", h.State, h.Reasons)
	}
	if h.Reasons == nil {
		h.Reasons = []string{} // not null in JSON
	}
	o.report.Store(&report{h.State, h.Reasons, append([]Check{state}, h.Checks...), time.Now()})
}

// Handler returns the routes.
func (o *Ops) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", o.livez)
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.HandleFunc("GET /healthz", o.healthz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.gather, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(o.log.Handler(), slog.LevelWarn)}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return loopbackOnly(mux)
}

// loopbackOnly refuses names that merely resolve to this machine, and pages of other origins.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !IsLoopback(hostOf(r.Host)) || r.Header.Get("Origin") != "" {
			http.Error(w, "operations are for this machine only", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// livez says that the process runs and its poller with it; peers and disk do not matter.
func (o *Ops) livez(w http.ResponseWriter, _ *http.Request) {
	latest := o.report.Load()
	if latest == nil || time.Since(latest.At) > 20*probeInterval {
		http.Error(w, "the node does not answer its own poller", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz is 200 only for an active node; ?exclude=name leaves a check out of the decision.
func (o *Ops) readyz(w http.ResponseWriter, r *http.Request) {
	latest := o.report.Load()
	if latest == nil {
		latest = &report{State: "starting", Checks: []Check{{Name: "state", Error: "starting"}}}
	}
	exclude := r.URL.Query()["exclude"]
	status := http.StatusOK
	for _, c := range latest.Checks {
		if !c.OK && !slices.Contains(exclude, c.Name) {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Ready   bool     `json:"ready"`
		State   string   `json:"state"`
		Reasons []string `json:"reasons"`
		Checks  []Check  `json:"checks"`
	}{status == http.StatusOK, latest.State, latest.Reasons, latest.Checks})
}

// healthz tells a person every check, with ?verbose the time of its answer and its last error.
func (o *Ops) healthz(w http.ResponseWriter, r *http.Request) {
	latest := o.report.Load()
	if latest == nil {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	verbose := r.URL.Query().Has("verbose")
	for _, c := range latest.Checks {
		mark := map[bool]string{true: "+", false: "-"}[c.OK]
		fmt.Fprintf(w, "[%s] %s", mark, c.Name)
		if verbose && !c.Since.IsZero() {
			fmt.Fprintf(w, " for %v", time.Since(c.Since).Round(time.Second))
		}
		if (verbose || !c.OK) && c.Error != "" {
			fmt.Fprintf(w, ": %s", c.Error)
		}
		fmt.Fprintln(w)
	}
}
