package state

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/pos"
	"github.com/asterism-network/asterism/pillars/script"
)

// A person owns a key. The avatars of tests are called as the person, in capitals.
type person struct {
	key     *btcec.PrivateKey
	address pillars.Address
	text    string // of the address
	avatar  string
}

// A world is a chain in memory: blocks without seals, which are not this package's, but with everything else.
type world struct {
	t      testing.TB
	p      *pillars.Params
	tip    consensus.Branch
	mem    *Memory
	people map[pillars.Address]*person

	alice, bob, carol, dave, community *person
}

const (
	each    = 10_000 * pillars.ETP // of one output of the genesis
	perHead = 12                   // outputs a person
	fee     = 10_000
)

func newWorld(t testing.TB) *world {
	p := pillars.Devnet()
	p.Subsidy.Maturity, p.Subsidy.Interval = 3, 40
	p.Genesis.Timestamp, p.Genesis.Text = 1_700_000_000, "a world for tests"
	w := &world{t: t, p: &p, mem: &Memory{}, people: map[pillars.Address]*person{}}
	for i, place := range []**person{&w.alice, &w.bob, &w.carol, &w.dave, &w.community} {
		key, _ := btcec.PrivKeyFromBytes([]byte(fmt.Sprintf("the key of person %02d in a test..", i)[:32]))
		a := pillars.PubKeyHashAddress(pillars.Hash160(key.PubKey().SerializeCompressed()))
		*place = &person{key, a, a.Text(p.Address), []string{"ALICE", "BOB", "CAROL", "DAVE", "COMMUNITY"}[i]}
		w.people[a] = *place
		for range perHead {
			p.Genesis.Outputs = append(p.Genesis.Outputs, pillars.GenesisOutput{Address: a.Text(p.Address), Value: each})
		}
	}
	p.Fees.Community = w.community.text
	b, err := p.GenesisBlock()
	if err != nil {
		t.Fatal(err)
	}
	w.mem.Write(Genesis(w.mem, b, &p).Changes)
	w.tip = consensus.Start(&b.Header)
	return w
}

// clone is a world that goes on apart.
func (w *world) clone(t testing.TB) *world {
	c, p := *w, *w.p
	c.t, c.p, c.mem = t, &p, w.mem.Clone()
	return &c
}

func (w *world) state() Reader { return At(w.mem, w.p) }

func (w *world) context() Context {
	return Context{Params: w.p, Parent: &w.tip, Stamp: w.tip.Stamps[0] + 7}
}

func (w *world) draft() *Draft { return NewDraft(w.mem, w.context()) }

// block makes the next block: a coinbase that pays all it may to the author, and the transactions.
func (w *world) block(seal pillars.Seal, author *person, txs ...*pillars.Transaction) *pillars.Block {
	w.t.Helper()
	h, err := w.tip.Prepare(w.p, seal, w.context().Stamp)
	if err != nil {
		w.t.Fatal(err)
	}
	var fees pillars.Amount
	d := w.draft()
	for _, tx := range txs {
		if v, err := d.add(tx); err == nil {
			fees += v.Fee
		}
	}
	coinbase := &pillars.Transaction{
		Version: pillars.VersionFirst,
		Inputs:  []pillars.Input{{Previous: pillars.NullOutpoint, Script: append(CoinbaseScript(h.Number), 0)}},
		Outputs: []pillars.Output{plain(author, w.tip.Subsidy(w.p, seal)+fees)},
	}
	b := &pillars.Block{Header: h, Transactions: append([]*pillars.Transaction{coinbase}, txs...)}
	w.seal(b)
	return b
}

// seal makes the header fit its block again.
func (w *world) seal(b *pillars.Block) {
	b.Extension.Modifier = w.tip.Modifier
	b.Merkle, b.ExtensionRoot = b.MerkleRoot(), b.Extension.Root()
}

// apply judges a block as a node does, seal and signature apart.
func (w *world) apply(b *pillars.Block) (*Diff, error) {
	if err := b.Check(w.p); err != nil {
		return nil, err
	}
	if err := w.tip.Check(w.p, &b.Header); err != nil {
		return nil, err
	}
	return Apply(w.mem, b, Context{Params: w.p, Parent: &w.tip, Stamp: b.Timestamp})
}

// connect takes a block that must be valid, scripts included.
func (w *world) connect(b *pillars.Block) *Diff {
	w.t.Helper()
	d, err := w.apply(b)
	if err == nil {
		err = VerifyAll(d.Scripts)
	}
	if err != nil {
		w.t.Fatalf("block %d: %v", b.Number, err)
	}
	w.mem.Write(d.Changes)
	var r consensus.Reveal
	if b.Seal() == pillars.PoS {
		r.Stake = b.Transactions[1].Inputs[0].Previous
	}
	w.tip = w.tip.Next(w.p, &b.Header, r)
	return d
}

// mine connects a block of the transactions.
func (w *world) mine(txs ...*pillars.Transaction) *pillars.Block {
	w.t.Helper()
	b := w.block(pillars.PoW, w.dave, txs...)
	w.connect(b)
	return b
}

// plain is an output of ETP alone.
func plain(to *person, value pillars.Amount) pillars.Output {
	return pillars.Output{Value: value, Script: to.address.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain}}
}

// carrying is an output with a payload and no ETP.
func carrying(to *person, payload pillars.Payload) pillars.Output {
	return pillars.Output{Script: to.address.Script(), Attachment: pillars.Attachment{Version: pillars.AttachmentPlain, Payload: payload}}
}

// under puts an output under another script.
func under(o pillars.Output, script []byte) pillars.Output {
	o.Script = script
	return o
}

