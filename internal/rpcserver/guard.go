package rpcserver

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Guard lets through only what a browser cannot be tricked into: a Host that names this
// server, and an Origin that is this server or listed. There is no wildcard. [RPC-8]
func (c *Config) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !c.hostAllowed(r.Host) {
			http.Error(w, "this server is not called "+Clip(r.Host)+"; add the name to rpc.hosts", http.StatusForbidden)
			return
		}
		origin := r.Header.Get("Origin")
		if origin != "" && !c.originAllowed(origin, r.Host) {
			http.Error(w, "pages of "+Clip(origin)+" may not call this server; add it to rpc.origins", http.StatusForbidden)
			return
		}
		if slices.Contains(c.Origins, origin) {
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
func (c *Config) hostAllowed(hostport string) bool {
	host := hostOf(hostport)
	listen, _, _ := net.SplitHostPort(c.Listen)
	switch {
	case slices.Contains(c.Hosts, host), host == listen:
		return true
	case IsLoopback(listen):
		return IsLoopback(host)
	}
	return len(c.Hosts) == 0
}

// hostOf cuts the port off, if there is one.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func (c *Config) originAllowed(origin, host string) bool {
	if slices.Contains(c.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}

// TypeAllowed accepts JSON. What curl -d sends without being told is accepted too, unless a
// browser form could have sent it.
func TypeAllowed(r *http.Request) bool {
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

// Clip bounds text from outside in an answer or a log line.
func Clip(s string) string { return s[:min(len(s), 100)] }

// RemoteHost is the host of a host:port.
func RemoteHost(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}

// A CappedListener closes connections over the caps as soon as they are accepted.
type CappedListener struct {
	net.Listener
	Total      int
	PerAddress int // loopback excepted: there it would let one process starve another

	mu   sync.Mutex
	open map[string]int // by remote host
	sum  int
}

// Accept returns the next connection within the caps.
func (l *CappedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host := RemoteHost(conn.RemoteAddr().String())
		if l.take(host) {
			return &countedConn{Conn: conn, release: sync.OnceFunc(func() { l.give(host) })}, nil
		}
		conn.Close()
	}
}

func (l *CappedListener) take(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sum >= l.Total || l.open[host] >= l.PerAddress && !IsLoopback(host) {
		return false
	}
	if l.open == nil {
		l.open = map[string]int{}
	}
	l.open[host]++
	l.sum++
	return true
}

func (l *CappedListener) give(host string) {
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
