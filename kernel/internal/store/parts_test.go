package store

import (
	"errors"
	"reflect"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A wide is a folder whose last but one transaction has outputs in several parts, between
// others that have one row each. Its state adds up.
type wide struct {
	*fixture
	*Store
	c    *kernel.Commit
	d    *ledger.Diff
	head number // of the wide transaction
}

// wideIndexes are the places of its outputs: part 1 has none.
var wideIndexes = []uint16{0, 1, 7, 16, 17, 23, 24, 31, 33}

func newWide(t *testing.T) *wide {
	t.Helper()
	f, _ := genesisFixture(t)
	w := &wide{fixture: f, Store: f.open(t)}
	r := f.record(1, 1)
	if err := w.Append([]Record{r}, true); err != nil {
		t.Fatal(err)
	}
	f.next = 0
	w.c, w.d = f.commit(w.Store, []Record{r}, 0)
	w.head = w.rows.next + 1
	for i, indexes := range [][]uint16{{0}, wideIndexes, {0, 1}} {
		w.add(kernel.TxHash{byte(i + 1)}, r.ID, indexes)
	}
	by := ledger.Owner{Transaction: kernel.TxHash{3}, Commit: 1}
	w.d.Spent = []ledger.SpentOutput{ // the wide one's, by the one behind it, in its commit
		{Ref: kernel.OutputRef{Hash: kernel.TxHash{2}, Index: 23}, By: by},
		{Ref: kernel.OutputRef{Hash: kernel.TxHash{2}, Index: 24}, By: by},
	}
	w.count()
	if err := w.Commit(w.c, w.d, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// add adds a transaction to the diff.
func (w *wide) add(hash kernel.TxHash, snapshot kernel.SnapshotID, indexes []uint16) {
	by := ledger.Owner{Transaction: hash, Commit: 1}
	for _, i := range indexes {
		o := ledger.Output{Created: 1, Asset: kernel.BTC}
		o.Amount, o.Script = kernel.NewAmount(1), kernel.NewScript(1)
		o.Keys = make([]kernel.Key, 1)
		w.fill(o.Keys[0][:])
		w.d.Created = append(w.d.Created, ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: hash, Index: i}, Output: o})
		w.d.Keys = append(w.d.Keys, ledger.TakenKey{Key: o.Keys[0], By: by})
	}
	w.d.Receipts = append(w.d.Receipts, kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: 1, Snapshot: snapshot})
}

// count gives the diff totals and a state that verify will find.
func (w *wide) count() {
	a := w.initial.Assets[0]
	for i := range w.d.Created {
		o := w.d.Created[i].Output
		for _, x := range w.d.Spent {
			if x.Ref == w.d.Created[i].Ref {
				o.SpentBy, o.SpentAt = x.By.Transaction, x.By.Commit
			}
		}
		if o.SpentBy.IsZero() {
			a.Asset.Unspent, _ = a.Asset.Unspent.Add(o.Amount)
		}
	}
	w.d.Assets = []ledger.ChangedAsset{a}
	var e ledger.Elements
	for _, d := range []*ledger.Diff{w.initial, w.d} {
		created := d.Created
		for _, r := range d.Receipts {
			var outputs []ledger.CreatedOutput
			for ; len(created) > 0 && created[0].Ref.Hash == r.Transaction; created = created[1:] {
				o := created[0]
				for _, x := range d.Spent {
					if x.Ref == o.Ref {
						o.Output.SpentBy, o.Output.SpentAt = x.By.Transaction, x.By.Commit
					}
				}
				outputs = append(outputs, o)
			}
			e.Transaction(r, outputs)
		}
	}
	e.Asset(a.ID, &a.Asset)
	for i := range w.initial.Assets[1:] {
		e.Asset(w.initial.Assets[i+1].ID, &w.initial.Assets[i+1].Asset)
	}
	for _, row := range w.initial.System {
		e.System(row.Key, row.Value)
	}
	w.d.Head.State = e.Sum()
}

// Outputs of a transaction with many are found in their parts, and nothing where there is none.
func TestManyOutputs(t *testing.T) { eachEngine(t, testManyOutputs) }

