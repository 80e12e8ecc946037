package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Commit takes up what execution of c changed, in one atomic batch, together with the opaque state
// of the commit rule. It waits for no disk: the batch stays in
// memory until a fold writes it with others, which first makes the log durable. So after a kill
// or a power loss the state is that of some commit, perhaps an earlier one. c must follow the
// head; d must be the result of executing c. [STO-10]
//
// ErrDiskFull and ErrNotInLog leave the store as it was; any other error halts it.
func (s *Store) Commit(c *kernel.Commit, d *ledger.Diff, consensus []byte) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if head := s.head.Load(); c.Index != head.Index+1 || d.Head.Index != c.Index {
		panic(fmt.Sprintf("store: commit %d with the diff of %d does not follow %d", c.Index, d.Head.Index, head.Index))
	}
	if err := s.ensureHeld(c); err != nil {
		return err
	}
	b := s.db.NewBatchSize(batchSize(c, d))
	s.rows.batch = b
	if err := s.rows.commit(c, d, consensus); err != nil {
		b.Drop()
		return s.fail(err)
	}
	for i := range d.Spent { // also those whose rows were found another way, or written behind their spender
		s.recent.spend(&d.Spent[i].Ref)
	}
	s.absent.end(d)
	if endsEpoch(d) {
		former := s.freeze(d)
		b.Set(keyFrozen, former)
		if s.options.Pruned {
			b.Set(key64(tableFormer, uint64(c.Index)), former)
		}
	}
	if err := b.Commit(false); err != nil {
		return s.fail(err)
	}
	s.recent.show()
	s.advance(d, append([]byte(nil), consensus...))
	return nil
}

// advance moves the head, and with it what is kept in memory at the head. A view that is open
// keeps the assets and system rows that change.
func (s *Store) advance(d *ledger.Diff, consensus []byte) {
	head := d.Head
	s.views.Lock()
	defer s.views.Unlock()
	for i := range d.Assets {
		a := &d.Assets[i]
		for v := range s.views.open {
			v.keep(a.ID)
		}
		s.views.assets[a.ID] = a.Asset
	}
	s.advanceSystem(d)
	s.head.Store(&head)
	s.consensus.Store(&consensus)
}

// ensureHeld demands that the log holds the snapshots of c, and notes how far it must be durable
// before the commit is folded: not only to these, but to all that the rule may have decided by.
// Those of round 0 are nobody's to store: they follow from the epoch's genesis.
func (s *Store) ensureHeld(c *kernel.Commit) error {
	for i := range c.Snapshots {
		id := &c.Snapshots[i]
		if id.Round == 0 {
			continue
		}
		_, ok, err := s.index.find(id.ID)
		if err != nil {
			return s.fail(err)
		}
		if !ok {
			return fmt.Errorf("commit %d: %w: %d@%d %s", c.Index, ErrNotInLog, id.Author, id.Round, id.ID)
		}
	}
	s.cover()
	return nil
}

// batchSize guesses the bytes of a batch, so that it grows once.
func batchSize(c *kernel.Commit, d *ledger.Diff) int {
	return 4096 + 192*len(c.Snapshots) + 128*len(d.Created) + 32*(len(d.Spent)+len(d.Keys)) + 64*len(d.Taken) + 96*len(d.Receipts)
}

// A putter writes the rows of commits. Its buffers are used again; the batch copies them.
type putter struct {
	batch *kv.Batch
	key   []byte
	value []byte
	elder []byte

	assets *assetNumbers
	next   number // of the next receipt's head
	at     places // of it
	empty  []byte // places emptied by the commit, see appendEmptied
	faults uint64 // found so far

	// printOf is the fingerprint of a one-time key.
	printOf func(*kernel.Key) [fingerprintSize]byte

	// rowOf finds the row of an output of an earlier commit's transaction, which is being spent.
	rowOf func(kernel.OutputRef) (number, bool)

	// recent, if there is one, is told of rows with outputs.
	recent *recentRows
}

// errDiff says that a diff is not one that execution makes.
var errDiff = errors.New("diff does not hang together")

// commit writes all rows of a commit.
func (p *putter) commit(c *kernel.Commit, d *ledger.Diff, consensus []byte) error {
	if err := p.transactions(c, d); err != nil {
		return err
	}
	for i := range d.Assets {
		a := &d.Assets[i]
		p.value = appendAsset(p.value[:0], &a.Asset)
		p.put(p.id(tableAsset, (*[32]byte)(&a.ID)))
	}
	for i := range d.Faults {
		f := &d.Faults[i]
		p.value = appendFault(p.value[:0], f)
		p.put(p.number(tableFault, p.faults))
		p.value = binary.BigEndian.AppendUint64(p.value[:0], p.faults)
		p.key = keyBlame(p.key[:0], f.Kind, f.Author, f.Epoch, f.Round)
		p.put(p.key)
		p.faults++
	}
	if err := p.system(d); err != nil {
		return err
	}
	executed := *c
	executed.Digest = d.Head.Digest
	p.order(&executed)
	p.value = appendHead(p.value[:0], &d.Head)
	p.put(keyHead)
	p.batch.Set(keyConsensus, consensus)
	return nil
}

