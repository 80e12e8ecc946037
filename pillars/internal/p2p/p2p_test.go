package p2p

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const magic = 0x0a0b0c0d

// A listener notes what happens.
type notes struct {
	mu        sync.Mutex
	joined    []*Conn
	left      int
	malformed []error
	got       []wire.Message
	hold      chan struct{} // Received waits for it, if it is not nil
	pick      netip.AddrPort
}

func (n *notes) Joined(c *Conn) { n.with(func() { n.joined = append(n.joined, c) }) }
func (n *notes) Left(*Conn)     { n.with(func() { n.left++ }) }
func (n *notes) Malformed(_ *Conn, err error) {
	n.with(func() { n.malformed = append(n.malformed, err) })
}

func (n *notes) Received(_ *Conn, m wire.Message) {
	if n.hold != nil {
		<-n.hold
	}
	n.with(func() { n.got = append(n.got, m) })
}

func (n *notes) Pick() (netip.AddrPort, bool) { return n.pick, n.pick.IsValid() }

func (n *notes) with(do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	do()
}

func (n *notes) holds(f func() bool) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return f()
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: " + what)
		}
	}
}

// run runs a mesh until the test ends.
func run(t *testing.T, c Config) (*Mesh, *notes) {
	t.Helper()
	n := &notes{}
	if c.Handler == nil {
		c.Handler = n
	} else {
		n = c.Handler.(*notes)
	}
	c.Magic = magic
	if c.Listener == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.Listener = l
	}
	c.Limits.Retry = 20 * time.Millisecond
	m := New(c)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return m, n
}

func TestTwoTalk(t *testing.T) {
	a, an := run(t, Config{Limits: Limits{Ping: 20 * time.Millisecond}})
	b, bn := run(t, Config{Fixed: []string{a.Addr().String()}, Limits: Limits{Ping: 20 * time.Millisecond}})
	until(t, "a connection", an.holds(func() bool { return len(an.joined) == 1 }))
	until(t, "both ends", bn.holds(func() bool { return len(bn.joined) == 1 }))
	bc, ac := bn.joined[0], an.joined[0]
	if !ac.Inbound || bc.Inbound || !bc.Fixed {
		t.Error("who dialled is mixed up")
	}
	for i := range uint64(500) {
		bc.Send(&wire.MinFee{Fee: pillars.Amount(i)})
	}
	until(t, "all messages", an.holds(func() bool { return len(an.got) == 500 }))
	for i, m := range an.got {
		if m.(*wire.MinFee).Fee != pillars.Amount(i) {
			t.Fatalf("message %d is another", i)
		}
	}
	until(t, "a ping's round", func() bool { return bc.Latency() > 0 })
	if in, out := b.Counts(); in != 0 || out != 1 {
		t.Errorf("%d in, %d out", in, out)
	}
	if c := a.Counters(); c.MessagesIn < 500 || c.In == 0 || c.Accepted != 1 {
		t.Errorf("%+v", c)
	}
	a.Drop(ac.ID, time.Hour) // loopback is not banned: it comes again
	until(t, "another connection", an.holds(func() bool { return len(an.joined) == 2 && an.left == 1 }))
	if len(a.Banned()) != 0 {
		t.Error("this machine is banned")
	}
	b.Disconnect(a.Addr().String())
	until(t, "the end", func() bool { in, _ := a.Counts(); return in == 0 })
}

