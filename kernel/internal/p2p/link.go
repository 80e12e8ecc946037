package p2p

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	writeBuffer = 64 << 10 // small frames are sent together: 1.6 ns a byte alone, 0.8 so
	readBuffer  = 64 << 10
)

// A link is one connection with a known member, from the greeting to the end. A reader and a
// writer goroutine own its two directions; stop may be called by anybody.
type link struct {
	mesh     *Mesh
	peer     *peer
	raw      *timedConn
	conn     *tls.Conn // on raw
	remote   string    // the other end's address
	reader   frameReader
	dialled  bool      // by us
	started  time.Time // when the connection was accepted, or dialling began
	instance instance  // of the peer's process
	sequence uint64    // of the lower key's decision
	attached time.Time // guarded by peer.mu until the link is visible, then constant

	wake chan struct{} // holds a token when there may be something to write
	rtt  atomic.Int64  // nanoseconds
	pong atomic.Pointer[[8]byte]
	ping struct {
		sync.Mutex
		nonce uint64
		sent  time.Time // zero when answered
	}

	once  sync.Once
	done  chan struct{} // closed by stop
	cause error         // why; written before done is closed
}

// An instance tells one run of a node from the next: random, new with every start.
type instance [16]byte

func newLink(m *Mesh, p *peer, raw *timedConn, conn *tls.Conn, dialled bool, started time.Time) *link {
	l := &link{mesh: m, peer: p, raw: raw, conn: conn, remote: raw.RemoteAddr().String(), dialled: dialled, started: started, wake: make(chan struct{}, 1), done: make(chan struct{})}
	l.reader.stream = bufio.NewReaderSize(conn, readBuffer)
	return l
}

// stop ends the link for the given reason; the first one counts. It does not block.
func (l *link) stop(cause error) {
	l.once.Do(func() {
		l.cause = cause
		close(l.done)
		l.raw.finish(l.mesh.timing.grace)
	})
}

// serve moves frames until the link ends, and returns why.
func (l *link) serve(ctx context.Context) error {
	l.raw.live(l.mesh.timing.dead)
	release := context.AfterFunc(ctx, func() { l.stop(Stopping) })
	defer release()
	var writer sync.WaitGroup
	writer.Go(func() {
		l.stop(l.write())
		l.sayWhy()
		l.raw.Close() // not the TLS one: its farewell may wait for a peer that does not read
	})
	l.stop(l.read())
	writer.Wait()
	return l.cause
}

// read hands data frames to the inbox. While the inbox is full it does not read, and the
// clock that declares the peer dead stands still.
func (l *link) read() error {
	limiter := rate.NewLimiter(rate.Limit(l.mesh.limits.ReceiveRate), MaxFrameSize+l.mesh.limits.ReceiveRate)
	admit := func(n int) error {
		l.peer.received.Add(uint64(n))
		return l.sleep(limiter.ReserveN(time.Now(), max(n, frameCost)).Delay())
	}
	for {
		kind, payload, err := l.reader.next(admit)
		if err != nil {
			return l.fault(err, Silent)
		}
		switch kind {
		case frameData:
			if !l.mesh.inbox.put(l.peer.in, payload, l.done) {
				return nil
			}
		case framePing:
			l.pong.Store((*[8]byte)(payload))
			signal(l.wake)
		case framePong:
			l.answered(binary.BigEndian.Uint64(payload))
		case frameClose:
			return ClosedByPeer{Fault(payload[0])}
		default:
			return fail(FrameUnexpected, "kind %d after the greeting", kind)
		}
	}
}

// sleep keeps the reader from reading for d; an error means that the link ended.
func (l *link) sleep(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.done:
		return net.ErrClosed
	}
}