func (p *putter) put(key []byte) { p.batch.Set(key, p.value) }

func (p *putter) id(table byte, id *[32]byte) []byte {
	p.key = append(append(p.key[:0], table), id[:]...)
	return p.key
}

func (p *putter) number(table byte, n uint64) []byte {
	p.key = binary.BigEndian.AppendUint64(append(p.key[:0], table), n)
	return p.key
}

// list adds a number to those of a fingerprint.
func (p *putter) list(table byte, print [fingerprintSize]byte, n number) {
	p.key = append(append(p.key[:0], table), print[:]...)
	p.value = appendNumber(p.value[:0], n)
	p.batch.Append(p.key, p.value)
}

// transactions writes the rows of each receipt with what belongs to it. A diff's lists are all in
// the order of execution, so each is walked once beside the receipts.
func (p *putter) transactions(c *kernel.Commit, d *ledger.Diff) error {
	w := walk{putter: p, c: c, d: d, first: p.next}
	p.empty = p.empty[:0]
	if uint64(len(d.Receipts)+len(d.Created)) >= mostNumbers-uint64(p.next) {
		return errNumbers
	}
	for i := range d.Receipts {
		if err := w.transaction(&d.Receipts[i]); err != nil {
			return fmt.Errorf("transaction %s: %w", d.Receipts[i].Transaction, err)
		}
	}
	if w.created < len(d.Created) || w.spent < len(d.Spent) || w.keys < len(d.Keys) || w.taken < len(d.Taken) {
		return fmt.Errorf("%w: changes of transactions without a receipt", errDiff)
	}
	p.value = appendSpan(p.value[:0], span{w.first, uint64(p.next - w.first), true, p.at})
	p.put(p.number(tableJudged, uint64(c.Index)))
	if len(p.empty) > 0 {
		p.batch.Set(p.number(tableEmptied, uint64(c.Index)), p.empty)
	}
	for _, id := range p.assets.fresh {
		p.key = binary.BigEndian.AppendUint32(append(p.key[:0], tableNumber), p.assets.numbers[id])
		p.batch.Set(p.key, id[:])
	}
	p.assets.fresh = p.assets.fresh[:0]
	return nil
}

// A walk is how far the lists of a diff are written.
type walk struct {
	*putter
	c     *kernel.Commit
	d     *ledger.Diff
	first number                   // of the commit
	here  map[kernel.TxHash]number // of the commit's transactions, once one spends from another

	snapshot, created, spent, keys, taken int
}

func (w *walk) transaction(r *kernel.Receipt) error {
	if r.Commit != w.c.Index {
		return fmt.Errorf("%w: receipt of commit %d", errDiff, r.Commit)
	}
	position, err := w.position(r.Snapshot)
	if err != nil {
		return err
	}
	outputs, err := w.outputs(&r.Transaction)
	if err != nil {
		return err
	}
	parts := w.parts(r, position, outputs)
	if err := w.takes(&r.Transaction); err != nil {
		return err
	}
	w.next += parts
	return nil
}

// parts puts the rows of a transaction from the next number on, and returns how many they are.
func (w *walk) parts(r *kernel.Receipt, position uint64, outputs []ledger.CreatedOutput) number {
	parts := partsOf(outputs)
	here, rest := splitPart(outputs, 0)
	w.value = appendHeadRow(w.value[:0], r, position, parts-1, &w.at, here, w.assets.number)
	w.row(&r.Transaction, 0, here)
	for part := number(1); part < parts; part++ {
		w.at.outputs += uint64(len(here))
		here, rest = splitPart(rest, part)
		w.value = appendPartRow(w.value[:0], &r.Transaction, r.Commit, part, &w.at, here, w.assets.number)
		w.row(&r.Transaction, part, here)
	}
	w.at.outputs += uint64(len(here))
	w.at.receipts++
	w.list(tableHash, hashPrint(&r.Transaction), w.next)
	return parts
}

// splitPart cuts off the outputs of a part.
func splitPart(outputs []ledger.CreatedOutput, part number) (here, rest []ledger.CreatedOutput) {
	n := 0
	for n < len(outputs) && partOf(outputs[n].Ref.Index) == part {
		n++
	}
	return outputs[:n], outputs[n:]
}

// row puts a row of a transaction and what leads to it from its outputs' keys.
func (w *walk) row(hash *kernel.TxHash, part number, outputs []ledger.CreatedOutput) {
	n := w.next + part
	w.put(w.putter.number(tableTransaction, uint64(n)))
	if w.recent != nil && len(outputs) > 0 {
		w.recent.put(hash, part, n, w.value)
	}
	for i := range outputs {
		for j := range outputs[i].Output.Keys {
			w.list(tableGhost, w.printOf(&outputs[i].Output.Keys[j]), n)
		}
	}
}

