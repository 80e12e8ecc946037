package p2p

import (
	"net"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
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
	HandshakeRate   int // inbound connections a second from one address; default 100, twice as many at once
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{
		{&l.QueueBytes, 64 << 20}, {&l.QueueFrames, 65536},
		{&l.InboxBytes, 8 << 20}, {&l.InboxFrames, 4096},
		{&l.ReceiveRate, 256 << 20},
		{&l.Handshakes, 128}, {&l.HandshakesPerIP, 64}, {&l.HandshakeRate, 100},
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
	spacing    time.Duration // between two connections that one peer gets
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
	spacing:   50 * time.Millisecond,
	settle:    time.Second,
	retry:     75 * time.Millisecond, retryMax: 1300 * time.Millisecond,
	penalty: time.Second, penaltyMax: time.Minute,
}

// A door bounds the inbound connections that have not shown yet who they are, in number and,
// because a handshake costs us a signature, in rate. When it is full the oldest goes: an
// honest handshake takes milliseconds, so whoever stays long is not one. [NET-9]
type door struct {
	limit, perIP int
	rate         int
	rates        *lru.Cache[string, *rate.Limiter] // the newest addresses; an older one starts afresh

	mu    sync.Mutex
	inner []*knock // oldest first
}

// rememberedAddresses bounds door.rates; one entry is about 200 bytes.
const rememberedAddresses = 4096

type knock struct {
	conn    net.Conn
	ip      string
	evicted bool // guarded by door.mu
}

func newDoor(l Limits) *door {
	rates, err := lru.New[string, *rate.Limiter](rememberedAddresses)
	if err != nil {
		panic("p2p: " + err.Error()) // only a size below one is refused
	}
	return &door{limit: l.Handshakes, perIP: l.HandshakesPerIP, rate: l.HandshakeRate, rates: rates}
}

// enter admits a connection and shows another one out if it must. It is for the one
// goroutine that accepts.
func (d *door) enter(conn net.Conn) (*knock, error) {
	k := &knock{conn: conn, ip: origin(conn.RemoteAddr())}
	limiter, ok := d.rates.Get(k.ip)
	if !ok {
		limiter = rate.NewLimiter(rate.Limit(d.rate), 2*d.rate)
		d.rates.Add(k.ip, limiter)
	}
	if !limiter.Allow() {
		return k, HandshakeRate
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	same, oldestSame := 0, 0
	for i, other := range d.inner {
		if other.ip != k.ip {
			continue
		}
		if same++; same == 1 {
			oldestSame = i
		}
	}
	if same >= d.perIP {
		d.evict(oldestSame)
	} else if len(d.inner) >= d.limit {
		d.evict(0)
	}
	d.inner = append(d.inner, k)
	return k, nil
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

// origin is what limits per address count by: an IPv4 address, or the /64 network that one
// IPv6 user has.
func origin(addr net.Addr) string {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return addr.String()
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	network, _ := ip.Prefix(64) // 64 bits are legal for IPv6
	return network.String()
}