func testManyOutputs(t *testing.T) {
	w := newWide(t)
	for range 2 {
		there := make(map[kernel.OutputRef]ledger.Output)
		for _, o := range w.d.Created {
			there[o.Ref] = o.Output
		}
		for _, x := range w.d.Spent {
			o := there[x.Ref]
			o.SpentBy, o.SpentAt = x.By.Transaction, x.By.Commit
			there[x.Ref] = o
		}
		v := w.View()
		for n := range byte(4) {
			for index := range uint16(80) {
				ref := kernel.OutputRef{Hash: kernel.TxHash{n}, Index: index}
				want, known := there[ref]
				if got, ok := v.Output(ref); ok != known || !reflect.DeepEqual(got, want) {
					t.Fatalf("output %v: %v %+v, want %v %+v", ref, ok, got, known, want)
				}
			}
			if _, ok := v.Output(kernel.OutputRef{Hash: kernel.TxHash{n}, Index: 0xffff}); ok {
				t.Fatal("the last index is there")
			}
		}
		for _, k := range w.d.Keys {
			if got, ok := v.GhostKey(k.Key); !ok || got != k.By {
				t.Fatalf("key of %v: %v %v", k.By, ok, got)
			}
		}
		_ = v.Close()
		if _, receipts, ok := w.CommitAt(1); !ok || !reflect.DeepEqual(receipts, w.d.Receipts) {
			t.Fatalf("receipts: %v %v", ok, receipts)
		}
		if err := w.Verify(nil); err != nil {
			t.Fatal(err)
		}
		w.close(t, w.Store)
		w.Store = w.fixture.open(t)
	}
	w.close(t, w.Store)
}

// What an output costs to look up and to spend does not grow with those beside it.
func TestRowsStayShort(t *testing.T) {
	f := newFixture(t, kv.Memory(), 1)
	s := f.open(t)
	w := &wide{fixture: f, Store: s}
	w.c, w.d = f.prepare(t, s, 1, 0)
	indexes := make([]uint16, 1000)
	for i := range indexes {
		indexes[i] = uint16(i)
	}
	w.add(kernel.TxHash{1}, w.c.Snapshots[0].ID, indexes)
	if err := s.Commit(w.c, w.d, nil); err != nil {
		t.Fatal(err)
	}
	for n := range number(1000 / partOutputs) {
		row, ok, err := s.db.Get(nil, appendNumberKey(nil, tableTransaction, n))
		if most := 80 * (1 + partOutputs); !ok || err != nil || len(row) > most {
			t.Fatalf("row %d: %v %v, %d bytes, want at most %d", n, ok, err, len(row), most)
		}
	}
	f.close(t, s)
}

// Rows of a transaction that do not belong together are found.
func TestVerifyFindsWrongParts(t *testing.T) {
	for name, breakIt := range map[string]func(w *wide, b *kv.Batch){
		"part is gone":           func(w *wide, b *kv.Batch) { b.Delete(appendNumberKey(nil, tableTransaction, w.head+3)) },
		"empty part is gone":     func(w *wide, b *kv.Batch) { b.Delete(appendNumberKey(nil, tableTransaction, w.head+1)) },
		"part twice":             func(w *wide, b *kv.Batch) { copyRow(t, w.Store, b, w.head+1, w.head+2) },
		"part is a head":         func(w *wide, b *kv.Batch) { copyRow(t, w.Store, b, w.head-1, w.head+1) },
		"head is a part":         func(w *wide, b *kv.Batch) { copyRow(t, w.Store, b, w.head+1, w.head) },
		"head speaks of fewer":   func(w *wide, b *kv.Batch) { w.rewriteHead(b, 3) },
		"head speaks of more":    func(w *wide, b *kv.Batch) { w.rewriteHead(b, 5) },
		"last part is empty":     func(w *wide, b *kv.Batch) { w.rewritePart(b, 4, func(r *rewrite) { r.outputs = nil }) },
		"part of another":        func(w *wide, b *kv.Batch) { w.rewritePart(b, 1, func(r *rewrite) { r.hash[5] = 1 }) },
		"part of another commit": func(w *wide, b *kv.Batch) { w.rewritePart(b, 1, func(r *rewrite) { r.commit++ }) },
		"parts are missing at end": func(w *wide, b *kv.Batch) {
			b.Delete(appendNumberKey(nil, tableTransaction, w.head+5))
			w.rewriteHead(b, 5)
		},
		"spent by a part": func(w *wide, b *kv.Batch) { b.Set(appendSpendKey(nil, w.head+3, 24), appendNumber(nil, w.head+1)) },
		"key leads to the head": func(w *wide, b *kv.Batch) {
			b.Set(printKey(tableGhost, w.fingerprint(&w.d.Created[5].Output.Keys[0])), appendNumber(nil, w.head))
		},
		"hash leads to a part": func(w *wide, b *kv.Batch) {
			b.Set(printKey(tableHash, hashPrint(&kernel.TxHash{2})), appendNumber(nil, w.head+1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWide(t)
			b := w.db.NewBatch()
			breakIt(w, b)
			if err := b.Commit(false); err != nil {
				t.Fatal(err)
			}
			if err := w.Verify(nil); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("verify: %v", err)
			}
			w.close(t, w.Store)
		})
	}
}

