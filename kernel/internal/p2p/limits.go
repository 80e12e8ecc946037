package p2p

import (
	"net"
	"sync"
	"time"
)

// Limits bound what peers, known or not, can make this node hold or do. A zero field takes
// its default. They are local: two nodes need not have the same ones.
type Limits struct {
	QueueBytes      int // waiting for one peer; default 64 MiB
	QueueFrames     int // waiting for one peer; default 65536
	InboxBytes      int // received from one peer and not yet taken; default 8 MiB
	InboxFrames     int // received from one peer and not yet taken; default 4096
	ReceiveRate     int // bytes a second from one peer, small frames counted as 64; default 256 MiB
	Handshakes      int // half-open inbound connections; default 128
	HandshakesPerIP int // half-open inbound connections from one address; default 64
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.QueueBytes, 64 << 20}, {&l.QueueFrames, 65536},
		{&l.InboxBytes, 8 << 20}, {&l.InboxFrames, 4096},
		{&l.ReceiveRate, 256 << 20},
		{&l.Handshakes, 128}, {&l.HandshakesPerIP, 64},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return l
}

// frameCost is the least a frame counts against ReceiveRate: the work for an empty one.
const frameCost = 64

// timing is the protocol's clockwork [NET-8, NET-17, NET-20]. Tests shorten it.
type timing struct {
	handshake  time.Duration // from the connection to the greeting
	ping       time.Duration // between two pings
	dead       time.Duration // without a byte read, or with one write stuck
	grace      time.Duration // for the last frame of a connection
	settle     time.Duration // connections this close together are one race, not a reconnection
	retry      time.Duration // first pause between two attempts to dial
	retryMax   time.Duration // last one
	penalty    time.Duration // first pause after misbehaviour
	penaltyMax time.Duration // last one; nobody is banned for ever
}

var defaultTiming = timing{
	handshake: 5 * time.Second,
	ping:      5 * time.Second,
	dead:      15 * time.Second,
	grace:     200 * time.Millisecond,
	settle:    time.Second,
	retry:     75 * time.Millisecond, retryMax: 1500 * time.Millisecond,
	penalty: time.Second, penaltyMax: time.Minute,
}

// A door bounds the inbound connections that have not shown yet who they are. When it is full
// the oldest goes: an honest handshake takes milliseconds, so whoever stays long is not one.
// Nothing is kept about anybody who has left. [NET-9]
type door struct {
	limit, perIP int

	mu    sync.Mutex
	inner []*knock // oldest first
}

type knock struct {
	conn    net.Conn
	ip      string
	evicted bool // guarded by door.mu
}

// enter admits a connection and shows another one out if it must.
func (d *door) enter(conn net.Conn) *knock {
	k := &knock{conn: conn, ip: hostOf(conn.RemoteAddr())}
	d.mu.Lock()
	defer d.mu.Unlock()
	same, oldestSame := 0, -1
	for i, other := range d.inner {
		if other.ip == k.ip {
			if same == 0 {
				oldestSame = i
			}
			same++
		}
	}
	if same >= d.perIP {
		d.evict(oldestSame)
	} else if len(d.inner) >= d.limit {
		d.evict(0)
	}
	d.inner = append(d.inner, k)
	return k
}

func (d *door) evict(i int) {
	k := d.inner[i]
	k.evicted = true
	k.conn.Close()
	d.inner = append(d.inner[:i], d.inner[i+1:]...)
}

// leave reports whether the connection was still wanted.
func (d *door) leave(k *knock) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, other := range d.inner {
		if other == k {
			d.inner = append(d.inner[:i], d.inner[i+1:]...)
			break
		}
	}
	return !k.evicted
}

func hostOf(addr net.Addr) string {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	return host
}
