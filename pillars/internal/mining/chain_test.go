package mining

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/pow"
)

// A desk is a development network in one test: real work, real stakes, real signatures, virtual time. Its state is the
// staker's outputs and his lock.
type desk struct {
	t      testing.TB
	p      pillars.Params
	caches *Caches
	data   *pow.Dataset
	key    *btcec.PrivateKey
	owner  pillars.Address
	memory *pos.Memory

	tip    consensus.Branch
	stakes map[pillars.Outpoint]pos.Stake
}

func newDesk(t testing.TB) *desk {
	d := &desk{t: t, p: pillars.Devnet(), memory: pos.NewMemory(120, 64), stakes: map[pillars.Outpoint]pos.Stake{}}
	d.p.PoW.Minimum = *uint256.NewInt(4096) // tens of milliseconds
	d.p.Runs.Grace = 20
	sizes := pow.Sizes(d.p.Ethash)
	d.caches = NewCaches(sizes)
	var err error
	if d.data, err = NewDataset(context.Background(), d.caches.Cache(0), 2, nil); err != nil {
		t.Fatal(err)
	}
	d.key, _ = btcec.PrivKeyFromBytes([]byte("the one staker of this test......"[:32]))
	d.owner = pillars.PubKeyHashAddress(pillars.Hash160(d.key.PubKey().SerializeCompressed()))
	genesis := pillars.Header{Version: pillars.HeaderVersion(pillars.PoW, true), Timestamp: 1_700_000_000}
	d.tip = consensus.Start(&genesis)
	for i := range uint32(5) {
		o := pillars.Outpoint{Tx: pillars.TxID{1}, Index: i}
		d.stakes[o] = pos.Stake{Outpoint: o, Value: 1000 * pillars.ETP, Owner: d.owner, Plain: true, Stamp: genesis.Timestamp}
	}
	return d
}

func (d *desk) Stake(o pillars.Outpoint) (pos.Stake, bool) {
	s, ok := d.stakes[o]
	return s, ok
}

func (d *desk) Locks(owner pillars.Address, each func(pos.Lock) bool) {
	if owner == d.owner {
		each(pos.Lock{Value: 1000 * pillars.ETP, Blocks: 0xffff})
	}
}

// coinbase pays the author; the height makes its id unique.
func (d *desk) coinbase(seal pillars.Seal) *pillars.Transaction {
	height := binary.LittleEndian.AppendUint32([]byte{4}, d.tip.Number+1)
	return &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: height}},
		Outputs: []pillars.Output{{Value: d.tip.Subsidy(&d.p, seal), Script: d.owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}},
	}
}

// work mines the next block at a stamp.
func (d *desk) work(stamp uint32) *pillars.Block {
	b := &pillars.Block{Transactions: []*pillars.Transaction{d.coinbase(pillars.PoW)}, Extension: pillars.Extension{Modifier: d.tip.Modifier}}
	var err error
	if b.Header, err = d.tip.Prepare(&d.p, pillars.PoW, stamp); err != nil {
		d.t.Fatal(err)
	}
	b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
	s, err := Search(context.Background(), d.data, pow.Prepare(d.caches.Sizes(), &b.Header), uint64(stamp)<<20, 1) // one worker: the same nonce each time
	if err != nil {
		d.t.Fatal(err)
	}
	b.Nonce, b.MixHash = s.Nonce, s.Mix
	return b
}

// stake makes the next block if a stake wins by the second last.
func (d *desk) stake(last uint32) *pillars.Block {
	var mine []pos.Stake
	for _, s := range d.stakes {
		mine = append(mine, s)
	}
	slices.SortFunc(mine, func(a, b pos.Stake) int {
		return cmp.Or(a.Outpoint.Tx.Compare(b.Outpoint.Tx), cmp.Compare(a.Outpoint.Index, b.Outpoint.Index))
	})
	w, ok := pos.Prepare(&d.p, &d.tip, mine, 0, last)
	if !ok {
		return nil
	}
	b := &pillars.Block{
		Transactions: []*pillars.Transaction{d.coinbase(pillars.PoS), pos.Coinstake(&d.p, w.Stake, nil)},
		Extension:    pillars.Extension{Modifier: d.tip.Modifier, Stake: w.Stake.Outpoint},
	}
	var err error
	if b.Header, err = d.tip.Prepare(&d.p, pillars.PoS, w.Stamp); err != nil {
		d.t.Fatal(err)
	}
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(d.key); err != nil {
		d.t.Fatal(err)
	}
	return b
}

