package template_test

import (
	"context"
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"

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
	"github.com/asterism-network/asterism/pillars/internal/template"
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/script"
)

var (
	firstSeed = flag.Uint64("first", 1, "first seed of the random tests")
	seeds     = flag.Uint64("seeds", 6, "number of seeds")
)

// A desk is a chain with real seals, and who has all its coins.
type desk struct {
	*chaintest.Maker
	t     testing.TB
	chain *chain.Chain
	data  *pow.Dataset
	now   uint32
	coins []coin
}

type coin struct {
	at    pillars.Outpoint
	value pillars.Amount
	ripe  uint32
}

func newDesk(t testing.TB, seed uint64) *desk {
	d := &desk{Maker: chaintest.New(seed), t: t}
	d.Params.Finality = 60
	caches := mining.NewCaches(pow.Sizes(d.Params.Ethash))
	var err error
	if d.data, err = mining.NewDataset(context.Background(), caches.Cache(0), 1, nil); err != nil {
		t.Fatal(err)
	}
	d.now = d.Params.Genesis.Timestamp + 10
	o := chain.Options{Workers: 1, Store: store.Options{FS: kv.Memory(), Engine: kv.Plain}}
	if err := chain.Create("/node", &d.Params, o); err != nil {
		t.Fatal(err)
	}
	if d.chain, err = chain.Open("/node", &d.Params, caches, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.chain.Close() })
	genesis := d.Genesis().Block.Transactions[0]
	for i := chaintest.Stakes; i < len(genesis.Outputs); i++ {
		d.coins = append(d.coins, coin{pillars.Outpoint{Tx: genesis.ID(), Index: uint32(i)}, genesis.Outputs[i].Value, 1})
	}
	return d
}

func (d *desk) request(parent *consensus.Branch, waiting []*pillars.Transaction) template.Request {
	return template.Request{
		Params: &d.Params, Parent: parent, View: d.chain.Store().View(), Stamp: d.now, Pay: d.Owner, Text: "test", Waiting: waiting,
	}
}

// give demands that the chain follows the block.
func (d *desk) give(b *pillars.Block) {
	d.t.Helper()
	sent := new(pillars.Block)
	if err := sent.UnmarshalBinary(b.AppendBinary(nil)); err != nil {
		d.t.Fatal(err)
	}
	r, err := d.chain.Block(0, sent, d.now)
	if err != nil || r.Fate != tree.Ready || d.chain.Tip().ID != b.ID() {
		d.t.Fatalf("%s block %d: %v, %v, %v", b.Seal(), b.Number, r.Fate, r.Rule, err)
	}
}

// mine seals a job with real work.
func (d *desk) mine(t *template.Template, extra uint64) *pillars.Block {
	d.t.Helper()
	j, err := t.Job(d.now, extra)
	if err != nil {
		d.t.Fatal(err)
	}
	s, err := mining.Search(context.Background(), d.data, pow.Prepare(pow.Sizes(d.Params.Ethash), &j.Header), 0, 1)
	if err != nil {
		d.t.Fatal(err)
	}
	return j.Block(s.Nonce, s.Mix)
}

// took updates the coins by what a block did.
func (d *desk) took(b *pillars.Block) {
	spent := map[pillars.Outpoint]bool{}
	for i, tx := range b.Transactions {
		for k := range tx.Inputs {
			spent[tx.Inputs[k].Previous] = true
		}
		ripe := b.Number
		if i == 0 {
			ripe += d.Params.Subsidy.Maturity
		}
		if tx.IsCoinstake() {
			continue
		}
		for k := range tx.Outputs {
			if string(tx.Outputs[k].Script) == string(d.Owner.Script()) && tx.Outputs[k].Attachment.Payload == nil && tx.Outputs[k].Value > 1_000_000 {
				d.coins = append(d.coins, coin{pillars.Outpoint{Tx: tx.ID(), Index: uint32(k)}, tx.Outputs[k].Value, ripe})
			}
		}
	}
	d.coins = slices.DeleteFunc(d.coins, func(c coin) bool { return spent[c.at] })
}

func (d *desk) sign(tx *pillars.Transaction) *pillars.Transaction {
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, d.Owner.Script(), d.Key)
	}
	return tx
}

func (d *desk) spend(c coin, outputs int, fee pillars.Amount) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Previous: c.at, Sequence: 0xffffffff}}}
	each := (c.value - fee) / pillars.Amount(outputs)
	for range outputs {
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: each, Script: d.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}})
	}
	return d.sign(tx)
}

// A wish is a transaction and whether a block may hold it.
type wish struct {
	tx  *pillars.Transaction
	bad bool
}