// write sends what waits, control frames first, and flushes when nothing is left.
func (l *link) write() error {
	out := bufio.NewWriterSize(l.conn, writeBuffer)
	ticker := time.NewTicker(l.mesh.timing.ping)
	defer ticker.Stop()
	var scratch [headerSize + 8]byte
	if err := l.writePing(out, scratch[:0]); err != nil {
		return l.fault(err, Stalled)
	}
	for {
		select {
		case <-l.done:
			return nil
		case <-ticker.C:
			if err := l.writePing(out, scratch[:0]); err != nil {
				return l.fault(err, Stalled)
			}
		default:
		}
		idle, err := l.writeNext(out, scratch[:0])
		if err != nil {
			return l.fault(err, Stalled)
		}
		if !idle {
			continue
		}
		if err := out.Flush(); err != nil {
			return l.fault(err, Stalled)
		}
		select {
		case <-l.wake:
		case <-l.done:
			return nil
		case <-ticker.C:
			if err := l.writePing(out, scratch[:0]); err != nil {
				return l.fault(err, Stalled)
			}
		}
	}
}

// writeNext buffers one frame; idle means that there was none.
func (l *link) writeNext(out *bufio.Writer, scratch []byte) (idle bool, err error) {
	if echo := l.pong.Swap(nil); echo != nil {
		return false, l.writeFrame(out, appendFrame(scratch, framePong, echo[:]), nil)
	}
	frame := l.peer.pop(l)
	if frame == nil {
		return true, nil
	}
	return false, l.writeFrame(out, appendHeader(scratch, frameData, len(frame)), frame)
}

func (l *link) writeFrame(out *bufio.Writer, head, payload []byte) error {
	l.peer.sent.Add(uint64(len(head) + len(payload)))
	if _, err := out.Write(head); err != nil {
		return err
	}
	_, err := out.Write(payload)
	return err
}

// writePing measures the round trip; it also shows the peer that we live.
func (l *link) writePing(out *bufio.Writer, scratch []byte) error {
	l.ping.Lock()
	l.ping.nonce++
	nonce := l.ping.nonce
	l.ping.sent = time.Now()
	l.ping.Unlock()
	return l.writeFrame(out, binary.BigEndian.AppendUint64(appendHeader(scratch, framePing, 8), nonce), nil)
}

// answered takes the time of a pong; one that answers no open ping is ignored.
func (l *link) answered(nonce uint64) {
	l.ping.Lock()
	defer l.ping.Unlock()
	if nonce == l.ping.nonce && !l.ping.sent.IsZero() {
		l.rtt.Store(int64(time.Since(l.ping.sent)))
		l.ping.sent = time.Time{}
	}
}

// sayWhy tells the peer the fault, if there is one to tell and it still listens.
func (l *link) sayWhy() {
	var f Fault
	if errors.As(l.cause, &f) {
		l.conn.Write(appendFrame(nil, frameClose, []byte{byte(f)}))
	}
}

// fault names an error of the connection; a deadline that passed is the given one.
func (l *link) fault(err error, late Fault) error {
	var f Fault
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return late
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("connection closed: %w", err)
	}
	return err
}

// A timedConn gives every read and write its own deadline once the link is live; before, the
// deadline of the handshake stands. It lies below TLS, so one record is one step.
type timedConn struct {
	net.Conn

	mu       sync.Mutex
	idle     time.Duration // 0 before live
	finished bool
}

func (c *timedConn) live(idle time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.finished {
		c.idle = idle
		c.Conn.SetDeadline(time.Now().Add(idle))
	}
}

// finish ends reading at once and leaves writing a last moment.
func (c *timedConn) finish(grace time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finished = true
	now := time.Now()
	c.Conn.SetReadDeadline(now)
	c.Conn.SetWriteDeadline(now.Add(grace))
}

func (c *timedConn) Read(b []byte) (int, error) {
	c.extend(c.Conn.SetReadDeadline)
	return c.Conn.Read(b)
}

func (c *timedConn) Write(b []byte) (int, error) {
	c.extend(c.Conn.SetWriteDeadline)
	return c.Conn.Write(b)
}

func (c *timedConn) extend(set func(time.Time) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idle > 0 && !c.finished {
		set(time.Now().Add(c.idle))
	}
}
