package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/merkle"
	"github.com/asterism-network/asterism/kernel"
)

// Trees say where the trees of checkpoints stand: at a checkpoint, and at the one before. Commits
// leave them alone. GrowTrees brings them to the next checkpoint from the rows of the commits since,
// beside everything else.
type trees struct {
	growing sync.Mutex // one GrowTrees at a time
	step    int        // as growStep; tests take less of these three
	breath  int        // as growBreath
	chunk   int        // as growChunk

	mu        sync.Mutex // guards what is below
	mark      treesMark
	begun     kernel.CommitIndex // the newest checkpoint that rows may be of already
	certified []kernel.CommitIndex
}

// A treesAt is the trees at a checkpoint.
type treesAt struct {
	Index             kernel.CommitIndex // 0 is nowhere: there are no trees
	Receipts, Outputs kernel.TreeHead
}

// A treesMark is what is written when the trees have come to a checkpoint.
type treesMark struct{ now, before treesAt }

func appendTreesMark(b []byte, m treesMark) []byte {
	for _, at := range []treesAt{m.now, m.before} {
		b = codec.AppendU64(b, uint64(at.Index))
		for _, head := range []kernel.TreeHead{at.Receipts, at.Outputs} {
			b = append(b, head.Root[:]...)
			b = codec.AppendU64(b, head.Count)
		}
	}
	return b
}

func readTreesMark(b []byte) (m treesMark, err error) {
	r := codec.NewReader(b)
	for _, at := range []*treesAt{&m.now, &m.before} {
		at.Index = kernel.CommitIndex(r.U64("index"))
		for _, head := range []*kernel.TreeHead{&at.Receipts, &at.Outputs} {
			r.Fixed(head.Root[:], "root")
			if head.Count = r.U64("count"); head.Count > 1<<merkle.MaxDepth {
				r.Fail(codec.TooLarge, "count")
			}
		}
	}
	if m.now.Index == 0 || m.before.Index >= m.now.Index {
		r.Fail(codec.BadValue, "index")
	}
	return m, r.Done()
}

// loadTrees reads where the trees stand, and which checkpoints are certified.
func (s *Store) loadTrees() error {
	s.trees.step, s.trees.breath, s.trees.chunk = growStep, growBreath, growChunk
	b, ok, err := s.db.Get(nil, keyTrees)
	if err != nil {
		return err
	}
	if ok {
		if s.trees.mark, err = readTreesMark(b); err != nil {
			return corrupt(keyTrees, err)
		}
	}
	// A crash can have left rows of a checkpoint that was never finished. Which one does not matter:
	// whoever reads at the finished one gets what was before.
	s.trees.begun = s.trees.mark.now.Index
	return s.loadCertified()
}

// TreesAt returns the roots of the trees at the newest checkpoint that they were brought to, and the
// commit of it; 0 for none.
func (s *Store) TreesAt() (index kernel.CommitIndex, receipts, outputs kernel.TreeHead) {
	s.trees.mu.Lock()
	defer s.trees.mu.Unlock()
	now := s.trees.mark.now
	return now.Index, now.Receipts, now.Outputs
}

// growStep is how many changes of leaves one batch takes: enough that nodes near the root are hashed
// seldom and that most rows are written once, few enough that the rows fit in some tens of megabytes.
const growStep = 1 << 15

const (
	growBreath = 64  // pieces of work, of some microseconds each, between two pauses
	growChunk  = 512 // rows written at once, half a megabyte at most: commits wait meanwhile
)

// ErrStopped ends work that its caller does not want any more.
var ErrStopped = errors.New("stopped")

// A Pause is called by long work every millisecond or so, with how many of all its rows are done. It may
// take its time; it says whether to stop.
type Pause func(done, all uint64) (stop bool)

// GrowTrees brings the trees to the state after a commit, which must be executed and not before the
// one where they stand. It may take seconds, beside commits, and what pause adds; pause may be nil.
// What is half done when it is stopped or the process dies is done again. [STO-21]
func (s *Store) GrowTrees(to kernel.CommitIndex, pause Pause) (receipts, outputs kernel.TreeHead, err error) {
	s.trees.growing.Lock()
	defer s.trees.growing.Unlock()
	index, receipts, outputs := s.TreesAt()
	if head := s.head.Load().Index; to < index || to > head || to == 0 {
		panic(fmt.Sprintf("store: trees stand at %d and are to grow to %d of %d", index, to, head))
	}
	if to == index {
		return receipts, outputs, nil
	}
	s.trees.mu.Lock()
	s.trees.begun = to
	s.trees.mu.Unlock()
	g := &growth{
		store: s, to: to, fresh: index == 0, pause: pause,
		receiptNodes: newOpenNodes(s.db, receiptTree, index, to, receipts.Count),
		outputNodes:  newOpenNodes(s.db, outputTree, index, to, outputs.Count),
	}
	g.receiptNodes.breathe, g.outputNodes.breathe = g.breathe, g.breathe
	g.receipts, g.outputs = merkle.NewTree(receipts.Count, g.receiptNodes), merkle.NewTree(outputs.Count, g.outputNodes)
	if err := g.run(index); err != nil {
		return receipts, outputs, err
	}
	now := treesAt{to, headOf(g.receipts), headOf(g.outputs)}
	return now.Receipts, now.Outputs, g.finish(index, now)
}

