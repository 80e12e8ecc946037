package replica

import (
	"slices"
	"sync/atomic"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A HostConfig is what a Host is made of, beside a Replica.
type HostConfig struct {
	Node      crypto.NodeKey
	CoinShare crypto.Scalar // of the genesis coin's secret; zero for a node that is no member of the genesis

	// CheckpointKey is the public half of the key that this node will sign the checkpoints of an epoch
	// with. Before it returns the secret half is durable; asked again, also after a restart, it
	// answers the same, or zero where the key is lost or there is none. Nil: there are none.
	CheckpointKey func(kernel.Epoch) kernel.Key

	// Tune adds to an engine's configuration how fast it goes: BatchWindow, IdlePeriod, Fanout, Limits.
	// A simulation changes Signer and Coin too. Nil changes nothing.
	Tune func(*engine.Config)

	// Post changes the payload of a dealing or verdict before it is signed, or withholds it: a simulation's
	// liars do. Nil changes nothing.
	Post func(kernel.RecordKind, []byte) []byte

	Restored func(*engine.Restored) // changes what was read back: a simulation breaks it on purpose
}

// A Host owns the engines of a node: that of the epoch in force and, until a single snapshot decides
// its end, that of the epoch before. It brings the end of the last epoch to members that have not
// shown the new one, serves what any past epoch left in the log, and posts this node's dealings
// and verdicts. It is not safe for concurrent use; one goroutine calls Step. [EPO-8]
//
// A node that is no member follows: it accepts, orders and executes like others and signs nothing.
// It becomes a member by the roster alone.
type Host struct {
	replica *Replica
	config  HostConfig

	current  *member
	previous *member // nil: there was no epoch before, or its end is decided and this node needs no engine there
	tail     tail
	outside  []kernel.Key // of the next roster, not of this one
	peers    map[kernel.Key]bool
	kept     map[kernel.Key]kernel.Epoch // the oldest epoch that connected peers say they have; those who said nothing have all
	known    []kernel.Key                // whoever was connected in this life, in the order of first connections
	archives atomic.Pointer[[]kernel.Key]
	served   map[kernel.Key]kernel.Timestamp
	posts    posts
	orphans  orphans
	held     [][]byte // records that wait until this node speaks, see carry
	silence  silence
	now      kernel.Timestamp
	tickAt   kernel.Timestamp
	fresh    bool         // nothing was stepped yet
	renews   bool         // the network's epochs change
	ahead    kernel.Epoch // the newest that a peer says it is in; it may lie
	rotation int

	failure error   // the log cannot be read: nothing goes on
	out     *Output // of the step under way
}

// A member is an engine in its epoch.
type member struct {
	*Seat
	engine *engine.Engine
	others []kernel.Key // whom own snapshots and what is for all go to
}

// knownPeers bounds whom a node that is behind asks.
const knownPeers = 256

// tickPeriod is how often the host looks what it owes others, in ms.
const tickPeriod = 500

// NewHost reads back what the folder holds and builds the engines. The error is ErrLogLost if the log
// is not what the state needs: see Rebuild.
func NewHost(r *Replica, c HostConfig) (*Host, error) {
	h := &Host{replica: r, config: c, peers: make(map[kernel.Key]bool), kept: make(map[kernel.Key]kernel.Epoch), served: make(map[kernel.Key]kernel.Timestamp), fresh: true}
	h.posts.sent = make(map[kernel.Hash]kernel.Timestamp)
	restored, err := r.Restored()
	if err != nil {
		return nil, err
	}
	if c.Restored != nil {
		c.Restored(&restored)
	}
	h.renews = r.epoch.Facts != nil
	h.current = h.engineOf(r.Seat(), restored, false)
	if before := r.seats.Load().previous; before != nil {
		if err := h.restoreBefore(before); err != nil {
			return nil, err
		}
	}
	h.look()
	return h, nil
}

// restoreBefore resumes the epoch before if no snapshot in the log decides its end.
func (h *Host) restoreBefore(s *Seat) error {
	restored, err := h.replica.restoredBefore(s)
	if err != nil {
		return err
	}
	h.previous = h.engineOf(s, restored, false)
	h.retire()
	return nil
}

// engineOf builds the engine of an epoch.
func (h *Host) engineOf(s *Seat, restored engine.Restored, fresh bool) *member {
	c := h.replica.EngineConfig(s, h.signer(s))
	c.Fresh = fresh
	if h.config.Tune != nil {
		h.config.Tune(&c)
	}
	return &member{Seat: s, engine: engine.New(c, restored)}
}

// Current is the engine of the epoch in force. It is the caller of Step's to look at.
func (h *Host) Current() *engine.Engine { return h.current.engine }

// Seat is the epoch in force.
func (h *Host) Seat() *Seat { return h.current.Seat }

// Step takes an input and returns what must be done about it.
func (h *Host) Step(in Input) Output {
	var out Output
	h.out, h.now = &out, max(in.Now, h.now)
	if h.failure != nil {
		return Output{Failed: h.failure}
	}
	h.connections(in.Peers)
	h.greet(in.Peers)
	for _, s := range in.Shown {
		h.tail.shown(s.Peer, s.Epoch)
		h.ahead = max(h.ahead, s.Epoch)
	}
	h.silence.answered(h, in.Answers)
	current := engine.Input{Now: in.Now, Pressed: in.Pressed, Admitted: in.Admitted}
	current.Records = h.carry(h.posts.fresh(in.Records, h.now))
	before := engine.Input{Now: in.Now}
	for i := range in.Parts {
		if into := h.into(in.Parts[i].Epoch, &current, &before); into != nil {
			h.observe(&in.Parts[i])
			into.Join(&in.Parts[i].Input)
		}
	}
	for _, r := range in.Requests {
		h.request(r, &current, &before)
	}
	for _, x := range in.Executed {
		if into := h.into(x.Commit.Epoch, &current, &before); into != nil {
			into.Executed = append(into.Executed, x)
		}
	}
	h.changes(in.Peers, &current, &before)
	h.run(h.current, &current)
	if h.previous != nil {
		h.run(h.previous, &before)
	}
	h.turn()
	h.retire()
	h.after(in.Executed)
	if h.fresh {
		h.fresh = false
		h.post()
	}
	h.tick()
	h.out = nil
	return out
}

// into is the input that something of an epoch goes into; nil for one that no engine orders now.
func (h *Host) into(epoch kernel.Epoch, current, before *engine.Input) *engine.Input {
	switch {
	case epoch == h.current.Epoch:
		return current
	case h.previous != nil && epoch == h.previous.Epoch:
		return before
	}
	return nil
}

// connections notes who is there.
func (h *Host) connections(list []PeerChange) {
	for _, p := range list {
		if p.Up {
			if !slices.Contains(h.known, p.Peer) && len(h.known) < knownPeers {
				h.known = append(h.known, p.Peer)
			}
			h.peers[p.Peer] = true
		} else {
			delete(h.peers, p.Peer)
			delete(h.served, p.Peer)
			delete(h.kept, p.Peer)
		}
	}
	if len(list) > 0 {
		h.countArchives()
	}
}

// changes tells the engines about members that came or went.
func (h *Host) changes(list []PeerChange, current, before *engine.Input) {
	for _, p := range list {
		if a, ok := h.current.Place(p.Peer); ok && a != h.current.Self {
			current.Peers = append(current.Peers, engine.PeerChange{Peer: a, Up: p.Up})
		}
		if h.previous == nil {
			continue
		}
		if a, ok := h.previous.Place(p.Peer); ok && a != h.previous.Self {
			before.Peers = append(before.Peers, engine.PeerChange{Peer: a, Up: p.Up})
		}
	}
}

// observe notes which members show that they are in an epoch: by a snapshot of it.
func (h *Host) observe(p *Part) {
	if !h.tail.waits() || p.Epoch <= h.tail.epoch {
		return
	}
	for i := range p.Arrived {
		h.tail.shown(h.current.Key(p.Arrived[i].Header.Author), p.Epoch)
	}
}

// run steps an engine and takes over what it asks for.
func (h *Host) run(m *member, in *engine.Input) {
	h.take(m, m.engine.Step(*in))
}

func (h *Host) take(m *member, e engine.Output) {
	out := h.out
	out.Persist = append(out.Persist, e.Persist...)
	out.Sync = out.Sync || e.Sync
	for i := range e.Send {
		h.envelope(m, &e.Send[i])
	}
	for _, s := range e.Serve {
		if key := m.Key(s.To); !key.IsZero() {
			out.Serve = append(out.Serve, Serving{key, s.IDs, s.More, s.Epoch})
		}
	}
	out.Commits = append(out.Commits, e.Commits...)
	out.Refused = append(out.Refused, e.Refused...)
	out.Faulty = append(out.Faulty, e.Faulty...)
	out.Beaten = append(out.Beaten, e.Beaten...)
	out.Admit = append(out.Admit, e.Admit...)
	h.wake(e.Wake)
}

func (h *Host) wake(at kernel.Timestamp) {
	if at != 0 && (h.out.Wake == 0 || at < h.out.Wake) {
		h.out.Wake = at
	}
}

// envelope addresses what an engine sends. Own snapshots go to those too that will join.
func (h *Host) envelope(m *member, e *engine.Envelope) {
	out := Envelope{Message: e.Message, Sample: e.To.Sample}
	switch {
	case e.To.All:
		_, out.Own = e.Message.(wire.Snapshot)
		out.To = m.others
	case e.To.Sample > 0:
		for a, key := range m.keys {
			if author := kernel.Author(a); author != m.Self && !e.To.Except.Has(author) {
				out.To = append(out.To, key)
			}
		}
	default:
		if key := m.Key(e.To.Peer); !key.IsZero() && e.To.Peer != m.Self {
			out.To = []kernel.Key{key}
		}
	}
	if len(out.To) > 0 {
		h.out.Send = append(h.out.Send, out)
	}
}

func (h *Host) send(m wire.Message, to ...kernel.Key) {
	h.out.Send = append(h.out.Send, Envelope{To: to, Message: m})
}

// turn goes on to the next epoch when the one in force has ended.
func (h *Host) turn() {
	if h.current.engine.Turn().Ended == 0 {
		return
	}
	view := h.replica.store.View()
	defer view.Close()
	seat, ok := h.replica.seatOf(view, h.current.Epoch+1)
	if !ok {
		panic("replica: an epoch has ended without a next one")
	}
	h.previous = h.current
	h.replica.seats.Store(&seats{current: seat, previous: h.previous.Seat})
	h.tail = tail{}
	restored, err := h.replica.restoredAfter(seat)
	if err != nil {
		h.failure, h.out.Failed = err, err
		return
	}
	var fresh bool
	restored.Trusted, fresh = h.silence.turn(h, seat.Epoch)
	h.current = h.engineOf(seat, restored, fresh)
	h.adopt(h.previous)
	h.current.engine.Inherit(h.previous.engine)
	h.out.Entered = append(h.out.Entered, seat)
	h.look()
	in := engine.Input{Now: h.now}
	for a, key := range seat.keys {
		if h.peers[key] && kernel.Author(a) != seat.Self {
			in.Peers = append(in.Peers, engine.PeerChange{Peer: kernel.Author(a), Up: true})
		}
	}
	h.run(h.current, &in)
}

// retire lets the engine of the epoch before go when a single snapshot decides its end: that one is
// brought to everybody from now on, and the log serves the rest.
func (h *Host) retire() {
	if h.previous == nil {
		return
	}
	id, ok := h.previous.engine.Deciding()
	if !ok {
		return
	}
	h.tail = tail{epoch: h.previous.Epoch, id: id, waiting: h.replica.membersOf(h.previous.Seat, h.current.Seat)}
	h.adopt(h.previous) // what came since the turn
	h.previous = nil
	h.replica.seats.Store(&seats{current: h.current.Seat})
}

// look learns from the newest state who else is to get what this node makes. It is called when the state
// says something new about the next roster.
func (h *Host) look() {
	view := h.replica.store.View()
	defer view.Close()
	h.outside = nil
	if e, ok := ledger.EpochOf(view); ok && e.Next != nil && e.Number == h.current.Epoch {
		for i := range e.Next.Members {
			if key := e.Next.Members[i].Key; h.current.place(key) == Outsider && key != h.replica.key {
				h.outside = append(h.outside, key)
			}
		}
	}
	h.current.others = append(h.replica.membersOf(h.current.Seat), h.outside...)
	if h.previous != nil {
		h.previous.others = h.replica.membersOf(h.previous.Seat, h.current.Seat)
	}
}

// membersOf lists the members of seats, each once, but for this node.
func (r *Replica) membersOf(list ...*Seat) (keys []kernel.Key) {
	for _, s := range list {
		for _, key := range s.keys {
			if key != r.key && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// Persist does the first part of an output: it appends accepted snapshots to the log, and syncs if an
// own one is among them. Nothing of the rest may be done before it returns nil.
func (r *Replica) Persist(out *Output) error {
	if err := r.Write(out); err != nil || !out.Sync {
		return err
	}
	return r.Sync()
}

// distrust notes that this node must not sign, so that a restart does not forget it.
func (h *Host) distrust() {
	if s := h.current.engine; s.Phase() == engine.Following && h.replica.store.LogState() != store.Doubtful {
		h.replica.store.Distrust(s.Reason())
	}
}
