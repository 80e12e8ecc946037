package main

import (
	"context"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/holiman/uint256"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/chain"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mining"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/pow"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/internal/template"
	"github.com/asterism-network/asterism/pillars/script"
)

// Blocks are made to be judged, not to be hard to make: the rules are those of the public profile, apart from the sizes of Ethash, the
// difficulties and what makes stakes wait.
const (
	startTime = 1_700_000_000
	spacing   = 28 // seconds between blocks: the difficulty stays at its minimum
	easy      = 256
)

// easyParams is a network whose blocks cost a millisecond to make.
func easyParams(owner pillars.Address, outputs int) *pillars.Params {
	p := pillars.MainnetLike()
	p.Name, p.Magic = "bench", 0x62656e63
	p.Ethash = pillars.Devnet().Ethash
	p.PoW.Scale, p.PoW.Minimum = easy, *uint256.NewInt(easy)
	p.PoS.Scale, p.PoS.Minimum = easy, *uint256.NewInt(easy)
	p.Stake.LockBlocks, p.Stake.LockTail, p.Stake.LockAge = 1<<20-1, 10, 2
	p.Stake.Locked = 500 * pillars.ETP
	p.Stake.MaturityMin, p.Stake.MaturityScale = 3, 10
	p.Subsidy.Maturity = 5
	p.Runs.Grace = 0xffffffff
	to := owner.Text(p.Address)
	p.Genesis = pillars.GenesisParams{Timestamp: startTime, Text: "bench"}
	for range outputs {
		p.Genesis.Outputs = append(p.Genesis.Outputs, pillars.GenesisOutput{Address: to, Value: 1000 * pillars.ETP})
	}
	return &p
}

// A maker makes a chain of our blocks, one behind the other, through the chain itself: so all of them are valid.
type maker struct {
	params *pillars.Params
	key    *btcec.PrivateKey
	owner  pillars.Address
	caches *mining.Caches
	data   *pow.Dataset // of the epoch
	epoch  uint32
	chain  *chain.Chain
	now    uint32
	blocks [][]byte
}

func newMaker(outputs int) (*maker, error) {
	m := &maker{now: startTime}
	m.key, _ = btcec.PrivKeyFromBytes([]byte("one key signs all of this bench!"))
	hash := pillars.Hash160(m.key.PubKey().SerializeCompressed())
	m.owner = pillars.PubKeyHashAddress(hash)
	m.params = easyParams(m.owner, outputs)
	m.caches = mining.NewCaches(pow.Sizes(m.params.Ethash))
	var err error
	m.chain, err = openChain("/maker", m.params, m.caches, kv.Memory(), kv.Plain, 2)
	return m, err
}

func openChain(dir string, p *pillars.Params, caches *mining.Caches, fs kv.FS, engine kv.Engine, workers int) (*chain.Chain, error) {
	o := chain.Options{Workers: workers, Store: store.Options{FS: fs, Engine: engine}}
	if err := chain.Create(dir, p, o); err != nil {
		return nil, err
	}
	return chain.Open(dir, p, caches, o)
}

// genesis is where all coins come from.
func (m *maker) genesis() *pillars.Transaction {
	b, err := m.params.GenesisBlock()
	if err != nil {
		panic(err)
	}
	return b.Transactions[0]
}

// mine makes the next block under work with these transactions, all of which must be good.
func (m *maker) mine(txs ...*pillars.Transaction) error {
	m.now += spacing
	parent := m.chain.Tip()
	t, err := template.New(m.request(&parent, txs))
	if err != nil {
		return err
	}
	if len(t.Left) > 0 {
		return fmt.Errorf("block %d: left out: %w", t.Height(), t.Left[0].Why)
	}
	j, err := t.Job(m.now, uint64(m.now))
	if err != nil {
		return err
	}
	if err := m.prepare(t.Height()); err != nil {
		return err
	}
	s, err := mining.Search(context.Background(), m.data, pow.Prepare(pow.Sizes(m.params.Ethash), &j.Header), 0, 1)
	if err != nil {
		return err
	}
	return m.take(j.Block(s.Nonce, s.Mix))
}

// prepare makes the dataset of a height's epoch.
func (m *maker) prepare(height uint32) (err error) {
	epoch := pow.Sizes(m.params.Ethash).EpochOf(height)
	if m.data == nil || epoch != m.epoch {
		m.epoch = epoch
		m.data, err = mining.NewDataset(context.Background(), m.caches.Cache(epoch), 2, nil)
	}
	return err
}

