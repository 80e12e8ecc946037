package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// echo answers every line with the same line.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l.Addr().String()
}

// patience is how long anything may take on a crowded machine.
const patience = 2 * time.Minute

// startMesh is two nodes that echo, and the links between them.
func startMesh(t *testing.T) *mesh {
	t.Helper()
	m, err := newMesh([]string{echo(t), echo(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("the links do not end")
		}
	})
	return m
}

type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func dial(t *testing.T, l *link) *caller {
	t.Helper()
	c, err := net.Dial("tcp", l.address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &caller{t, c, bufio.NewReader(c)}
}

func (c *caller) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// hear returns the next line, or why there is none within the time.
func (c *caller) hear(within time.Duration) (string, error) {
	_ = c.conn.SetReadDeadline(time.Now().Add(within))
	line, err := c.in.ReadString('\n')
	return strings.TrimSpace(line), err
}

func (c *caller) want(line string) {
	c.t.Helper()
	if got, err := c.hear(patience); err != nil || got != line {
		c.t.Fatalf("heard %q, %v; want %q", got, err, line)
	}
}

func (c *caller) wantSilence() {
	c.t.Helper()
	if got, err := c.hear(150 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("heard %q, %v; want silence", got, err)
	}
}

func TestLinkCut(t *testing.T) {
	m := startMesh(t)
	l := m.links[pair{1, 2}]
	c := dial(t, l)
	c.say("before")
	c.want("before")
	if n := m.between(1, 2); n != 1 {
		t.Errorf("%d connections", n)
	}
	heal := m.trouble(&Step{Kind: Cut, Node: 2, Peers: []int{1}}) // named from the other end
	if _, err := c.hear(patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection outlives the cut: %v", err)
	}
	if again, err := net.Dial("tcp", l.address()); err == nil { // the reset may come that soon
		defer again.Close()
		_ = again.SetReadDeadline(time.Now().Add(patience))
		if _, err := again.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a cut link takes connections: %v", err)
		}
	}
	if m.healthy() == nil {
		t.Error("a cut mesh is called healthy")
	}
	heal()
	if err := m.healthy(); err != nil {
		t.Error(err)
	}
	c = dial(t, l)
	c.say("after")
	c.want("after")
}

// TestLinkCarriesOneDirection holds what the dialling node says, or what it hears: the connection
// stays, and nothing is lost when it goes on.
func TestLinkCarriesOneDirection(t *testing.T) {
	for _, way := range []string{Outward, Inward} {
		t.Run(way, func(t *testing.T) {
			m := startMesh(t)
			c := dial(t, m.links[pair{1, 2}])
			d := dial(t, m.links[pair{2, 1}])
			heal := m.trouble(&Step{Kind: Half, Node: 1, Peers: []int{2}, Way: way})
			c.say("held")
			d.say("held too")
			c.wantSilence()
			d.wantSilence()
			c.say("second")
			heal()
			c.want("held")
			c.want("second")
			d.want("held too")
		})
	}
}

// TestLinkHoldsTheRightWay counts what arrives at the far end itself.
func TestLinkHoldsTheRightWay(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	m, err := newMesh([]string{"127.0.0.1:1", far.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); m.run(ctx) }()
	defer func() { cancel(); <-done }()
	near := dial(t, m.links[pair{1, 2}])
	conn, err := far.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	other := &caller{t, conn, bufio.NewReader(conn)}
	heal := m.trouble(&Step{Kind: Half, Node: 1, Peers: []int{2}, Way: Inward})
	near.say("out")
	other.want("out")
	other.say("in")
	near.wantSilence()
	heal()
	near.want("in")
	heal = m.trouble(&Step{Kind: Half, Node: 1, Peers: []int{2}, Way: Outward})
	other.say("in again")
	near.want("in again")
	near.say("out again")
	other.wantSilence()
	heal()
	other.want("out again")
}

// TestLinkSlow gives both ends of a link a delay: they add up, and go one by one.
func TestLinkSlow(t *testing.T) {
	m := startMesh(t)
	c := dial(t, m.links[pair{1, 2}])
	took := func() time.Duration {
		began := time.Now()
		c.say("there and back")
		c.want("there and back")
		return time.Since(began)
	}
	first := m.trouble(&Step{Kind: Slow, Node: 1, Peers: []int{2}, Delay: 60})
	second := m.trouble(&Step{Kind: Slow, Node: 2, Peers: []int{1}, Delay: 90})
	if d := took(); d < 300*time.Millisecond {
		t.Errorf("both: %v", d)
	}
	first()
	if d := took(); d < 180*time.Millisecond {
		t.Errorf("one: %v", d)
	}
	second()
	if err := m.healthy(); err != nil {
		t.Error(err)
	}
	c.say("quick")
	c.want("quick")
}

// TestLinkIsBounded sends more than a held direction keeps: the sender has to wait, and all of
// it arrives in order.
func TestLinkIsBounded(t *testing.T) {
	m := startMesh(t)
	c := dial(t, m.links[pair{1, 2}])
	heal := m.trouble(&Step{Kind: Half, Node: 1, Peers: []int{2}, Way: Outward})
	line := strings.Repeat("x", 1<<20)
	sent := make(chan int, 64)
	go func() {
		defer close(sent)
		for i := range 48 {
			if _, err := io.WriteString(c.conn, line+"\n"); err != nil {
				return
			}
			sent <- i
		}
	}()
	time.Sleep(500 * time.Millisecond)
	if n := len(sent); n > 40 {
		t.Errorf("%d MiB went into a held direction", n)
	}
	heal()
	for range 48 {
		c.want(line)
	}
}
