package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// headsAt computes the heads of the trees after a commit from the lists themselves.
func headsAt(t testing.TB, s *Store, at kernel.CommitIndex) (receipts, outputs kernel.TreeHead) {
	t.Helper()
	var settled, made [][32]byte
	for i := kernel.CommitIndex(0); i <= at; i++ {
		_, list, ok := s.CommitAt(i)
		if !ok {
			t.Fatalf("commit %d is missing", i)
		}
		for _, r := range list {
			settled = append(settled, r.Leaf())
		}
	}
	err := s.Outputs(func(ref kernel.OutputRef, o ledger.Output) error {
		if o.Created > at {
			return nil
		}
		var leaf [32]byte
		if o.SpentBy.IsZero() || o.SpentAt > at {
			out := kernel.StateOutputOf(ref, &o.Output, o.Asset, o.Created)
			leaf = out.Leaf()
		}
		made = append(made, leaf)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return kernel.TreeHead{Root: merkle.Root(settled), Count: uint64(len(settled))}, kernel.TreeHead{Root: merkle.Root(made), Count: uint64(len(made))}
}

// advance makes a commit of n transactions.
func (f *fixture) advance(t testing.TB, s *Store, n int) {
	t.Helper()
	r := f.record(kernel.Author(f.random.IntN(7)), kernel.Round(s.Head().Index+1))
	if err := s.Append([]Record{r}, false); err != nil {
		t.Fatal(err)
	}
	c, d := f.commit(s, []Record{r}, n)
	if err := s.Commit(c, d, nil); err != nil {
		t.Fatal(err)
	}
}

// certify keeps a certificate that says what the trees are; nobody has signed it.
func certify(t testing.TB, s *Store) *kernel.CheckpointProof {
	t.Helper()
	index, receipts, outputs := s.TreesAt()
	p := &kernel.CheckpointProof{Checkpoint: kernel.Checkpoint{
		Network: s.log.origin.network, Index: index, Timestamp: 1, Digest: kernel.Digest{1}, Receipts: receipts, Outputs: outputs, Roster: kernel.Hash{1},
	}}
	p.Signatures = []kernel.CheckpointSignature{{Author: 3}}
	if err := s.KeepCertificate(p, nil); err != nil {
		t.Fatal(err)
	}
	return p
}

func grow(t testing.TB, s *Store, to kernel.CommitIndex) {
	t.Helper()
	receipts, outputs, err := s.GrowTrees(to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, o := headsAt(t, s, to); r != receipts || o != outputs {
		t.Fatalf("trees of commit %d: heads are %v and %v, want %v and %v", to, receipts, outputs, r, o)
	}
}

// TestTreesFollowCommits brings the trees to checkpoints that lie behind the head, opens the folder
// in between, and proves everything under each checkpoint, the one before included.
func TestTreesFollowCommits(t *testing.T) { eachEngine(t, testTreesFollowCommits) }

func testTreesFollowCommits(t *testing.T) {
	f := newFixture(t, kv.Memory(), 11)
	s := f.open(t)
	if _, err := s.Prover(); !errors.Is(err, ErrNoCertificate) {
		t.Fatalf("a prover without trees: %v", err)
	}
	last := kernel.CommitIndex(0)
	for step := range 6 {
		for range 4 {
			f.advance(t, s, f.random.IntN(12))
		}
		last += 4
		grow(t, s, last-kernel.CommitIndex(step%3))
		if step > 0 { // the checkpoint before is still the newest that is certified
			proveAll(t, f, s)
		}
		certify(t, s)
		if step%2 == 0 {
			f.close(t, s)
			s = f.open(t)
		}
		f.advance(t, s, 9)
		last++
		proveAll(t, f, s)
		if err := s.Verify(nil); err == nil || !errors.Is(err, ErrCorrupt) {
			t.Fatal("the fixture's state hashes are random: Verify must notice") // and nothing else, see below
		}
	}
	if err := s.verifyTrees(); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
}

// verifyTrees is what Verify does to the trees.
func (s *Store) verifyTrees() error {
	snapshot := s.db.Snapshot()
	defer snapshot.Close()
	c := counting{store: s, reader: snapshot, base: uint64(s.Base()), sums: make(map[kernel.AssetID]kernel.Amount)}
	var err error
	if c.trees, err = s.newTreeCheck(snapshot); err != nil {
		return err
	}
	if err := s.scanRows(snapshot, c.row); err != nil {
		return err
	}
	c.end()
	return errors.Join(c.trees.end(), c.lists(), s.verifyOrder(snapshot))
}

// proveAll asks for every proof under the newest certificate and verifies it.
func proveAll(t *testing.T, f *fixture, s *Store) {
	t.Helper()
	p, err := s.Prover()
	if err != nil {
		t.Fatal(err)
	}
	cp := &p.Certificate.Checkpoint
	for i := kernel.CommitIndex(0); i <= s.Head().Index; i++ {
		_, list, _ := s.CommitAt(i)
		for _, r := range list {
			proof, err := p.Receipt(r.Transaction)
			if covered := i <= cp.Index; covered != (err == nil) || !covered && !errors.Is(err, ErrNotCovered) {
				t.Fatalf("receipt of commit %d under %d: %v", i, cp.Index, err)
			} else if covered && (proof.Receipt != r || !proof.Branch.Verify(cp.Receipts, r.Leaf())) {
				t.Fatalf("receipt of commit %d is not proved", i)
			}
		}
	}
	place := uint64(0)
	err = s.Outputs(func(ref kernel.OutputRef, o ledger.Output) error {
		got, err := p.Place(ref)
		if o.Created > cp.Index {
			if !errors.Is(err, ErrNotCovered) {
				t.Fatalf("place of a newer output: %v", err)
			}
			return nil
		}
		if err != nil || got != place {
			t.Fatalf("output %v has place %d (%v), want %d", ref, got, err, place)
		}
		proof, err := p.Output(place)
		if err != nil {
			t.Fatal(err)
		}
		if spent := !o.SpentBy.IsZero() && o.SpentAt <= cp.Index; spent != (proof.Output == nil) || !proof.Branch.Verify(cp.Outputs, proof.Output.Leaf()) {
			t.Fatalf("output %d: spent is %t, the proof says %v", place, spent, proof.Output)
		}
		place++
		return nil
	})
	if err != nil || place != cp.Outputs.Count {
		t.Fatalf("%d outputs, %v, want %d", place, err, cp.Outputs.Count)
	}
	for from := uint64(0); from < cp.Outputs.Count; {
		r, err := p.Outputs(from, 1+f.random.IntN(40))
		if err != nil || r.From != from || !r.Verify(cp.Outputs) {
			t.Fatalf("outputs from %d: %v", from, err)
		}
		from += uint64(len(r.Outputs))
	}
	for from := uint64(0); from < cp.Receipts.Count; {
		r, err := p.Receipts(from, 1+f.random.IntN(20))
		if err != nil || r.From != from || !r.Verify(cp.Receipts) {
			t.Fatalf("receipts from %d: %v", from, err)
		}
		from += uint64(len(r.Receipts))
	}
	if _, err := p.Outputs(cp.Outputs.Count, 1); !errors.Is(err, ErrNotCovered) {
		t.Errorf("outputs behind the last: %v", err)
	}
	if _, err := p.Receipt(kernel.TxHash{1}); !errors.Is(err, ErrNotThere) {
		t.Errorf("receipt of nothing: %v", err)
	}
}

// TestTreesOfOldFolders takes the places out of a folder, as one is that was written before there
// were any: opening finds them, and the trees are the same.
func TestTreesOfOldFolders(t *testing.T) {
	f := newFixture(t, kv.Memory(), 12)
	s := f.open(t)
	for range 30 {
		f.advance(t, s, 8)
	}
	b := s.db.NewBatch()
	c := new(scratch)
	for i := kernel.CommitIndex(0); i <= s.Head().Index; i++ {
		judged, err := readMeta(s.db, key64(tableJudged, uint64(i)), readSpan)
		if err != nil {
			t.Fatal(err)
		}
		b.Set(key64(tableJudged, uint64(i)), appendSpan(nil, span{first: judged.first, count: judged.count}))
		b.Delete(key64(tableEmptied, uint64(i)))
	}
	for n := number(0); n < s.rows.next; n++ {
		x, ok, err := c.look(s.db, n)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		receipt, outputs := x.receipt(), []ledger.CreatedOutput(nil)
		part, more, position, placed := x.part, x.more, x.position, x.placed
		if outputs, err = x.readOutputs(s.assets); err != nil {
			t.Fatal(err)
		}
		row := appendPartRow(nil, &x.hash, x.commit, part, nil, outputs, s.assets.number)
		if part == 0 {
			if placed {
				receipt.Snapshot = kernel.SnapshotID{1}
			}
			row = appendHeadRow(nil, &receipt, position, more, nil, outputs, s.assets.number)
		}
		b.Set(appendNumberKey(nil, tableTransaction, n), row)
	}
	if err := b.Commit(true); err != nil {
		t.Fatal(err)
	}
	f.close(t, s)
	for range 2 {
		s = f.open(t)
		f.advance(t, s, 8)
		grow(t, s, s.Head().Index-1)
		certify(t, s)
		proveAll(t, f, s)
		if err := s.verifyTrees(); err != nil {
			t.Fatal(err)
		}
		f.close(t, s)
	}
}

// TestWrongTrees changes one thing in the trees or their places, and demands that it is noticed.
func TestWrongTrees(t *testing.T) {
	for name, broken := range map[string]func(s *Store, b *kv.Batch){
		"node": func(s *Store, b *kv.Batch) {
			row, _, _ := readTree(s.db, outputTree, rowKey{0, 1})
			row.nodes[3][9] ^= 1
			b.Set(keyTree(nil, outputTree, rowKey{0, 1}), appendTreeRow(nil, &row))
		},
		"node of an upper level": func(s *Store, b *kv.Batch) {
			row, _, _ := readTree(s.db, receiptTree, rowKey{4, 0})
			row.nodes[0][9] ^= 1
			b.Set(keyTree(nil, receiptTree, rowKey{4, 0}), appendTreeRow(nil, &row))
		},
		"row is gone": func(s *Store, b *kv.Batch) { b.Delete(keyTree(nil, receiptTree, rowKey{0, 2})) },
		"root": func(s *Store, b *kv.Batch) {
			m := s.trees.mark
			m.now.Outputs.Root[0] ^= 1
			b.Set(keyTrees, appendTreesMark(nil, m))
		},
		"another checkpoint": func(s *Store, b *kv.Batch) {
			m := s.trees.mark
			m.now.Index++
			b.Set(keyTrees, appendTreesMark(nil, m))
		},
		"certificate": func(s *Store, b *kv.Batch) {
			p, _ := s.Certificate(s.Head().Index)
			p.Checkpoint.Receipts.Root[0] ^= 1
			b.Set(key64(tableCertificate, uint64(p.Checkpoint.Index)), p.AppendBinary(nil))
		},
		"counts of a commit": func(s *Store, b *kv.Batch) {
			judged, _ := readMeta(s.db, key64(tableJudged, 7), readSpan)
			judged.after.outputs++
			b.Set(key64(tableJudged, 7), appendSpan(nil, judged))
		},
		"place of a row": func(s *Store, b *kv.Batch) {
			x, _, _ := new(scratch).look(s.db, 20)
			x.at.outputs++
			list, _ := x.readOutputs(s.assets)
			receipt := x.receipt()
			row := appendPartRow(nil, &x.hash, x.commit, x.part, &x.at, list, s.assets.number)
			if x.part == 0 {
				if x.placed {
					receipt.Snapshot = kernel.SnapshotID{1}
				}
				row = appendHeadRow(nil, &receipt, x.position, x.more, &x.at, list, s.assets.number)
			}
			b.Set(appendNumberKey(nil, tableTransaction, 20), row)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, kv.Memory(), 13)
			s := f.open(t)
			for range 12 {
				f.advance(t, s, 8)
			}
			grow(t, s, 11)
			certify(t, s)
			if err := s.verifyTrees(); err != nil {
				t.Fatal("the base case is not right:", err)
			}
			b := s.db.NewBatch()
			broken(s, b)
			if err := b.Commit(true); err != nil {
				t.Fatal(err)
			}
			if err := s.verifyTrees(); !errors.Is(err, ErrCorrupt) {
				t.Errorf("verify says %v", err)
			}
			f.close(t, s)
		})
	}
}

// TestGrowthOfWrongSpends has a commit spend what is not there, among the rows that the trees have and those that they get.
func TestGrowthOfWrongSpends(t *testing.T) {
	for name, spent := range map[string]func(s *Store) (number, uint16){
		"output of a new row":  func(s *Store) (number, uint16) { return s.rows.next - 1, partOutputs - 1 },
		"row behind the last":  func(s *Store) (number, uint16) { return s.rows.next, 0 },
		"output of an old row": func(s *Store) (number, uint16) { return 1, 5 * partOutputs },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, kv.Memory(), 14)
			s := f.open(t)
			for range 6 {
				f.advance(t, s, 8)
			}
			grow(t, s, 5)
			before := s.trees.mark
			b := s.db.NewBatch()
			n, index := spent(s)
			b.Set(key64(tableEmptied, 6), appendEmptied(nil, n, index))
			if err := b.Commit(true); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.GrowTrees(6, nil); !errors.Is(err, ErrCorrupt) || s.trees.mark != before {
				t.Errorf("trees grow: %v", err)
			}
			f.close(t, s)
		})
	}
}

