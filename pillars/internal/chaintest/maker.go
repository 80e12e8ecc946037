// Package chaintest makes valid chains for tests: real signatures, real stakes, payments, and beside every block the
// state that straight application of its branch gives. Only the work is missing, unless a test brings it.
package chaintest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/script"
)

// A Maker makes the blocks of one small network. Equal seeds make equal blocks.
type Maker struct {
	Params pillars.Params
	Key    *btcec.PrivateKey // has all coins, stakes and signs
	Owner  pillars.Address
	Random *rand.Rand
	Work   func(*pillars.Header) // finds nonce and mix hash; by default writes a random mix hash
}

// A Link is a block and all that follows from its branch.
type Link struct {
	Block  *pillars.Block
	Branch consensus.Branch
	State  *state.Memory
	Parent *Link // nil of the genesis

	coins []coin
}

// A coin is an unspent output that payments may spend.
type coin struct {
	at    pillars.Outpoint
	value pillars.Amount
	ripe  uint32 // first height that may spend it
}

// Stakes are how many outputs of the genesis are for staking.
const Stakes = 24

// New makes a network with a short finality depth.
func New(seed uint64) *Maker {
	m := &Maker{Params: pillars.Devnet(), Random: rand.New(rand.NewPCG(seed, 1))}
	m.Params.Name, m.Params.Finality = "chaintest", 12
	m.Params.Runs.Grace = 10_000
	m.Params.PoW.Minimum.SetUint64(uint64(m.Params.PoW.Scale))
	m.Key, _ = btcec.PrivKeyFromBytes([]byte("the one staker of all our tests.."[:32]))
	m.Owner = pillars.PubKeyHashAddress(pillars.Hash160(m.Key.PubKey().SerializeCompressed()))
	to := m.Owner.Text(m.Params.Address)
	m.Params.Genesis = pillars.GenesisParams{Timestamp: 1_700_000_000, Text: "tests"}
	for range Stakes {
		m.Params.Genesis.Outputs = append(m.Params.Genesis.Outputs, pillars.GenesisOutput{Address: to, Value: 1000 * pillars.ETP})
	}
	for range 8 {
		m.Params.Genesis.Outputs = append(m.Params.Genesis.Outputs, pillars.GenesisOutput{Address: to, Value: 50_000 * pillars.ETP})
	}
	m.Work = func(h *pillars.Header) { binary.BigEndian.PutUint64(h.MixHash[:], m.Random.Uint64()) }
	return m
}

// Genesis is where all branches start.
func (m *Maker) Genesis() *Link {
	b, err := m.Params.GenesisBlock()
	if err != nil {
		panic(err)
	}
	l := &Link{Block: b, Branch: consensus.Start(&b.Header), State: &state.Memory{}}
	l.State.Write(state.Genesis(l.State, b, &m.Params).Changes)
	tx := b.Transactions[0]
	for i := Stakes; i < len(tx.Outputs); i++ {
		l.coins = append(l.coins, coin{pillars.Outpoint{Tx: tx.ID(), Index: uint32(i)}, tx.Outputs[i].Value, 1})
	}
	return l
}

// Mine makes a block under work, so many seconds after its parent, with up to so many payments.
func (m *Maker) Mine(on *Link, after uint32, payments int) *Link {
	b := &pillars.Block{Extension: pillars.Extension{Modifier: on.Branch.Modifier}}
	var err error
	if b.Header, err = on.Branch.Prepare(&m.Params, pillars.PoW, on.Branch.Stamps[0]+after); err != nil {
		panic(err)
	}
	next := m.fill(on, b, nil, payments)
	b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
	m.Work(&b.Header)
	return m.finish(next, consensus.Reveal{})
}

// Stake makes a block under stake, if a stake wins within so many seconds of the parent and the first block has
// locked some coins. Block 1 of every branch does.
func (m *Maker) Stake(on *Link, within uint32, payments int) (*Link, bool) {
	first := on.Branch.Stamps[0] + 1
	w, ok := pos.Prepare(&m.Params, &on.Branch, m.stakes(on), first, first+within)
	if !ok || !pos.Eligible(&m.Params, on.Branch.Number, m.Owner, state.At(on.State, &m.Params)) {
		return nil, false
	}
	return m.StakeWith(on, w, payments), true
}

// StakeWith makes a block with a stake, whether it wins or not.
func (m *Maker) StakeWith(on *Link, w pos.Winner, payments int) *Link {
	b := &pillars.Block{Extension: pillars.Extension{Modifier: on.Branch.Modifier, Stake: w.Stake.Outpoint}}
	var err error
	if b.Header, err = on.Branch.Prepare(&m.Params, pillars.PoS, w.Stamp); err != nil {
		panic(err)
	}
	stake := pos.Coinstake(&m.Params, w.Stake, nil)
	m.sign(stake)
	next := m.fill(on, b, stake, payments)
	b.Merkle = b.MerkleRoot()
	if err := b.Sign(m.Key); err != nil {
		panic(err)
	}
	return m.finish(next, consensus.Reveal{Stake: w.Stake.Outpoint})
}

// stakes are the outputs of exactly the least stake, in order.
func (m *Maker) stakes(on *Link) (all []pos.Stake) {
	at := state.At(on.State, &m.Params)
	for _, key := range on.State.Keys() {
		if key[0] != state.OutputKey(pillars.Outpoint{})[0] {
			continue
		}
		o := pillars.Outpoint{Tx: pillars.TxID([]byte(key[1:33])), Index: binary.BigEndian.Uint32([]byte(key[33:]))}
		if s, ok := at.Stake(o); ok && s.Value == m.Params.Stake.Minimum && s.Plain && s.Owner == m.Owner {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b pos.Stake) int {
		return cmp.Or(a.Outpoint.Tx.Compare(b.Outpoint.Tx), cmp.Compare(a.Outpoint.Index, b.Outpoint.Index))
	})
	return all
}