// find returns the unspent outputs that are wanted, in the order of their names.
func (w *world) find(want func(*Output) bool) []pillars.Outpoint {
	var found []pillars.Outpoint
	w.mem.Under(Key(rune(tableOutput)), func(key Key, value []byte) bool {
		if out := decoded(key, value, (*Output).decode); want(&out) {
			found = append(found, outpointOf(key))
		}
		return true
	})
	return found
}

func outpointOf(key Key) (o pillars.Outpoint) {
	copy(o.Tx[:], key[1:])
	for _, b := range []byte(key[33:37]) {
		o.Index = o.Index<<8 | uint32(b)
	}
	return o
}

// coins are a person's outputs of ETP alone that can be spent now.
func (w *world) coins(who *person) []pillars.Outpoint {
	script := string(who.address.Script())
	return w.find(func(o *Output) bool {
		return string(o.Script) == script && o.Attachment.Payload == nil && o.Value >= pillars.ETP && o.ripe(w.p, w.tip.Number+1)
	})
}

func (w *world) coin(who *person) pillars.Outpoint { return w.first(w.coins(who)) }

func (w *world) first(found []pillars.Outpoint) pillars.Outpoint {
	w.t.Helper()
	if len(found) == 0 {
		w.t.Fatal("nothing to spend")
	}
	return found[0]
}

func (w *world) certificate(kind pillars.CertificateType, symbol string) pillars.Outpoint {
	w.t.Helper()
	c, ok := w.state().Certificate(kind, symbol)
	if !ok {
		w.t.Fatalf("no certificate %#x of %s", uint32(kind), symbol)
	}
	return c.Outpoint
}

// assetAt returns an output of an asset that a person can spend.
func (w *world) assetAt(who *person, symbol string) pillars.Outpoint {
	w.t.Helper()
	return w.first(w.find(func(o *Output) bool {
		has, _, ok := o.Asset()
		return ok && has == symbol && string(o.Script) == string(who.address.Script()) && o.ripe(w.p, w.tip.Number+1)
	}))
}

// pay makes a transaction of version 4: it spends a coin of the person and what else is named, pays the fee, and
// puts the change last.
func (w *world) pay(who *person, fee pillars.Amount, outputs []pillars.Output, more ...pillars.Outpoint) *pillars.Transaction {
	w.t.Helper()
	return w.payWith(who, fee, outputs, append([]pillars.Outpoint{w.coin(who)}, more...)...)
}

func (w *world) payWith(who *person, fee pillars.Amount, outputs []pillars.Output, inputs ...pillars.Outpoint) *pillars.Transaction {
	w.t.Helper()
	tx := &pillars.Transaction{Version: pillars.VersionCurrent, Outputs: slices.Clone(outputs)}
	change := -fee
	for _, o := range inputs {
		out, ok := w.state().Output(o)
		if !ok {
			w.t.Fatalf("%s:%d is not there", o.Tx, o.Index)
		}
		change += out.Value
		tx.Inputs = append(tx.Inputs, pillars.Input{Previous: o, Sequence: 0xffffffff})
	}
	for i := range outputs {
		change -= outputs[i].Value
	}
	tx.Outputs = append(tx.Outputs, plain(who, change))
	return w.sign(tx)
}

// sign signs all inputs that the people here can.
func (w *world) sign(tx *pillars.Transaction) *pillars.Transaction {
	for i := range tx.Inputs {
		out, ok := w.state().Output(tx.Inputs[i].Previous)
		if who := w.people[script.Classify(out.Script).Address]; ok && who != nil && !tx.IsSegWit() {
			tx.Inputs[i].Script = script.Unlock(tx, i, out.Script, who.key)
		}
	}
	return tx
}

// segwit is a version-5 transaction that spends P2PKH outputs.
func (w *world) segwit(who *person, fee pillars.Amount, outputs []pillars.Output, inputs ...pillars.Outpoint) *pillars.Transaction {
	w.t.Helper()
	tx := w.payWith(who, fee, outputs, inputs...)
	tx.Version, tx.Bitcoin = pillars.VersionSegWit, 2
	for i := range tx.Outputs {
		tx.Outputs[i].Attachment = pillars.Attachment{}
	}
	for i := range tx.Inputs {
		tx.Inputs[i].Script = nil
	}
	for i := range tx.Inputs {
		out, _ := w.state().Output(tx.Inputs[i].Previous)
		sig, err := bitcoinSignature(tx, i, out.Script, who)
		if err != nil {
			w.t.Fatal(err)
		}
		tx.Inputs[i].Script = sig
	}
	return tx
}

// coinstake moves a coin of the person to itself.
func (w *world) coinstake(who *person) *pillars.Transaction {
	s, ok := w.state().Stake(w.coin(who))
	if !ok || !s.Plain {
		w.t.Fatal("no stake")
	}
	return w.sign(pos.Coinstake(w.p, &s, nil))
}

// equalStates says how two states differ.
func equalStates(a, b *Memory) error {
	if !maps.EqualFunc(a.records, b.records, func(x, y []byte) bool { return string(x) == string(y) }) {
		for _, key := range a.Keys() {
			if y, ok := b.records[key]; !ok || string(y) != string(a.records[key]) {
				return fmt.Errorf("record %q is %x, and %x (%t)", string(key), a.records[key], y, ok)
			}
		}
		return fmt.Errorf("%d and %d records", len(a.records), len(b.records))
	}
	if a.Root() != b.Root() {
		return fmt.Errorf("roots %x and %x", a.Root(), b.Root())
	}
	return nil
}