func headOf(t *merkle.Tree) kernel.TreeHead { return kernel.TreeHead{Root: t.Root(), Count: t.Count()} }

// A growth is one run of GrowTrees.
type growth struct {
	store *Store
	to    kernel.CommitIndex
	fresh bool // there were no trees: what is spent is looked up output by output
	pause Pause

	first, next, end number   // rows to take up: the first, the next one, and behind the last
	gone             []byte   // for each of them a bit for each of its outputs that is spent again, see markOf
	elder            []uint64 // outputs of older rows that are spent: the row's number and 16 bits of the index
	cleared          int      // how many of them are done
	breaths          int
	stopped          bool

	receipts, outputs         *merkle.Tree
	receiptNodes, outputNodes *openNodes

	settled, made [][32]byte // leaves to append
	spent         []uint64   // places to empty, ascending
	scratch       scratch

	position uint64 // of the snapshot that was looked up last
	snapshot kernel.SnapshotID
}

// breathe is called after each small piece of work, a row read or a node set.
func (g *growth) breathe() {
	if g.breaths++; g.pause == nil || g.stopped || g.breaths%g.store.trees.breath != 0 {
		return
	}
	g.stopped = g.pauses()
}

// pauses rests, and reports whether to stop.
func (g *growth) pauses() bool {
	return g.pause(uint64(g.next-g.first)+uint64(g.cleared), uint64(g.end-g.first)+uint64(len(g.elder)))
}

// run takes up the commits behind one, all of them if there were no trees. What they spend comes first: most of it
// they made themselves, and that needs no hash.
func (g *growth) run(behind kernel.CommitIndex) error {
	if g.fresh {
		return g.all()
	}
	last, err := readMeta(g.store.db, key64(tableJudged, uint64(g.to)), readSpan)
	if err != nil {
		return err
	}
	before, err := readMeta(g.store.db, key64(tableJudged, uint64(behind)), readSpan)
	if err != nil {
		return err
	}
	g.first, g.next, g.end = before.end(), before.end(), last.end()
	g.gone = make([]byte, g.end-g.first)
	for i := behind + 1; i <= g.to; i++ {
		if err := g.spends(i); err != nil {
			return fmt.Errorf("what commit %d spends: %w", i, err)
		}
	}
	for part := range slices.Chunk(g.elder, g.store.trees.step) {
		if err := g.clear(part); err != nil {
			return err
		}
	}
	for i := behind + 1; i <= g.to; i++ {
		if err := g.commit(i); err != nil {
			return fmt.Errorf("trees of commit %d: %w", i, err)
		}
	}
	return g.step()
}

// all takes up every row up to the commit. The commits before it need not be there.
func (g *growth) all() error {
	judged, err := readMeta(g.store.db, key64(tableJudged, uint64(g.to)), readSpan)
	if err != nil {
		return err
	}
	g.end = judged.end()
	if err := g.rows(0, g.end); err != nil {
		return err
	}
	if err := g.counted(judged.after); err != nil {
		return err
	}
	return g.step()
}

// counted compares what was taken up with what a commit says.
func (g *growth) counted(want places) error {
	if have := (places{g.receipts.Count() + uint64(len(g.settled)), g.outputs.Count() + uint64(len(g.made))}); have != want {
		return fmt.Errorf("%w: there are %v receipts and outputs, the commit says %v", ErrCorrupt, have, want)
	}
	return nil
}

// rows takes up rows, in steps.
func (g *growth) rows(n, end number) error {
	for ; n < end; n++ {
		if err := g.row(n); err != nil {
			return err
		}
		g.next = n + 1
		if g.breathe(); g.stopped {
			return ErrStopped
		}
		if len(g.settled)+len(g.made) >= g.store.trees.step {
			if err := g.step(); err != nil {
				return err
			}
		}
	}
	return nil
}

// spends notes what a commit spends.
func (g *growth) spends(i kernel.CommitIndex) error {
	list, _, err := g.store.db.Get(nil, key64(tableEmptied, uint64(i)))
	if err != nil {
		return err
	}
	if g.breathe(); g.stopped {
		return ErrStopped
	}
	return eachEmptied(list, func(n number, index uint16) error {
		switch {
		case n >= g.end:
			return fmt.Errorf("%w: an output of row %d, which is not there", ErrCorrupt, n)
		case n >= g.first:
			g.gone[n-g.first] |= markOf(index)
		default:
			g.elder = append(g.elder, uint64(n)<<16|uint64(index))
		}
		return nil
	})
}

