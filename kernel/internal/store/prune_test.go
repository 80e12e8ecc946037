package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// An eraFixture makes epochs of a few commits each, with certified ends, as a network does.
type eraFixture struct {
	*fixture
	epoch   kernel.Epoch
	ends    []kernel.CommitIndex // ends[e] is the commit that ended epoch e
	records map[kernel.Epoch][]Record
	pays    int // transactions of a commit
}

func newEras(t testing.TB, fsys kv.FS, seed uint64) *eraFixture {
	f := newFixture(t, fsys, seed)
	f.options.SegmentBytes, f.options.Pruned = 4<<10, true
	return &eraFixture{fixture: f, records: make(map[kernel.Epoch][]Record), pays: 3}
}

// inEpoch is record for a snapshot of the epoch in force.
func (f *eraFixture) inEpoch(author kernel.Author, round kernel.Round) Record {
	r := f.record(author, round)
	var h kernel.Header
	if err := h.UnmarshalBinary(r.Header); err != nil {
		panic(err)
	}
	h.Epoch = f.epoch
	header, err := h.AppendBinary(nil)
	if err != nil {
		panic(err)
	}
	r.ID, r.Header = h.ID(), header
	return r
}

// run makes an epoch of n commits. The last ends it, the trees come to that, and it is certified.
func (f *eraFixture) run(t testing.TB, s *Store, n int) error {
	t.Helper()
	for i := range n {
		var records []Record
		for a := range kernel.Author(3) {
			records = append(records, f.inEpoch(a, kernel.Round(i+1)))
		}
		if err := s.Append(records, i%2 == 0); err != nil {
			return err
		}
		f.records[f.epoch] = append(f.records[f.epoch], records...)
		c, d := f.commit(s, records, f.pays)
		if c.Epoch = f.epoch; i == n-1 {
			d.System = append(d.System, ledger.SystemRow{Key: fmt.Sprintf("%s%d", epochRows, f.epoch+1), Value: []byte{1}})
		}
		if err := s.Commit(c, d, []byte{byte(i)}); err != nil {
			return err
		}
		if i == n/2 {
			if _, _, err := s.GrowTrees(c.Index, nil); err != nil {
				return err
			}
			certify(t, s)
		}
	}
	head := s.Head()
	receipts, outputs, err := s.GrowTrees(head.Index, nil)
	if err != nil {
		return err
	}
	roster := someRoster(f.epoch + 1)
	p := &kernel.CheckpointProof{Checkpoint: kernel.Checkpoint{
		Network: f.network, Epoch: f.epoch, Index: head.Index, Timestamp: head.Timestamp, Digest: head.Digest,
		Receipts: receipts, Outputs: outputs, Roster: kernel.Hash{1}, Next: kernel.Hash{2},
	}}
	p.Signatures = []kernel.CheckpointSignature{{Author: 3}}
	f.ends = append(f.ends, head.Index)
	f.epoch++
	return s.KeepCertificate(p, roster)
}

// someRoster is one that an epoch can have.
func someRoster(epoch kernel.Epoch) *kernel.EpochRoster {
	r := &kernel.EpochRoster{Epoch: epoch, CoinKey: make([]kernel.Key, 2), CheckpointKeys: make([]kernel.Key, 4)}
	for i := range byte(4) {
		r.Members = append(r.Members, kernel.Member{
			Name: string('A' + rune(i)), Key: crypto.NodeKeyFromSeed([32]byte{i, 1}).Public(),
			Payee: kernel.AccountFromSeed([64]byte{i, 2}).Address(),
		})
	}
	return r
}

// checkPruned demands that of a folder exactly what the base makes useless is not there.
func (f *eraFixture) checkPruned(t testing.TB, s *Store, done bool) {
	t.Helper()
	base := s.Base()
	first := kernel.Epoch(0)
	for first < kernel.Epoch(len(f.ends)) && base > 0 && f.ends[first] <= base {
		first++
	}
	for epoch, records := range f.records {
		for _, r := range records {
			got, ok := s.Snapshot(r.ID)
			switch {
			case ok && !equalRecord(got, r):
				t.Fatalf("snapshot %s of epoch %d is another one", r.ID, epoch)
			case !ok && epoch >= first && s.Has(r.ID):
				t.Fatalf("snapshot %s of epoch %d, base %d, cannot be read: %s", r.ID, epoch, base, s.Doubt())
			case ok && epoch < first && done:
				t.Fatalf("snapshot %s of epoch %d is still found, base %d", r.ID, epoch, base)
			}
		}
	}
	for i := kernel.CommitIndex(1); i <= s.Head().Index; i++ {
		_, ok := s.Ordered(i)
		if i >= base && !ok {
			t.Fatalf("commit %d is gone, base %d", i, base)
		}
		if change, ends := s.RosterChange(f.epochOf(i) + 1); ends && change.End.Checkpoint.Index == i && !ok {
			t.Fatalf("the end of an epoch, commit %d, is gone", i)
		} else if done && i < base && ok && (!ends || change.End.Checkpoint.Index != i) {
			t.Fatalf("commit %d is still there, base %d", i, base)
		}
	}
	if s.LogState() == Doubtful {
		t.Fatalf("the log is in doubt: %s", s.Doubt())
	}
	snapshot := s.db.Snapshot()
	defer snapshot.Close()
	if err := errors.Join(s.verifyOrder(snapshot), s.verifyTrees(), s.verifyLog(func(uint64, uint64) {})); err != nil {
		t.Fatal(err)
	}
	for n := number(0); n < s.rows.next; n++ { // receipts name their snapshots for ever
		x, err := new(scratch).found(s.db, n)
		if err != nil {
			t.Fatal(err)
		}
		if x.part == 0 {
			if r, ok := s.Receipt(x.hash); !ok || x.placed == r.Snapshot.IsZero() {
				t.Fatalf("receipt of transaction %d: %+v", n, r)
			}
		}
	}
}

