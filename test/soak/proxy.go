package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// A link is the wire on which one node dials another: a TCP proxy in user space. It can be cut,
// carry one direction only, or be slow, and none of this needs a privilege.
//
// Troubles of one link add up and are taken back one by one, since both of its nodes may have
// some at the same time.
type link struct {
	listener net.Listener
	target   string

	mu      sync.Mutex // guards all below
	cuts    int
	holds   [2]int // by direction
	delay   time.Duration
	changed chan struct{} // closed and replaced when a hold ends
	open    map[net.Conn]struct{}
}

// Directions of the bytes of a link.
const (
	forth = 0 // from the node that dials
	back  = 1
)

// Bounds of what one direction of one connection keeps while it is held or slow. What is beyond
// stays with the sender, as with a network that takes no more.
const (
	chunkSize  = 32 << 10
	chunksKept = 64
)

// newLink listens on a free port of the loopback address.
func newLink(target string) (*link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a link: %w", err)
	}
	return &link{listener: l, target: target, changed: make(chan struct{}), open: map[net.Conn]struct{}{}}, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

// run carries connections until ctx ends.
func (l *link) run(ctx context.Context) {
	var carried sync.WaitGroup
	defer carried.Wait()
	stop := context.AfterFunc(ctx, func() { l.listener.Close(); l.reset() })
	defer stop()
	for {
		conn, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, most likely
			continue
		}
		carried.Go(func() { l.carry(ctx, conn) })
	}
}

// carry joins one connection with one to the target until either ends.
func (l *link) carry(ctx context.Context, near net.Conn) {
	if !l.admit(ctx, near) {
		return
	}
	defer l.leave(near)
	far, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", l.target)
	if err != nil {
		return // the node is down: its caller sees a connection that ends
	}
	if !l.admit(ctx, far) {
		return
	}
	defer l.leave(far)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { abort(near); abort(far) })
	var ways sync.WaitGroup
	ways.Go(func() { defer cancel(); l.copy(ctx, far, near, forth) })
	ways.Go(func() { defer cancel(); l.copy(ctx, near, far, back) })
	ways.Wait()
}

// admit takes a connection on unless the link is cut.
func (l *link) admit(ctx context.Context, c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cuts > 0 || ctx.Err() != nil {
		abort(c)
		return false
	}
	l.open[c] = struct{}{}
	return true
}

func (l *link) leave(c net.Conn) {
	abort(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}

// abort ends a connection with a reset: nothing of what is under way arrives any more.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}

type chunk struct {
	bytes []byte
	due   time.Time
}

// copy carries one direction: each chunk waits for its time and for the way to be open.
func (l *link) copy(ctx context.Context, to, from net.Conn, way int) {
	chunks := make(chan chunk, chunksKept)
	go func() {
		defer close(chunks)
		for {
			b := make([]byte, chunkSize)
			n, err := from.Read(b)
			if n > 0 {
				select {
				case chunks <- chunk{b[:n:n], time.Now().Add(l.delayNow())}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	for c := range chunks {
		if pause(ctx, time.Until(c.due)) != nil || l.passable(ctx, way) != nil {
			return
		}
		if _, err := to.Write(c.bytes); err != nil {
			return
		}
	}
}

// passable waits while the direction is held.
func (l *link) passable(ctx context.Context, way int) error {
	for {
		l.mu.Lock()
		held, changed := l.holds[way] > 0, l.changed
		l.mu.Unlock()
		if !held {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *link) delayNow() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.delay
}

// cut ends all connections and refuses new ones; by is +1, and -1 to take it back.
func (l *link) cut(by int) {
	l.mu.Lock()
	l.cuts += by
	l.mu.Unlock()
	if by > 0 {
		l.reset()
	}
}

// hold stops one direction while connections stay up; by as in cut.
func (l *link) hold(way, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds[way] += by
	close(l.changed)
	l.changed = make(chan struct{})
}

// slow adds to the time that bytes need, in both directions.
func (l *link) slow(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay += by
}

// reset ends all connections.
func (l *link) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.open {
		abort(c)
	}
}

// pause waits for d or for the end of ctx, whose error it returns.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A mesh holds the links of all ordered pairs of nodes; nodes count from 1.
type mesh struct{ links map[pair]*link }

type pair struct{ from, to int }

// newMesh makes the links; targets are the nodes' own addresses.
func newMesh(targets []string) (*mesh, error) {
	m := &mesh{links: map[pair]*link{}}
	for from := range targets {
		for to, target := range targets {
			if from == to {
				continue
			}
			l, err := newLink(target)
			if err != nil {
				m.close()
				return nil, err
			}
			m.links[pair{from + 1, to + 1}] = l
		}
	}
	return m, nil
}

func (m *mesh) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, l := range m.links {
		all.Go(func() { l.run(ctx) })
	}
	all.Wait()
}

func (m *mesh) close() {
	for _, l := range m.links {
		l.listener.Close()
	}
}

// trouble applies a step to its links and returns how to take it back. Between two nodes there
// is one connection, which either may have dialled: both links of the pair are meant.
func (m *mesh) trouble(s *Step) (heal func()) {
	apply := func(sign int) {
		for _, p := range s.Peers {
			out, in := m.links[pair{s.Node, p}], m.links[pair{p, s.Node}]
			switch {
			case s.Kind == Cut:
				out.cut(sign)
				in.cut(sign)
			case s.Kind == Slow:
				by := time.Duration(sign) * time.Duration(s.Delay) * time.Millisecond
				out.slow(by)
				in.slow(by)
			case s.Way == Outward:
				out.hold(forth, sign)
				in.hold(back, sign)
			default:
				out.hold(back, sign)
				in.hold(forth, sign)
			}
		}
	}
	apply(+1)
	return func() { apply(-1) }
}

// between is how many connections the two nodes have through the mesh.
func (m *mesh) between(a, b int) (n int) {
	for _, p := range []pair{{a, b}, {b, a}} {
		l := m.links[p]
		l.mu.Lock()
		n += len(l.open) / 2
		l.mu.Unlock()
	}
	return n
}

// healthy lists what is still in trouble; at the end of a run that is nothing.
func (m *mesh) healthy() error {
	var sick []string
	for p, l := range m.links {
		l.mu.Lock()
		if l.cuts != 0 || l.holds != [2]int{} || l.delay != 0 {
			sick = append(sick, fmt.Sprintf("%d to %d", p.from, p.to))
		}
		l.mu.Unlock()
	}
	if len(sick) == 0 {
		return nil
	}
	slices.Sort(sick)
	return fmt.Errorf("links are not healed: %v", sick)
}
