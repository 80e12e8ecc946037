package forge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/template"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/why"
)

// Bounds and times of the board.
const (
	keptJobs     = 1024             // handed out and not too old to come back
	keptWorkers  = 256              // that have a job of their own
	keptNonces   = 1 << 16          // of a job, that were enough for a share
	refreshEvery = 2 * time.Second  // with what waits now
	restampEvery = 10 * time.Second // so that the difficulty follows the clock
	buildTimeout = 10 * time.Second
)

// The ways in which a solution is refused, beside the rules of work.
var (
	ErrUnknownWork   = errors.New("unknown_work")   // never handed out, or long ago
	ErrStaleWork     = errors.New("stale_work")     // the chain has gone on since
	ErrDuplicateWork = errors.New("duplicate_work") // this nonce came before
)

// A Job is work handed out to one worker.
type Job struct {
	pow.Work
	Height  uint32
	Changed <-chan struct{} // closed when there is better work
	from    *template.Job
	nonces  map[uint64]bool // that came back; guarded by the board
}

// Stamp is the one in the header that is worked on.
func (j *Job) Stamp() uint32 { return j.from.Header.Timestamp }

// A board holds the block that is worked on and the jobs that were handed out.
type board struct {
	f        *Forge
	building sync.Mutex // one template is made at a time; taken before mu

	mu      sync.Mutex // never held while calling out
	tpl     *template.Template
	moves   uint64 // how often the tip moved
	dirty   bool   // what waits has changed since
	made    time.Time
	changed chan struct{} // closed and replaced when jobs before are not the best any more
	users   time.Time     // when somebody last asked for work
	extra   uint64
	jobs    map[[32]byte]*Job
	ring    [][32]byte // the jobs' heads, oldest first
	workers map[string]*Job
}

func newBoard(f *Forge) *board {
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // cannot fail; two nodes that pay the same address do not search the same ground
	return &board{
		f: f, changed: make(chan struct{}), extra: binary.BigEndian.Uint64(seed[:]),
		jobs: map[[32]byte]*Job{}, workers: map[string]*Job{},
	}
}

// tipMoved drops the block that is worked on: its parent is not the tip any more, or it pays somebody else.
func (b *board) tipMoved() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tpl = nil
	b.moves++
	b.announce()
}

func (b *board) poolChanged() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dirty = true
}

// announce wakes who works on an older job. The caller holds mu.
func (b *board) announce() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// changes is closed when there is other work than now.
func (b *board) changes() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// refresh makes the block anew from time to time, while somebody works on it.
func (b *board) refresh(ctx context.Context) {
	for pause(ctx, refreshEvery) {
		b.f.stats.measure()
		b.mu.Lock()
		old, idle, due := b.tpl, time.Since(b.users) > 3*restampEvery, b.dirty || time.Since(b.made) > restampEvery
		b.mu.Unlock()
		if idle || !due || old == nil {
			continue
		}
		fresh, err := b.build(ctx)
		if err != nil {
			continue // who asks for work is told
		}
		b.mu.Lock()
		if b.tpl == old { // nothing else happened meanwhile
			restamp := time.Since(b.made) > restampEvery
			b.dirty = false
			if restamp || fresh.Fees > old.Fees {
				b.tpl, b.made = fresh, time.Now()
				b.announce()
			}
		}
		b.mu.Unlock()
	}
}

// current returns the block to work on.
func (b *board) current(ctx context.Context) (*template.Template, error) {
	b.building.Lock()
	defer b.building.Unlock()
	for {
		b.mu.Lock()
		b.users = time.Now()
		held, moves := b.tpl, b.moves
		b.mu.Unlock()
		if held != nil && held.Parent.ID == b.f.o.Node.Store().Tip().Branch.ID { // we may not have been told yet
			return held, nil
		}
		fresh, err := b.build(ctx)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		if b.moves == moves { // else the tip moved while it was made
			b.tpl, b.made, b.dirty = fresh, time.Now(), false
			b.mu.Unlock()
			return fresh, nil
		}
		b.mu.Unlock()
	}
}

// build makes a template behind the tip.
func (b *board) build(ctx context.Context) (*template.Template, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	m, p := b.f.Mining(), b.f.o.Params
	switch standing := b.f.o.Node.Standing(); {
	case m.Pay == pillars.Address{}:
		return nil, ErrNoAddress
	case !standing.Synced:
		return nil, ErrNotSynced
	case standing.Inbound+standing.Outbound < m.MinPeers:
		return nil, ErrNoPeers
	}
	waiting, err := b.f.o.Node.Waiting(ctx, int(p.Limits.BlockSize))
	if err != nil {
		return nil, err
	}
	parent, view, release := stateOf(b.f.o.Node.Store(), p)
	defer release()
	t, err := template.New(template.Request{
		Params: p, Parent: &parent, View: view, Stamp: now(), Pay: m.Pay, Asset: m.Asset, Text: m.Text,
		Waiting: waiting, Verified: true,
	})
	if err != nil {
		b.f.record.blocked(&parent, pillars.PoW, causeOf(err), err.Error())
		return nil, err
	}
	for _, left := range t.Left {
		if !errors.Is(left.Why, template.ErrNoRoom) {
			b.f.o.Log.Debug("left out of block", "height", t.Height(), "tx", left.ID.Short(), "why", left.Why)
		}
	}
	return t, nil
}

