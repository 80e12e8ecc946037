package forge

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/why"
	"github.com/asterism-network/asterism/pillars/script"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// A bench is a node without a network: a real chain, a forge on it, and what waits.
type bench struct {
	*chaintest.Maker
	t      testing.TB
	fs     kv.FS
	caches *mining.Caches
	data   *pow.Dataset // made when it is needed
	forge  *Forge
	guard  *Guard

	mu       sync.Mutex // guards what follows; owns the chain
	chain    *chain.Chain
	waiting  []*pillars.Transaction
	standing Standing
	refuse   error // what Give says, if set
}

// newBench makes a network that begins now, with a difficulty of a few thousand hashes.
func newBench(t testing.TB) *bench {
	b := &bench{Maker: chaintest.New(1), t: t, fs: kv.Memory(), standing: Standing{Synced: true, Inbound: 1, Outbound: 1}}
	b.Params.Genesis.Timestamp = now() - 60
	b.Params.Finality = 60
	all := uint64(chaintest.Stakes*1000+8*50_000) * uint64(pillars.ETP)
	b.Params.PoS.Minimum = *uint256.NewInt(15 * all) // all coins win once in 15 seconds
	b.Params.Stake.MaturityBase = b.Params.PoS.Minimum
	b.caches = mining.NewCaches(pow.Sizes(b.Params.Ethash))
	o := chain.Options{Workers: 1, Store: store.Options{FS: b.fs, Engine: kv.Plain}}
	if err := chain.Create("/node/chain", &b.Params, o); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.chain, err = chain.Open("/node/chain", &b.Params, b.caches, o); err != nil {
		t.Fatal(err)
	}
	if b.guard, err = OpenGuard(b.fs, "/node/used"); err != nil {
		t.Fatal(err)
	}
	b.forge = New(Options{Params: &b.Params, Caches: b.caches, Node: b, Guard: b.guard, Log: slog.New(slog.DiscardHandler)})
	b.waiting = []*pillars.Transaction{b.lockOf()}
	return b
}

func (b *bench) close() {
	_ = b.guard.Close()
	_ = b.chain.Close()
}

// lockOf locks what staking asks for, from the genesis.
func (b *bench) lockOf() *pillars.Transaction {
	tx := b.Genesis().Block.Transactions[0]
	from := tx.Outputs[chaintest.Stakes]
	head := append(script.AppendPush(nil, script.Number(int64(b.Params.Stake.LockBlocks))), script.OpCheckSequence, script.OpDrop)
	plain := pillars.Attachment{Version: pillars.AttachmentPlain}
	out := &pillars.Transaction{
		Version: pillars.VersionCurrent,
		Inputs:  []pillars.Input{{Previous: pillars.Outpoint{Tx: tx.ID(), Index: chaintest.Stakes}, Sequence: 0xffffffff}},
		Outputs: []pillars.Output{
			{Value: b.Params.Stake.Locked, Script: append(head, b.Owner.Script()...), Attachment: plain},
			{Value: from.Value - b.Params.Stake.Locked - b.Params.Fees.Transaction, Script: b.Owner.Script(), Attachment: plain},
		},
	}
	out.Inputs[0].Script = script.Unlock(out, 0, b.Owner.Script(), b.Key)
	return out
}

func (b *bench) Store() *store.Store { return b.chain.Store() }

func (b *bench) Waiting(context.Context, int) ([]*pillars.Transaction, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting, nil
}

func (b *bench) Standing() Standing {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.standing
}

func (b *bench) Give(_ context.Context, block *pillars.Block) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse != nil {
		return b.refuse
	}
	r, err := b.chain.Block(0, block, now())
	if err == nil {
		err = r.Rule
	}
	for _, e := range r.Events {
		switch e.Kind {
		case chain.Connected, chain.Disconnected:
			b.forge.Observe(e.Block, e.Kind == chain.Connected)
		}
	}
	if err == nil && r.Fate != tree.Ready {
		err = errors.New(r.Fate.String())
	}
	return err
}

// run runs the forge for a time of the bubble's clock.
func (b *bench) run(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if err := b.forge.Run(ctx); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) signer() Signer { return wallet.StakerOf(b.Params, b.Key) }

