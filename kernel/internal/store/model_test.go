package store

import (
	"bytes"
	"flag"
	"maps"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// A model is what a store must answer, in plain maps.
type model struct {
	f *fixture
	s *Store

	records  []Record
	slots    map[slot][]kernel.SnapshotID
	place    map[kernel.SnapshotID]int // in records
	covered  int                       // records that are in a commit
	commits  []*kernel.Commit
	diffs    []*ledger.Diff
	blob     []byte
	outputs  map[kernel.OutputRef]ledger.Output
	ghosts   map[kernel.Key]ledger.Owner
	taken    map[kernel.Hash]ledger.Owner
	receipts map[kernel.TxHash]kernel.Receipt
	assets   map[kernel.AssetID]ledger.Asset
	faults   []ledger.Fault
	system   map[string][]byte // nil: gone
	issued   map[kernel.TxHash][]byte
	views    []fixedView
}

// A fixedView is an open view and what it must go on to show.
type fixedView struct {
	view    *View
	index   kernel.CommitIndex
	outputs map[kernel.OutputRef]ledger.Output
	assets  map[kernel.AssetID]ledger.Asset
	faults  int
	system  map[string][]byte
}

// check asks a view for everything that there is now.
func (x *fixedView) check(t *rapid.T, m *model) {
	if got := x.view.Head().Index; got != x.index {
		t.Fatalf("a view moved from commit %d to %d", x.index, got)
	}
	for ref := range m.outputs {
		want, there := x.outputs[ref]
		if got, ok := x.view.Output(ref); ok != there || !reflect.DeepEqual(got, want) {
			t.Fatalf("output %v in the view of commit %d is %+v, want %+v", ref, x.index, got, want)
		}
	}
	for key, by := range m.ghosts {
		if _, ok := x.view.GhostKey(key); ok != (by.Commit <= x.index) {
			t.Fatalf("key of commit %d in the view of %d: %v", by.Commit, x.index, ok)
		}
	}
	for id, by := range m.taken {
		if _, ok := x.view.Identity(id); ok != (by.Commit <= x.index) {
			t.Fatalf("identity of commit %d in the view of %d: %v", by.Commit, x.index, ok)
		}
	}
	for hash, r := range m.receipts {
		if got, ok := x.view.Receipt(hash); ok != (r.Commit <= x.index) || ok && got != r {
			t.Fatalf("receipt of commit %d in the view of %d: %v", r.Commit, x.index, ok)
		}
	}
	for id := range m.assets {
		want, there := x.assets[id]
		if got, ok := x.view.Asset(id); ok != there || got != want {
			t.Fatalf("asset %v in the view of %d: %v, want %v", id, x.index, got, want)
		}
	}
	if got := x.view.Assets(); len(got) != len(x.assets) {
		t.Fatalf("%d assets in the view of %d, want %d", len(got), x.index, len(x.assets))
	}
	checkSystem(t, x.view, m.system, x.system)
	for i, f := range m.faults {
		if got := x.view.Faulted(f.Kind, f.Author, f.Epoch, f.Round); got != (i < x.faults) {
			t.Fatalf("fault %d in the view of %d: %v", i, x.index, got)
		}
	}
}

// checkSystem asks a view for every row that there ever was.
func checkSystem(t *rapid.T, v *View, ever, want map[string][]byte) {
	there := 0
	for key := range ever {
		got, ok := v.System(key)
		if ok != (want[key] != nil) || !bytes.Equal(got, want[key]) {
			t.Fatalf("system row %q in the view of %d is %x, want %x", key, v.Head().Index, got, want[key])
		}
		if ok {
			there++
		}
	}
	rows := v.SystemRows()
	for _, row := range rows {
		if !bytes.Equal(row.Value, want[row.Key]) {
			t.Fatalf("system row %q is listed as %x, want %x", row.Key, row.Value, want[row.Key])
		}
	}
	if len(rows) != there {
		t.Fatalf("%d system rows are listed in the view of %d, want %d", len(rows), v.Head().Index, there)
	}
	if v.Head().Index == v.store.Head().Index {
		checkSystemAfter(t, v, rows)
	}
}

// checkSystemAfter reads the rows behind each of them, and no more than asked for.
func checkSystemAfter(t *rapid.T, v *View, rows []ledger.SystemRow) {
	after := ""
	for from := range len(rows) + 1 {
		count := 0
		v.SystemAfter(after[:min(len(after), 1)], after, func(key string, value []byte) bool {
			want := rows[from+count]
			if key != want.Key || !bytes.Equal(value, want.Value) {
				t.Fatalf("row %d behind %q is %q, want %q", count, after, key, want.Key)
			}
			count++
			return count < 2
		})
		left := 0
		for _, row := range rows[from:] {
			if strings.HasPrefix(row.Key, after[:min(len(after), 1)]) {
				left++
			}
		}
		if count != min(left, 2) {
			t.Fatalf("%d rows behind %q, want %d", count, after, min(left, 2))
		}
		if from < len(rows) {
			after = rows[from].Key
		}
	}
}

func (m *model) append(t *rapid.T) {
	var records []Record
	for range rapid.IntRange(1, 4).Draw(t, "records") {
		author := kernel.Author(rapid.IntRange(0, 3).Draw(t, "author"))
		r := m.f.record(author, kernel.Round(rapid.IntRange(1, 12).Draw(t, "round")))
		m.place[r.ID] = len(m.records)
		m.records = append(m.records, r)
		place := slot{author: r.Author, round: r.Round}
		m.slots[place] = append(m.slots[place], r.ID)
		records = append(records, r)
	}
	if err := m.s.Append(records, rapid.Bool().Draw(t, "sync")); err != nil {
		t.Fatal(err)
	}
}

func (m *model) commit(t *rapid.T) {
	if m.covered == len(m.records) {
		t.Skip("nothing to commit")
	}
	to := rapid.IntRange(m.covered+1, len(m.records)).Draw(t, "to")
	c, d := m.f.commit(m.s, m.records[m.covered:to], rapid.IntRange(0, 10).Draw(t, "transactions"))
	m.covered = to
	m.blob = m.f.bytes(30)
	if err := m.s.Commit(c, d, m.blob); err != nil {
		t.Fatal(err)
	}
	m.commits, m.diffs = append(m.commits, c), append(m.diffs, d)
	for _, o := range d.Created {
		m.outputs[o.Ref] = o.Output
	}
	for _, x := range d.Spent {
		o := m.outputs[x.Ref]
		o.SpentBy, o.SpentAt = x.By.Transaction, x.By.Commit
		m.outputs[x.Ref] = o
	}
	for _, k := range d.Keys {
		m.ghosts[k.Key] = k.By
	}
	for _, x := range d.Taken {
		m.taken[x.Identity] = x.By
	}
	for _, r := range d.Receipts {
		m.receipts[r.Transaction] = r
	}
	for _, a := range d.Assets {
		m.assets[a.ID] = a.Asset
	}
	m.faults = append(m.faults, d.Faults...)
	for _, row := range d.System {
		m.system[row.Key] = row.Value
	}
	for _, raw := range d.Issued {
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		m.issued[tx.Hash()] = raw
	}
}

func (m *model) view(t *rapid.T) {
	m.views = append(m.views, fixedView{
		m.s.View(), m.s.Head().Index, maps.Clone(m.outputs), maps.Clone(m.assets), len(m.faults), maps.Clone(m.system),
	})
}

func (m *model) closeView(t *rapid.T) {
	if len(m.views) == 0 {
		t.Skip("no view")
	}
	if err := m.views[0].view.Close(); err != nil {
		t.Fatal(err)
	}
	m.views = m.views[1:]
}

func (m *model) reopen(t *rapid.T) {
	m.views = nil
	if err := m.s.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if m.s, err = Open(m.f.dir, m.f.network, m.f.self, m.f.options); err != nil {
		t.Fatal(err)
	}
}

// check compares everything that the store can be asked.
func (m *model) check(t *rapid.T) {
	m.checkLog(t)
	m.checkOrder(t)
	v := m.s.View()
	defer v.Close()
	for ref, want := range m.outputs {
		if got, ok := v.Output(ref); !ok || !reflect.DeepEqual(got, want) {
			t.Fatalf("output %v is %+v, want %+v", ref, got, want)
		}
	}
	for key, want := range m.ghosts {
		if got, ok := v.GhostKey(key); !ok || got != want {
			t.Fatalf("ghost key %v: %v", key, got)
		}
	}
	for h, want := range m.taken {
		if got, ok := v.Identity(h); !ok || got != want {
			t.Fatalf("identity %v: %v", h, got)
		}
	}
	for hash, want := range m.receipts {
		if got, ok := v.Receipt(hash); !ok || got != want {
			t.Fatalf("receipt %v: %v", hash, got)
		}
	}
	assets := m.s.Assets()
	for _, a := range assets {
		if m.assets[a.ID] != a.Asset {
			t.Fatalf("asset %v: %v", a.ID, a.Asset)
		}
	}
	if faults := m.s.Faults(0, 1000); len(assets) != len(m.assets) || !reflect.DeepEqual(faults, m.faults) {
		t.Fatalf("%d assets, want %d; faults %v, want %v", len(assets), len(m.assets), faults, m.faults)
	}
	for _, f := range m.faults {
		if !v.Faulted(f.Kind, f.Author, f.Epoch, f.Round) || v.Faulted(f.Kind, f.Author, f.Epoch+1, f.Round) {
			t.Fatalf("fault %v is not found by its place", f)
		}
	}
	checkSystem(t, v, m.system, m.system)
	for hash, want := range m.issued {
		if got, r, ok := m.s.Transaction(hash); !ok || !r.Snapshot.IsZero() || !bytes.Equal(got, want) {
			t.Fatalf("the ledger's own transaction %v is %x, want %x", hash, got, want)
		}
	}
	for i := range m.views {
		m.views[i].check(t, m)
	}
}

// scan reads all outputs at once, which folds.
func (m *model) scan(t *rapid.T) {
	type source struct {
		outputs func(func(kernel.OutputRef, ledger.Output) error) error
		want    map[kernel.OutputRef]ledger.Output
	}
	sources := []source{{m.s.Outputs, m.outputs}}
	for i := range m.views {
		sources = append(sources, source{m.views[i].view.Outputs, m.views[i].outputs})
	}
	for _, x := range sources {
		held := 0
		err := x.outputs(func(ref kernel.OutputRef, o ledger.Output) error {
			held++
			if want, ok := x.want[ref]; !ok || !reflect.DeepEqual(o, want) {
				t.Fatalf("output %v is %+v, want %+v", ref, o, want)
			}
			return nil
		})
		if err != nil || held != len(x.want) {
			t.Fatalf("%d outputs, want %d, %v", held, len(x.want), err)
		}
	}
}

func (m *model) checkLog(t *rapid.T) {
	i := 0
	err := m.s.ScanAccepted(0, func(sequence uint64, r Record) error {
		if !equalRecord(r, m.records[i]) {
			t.Fatalf("record %d differs", i)
		}
		if got, ok := m.s.Sequence(r.ID); !ok || got != sequence || sequence != uint64(i)+1 {
			t.Fatalf("record %d has sequence numbers %d and %d", i, sequence, got)
		}
		if got, ok := m.s.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			t.Fatalf("record %d is not found by id", i)
		}
		if h, ok := m.s.Header(r.ID); !ok || string(h) != string(r.Header) {
			t.Fatalf("header %d is not found by id", i)
		}
		var at kernel.Header
		if err := at.UnmarshalBinary(r.Header); err != nil || !m.s.HasAt(r.ID, &at) || m.s.HasAt(kernel.SnapshotID{1}, &at) {
			t.Fatalf("record %d is not found where it stands, or another is: %v", i, err)
		}
		i++
		return nil
	})
	if err != nil || i != len(m.records) {
		t.Fatalf("%d records, want %d, %v", i, len(m.records), err)
	}
	newest := make(map[kernel.Author]kernel.Round)
	for place, want := range m.slots {
		if got := m.s.Variants(place.author, place.round); !reflect.DeepEqual(got, want) {
			t.Fatalf("variants of %v: %v, want %v", place, got, want)
		}
		newest[place.author] = max(newest[place.author], place.round)
	}
	for author := range kernel.Author(5) {
		if got, ok := m.s.Newest(author); got != newest[author] || ok != (newest[author] > 0) {
			t.Fatalf("newest of %d: %d, want %d", author, got, newest[author])
		}
		above := &kernel.Header{Author: author, Round: newest[author] + 1}
		if m.s.HasAt(kernel.SnapshotID{1}, above) || len(m.s.Variants(author, above.Round)) > 0 {
			t.Fatalf("a snapshot above the newest of %d", author)
		}
	}
	if want := len(m.records) > 0; (m.s.LogState() == Intact) != want {
		t.Fatalf("log is %v with %d records", m.s.LogState(), len(m.records))
	}
}