// mempool makes transactions of which some are good, in chains, and the others broken in one way each.
func (d *desk) mempool(height uint32, n int) (all []wish) {
	r := d.Random
	free := slices.DeleteFunc(slices.Clone(d.coins), func(c coin) bool { return c.ripe > height })
	young := slices.DeleteFunc(slices.Clone(d.coins), func(c coin) bool { return c.ripe <= height })
	for range n {
		if len(free) == 0 {
			break
		}
		i := r.IntN(len(free))
		c := free[i]
		good := d.spend(c, 1+r.IntN(4), d.Params.Fees.Transaction+pillars.Amount(r.IntN(5000)))
		switch r.IntN(10) {
		case 0: // a fee that is too low
			all = append(all, wish{d.spend(c, 1, d.Params.Fees.Transaction-1), true})
		case 1: // a signature of something else
			broken := *good
			broken.Inputs = slices.Clone(good.Inputs)
			broken.Inputs[0].Script = slices.Clone(good.Inputs[0].Script)
			broken.Inputs[0].Script[20] ^= 1
			all = append(all, wish{&broken, true})
		case 2: // more than there is
			broken := *good
			broken.Outputs = slices.Clone(good.Outputs)
			broken.Outputs[0].Value += c.value
			all = append(all, wish{d.sign(&broken), true})
		case 3: // from nowhere
			ghost := c
			ghost.at.Tx[0] ^= 1
			all = append(all, wish{d.spend(ghost, 1, 20_000), true})
		case 4: // a lock time ahead
			broken := *good
			broken.LockTime = height + 10
			broken.Inputs = slices.Clone(good.Inputs)
			broken.Inputs[0].Sequence = 0
			all = append(all, wish{d.sign(&broken), true})
		case 5: // a reward that is not ripe
			if len(young) > 0 {
				all = append(all, wish{d.spend(young[0], 1, 20_000), true})
			}
		case 6: // twice
			all = append(all, wish{good, false}, wish{good, true})
			free = d.move(free, i, good)
		case 7: // spent twice: the first wins
			other := d.spend(c, 1, 50_000)
			all = append(all, wish{good, false}, wish{other, true})
			free = d.move(free, i, good)
		default:
			all = append(all, wish{good, false})
			free = d.move(free, i, good)
		}
	}
	return all
}

// move replaces a coin by what was made of it, so that later transactions build on earlier ones.
func (d *desk) move(free []coin, i int, tx *pillars.Transaction) []coin {
	free = slices.Delete(free, i, i+1)
	for k := range tx.Outputs {
		if tx.Outputs[k].Value > 1_000_000 {
			free = append(free, coin{pillars.Outpoint{Tx: tx.ID(), Index: uint32(k)}, tx.Outputs[k].Value, 0})
		}
	}
	return free
}

// TestTemplatesOfRandomMempools: whatever waits, the block is accepted, holds all that is good, names all that is not, and
// pays exactly fees and subsidy.
func TestTemplatesOfRandomMempools(t *testing.T) {
	for seed := *firstSeed; seed < *firstSeed+*seeds; seed++ {
		d := newDesk(t, seed)
		staked, left := 0, 0
		for range 25 {
			d.now += 1 + d.Random.Uint32N(3)
			parent := d.chain.Tip()
			var wishes []wish
			if parent.Number == 0 {
				wishes = []wish{{d.lock(), false}}
			}
			wishes = append(wishes, d.mempool(parent.Number+1, d.Random.IntN(30))...)
			var waiting []*pillars.Transaction
			var bad int
			for _, w := range wishes {
				waiting = append(waiting, w.tx)
				if w.bad {
					bad++
				}
			}
			b, got := d.seal(&parent, waiting)
			if b.Seal() == pillars.PoS {
				staked++
			}
			if len(got.Left) != bad {
				t.Fatalf("seed %d: height %d: %d left out, want %d: %v\nreplay: -first %d -seeds 1", seed, b.Number, len(got.Left), bad, got.Left, seed)
			}
			if size := b.Size(); size > got.Size || got.Size-size > countRoom+40*len(b.Transactions[1%len(b.Transactions)].Inputs) {
				t.Fatalf("seed %d: %d bytes, at most %d were announced", seed, size, got.Size)
			}
			if v := b.Transactions[0].Outputs[0].Value; v != got.Fees+got.Subsidy || got.Subsidy != parent.Subsidy(&d.Params, b.Seal()) {
				t.Fatalf("seed %d: coinbase pays %s of %s and %s", seed, v, got.Fees, got.Subsidy)
			}
			d.give(b)
			d.took(b)
			left += bad
		}
		if staked == 0 || left == 0 {
			t.Errorf("seed %d: %d under stake, %d left out: this shows little", seed, staked, left)
		}
	}
}

const countRoom = 4