// TestMineAndStake: one node mines and stakes, at a pace, and its records explain each block.
func TestMineAndStake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.close()
		b.forge.SetMining(Mining{Pay: b.Owner, Text: "here", Workers: 2, Rate: 500})
		if err := b.forge.SetStaking(Staking{Signer: b.signer(), MinInbound: 1}); err != nil {
			t.Fatal(err)
		}
		b.run(4 * time.Minute)
		tip := b.chain.Tip()
		var seals [4]int
		if now()-tip.Stamps[0] > 60 {
			t.Errorf("no block in the last %d s", now()-tip.Stamps[0])
		}
		for h := uint32(1); h <= tip.Number; h++ {
			id, _ := b.Store().IDAt(h)
			e, _ := b.Store().Entry(id)
			seals[e.Head.Seal()]++
		}
		t.Logf("%d blocks, %d under work, %d under stake", tip.Number, seals[pillars.PoW], seals[pillars.PoS])
		if seals[pillars.PoW] < 20 || seals[pillars.PoS] < 3 {
			t.Fatal("too few blocks of one seal")
		}
		m, s := b.forge.MiningInfo(), b.forge.StakingInfo(1000)
		if m.Taken < uint64(seals[pillars.PoW]) || s.Taken < uint64(seals[pillars.PoS]) || m.Made != m.Taken || s.Made != s.Taken {
			t.Errorf("made %d, %d; taken %d, %d", m.Made, s.Made, m.Taken, s.Taken)
		}
		if beside := m.Taken + s.Taken - uint64(tip.Number); beside > 3 { // found in the same instant
			t.Errorf("%d blocks beside our chain: somebody worked on an old tip", beside)
		}
		if !m.Dataset.Ready || s.Stakes < chaintest.Stakes || s.Mature == 0 || s.Expected == "" || len(s.Queue) != s.Stakes {
			t.Errorf("%+v\n%+v", m, s)
		}
		report := b.forge.Why(int(tip.Number))
		if report.Mine != int(tip.Number) || len(report.Blocks) != report.Mine {
			t.Errorf("%d of %d are mine: %+v", report.Mine, tip.Number, report.Blocks[0])
		}
	})
}

// TestRate: a pace holds over minutes, for all workers together.
func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.close()
		b.refuse = errors.New("not now")
		b.Params.PoW.Minimum = *uint256.NewInt(1 << 40)
		b.forge.SetMining(Mining{Pay: b.Owner, Workers: 3, Rate: 1000})
		b.run(30 * time.Second)
		if got := b.forge.stats.hashes.Load(); got < 28_000 || got > 32_000 {
			t.Errorf("%d hashes in 30 s at 1,000 a second", got)
		}
		a := b.forge.Why(1)
		if len(a.Blocks) != 0 {
			t.Errorf("%+v", a)
		}
	})
}

// TestStakingPolicy: without what the policy asks nothing is signed, and the record says why.
func TestStakingPolicy(t *testing.T) {
	for _, tt := range []struct {
		name     string
		standing Standing
		staking  Staking
		want     why.Cause
	}{
		{"not synced", Standing{false, 3, 3}, Staking{}, why.NotSynced},
		{"no inbound peer", Standing{true, 0, 3}, Staking{MinInbound: 1}, why.NoInbound},
		{"too few peers", Standing{true, 1, 0}, Staking{MinPeers: 2}, why.NoPeers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				defer b.close()
				tt.staking.Signer = b.signer()
				if err := b.forge.SetStaking(tt.staking); err != nil {
					t.Fatal(err)
				}
				b.standing = tt.standing
				b.run(30 * time.Second)
				got := b.forge.record.last([]pillars.BlockID{b.Genesis().Branch.ID})
				if len(got) != 1 || got[0].Stake == nil || got[0].Stake.Blocked != tt.want || b.chain.Tip().Number != 0 {
					t.Errorf("%+v", got)
				}
				if info := b.forge.StakingInfo(1); info.Waiting == "" {
					t.Errorf("%+v", info)
				}
			})
		})
	}
	b := New(Options{Params: &pillars.Params{}, Caches: mining.NewCaches(pow.Sizes(pillars.Devnet().Ethash))})
	if err := b.SetStaking(Staking{Signer: wallet.StakerOf(pillars.Devnet())}); !errors.Is(err, ErrNoGuard) {
		t.Errorf("staking without a guard: %v", err)
	}
}