// clear empties places of outputs that older commits made, which it sorts.
func (g *growth) clear(part []uint64) error {
	slices.Sort(part)
	for _, x := range part {
		place, err := g.scratch.placeOf(g.store.db, number(x>>16), uint16(x))
		if err != nil {
			return err
		}
		g.spent = append(g.spent, place)
		g.cleared++
		if g.breathe(); g.stopped {
			return ErrStopped
		}
	}
	return g.step()
}

// commit takes up the receipts and outputs of a commit.
func (g *growth) commit(i kernel.CommitIndex) error {
	judged, err := readMeta(g.store.db, key64(tableJudged, uint64(i)), readSpan)
	if err != nil {
		return err
	}
	if judged.first != g.next || judged.end() > g.end {
		return fmt.Errorf("%w: rows %d to %d do not follow %d", ErrCorrupt, judged.first, judged.end(), g.next)
	}
	if err := g.rows(judged.first, judged.end()); err != nil {
		return err
	}
	return g.counted(judged.after)
}

// row takes up a row of a transaction.
func (g *growth) row(n number) error {
	x, err := g.scratch.found(g.store.db, n)
	if err != nil {
		return err
	}
	if x.part == 0 {
		r := x.receipt()
		if x.placed {
			if x.position != g.position || g.snapshot.IsZero() { // many stand in one snapshot
				g.position, g.snapshot = x.position, g.store.snapshotAt(g.store.db, x.position)
			}
			r.Snapshot = g.snapshot
		}
		g.settled = append(g.settled, r.Leaf())
	}
	outputs, err := x.readOutputs(g.store.assets)
	if err != nil {
		return err
	}
	var there byte
	for i := range outputs {
		o := &outputs[i]
		there |= markOf(o.Ref.Index)
		spent, err := g.spentAgain(n, o.Ref.Index)
		if err != nil {
			return err
		}
		var leaf hash
		if !spent {
			out := kernel.StateOutputOf(o.Ref, &o.Output.Output, o.Output.Asset, x.commit)
			leaf = out.Leaf()
		}
		g.made = append(g.made, leaf)
	}
	if !g.fresh && g.gone[n-g.first]&^there != 0 {
		return fmt.Errorf("%w: row %d has not all outputs that are spent of it", ErrCorrupt, n)
	}
	return nil
}

// spentAgain reports whether an output that is taken up is spent at the commit that the trees grow to.
func (g *growth) spentAgain(n number, index uint16) (bool, error) {
	if !g.fresh {
		return g.gone[n-g.first]&markOf(index) != 0, nil
	}
	_, at, err := g.scratch.spend(g.store.db, n, index)
	return at != 0 && at <= g.to, err
}

// step brings the trees to what was taken up, and writes their rows.
func (g *growth) step() error {
	if g.pause != nil && g.pauses() {
		return ErrStopped
	}
	g.receipts.Update(g.settled, nil)
	g.outputs.Update(g.made, g.spent)
	g.settled, g.made, g.spent = g.settled[:0], g.made[:0], g.spent[:0]
	if err := errors.Join(g.receiptNodes.err, g.outputNodes.err); err != nil {
		return err
	}
	if g.stopped {
		return ErrStopped
	}
	if err := g.write(g.receiptNodes, g.receipts.Count()); err != nil {
		return err
	}
	return g.write(g.outputNodes, g.outputs.Count())
}

// write writes the changed rows of a tree, which has so many leaves now, some at a time: commits wait meanwhile. What is
// written before the rest is of no harm, since rows say what they were.
func (g *growth) write(nodes *openNodes, count uint64) error {
	for rows := range slices.Chunk(nodes.changed(), g.store.trees.chunk) {
		if err := g.store.writeRows(nodes, rows); err != nil {
			return err
		}
		if g.breathe(); g.stopped {
			return ErrStopped
		}
	}
	nodes.forget(count)
	return nil
}

func (s *Store) writeRows(nodes *openNodes, rows []rowKey) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	b := s.db.NewBatch()
	nodes.put(b, rows)
	if err := b.Commit(false); err != nil {
		return s.fail(err)
	}
	return nil
}

// finish says that the trees have come to a checkpoint, and lets go of what is not needed any more.
func (g *growth) finish(behind kernel.CommitIndex, now treesAt) error {
	if err := errors.Join(g.receiptNodes.err, g.outputNodes.err); err != nil {
		return err
	}
	s := g.store
	s.committing.Lock()
	defer s.committing.Unlock()
	s.trees.mu.Lock()
	mark := treesMark{now, s.trees.mark.now}
	s.trees.mu.Unlock()
	b := s.db.NewBatch()
	b.Set(keyTrees, appendTreesMark(nil, mark))
	for i := behind + 1; i <= g.to; i++ {
		b.Delete(key64(tableEmptied, uint64(i)))
	}
	if err := b.Commit(false); err != nil {
		return s.fail(err)
	}
	s.trees.mu.Lock()
	s.trees.mark = mark
	s.trees.mu.Unlock()
	return nil
}
