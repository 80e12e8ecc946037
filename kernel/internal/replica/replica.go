// Package replica is what a node does around its engine that needs neither goroutine, clock nor
// socket: it verifies what arrives, keeps bodies until they are executed, writes the log, executes
// commits, and finds in a folder what the engine goes on from. The node runs it among goroutines,
// the simulator in virtual time: both run this code.
//
// A Replica stands between one store and the engines of its epochs, which a Host owns. Persist, Done and Execute are called by one
// caller each, in the order of the engine's outputs; all else may be called from several
// goroutines. Errors of Persist and Execute are the store's: the caller must not go on after one.
// A store that cannot read stops the process itself, see store.Options.
package replica

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/canary"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
	lru "github.com/hashicorp/golang-lru/v2"
)

// A Config is what a Replica is made of.
type Config struct {
	Genesis *kernel.Genesis // checked, see Genesis.Check
	Key     kernel.Key      // this node's public key
	Store   *store.Store    // open; stays the caller's to close
	Proofs  Proofs          // nil: NewProofs(Genesis), which is what a node uses
	Memory  *Memory         // nil: its own; a simulation shares one among the replicas of a network

	// Each calls do(0) to do(n-1), on as many cores as there are, and returns when all are done;
	// nil does one after the other.
	Each func(n int, do func(i int))

	// Later leaves signatures of payments to VerifyWaiting, which somebody must then call. It takes
	// Proofs that are a Batch.
	Later bool

	Broken canary.Set // by a simulation, on purpose
}

// A Replica is one member's part of a network. See the package for who may call what.
type Replica struct {
	genesis *kernel.Genesis
	network kernel.NetworkID
	key     kernel.Key
	store   *store.Store
	proofs  Proofs
	memory  *Memory
	context atomic.Pointer[contexts]
	seats   atomic.Pointer[seats]
	broken  canary.Set
	each    func(n int, do func(i int))
	later   bool
	started *kernel.Commit // commit 0

	epoch ledger.Epoch // as the newest commit has it; of whoever executes
	ended []byte       // the order at the end of the epoch before; likewise

	bodies    *weighed[kernel.SnapshotID, *payload] // of snapshots on their way to execution
	waiting   waiting
	verifying sync.Mutex                              // held while what waited is verified
	inspected *lru.Cache[kernel.SnapshotID, struct{}] // verified, and taken or on their way
}

// Bodies are kept in memory between arrival and execution; large ones, and those beyond the
// limit, are read from the log.
const (
	bodiesKept  = 4096
	bodiesBytes = 64 << 20
)

// inspectedKept is how many snapshots are known without asking the store.
const inspectedKept = 16 << 10

// New returns a Replica over an open folder.
func New(c Config) (*Replica, error) {
	r := &Replica{
		genesis: c.Genesis, network: c.Genesis.NetworkID(), key: c.Key, store: c.Store,
		proofs: c.Proofs, memory: c.Memory, broken: c.Broken, each: c.Each, later: c.Later,
		bodies: newWeighed[kernel.SnapshotID, *payload](bodiesKept, bodiesBytes),
	}
	if r.each == nil {
		r.each = func(n int, do func(i int)) {
			for i := range n {
				do(i)
			}
		}
	}
	r.inspected, _ = lru.New[kernel.SnapshotID, struct{}](inspectedKept)
	if r.proofs == nil {
		proofs, err := NewProofs(c.Genesis)
		if err != nil {
			return nil, err
		}
		r.proofs = proofs
	}
	if r.memory == nil {
		r.memory = NewMemory()
	}
	var ok bool
	if r.started, _, ok = c.Store.CommitAt(0); !ok {
		return nil, errors.New("folder has no genesis commit")
	}
	if _, ok := r.proofs.(Batch); !ok {
		r.later = false
	}
	return r, r.sit()
}

// sit takes the seats that the newest state gives.
func (r *Replica) sit() error {
	view := r.store.View()
	defer view.Close()
	r.epoch = epochOf(view)
	current, ok := r.seatOf(view, r.epoch.Number)
	if !ok {
		return fmt.Errorf("folder has no epoch %d", r.epoch.Number)
	}
	s := seats{current: current}
	if r.epoch.Number > 0 && r.store.Base() < current.genesis.Index { // one made from the end of the epoch before has nothing of it
		s.previous, _ = r.seatOf(view, r.epoch.Number-1)
	}
	r.seats.Store(&s)
	r.contextFor(current.Roster)
	_, r.ended = splitOrders(r.store.Consensus())
	return nil
}

