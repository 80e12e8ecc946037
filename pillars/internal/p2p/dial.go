package p2p

import (
	"context"
	"net"
	"time"
)

// Connect dials a node by its name, again and again until Disconnect. It does nothing before Run.
func (m *Mesh) Connect(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ctx == nil || m.ctx.Err() != nil || m.fixed[addr] != nil {
		return
	}
	ctx, cancel := context.WithCancel(m.ctx)
	m.fixed[addr] = cancel
	m.groups.Go(func() { m.keep(ctx, addr) })
}

// Disconnect ends what Connect began. It reports whether there was anything.
func (m *Mesh) Disconnect(addr string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	cancel := m.fixed[addr]
	if cancel == nil {
		return false
	}
	cancel()
	delete(m.fixed, addr)
	return true
}

// retryMost is how many times the first pause the longest one is.
const retryMost = 30

// keep dials one node whenever it is not connected.
func (m *Mesh) keep(ctx context.Context, addr string) {
	pause := m.limits.Retry
	for ctx.Err() == nil {
		began := time.Now()
		if m.dial(ctx, addr, true); time.Since(began) > 10*m.limits.Retry {
			pause = m.limits.Retry // it was there for a while
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, retryMost*m.limits.Retry)
	}
}

// dial opens one connection and carries it until it ends.
func (m *Mesh) dial(ctx context.Context, addr string, fixed bool) {
	d := net.Dialer{Timeout: m.limits.Dialling}
	m.count.dialled.Add(1)
	sock, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		m.count.failed.Add(1)
		m.log.Debug("dial", "peer", addr, "err", err)
		return
	}
	m.serve(ctx, sock, &Conn{Fixed: fixed, Addr: addrOf(sock.RemoteAddr())})
}

// dialPicked keeps as many connections of our own choice as there should be.
func (m *Mesh) dialPicked(ctx context.Context) {
	tick := time.NewTicker(m.limits.Retry)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !m.wantsMore() {
			continue
		}
		addr, ok := m.config.Handler.Pick()
		if !ok {
			continue
		}
		m.mu.Lock()
		m.dials++
		m.mu.Unlock()
		m.groups.Go(func() {
			m.dial(ctx, addr.String(), false)
			m.mu.Lock()
			m.dials--
			m.mu.Unlock()
		})
	}
}

func (m *Mesh) wantsMore() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dials < m.config.Outbound
}
