// Package engine orders: it composes graph, commit rule, coin and mempool into one state
// machine that takes what arrived and returns what must be done.
//
// It is pure: time, keys' use of randomness, disk and network are the shell's. The order of an
// Output's fields is the order of the work: nothing leaves the machine before it is durable.
package engine

import (
	"errors"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// Nobody is the place of a node that has none in the roster. It is above all places, and a Set can
// hold it.
const Nobody kernel.Author = 63

// A Signer makes this node's signatures and coin shares; both are functions of their argument.
type Signer interface {
	Sign(kernel.SnapshotID) kernel.Signature
	SignRecord(kernel.Hash) kernel.Signature
	Share(kernel.Round) *kernel.CoinShare // nil where the node cannot make one
}

// Config is what an engine of one epoch is built from.
type Config struct {
	Network    kernel.NetworkID
	Epoch      kernel.Epoch
	Roster     *kernel.Roster
	Parameters kernel.Parameters
	Genesis    kernel.CommitIndex // the epoch's genesis commit
	State      kernel.Digest      // the state after it
	Started    kernel.Timestamp   // its timestamp
	Position   uint64             // snapshots that epochs before committed
	Self       kernel.Author      // Nobody: a node that is no member follows
	Key        kernel.Key         // this node's: signs records
	Fresh      bool               // this life has been in the epoch before, with an intact log: nobody can hold a snapshot of it
	Signer     Signer
	History    dag.History

	// Coin verifies and combines shares; nil is the coin of the roster's key, which is the only one that a
	// node uses. A simulation, whose adversary cannot compute ahead anyway, plugs in a faster one.
	Coin Coin

	BatchWindow kernel.Timestamp // least time between own snapshots, ms
	IdlePeriod  kernel.Timestamp // time between own snapshots with nothing to say, ms
	Fanout      int              // nodes that a snapshot is pushed to; 0 is all
	Limits      Limits

	Broken canary.Set // by a simulation, on purpose
}

// A Coin reveals a round's value from shares of different voting members, each of which its maker
// has signed. Any f+1 good ones give the same value. *coin.Key is one.
type Coin interface {
	// Reveal takes shares of q members, as they came. It fails where it cannot show that they are good.
	Reveal(r kernel.Round, shares []coin.AuthorShare) (kernel.Hash, error)

	// Verify reports whether a share is good by its proof.
	Verify(a kernel.Author, r kernel.Round, s *kernel.CoinShare) bool

	// Combine takes f+1 shares that are good.
	Combine(r kernel.Round, shares []coin.AuthorShare) (kernel.Hash, error)
}

// Limits bound what one node keeps and sends; they only postpone. Zero fields take defaults.
type Limits struct {
	Pool           mempool.Limits
	BodyEntries    int // client transactions in an own snapshot
	BodyBytes      int
	BodySignatures int          // that stand in them
	Pending        int          // snapshots of one author that wait for parents
	PendingBytes   int          // and their bytes
	Serve          int          // snapshots in one answer
	MakeAtOnce     int          // own snapshots made in one step while behind
	Lead           kernel.Round // rounds above the newest commit at which client transactions stay out
}

// BodySignatures is how many signatures the client transactions of an own snapshot have at most, unless the first alone
// has more. Others verify so many after they have taken the snapshot, and more before: a body of kernel.MaxBodySignatures
// would hold up everybody's rounds for a second. It is two for each of BodyEntries, so ordinary payments do not
// meet it; and bodies of others that meet it keep two cores busy with seven members and ten rounds a second.
const BodySignatures = 2048

func (l *Limits) fill() {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Pool.Count, 50_000)
	def(&l.Pool.Bytes, 64<<20)
	def(&l.BodyEntries, 1000)
	def(&l.BodyBytes, 1<<20)
	def(&l.BodySignatures, BodySignatures)
	def(&l.Pending, 1024)
	def(&l.PendingBytes, 32<<20)
	def(&l.Serve, 256)
	def(&l.MakeAtOnce, 64)
	if l.Lead == 0 {
		l.Lead = 60
	}
}

