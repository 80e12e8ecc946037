package p2p

import (
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A stranger talks to a node by hand.
type stranger struct {
	t    *testing.T
	conn *tls.Conn
	in   frameReader
}

// knockAt opens a connection as the holder of the identity; change may break the handshake.
func knockAt(t *testing.T, address string, id *identity, change func(*tls.Config)) (*stranger, error) {
	t.Helper()
	raw, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Close() })
	raw.SetDeadline(time.Now().Add(patience))
	config := id.client(keyOf(0))
	if change != nil {
		change(config)
	}
	s := &stranger{t: t, conn: tls.Client(raw, config)}
	s.in.stream = s.conn
	if err := s.conn.Handshake(); err != nil {
		return s, err
	}
	// In TLS 1.3 the server judges the client last: its answer tells.
	_, _, err = s.in.next(nil)
	return s, err
}

func identityOf(t *testing.T, network kernel.NetworkID, i int, members []crypto.Key) *identity {
	t.Helper()
	id, err := newIdentity(network, seedOf(i), knows(members))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// member greets node 0 as member i, so that it counts as connected.
func (c *cluster) member(i int) *stranger {
	c.t.Helper()
	s, err := knockAt(c.t, c.addresses[0], identityOf(c.t, testNetwork, i, c.members), nil)
	if err != nil {
		c.t.Fatal("not greeted:", err)
	}
	s.write(appendFrame(nil, frameHello, bytes.Repeat([]byte{byte(i)}, 16)))
	if kind, _, err := s.in.next(nil); kind != frameKeep {
		c.t.Fatalf("want keep, got kind %d, %v", kind, err)
	}
	return s
}

func (s *stranger) write(b []byte) {
	s.t.Helper()
	if _, err := s.conn.Write(b); err != nil {
		s.t.Fatal(err)
	}
}

// closedWith reads until the node closes and returns the fault it gives.
func (s *stranger) closedWith() (f Fault) {
	for {
		kind, payload, err := s.in.next(nil)
		if err != nil {
			return f
		}
		if kind == frameClose {
			f = Fault(payload[0])
		}
	}
}

func (n *testNode) refusedWith(f Fault) func() bool {
	return func() bool { return n.Refused()[f] > 0 }
}

// alone starts node 0 of n members, which dials nobody.
func alone(t *testing.T, n int, hurry func(*timing)) (*cluster, *testNode) {
	c := newCluster(t, n)
	return c, c.start(0, func(config *Config) { config.Members = among(c.members, nil) }, hurry)
}

// A member that breaks the framing loses the connection, with the name of what it did, and
// must wait before it comes back.
func TestBrokenFraming(t *testing.T) {
	for _, tt := range []struct {
		name string
		sent []byte
		want Fault
	}{
		{"oversized", append(appendHeader(nil, frameData, MaxFrameSize+1), make([]byte, 4096)...), FrameTooLarge},
		{"length of four gigabytes", []byte{byte(frameData), 255, 255, 255, 255}, FrameTooLarge},
		{"unknown kind", appendFrame(nil, 77, []byte("x")), FrameMalformed},
		{"empty", appendHeader(nil, frameData, 0), FrameMalformed},
		{"second hello", appendFrame(nil, frameHello, make([]byte, 16)), FrameUnexpected},
		{"keep from the wrong side", appendFrame(nil, frameKeep, make([]byte, 8)), FrameUnexpected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, n := alone(t, 2, nil)
			s := c.member(1)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			s.write(tt.sent)
			if got := s.closedWith(); got != tt.want {
				t.Errorf("told %v, want %v", got, tt.want)
			}
			eventually(t, "named", func() bool { return errors.Is(n.peer(1).LastError, tt.want) })
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
				t.Errorf("%d bytes allocated", grown)
			}
			again, err := knockAt(t, c.addresses[0], identityOf(t, testNetwork, 1, c.members), nil)
			if err != nil {
				t.Fatal(err)
			}
			if f := again.closedWith(); f != 0 || n.Refused()[BackingOff] != 1 {
				t.Errorf("back at once: %v, refused %v", f, n.Refused())
			}
		})
	}
}

