package replica

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// A world is a network whose keys, coins and folders are the same in every run: recorded frames
// stay good.
type world struct {
	t       testing.TB
	genesis *kernel.Genesis
	keys    []crypto.NodeKey
	shares  []crypto.Scalar
	coin    *coin.Key
	user    kernel.Account
	coins   []note
	random  *rand.ChaCha8
	opened  []*store.Store
}

// A note is an output of the genesis, the user's.
type note struct {
	kernel.OutputRef
	kernel.Output
}

const members = 7

func newWorld(t testing.TB, coins int) *world {
	t.Helper()
	w := &world{t: t, user: kernel.AccountFromSeed([64]byte{1, 2, 3}), random: rand.NewChaCha8([32]byte{7})}
	g := &kernel.Genesis{Name: "test", Timestamp: 1_700_000_000_000, Parameters: kernel.DefaultParameters()}
	g.Assets = []kernel.GenesisAsset{{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: "0xa974c709cfb4566686553a20790685a47aceaa33"}}
	for range coins {
		g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: w.user.Address(), Amount: kernel.NewAmount(100_00000000)})
	}
	for i := range members {
		w.keys = append(w.keys, crypto.NodeKeyFromSeed([32]byte{byte(i), 9}))
		g.Members = append(g.Members, kernel.Member{Name: fmt.Sprintf("node-%d", i+1), Key: w.keys[i].Public(), Payee: w.user.Address()})
	}
	t.Cleanup(func() {
		for _, s := range w.opened {
			s.Close()
		}
	})
	var err error
	w.shares, err = ceremony.DealTrusted(g, w.random)
	w.must(err)
	w.must(g.Check())
	w.genesis = g
	w.coin, err = coin.NewKey(g.NetworkID(), 0, g.Roster())
	w.must(err)
	txs, err := kernel.GenesisTransactions(g)
	w.must(err)
	for _, tx := range txs {
		for i, out := range tx.Outputs {
			w.coins = append(w.coins, note{kernel.OutputRef{Hash: tx.Hash(), Index: uint16(i)}, out})
		}
	}
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// folder is where every node of a world lives, each on a file system of its own.
const folder = "node"

// create makes a node's folder in memory.
func (w *world) create(self kernel.Author) store.Options {
	w.t.Helper()
	o := store.Options{FS: kv.Memory(), MemtableBytes: 256 << 10, CacheBytes: 1 << 20, SegmentBytes: 1 << 20}
	w.must(Init(folder, w.genesis, w.genesis.Members[self].Key, o))
	return o
}

// open opens a folder, which is closed at the end of the test unless the test does it.
func (w *world) open(self kernel.Author, o store.Options, proofs Proofs) *Replica {
	w.t.Helper()
	s, err := Open(folder, w.genesis, w.genesis.Members[self].Key, o)
	w.must(err)
	w.opened = append(w.opened, s)
	r, err := New(Config{Genesis: w.genesis, Key: w.genesis.Members[self].Key, Store: s, Proofs: proofs})
	w.must(err)
	return r
}

// close closes a replica's store before the end of the test.
func (w *world) close(r *Replica) {
	w.t.Helper()
	w.opened = slices.DeleteFunc(w.opened, func(s *store.Store) bool { return s == r.store })
	w.must(r.store.Close())
}

// replica is node 0 with a new folder and the real proofs.
func (w *world) replica() *Replica { return w.open(0, w.create(0), nil) }

// pay spends the i-th genesis output back to the user.
func (w *world) pay(i int, memo string) *kernel.Transaction {
	w.t.Helper()
	from := w.coins[i]
	var wide [64]byte
	w.random.Read(wide[:])
	r := crypto.ScalarFromWide(wide)
	to := w.user.Address()
	key, err := crypto.GhostPublic(r, to.View, to.Spend, 0)
	w.must(err)
	tx := &kernel.Transaction{Asset: kernel.XIN, Extra: []byte(memo), Inputs: []kernel.Input{{OutputRef: from.OutputRef}}}
	tx.Outputs = []kernel.Output{{Amount: from.Amount, Keys: []kernel.Key{key}, Mask: r.Public(), Script: kernel.NewScript(1)}}
	w.sign(tx, from)
	return tx
}

