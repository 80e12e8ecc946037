package store

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A fixture makes plausible records, commits and diffs for a folder. The store does not look
// inside them, so signatures and sums need not be right; hashes and shapes are.
type fixture struct {
	dir     string
	options Options
	genesis *kernel.Genesis
	network kernel.NetworkID
	self    kernel.NodeID
	initial *ledger.Diff
	random  *rand.Rand

	unspent []kernel.OutputRef
	next    uint64 // position of the next committed snapshot
}

// engine is what the fixtures' folders are made with.
var engine = kv.Pebble

// eachEngine runs a test with every engine of the key-value store.
func eachEngine(t *testing.T, test func(t *testing.T)) {
	defer func() { engine = kv.Pebble }()
	for name, e := range map[string]kv.Engine{"pebble": kv.Pebble, "plain": kv.Plain} {
		engine = e
		t.Run(name, test)
	}
}

func newFixture(t testing.TB, fsys kv.FS, seed uint64) *fixture {
	t.Helper()
	f := &fixture{
		dir:     "node",
		options: Options{FS: fsys, Engine: engine, MemtableBytes: 256 << 10, CacheBytes: 1 << 20, FoldBytes: 24 << 10, FoldCommits: 4},
		genesis: &kernel.Genesis{Name: "test", Timestamp: 1_700_000_000_000},
		random:  rand.New(rand.NewPCG(seed, 1)),
	}
	f.network = f.genesis.NetworkID()
	f.self = kernel.NodeID{7}
	f.initial = &ledger.Diff{Head: ledger.Head{Timestamp: f.genesis.Timestamp, Digest: kernel.Digest{9}}}
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) open(t testing.TB) *Store {
	t.Helper()
	s, err := Open(f.dir, f.network, f.self, f.options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fixture) close(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.random.Uint32())
	}
	return b
}

func (f *fixture) fill(b []byte) { copy(b, f.bytes(len(b))) }

// record makes a snapshot with a canonical header and body.
func (f *fixture) record(author kernel.Author, round kernel.Round) Record {
	body := kernel.Body{}
	if n := f.random.IntN(3); n > 0 {
		body.Entries = []kernel.Entry{{Kind: kernel.EntryTransaction, Bytes: f.bytes(n * 300)}}
	}
	raw := body.AppendBinary(nil)
	h := kernel.Header{
		Network: f.network, Author: author, Round: round, Timestamp: 1_700_000_000_000,
		Parents:  []kernel.Parent{{Author: author, Round: round - 1}},
		BodyRoot: body.Root(), BodyLength: uint32(len(raw)),
	}
	f.fill(h.Parents[0].ID[:])
	f.fill(h.Signature[:])
	header, err := h.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	return Record{ID: h.ID(), Author: author, Round: round, Header: header, Body: raw, Meta: f.bytes(f.random.IntN(40))}
}

// commit makes the next commit of s, over the given snapshots, with n transactions.
func (f *fixture) commit(s *Store, records []Record, n int) (*kernel.Commit, *ledger.Diff) {
	head := s.Head()
	c := &kernel.Commit{Index: head.Index + 1, Timestamp: head.Timestamp + 1, Position: f.next}
	for _, r := range records {
		c.Snapshots = append(c.Snapshots, kernel.CommittedID{Author: r.Author, Round: r.Round, ID: r.ID})
	}
	f.next += uint64(len(records))
	d := &ledger.Diff{}
	for range n {
		f.transfer(c, d)
	}
	if n > 0 && f.random.IntN(3) == 0 {
		f.issue(c, d)
	}
	f.fill(c.Digest[:])
	d.Head = ledger.Head{Index: c.Index, Timestamp: c.Timestamp, Digest: c.Digest}
	f.fill(d.Head.State[:64])
	return c, d
}

// prepare appends a snapshot and makes the commit over it, with n transactions: whoever calls changes and commits it.
func (f *fixture) prepare(t testing.TB, s *Store, round kernel.Round, n int) (*kernel.Commit, *ledger.Diff) {
	t.Helper()
	r := f.record(1, round)
	if err := s.Append([]Record{r}, true); err != nil {
		t.Fatal(err)
	}
	return f.commit(s, []Record{r}, n)
}

