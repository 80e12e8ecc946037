package p2p

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"
)

// keepDialling dials p whenever there is no connection with it.
func (m *Mesh) keepDialling(ctx context.Context, p *peer) {
	for failures := 0; ; {
		if !p.waitVacant(ctx) {
			return
		}
		if p.takeLived() > m.timing.settle {
			failures = 0
		}
		if !sleep(ctx, max(m.pause(p, failures), p.barredFor(time.Now()))) {
			return
		}
		address := p.dialAt()
		if address == "" {
			continue
		}
		err := m.dial(ctx, p, address)
		if ctx.Err() != nil {
			return
		}
		p.note(err)
		failures++
		if definite(err) {
			failures = max(failures, hopelessRetries)
		}
	}
}

// pause is how long to wait before dialling again. The lower key begins at once and the
// other a moment later, so that boots rarely race. [NET-16]
func (m *Mesh) pause(p *peer, failures int) time.Duration {
	if failures == 0 && !p.decides {
		return 0
	}
	return jitter(backoff(m.timing.retry, m.timing.retryMax, failures-steadyRetries))
}

const (
	steadyRetries   = 8  // failures before the pause starts to double: booting takes a moment
	hopelessRetries = 64 // puts the pause at its longest
)

// definite reports whether a refusal will not pass by itself in a moment.
func definite(err error) bool {
	var f Fault
	var c ClosedByPeer
	if errors.As(err, &c) {
		return c.Fault == BackingOff || c.Fault == Misbehaviour
	}
	if !errors.As(err, &f) {
		return false
	}
	switch f {
	case OtherNetwork, UnknownKey, WrongMember, SelfConnection, WrongProtocol:
		return true
	}
	return false
}

// dial makes one attempt and serves the connection until it ends; the error says why.
func (m *Mesh) dial(ctx context.Context, p *peer, address string) error {
	started := time.Now()
	dialer := net.Dialer{Timeout: m.timing.handshake}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	raw := &timedConn{Conn: conn}
	defer raw.Close()
	raw.SetDeadline(started.Add(m.timing.handshake))
	release := context.AfterFunc(ctx, func() { raw.finish(0) })
	defer release()
	l := newLink(m, p, raw, tls.Client(raw, m.network.client(p.key)), true, started)
	if err := l.conn.HandshakeContext(ctx); err != nil {
		return greetError("handshake", err)
	}
	if err := l.greet(); err != nil {
		return greetError("greeting", err)
	}
	release()
	return m.serve(ctx, l)
}

// accept takes connections until ctx ends.
func (m *Mesh) accept(ctx context.Context) error {
	for {
		conn, err := m.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		case err != nil: // out of file descriptors, or the caller is already gone
			m.log.Warn("accept", "err", err)
			if !sleep(ctx, m.timing.retry) {
				return nil
			}
			continue
		}
		k, err := m.door.enter(conn)
		if err != nil {
			conn.Close()
			m.refused.note(m.log, k.ip, err)
			continue
		}
		m.tasks.Go(func() { m.welcome(ctx, k) })
	}
}

// welcome finds out who knocks, and serves a member until the connection ends.
func (m *Mesh) welcome(ctx context.Context, k *knock) {
	started := time.Now()
	raw := &timedConn{Conn: k.conn}
	defer raw.Close()
	raw.SetDeadline(started.Add(m.timing.handshake))
	release := context.AfterFunc(ctx, func() { raw.finish(0) })
	defer release()
	l, err := m.identify(ctx, raw, started)
	wanted := m.door.leave(k)
	if err == nil { // attached: whatever happens now, serve ends it properly
		release()
		m.serve(ctx, l)
		return
	}
	if !wanted {
		err = HandshakeEvicted
	}
	if ctx.Err() == nil {
		m.refused.note(m.log, k.ip, err)
	}
}

// identify runs the handshake of an inbound connection and the greeting.
func (m *Mesh) identify(ctx context.Context, raw *timedConn, started time.Time) (*link, error) {
	conn := tls.Server(raw, m.network.server())
	if err := conn.HandshakeContext(ctx); err != nil {
		// The dialler may have seen first that it is in the wrong place.
		if name := conn.ConnectionState().ServerName; name != "" && name != m.network.network {
			return nil, fail(OtherNetwork, "asked for %.40q", name)
		}
		return nil, greetError("handshake", err)
	}
	key, err := m.network.member(conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	p := m.find(key)
	if p == nil { // dismissed in this moment
		return nil, fail(UnknownKey, "%s", key)
	}
	l := newLink(m, p, raw, conn, false, started)
	if err := l.greet(); err != nil {
		return nil, greetError("greeting", err)
	}
	return l, nil
}

// serve announces an attached link, serves it and takes it back.
func (m *Mesh) serve(ctx context.Context, l *link) error {
	p := l.peer
	m.log.Info("peer connected", "peer", p.name, "address", l.remote, "dialled", l.dialled)
	err := l.serve(ctx)
	if errors.Is(err, FrameTooLarge) || errors.Is(err, FrameMalformed) || errors.Is(err, FrameUnexpected) {
		m.punish(p)
	}
	p.note(err)
	if p.detach(l, time.Now()) {
		m.log.Info("peer lost", "peer", p.name, "err", err)
	}
	return err
}

// jitter spreads d over half of it to one and a half times it.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
