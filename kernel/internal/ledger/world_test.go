package ledger

import (
	"bytes"
	"encoding/binary"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A world is a network with a ledger in memory and everybody's keys.
type world struct {
	t         failer
	genesis   *kernel.Genesis
	context   *Context
	view      *MemView
	nodes     []crypto.NodeKey
	custodian kernel.Account
	privates  map[kernel.Key]kernel.Scalar
	balances  []kernel.OutputRef // genesis outputs, in order
	made      uint64             // keys made so far
	clock     kernel.Timestamp
}

// A failer is what a testing.TB and a rapid.T have in common.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

var custodianSeed = [64]byte{3: 99}

// newWorld returns a fresh copy of the world that founding describes.
func newWorld(t failer) *world {
	t.Helper()
	f := founding()
	if f.err != nil {
		t.Fatal(f.err)
	}
	w := &world{t: t, view: NewMemView(), custodian: kernel.AccountFromSeed(custodianSeed), nodes: f.nodes}
	g := *f.genesis
	w.genesis, w.context, w.clock = &g, ContextOf(&g, Direct{}), g.Timestamp
	w.privates, w.balances = maps.Clone(f.privates), f.balances
	w.view.Apply(f.diff)
	w.mustAddUp()
	return w
}

type foundation struct {
	genesis  *kernel.Genesis
	nodes    []crypto.NodeKey
	diff     *Diff
	privates map[kernel.Key]kernel.Scalar
	balances []kernel.OutputRef
	err      error
}

// founding makes, once: seven members, XIN (ceiling 10,000) and BTC, eight balances of 100 each.
var founding = sync.OnceValue(func() (f foundation) {
	custodian := kernel.AccountFromSeed(custodianSeed).Address()
	f.privates = map[kernel.Key]kernel.Scalar{}
	f.genesis = &kernel.Genesis{
		Name: "test", Timestamp: 1_800_000_000_000, Parameters: kernel.DefaultParameters(),
		CoinKey: make([]kernel.Key, 3), Custodian: &custodian,
		Assets: []kernel.GenesisAsset{
			{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey, Ceiling: whole(10_000)},
			{ID: kernel.BTC, Symbol: "BTC", Chain: kernel.BTC, Key: kernel.BTC.String()},
		},
	}
	for i := range byte(kernel.MinMembers) {
		node := crypto.NodeKeyFromSeed([32]byte{i, 1})
		f.nodes = append(f.nodes, node)
		payee := kernel.AccountFromSeed([64]byte{i, 2}).Address()
		f.genesis.Members = append(f.genesis.Members, kernel.Member{Name: string('A' + rune(i)), Key: node.Public(), Payee: payee})
	}
	owner := kernel.AccountFromSeed([64]byte{7: 7})
	for i := range 16 {
		asset := kernel.XIN
		if i >= 8 {
			asset = kernel.BTC
		}
		f.genesis.Balances = append(f.genesis.Balances, kernel.GenesisOutput{Asset: asset, Address: owner.Address(), Amount: whole(100)})
	}
	if f.diff, _, f.err = Genesis(f.genesis); f.err != nil {
		return f
	}
	for _, c := range f.diff.Created {
		private, err := crypto.GhostPrivate(owner.View, owner.Spend, c.Output.Mask, uint64(c.Ref.Index))
		if err != nil {
			f.err = err
		}
		f.privates[c.Output.Keys[0]] = private
		f.balances = append(f.balances, c.Ref)
	}
	return f
})

// whole returns n whole coins.
func whole(n uint64) kernel.Amount { return kernel.NewAmount(n * 100_000_000) }

// key makes a key of which the world knows the private part.
func (w *world) key() kernel.Key {
	w.made++
	var wide [64]byte
	binary.BigEndian.PutUint64(wide[:], w.made)
	wide[63] = 1
	private := crypto.ScalarFromWide(wide)
	public := private.Public()
	w.privates[public] = private
	return public
}

// output makes an output for threshold of n fresh keys.
func (w *world) output(amount kernel.Amount, threshold uint8, n int) kernel.Output {
	out := kernel.Output{Amount: amount, Mask: w.key(), Script: kernel.NewScript(threshold)}
	for range n {
		out.Keys = append(out.Keys, w.key())
	}
	return out
}

// spend returns an unsigned transaction.
func (w *world) spend(asset kernel.AssetID, refs []kernel.OutputRef, outputs ...kernel.Output) *kernel.Transaction {
	tx := &kernel.Transaction{Asset: asset, Outputs: outputs}
	for _, ref := range refs {
		tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: ref})
	}
	return tx
}

// sign signs with as many keys as each script asks, one at least, as far as they are known.
func (w *world) sign(tx *kernel.Transaction) *kernel.Transaction {
	hash := tx.Hash()
	tx.Aggregate, tx.Signatures = nil, make([]kernel.SignatureMap, len(tx.Inputs))
	for i, in := range tx.Inputs {
		if in.Deposit != nil {
			tx.Signatures[i] = kernel.SignatureMap{{Signature: w.custodian.Spend.Sign(hash[:])}}
			continue
		}
		keys, threshold := w.lock(in.OutputRef)
		for j := range min(threshold, len(keys)) {
			s := w.privates[keys[j]]
			tx.Signatures[i] = append(tx.Signatures[i], kernel.IndexedSignature{Index: uint16(j), Signature: s.Sign(hash[:])})
		}
	}
	return tx
}