// seal makes a block under stake if a stake wins now, else under work.
func (d *desk) seal(parent *consensus.Branch, waiting []*pillars.Transaction) (*pillars.Block, *template.Template) {
	r := d.request(parent, waiting)
	at := state.At(r.View, &d.Params)
	if w, ok := pos.Prepare(&d.Params, parent, d.stakes(at), 0, d.now); ok && pos.Eligible(&d.Params, parent.Number, d.Owner, at) {
		t, err := template.NewStake(r, w, nil)
		if err != nil {
			d.t.Fatal(err)
		}
		b, err := t.Finish(func(tx *pillars.Transaction) error { d.sign(tx); return nil }, func(b *pillars.Block) error { return b.Sign(d.Key) })
		if err != nil {
			d.t.Fatal(err)
		}
		return b, t
	}
	t, err := template.New(r)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.mine(t, d.Random.Uint64()), t
}

func (d *desk) stakes(at state.Reader) (all []pos.Stake) {
	at.Outputs(func(o pillars.Outpoint, out state.Output) bool {
		if s, ok := at.Stake(o); ok && s.Plain && s.Owner == d.Owner && s.Value == d.Params.Stake.Minimum {
			all = append(all, s)
		}
		return true
	})
	return all
}

func (d *desk) lock() *pillars.Transaction {
	c := d.coins[0]
	d.coins = d.coins[1:]
	tx := d.spend(c, 1, d.Params.Fees.Transaction)
	head := append(script.AppendPush(nil, script.Number(int64(d.Params.Stake.LockBlocks))), script.OpCheckSequence, script.OpDrop)
	tx.Outputs[0].Script = append(head, d.Owner.Script()...)
	return d.sign(tx)
}

// TestLimits: neither the bytes nor the signatures of a block are exceeded, whatever waits.
func TestLimits(t *testing.T) {
	d := newDesk(t, 1)
	d.Params.Limits.BlockSize, d.Params.Limits.TransactionSize, d.Params.Limits.LegacySize, d.Params.Limits.SigOps = 3000, 3000, 3000, 30
	parent := d.chain.Tip()
	var waiting []*pillars.Transaction
	for _, c := range d.coins {
		waiting = append(waiting, d.spend(c, 6, 20_000)) // 6 signatures each, 300 bytes or so
	}
	got, err := template.New(d.request(&parent, waiting))
	if err != nil {
		t.Fatal(err)
	}
	in := len(got.Transactions()) - 1
	if in != 4 || got.SigOps > 30 || len(got.Left) != len(waiting)-4 || !errors.Is(got.Left[0].Why, state.SigOpsTooMany) {
		t.Errorf("%d in, %d signatures, left %v", in, got.SigOps, got.Left)
	}
	d.give(d.mine(got, 1))

	d.Params.Limits.SigOps = 20_000
	parent = d.chain.Tip()
	r := d.request(&parent, waiting[4:])
	r.MaxSize = 1000
	if got, err = template.New(r); err != nil {
		t.Fatal(err)
	}
	b := d.mine(got, 1)
	if b.Size() > 1000 || len(b.Transactions) < 2 || !errors.Is(got.Left[len(got.Left)-1].Why, template.ErrNoRoom) {
		t.Errorf("%d bytes, %d transactions, left %v", b.Size(), len(b.Transactions), got.Left)
	}
	d.give(b)
}

// TestJobsDiffer: each extra nonce gives another header and a block that is valid.
func TestJobsDiffer(t *testing.T) {
	d := newDesk(t, 2)
	parent := d.chain.Tip()
	got, err := template.New(d.request(&parent, []*pillars.Transaction{d.spend(d.coins[0], 2, 20_000), d.spend(d.coins[1], 2, 20_000)}))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[pillars.Hash]bool{}
	for _, extra := range []uint64{0, 1, 255, 1 << 40, 1<<64 - 1} {
		b := d.mine(got, extra)
		if seen[b.Merkle] || b.Merkle != b.MerkleRoot() {
			t.Errorf("extra %d: root %s", extra, b.Merkle)
		}
		seen[b.Merkle] = true
		if err := template.Judge(&d.Params, &parent, d.chain.Store().View(), b, true); err != nil {
			t.Errorf("extra %d: %v", extra, err)
		}
	}
	d.give(d.mine(got, rand.Uint64()))
}

// TestRefusals: what no template can be made of.
func TestRefusals(t *testing.T) {
	d := newDesk(t, 3)
	parent := d.chain.Tip()
	r := d.request(&parent, nil)
	r.Pay = pillars.Address{}
	if _, err := template.New(r); !errors.Is(err, template.ErrNoAddress) {
		t.Error(err)
	}
	r = d.request(&parent, nil)
	r.Text = string(make([]byte, template.MaxText+1))
	if _, err := template.New(r); !errors.Is(err, template.ErrText) {
		t.Error(err)
	}
	r = d.request(&parent, nil)
	parent.Number, parent.WorkRun = 20_000, d.Params.Runs.PoW
	if _, err := template.New(r); !errors.Is(err, consensus.WorkRunTooLong) {
		t.Error(err)
	}
}