// TestStakeLeavesPayments: an output that a waiting transaction spends does not stake, so that the payment stays good.
func TestStakeLeavesPayments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		defer b.close()
		b.forge.SetMining(Mining{Pay: b.Owner, Workers: 1, Rate: 500})
		b.run(2 * time.Minute) // until the stakes are old enough
		var payments []*pillars.Transaction
		state.At(b.Store().View(), &b.Params).Outputs(func(o pillars.Outpoint, from state.Output) bool {
			if from.Value < b.Params.Stake.Minimum || string(from.Script) != string(b.Owner.Script()) {
				return true
			}
			tx := &pillars.Transaction{
				Version: pillars.VersionCurrent,
				Inputs:  []pillars.Input{{Previous: o, Sequence: 0xffffffff}},
				Outputs: []pillars.Output{{Value: from.Value - b.Params.Fees.Transaction, Script: b.Owner.Script(), Attachment: from.Attachment}},
			}
			tx.Inputs[0].Script = script.Unlock(tx, 0, b.Owner.Script(), b.Key)
			payments = append(payments, tx)
			return true
		})
		b.forge.SetMining(Mining{Pay: b.Owner, Rate: 0})
		if err := b.forge.SetStaking(Staking{Signer: b.signer(), MinInbound: 1}); err != nil {
			t.Fatal(err)
		}
		b.waiting = payments
		height := b.chain.Tip().Number
		b.run(3 * time.Minute)
		if b.chain.Tip().Number != height {
			t.Fatal("a stake was used that a payment spends")
		}
		if got := b.forge.record.last([]pillars.BlockID{b.chain.Tip().ID}); len(got) != 1 || got[0].Stake.Blocked != why.BeingSpent {
			t.Errorf("%+v", got)
		}
		b.waiting = nil
		if b.run(3 * time.Minute); b.chain.Tip().Number == height {
			t.Error("nothing is staked although nothing is paid")
		}
	})
}

// solve finds a nonce for a job.
func (b *bench) solve(j *Job, first uint64) Solution {
	if b.data == nil {
		var err error
		if b.data, err = mining.NewDataset(context.Background(), b.caches.Cache(0), 1, nil); err != nil {
			b.t.Fatal(err)
		}
	}
	s, err := mining.Search(context.Background(), b.data, j.Work, first, 1)
	if err != nil {
		b.t.Fatal(err)
	}
	return Solution{Head: j.Head, Nonce: s.Nonce, Mix: s.Mix}
}