func (f *eraFixture) epochOf(i kernel.CommitIndex) kernel.Epoch {
	for e, end := range f.ends {
		if i <= end {
			return kernel.Epoch(e)
		}
	}
	return f.epoch
}

// files counts the bytes of the log on the disk.
func (f *eraFixture) files(t testing.TB, s *Store) (segments int, bytes int64) {
	t.Helper()
	dir := s.log.dir
	names, err := s.options.FS.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if info, err := s.options.FS.Stat(s.options.FS.PathJoin(dir, name)); err == nil && strings.HasSuffix(name, segmentSuffix) {
			segments++
			bytes += info.Size()
		}
	}
	return segments, bytes
}

// TestPrune lets go of all but the last two epochs, again and again: the log stops growing, what is kept is found, also
// after the folder is opened again, and what may not go does not. [PRU-2, PRU-4, PRU-5]
func TestPrune(t *testing.T) { eachEngine(t, testPrune) }

func testPrune(t *testing.T) {
	f := newEras(t, kv.Memory(), 3)
	s := f.open(t)
	var most int64
	for e := range 12 {
		if err := f.run(t, s, 8); err != nil {
			t.Fatal(err)
		}
		if err := s.Prunable(s.Head().Index - 1); !errors.Is(err, ErrNotPrunable) {
			t.Fatalf("a commit inside an epoch: %v", err)
		}
		if e < 2 {
			continue
		}
		if err := s.Prune(f.ends[e-2], nil); err != nil {
			t.Fatal(err)
		}
		f.checkPruned(t, s, true)
		if e%3 == 0 {
			f.close(t, s)
			s = f.open(t)
			f.checkPruned(t, s, true)
		}
		segments, bytes := f.files(t, s)
		if e == 4 {
			most = bytes
		}
		if e > 4 && bytes > 2*most {
			t.Fatalf("epoch %d: %d segments, %d bytes, after the fifth there were %d", e, segments, bytes, most)
		}
		if got := s.Stats().KeptBytes; got > uint64(bytes) {
			t.Errorf("%d bytes are said to be kept, files have %d", got, bytes)
		}
	}
	if err := s.Prune(f.ends[3], nil); err != nil || s.Base() != f.ends[9] {
		t.Errorf("the base went back to %d: %v", s.Base(), err)
	}
	f.close(t, s)
}