// body is the room for client transactions in an own snapshot.
func (l *Limits) body() mempool.Room {
	return mempool.Room{Count: l.BodyEntries, Bytes: l.BodyBytes, Signatures: l.BodySignatures}
}

// ErrStale answers a candidate that was checked on an older state than commits have reached
// since: what they took is not known to the pool. Check it again.
var ErrStale = errors.New("stale_check")

// A Phase is how far a started node is in daring to sign.
type Phase uint8

// The phases.
const (
	Observing Phase = iota // asking the members what they hold of this node
	Active                 // signs
	Following              // follows and serves, but signs nothing in this epoch: its log is lost or older than what members hold
	Halted                 // q members name another state than this node computed
	Watching               // not a member of the epoch: follows and serves
)

// String returns the phase's name.
func (p Phase) String() string {
	return [...]string{"observing", "active", "following", "halted", "watching"}[p]
}

// An Engine orders one epoch for one node. It is not safe for concurrent use.
type Engine struct {
	config    Config
	committee *committee.Committee
	graph     *dag.Graph
	committer *consensus.Committer
	order     *consensus.Order
	coins     *coins
	pool      *mempool.Pool
	held      pending
	missed    []*missed // pushed, and not put together

	phase     Phase
	foreign   bool
	reason    string // why the phase is Following or Halted
	answers   committee.Set
	own       *dag.Vertex // newest own snapshot, round 0 at first
	lastMade  kernel.Timestamp
	executed  kernel.CommitClaim
	digests   digests
	named     *namings
	open      []openBody // accepted, not executed, with a body; by acceptance
	records   [][]byte   // system records to put into the next own snapshot
	turn      Turn
	deciding  *dag.Vertex // the epoch is over, and the cone of this one decides it
	accused   committee.Set
	testified []testimony // evidence that no commit has confirmed

	peers    committee.Set // connected
	tickAt   kernel.Timestamp
	lastTop  kernel.Round // sum of the top clock at the last tick
	rotation int
	more     committee.Set // peers whose answer to Have was cut short
	moreAt   kernel.Timestamp
	served   [Nobody + 1]kernel.Timestamp
	stats    Stats

	out *Output // of the step under way
	now kernel.Timestamp

	pressed bool // of the step under way
}

type openBody struct {
	id      kernel.SnapshotID
	round   kernel.Round
	ordered bool     // decided commits hold it
	records [][]byte // of an own one: what no commit settles is carried again
}

// Stats counts what happened, for metrics.
type Stats struct {
	Accepted, Made, Committed, Skipped, Equivocations uint64
	WrongShares                                       uint64        // authors whose coin share this node found wrong
	Mismatched                                        committee.Set // authors that named another state than this node's
}

// New returns an engine that goes on from what was restored.
func New(c Config, r Restored) *Engine {
	c.Limits.fill()
	if c.Key.IsZero() && int(c.Self) < len(c.Roster.Members) {
		c.Key = c.Roster.Members[c.Self].Key
	}
	e := &Engine{config: c, committee: committee.New(c.Roster), pool: mempool.New(c.Limits.Pool)}
	if c.Broken.Has(canary.QuorumMinusOne) {
		e.committee.Q--
	}
	e.graph = dag.New(dag.Epoch{
		Committee: e.committee, Genesis: kernel.EpochHash(c.Network, c.Epoch, c.State, c.Roster),
		Timestamp: c.Started, Commit: c.Genesis, Depth: c.Parameters.Depth, Broken: c.Broken,
	}, c.History)
	e.coins = newCoins(c, e.committee, e.graph)
	e.committer = consensus.New(consensus.Rules{
		Wave: kernel.Round(c.Parameters.Wave), Horizon: c.Parameters.Horizon, Broken: c.Broken,
	}, e.committee, e.graph, e.coins)
	e.held = newPending(c.Limits)
	e.named = &namings{ring: make([][64]kernel.CommitClaim, e.committee.Size)}
	e.order = r.Order
	if e.order == nil {
		e.order = consensus.NewOrder(e.committee.Size, c.Genesis, c.Started, c.Position)
	}
	e.executed = r.Executed
	e.digests.put(r.Executed)
	e.restore(r)
	return e
}

