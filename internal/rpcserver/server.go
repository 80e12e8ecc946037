package rpcserver

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Server answers a Service.
type Server struct {
	service *Service
	config  Config
	tokens  *Tokens     // nil: everyone on loopback may do everything
	tls     *tls.Config // nil: plain
	log     *slog.Logger
	metrics *metrics
	large   chan struct{} // places for large bodies
	streams chan struct{} // places for streams
	open    sync.WaitGroup

	downloads chan struct{} // held by whoever is given the download

	ending context.Context // of Run: streams and waiting calls end with it, other calls are finished
}

// New checks the configuration and makes a server, which keeps the service. Nothing listens before
// Run. register may be nil.
func New(config Config, service Service, register prometheus.Registerer, log *slog.Logger) (*Server, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	tokens, err := config.ReadTokens()
	if err != nil {
		return nil, err
	}
	tlsConfig, err := config.TLS()
	if err != nil {
		return nil, err
	}
	if config.MaxConnections <= 0 {
		config.MaxConnections = 4096
	}
	if config.MaxPerAddress <= 0 {
		config.MaxPerAddress = 64
	}
	if service.Most == 0 {
		service.Most = 8
	}
	service.prepare()
	return &Server{
		service: &service, config: config, tokens: tokens, tls: tlsConfig, log: log,
		metrics: newMetrics(service.Metrics, register), large: make(chan struct{}, MaxLarge), streams: make(chan struct{}, maxStreams), downloads: make(chan struct{}, 1),
		ending: context.Background(),
	}, nil
}

// Service returns the interface that is served, complete with what the server adds.
func (s *Server) Service() *Service { return s.service }

// MethodNames lists the methods in alphabetical order, aliases left out.
func (s *Service) MethodNames() []string { return s.names }

// Method finds a method by any of its names, or nil.
func (s *Service) Method(name string) *Method { return s.byName[name] }

// Listen opens the configured address; port 0 chooses one.
func (s *Server) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for rpc: %w", err)
	}
	return l, nil
}

// Run serves on l until ctx ends, then lets open calls finish for a moment. It closes l and is
// called once.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	s.ending = ctx
	calls, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	l = &CappedListener{Listener: l, Total: s.config.MaxConnections, PerAddress: s.config.MaxPerAddress}
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	err := Serve(ctx, NewHTTP(calls, s.Handler(), s.log), l)
	s.open.Wait() // streams end with ctx
	return err
}

// Ending is closed when Run should end: calls that wait for something answer at once.
func (s *Server) Ending() <-chan struct{} { return s.ending.Done() }

// Handler returns the routes with all checks in front.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range append([]string{"/{$}", "/rpc"}, s.service.Paths...) {
		mux.HandleFunc("POST "+path, s.post)
	}
	mux.HandleFunc("GET /{$}", s.page)
	if s.service.Open != nil {
		mux.HandleFunc("GET /ws", s.socket)
		mux.HandleFunc("GET /events", s.events)
	}
	if s.service.Download != nil {
		mux.HandleFunc("GET "+s.service.Download.Path, s.download)
	}
	return s.config.Guard(mux)
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(WriteTimeout)) // recorders in tests cannot
	if !TypeAllowed(r) {
		http.Error(w, "send JSON: Content-Type: application/json", http.StatusUnsupportedMediaType)
		return
	}
	body, f := s.readBody(r)
	if f != nil {
		w.Header().Set("Connection", "close")
		write(w, s.reply(nil, nil, f))
		return
	}
	write(w, s.answer(caller{right: s.tokens.RightOf(r), wait: r.Context()}, body))
}

// readBody reads up to the small limit at will and up to the large one in a bounded number of
// calls at once, so that idle senders cannot make the node hold much memory.
func (s *Server) readBody(r *http.Request) ([]byte, *Fault) {
	if r.ContentLength > MaxLargeBody {
		return nil, tooLong()
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), promised)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	if err == nil && body.Len() > MaxBody {
		select {
		case s.large <- struct{}{}:
			defer func() { <-s.large }()
		default:
			return nil, Faultf("rate_limited", "too many large requests at once").
				With("retry_after_ms", 1000).withStatus(http.StatusTooManyRequests)
		}
		_, err = body.ReadFrom(io.LimitReader(r.Body, MaxLargeBody-MaxBody))
	}
	switch {
	case err != nil:
		return nil, Faultf("parse_error", "the body did not arrive: %v", err)
	case body.Len() > MaxLargeBody:
		return nil, tooLong()
	}
	return body.Bytes(), nil
}

// promised is how much room a body is given for its length alone; for more it must arrive.
const promised = 64 << 10

func write(w http.ResponseWriter, out reply) {
	if out.status == http.StatusNoContent {
		w.WriteHeader(out.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(out.bytes)))
	w.Header().Set("Cache-Control", "no-store")
	if out.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	if out.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.bytes) // the caller has left: nothing to do
}