// epochOf is ledger.EpochOf, and epoch 0 where there are no others.
func epochOf(v ledger.View) ledger.Epoch {
	e, _ := ledger.EpochOf(v)
	return e
}

// contexts are what the ledger's rules ask for beside the state, in the epoch in force.
type contexts struct {
	plain   *ledger.Context
	hopeful *ledger.Context // for signatures that are verified later
}

// contextFor changes the contexts when another roster is in force.
func (r *Replica) contextFor(roster *kernel.Roster) {
	c := contexts{plain: ledger.ContextOf(r.genesis, remembering{r.memory, r.proofs})}
	c.plain.Roster, c.plain.Parse = roster, r.Parse
	c.hopeful = new(*c.plain)
	c.hopeful.Verifier = hopeful{r.memory}
	r.context.Store(&c)
}

// Context is what the ledger's rules ask for beside the state, with this replica's memory.
func (r *Replica) Context() *ledger.Context { return r.context.Load().plain }

// Parse is ledger.Parse with a memory.
func (r *Replica) Parse(raw []byte) *ledger.Parsed { return r.parse(raw, ledger.SignedHash(raw)) }

func (r *Replica) parse(raw []byte, signed kernel.Hash) *ledger.Parsed {
	p := r.memory.parse(raw, signed)
	if r.broken.Has(canary.DuplicateInput) && p.Refusal != nil && p.Refusal.Rule == kernel.InputDuplicate {
		return &ledger.Parsed{Transaction: p.Transaction, Hash: p.Hash, Signed: p.Signed}
	}
	return p
}

// EngineConfig is what the engine of this replica is built from, with Restored. The caller adds
// how fast it goes: BatchWindow, IdlePeriod, Fanout, Limits.
func (r *Replica) EngineConfig(s *Seat, signer engine.Signer) engine.Config {
	return engine.Config{
		Network: r.network, Epoch: s.Epoch, Roster: s.Roster, Parameters: r.genesis.Parameters,
		Genesis: s.genesis.Index, State: s.genesis.Digest, Started: s.genesis.Timestamp,
		Position: s.genesis.Position + uint64(len(s.genesis.Snapshots)),
		Self:     s.Self, Key: r.key, Signer: signer, History: graphHistory{r.store, s.Epoch},
	}
}

// Write is the half of Persist that does not wait for the disk. What it appended can be read;
// nothing may be sent before Sync if the output asks for one.
func (r *Replica) Write(out *Output) error {
	if len(out.Persist) == 0 {
		return nil
	}
	records := make([]store.Record, len(out.Persist))
	for i, rec := range out.Persist {
		records[i] = splitRecord(rec)
		if s := r.seat(rec.Epoch); s != nil && rec.Author == s.Self {
			r.fill(s, wire.Place{Author: rec.Author, Round: rec.Round}, rec.ID)
		}
	}
	return r.store.Append(records, false)
}

// Sync makes everything written before durable. It may be called while more is written.
func (r *Replica) Sync() error { return r.store.SyncNow() }

// Done forgets what an engine's output refuses: the snapshots may be wanted later.
func (r *Replica) Done(out *Output) {
	for _, s := range out.Refused {
		r.bodies.remove(s.ID)
		r.inspected.Remove(s.ID)
	}
}

// OnTheWay reports whether a snapshot has arrived and is being verified, or goes through the engine:
// another copy would be ignored, so nobody needs to be asked for one.
func (r *Replica) OnTheWay(id kernel.SnapshotID) bool {
	return r.inspected.Contains(id) && !r.store.Has(id)
}

// Frame is the message that carries an accepted snapshot, for peers that lack it: the answer to
// an engine.Serving is the frames of its snapshots.
func (r *Replica) Frame(id kernel.SnapshotID) ([]byte, bool) {
	rec, ok := r.store.Snapshot(id)
	if !ok {
		return nil, false
	}
	return wire.Append(nil, wire.Snapshot{Raw: joinRecord(rec)}), true
}