func (e *Engine) restore(r Restored) {
	e.graph.Trim(r.Floor)
	for _, v := range r.Window {
		e.graph.Restore(v)
	}
	for _, a := range r.Open {
		e.openBody(a)
	}
	e.turn = r.Epoch
	e.findDeciding()
	if e.config.Self == Nobody {
		e.phase, e.reason, e.own = Watching, "not a member of this epoch", new(dag.Vertex)
		return
	}
	e.findOwn()
	switch {
	case !r.Trusted:
		e.phase, e.reason = Following, "the log is lost or damaged: this node signs nothing in this epoch"
	case e.graph.Forked().Has(e.config.Self):
		e.phase, e.reason = Following, "the log holds two snapshots of this node for one round: this node signs nothing in this epoch"
	case e.config.Fresh:
		e.phase = Active
	default:
		e.answers = e.answers.With(e.config.Self)
	}
}

// findOwn finds the newest own snapshot in the log. It may lie below the window, and nobody
// else need have seen it: signing its round again would be an equivocation.
func (e *Engine) findOwn() {
	self := e.config.Self
	e.own = e.graph.First(self, e.graph.Top().Clock[self])
	for {
		next := e.graph.Variants(self, e.own.Round+1)
		if len(next) == 0 {
			break
		}
		e.own = next[0]
	}
	e.graph.Join(e.graph.Top(), &e.own.Cut)
}

// Step takes an input and returns what must be done about it.
func (e *Engine) Step(in Input) Output {
	var out Output
	e.out, e.now, e.pressed = &out, max(in.Now, e.now), in.Pressed
	e.forget()
	for _, p := range in.Peers {
		e.peer(p)
	}
	for _, m := range in.Messages {
		e.message(m)
	}
	e.records = append(e.records, in.Records...)
	for _, c := range in.Admitted { // before Executed: what was checked a moment ago is not stale yet
		e.admit(c)
	}
	for _, x := range in.Executed {
		e.execution(x)
	}
	for _, a := range in.Arrived {
		e.arrive(a)
	}
	for _, m := range in.Missed {
		e.miss(m)
	}
	e.extend()
	e.accuseShares()
	e.make()
	e.tick()
	e.out = nil
	return out
}

// trimmed is how many rounds are forgotten at a time: it copies all that are kept.
const trimmed = 16

// forget lets go of what lies far below the order. It is done between steps, when everything
// accepted is in the log.
func (e *Engine) forget() {
	e.graph.Forget()
	settled, g := e.order.Progress.Round, e.config.Parameters.Horizon
	if settled >= e.graph.Floor()+2*g+trimmed {
		e.graph.Trim(settled - 2*g)
		e.coins.forget(settled - 2*g)
	}
}

func (e *Engine) wake(at kernel.Timestamp) {
	if e.out.Wake == 0 || at < e.out.Wake {
		e.out.Wake = at
	}
}

func (e *Engine) send(to Audience, m wire.Message) {
	e.out.Send = append(e.out.Send, Envelope{to, m})
}

func (e *Engine) admit(c mempool.Candidate) {
	_, known := e.pool.Get(c.Hash)
	c.Since = e.now
	err := error(ErrStale)
	if c.Checked >= e.executed.Index {
		err = e.pool.Add(c, e.pace())
	}
	e.out.Admit = append(e.out.Admit, Admission{c.Hash, err})
	if err == nil && !known && !e.speaks() {
		// A node that signs nothing cannot propose; the others can.
		e.send(Audience{All: true}, wire.Transactions{Raw: [][]byte{c.Raw}})
	}
}

// speaks reports whether what this node puts into its snapshots can become final. Those of a flagged
// member nobody names.
func (e *Engine) speaks() bool { return e.phase == Active && e.committee.Votes(e.config.Self) }
