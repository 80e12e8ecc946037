package sim

import (
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A node is an honest member: replica, engine and store as in production, and the shell around
// them in virtual time. What the production shell does in goroutines happens here in events.
type node struct {
	w      *world
	place  int           // of this copy among all ends; for a second copy of a member not the author
	author kernel.Author // its number among all people of the stage; where members do not change, its author too
	clock  skewed

	fs      *kv.CrashFS // what is on the disk
	disk    *kv.FaultFS // the way to it
	store   *store.Store
	replica *replica.Replica
	host    *replica.Host

	life    int // counts starts: what belongs to an earlier life is dropped
	up      bool
	frozen  bool // SIGSTOP: it does nothing and loses nothing
	rotten  bool // its disk had a flipped bit
	refused bool // stays down: its last stop was for good

	inbox     replica.Input
	due       bool // a step is on its way
	wakeAt    sim.Time
	backlog   []engine.Ordered
	executing bool
	stalled   sim.Time // its ledger takes this long more for each commit
	lag       sim.Time // every step takes this long: a slow disk
	doom      doom
	steps     int
	frames    int // sent
	phase     engine.Phase
	joined    bool // started, or to be started with the others
	rebel     *rebel
	behind    bool // it started many rounds behind, and has not signed since
}

// A doom is a power failure that waits for its moment.
type doom struct {
	at    moment
	after int // such moments to let pass
	then  func()
}

// A moment is a place in the life of a node at which it may lose power.
type moment uint8

// The moments. Between the first two the node has decided on a snapshot and nothing is durable;
// between the next two it is durable and nobody has it.
const (
	never moment = iota
	beforeJournal
	beforeSend
	halfSent
	beforeExecution
	afterExecution
	insideWrite
	moments
)

var momentNames = [moments]string{"never", "before_journal", "before_send", "half_sent", "before_execution", "after_execution", "inside_write"}

const home = "node"

// idlePeriod is the time between own snapshots of a node with nothing to say, as in production, ms.
const idlePeriod = 1000

func (w *world) storeOptions(disk kv.FS) store.Options {
	return store.Options{FS: disk, Engine: kv.Plain, SegmentBytes: 256 << 10, FoldCommits: 8, Fatal: func(err error) { panic(stopped{err}) }}
}

// stopped is how a store that cannot go on ends its node, as it ends the process in production.
type stopped struct{ err error }

// powerLoss is how a doom ends the step under way.
type powerLoss struct{}

func (w *world) newNode(a kernel.Author, place int) *node {
	n := &node{w: w, author: a, place: place, joined: true}
	n.fs = kv.Crashable()
	n.disk = kv.Faulty(n.fs)
	w.create(n)
	return n
}

// create makes the folder of a node that has never run.
func (w *world) create(n *node) {
	id := kernel.NodeIDOf(w.stage.network, w.stage.keys[n.author].Public())
	if err := store.Create(home, w.stage.genesis, id, w.stage.diff, w.stage.first, w.storeOptions(n.fs)); err != nil {
		panic(fmt.Sprintf("sim: create store: %v", err))
	}
}

// start opens the folder and begins a life. A folder that cannot be opened keeps the node down.
func (n *node) start() {
	if n.up || n.refused || !n.joined {
		return
	}
	n.life++
	n.inbox, n.backlog, n.executing, n.due, n.wakeAt, n.doom = replica.Input{}, nil, false, false, 0, doom{}
	n.disk.Slow(n.beforeWrite)
	var err error
	n.guard(func() { err = n.open() })
	if err != nil {
		n.w.note(n, "start failed: "+err.Error())
		n.w.after(5000, n, n.start) // the operator tries again
		return
	}
	if n.host == nil {
		return
	}
	n.up, n.frozen = true, false
	n.w.note(n, "starts")
	n.w.meet(n.place)
	n.tick()
}

func (n *node) open() error {
	w := n.w
	s, err := replica.Open(home, w.stage.genesis, w.stage.keys[n.author].Public(), w.storeOptions(n.disk))
	if err != nil {
		return err
	}
	n.store = s
	err = n.assemble()
	if errors.Is(err, replica.ErrLogLost) {
		if err = n.rebuild(err); err == nil {
			err = n.assemble()
		}
	}
	if err != nil && n.store != nil {
		err = errors.Join(err, n.store.Close())
	}
	if err != nil {
		return err
	}
	n.phase = engine.Observing
	n.w.witness.started(n)
	return nil
}

// tune makes an engine sign as this run does, and go as fast as its profile says.
func (n *node) tune(c *engine.Config) {
	w := n.w
	if c.Epoch == 0 || !w.notary.real {
		c.Signer, c.Coin = signer{w.notary, n.author, c.Signer, c.Epoch, c.Self}, tosses{w.notary, c.Epoch, c.Roster.Faulty()}
	}
	c.Broken = w.broken
	c.BatchWindow, c.IdlePeriod, c.Fanout = w.profile.batchWindow, 1000, w.profile.fanout
	c.Limits = w.profile.limits
}

func (n *node) assemble() (err error) {
	proofs := replica.Proofs(n.w.notary)
	memory := n.w.memory
	if n.w.broken.Has(canary.Cofactorless) && n.place == n.w.cofactorless {
		proofs, memory = cofactorless{n.w.notary}, replica.NewMemory()
	}
	n.replica, err = replica.New(replica.Config{
		Genesis: n.w.stage.genesis, Key: n.key(), Store: n.store, Proofs: proofs, Memory: memory, Broken: n.w.broken,
	})
	if err != nil {
		return err
	}
	c := replica.HostConfig{Node: n.w.stage.keys[n.author], Tune: n.tune}
	if int(n.author) < len(n.w.stage.shares) {
		c.CoinShare = n.w.stage.shares[n.author]
	}
	if n.rebel != nil {
		c.Post = n.rebel.post
	}
	if n.w.broken.Has(canary.ForgottenJournal) {
		c.Restored = func(r *engine.Restored) { forgetNewest(r, n.author) }
	}
	n.host, err = replica.NewHost(n.replica, c)
	return err
}

// key is the member's public key.
func (n *node) key() kernel.Key { return n.w.stage.keys[n.author].Public() }

// rebuild sets the damaged folder aside and begins an empty one, as a node does.
func (n *node) rebuild(cause error) error {
	n.w.reached("log_rebuilt")
	broken := n.store
	n.store = nil // until there is a new one
	if err := broken.Close(); err != nil {
		return err
	}
	var err error
	aside := fmt.Sprintf("%s.damaged-%d", home, n.life)
	n.store, err = replica.Rebuild(home, aside, n.w.stage.genesis, n.w.stage.keys[n.author].Public(), n.w.storeOptions(n.disk), cause)
	n.w.witness.wiped(n)
	return err
}

// forgetNewest is the forgotten journal: the newest own snapshot is missing from what a restart
// reads back, unless somebody's snapshot that was accepted here names it.
func forgetNewest(r *engine.Restored, self kernel.Author) {
	var newest *dag.Vertex
	for _, v := range r.Window {
		if v.Author == self && (newest == nil || v.Round > newest.Round) {
			newest = v
		}
	}
	names := func(v *dag.Vertex) bool {
		return slices.ContainsFunc(v.Parents, func(p kernel.Parent) bool { return newest != nil && p.ID == newest.ID })
	}
	if newest == nil || slices.ContainsFunc(r.Window, names) {
		return
	}
	r.Window = slices.DeleteFunc(r.Window, func(v *dag.Vertex) bool { return v == newest })
	r.Open = slices.DeleteFunc(r.Open, func(a engine.Arrival) bool { return a.ID == newest.ID })
}

// end ends a life: what was not durable is lost as far as the failure says.
func (n *node) end(left *kv.CrashFS) {
	if !n.up {
		return
	}
	n.w.witness.ended(n)
	n.up = false
	n.leave(left)
	n.w.part(n.place)
}

// leave ends the process, running or starting: its locks and open files are gone.
func (n *node) leave(left *kv.CrashFS) {
	n.life++ // what is on its way for this life is lost
	n.host, n.replica, n.store = nil, nil, nil
	n.fs = left
	n.disk.Replace(left)
	n.disk.FailAfter(0, false) // a broken disk is replaced, a full one stays full
}

// kill ends the process: what was written stays.
func (n *node) kill() {
	if n.up {
		n.w.note(n, "is killed")
		n.end(n.fs.Kill())
	}
}

// cut is a loss of power: of what was not synced, each block and name stays with percent.
func (n *node) powerOff(percent int, seed uint64) {
	if n.up {
		n.w.note(n, fmt.Sprintf("loses power, %d%% of what was not synced stays", percent))
		n.end(n.fs.Crash(percent, seed))
	}
}

// guard runs a part of the node's work and ends the node the way production would end.
func (n *node) guard(work func()) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case powerLoss:
			then := n.doom.then
			n.doom = doom{}
			then()
		case stopped:
			n.failed(p.err)
		default:
			n.w.witness.panicked(n, p)
		}
	}()
	work()
}