// TestTreesAfterCrashes cuts the power while trees grow beside commits. What is left can be brought to
// the same checkpoints, and proves what it proved.
func TestTreesAfterCrashes(t *testing.T) {
	seeds := uint64(1)
	if full() {
		seeds = 12
	}
	for seed := uint64(1); seed <= seeds; seed++ {
		disk := kv.Crashable()
		var left []*kv.CrashFS
		n, armed := 0, false
		f := newFixture(t, errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
			if armed && op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
				if n++; n%2 == 0 {
					left = append(left, disk.Crash([]int{0, 50, 100}[n/2%3], seed<<32+uint64(n)))
				}
			}
			return nil
		})), seed)
		f.options.Engine, f.options.FoldInline = kv.Plain, true // one goroutine, so that a crash is of one moment
		f.options.FoldCommits = 2
		f.dir = "plain"
		if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
			t.Fatal(err)
		}
		s := f.open(t)
		armed = true
		heads := map[kernel.CommitIndex][2]kernel.TreeHead{}
		for range 24 {
			f.advance(t, s, 6)
			if s.Head().Index%3 == 0 {
				grow(t, s, s.Head().Index-1)
				certify(t, s)
			}
			if err := s.KeepVote(s.Head().Index, kernel.Hash{byte(s.Head().Index)}); err != nil {
				t.Fatal(err)
			}
		}
		armed = false
		for i := kernel.CommitIndex(2); i <= s.Head().Index; i += 3 {
			r, o := headsAt(t, s, i)
			heads[i] = [2]kernel.TreeHead{r, o}
		}
		f.close(t, s)
		for i, fsys := range left {
			t.Run(fmt.Sprintf("%d/%d", seed, i), func(t *testing.T) { judgeTrees(t, f, fsys, heads) })
		}
		if len(left) < 10 {
			t.Fatalf("only %d crashes", len(left))
		}
	}
}