// fill gives a block its transactions, and returns the link that it will be.
func (m *Maker) fill(on *Link, b *pillars.Block, stake *pillars.Transaction, payments int) *Link {
	l := &Link{Block: b, Parent: on, State: on.State.Clone(), coins: slices.Clone(on.coins)}
	height := on.Branch.Number + 1
	value := on.Branch.Subsidy(&m.Params, b.Seal())
	coinbase := m.pay([]coin{{at: pillars.NullOutpoint, value: value}}, value)
	coinbase.Version = pillars.VersionFirst
	coinbase.Inputs[0].Script = binary.LittleEndian.AppendUint32(append(state.CoinbaseScript(height), 4), m.Random.Uint32())
	b.Transactions = []*pillars.Transaction{coinbase}
	if stake != nil {
		b.Transactions = append(b.Transactions, stake)
	}
	if height == 1 {
		b.Transactions = append(b.Transactions, m.lock(l))
	}
	for range payments {
		if tx := m.payment(l, height); tx != nil {
			b.Transactions = append(b.Transactions, tx)
		}
	}
	id := coinbase.ID()
	for i, o := range coinbase.Outputs {
		l.coins = append(l.coins, coin{pillars.Outpoint{Tx: id, Index: uint32(i)}, o.Value, height + m.Params.Subsidy.Maturity + 1})
	}
	return l
}

// finish judges the block as straight application of its branch does.
func (m *Maker) finish(l *Link, r consensus.Reveal) *Link {
	on := l.Parent
	diff, err := state.Apply(on.State, l.Block, state.Context{Params: &m.Params, Parent: &on.Branch, Stamp: l.Block.Timestamp})
	if err == nil {
		l.State.Write(diff.Changes)
	} else if !m.broken(l.Block) {
		panic(fmt.Sprintf("chaintest: a block that is not valid: %v", err))
	}
	l.Branch = on.Branch.Next(&m.Params, &l.Block.Header, r)
	return l
}

// broken: a stake that was made up; tests want such blocks.
func (m *Maker) broken(b *pillars.Block) bool { return b.Seal() == pillars.PoS }

// lock locks the least that staking asks for.
func (m *Maker) lock(l *Link) *pillars.Transaction {
	from := l.coins[0]
	l.coins = l.coins[1:]
	tx := m.pay([]coin{from}, m.Params.Stake.Locked, from.value-m.Params.Stake.Locked-m.Params.Fees.Transaction)
	head := append(script.AppendPush(nil, script.Number(int64(m.Params.Stake.LockBlocks))), script.OpCheckSequence, script.OpDrop)
	tx.Outputs[0].Script = append(head, m.Owner.Script()...)
	m.sign(tx)
	l.coins = append(l.coins, coin{pillars.Outpoint{Tx: tx.ID(), Index: 1}, tx.Outputs[1].Value, 0})
	return tx
}

// payment spends one or two coins, also ones made earlier in the block, to one to three outputs of the owner.
func (m *Maker) payment(l *Link, height uint32) *pillars.Transaction {
	var from []coin
	sum := pillars.Amount(0)
	for range 1 + m.Random.IntN(2) {
		i := m.Random.IntN(max(len(l.coins), 1))
		if i < len(l.coins) && l.coins[i].ripe <= height {
			from = append(from, l.coins[i])
			sum += l.coins[i].value
			l.coins = slices.Delete(l.coins, i, i+1)
		}
	}
	outputs := pillars.Amount(1 + m.Random.IntN(3))
	if sum < m.Params.Fees.Transaction+outputs {
		l.coins = append(l.coins, from...)
		return nil
	}
	sum -= m.Params.Fees.Transaction
	values := make([]pillars.Amount, outputs)
	for i := range values {
		values[i] = sum / outputs
	}
	values[0] += sum % outputs
	tx := m.pay(from, values...)
	m.sign(tx)
	id := tx.ID()
	for i, v := range values {
		l.coins = append(l.coins, coin{pillars.Outpoint{Tx: id, Index: uint32(i)}, v, 0})
	}
	return tx
}

func (m *Maker) pay(from []coin, values ...pillars.Amount) *pillars.Transaction {
	tx := &pillars.Transaction{Version: pillars.VersionCurrent}
	for _, c := range from {
		tx.Inputs = append(tx.Inputs, pillars.Input{Previous: c.at, Sequence: 0xffffffff})
	}
	for _, v := range values {
		tx.Outputs = append(tx.Outputs, pillars.Output{Value: v, Script: m.Owner.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}})
	}
	return tx
}

func (m *Maker) sign(tx *pillars.Transaction) {
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, m.Owner.Script(), m.Key)
	}
}

// Tree makes a random tree of blocks behind a link, at most so deep at its forks, with payments and stakes.
func (m *Maker) Tree(on *Link, blocks, depth int) []*Link {
	all := []*Link{on}
	for range blocks {
		parent := all[len(all)-1]
		if m.Random.IntN(3) == 0 {
			parent = all[max(0, len(all)-1-m.Random.IntN(depth))]
		}
		if l, ok := m.Stake(parent, 3, 2); ok && m.Random.IntN(2) == 0 {
			all = append(all, l)
			continue
		}
		all = append(all, m.Mine(parent, 1+m.Random.Uint32N(4), m.Random.IntN(4)))
	}
	return all[1:]
}