// TestHostileBytes: what is no message ends the connection, before memory is taken for it.
func TestHostileBytes(t *testing.T) {
	m, n := run(t, Config{})
	good := wire.AppendFrame(nil, magic, &wire.Ping{Nonce: 1})
	for name, bytes := range map[string][]byte{
		"another network": wire.AppendFrame(nil, magic+1, &wire.Ping{}),
		"a kind that is none": func() []byte {
			b := append([]byte{}, good...)
			b[4] = 99
			return b
		}(),
		"a size that is none": func() []byte {
			b := append([]byte{}, good...)
			b[5] = 0xff
			return b
		}(),
		"a wrong checksum": func() []byte {
			b := append([]byte{}, good...)
			b[len(b)-1]++
			return b
		}(),
		"no message": wire.AppendFrame(nil, magic, &wire.Push{})[:wire.FrameSize],
	} {
		before := 0
		n.with(func() { before = len(n.malformed) })
		sock, err := net.Dial("tcp", m.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sock.Write(append(append([]byte{}, good...), bytes...)); err != nil {
			t.Fatal(err)
		}
		if name == "no message" {
			_ = sock.Close()
			continue
		}
		_, _ = io.Copy(io.Discard, sock)
		_ = sock.Close()
		until(t, name, n.holds(func() bool { return len(n.malformed) == before+1 }))
	}
	for _, err := range n.malformed {
		if !errors.Is(err, errMalformed) {
			t.Error(err)
		}
	}
}

// TestRoom: whoever comes when there is no room is told so.
func TestRoom(t *testing.T) {
	m, n := run(t, Config{Inbound: 2})
	var socks []net.Conn
	for i := range 3 {
		sock, err := net.Dial("tcp", m.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		socks = append(socks, sock)
		if i < 2 {
			until(t, "a connection", n.holds(func() bool { return len(n.joined) == i+1 }))
		}
	}
	answer, err := io.ReadAll(socks[2])
	if err != nil || len(answer) <= wire.FrameSize {
		t.Fatalf("%d bytes, %v", len(answer), err)
	}
	if bye, err := wire.Decode(wire.KindGoodbye, answer[wire.FrameSize:]); err != nil || bye.(*wire.Goodbye).Reason != "too_many_peers" {
		t.Errorf("%v, %v", bye, err)
	}
}

// TestSlowReader: who does not read what it asked for is hung up on, and what waits for it is bounded.
func TestSlowReader(t *testing.T) {
	m, n := run(t, Config{Limits: Limits{QueueBytes: 1 << 20, AnswerBytes: 256 << 10}})
	sock, err := net.Dial("tcp", m.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	until(t, "a connection", n.holds(func() bool { return len(n.joined) == 1 }))
	c := n.joined[0]
	big := &wire.Have{Leaves: make([]pillars.Hash, wire.MaxHave)}
	answered := make(chan int)
	go func() { // answers wait, up to the bound
		sent := 0
		for range 10_000 {
			if !c.Answer(big) {
				break
			}
			sent++
		}
		answered <- sent
	}()
	select {
	case sent := <-answered:
		t.Fatalf("%d answers without a reader", sent)
	case <-time.After(300 * time.Millisecond):
	}
	c.mu.Lock()
	if c.bytes > 300<<10 {
		t.Errorf("%d bytes wait", c.bytes)
	}
	c.mu.Unlock()
	for range 100 { // messages do not wait
		c.Send(big)
	}
	<-answered
	until(t, "the end", n.holds(func() bool { return n.left == 1 }))
}

// TestBudget: all connections together read so much at a time, and one that waits goes on when another is done.
func TestBudget(t *testing.T) {
	hold := make(chan struct{})
	m, n := run(t, Config{Handler: &notes{hold: hold}, Limits: Limits{ReadBytes: 40_000}})
	frame := wire.AppendFrame(nil, magic, &wire.Have{Leaves: make([]pillars.Hash, wire.MaxHave)}) // 32,002 bytes
	for range 3 {
		sock, err := net.Dial("tcp", m.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer sock.Close()
		if _, err := sock.Write(frame); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "one is being read", func() bool {
		m.budget.mu.Lock()
		defer m.budget.mu.Unlock()
		return m.budget.free == 40_000-(len(frame)-wire.FrameSize) && len(m.budget.waiting) == 2
	})
	close(hold)
	until(t, "all are read", n.holds(func() bool { return len(n.got) == 3 }))
	m.budget.mu.Lock()
	defer m.budget.mu.Unlock()
	if m.budget.free != 40_000 {
		t.Errorf("%d of the budget are left", m.budget.free)
	}
}

// TestBans keep an address away for a time, and are bounded.
func TestBans(t *testing.T) {
	m := New(Config{Handler: &notes{}})
	for i := range 3 * maxBans {
		m.Ban(netip.AddrFrom4([4]byte{8, byte(i >> 16), byte(i >> 8), byte(i)}), time.Hour)
	}
	if len(m.Banned()) != maxBans {
		t.Errorf("%d bans", len(m.Banned()))
	}
	ip := netip.MustParseAddr("9.9.9.9")
	m.Ban(ip, time.Hour)
	if m.refuses(ip) != "banned" {
		t.Error("not kept away")
	}
	m.Ban(ip, -time.Second)
	if m.refuses(ip) != "" {
		t.Error("kept away for ever")
	}
}

// TestPicked: as many connections of our own choice as there should be.
func TestPicked(t *testing.T) {
	a, an := run(t, Config{})
	_, bn := run(t, Config{Handler: &notes{pick: addrOf(a.Addr())}, Outbound: 2})
	until(t, "two connections", an.holds(func() bool { return len(an.joined) == 2 }))
	time.Sleep(100 * time.Millisecond)
	bn.with(func() {
		if len(bn.joined) != 2 {
			t.Errorf("%d connections", len(bn.joined))
		}
	})
}

func TestReadPayloadGrows(t *testing.T) {
	r := &counting{}
	if _, err := readPayload(r, 4_000_000); err == nil || r.most > 2*firstStep {
		t.Errorf("asked for %d bytes before any came, %v", r.most, err)
	}
}

// counting gives one step of bytes, and then none.
type counting struct{ given, most int }

func (c *counting) Read(b []byte) (int, error) {
	c.most = max(c.most, len(b))
	if c.given >= firstStep {
		return 0, io.ErrUnexpectedEOF
	}
	n := min(len(b), firstStep)
	c.given += n
	return n, nil
}