// judge asks everything that the packages of headers and seals know, in a node's order, of a block as it came off the wire.
func (d *desk) judge(sent *pillars.Block) error {
	b := new(pillars.Block)
	if err := b.UnmarshalBinary(sent.AppendBinary(nil)); err != nil {
		return err
	}
	if err := d.tip.Check(&d.p, &b.Header); err != nil {
		return err
	}
	if err := b.Check(&d.p); err != nil {
		return err
	}
	if err := consensus.CheckShape(b); err != nil {
		return err
	}
	if err := d.tip.CheckExtension(&d.p, &b.Extension, pillars.Hash{}); err != nil {
		return err
	}
	if b.Seal() == pillars.PoW {
		return pow.Verify(&b.Header, d.caches)
	}
	return pos.Verify(&d.p, b, &d.tip, d)
}

// connect takes a valid block.
func (d *desk) connect(b *pillars.Block) {
	if err := d.judge(b); err != nil {
		d.t.Fatalf("%s block %d: %v", b.Seal(), b.Number, err)
	}
	var r consensus.Reveal
	if b.Seal() == pillars.PoS {
		tx := b.Transactions[1]
		r.Stake = b.Extension.Stake
		if other, twice := d.memory.Note(b.Number, pos.Use{Stake: r.Stake, Stamp: b.Timestamp}, b.ID()); twice {
			d.t.Fatalf("stake of %d was used in %s", b.Number, other)
		}
		delete(d.stakes, r.Stake)
		for i, o := range tx.Outputs[1:] {
			at := pillars.Outpoint{Tx: tx.ID(), Index: uint32(i + 1)}
			d.stakes[at] = pos.Stake{Outpoint: at, Value: o.Value, Owner: d.owner, Plain: true, Height: b.Number, Stamp: b.Timestamp}
		}
	}
	d.tip = d.tip.Next(&d.p, &b.Header, r)
}

// TestRealChain mines and stakes a hundred blocks with real seals, and at each shows that a block of one branch is
// none of another.
func TestRealChain(t *testing.T) {
	d := newDesk(t)
	var seals [4]int
	var last *pillars.Block
	for now := d.tip.Stamps[0] + 1; d.tip.Number < 100; now += 2 {
		b := d.stake(now)
		if b == nil {
			b = d.work(now)
		}
		d.connect(b)
		seals[b.Seal()]++
		if err := d.judge(b); !errors.Is(err, consensus.WrongNumber) {
			t.Fatalf("block %d twice: %v", b.Number, err)
		}
		last = b
	}
	t.Logf("%d by work, %d by stake, work at %s", seals[pillars.PoW], seals[pillars.PoS], d.tip.Work.Bits.Dec())
	if seals[pillars.PoW] < 20 || seals[pillars.PoS] < 5 {
		t.Errorf("%v", seals)
	}
	if last.ID() != d.tip.ID || d.memory.Len() != seals[pillars.PoS] {
		t.Errorf("tip %s, %d uses remembered", d.tip.ID.Short(), d.memory.Len())
	}
}

// TestNotOnAnotherBranch: a stake that won after one parent does not win after its twin, whose modifier differs, and an
// extension that states the other modifier is refused even under enough work.
func TestNotOnAnotherBranch(t *testing.T) {
	d := newDesk(t)
	for now := d.tip.Stamps[0] + 1; d.tip.Number < 30; now += 2 {
		d.connect(d.work(now))
		if b := d.stake(now + 1); b != nil {
			d.connect(b)
		}
	}
	parent := d.tip
	now := parent.Stamps[0]
	one := d.work(now + 1)
	two := d.work(now + 2)
	d.connect(one)
	b := d.stake(now + 40)
	if b == nil {
		t.Fatal("no stake wins in 40 s")
	}
	if err := d.judge(b); err != nil {
		t.Fatal(err)
	}
	d.tip = parent
	d.connect(two)
	b.Previous = d.tip.ID
	b.Extension.Modifier = d.tip.Modifier
	if err := b.Sign(d.key); err != nil {
		t.Fatal(err)
	}
	if err := d.judge(b); !errors.Is(err, consensus.StakeHashTooHigh) {
		t.Errorf("moved to the twin: %v", err)
	}
	wrong := d.work(now + 3)
	wrong.Extension.Modifier[0] ^= 1
	wrong.ExtensionRoot = wrong.Extension.Root()
	s, err := Search(context.Background(), d.data, pow.Prepare(d.caches.Sizes(), &wrong.Header), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	wrong.Nonce, wrong.MixHash = s.Nonce, s.Mix
	if err := d.judge(wrong); !errors.Is(err, consensus.WrongModifier) {
		t.Errorf("another modifier under work: %v", err)
	}
}
