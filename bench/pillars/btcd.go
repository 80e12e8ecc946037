package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// A btcdMaker makes blocks of Bitcoin's regression network, with the payments that our blocks have: as many inputs, outputs and
// signatures, to the hash of a key or to a witness program.
type btcdMaker struct {
	params *chaincfg.Params
	key    *btcec.PrivateKey
	script []byte
	sort   sort
	tip    chainhash.Hash
	height int32
	time   time.Time
	blocks [][]byte
}

// btcdPast is how far back its chain begins: a block a minute must not reach the clock.
const btcdPast = 90 * 24 * time.Hour

func newBtcdMaker(kind sort) (*btcdMaker, error) {
	p := chaincfg.RegressionNetParams
	m := &btcdMaker{params: &p, sort: kind, tip: *p.GenesisHash, time: time.Now().Add(-btcdPast).Truncate(time.Second)}
	m.key, _ = btcec.PrivKeyFromBytes([]byte("one key signs all of this bench!"))
	hash := address.Hash160(m.key.PubKey().SerializeCompressed())
	var to address.Address
	var err error
	switch kind {
	case witness:
		to, err = address.NewAddressWitnessPubKeyHash(hash, &p)
	case taproot:
		to, err = address.NewAddressTaproot(schnorr.SerializePubKey(txscript.ComputeTaprootKeyNoScript(m.key.PubKey())), &p)
	default:
		to, err = address.NewAddressPubKeyHash(hash, &p)
	}
	if err == nil {
		m.script, err = txscript.PayToAddrScript(to)
	}
	return m, err
}

// mine makes a block with these transactions, whose fees it leaves.
func (m *btcdMaker) mine(txs ...*wire.MsgTx) (*wire.MsgTx, error) {
	m.height++
	m.time = m.time.Add(time.Minute)
	script, err := txscript.NewScriptBuilder().AddInt64(int64(m.height)).AddInt64(7).Script()
	if err != nil {
		return nil, err
	}
	coinbase := wire.NewMsgTx(1)
	coinbase.AddTxIn(&wire.TxIn{PreviousOutPoint: *wire.NewOutPoint(&chainhash.Hash{}, wire.MaxPrevOutIndex), SignatureScript: script, Sequence: wire.MaxTxInSequenceNum})
	coinbase.AddTxOut(&wire.TxOut{Value: blockchain.CalcBlockSubsidy(m.height, m.params), PkScript: m.script})
	all := []*btcutil.Tx{btcutil.NewTx(coinbase)}
	for _, tx := range txs {
		all = append(all, btcutil.NewTx(tx))
	}
	if m.sort != keyHash {
		m.commit(coinbase, all)
		all[0] = btcutil.NewTx(coinbase)
	}
	b := wire.NewMsgBlock(&wire.BlockHeader{
		Version: 0x20000000, PrevBlock: m.tip, MerkleRoot: blockchain.CalcMerkleRoot(all, false), Timestamp: m.time, Bits: m.params.PowLimitBits,
	})
	for _, tx := range all {
		if err := b.AddTransaction(tx.MsgTx()); err != nil {
			return nil, err
		}
	}
	target := blockchain.CompactToBig(b.Header.Bits)
	for hash := b.BlockHash(); blockchain.HashToBig(&hash).Cmp(target) > 0; hash = b.BlockHash() {
		b.Header.Nonce++
	}
	m.tip = b.BlockHash()
	var raw bytes.Buffer
	if err := b.Serialize(&raw); err != nil {
		return nil, err
	}
	m.blocks = append(m.blocks, raw.Bytes())
	return coinbase, nil
}

// commit writes the commitment to the witnesses into the coinbase (BIP 141).
func (m *btcdMaker) commit(coinbase *wire.MsgTx, all []*btcutil.Tx) {
	var zero [32]byte
	coinbase.TxIn[0].Witness = wire.TxWitness{zero[:]}
	root := blockchain.CalcMerkleRoot(all, true)
	hash := chainhash.DoubleHashB(append(root[:], zero[:]...))
	coinbase.AddTxOut(&wire.TxOut{PkScript: append([]byte{txscript.OP_RETURN, 36, 0xaa, 0x21, 0xa9, 0xed}, hash...)})
}

