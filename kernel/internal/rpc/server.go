// Package rpc answers the node's public interface over HTTP and WebSocket, and its operators'
// interface on a listener of its own.
//
// It is an adapter: it holds no rules and no state but limits. What the node knows comes
// through Node and History; what crosses the wire are the types of package client. The
// registry of methods is the single source for dispatch, rights, descriptions and documents.
package rpc

import (
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

	"github.com/asterism-network/asterism/internal/rpcserver"
)

// A Server answers the public interface.
type Server struct {
	config    Config
	node      Node
	history   History
	tokens    *rpcserver.Tokens // nil: everyone on loopback may do everything
	tls       *tls.Config       // nil: plain
	log       *slog.Logger
	metrics   *metrics
	large     chan struct{} // places for large bodies
	streams   chan struct{} // places for streams
	exporting chan struct{} // held by whoever is given the state
	open      sync.WaitGroup
	ending    context.Context // of Run: streams and waiting calls end with it, other calls are finished

	recent commitCache
	times  commitTimes
}

// New checks the configuration and makes a server. Nothing listens before Run. register may
// be nil.
func New(config Config, node Node, history History, register prometheus.Registerer, log *slog.Logger) (*Server, error) {
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
	return &Server{
		config: config, node: node, history: history, tokens: tokens, tls: tlsConfig, log: log,
		metrics: newMetrics(register), large: make(chan struct{}, maxLarge), streams: make(chan struct{}, maxStreams), exporting: make(chan struct{}, 1),
		ending: context.Background(),
	}, nil
}

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
	l = &rpcserver.CappedListener{Listener: l, Total: s.config.MaxConnections, PerAddress: s.config.MaxPerAddress}
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	err := rpcserver.Serve(ctx, rpcserver.NewHTTP(calls, s.Handler(), s.log), l)
	s.open.Wait() // streams end with ctx
	return err
}

// Handler returns the routes with all checks in front.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", s.post)
	mux.HandleFunc("POST /rpc", s.post)
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /ws", s.socket)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /state", s.state)
	return s.config.Guard(mux)
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests cannot
	if !rpcserver.TypeAllowed(r) {
		http.Error(w, "send JSON: Content-Type: application/json", http.StatusUnsupportedMediaType)
		return
	}
	body, f := s.readBody(r)
	if f != nil {
		w.Header().Set("Connection", "close")
		s.write(w, strictReply(nil, nil, f))
		return
	}
	s.write(w, s.answer(caller{right: s.tokens.RightOf(r), wait: r.Context()}, body))
}

// readBody reads up to the small limit at will and up to the large one in a bounded number of
// calls at once, so that idle senders cannot make the node hold much memory.
func (s *Server) readBody(r *http.Request) ([]byte, *fault) {
	if r.ContentLength > maxLargeBody {
		return nil, tooLong()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		select {
		case s.large <- struct{}{}:
			defer func() { <-s.large }()
		default:
			return nil, faultf("rate_limited", "too many large requests at once").
				with("retry_after_ms", 1000).withStatus(http.StatusTooManyRequests)
		}
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(r.Body, maxLargeBody+1-int64(len(body))))
		body = append(body, rest...)
	}
	switch {
	case err != nil:
		return nil, faultf("parse_error", "the body did not arrive: %v", err)
	case len(body) > maxLargeBody:
		return nil, tooLong()
	}
	return body, nil
}

func tooLong() *fault {
	return faultf("too_large", "the body is over %d bytes, with a raw transaction %d", maxBody, maxLargeBody).
		withStatus(http.StatusRequestEntityTooLarge)
}

func (s *Server) write(w http.ResponseWriter, out reply) {
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