func judgeTrees(t *testing.T, f *fixture, fsys kv.FS, heads map[kernel.CommitIndex][2]kernel.TreeHead) {
	g := *f
	g.options.FS = fsys
	g.random = rand.New(rand.NewPCG(1, 1))
	s := g.open(t)
	defer g.close(t, s)
	at, receipts, outputs := s.TreesAt()
	if at > s.Head().Index {
		t.Fatalf("trees are at %d, the head is %d", at, s.Head().Index)
	}
	if at > 0 && heads[at] != [2]kernel.TreeHead{receipts, outputs} {
		t.Fatalf("trees of commit %d are not what they were", at)
	}
	if err := s.verifyTrees(); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Certificate(at); ok {
		proveAll(t, &g, s)
	}
	for i := kernel.CommitIndex(2); i <= s.Head().Index; i += 3 {
		if i <= at {
			continue
		}
		grow(t, s, i)
		certify(t, s)
		proveAll(t, &g, s)
	}
	if err := s.verifyTrees(); err != nil {
		t.Fatal(err)
	}
}

// TestStoppedGrowth stops between two steps: the trees are where they were, and get there later.
func TestStoppedGrowth(t *testing.T) {
	f := newFixture(t, kv.Memory(), 14)
	s := f.open(t)
	defer f.close(t, s)
	f.advance(t, s, 20)
	grow(t, s, 1)
	certify(t, s)
	f.advance(t, s, 20)
	if _, _, err := s.GrowTrees(2, func(uint64, uint64) bool { return true }); !errors.Is(err, ErrStopped) {
		t.Fatalf("stopped: %v", err)
	}
	proveAll(t, f, s)
	grow(t, s, 2)
	proveAll(t, f, s)
	certify(t, s)
	proveAll(t, f, s)
}