// position finds a receipt's snapshot among the commit's; receipts come in their order.
func (w *walk) position(id kernel.SnapshotID) (uint64, error) {
	if id.IsZero() {
		return 0, nil
	}
	for range w.c.Snapshots {
		if w.c.Snapshots[w.snapshot].ID == id {
			return w.c.Position + uint64(w.snapshot), nil
		}
		w.snapshot = (w.snapshot + 1) % len(w.c.Snapshots)
	}
	return 0, fmt.Errorf("%w: snapshot %s is not of the commit", errDiff, id)
}

// outputs takes the created outputs of a transaction, and checks that the keys taken are theirs.
func (w *walk) outputs(hash *kernel.TxHash) ([]ledger.CreatedOutput, error) {
	from := w.created
	for ; w.created < len(w.d.Created) && w.d.Created[w.created].Ref.Hash == *hash; w.created++ {
		o := &w.d.Created[w.created]
		if !outputFits(&o.Output) {
			return nil, fmt.Errorf("output %d: %w", o.Ref.Index, ErrTooLarge)
		}
		if o.Output.Created != w.c.Index || w.created > from && o.Ref.Index <= w.d.Created[w.created-1].Ref.Index {
			return nil, fmt.Errorf("%w: output %d", errDiff, o.Ref.Index)
		}
		for i := range o.Output.Keys {
			if w.keys == len(w.d.Keys) || w.d.Keys[w.keys].Key != o.Output.Keys[i] || w.d.Keys[w.keys].By != (ledger.Owner{Transaction: *hash, Commit: w.c.Index}) {
				return nil, fmt.Errorf("%w: key %s of output %d", errDiff, o.Output.Keys[i], o.Ref.Index)
			}
			w.keys++
		}
	}
	return w.d.Created[from:w.created], nil
}

// takes writes what a transaction spends, and the identities it takes.
func (w *walk) takes(hash *kernel.TxHash) error {
	for ; w.spent < len(w.d.Spent) && w.d.Spent[w.spent].By.Transaction == *hash; w.spent++ {
		o := &w.d.Spent[w.spent]
		row, ok := w.rowOf(o.Ref)
		if !ok || o.By.Commit != w.c.Index {
			return fmt.Errorf("%w: spends %s:%d", errDiff, o.Ref.Hash, o.Ref.Index)
		}
		w.key = appendSpendKey(w.key[:0], row, o.Ref.Index)
		w.value = appendNumber(w.value[:0], w.next)
		w.elder = appendNumberKey(w.elder[:0], tableTransaction, row)
		w.batch.AppendYoung(w.key, w.value, w.elder) // a second spend makes a row that does not decode
		w.empty = appendEmptied(w.empty, row, o.Ref.Index)
	}
	for ; w.taken < len(w.d.Taken) && w.d.Taken[w.taken].By.Transaction == *hash; w.taken++ {
		w.value = appendNumber(w.value[:0], w.next)
		w.put(w.id(tableIdentity, (*[32]byte)(&w.d.Taken[w.taken].Identity)))
	}
	return nil
}

// rowOf finds the row of an output that is spent.
func (w *walk) rowOf(ref kernel.OutputRef) (n number, ok bool) {
	if w.here == nil {
		if n, ok = w.putter.rowOf(ref); ok {
			return n, true
		}
		w.here = w.numbers()
	}
	if n, ok = w.here[ref.Hash]; ok {
		return n + partOf(ref.Index), true
	}
	return w.putter.rowOf(ref)
}

// numbers are those of all transactions of the commit.
func (w *walk) numbers() map[kernel.TxHash]number {
	all := make(map[kernel.TxHash]number, len(w.d.Receipts))
	next, created := w.first, w.d.Created
	for i := range w.d.Receipts {
		hash := w.d.Receipts[i].Transaction
		n := 0
		for n < len(created) && created[n].Ref.Hash == hash {
			n++
		}
		all[hash] = next
		next += partsOf(created[:n])
		created = created[n:]
	}
	return all
}

// order writes the commit and where its snapshots stand.
func (p *putter) order(c *kernel.Commit) {
	p.value = c.AppendBinary(p.value[:0])
	p.put(p.number(tableCommit, uint64(c.Index)))
	for i := range c.Snapshots {
		id := (*[32]byte)(&c.Snapshots[i].ID)
		position := c.Position + uint64(i)
		p.value = append(p.value[:0], id[:]...)
		p.put(p.number(tablePosition, position))
		p.value = appendCommittedAt(p.value[:0], committedAt{c.Index, position})
		p.put(p.id(tableSnapshot, id))
	}
}