// pay spends one output to these values.
func (m *btcdMaker) pay(from wire.OutPoint, value int64, values ...int64) (*wire.MsgTx, error) {
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(&wire.TxIn{PreviousOutPoint: from, Sequence: wire.MaxTxInSequenceNum})
	for _, v := range values {
		tx.AddTxOut(&wire.TxOut{Value: v, PkScript: m.script})
	}
	var err error
	if m.sort != keyHash {
		tx.TxIn[0].Witness, err = signWitness(tx, m.script, value, m.key, m.sort)
	} else {
		tx.TxIn[0].SignatureScript, err = txscript.SignatureScript(tx, 0, m.script, txscript.SigHashAll, m.key, true)
	}
	return tx, err
}

// paymentBlocks is the counterpart of maker.paymentBlocks. A reward is split into so many parts; each block takes 2,000 satoshis
// off each that it spends.
func (m *btcdMaker) paymentBlocks(blocks, payments, parts int) (s series, err error) {
	need := (payments + parts - 1) / parts
	var coins []*wire.MsgTx
	for range 100 + need {
		tx, err := m.mine()
		if err != nil {
			return s, err
		}
		coins = append(coins, tx)
	}
	var fan []*wire.MsgTx
	var from []wire.OutPoint
	for i := range need {
		value := coins[i].TxOut[0].Value
		tx, err := m.pay(wire.OutPoint{Hash: coins[i].TxHash()}, value, slices.Repeat([]int64{(value - 10_000) / int64(parts)}, parts)...)
		if err != nil {
			return s, err
		}
		fan = append(fan, tx)
		for k := range parts {
			from = append(from, wire.OutPoint{Hash: tx.TxHash(), Index: uint32(k)})
		}
	}
	if _, err := m.mine(fan...); err != nil {
		return s, err
	}
	s.setup, m.blocks = m.blocks, nil
	value := fan[0].TxOut[0].Value
	for range blocks {
		var txs []*wire.MsgTx
		for i := range payments {
			tx, err := m.pay(from[i], value, value-1000-small, small)
			if err != nil {
				return s, err
			}
			txs = append(txs, tx)
			from[i] = wire.OutPoint{Hash: tx.TxHash()}
		}
		value = txs[0].TxOut[0].Value
		if _, err := m.mine(txs...); err != nil {
			return s, err
		}
		s.payments += payments
	}
	s.measured = m.blocks
	return s, nil
}

// A btcdChain is btcd's block chain in a folder.
type btcdChain struct {
	db    database.DB
	chain *blockchain.BlockChain
}

// openBtcd makes a chain as btcd's own server does, but without its cache of signatures: it would only cost, since every signature is
// seen once.
func openBtcd(dir string, p *chaincfg.Params) (*btcdChain, error) {
	db, err := database.Create("ffldb", dir, p.Net)
	if err != nil {
		return nil, err
	}
	params := *p
	c, err := blockchain.New(&blockchain.Config{
		DB: db, ChainParams: &params, TimeSource: blockchain.NewMedianTime(), HashCache: txscript.NewHashCache(1000), UtxoCacheMaxSize: 250 << 20,
	})
	return &btcdChain{db, c}, err
}

func (c *btcdChain) close() error { return c.db.Close() }

// give decodes a block and gives it to the chain.
func (c *btcdChain) give(raw []byte) error {
	b, err := btcutil.NewBlockFromBytes(raw)
	if err != nil {
		return err
	}
	main, orphan, err := c.chain.ProcessBlock(b, blockchain.BFNone)
	if err == nil && (!main || orphan) {
		err = fmt.Errorf("block %x is not the tip", binary.LittleEndian.Uint32(raw))
	}
	return err
}