// TestPruneKeepsWhatIsNotCertified refuses an end of an epoch without a certificate, one whose state was not kept,
// and one that the trees have not left behind.
func TestPruneKeepsWhatIsNotCertified(t *testing.T) {
	for name, spoil := range map[string]func(f *eraFixture, s *Store, b *kv.Batch){
		"no certificate": func(f *eraFixture, s *Store, b *kv.Batch) { b.Delete(key64(tableRoster, 1)) },
		"no state":       func(f *eraFixture, s *Store, b *kv.Batch) { b.Delete(key64(tableFormer, uint64(f.ends[0]))) },
		"other trees":    func(f *eraFixture, s *Store, b *kv.Batch) { s.trees.mark.before.Index = f.ends[0] - 1 },
	} {
		f := newEras(t, kv.Memory(), 4)
		s := f.open(t)
		for range 3 {
			if err := f.run(t, s, 4); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Prunable(f.ends[0]); err != nil {
			t.Fatalf("%s: before: %v", name, err)
		}
		if err := s.write(true, func(b *kv.Batch) { spoil(f, s, b) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Prune(f.ends[0], nil); !errors.Is(err, ErrNotPrunable) || s.Base() != 0 {
			t.Errorf("%s: %v, base %d", name, err, s.Base())
		}
		f.close(t, s)
	}
}

// TestPruneIsBounded runs without payments: then state and log stop growing altogether.
func TestPruneIsBounded(t *testing.T) {
	f := newEras(t, kv.Memory(), 5)
	f.options.Engine, f.pays = kv.Plain, 0
	f.dir = "plain"
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		t.Fatal(err)
	}
	s := f.open(t)
	var rows []int
	for e := range 14 {
		if err := f.run(t, s, 12); err != nil {
			t.Fatal(err)
		}
		if e >= 2 {
			if err := s.Prune(f.ends[e-2], nil); err != nil {
				t.Fatal(err)
			}
		}
		n := 0
		for _, table := range []byte{tableEntry, tableVariant, tableCommit, tableJudged, tablePosition, tableSnapshot, tableCertificate, tableEmptied, tableFormer} {
			if err := s.db.Ascend([]byte{table}, kv.After([]byte{table}), func(_, _ []byte) (bool, error) { n++; return true, nil }); err != nil {
				t.Fatal(err)
			}
		}
		rows = append(rows, n)
	}
	if grown := rows[13] - rows[5]; grown > 2*8 { // the end of each epoch, and its certificate, stay
		t.Errorf("rows of history after each epoch: %v", rows)
	}
	f.close(t, s)
}

// TestPruneCrashes cuts the power while history goes, and opens what is left: the base is the old or the new one, all that
// is kept is there, and pruning again finishes.
func TestPruneCrashes(t *testing.T) { eachEngine(t, testPruneCrashes) }

func testPruneCrashes(t *testing.T) {
	disk := kv.Crashable()
	type left struct {
		fs *kv.CrashFS
		at string
	}
	var mu sync.Mutex // the engine writes from several goroutines
	var crashes []left
	n, armed := 0, false
	arm := func(on bool) {
		mu.Lock()
		defer mu.Unlock()
		armed = on
	}
	f := newEras(t, errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if armed && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			n++
			percent := []int{0, 50, 100}[n%3]
			crashes = append(crashes, left{disk.Crash(percent, uint64(n)), fmt.Sprintf("operation %d (%v %s), %d%% kept", n, op.Kind, op.Path, percent)})
		}
		return nil
	})), 6)
	f.options.FoldInline = true
	f.pays = 1
	s := f.open(t)
	for range 5 {
		if err := f.run(t, s, 6); err != nil {
			t.Fatal(err)
		}
	}
	f.close(t, s)
	s = f.open(t)
	if err := s.Prune(f.ends[0], nil); err != nil {
		t.Fatal(err)
	}
	arm(true)
	if err := s.Prune(f.ends[2], nil); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
	arm(false)
	if len(crashes) < 8 {
		t.Fatalf("only %d crashes", len(crashes))
	}
	moved := 0
	for _, c := range crashes {
		g := *f
		fixed := *f.fixture
		g.fixture = &fixed
		g.options.FS = c.fs
		g.random = rand.New(rand.NewPCG(1, 1))
		s := g.open(t)
		if base := s.Base(); base != f.ends[0] && base != f.ends[2] {
			t.Fatalf("%s: the base is %d", c.at, base)
		} else if base == f.ends[2] {
			moved++
		}
		if s.Head().Index != f.ends[4] {
			t.Fatalf("%s: the head is %d", c.at, s.Head().Index)
		}
		g.checkPruned(t, s, false)
		if err := s.Prune(s.Base(), nil); err != nil {
			t.Fatalf("%s: %v", c.at, err)
		}
		g.checkPruned(t, s, true)
		if err := s.Prune(f.ends[2], nil); err != nil {
			t.Fatalf("%s: %v", c.at, err)
		}
		g.checkPruned(t, s, true)
		g.close(t, s)
		s = g.open(t)
		g.checkPruned(t, s, true)
		if segments, _ := g.files(t, s); segments > 12 {
			t.Errorf("%s: %d segments are left", c.at, segments)
		}
		g.close(t, s)
	}
	t.Logf("%d crashes, %d after the base had moved", len(crashes), moved)
	if moved == 0 || moved == len(crashes) {
		t.Errorf("the base had moved at %d of %d crashes", moved, len(crashes))
	}
}

// TestPruneStops ends early when it is asked to, and goes on later.
func TestPruneStops(t *testing.T) {
	f := newEras(t, kv.Memory(), 7)
	f.options.SegmentBytes = 1 << 20
	s := f.open(t)
	f.pays = 0
	for range 3 {
		if err := f.run(t, s, pruneBatch/12); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Prune(f.ends[0], func() bool { return true }); !errors.Is(err, ErrStopped) {
		t.Fatalf("stopped: %v", err)
	}
	f.close(t, s)
	s = f.open(t)
	if err := s.Prune(s.Base(), nil); err != nil {
		t.Fatal(err)
	}
	f.checkPruned(t, s, true)
	f.close(t, s)
}