// causeOf names the reason why there is no template.
func causeOf(err error) why.Cause {
	switch {
	case errors.Is(err, ErrNotSynced):
		return why.NotSynced
	case errors.Is(err, ErrNoPeers):
		return why.NoPeers
	case errors.Is(err, ErrNoAddress):
		return why.NoAddress
	case errors.Is(err, consensus.WorkRunTooLong), errors.Is(err, consensus.StakeRunTooLong):
		return why.RunUsedUp
	}
	return why.NoTemplate
}

// Work hands out work: the same again to the same worker until there is better.
func (f *Forge) Work(ctx context.Context, worker string) (*Job, error) {
	return f.board.work(ctx, worker)
}

func (b *board) work(ctx context.Context, worker string) (*Job, error) {
	for {
		t, err := b.current(ctx)
		if err != nil {
			return nil, err
		}
		if j, again, err := b.jobOf(t, worker); !again {
			return j, err
		}
	}
}

// jobOf makes a worker's job of a template; again, if that is not the one that is worked on any more.
func (b *board) jobOf(t *template.Template, worker string) (j *Job, again bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tpl != t {
		return nil, true, nil
	}
	if j := b.workers[worker]; j != nil && j.from.Template == t && now() < j.Stamp()+uint32(restampEvery/time.Second) {
		return j, false, nil
	}
	b.extra++
	from, err := t.Job(now(), b.extra)
	if err != nil {
		return nil, false, err
	}
	j = &Job{Work: pow.Prepare(b.f.o.Caches.Sizes(), &from.Header), Height: t.Height(), Changed: b.changed, from: from}
	b.keep(worker, j)
	return j, false, nil
}

// keep remembers a job so that it can come back. The caller holds mu.
func (b *board) keep(worker string, j *Job) {
	if len(b.ring) == keptJobs {
		delete(b.jobs, b.ring[0])
		b.ring = b.ring[1:]
	}
	b.ring = append(b.ring, j.Head)
	b.jobs[j.Head] = j
	if len(b.workers) >= keptWorkers && b.workers[worker] == nil {
		clear(b.workers) // all get new jobs: they lose nothing but a table entry
	}
	b.workers[worker] = j
}

// A Solution is work that came back.
type Solution struct {
	Head  [32]byte
	Nonce uint64
	Mix   [32]byte // zero: not said; stratum's miners do not
}

// Submit takes a solution from getwork or stratum: the block goes to the node. The error is one of the three above, a rule of
// work, or what the node says.
func (f *Forge) Submit(ctx context.Context, s Solution) (pillars.BlockID, error) {
	j, err := f.board.find(s)
	if err != nil {
		return pillars.BlockID{}, err
	}
	mix, result := f.o.Caches.Cache(j.Epoch).Hash(s.Head, s.Nonce)
	if s.Mix != ([32]byte{}) && s.Mix != mix {
		return pillars.BlockID{}, consensus.Reject(consensus.WrongMix, "%x, computed %x", s.Mix, mix)
	}
	if err := pow.Enough(&j.from.Header, result); err != nil {
		return pillars.BlockID{}, err
	}
	if !f.board.note(j, s.Nonce) {
		return pillars.BlockID{}, ErrDuplicateWork
	}
	return f.give(ctx, j.from.Block(s.Nonce, mix), &j.from.Template.Parent)
}

// Result is what Ethash says of a nonce for a job that was handed out, for who counts shares. It does not note the nonce.
func (f *Forge) Result(s Solution) (j *Job, result [32]byte, err error) {
	if j, err = f.board.find(s); err != nil {
		return nil, result, err
	}
	_, result = f.o.Caches.Cache(j.Epoch).Hash(s.Head, s.Nonce)
	return j, result, nil
}

// Note remembers a nonce that is a share and no block; false if it came before.
func (f *Forge) Note(s Solution) bool {
	j, err := f.board.find(s)
	return err == nil && f.board.note(j, s.Nonce)
}

// find returns the job of a solution that is not a repetition and not too late.
func (b *board) find(s Solution) (*Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := b.jobs[s.Head]
	if j == nil {
		return nil, ErrUnknownWork
	}
	if j.from.Template.Parent.ID != b.f.o.Node.Store().Tip().Branch.ID {
		return nil, ErrStaleWork
	}
	if j.nonces[s.Nonce] {
		return nil, ErrDuplicateWork
	}
	return j, nil
}

// note remembers a nonce that was enough; false if it was noted before, or there are more than any miner finds in the life
// of a job.
func (b *board) note(j *Job, nonce uint64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if j.nonces[nonce] || len(j.nonces) >= keptNonces {
		return false
	}
	if j.nonces == nil {
		j.nonces = map[uint64]bool{}
	}
	j.nonces[nonce] = true
	return true
}

// give hands a block of ours to the node, and records what became of it.
func (f *Forge) give(ctx context.Context, block *pillars.Block, parent *consensus.Branch) (pillars.BlockID, error) {
	id := block.ID()
	err := f.o.Node.Give(ctx, block)
	found := why.Found{Seal: block.Seal(), ID: id}
	f.stats.found(block.Seal(), err == nil)
	if err != nil {
		found.Cause, found.Why = why.Refused, tree.RuleName(err)
		f.o.Log.Warn("own block refused", "height", block.Number, "id", id.Short(), "seal", block.Seal(), "why", err)
	} else {
		f.o.Log.Info("block made", "height", block.Number, "id", id.Short(), "seal", block.Seal(), "txs", len(block.Transactions))
	}
	f.record.made(parent, found)
	return id, err
}