// eachGivenUpGrowth makes folders of so many commits, the first of which is certified, and stops growing to another
// checkpoint: after no step, and after ever more until the growth ends. It hands each folder on, every second one
// opened again; slower makes it try more numbers of steps.
func eachGivenUpGrowth(t *testing.T, commits int, to kernel.CommitIndex, slower int, then func(f *fixture, s *Store)) {
	t.Helper()
	for given := 0; given < 400; given += 1 + given/slower {
		f := newFixture(t, kv.Memory(), 14)
		s := f.open(t)
		for range commits {
			f.advance(t, s, 20)
		}
		grow(t, s, 1)
		certify(t, s)
		s.trees.step, s.trees.breath, s.trees.chunk = 5, 7, 2
		steps, last := 0, uint64(0)
		_, _, err := s.GrowTrees(to, func(done, all uint64) bool {
			if done < last || done > all || all == 0 {
				t.Errorf("%d of %d rows done, after %d", done, all, last)
			}
			last = done
			steps++
			return steps > given
		})
		if err == nil {
			f.close(t, s)
			if given < 30 {
				t.Errorf("only %d steps", steps)
			}
			return
		}
		if !errors.Is(err, ErrStopped) {
			t.Fatal(err)
		}
		proveAll(t, f, s)
		if given%2 == 1 {
			f.close(t, s)
			s = f.open(t)
		}
		then(f, s)
		f.close(t, s)
	}
	t.Error("the growth never ended")
}