// failed is a storage failure: the node stops cleanly and its operator starts it again.
func (n *node) failed(err error) {
	n.w.reached("storage_failed")
	n.w.note(n, "stops: "+err.Error())
	if n.up {
		n.end(n.fs.Kill())
	} else {
		n.leave(n.fs.Kill())
	}
	n.w.after(3000, n, n.start)
}

// passes tells the doom that a moment has come.
func (n *node) passes(m moment) {
	if n.doom.at != m {
		return
	}
	if n.doom.after--; n.doom.after < 0 {
		n.w.reached("crash_" + momentNames[m])
		panic(powerLoss{})
	}
}

func (n *node) beforeWrite(op kv.Operation, _ string) {
	if n.up && op.Changes() {
		n.passes(insideWrite)
	}
}

// tick asks for a step now.
func (n *node) tick() {
	if n.due || !n.up || n.frozen {
		return
	}
	n.due = true
	n.w.after(n.lag, n, n.step)
}

func (n *node) step() {
	n.due = false
	if !n.up || n.frozen {
		return
	}
	n.guard(n.work)
}

// work is one turn of the loop: durable before visible, as engine.Output says.
func (n *node) work() {
	in := n.inbox
	n.inbox = replica.Input{}
	in.Now = n.clock.now(n.w.clock.Now())
	n.w.stopwatch.start()
	out := n.host.Step(in)
	n.w.stopwatch.stop(ordering)
	if out.Failed != nil {
		n.failed(out.Failed)
		return
	}
	n.steps++
	if out.Sync {
		n.passes(beforeJournal)
	}
	synced := out.Sync
	if n.w.broken.Has(canary.NoSync) {
		out.Sync = false
	}
	if err := n.replica.Persist(&out); err != nil {
		n.failed(err)
		return
	}
	if synced {
		n.passes(beforeSend)
	}
	n.replica.Done(&out)
	n.w.witness.stepped(n, &out)
	n.fork(&out)
	n.deliver(&out)
	n.w.witness.answered(n, out.Admit)
	n.backlog = append(n.backlog, out.Commits...)
	n.execute()
	n.schedule(out.Wake)
}