func (m *model) checkOrder(t *rapid.T) {
	if m.s.Head().Index != kernel.CommitIndex(len(m.commits)) || string(m.s.Consensus()) != string(m.blob) {
		t.Fatalf("head %d, want %d", m.s.Head().Index, len(m.commits))
	}
	for i, want := range m.commits {
		got, receipts, ok := m.s.CommitAt(want.Index)
		if !ok || !reflect.DeepEqual(got, want) || len(receipts) != len(m.diffs[i].Receipts) {
			t.Fatalf("commit %d: %+v, want %+v", want.Index, got, want)
		}
		for j, r := range m.diffs[i].Receipts {
			if receipts[j] != r {
				t.Fatalf("receipt %d of commit %d differs", j, want.Index)
			}
		}
		for j, c := range want.Snapshots {
			position := want.Position + uint64(j)
			at, p, ok := m.s.SnapshotPosition(c.ID)
			if id, held := m.s.SnapshotAt(position); !ok || !held || id != c.ID || p != position || at != want.Index {
				t.Fatalf("snapshot %d of commit %d is at %d of %d", j, want.Index, p, at)
			}
		}
	}
}

// TestModel compares a store with plain maps under random use, closing and opening included.
func TestModel(t *testing.T) { eachEngine(t, testModel) }

func testModel(t *testing.T) {
	switch {
	case full():
		flag.Set("rapid.checks", "1000") // for each of two engines
	case testing.Short():
		flag.Set("rapid.checks", "10")
	default:
		flag.Set("rapid.checks", "50")
	}
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture(t, kv.Memory(), rapid.Uint64().Draw(rt, "seed"))
		f.options.SegmentBytes = 8 << 10
		m := &model{
			f: f, s: f.open(t), slots: make(map[slot][]kernel.SnapshotID), place: make(map[kernel.SnapshotID]int),
			outputs: make(map[kernel.OutputRef]ledger.Output), ghosts: make(map[kernel.Key]ledger.Owner),
			taken: make(map[kernel.Hash]ledger.Owner), receipts: make(map[kernel.TxHash]kernel.Receipt),
			assets: make(map[kernel.AssetID]ledger.Asset),
			system: make(map[string][]byte), issued: make(map[kernel.TxHash][]byte),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.append, "commit": m.commit, "view": m.view, "close view": m.closeView,
			"reopen": m.reopen, "scan": m.scan, "": m.check,
		})
		if err := m.s.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}
