package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

func TestMeshOfSeven(t *testing.T) {
	c := newCluster(t, 7)
	began := time.Now()
	c.startAll()
	for i, n := range c.nodes {
		eventually(t, fmt.Sprintf("node %d meets 6 peers", i), func() bool { return n.connections() == 6 })
	}
	t.Logf("meshed in %v", time.Since(began))
	for i, n := range c.nodes {
		n.Broadcast([]byte{byte(i)})
	}
	for i, n := range c.nodes {
		from := map[crypto.Key]bool{}
		for range 6 {
			in := receive(t, n)
			if len(in.Frame) != 1 || in.Frame[0] != byte(indexOf(in.From)) || from[in.From] {
				t.Fatalf("node %d got %x from %d", i, in.Frame, indexOf(in.From))
			}
			from[in.From] = true
		}
	}
	if n := c.nodes[0]; n.Send(keyOf(0), []byte{1}) || n.Send(keyOf(7), []byte{1}) || n.Send(keyOf(1), nil) {
		t.Error("sent to itself, to nobody, or nothing")
	}
	eventually(t, "round trip times", func() bool { return c.nodes[3].peer(5).RTT > 0 })
}

// Both ends dial again and again at the same time: one connection stays, and no link flaps.
func TestRaceSettles(t *testing.T) {
	for range 10 {
		c := newCluster(t, 2)
		c.startAll()
		c.settled(0, 1)
		c.nodes[0].stop()
		c.nodes[1].stop()
	}
}

func linkOf(n *testNode, a int) *link {
	p := n.find(keyOf(a))
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link
}

// One open direction is enough, whichever it is.
func TestOneDirectionIsEnough(t *testing.T) {
	for dialler := range 2 {
		t.Run(fmt.Sprint(dialler, " dials"), func(t *testing.T) {
			c := newCluster(t, 2)
			for i := range 2 {
				c.start(i, func(config *Config) {
					if i != dialler {
						config.Members = among(c.members, nil)
					}
				}, nil)
			}
			a, b := c.nodes[0], c.nodes[1]
			eventually(t, "connected", func() bool { return a.connections() == 1 && b.connections() == 1 })
			if !a.Send(keyOf(1), []byte("there")) || !b.Send(keyOf(0), []byte("back")) {
				t.Fatal("not sent")
			}
			if got := receive(t, b); string(got.Frame) != "there" {
				t.Errorf("got %q", got.Frame)
			}
			if got := receive(t, a); string(got.Frame) != "back" {
				t.Errorf("got %q", got.Frame)
			}
		})
	}
}

func TestReconnectAfterRestart(t *testing.T) {
	c := newCluster(t, 2)
	c.startAll()
	for round := range 4 {
		again := round % 2
		eventually(t, "connected", func() bool { return c.nodes[0].connections() == 1 && c.nodes[1].connections() == 1 })
		c.nodes[again].stop()
		eventually(t, "loss noticed", func() bool { return c.nodes[1-again].connections() == 0 })
		l, err := net.Listen("tcp", c.addresses[again])
		if err != nil {
			t.Fatal(err)
		}
		c.listeners[again] = l
		c.start(again, nil, nil)
	}
	eventually(t, "connected", func() bool { return c.nodes[0].connections() == 1 && c.nodes[1].connections() == 1 })
}

// Events tell the newest state, also to a reader that looks only later.
func TestEventsKeepNewestState(t *testing.T) {
	c := newCluster(t, 2)
	c.startAll()
	eventually(t, "connected", func() bool { return c.nodes[0].connections() == 1 })
	c.nodes[1].stop()
	eventually(t, "loss noticed", func() bool { return c.nodes[0].connections() == 0 })
	select {
	case e := <-c.nodes[0].Events():
		if e != (Event{Peer: keyOf(1), Up: false}) {
			t.Errorf("got %+v", e)
		}
	case <-time.After(patience):
		t.Fatal("no event")
	}
	select {
	case e := <-c.nodes[0].Events():
		t.Errorf("a second event: %+v", e)
	case <-time.After(20 * time.Millisecond):
	}
}

func TestLargeFramesBothWays(t *testing.T) {
	c := newCluster(t, 2)
	c.startAll()
	eventually(t, "connected", func() bool { return c.nodes[0].connections() == 1 && c.nodes[1].connections() == 1 })
	large := bytes.Repeat([]byte("asterism"), MaxFrameSize/8)
	for i, n := range c.nodes {
		if !n.Send(keyOf(1-i), large) {
			t.Fatal("not sent")
		}
	}
	for _, n := range c.nodes {
		if in := receive(t, n); !bytes.Equal(in.Frame, large) {
			t.Error("another frame arrived")
		}
	}
	if c.nodes[0].Send(keyOf(1), append(large, 0)) {
		t.Error("sent a frame over the limit")
	}
}