func (w *world) lock(ref kernel.OutputRef) (keys []kernel.Key, threshold int) {
	out, ok := w.view.Output(ref)
	if !ok {
		out, _ = w.view.Output(w.balances[0]) // sign something
	}
	t, _ := out.Script.Threshold()
	return out.Keys, max(1, int(t))
}

// aggregate signs all inputs with one signature.
func (w *world) aggregate(tx *kernel.Transaction) *kernel.Transaction {
	var all []kernel.Key
	var signers []uint16
	var privates []kernel.Scalar
	for _, in := range tx.Inputs {
		keys, threshold := w.lock(in.OutputRef)
		for j := range min(threshold, len(keys)) {
			signers = append(signers, uint16(len(all)+j))
			privates = append(privates, w.privates[keys[j]])
		}
		all = append(all, keys...)
	}
	sig, err := crypto.AggregateSign(all, signers, privates, tx.Hash(), make([]byte, 32))
	if err != nil {
		w.t.Fatal(err)
	}
	tx.Signatures, tx.Aggregate = nil, &kernel.AggregateSignature{Signers: signers, Signature: sig}
	return tx
}

// deposit returns a signed deposit of an asset that genesis does not know.
func (w *world) deposit(place uint64, amount kernel.Amount) *kernel.Transaction {
	d := &kernel.Deposit{Chain: kernel.ETH, AssetKey: "0xdoge", Transaction: "0xabc", Index: place, Amount: amount}
	tx := &kernel.Transaction{Asset: doge, Inputs: []kernel.Input{{Deposit: d}}, Outputs: []kernel.Output{w.output(amount, 1, 1)}}
	return w.sign(tx)
}

var doge = kernel.AssetID{1: 0xd0, 2: 0x9e}

func (w *world) raw(tx *kernel.Transaction) []byte {
	b, err := tx.AppendBinary(nil)
	if err != nil {
		w.t.Fatal("encode:", err)
	}
	return b
}

func (w *world) entries(txs ...*kernel.Transaction) *kernel.Body {
	body := new(kernel.Body)
	for _, tx := range txs {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: w.raw(tx)})
	}
	return body
}

// snapshot wraps a body of author, whose claim is k.
func snapshot(author kernel.Author, round kernel.Round, k kernel.CommitIndex, body *kernel.Body) Committed {
	return Committed{Author: author, Round: round, ID: kernel.SnapshotID{0: byte(author), 1: byte(round), 2: byte(round >> 8)}, Claim: k, Body: body}
}

// execute computes the next commit twice, compares, and leaves the world as it was.
func (w *world) execute(snapshots ...Committed) *Diff {
	c := &kernel.Commit{Index: w.view.Head().Index + 1, Timestamp: w.clock + 1}
	diff := Execute(w.view, c, snapshots, w.context)
	if again := Execute(w.view, c, snapshots, w.context); !reflect.DeepEqual(diff, again) {
		w.t.Fatal("the same commit executed twice gives two results")
	}
	return diff
}

// commit executes and applies, and counts everything again.
func (w *world) commit(snapshots ...Committed) *Diff {
	diff := w.execute(snapshots...)
	w.clock++
	w.view.Apply(diff)
	w.mustAddUp()
	return diff
}

// settle makes transactions final in a commit of their own.
func (w *world) settle(txs ...*kernel.Transaction) {
	w.t.Helper()
	diff := w.commit(snapshot(0, kernel.Round(w.view.Head().Index+1), w.view.Head().Index, w.entries(txs...)))
	if len(diff.Receipts) != len(txs) || len(diff.Faults) != 0 {
		w.t.Fatalf("%d receipts and %d faults for %d good transactions", len(diff.Receipts), len(diff.Faults), len(txs))
	}
}

func (w *world) check(tx *kernel.Transaction) error { return Check(w.view, tx, w.raw(tx), w.context) }

// mustAddUp counts state and supply from nothing. [T02]
func (w *world) mustAddUp() {
	w.t.Helper()
	counted, kept := w.view.Recount(), w.view.Head().State
	if !bytes.Equal(counted[:], kept[:]) {
		w.t.Fatal("the state counted again has another set hash")
	}
	for _, id := range w.view.Assets() {
		a, _ := w.view.Asset(id)
		inside := a.Unspent
		if state, ok := StakeOf(w.view); ok && id == kernel.XIN {
			mustAdd(&inside, state.Pool)
			mustAdd(&inside, state.Escrow)
		}
		if left, ok := a.Deposited.Sub(a.Withdrawn); !ok || left != inside || a.Unspent != w.view.Supply(id) {
			w.t.Fatalf("asset %v: %v unspent, want %v - %v", id, w.view.Supply(id), a.Deposited, a.Withdrawn)
		}
	}
}

func (w *world) refs(places ...int) []kernel.OutputRef {
	var refs []kernel.OutputRef
	for _, p := range places {
		refs = append(refs, w.balances[p])
	}
	return refs
}

func faultKinds(d *Diff) (kinds []FaultKind) {
	for _, f := range d.Faults {
		kinds = append(kinds, f.Kind)
	}
	return slices.Clip(kinds)
}