func (w *world) sign(tx *kernel.Transaction, from note) {
	w.t.Helper()
	private, err := crypto.GhostPrivate(w.user.View, w.user.Spend, from.Mask, uint64(from.Index))
	w.must(err)
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Index: 0, Signature: private.Sign(hash[:])}}}
}

func (w *world) encode(tx *kernel.Transaction) []byte {
	w.t.Helper()
	raw, err := tx.AppendBinary(nil)
	w.must(err)
	return raw
}

// payment is pay, encoded.
func (w *world) payment(i int, memo string) []byte {
	w.t.Helper()
	return w.encode(w.pay(i, memo))
}

// unsigned is a payment whose signature is another's.
func (w *world) unsigned(i int) []byte {
	w.t.Helper()
	tx := w.pay(i, "unsigned")
	tx.Extra = binary.BigEndian.AppendUint32(tx.Extra, uint32(i))
	return w.encode(tx)
}

// header is a signed one of round 9 over a body, its parents made up. Change may break it before
// it is signed.
func (w *world) header(author kernel.Author, body *kernel.Body, change func(*kernel.Header)) *kernel.Header {
	w.t.Helper()
	h := &kernel.Header{
		Network: w.genesis.NetworkID(), Author: author, Round: 9, Timestamp: w.genesis.Timestamp + 1,
		BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
	}
	for a := range w.genesis.Members {
		h.Parents = append(h.Parents, kernel.Parent{Author: kernel.Author(a), Round: 8, ID: kernel.SnapshotID{byte(a) + 1}})
	}
	h.SortParents()
	if change != nil {
		change(h)
	}
	id := h.ID()
	h.Signature = w.keys[author].Sign(id[:])
	return h
}

func bodyOf(transactions ...[]byte) *kernel.Body {
	b := new(kernel.Body)
	for _, raw := range transactions {
		b.Entries = append(b.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
	}
	slices.SortFunc(b.Entries, func(x, y kernel.Entry) int {
		a, b := kernel.EntryHash(x), kernel.EntryHash(y)
		return slices.Compare(a[:], b[:])
	})
	return b
}

// snapshot is an encoded snapshot by an author with the given header's changes.
func (w *world) snapshot(author kernel.Author, body *kernel.Body, change func(*kernel.Header)) []byte {
	w.t.Helper()
	raw, err := (&kernel.Snapshot{Header: w.header(author, body, change), Body: body}).AppendBinary(nil)
	w.must(err)
	return raw
}

// share is an author's real share of a round's coin.
func (w *world) share(a kernel.Author, r kernel.Round) *kernel.CoinShare {
	s, err := w.coin.Share(w.shares[a], a, r)
	w.must(err)
	return s
}

// author signs for one member.
type author struct {
	*world
	self kernel.Author
}

func (s author) Sign(id kernel.SnapshotID) kernel.Signature { return s.keys[s.self].Sign(id[:]) }
func (s author) SignRecord(h kernel.Hash) kernel.Signature  { return s.keys[s.self].Sign(h[:]) }
func (s author) Share(r kernel.Round) *kernel.CoinShare     { return s.share(s.self, r) }

var _ engine.Signer = author{}

// decodeFrom decodes a frame that a member sent, as its epoch's engine gets it.
func decodeFrom(r *Replica, from kernel.Author, frame []byte) (*engine.Input, error) {
	in, err := r.Decode(r.Seat().Key(from), frame)
	return flat(r, in), err
}

// flat is what an input holds for the engine of epoch 0.
func flat(r *Replica, in *Input) *engine.Input {
	if in == nil {
		return nil
	}
	out := new(engine.Input)
	for i := range in.Parts {
		out.Join(&in.Parts[i].Input)
	}
	for _, q := range in.Requests {
		out.Messages = append(out.Messages, engine.Message{From: r.Seat().place(q.From), Message: q.Message})
	}
	out.Admitted = in.Admitted
	return out
}

// outputOf is an engine's output as a host passes it on, for what a Replica reads of it.
func outputOf(e *engine.Output) *Output {
	return &Output{Persist: e.Persist, Sync: e.Sync, Refused: e.Refused}
}
