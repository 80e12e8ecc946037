package rpc

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// guard lets through only what a browser cannot be tricked into: a Host that names this
// server, and an Origin that is this server or listed. There is no wildcard. [RPC-8]
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !s.hostAllowed(r.Host) {
			http.Error(w, "this server is not called "+clip(r.Host)+"; add the name to rpc.hosts", http.StatusForbidden)
			return
		}
		origin := r.Header.Get("Origin")
		if origin != "" && !s.originAllowed(origin, r.Host) {
			http.Error(w, "pages of "+clip(origin)+" may not call this server; add it to rpc.origins", http.StatusForbidden)
			return
		}
		if slices.Contains(s.config.Origins, origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Vary", "Origin")
			if r.Method == http.MethodOptions {
				w.Header().Set("Access-Control-Allow-Methods", "POST")
				w.Header().Set("Access-Control-Allow-Headers", "Content-Type, Authorization")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// hostAllowed refuses names that merely resolve to this machine (DNS rebinding). A public
// listener without configured names accepts any: its certificate names it.
func (s *Server) hostAllowed(hostport string) bool {
	host := hostOf(hostport)
	listen, _, _ := net.SplitHostPort(s.config.Listen)
	switch {
	case slices.Contains(s.config.Hosts, host), host == listen:
		return true
	case isLoopback(listen):
		return isLoopback(host)
	}
	return len(s.config.Hosts) == 0
}

// hostOf cuts the port off, if there is one.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func (s *Server) originAllowed(origin, host string) bool {
	if slices.Contains(s.config.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}

// typeAllowed accepts JSON. What curl -d sends without being told is accepted too, unless a
// browser form could have sent it.
func typeAllowed(r *http.Request) bool {
	header := r.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(header)
	switch {
	case header == "":
		return true
	case err != nil:
		return false
	case kind == "application/x-www-form-urlencoded":
		return r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
	}
	return kind == "application/json" || kind == "application/json-rpc"
}

func clip(s string) string { return s[:min(len(s), 100)] }

func remoteHost(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// A cappedListener closes connections over the caps as soon as they are accepted.
type cappedListener struct {
	net.Listener
	total      int
	perAddress int // loopback excepted: there it would let one process starve another

	mu   sync.Mutex
	open map[string]int // by remote host
	sum  int
}

// Accept returns the next connection within the caps.
func (l *cappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := remoteHost(conn.RemoteAddr().String())
		if l.take(host) {
			return &countedConn{Conn: conn, release: sync.OnceFunc(func() { l.give(host) })}, nil
		}
		conn.Close()
	}
}

func (l *cappedListener) take(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sum >= l.total || l.open[host] >= l.perAddress && !isLoopback(host) {
		return false
	}
	if l.open == nil {
		l.open = map[string]int{}
	}
	l.open[host]++
	l.sum++
	return true
}

func (l *cappedListener) give(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sum--
	if l.open[host]--; l.open[host] == 0 {
		delete(l.open, host)
	}
}

// A countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	release func()
}

// Close closes the connection once more than once without harm.
func (c *countedConn) Close() error {
	c.release()
	return c.Conn.Close()
}
