// Package stratum serves work to Ethash miners over TCP, one line of JSON a message, in the two dialects that they speak:
// EthereumStratum/1.0.0 and that of ethproxy.
//
// EthereumStratum/1.0.0 is the one to use. Every connection gets a part of the nonces of its own (the extra nonce, the first two of
// eight bytes), so all search the same header without overlap and a new block costs the node one header whatever the number of
// miners; shares come without mix hash, which the node computes itself; and the difficulty of shares is the server's to say. The dialect of ethproxy is
// getwork over a connection that the server may push to; it is here because older miners know nothing else.
//
// The server is for the operator's own machines: all blocks pay the node's address, whatever name a miner logs in with. It is no
// pool. It listens on loopback unless told otherwise.
package stratum

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/forge"
)

// A Source is where work comes from and goes to. A forge.Forge is one.
type Source interface {
	Work(ctx context.Context, worker string) (*forge.Job, error)
	Result(s forge.Solution) (j *forge.Job, result [32]byte, err error)
	Note(s forge.Solution) bool // a share that is no block; false if it came before
	Submit(ctx context.Context, s forge.Solution) (pillars.BlockID, error)
}

// Options bound a server. The zero value is the default.
type Options struct {
	Listen      string // host and port; default 127.0.0.1:8008
	Connections int    // all together; default 256
	PerHost     int    // from one address; default 64
	Share       uint64 // hashes of a share: fixed; 0: as many as a block takes, or what VarDiff finds
	VarDiff     bool   // about one share in ten seconds from each connection
	Log         *slog.Logger
}

// Times and bounds of connections.
const (
	loginWithin  = 10 * time.Second
	idleAfter    = 10 * time.Minute
	writeWithin  = 10 * time.Second
	maxLine      = 4096 // bytes of a message
	burst        = 200  // messages at once
	perSecond    = 20   // messages in the long run
	banFor       = 10 * time.Minute
	maxBans      = 4096
	badBefore    = 20 // refused shares in a row, or
	brokenBefore = 3  // messages that are none, before a host is banned
	keptJobs     = 16 // of a connection, whose shares still count
	askAgain     = 2 * time.Second
)

func (o Options) filled() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8008"
	}
	if o.Connections == 0 {
		o.Connections = 256
	}
	if o.PerHost == 0 {
		o.PerHost = 64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// A Server is one listening socket.
type Server struct {
	o        Options
	source   Source
	listener net.Listener

	mu       sync.Mutex
	sessions map[*session]bool
	hosts    map[netip.Addr]int
	bans     map[netip.Addr]time.Time // until when
	prefixes map[uint16]bool          // extra nonces in use
	next     uint16
}

// Listen opens the socket. Run serves it.
func Listen(source Source, o Options) (*Server, error) {
	o = o.filled()
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	return &Server{
		o: o, source: source, listener: l, sessions: map[*session]bool{}, hosts: map[netip.Addr]int{},
		bans: map[netip.Addr]time.Time{}, prefixes: map[uint16]bool{},
	}, nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.listener.Close() })
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := s.listener.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // out of files, most likely: the next try may do better
			s.o.Log.Warn("stratum: accept", "err", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		sess := s.admit(conn)
		if sess == nil {
			_ = conn.Close()
			continue
		}
		all.Go(func() {
			defer s.leave(sess)
			sess.run(ctx)
		})
	}
}

// admit makes a session of a connection if there is room and its host is not banned.
func (s *Server) admit(conn net.Conn) *session {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return nil
	}
	host := at.Addr().Unmap()
	s.mu.Lock()
	defer s.mu.Unlock()
	if until, banned := s.bans[host]; banned && time.Now().Before(until) {
		return nil
	}
	delete(s.bans, host)
	if len(s.sessions) >= s.o.Connections || s.hosts[host] >= s.o.PerHost {
		return nil
	}
	for s.prefixes[s.next] {
		s.next++
	}
	sess := newSession(s, conn, host, s.next)
	s.prefixes[s.next] = true
	s.next++
	s.sessions[sess] = true
	s.hosts[host]++
	return sess
}

func (s *Server) leave(sess *session) {
	_ = sess.conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, sess)
	delete(s.prefixes, sess.prefix)
	if s.hosts[sess.host]--; s.hosts[sess.host] <= 0 {
		delete(s.hosts, sess.host)
	}
}

// ban refuses a host for a while.
func (s *Server) ban(host netip.Addr, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bans) >= maxBans {
		clear(s.bans) // a flood from thousands of addresses: better some get in early than memory grows
	}
	s.bans[host] = time.Now().Add(banFor)
	s.o.Log.Warn("stratum: host banned", "host", host, "why", why)
}

// A Miner is a connection, as it is shown to people.
type Miner struct {
	Name     string `json:"name"`
	Agent    string `json:"agent"`
	Host     string `json:"host"`
	Dialect  string `json:"dialect"`
	Since    int64  `json:"since"` // Unix seconds
	Share    uint64 `json:"share_hashes"`
	Accepted uint64 `json:"shares"`
	Refused  uint64 `json:"refused"`
	Blocks   uint64 `json:"blocks"`
	HashRate uint64 `json:"hash_rate"` // what the shares of the last minutes are worth
}

// Miners lists the connections that have logged in, by name.
func (s *Server) Miners() []Miner {
	s.mu.Lock()
	var all []*session
	for sess := range s.sessions {
		all = append(all, sess)
	}
	s.mu.Unlock()
	var out []Miner
	for _, sess := range all {
		if m, ok := sess.info(); ok {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b Miner) int { return strings.Compare(a.Name+a.Host, b.Name+b.Host) })
	return out
}