// stake makes the next block under stake.
func (m *maker) stake(s *pos.Stake, txs ...*pillars.Transaction) (*pillars.Block, error) {
	m.now += spacing
	parent := m.chain.Tip()
	t, err := template.NewStake(m.request(&parent, txs), pos.Winner{Stake: s, Stamp: m.now}, nil)
	if err != nil {
		return nil, err
	}
	b, err := t.Finish(func(tx *pillars.Transaction) error { m.sign(tx); return nil }, func(b *pillars.Block) error { return b.Sign(m.key) })
	if err != nil {
		return nil, err
	}
	return b, m.take(b)
}

func (m *maker) request(parent *consensus.Branch, txs []*pillars.Transaction) template.Request {
	return template.Request{
		Params: m.params, Parent: parent, View: m.chain.Store().View(), Stamp: m.now, Pay: m.owner, Waiting: txs, Verified: true,
	}
}

func (m *maker) take(b *pillars.Block) error {
	r, err := m.chain.Block(0, b, m.now)
	if err != nil {
		return err
	}
	if r.Rule != nil || m.chain.Tip().ID != b.ID() {
		return fmt.Errorf("block %d: %v, %w", b.Number, r.Fate, r.Rule)
	}
	m.blocks = append(m.blocks, b.AppendBinary(nil))
	return nil
}

// small is what the second output of a payment holds; the first keeps the rest, so that a lane lasts.
const small = 1000

// A sort of payments.
type sort string

const (
	keyHash sort = "P2PKH"
	witness sort = "P2WPKH"
	taproot sort = "P2TR"
)

var sorts = []sort{keyHash, witness, taproot}

// address is the owner's for a sort of payments.
func (m *maker) address(s sort) pillars.Address {
	switch s {
	case witness:
		return pillars.WitnessPubKeyHashAddress(pillars.Hash160(m.key.PubKey().SerializeCompressed()))
	case taproot:
		return pillars.TaprootAddress([32]byte(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(m.key.PubKey()))))
	}
	return m.owner
}

// pay makes a payment with one input and two outputs, to the hash of the owner's key or in version 5.
func (m *maker) pay(from pillars.Outpoint, value pillars.Amount, s sort) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Previous: from, Sequence: 0xffffffff}}}
	to, attachment := m.address(s), pillars.Attachment{Version: pillars.AttachmentPlain}
	if s != keyHash {
		tx.Version, tx.Bitcoin = pillars.VersionSegWit, 2
		attachment = pillars.Attachment{}
	}
	for _, v := range []pillars.Amount{value - m.params.Fees.Transaction - small, small} {
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: v, Script: to.Script(), Attachment: attachment})
	}
	if s == keyHash {
		m.sign(tx)
	} else {
		m.signSegWit(tx, value, s)
	}
	return tx
}

func (m *maker) sign(tx *pillars.Transaction) {
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, m.owner.Script(), m.key)
	}
}

// signSegWit spends an output under a witness program.
func (m *maker) signSegWit(tx *pillars.Transaction, value pillars.Amount, s sort) {
	inner := script.ToBitcoin(tx)
	signed, err := signWitness(inner, m.address(s).Script(), int64(value), m.key, s)
	if err != nil {
		panic(err)
	}
	tx.Inputs[0].Witness = signed
}

// signWitness signs the one input of a Bitcoin transaction, for both sides.
func signWitness(tx *wire.MsgTx, program []byte, value int64, key *btcec.PrivateKey, s sort) (wire.TxWitness, error) {
	hashes := txscript.NewTxSigHashes(tx, txscript.NewCannedPrevOutputFetcher(program, value))
	if s == taproot {
		return txscript.TaprootWitnessSignature(tx, hashes, 0, value, program, txscript.SigHashDefault, key)
	}
	return txscript.WitnessSignature(tx, hashes, 0, value, program, txscript.SigHashAll, key, true)
}

// A series is blocks that prepare and blocks that are measured.
type series struct {
	setup, measured [][]byte
	payments        int // in the measured ones: one signature each
}