// transfer adds a transaction of up to two inputs and three outputs to a diff; some have many, with
// gaps, where a withdrawal left the ledger.
func (f *fixture) transfer(c *kernel.Commit, d *ledger.Diff) {
	var hash kernel.TxHash
	f.fill(hash[:])
	by := ledger.Owner{Transaction: hash, Commit: c.Index}
	for range min(2, len(f.unspent)) {
		i := f.random.IntN(len(f.unspent))
		d.Spent = append(d.Spent, ledger.SpentOutput{Ref: f.unspent[i], By: by})
		f.unspent[i] = f.unspent[len(f.unspent)-1]
		f.unspent = f.unspent[:len(f.unspent)-1]
	}
	outputs, gap, next := 3, 1, 0
	if f.random.IntN(6) == 0 {
		outputs, gap = f.random.IntN(5*partOutputs), 1+f.random.IntN(3)*partOutputs
	}
	for range outputs {
		out := ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: hash, Index: uint16(next)}, Output: f.output(c.Index)}
		if f.random.IntN(8) == 0 { // a row that the ring of the newest has no room for
			f.addKeys(&out.Output, recentRow/32)
		}
		next += 1 + f.random.IntN(gap)
		d.Created = append(d.Created, out)
		for _, k := range out.Output.Keys {
			d.Keys = append(d.Keys, ledger.TakenKey{Key: k, By: by})
		}
		f.unspent = append(f.unspent, out.Ref)
	}
	if f.random.IntN(4) == 0 {
		t := ledger.TakenIdentity{By: by}
		f.fill(t.Identity[:])
		d.Taken = append(d.Taken, t)
	}
	if f.random.IntN(4) == 0 {
		d.System = append(d.System, f.systemRow(d))
	}
	if f.random.IntN(8) == 0 {
		d.Assets = append(d.Assets, f.asset())
		d.Faults = append(d.Faults, f.fault(c.Index))
	}
	d.Receipts = append(d.Receipts, f.receipt(hash, c))
}

// systemRow is a change of one of a few rows that the commit has not changed yet.
func (f *fixture) systemRow(d *ledger.Diff) ledger.SystemRow {
	row := ledger.SystemRow{Key: fmt.Sprintf("row/%d.%d", f.random.IntN(5), len(d.System))}
	if f.random.IntN(3) > 0 {
		row.Value = f.bytes(1 + f.random.IntN(200))
	}
	return row
}

// issue adds a transaction of the ledger's own, which spends what others left.
func (f *fixture) issue(c *kernel.Commit, d *ledger.Diff) {
	tx := &kernel.Transaction{Asset: kernel.XIN, Extra: f.bytes(20), Outputs: []kernel.Output{{Type: kernel.OutputNodeRemove, Amount: kernel.NewAmount(5), Script: kernel.NewScript(1)}}}
	tx.Inputs = []kernel.Input{{OutputRef: kernel.OutputRef{Hash: kernel.TxHash(f.bytes(32))}}}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	d.Created = append(d.Created, ledger.CreatedOutput{
		Ref: kernel.OutputRef{Hash: tx.Hash()}, Output: ledger.Output{Output: tx.Outputs[0], Asset: tx.Asset, Created: c.Index},
	})
	d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: tx.Hash(), Status: kernel.Final, Commit: c.Index})
	d.Issued = append(d.Issued, raw)
}

func (f *fixture) receipt(hash kernel.TxHash, c *kernel.Commit) kernel.Receipt {
	r := kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: c.Index}
	if len(c.Snapshots) > 0 {
		r.Snapshot = c.Snapshots[0].ID
	}
	if f.random.IntN(5) == 0 {
		r.Status, r.Rule = kernel.Rejected, kernel.InputSpent
		f.fill(r.Winner[:])
	}
	return r
}

func (f *fixture) output(at kernel.CommitIndex) ledger.Output {
	o := ledger.Output{Created: at, Asset: kernel.AssetID{byte(f.random.IntN(3))}}
	o.Amount = kernel.NewAmount(f.random.Uint64())
	o.Keys = make([]kernel.Key, 1)
	f.fill(o.Keys[0][:])
	f.fill(o.Mask[:])
	o.Script = kernel.NewScript(1)
	if f.random.IntN(10) == 0 {
		o.Withdrawal = &kernel.Withdrawal{Address: "address", Tag: "tag"}
	}
	return o
}

// addKeys gives an output n more keys.
func (f *fixture) addKeys(o *ledger.Output, n int) {
	for range n {
		var k kernel.Key
		f.fill(k[:])
		o.Keys = append(o.Keys, k)
	}
}

func (f *fixture) asset() ledger.ChangedAsset {
	amount := func() kernel.Amount { return kernel.AmountFromUnits(f.random.Uint64()>>1, f.random.Uint64()) }
	return ledger.ChangedAsset{
		ID:    kernel.AssetID{byte(f.random.IntN(3))},
		Asset: ledger.Asset{Chain: kernel.AssetID{1}, Key: "key", Symbol: "SYM", Ceiling: amount(), Deposited: amount(), Withdrawn: amount(), Unspent: amount()},
	}
}

func (f *fixture) fault(at kernel.CommitIndex) ledger.Fault {
	x := ledger.Fault{Kind: ledger.FaultInvalid, Author: kernel.Author(f.random.IntN(7)), Round: kernel.Round(f.random.Uint32()), Commit: at}
	f.fill(x.Snapshot[:])
	f.fill(x.Entry[:])
	return x
}