func (w *wide) outputs(part number) []ledger.CreatedOutput {
	var list []ledger.CreatedOutput
	for _, o := range w.d.Created {
		if o.Ref.Hash == (kernel.TxHash{2}) && partOf(o.Ref.Index) == part {
			list = append(list, o)
		}
	}
	return list
}

// placesOf are those of a row as it was.
func (w *wide) placesOf(part number) *places {
	x, ok, err := new(scratch).look(w.db, w.head+part)
	if !ok || err != nil {
		return new(places) // the test has taken it away
	}
	return &x.at
}

func (w *wide) rewriteHead(b *kv.Batch, more number) {
	row := appendHeadRow(nil, &w.d.Receipts[1], 0, more, w.placesOf(0), w.outputs(0), w.assets.number)
	b.Set(appendNumberKey(nil, tableTransaction, w.head), row)
}

type rewrite struct {
	hash    kernel.TxHash
	commit  kernel.CommitIndex
	outputs []ledger.CreatedOutput
}

func (w *wide) rewritePart(b *kv.Batch, part number, change func(*rewrite)) {
	r := rewrite{kernel.TxHash{2}, 1, w.outputs(part)}
	change(&r)
	row := appendPartRow(nil, &r.hash, r.commit, part, w.placesOf(part), r.outputs, w.assets.number)
	b.Set(appendNumberKey(nil, tableTransaction, w.head+part), row)
}

// A row says nothing that no writer says.
func TestWrongRows(t *testing.T) {
	receipt := &kernel.Receipt{Transaction: kernel.TxHash{2}, Status: kernel.Final, Commit: 1}
	output := func(index uint16) ledger.CreatedOutput {
		o := ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: receipt.Transaction, Index: index}}
		o.Output.Keys, o.Output.Script = make([]kernel.Key, 1), kernel.NewScript(1)
		return o
	}
	list := func(indexes ...uint16) (all []ledger.CreatedOutput) {
		for _, i := range indexes {
			all = append(all, output(i))
		}
		return all
	}
	head := func(more number, indexes ...uint16) []byte {
		return appendHeadRow(nil, receipt, 0, more, nil, list(indexes...), fuzzAssetNumber)
	}
	part := func(part number, indexes ...uint16) []byte {
		return appendPartRow(nil, &receipt.Transaction, 1, part, nil, list(indexes...), fuzzAssetNumber)
	}
	for _, tt := range []struct {
		name string
		row  []byte
		want codec.Fault // 0 is none
	}{
		{"head", head(2, 0, 7), 0},
		{"part", part(2, 16, 18, 23), 0},
		{"empty part", part(2), 0},
		{"last part of all", part(mostParts-1, 0xffff), 0},
		{"output of another part in a head", head(1, 8), codec.NonCanonical},
		{"outputs run over into the next part", part(1, 15, 16), codec.TooLarge},
		{"output of a later part", part(1, 16), codec.NonCanonical},
		{"output behind the last index", part(mostParts, 0), codec.BadValue},
		{"more parts than there can be", head(mostParts), codec.BadValue},
		{"more outputs than places", head(0, 0, 1, 2, 3, 4, 5, 6, 7, 8), codec.BadValue},
		{"part that is placed", func() []byte { b := part(1, 8); b[32] |= rowPlaced; return b }(), codec.BadValue},
		{"part with more", func() []byte { b := part(1, 8); b[32] |= rowMore; return b }(), codec.BadValue},
		{"places that do not follow", func() []byte { b := part(2); b[32] |= rowCounted; return b }(), codec.Truncated},
		{"unknown flag", func() []byte { b := head(0, 0); b[32] |= 1 << 6; return b }(), codec.BadValue},
		{"part 0", func() []byte { b := part(1); b[len(b)-1] = 0; return b }(), codec.BadValue},
		{"no outputs though it says so", func() []byte { b := part(1); b[32] |= rowOutputs; return append(b, 0) }(), codec.BadValue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := rewriteRow(tt.row)
			if tt.want == 0 && err != nil || tt.want != 0 && !errors.Is(err, &codec.Error{Fault: tt.want}) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
		})
	}
}