// Large frames before the greeting are refused unread.
func TestLargeGreeting(t *testing.T) {
	c, n := alone(t, 2, nil)
	s, err := knockAt(t, c.addresses[0], identityOf(t, testNetwork, 1, c.members), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.write(appendHeader(nil, frameData, MaxFrameSize))
	eventually(t, "refused", n.refusedWith(FrameUnexpected))
}

// Connections that never finish their handshake leave room for those that do.
func TestSlowHandshakes(t *testing.T) {
	c := newCluster(t, 2)
	n := c.start(0, func(config *Config) {
		config.Members = among(c.members, nil)
		config.Limits.Handshakes, config.Limits.HandshakesPerIP = 8, 4
	}, nil)
	base := runtime.NumGoroutine()
	for range 40 {
		conn, err := net.Dial("tcp", c.addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte{22, 3, 1}) // the start of a client hello
	}
	eventually(t, "oldest evicted", func() bool { return n.Refused()[HandshakeEvicted] == 36 })
	eventually(t, "few goroutines for 4 half-open connections", func() bool { return runtime.NumGoroutine()-base <= 12 })
	c.start(1, nil, nil)
	eventually(t, "honest member connected", func() bool { return n.connections() == 1 })
}

// A handshake that stands still ends.
func TestHandshakeTimeout(t *testing.T) {
	c, n := alone(t, 2, func(tm *timing) { tm.handshake = 200 * time.Millisecond })
	for range 3 {
		conn, err := net.Dial("tcp", c.addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write([]byte{22, 3, 1})
	}
	eventually(t, "all time out", func() bool { return n.Refused()[HandshakeTimeout] == 3 })
}

// Many strangers cost neither memory nor goroutines once they are gone.
func TestFloodOfStrangers(t *testing.T) {
	c := newCluster(t, 2)
	n := c.start(0, func(config *Config) { config.Members = among(c.members, nil); config.Limits.HandshakeRate = 10_000 }, nil)
	c.member(1)
	base := runtime.NumGoroutine()
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				id, err := newIdentity(testNetwork, seedOf(100+w*25+i%25), knows(c.members))
				if err != nil {
					t.Error(err)
					return
				}
				raw, err := net.Dial("tcp", c.addresses[0])
				if err != nil {
					t.Error(err)
					return
				}
				conn := tls.Client(raw, id.client(keyOf(0)))
				conn.Handshake()
				conn.Read(make([]byte, 1))
				raw.Close()
			}
		})
	}
	wg.Wait()
	eventually(t, "all refused", func() bool { return n.Refused()[UnknownKey] == 200 })
	eventually(t, "goroutines gone", func() bool { return runtime.NumGoroutine() <= base+2 })
	if n.connections() != 1 {
		t.Error("the member lost its connection")
	}
	n.door.mu.Lock()
	defer n.door.mu.Unlock()
	if len(n.door.inner) != 0 {
		t.Errorf("%d connections remembered", len(n.door.inner))
	}
}

// A member that sends but never reads is let go when a write is stuck for too long.
func TestStalledPeer(t *testing.T) {
	c, n := alone(t, 2, func(tm *timing) { tm.dead = 4 * time.Second })
	s := c.member(1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // it shows that it lives
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				s.conn.Write(appendFrame(nil, framePing, make([]byte, 8)))
			}
		}
	})
	defer wg.Wait()
	defer close(stop)
	for range 64 {
		n.Send(keyOf(1), make([]byte, 1<<20))
	}
	eventually(t, "let go", func() bool { return n.connections() == 0 })
	if err := n.peer(1).LastError; !errors.Is(err, Stalled) {
		t.Errorf("last error %v", err)
	}
	if s := n.peer(1); s.Queued != 0 || s.Dropped == 0 {
		t.Errorf("%d bytes still wait, %d frames dropped", s.Queued, s.Dropped)
	}
}