func (n *node) deliver(out *replica.Output) {
	for _, e := range out.Send {
		frame, short := wire.Append(nil, e.Message), n.replica.Encode(e)
		targets := n.w.audience(n.place, n.author, &e)
		for i, to := range targets {
			if i == (len(targets)+1)/2 {
				n.passes(halfSent)
			}
			if n.w.short(to) {
				n.send(to, short)
			} else {
				n.send(to, frame)
			}
		}
	}
	for _, s := range out.Serve {
		for _, to := range n.w.copies(n.w.stage.person(s.To)) {
			for _, id := range s.IDs {
				if frame, ok := n.replica.Frame(id); ok {
					n.send(to, frame)
				}
			}
			if s.More {
				n.send(to, wire.Append(nil, wire.More{Epoch: s.Epoch}))
			}
		}
	}
}

func (n *node) send(to int, frame []byte) {
	n.frames++
	n.w.witness.sent(n, frame)
	n.w.send(n.place, to, frame)
}

// schedule asks for the step that the engine wants at the latest.
func (n *node) schedule(wake kernel.Timestamp) {
	if wake == 0 {
		return
	}
	at := max(n.clock.when(wake, n.w.clock.Now()), n.w.clock.Now()+1)
	if n.wakeAt > n.w.clock.Now() && n.wakeAt <= at {
		return
	}
	n.wakeAt = at
	n.w.at(at, n, n.tick)
}

// execute hands the next commit to the ledger, one at a time.
func (n *node) execute() {
	if n.executing || len(n.backlog) == 0 {
		return
	}
	n.executing = true
	next := n.backlog[0]
	n.backlog = n.backlog[1:]
	n.w.after(n.stalled+n.w.execution(), n, func() {
		n.executing = false
		n.guard(func() { n.executeOne(next) })
	})
}

func (n *node) executeOne(o engine.Ordered) {
	n.passes(beforeExecution)
	n.w.stopwatch.start()
	x, diff, err := n.replica.Execute(o)
	n.w.stopwatch.stop(executing)
	if err != nil {
		n.failed(err)
		return
	}
	if diff == nil {
		n.w.reached("void_commit")
		n.execute()
		return
	}
	n.w.witness.executed(n, o.Commit, diff)
	n.passes(afterExecution)
	n.inbox.Executed = append(n.inbox.Executed, x)
	n.tick()
	n.execute()
}

// receive takes a frame from a peer, as the pipeline in front of the engine does.
func (n *node) receive(from int, frame []byte) {
	if !n.up {
		return
	}
	if n.frozen {
		n.w.after(50, n, func() { n.receive(from, frame) })
		return
	}
	n.guard(func() {
		sender := n.w.stage.keys[n.w.ends[from].who()].Public()
		n.w.stopwatch.start()
		in, err := n.replica.Decode(sender, frame)
		n.w.stopwatch.stop(arriving)
		if err != nil {
			n.w.witness.misbehaved(n, from, err)
			n.w.disconnect(n.place, from)
			return
		}
		if in != nil {
			if n.rebel != nil {
				n.forgive(in)
			}
			n.take(in)
		}
	})
}

func (n *node) take(in *replica.Input) {
	n.inbox.Join(in)
	n.tick()
}

// connection tells about a peer.
func (n *node) connection(peer kernel.Author, up bool) {
	if n.up {
		n.inbox.Peers = append(n.inbox.Peers, replica.PeerChange{Peer: n.w.stage.keys[peer].Public(), Up: up})
		n.tick()
	}
}

func (n *node) who() kernel.Author { return n.author }

// engine is that of the epoch in force.
func (n *node) engine() *engine.Engine { return n.host.Current() }
func (n *node) running() bool          { return n.up }
func (n *node) lives() int             { return n.life }

// submit is a client's call: the transaction is checked on the newest state, and goes to the
// mempool if it holds.
func (n *node) submit(raw []byte) error {
	c, err := n.replica.Candidate(raw)
	if err != nil {
		return err
	}
	n.inbox.Admitted = append(n.inbox.Admitted, c)
	n.tick()
	return nil
}