// TestGetWork: work that is handed out makes a block when it comes back, once and in time.
func TestGetWork(t *testing.T) {
	b := newBench(t)
	defer b.close()
	ctx := context.Background()
	if _, err := b.forge.Work(ctx, "rig"); !errors.Is(err, ErrNoAddress) {
		t.Fatalf("without an address: %v", err)
	}
	b.forge.SetMining(Mining{Pay: b.Owner})
	j, err := b.forge.Work(ctx, "rig")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.forge.Work(ctx, "rig"); err != nil || again != j {
		t.Errorf("the same worker got other work: %v", err)
	}
	other, err := b.forge.Work(ctx, "rig 2")
	if err != nil || other.Head == j.Head {
		t.Errorf("two workers got the same work: %v", err)
	}
	good := b.solve(j, 1)
	low, wrong, unknown := good, good, good
	for low.Nonce++; ; low.Nonce++ {
		if _, _, ok := pow.Search(b.caches.Cache(0), j.Work, low.Nonce, 1); !ok {
			break
		}
	}
	low.Mix, _ = b.caches.Cache(0).Hash(low.Head, low.Nonce)
	wrong.Mix[0] ^= 1
	unknown.Head[0] ^= 1
	refuse := func(name string, s Solution, want error) {
		t.Helper()
		if _, err := b.forge.Submit(ctx, s); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	refuse("low difficulty", low, consensus.WorkTooLittle)
	refuse("wrong mix", wrong, consensus.WrongMix)
	refuse("unknown", unknown, ErrUnknownWork)
	b.refuse = consensus.WrongBits
	refuse("a node that refuses", good, consensus.WrongBits)
	refuse("again", good, ErrDuplicateWork)
	b.refuse = nil
	second := b.solve(j, good.Nonce+1)
	id, err := b.forge.Submit(ctx, second)
	if err != nil || b.chain.Tip().ID != id {
		t.Fatalf("%v, tip %s", err, b.chain.Tip().ID.Short())
	}
	refuse("after the block", second, ErrStaleWork)
	refuse("other work on the old tip", b.solve(other, 1), ErrStaleWork)
	select {
	case <-j.Changed:
	default:
		t.Error("who works on the old tip is not told")
	}
	b.standing = Standing{}
	if _, err := b.forge.Work(ctx, "rig"); !errors.Is(err, ErrNotSynced) {
		t.Errorf("behind the network: %v", err)
	}
}

// TestJobsAreBounded: whoever asks for work in many names gets it, and memory stays.
func TestJobsAreBounded(t *testing.T) {
	b := newBench(t)
	defer b.close()
	b.forge.SetMining(Mining{Pay: b.Owner})
	for i := range 3000 {
		if _, err := b.forge.Work(context.Background(), string(rune('A'+i))); err != nil {
			t.Fatal(err)
		}
	}
	board := b.forge.board
	if len(board.jobs) > keptJobs || len(board.ring) > keptJobs || len(board.workers) > keptWorkers {
		t.Errorf("%d jobs, %d in the ring, %d workers", len(board.jobs), len(board.ring), len(board.workers))
	}
}

// TestHoldings: through random reorganisations, what is followed by blocks alone is what the whole state says.
func TestHoldings(t *testing.T) {
	b := newBench(t)
	defer b.close()
	data, err := mining.NewDataset(context.Background(), b.caches.Cache(0), 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.Work = func(h *pillars.Header) {
		s, err := mining.Search(context.Background(), data, pow.Prepare(pow.Sizes(b.Params.Ethash), h), 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		h.Nonce, h.MixHash = s.Nonce, s.Mix
	}
	h := b.forge.holding
	h.follow([]pillars.Address{b.Owner})
	disconnected := 0
	for i, l := range b.Tree(b.Genesis(), 45, 5) {
		r, err := b.chain.Block(1, l.Block, l.Block.Timestamp+1)
		if err != nil || r.Rule != nil {
			t.Fatal(err, r.Rule)
		}
		missed := i%7 == 0
		if missed {
			h.lost()
		}
		for _, e := range r.Events {
			switch e.Kind {
			case chain.Disconnected:
				disconnected++
			case chain.Connected:
			default:
				continue
			}
			if !missed {
				h.touch(e.Block, e.Kind == chain.Connected)
			}
		}
		if i%3 != 0 {
			continue
		}
		taken := h.take()
		if i%2 == 0 {
			h.back(taken)
			taken = h.take()
		}
		_, view, release := stateOf(b.Store(), &b.Params)
		got := map[pillars.Outpoint]pos.Stake{}
		for _, s := range h.at(view, &b.Params, taken) {
			got[s.Outpoint] = s
		}
		want := 0
		at := state.At(view, &b.Params)
		at.Outputs(func(o pillars.Outpoint, out state.Output) bool {
			if string(out.Script) == string(b.Owner.Script()) {
				want++
				if s, _ := at.Stake(o); got[o] != s {
					t.Fatalf("block %d: %s:%d is %+v, want %+v", i, o.Tx.Short(), o.Index, got[o], s)
				}
			}
			return true
		})
		release()
		if len(got) != want {
			t.Fatalf("block %d: %d outputs, want %d", i, len(got), want)
		}
	}
	if disconnected < 3 {
		t.Errorf("%d blocks disconnected: this shows little", disconnected)
	}
}