// TestGivenUpGrowth goes half the way to a checkpoint and then to a later one: what the one before showed can
// still be proved, also when the folder was opened again between.
func TestGivenUpGrowth(t *testing.T) {
	eachGivenUpGrowth(t, 3, 2, 20, func(f *fixture, s *Store) {
		growOn(t, f, s, 3)
	})
}

// TestGrowthToAnOlderCheckpoint gives up growing to a checkpoint, and then grows to one before it.
func TestGrowthToAnOlderCheckpoint(t *testing.T) {
	eachGivenUpGrowth(t, 5, 4, 4, func(f *fixture, s *Store) {
		growOn(t, f, s, 2, 3, 5)
	})
}

// growOn grows to one checkpoint after the other; all can be proved before and after each is certified.
func growOn(t *testing.T, f *fixture, s *Store, checkpoints ...kernel.CommitIndex) {
	t.Helper()
	for _, to := range checkpoints {
		grow(t, s, to)
		proveAll(t, f, s) // under the one before
		certify(t, s)
		proveAll(t, f, s)
		if err := s.verifyTrees(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVotes shows that one content is signed for a commit, and none for an older one, also after a
// power loss.
func TestVotes(t *testing.T) {
	disk := kv.Crashable()
	f := newFixture(t, disk, 15)
	s := f.open(t)
	for _, tt := range []struct {
		index   kernel.CommitIndex
		content byte
		refused bool
	}{{10, 1, false}, {10, 1, false}, {10, 2, true}, {9, 1, true}, {20, 2, false}, {10, 1, true}} {
		if err := s.KeepVote(tt.index, kernel.Hash{tt.content}); errors.Is(err, ErrSigned) != tt.refused || !tt.refused && err != nil {
			t.Errorf("vote %d with %d: %v", tt.index, tt.content, err)
		}
	}
	o := f.options
	o.FS = disk.Crash(0, 1)
	s, err := Open(f.dir, f.network, f.self, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.KeepVote(20, kernel.Hash{3}); !errors.Is(err, ErrSigned) {
		t.Errorf("a power loss forgot a vote: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCertificates finds the newest at or below a commit and the first above one, also when the
// folder is opened again.
func TestCertificates(t *testing.T) {
	f := newFixture(t, kv.Memory(), 16)
	s := f.open(t)
	roster := &kernel.EpochRoster{Epoch: 1}
	for _, i := range []kernel.CommitIndex{30, 10, 20} {
		p := &kernel.CheckpointProof{Checkpoint: kernel.Checkpoint{Network: f.network, Index: i, Timestamp: 1, Digest: kernel.Digest{1}, Roster: kernel.Hash{1}}}
		p.Checkpoint.Receipts.Root, p.Checkpoint.Outputs.Root = kernel.Hash{1}, kernel.Hash{1}
		p.Signatures = []kernel.CheckpointSignature{{Author: 3}}
		var next *kernel.EpochRoster
		if i == 20 {
			p.Checkpoint.Next, next = kernel.Hash{2}, roster
		}
		if err := s.KeepCertificate(p, next); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for at, want := range map[kernel.CommitIndex][2]kernel.CommitIndex{0: {0, 10}, 9: {0, 10}, 10: {10, 20}, 11: {10, 20}, 29: {20, 30}, 30: {30, 0}, 99: {30, 0}} {
			below, ok := s.Certificate(at)
			if ok != (want[0] > 0) || ok && below.Checkpoint.Index != want[0] {
				t.Errorf("at or below %d: %v, want %d", at, below, want[0])
			}
			above, ok := s.CertificateAfter(at)
			if ok != (want[1] > 0) || ok && above.Checkpoint.Index != want[1] {
				t.Errorf("above %d: %v, want %d", at, above, want[1])
			}
		}
		f.close(t, s)
		s = f.open(t)
	}
	f.close(t, s)
}

func FuzzTreeRow(f *testing.F) {
	var t treeRow
	t.set(0, 7, 3, hash{1})
	t.set(7, 9, 3, hash{2})
	t.set(7, 9, 15, hash{4})
	f.Add(appendTreeRow(nil, &t))
	f.Add(appendTreesMark(nil, treesMark{now: treesAt{Index: 5}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if row, err := readTreeRow(b); err == nil && string(appendTreeRow(nil, &row)) != string(b) {
			t.Fatalf("row %x is written as %x", b, appendTreeRow(nil, &row))
		}
		if m, err := readTreesMark(b); err == nil && string(appendTreesMark(nil, m)) != string(b) {
			t.Fatalf("mark %x is written as %x", b, appendTreesMark(nil, m))
		}
		_ = eachEmptied(b, func(number, uint16) error { return nil })
	})
}

// BenchmarkGrowTrees says what payments cost with a checkpoint after so many of them, or none, beside the commits: time
// in GrowTrees, and all that is written but the log.
func BenchmarkGrowTrees(b *testing.B) {
	p := payerOf(b)
	if _, _, err := p.s.GrowTrees(p.s.Head().Index, nil); err != nil {
		b.Fatal(err)
	}
	for _, each := range []int{0, 2_000, 20_000} {
		b.Run(fmt.Sprintf("recent/%d", each), func(b *testing.B) {
			p.flush(b)
			wrote, log := written(), p.s.Stats().LogBytes
			var total time.Duration
			n := 0
			for n < b.N {
				p.step(b, 500, &p.recent, new(bill))
				if n += 500; each == 0 || n%each > 0 {
					continue
				}
				before := cputime.Process()
				if _, _, err := p.s.GrowTrees(p.s.Head().Index, nil); err != nil {
					b.Fatal(err)
				}
				total += cputime.Process() - before
			}
			p.flush(b)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(total.Nanoseconds())/float64(n)/1000, "µs-growth")
			b.ReportMetric(float64(written()-wrote-(p.s.Stats().LogBytes-log))/float64(n), "B/payment")
		})
		if _, _, err := p.s.GrowTrees(p.s.Head().Index, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzState(f *testing.F) {
	frozen := (&frozen{assets: []ledger.ChangedAsset{{}}, system: []ledger.SystemRow{{Key: "epoch/1", Value: []byte{1}}}}).append(nil)
	f.Add(frozen)
	f.Add([]byte(stateMagic + "and so on, but no state at all, and not long enough"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if x, err := readFrozen(b); err == nil && string(x.append(nil)) != string(b) {
			t.Fatalf("frozen %x is written as %x", b, x.append(nil))
		}
		if _, err := ReadState(bytes.NewReader(append([]byte(stateMagic), b...))); err != nil && !errors.Is(err, ErrState) {
			t.Fatalf("a refusal without a name: %v", err)
		}
	})
}