// A peer that never reads fills its own queue only.
func TestPeerThatDoesNotRead(t *testing.T) {
	c := newCluster(t, 3)
	limit := func(config *Config) { config.Limits.QueueBytes = 1 << 20 }
	a := c.start(0, limit, nil)
	c.start(1, nil, nil) // nobody takes its frames: its inbox fills, it stops reading
	b := c.start(2, nil, nil)
	eventually(t, "connected", func() bool { return a.connections() == 2 })
	frame := make([]byte, 256<<10)
	began := time.Now()
	for n := 0; a.peer(1).Dropped == 0; n++ {
		a.Send(keyOf(1), frame)
		if n > 4000 {
			t.Fatal("the queue has no bound")
		}
		if n%16 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if q := a.peer(1).Queued; q > 1<<20 {
		t.Errorf("%d bytes wait for a queue of 1 MiB", q)
	}
	eventually(t, "a full queue takes no more", func() bool { // once the system's buffers are full too
		taken := 0
		for range 5 {
			if a.Send(keyOf(1), frame) {
				taken++
			}
		}
		return taken < 5
	})
	if !a.Send(keyOf(2), []byte("hello")) {
		t.Fatal("not sent to the other peer")
	}
	if got := receive(t, b); string(got.Frame) != "hello" {
		t.Errorf("got %q", got.Frame)
	}
	t.Logf("took %v", time.Since(began))
}

// A flood from one peer leaves the others their turn.
func TestFairInbox(t *testing.T) {
	c := newCluster(t, 3)
	c.startAll()
	victim, flooder, honest := c.nodes[0], c.nodes[1], c.nodes[2]
	eventually(t, "connected", func() bool {
		return victim.connections() == 2 && flooder.connections() == 2 && honest.connections() == 2
	})
	for range 10_000 {
		flooder.Send(keyOf(0), make([]byte, 100))
	}
	eventually(t, "flood arrives", func() bool { return victim.peer(1).ReceivedBytes > 300_000 })
	honest.Send(keyOf(0), []byte("honest"))
	eventually(t, "honest frame waits for its turn", func() bool {
		in := victim.inbox
		in.mu.Lock()
		defer in.mu.Unlock()
		return slices.ContainsFunc(in.lanes, func(l *lane) bool { return l.from == keyOf(2) && l.queue.len() > 0 })
	})
	for i := range 4 {
		if in := receive(t, victim); in.From == keyOf(2) {
			t.Logf("turn came after %d frames", i)
			return
		}
	}
	t.Error("the flood goes first")
}

// A slow reader slows its peers; nothing is lost on the way and order is kept.
func TestBackPressure(t *testing.T) {
	c := newCluster(t, 2)
	n := c.start(0, func(config *Config) { config.Limits.InboxFrames = 4 }, nil)
	c.start(1, nil, nil)
	eventually(t, "connected", func() bool { return c.nodes[1].connections() == 1 })
	const frames = 3000
	for i := range frames {
		if !c.nodes[1].Send(keyOf(0), []byte{byte(i >> 8), byte(i)}) {
			t.Fatal("not sent")
		}
	}
	for i := range frames {
		if i%1000 == 0 {
			time.Sleep(20 * time.Millisecond)
		}
		if in := receive(t, n); !bytes.Equal(in.Frame, []byte{byte(i >> 8), byte(i)}) {
			t.Fatalf("frame %d: got %x", i, in.Frame)
		}
	}
}

func TestConfigRules(t *testing.T) {
	c := newCluster(t, 3)
	for _, tt := range []struct {
		name   string
		broken func(*Config)
	}{
		{"no members", func(config *Config) { config.Members = nil }},
		{"too many members", func(config *Config) { config.Members = make([]Member, MaxPeers+1) }},
		{"a key twice", func(config *Config) {
			config.Members = among([]crypto.Key{c.members[0], c.members[1], c.members[1]}, nil)
		}},
		{"no network", func(config *Config) { config.Network = kernel.NetworkID{} }},
		{"a busy port", func(config *Config) { config.Listener, config.Listen = nil, c.addresses[2] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := c.config(0)
			if _, err := New(config); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			tt.broken(&config)
			if _, err := New(config); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// A mesh that can no longer listen says so; it does not linger half alive.
func TestListenerLost(t *testing.T) {
	c := newCluster(t, 2)
	m, err := New(c.config(0))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- m.Run(context.Background()) }()
	c.listeners[0].Close()
	select {
	case err := <-ended:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run does not end")
	}
}

func TestDisconnectIsNotForEver(t *testing.T) {
	c := newCluster(t, 2)
	for i := range 2 {
		c.start(i, nil, func(tm *timing) { tm.penalty = 200 * time.Millisecond; tm.retryMax = 100 * time.Millisecond })
	}
	a, b := c.nodes[0], c.nodes[1]
	up := func() bool { return a.connections() == 1 && b.connections() == 1 }
	eventually(t, "connected", up)
	reason := errors.New("bad proof")
	began, was := time.Now(), [2]*link{linkOf(a, 1), linkOf(b, 0)}
	a.Disconnect(keyOf(1), reason)
	eventually(t, "disconnected", func() bool { return linkOf(a, 1) != was[0] && linkOf(b, 0) != was[1] })
	if err := a.peer(1).LastError; !errors.Is(err, Misbehaviour) || !errors.Is(err, reason) {
		t.Errorf("last error %v", err)
	}
	eventually(t, "connected again", up)
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("back after %v, before the penalty is over", took)
	}
	a.Disconnect(keyOf(0), reason) // itself: nothing happens
}

// A peer whose process stands still is noticed by its silence.
func TestSilentPeer(t *testing.T) {
	c := newCluster(t, 2)
	hurry := func(tm *timing) { tm.ping = 50 * time.Millisecond; tm.dead = 700 * time.Millisecond }
	relay := newRelay(t, c.addresses[1])
	a := c.start(0, func(config *Config) { config.Members = among(c.members, []string{"", relay.addr()}) }, hurry)
	b := c.start(1, func(config *Config) { config.Members = among(c.members, nil) }, hurry)
	up := func() bool { return a.connections() == 1 && b.connections() == 1 }
	eventually(t, "connected", up)
	eventually(t, "an idle connection lives on", func() bool { // again where the machine itself was silent
		was := linkOf(a, 1)
		time.Sleep(1500 * time.Millisecond)
		return was != nil && linkOf(a, 1) == was
	})
	relay.freeze(true)
	eventually(t, "silence noticed", func() bool { return a.connections() == 0 && b.connections() == 0 })
	if err := a.peer(1).LastError; !errors.Is(err, Silent) {
		t.Errorf("last error %v", err)
	}
	relay.freeze(false)
	eventually(t, "connected again", up)
}

// A member that joins while the mesh runs is let in and dialled; one that leaves loses its connection
// and is a stranger from then on; the others notice nothing.
func TestMembersChange(t *testing.T) {
	c := newCluster(t, 4)
	before := func(config *Config) { config.Members = among(c.members[:3], c.addresses) }
	for i := range 3 {
		c.start(i, before, nil)
	}
	joiner := c.start(3, nil, func(tm *timing) { tm.retryMax = 100 * time.Millisecond })
	eventually(t, "three are connected", func() bool {
		return c.nodes[0].connections() == 2 && c.nodes[1].connections() == 2 && c.nodes[2].connections() == 2
	})
	eventually(t, "the joiner is refused", func() bool { return c.nodes[0].Refused()[UnknownKey] > 0 })
	if joiner.connections() != 0 || c.nodes[0].Send(keyOf(3), []byte("hello")) {
		t.Fatal("a stranger is connected")
	}
	c.settled(0, 1)
	c.settled(1, 2)
	links := [2]*link{linkOf(c.nodes[0], 1), linkOf(c.nodes[1], 2)}
	for i := range 3 {
		if err := c.nodes[i].SetMembers(among(c.members, c.addresses)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the joiner is connected", func() bool { return joiner.connections() == 3 })
	eventually(t, "with frames", func() bool { return c.nodes[0].Send(keyOf(3), []byte("hello")) })
	if got := receive(t, joiner); string(got.Frame) != "hello" || got.From != keyOf(0) {
		t.Errorf("got %q from %d", got.Frame, indexOf(got.From))
	}
	joiner.Send(keyOf(0), []byte("of one who leaves"))
	for i := range 3 {
		if err := c.nodes[i].SetMembers(among(c.members[:3], c.addresses)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the leaver is disconnected", func() bool { return joiner.connections() == 0 })
	if c.nodes[0].Send(keyOf(3), []byte("hello")) {
		t.Error("sent to one who left")
	}
	if after := [2]*link{linkOf(c.nodes[0], 1), linkOf(c.nodes[1], 2)}; after != links {
		t.Error("the others' connections changed")
	}
	down := map[crypto.Key]bool{}
	for !down[keyOf(3)] {
		select {
		case e := <-c.nodes[0].Events():
			down[e.Peer] = !e.Up
		case <-time.After(patience):
			t.Fatal("no event says that the leaver is down")
		}
	}
	select {
	case e := <-c.nodes[0].Events():
		down[e.Peer] = !e.Up
	case <-time.After(100 * time.Millisecond):
	}
	if !down[keyOf(3)] || down[keyOf(1)] || down[keyOf(2)] {
		t.Errorf("events say that %v are down", down)
	}
	if err := c.nodes[0].SetMembers(nil); !errors.Is(err, ErrMembers) {
		t.Errorf("no members: %v", err)
	}
	if n := c.nodes[0].connections(); n != 2 {
		t.Errorf("%d connections after a list that was refused", n)
	}
}
