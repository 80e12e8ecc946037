package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// A Conn is one connection with another node.
type Conn struct {
	ID      Peer
	Inbound bool
	Fixed   bool           // dialled because it was asked for by name
	Addr    netip.AddrPort // of the other end
	Since   time.Time
	Greeted bool // the other end said hello; of the goroutine that calls Received, like
	Own     any  // what a handler keeps with the connection; it may set it in Joined

	mesh *Mesh
	sock net.Conn
	ping atomic.Int64 // nanoseconds of the last round
	sent atomic.Int64 // when the last ping went, unix nanoseconds

	mu     sync.Mutex // guards what follows; never held while the socket is used
	queue  [][]byte
	bytes  int
	closed bool          // no more is sent
	wake   chan struct{} // a token when there is something to send, or it is closed
	room   chan struct{} // a token when there is room for answers
	done   chan struct{} // closed when the connection is
}

// Send queues a message. A peer that does not read what is queued is hung up on.
func (c *Conn) Send(m wire.Message) {
	if !c.push(wire.AppendFrame(nil, c.mesh.config.Magic, m)) {
		c.kill()
	}
}

// Answer queues a message when there is room for it. It reports false when the connection ends first.
func (c *Conn) Answer(m wire.Message) bool {
	frame := wire.AppendFrame(nil, c.mesh.config.Magic, m)
	for {
		c.mu.Lock()
		free := c.bytes < c.mesh.limits.AnswerBytes
		c.mu.Unlock()
		if free {
			return c.push(frame)
		}
		select {
		case <-c.room:
		case <-c.done:
			return false
		}
	}
}

func (c *Conn) push(frame []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return true // on its way out
	}
	if c.bytes+len(frame) > c.mesh.limits.QueueBytes {
		return false
	}
	c.queue = append(c.queue, frame)
	c.bytes += len(frame)
	token(c.wake)
	return true
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Hangup ends the connection after what is queued.
func (c *Conn) Hangup() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	token(c.wake)
}

// kill ends the connection at once.
func (c *Conn) kill() { _ = c.sock.Close() }

// Latency is the time of the last ping's round; 0 before the first.
func (c *Conn) Latency() time.Duration { return time.Duration(c.ping.Load()) }

// run carries messages until the connection ends.
func (c *Conn) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	var writer sync.WaitGroup
	writer.Go(func() {
		_ = c.write()
		c.kill()
	})
	err := c.read()
	c.kill()
	close(c.done)
	c.Hangup()
	writer.Wait()
	return err
}

// next takes the frame that is to be sent next; last says that there will be none.
func (c *Conn) next() (frame []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil, c.closed
	}
	frame, c.queue = c.queue[0], c.queue[1:]
	c.bytes -= len(frame)
	if c.bytes < c.mesh.limits.AnswerBytes {
		token(c.room)
	}
	return frame, false
}

func (c *Conn) write() error {
	w := bufio.NewWriterSize(c.sock, 64<<10)
	ping := time.NewTicker(c.mesh.limits.Ping)
	defer ping.Stop()
	for {
		frame, last := c.next()
		if frame == nil {
			if err := w.Flush(); err != nil || last {
				return err
			}
			select {
			case <-c.wake:
			case <-ping.C:
				c.sent.Store(time.Now().UnixNano())
				c.Send(&wire.Ping{Nonce: uint64(c.ID)})
			case <-c.done:
				return nil
			}
			continue
		}
		if err := c.sock.SetWriteDeadline(time.Now().Add(c.mesh.limits.Dead)); err != nil {
			return err
		}
		if _, err := w.Write(frame); err != nil {
			return err
		}
		c.mesh.count.out.Add(uint64(len(frame)))
		c.mesh.count.messagesOut.Add(1)
	}
}

func (c *Conn) read() error {
	r := bufio.NewReaderSize(c.sock, 64<<10)
	for {
		m, taken, err := c.readOne(r)
		if err != nil {
			return err
		}
		c.handle(m)
		c.mesh.budget.give(taken)
	}
}

// errMalformed says that bytes are no message.
var errMalformed = errors.New("malformed")

// readOne reads a message. Its bytes are taken from the budget of all connections until they are handed over.
func (c *Conn) readOne(r *bufio.Reader) (m wire.Message, taken int, err error) {
	if err := c.sock.SetReadDeadline(time.Now().Add(c.mesh.limits.Dead)); err != nil {
		return nil, 0, err
	}
	var head [wire.FrameSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	f, err := wire.ParseFrame(head, c.mesh.config.Magic)
	if err != nil {
		return nil, 0, c.malformed(err)
	}
	if !c.mesh.budget.take(f.Size, c.done, c.mesh.stopped) {
		return nil, 0, net.ErrClosed
	}
	payload, err := readPayload(r, f.Size)
	if err != nil {
		c.mesh.budget.give(f.Size)
		return nil, 0, err
	}
	if f.Check(payload) {
		m, err = wire.Decode(f.Kind, payload)
	} else {
		err = errors.New("wrong checksum")
	}
	if err != nil {
		c.mesh.budget.give(f.Size)
		return nil, 0, c.malformed(err)
	}
	c.mesh.count.in.Add(uint64(len(head) + len(payload)))
	c.mesh.count.messagesIn.Add(1)
	return m, f.Size, nil
}

func (c *Conn) malformed(err error) error {
	err = fmt.Errorf("%w: %w", errMalformed, err)
	c.mesh.config.Handler.Malformed(c, err)
	return err
}

// firstStep is what a message may allocate before its bytes arrive.
const firstStep = 64 << 10

// readPayload reads so many bytes, and takes memory as they come.
func readPayload(r io.Reader, size int) ([]byte, error) {
	b := make([]byte, 0, min(size, firstStep))
	for len(b) < size {
		if len(b) == cap(b) {
			grown := make([]byte, len(b), min(size, 2*len(b)))
			copy(grown, b)
			b = grown
		}
		n, err := io.ReadFull(r, b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// handle answers what keeps the connection itself, and hands over the rest.
func (c *Conn) handle(m wire.Message) {
	switch m := m.(type) {
	case *wire.Ping:
		c.Send(&wire.Pong{Nonce: m.Nonce})
	case *wire.Pong:
		if sent := c.sent.Swap(0); sent != 0 {
			c.ping.Store(time.Now().UnixNano() - sent)
		}
	case *wire.Goodbye:
		c.mesh.log.Debug("peer says goodbye", "peer", c.Addr, "why", m.Reason)
		c.Hangup()
	default:
		c.mesh.config.Handler.Received(c, m)
	}
}

// A budget bounds the bytes that all connections read and hand over at a time.
type budget struct {
	mu      sync.Mutex
	free    int
	waiting []chan struct{} // closed when there may be room, in the order in which they came
}

// take waits until there is room; it reports false if one of the channels is closed first.
func (b *budget) take(n int, done, stopped <-chan struct{}) bool {
	for {
		b.mu.Lock()
		if b.free >= n {
			b.free -= n
			b.mu.Unlock()
			return true
		}
		w := make(chan struct{})
		b.waiting = append(b.waiting, w)
		b.mu.Unlock()
		select {
		case <-w:
		case <-done:
			return false
		case <-stopped:
			return false
		}
	}
}

func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	for _, w := range b.waiting {
		close(w)
	}
	b.waiting = nil
}