// A peer that restarts is let in at once, though its old connection looks alive.
func TestRestartedPeerReplaces(t *testing.T) {
	c, n := alone(t, 2, func(tm *timing) { tm.spacing = 0 })
	old := c.member(1)
	s, err := knockAt(t, c.addresses[0], identityOf(t, testNetwork, 1, c.members), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.write(appendFrame(nil, frameHello, bytes.Repeat([]byte{200}, 16))) // another instance
	if kind, _, err := s.in.next(nil); kind != frameKeep {
		t.Fatalf("want keep, got kind %d, %v", kind, err)
	}
	if f := old.closedWith(); f != Replaced {
		t.Errorf("old connection told %v", f)
	}
	if n.connections() != 1 || n.peer(1).LastError != nil {
		t.Errorf("%d connections, last error %v", n.connections(), n.peer(1).LastError)
	}
}

// The same instance that comes again in the same moment lost a race, and is told so.
func TestDuplicateIsRefused(t *testing.T) {
	c, n := alone(t, 2, func(tm *timing) { tm.settle = time.Hour })
	first := c.member(1)
	second, err := knockAt(t, c.addresses[0], identityOf(t, testNetwork, 1, c.members), nil)
	if err != nil {
		t.Fatal(err)
	}
	second.write(appendFrame(nil, frameHello, bytes.Repeat([]byte{1}, 16)))
	if f := second.closedWith(); f != Duplicate {
		t.Errorf("told %v", f)
	}
	first.write(appendFrame(nil, frameData, []byte("still here")))
	if in := receive(t, n); string(in.Frame) != "still here" {
		t.Errorf("got %q", in.Frame)
	}
}

// What a peer sends beyond its rate is read later, not lost and not at others' cost.
func TestReceiveRate(t *testing.T) {
	c := newCluster(t, 2)
	n := c.start(0, func(config *Config) { config.Members = among(c.members, nil); config.Limits.ReceiveRate = 4 << 20 }, nil)
	s := c.member(1)
	burst := MaxFrameSize + 4<<20
	total := burst + 2<<20 // half a second over the budget
	began := time.Now()
	var wg sync.WaitGroup
	wg.Go(func() {
		frame := appendFrame(nil, frameData, make([]byte, 1<<20-headerSize))
		for range total >> 20 {
			s.conn.Write(frame)
		}
	})
	defer wg.Wait()
	for range total >> 20 {
		receive(t, n)
	}
	if took := time.Since(began); took < 350*time.Millisecond {
		t.Errorf("%d bytes in %v at 4 MiB/s", total, took)
	}
}

// One address that connects again and again is turned away before the handshake.
func TestHandshakeRate(t *testing.T) {
	c := newCluster(t, 2)
	n := c.start(0, func(config *Config) { config.Members = among(c.members, nil); config.Limits.HandshakeRate = 5 }, nil)
	dialled := 0
	eventually(t, "turned away", func() bool { // a slow machine earns more than the 10 that are free
		for range 20 {
			conn, err := net.Dial("tcp", c.addresses[0])
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			dialled++
		}
		return n.Refused()[HandshakeRate] >= 15
	})
	if got := n.Refused()[HandshakeRate]; int(got) > dialled-10 {
		t.Errorf("%d of %d turned away, 10 are free", got, dialled)
	}
}

// A member that breaks off and comes back at once, over and over, is slowed down.
func TestReconnectionStorm(t *testing.T) {
	c, n := alone(t, 2, func(tm *timing) { tm.spacing = time.Hour })
	c.member(1).conn.Close()
	eventually(t, "gone", func() bool { return n.connections() == 0 })
	s, err := knockAt(t, c.addresses[0], identityOf(t, testNetwork, 1, c.members), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.write(appendFrame(nil, frameHello, make([]byte, 16)))
	if f := s.closedWith(); f != TooOften {
		t.Errorf("told %v", f)
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"192.0.2.1:5850", "192.0.2.1"},
		{"[::ffff:192.0.2.1]:5850", "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:1", "2001:db8:1:2::/64"},
		{"[fe80::1%eth0]:1", "fe80::/64"},
	} {
		if got := origin(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(tt.addr))); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.addr, got, tt.want)
		}
	}
}