// paymentBlocks makes blocks of so many payments: one input, two outputs, one signature each; every block spends what the one
// before it made.
func (m *maker) paymentBlocks(blocks, payments int, kind sort) (s series, err error) {
	coins := m.genesis()
	var fan []*pillars.Transaction
	var from []pillars.Outpoint
	const parts = 500
	value := 1000 * pillars.ETP
	for i := 0; i*parts < payments; i++ {
		tx := m.fan(pillars.Outpoint{Tx: coins.ID(), Index: uint32(i)}, value, parts, kind)
		fan = append(fan, tx)
		for k := range parts {
			from = append(from, pillars.Outpoint{Tx: tx.ID(), Index: uint32(k)})
		}
	}
	if err := m.mine(fan...); err != nil {
		return s, err
	}
	s.setup, m.blocks = m.blocks, nil
	value = (value - m.params.Fees.Transaction*100) / parts
	for range blocks {
		var txs []*pillars.Transaction
		for i := range payments {
			tx := m.pay(from[i], value, kind)
			txs = append(txs, tx)
			from[i] = pillars.Outpoint{Tx: tx.ID()}
		}
		value -= m.params.Fees.Transaction + small
		if err := m.mine(txs...); err != nil {
			return s, err
		}
		s.payments += payments
	}
	s.measured = m.blocks
	return s, nil
}

// fan splits an output of the genesis into many.
func (m *maker) fan(from pillars.Outpoint, value pillars.Amount, parts int, kind sort) *pillars.Transaction {
	to := m.address(kind) // only version 5 makes plain outputs under witness programs from either
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Previous: from, Sequence: 0xffffffff}}}
	attachment := pillars.Attachment{Version: pillars.AttachmentPlain}
	each := (value - m.params.Fees.Transaction*100) / pillars.Amount(parts)
	for range parts {
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: each, Script: to.Script(), Attachment: attachment})
	}
	m.sign(tx)
	return tx
}

// mixedBlocks makes a chain for synchronisation: one block in ten under stake, and so many payments in each block.
func (m *maker) mixedBlocks(blocks, payments int, progress func(int)) error {
	coins := m.genesis()
	id := coins.ID()
	if err := m.mine(m.lock(pillars.Outpoint{Tx: id}, 1000*pillars.ETP)); err != nil {
		return err
	}
	lanes, value := make([]pillars.Outpoint, payments), make([]pillars.Amount, payments)
	for i := range lanes {
		lanes[i], value[i] = pillars.Outpoint{Tx: id, Index: uint32(2 + i)}, 1000*pillars.ETP
	}
	stake := pillars.Outpoint{Tx: id, Index: 1}
	for n := 1; n < blocks; n++ {
		if n%1000 == 0 {
			progress(n)
		}
		var txs []*pillars.Transaction
		for i := range lanes {
			tx := m.pay(lanes[i], value[i], keyHash)
			txs = append(txs, tx)
			lanes[i], value[i] = pillars.Outpoint{Tx: tx.ID()}, tx.Outputs[0].Value
		}
		if n%10 != 9 {
			if err := m.mine(txs...); err != nil {
				return err
			}
			continue
		}
		s, ok := state.At(m.chain.Store().View(), m.params).Stake(stake)
		if !ok {
			return fmt.Errorf("block %d: the stake is gone", n)
		}
		b, err := m.stake(&s, txs...)
		if err != nil {
			return fmt.Errorf("block %d: %w", n, err)
		}
		stake = pillars.Outpoint{Tx: b.Transactions[1].ID(), Index: 1}
	}
	return nil
}

// lock locks what staking asks for.
func (m *maker) lock(from pillars.Outpoint, value pillars.Amount) *pillars.Transaction {
	head := append(script.AppendPush(nil, script.Number(int64(m.params.Stake.LockBlocks))), script.OpCheckSequence, script.OpDrop)
	tx := &pillars.Transaction{
		Version: pillars.VersionCurrent, Inputs: []pillars.Input{{Previous: from, Sequence: 0xffffffff}},
		Outputs: []pillars.Output{{
			Value: value - m.params.Fees.Transaction, Script: append(head, m.owner.Script()...), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain},
		}},
	}
	m.sign(tx)
	return tx
}

// give decodes a block and gives it to a chain, as a node does with what a peer sent.
func give(c *chain.Chain, raw []byte) error {
	b := new(pillars.Block)
	if err := b.UnmarshalBinary(raw); err != nil {
		return err
	}
	r, err := c.Block(1, b, uint32(time.Now().Unix()))
	if err == nil && r.Rule != nil {
		err = r.Rule
	}
	if err == nil && c.Tip().Number != b.Number {
		err = fmt.Errorf("block %d is not the tip", b.Number)
	}
	return err
}
