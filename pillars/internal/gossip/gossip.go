// Package gossip decides what a node says to others and asks of them: headers first, bodies from several peers at once,
// new blocks and transactions as soon as they are known to be good, and who is sent away.
//
// It is pure: messages and the clock come in, messages and dismissals go out; the chain is asked through a small
// interface. The same code runs in a node and in tests of networks in virtual time. Rules are numbered in
// docs/spec/pillars-network.md.
package gossip

import (
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/book"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// A Host is the chain and what waits. What it is asked to take is done when it returns; what happened meanwhile it tells
// with Joined, Broken, Twin and Waits before it returns.
type Host interface {
	Tree() *tree.Tree
	Locator() []pillars.BlockID // of our chain
	// Headers takes headers in order. An error of the disk is no rule.
	Headers(from tree.Peer, heads []tree.Head) (known int, rule, disk error)
	Block(from tree.Peer, b *pillars.Block) (fate tree.Fate, rule error, relay bool, disk error)
	Stored(id pillars.BlockID) (*pillars.Block, bool)
	Pool() *mempool.Pool
	Transaction(from tree.Peer, tx *pillars.Transaction) (missing []pillars.TxID, err error)
	Gone(p tree.Peer)
	Evidence(t *wire.Twins) // new, and checked
}

// Config says who this node is.
type Config struct {
	Params  *pillars.Params
	Profile pillars.Hash // of the parameters
	Genesis pillars.BlockID
	Nonce   uint64 // of this process
	Port    uint16 // where it listens; 0: it does not
	From    func() uint32
	Agent   string
	Seed    uint64 // of all that is drawn
	Book    *book.Book
	Limits  Limits
}

// Limits are a node's own. A zero field is its default. Times are in milliseconds.
type Limits struct {
	Flying      int    // blocks that are asked for, of all peers; default 64
	PeerFlying  int    // of one peer; default 16
	Ahead       uint32 // heights that headers may be ahead of the tip; default 4,096
	BodyTimeout uint64 // for one body; default 20 s
	HeadTimeout uint64 // for an answer with headers; default 15 s
	TxTimeout   uint64 // for a transaction; default 10 s
	Steal       uint64 // after which a body is asked of a second peer; default 3 s
	Refresh     uint64 // after which a peer that says nothing is asked for headers; default 60 s
	Trickle     uint64 // mean time until a transaction is announced to who dialled us; others half; default 2 s
	Ban         uint32 // seconds that who broke a rule stays away; default 24 h
	Wants       int    // transactions that are asked for; default 20,000
	PeerWants   int    // of one peer; default 2,000
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Flying, 64}, {&l.PeerFlying, 16}, {&l.Wants, 20_000}, {&l.PeerWants, 2000}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *uint64
		value uint64
	}{{&l.BodyTimeout, 20_000}, {&l.HeadTimeout, 15_000}, {&l.TxTimeout, 10_000}, {&l.Steal, 3000}, {&l.Refresh, 60_000}, {&l.Trickle, 2000}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if l.Ahead == 0 {
		l.Ahead = 4096
	}
	if l.Ban == 0 {
		l.Ban = 24 * 3600
	}
	return l
}

// An Output is what the shell owes the core: messages, which may be lost, and who is to be hung up on.
type Output struct {
	Send []Letter
	Drop []Dismissal
}

// A Letter is a message for a peer.
type Letter struct {
	To      tree.Peer
	Message wire.Message
}

// A Dismissal is a peer that is to be hung up on, after what was sent to it before.
type Dismissal struct {
	Peer tree.Peer
	Why  Offence
	Ban  uint32 // seconds that its address stays away; 0: it may come back
}

// Counters are what happened since the start.
type Counters struct {
	Headers, Blocks, CompactBlocks, CompactFull, Transactions uint64 // received
	Stolen, Late, Unasked                                     uint64
	Dismissed, Banned                                         uint64
	Evidence                                                  uint64
}

// A Core is one node's side of all conversations. One goroutine owns it.
type Core struct {
	config Config
	limits Limits
	host   Host
	draw   random

	peers    []*peer // in the order in which they came
	byPeer   map[tree.Peer]*peer
	flights  map[pillars.BlockID][]*peer // who is asked for a body
	flying   int
	wants    wants
	refused  ring[pillars.Hash]     // transactions that were refused since the last block
	evidence ring[pillars.Outpoint] // stakes whose twins were told
	news     news
	full     bool // the disk takes no blocks
	ticking  bool // bodies that are late may be asked of others
	lagging  bool // it was behind at the last tick
	now      uint64
	out      Output
	count    Counters
}

// New returns a core without peers.
func New(c Config, host Host) *Core {
	return &Core{
		config: c, limits: c.Limits.filled(), host: host, draw: random(c.Seed),
		byPeer: map[tree.Peer]*peer{}, flights: map[pillars.BlockID][]*peer{},
		wants: newWants(), refused: newRing[pillars.Hash](16_384), evidence: newRing[pillars.Outpoint](1024),
	}
}

// Output returns what is owed since the last call.
func (c *Core) Output() Output {
	o := c.out
	c.out = Output{}
	return o
}

// Counters returns what happened since the start.
func (c *Core) Counters() Counters { return c.count }

// Book is where other nodes listen, as far as is known.
func (c *Core) Book() *book.Book { return c.config.Book }

func (c *Core) send(p *peer, m wire.Message) {
	if !p.gone {
		c.out.Send = append(c.out.Send, Letter{p.id, m})
	}
}

// Behind reports whether there is much more of the chain to come: then nothing is announced, and transactions are of no
// interest. Headers alone, which anybody can make up, do not say so of a chain that goes on [PIL-CMP-1].
func (c *Core) Behind() bool { return c.behind() }

func (c *Core) behind() bool {
	const much, fresh = 24, 600 // heights, seconds
	t := c.host.Tree()
	return t.Lead().Number > t.Tip().Number+much && uint64(t.Tip().Timestamp)+fresh < c.now/1000
}

// random is SplitMix64: numbers that nobody must predict are not drawn from it, only times and places.
type random uint64

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// upTo draws a number from 0 to n-1.
func (r *random) upTo(n uint64) uint64 { return r.next() % max(n, 1) }

// A ring is a set that forgets the oldest when it is full.
type ring[K comparable] struct {
	has  map[K]bool
	all  []K
	next int
	most int
}

func newRing[K comparable](most int) ring[K] { return ring[K]{has: map[K]bool{}, most: most} }

// add reports whether the key is new.
func (r *ring[K]) add(k K) bool {
	if r.has[k] {
		return false
	}
	if len(r.all) < r.most {
		r.all = append(r.all, k)
	} else {
		delete(r.has, r.all[r.next])
		r.all[r.next] = k
		r.next = (r.next + 1) % r.most
	}
	r.has[k] = true
	return true
}

func (r *ring[K]) clear() { *r = newRing[K](r.most) }

// A bucket lets through so many things a second, and at first as many as it holds.
type bucket struct {
	tokens uint64 // thousandths
	last   uint64
}

func (b *bucket) take(now, perSecond, most uint64) bool {
	if b.last == 0 {
		b.tokens = most * 1000
	}
	b.tokens = min(b.tokens+(now-min(b.last, now))*perSecond, most*1000)
	b.last = max(now, 1)
	if b.tokens < 1000 {
		return false
	}
	b.tokens -= 1000
	return true
}
