package store

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Verify reads everything again: the checksums of every record, that ids are the hashes of
// headers and bodies match their roots; that the commits are a chain without gaps that ends at
// the head; that the state adds up to the head's set hash, and unspent outputs to each asset's
// total. It may run beside everything else, on the state and the log at its call. progress,
// which may be nil, is told bytes of the log done and to do. The error is ErrCorrupt and names
// all that is wrong with the log, or the first thing that is with the state. [STO-12]
func (s *Store) Verify(progress func(done, total uint64)) error {
	if progress == nil {
		progress = func(uint64, uint64) {}
	}
	snapshot := s.db.Snapshot()
	err := errors.Join(s.verifyLog(progress), s.verifyOrder(snapshot), s.verifyState(snapshot))
	return errors.Join(err, snapshot.Close())
}

func (s *Store) verifyLog(progress func(done, total uint64)) error {
	segments := s.log.extent()
	var done, total uint64
	for _, seg := range segments {
		total += uint64(seg.end)
	}
	var damage error
	for _, seg := range segments {
		bad, err := s.scanSegment(seg, 0, func(sequence uint64, r Record) error {
			if err := s.verifyRecord(&r); err != nil {
				damage = errors.Join(damage, fmt.Errorf("record %d: %w", sequence, err))
			}
			progress(min(done+uint64(recordSize(&r)), total), total)
			done += uint64(recordSize(&r))
			return nil
		})
		damage = errors.Join(damage, bad, err)
	}
	progress(total, total)
	if damage == nil {
		return nil
	}
	s.distrust(damage)
	return fmt.Errorf("%w: log: %w", ErrCorrupt, damage)
}

// verifyRecord checks a record against the hashes inside it.
func (s *Store) verifyRecord(r *Record) error {
	var h kernel.Header
	if err := h.UnmarshalBinary(r.Header); err != nil {
		return fmt.Errorf("header of %s: %w", r.ID, err)
	}
	if h.ID() != r.ID || h.Author != r.Author || h.Round != r.Round || h.Network != s.log.origin.network {
		return fmt.Errorf("%w: header of %s is that of %s", errDamaged, r.ID, h.String())
	}
	if len(r.Body) == 0 {
		return nil // dropped below a checkpoint: headers are kept for ever, bodies are not
	}
	var body kernel.Body
	if err := body.UnmarshalBinary(r.Body); err != nil {
		return fmt.Errorf("body of %s: %w", r.ID, err)
	}
	if uint32(len(r.Body)) != h.BodyLength || body.Root() != h.BodyRoot {
		return fmt.Errorf("%w: body of %s is another one", errDamaged, r.ID)
	}
	return nil
}

// verifyOrder checks that commits and positions have no gaps, that every committed snapshot is
// in the log, and that the last commit is the head.
func (s *Store) verifyOrder(r kv.Reader) error {
	var next, position uint64
	var transactions number
	var counted places
	var last kernel.Commit
	base, _ := lookup(s, r, keyBase, readNumber)
	err := scanTable(r, tableCommit, 8, readCommit, func(_ []byte, c kernel.Commit) (bool, error) {
		if base > 0 && uint64(c.Index) <= base {
			if uint64(c.Index) < base {
				return true, nil // the ends of the epochs before, whose order is not here
			}
			before, ok := lookup(s, r, key64(tableJudged, base), readSpan)
			if !ok {
				return false, fmt.Errorf("%w: commit %d, which the folder was made from, has no receipts", ErrCorrupt, base)
			}
			next, position, transactions = base, c.Position, before.first
		}
		if uint64(c.Index) != next || c.Position != position {
			return false, fmt.Errorf("%w: commit %d at position %d follows %d at %d", ErrCorrupt, c.Index, c.Position, next, position)
		}
		for i := range c.Snapshots {
			if err := s.verifyPlace(r, &c, uint64(i)); err != nil {
				return false, err
			}
		}
		judged, ok := lookup(s, r, key64(tableJudged, next), readSpan)
		if !ok || judged.first != transactions {
			return false, fmt.Errorf("%w: receipts of commit %d begin at %d, not %d", ErrCorrupt, next, judged.first, transactions)
		}
		if !judged.counted || judged.after.receipts < counted.receipts || judged.after.outputs < counted.outputs {
			return false, fmt.Errorf("%w: commit %d has %v places, those before have %v", ErrCorrupt, next, judged.after, counted)
		}
		counted = judged.after
		transactions += number(judged.count)
		next++
		position += uint64(len(c.Snapshots))
		last = c
		return true, nil
	})
	if err != nil {
		return err
	}
	head, ok := lookup(s, r, keyHead, readHead)
	if !ok || head.Index != last.Index || head.Digest != last.Digest || next == 0 {
		return fmt.Errorf("%w: head %d is not the last commit %d", ErrCorrupt, head.Index, last.Index)
	}
	return nil
}

func readCommit(b []byte) (c kernel.Commit, err error) {
	err = c.UnmarshalBinary(b)
	return c, err
}

// verifyPlace checks the rows of the i-th snapshot of a commit.
func (s *Store) verifyPlace(r kv.Reader, c *kernel.Commit, i uint64) error {
	id, position := c.Snapshots[i].ID, c.Position+i
	at, _ := lookup(s, r, key32(tableSnapshot, (*[32]byte)(&id)), readCommittedAt)
	back, _ := lookup(s, r, key64(tablePosition, position), readID[kernel.SnapshotID])
	if at != (committedAt{c.Index, position}) || back != id {
		return fmt.Errorf("%w: snapshot %s of commit %d is listed at commit %d position %d", ErrCorrupt, id, c.Index, at.commit, at.position)
	}
	if base, _ := lookup(s, r, keyBase, readNumber); uint64(c.Index) <= base {
		return nil // what was imported comes without its snapshots
	}
	if c.Snapshots[i].Round > 0 && !s.Has(id) && s.LogState() != Doubtful {
		return fmt.Errorf("%w: snapshot %s of commit %d is not in the log", ErrCorrupt, id, c.Index)
	}
	return nil
}

// verifyState counts the state again.
func (s *Store) verifyState(r kv.Reader) error {
	c := counting{store: s, reader: r, sums: make(map[kernel.AssetID]kernel.Amount)}
	c.base, _ = lookup(s, r, keyBase, readNumber)
	var err error
	if c.trees, err = s.newTreeCheck(r); err != nil {
		return err
	}
	if err := s.scanRows(r, c.row); err != nil {
		return err
	}
	c.end()
	if err := c.trees.end(); err != nil {
		return err
	}
	if err := c.lists(); err != nil {
		return err
	}
	if err := c.rest(); err != nil {
		return err
	}
	e, sums := &c.elements, c.sums
	err = scanTable(r, tableAsset, 32, readAsset, func(key []byte, a ledger.Asset) (bool, error) {
		id := kernel.AssetID(key)
		e.Asset(id, &a)
		if sum := sums[id]; sum != a.Unspent {
			return false, fmt.Errorf("%w: unspent outputs of asset %s are %s, its total says %s", ErrCorrupt, id, sum, a.Unspent)
		}
		if err := c.supply(id, &a); err != nil {
			return false, err
		}
		delete(sums, id)
		return true, nil
	})
	if err != nil {
		return err
	}
	if len(sums) > 0 {
		return fmt.Errorf("%w: outputs of %d unknown assets", ErrCorrupt, len(sums))
	}
	return compareHead(r, e)
}

// counting is the state being counted.
type counting struct {
	store    *Store
	reader   kv.Reader
	elements ledger.Elements
	sums     map[kernel.AssetID]kernel.Amount // of unspent outputs

	receipt kernel.Receipt         // of the transaction being read
	outputs []ledger.CreatedOutput // of it, as far as they are read

	commit *kernel.Commit // of the transactions being read
	judged span
	base   uint64 // commits below are not here
	at     places // of the next row
	trees  *treeCheck
	rows   uint64
	hashes uint64 // transactions
	keys   uint64

	stake *ledger.StakeState // nil where members have none
}

// row counts a row and checks that everything that leads to it does.
func (c *counting) row(x *scanned) error {
	if err := c.enter(x); err != nil {
		return err
	}
	if c.rows++; x.part == 0 {
		if err := c.head(x); err != nil {
			return err
		}
		c.at.receipts++
	}
	if err := c.place(x); err != nil {
		return err
	}
	for i := range x.outputs {
		if err := c.output(x, &x.outputs[i]); err != nil {
			return err
		}
	}
	c.outputs = append(c.outputs, x.outputs...)
	return nil
}

// place checks where a row begins in the trees, and takes it up there.
func (c *counting) place(x *scanned) error {
	at, err := new(scratch).placesOf(c.reader, x.number, &x.row)
	if err != nil {
		return err
	}
	if want := (places{c.at.receipts - 1, c.at.outputs}); at != want {
		return fmt.Errorf("%w: row %d begins at places %v, not %v", ErrCorrupt, x.number, at, want)
	}
	c.at.outputs += uint64(len(x.outputs))
	var receipt *kernel.Receipt
	if x.part == 0 {
		receipt = &c.receipt
	}
	return c.trees.row(x.commit, receipt, x.outputs)
}

// end adds the transaction whose rows have been read, if there is one.
func (c *counting) end() {
	if c.hashes > 0 {
		c.elements.Transaction(c.receipt, c.outputs)
	}
	c.outputs = c.outputs[:0]
}

// head ends the transaction before and counts a new one.
func (c *counting) head(x *scanned) error {
	c.end()
	receipt := x.receipt()
	if c.commit == nil {
		if x.placed {
			receipt.Snapshot = c.store.snapshotAt(c.reader, x.position)
		}
	} else if x.placed {
		if x.position < c.commit.Position || x.position-c.commit.Position >= uint64(len(c.commit.Snapshots)) {
			return fmt.Errorf("%w: transaction %d is of no snapshot of commit %d", ErrCorrupt, x.number, x.commit)
		}
		receipt.Snapshot = c.commit.Snapshots[x.position-c.commit.Position].ID
	} else if err := c.ownBytes(x.hash); err != nil {
		return err
	}
	c.receipt = receipt
	c.hashes++
	return c.listed(tableHash, hashPrint(&x.hash), x.number)
}

// enter reads the commit of a row, which goes on where the one before ended.
func (c *counting) enter(x *scanned) error {
	if uint64(x.commit) < c.base {
		return nil // its commit is not here
	}
	if c.commit == nil || x.number == c.judged.first+number(c.judged.count) {
		next := x.commit
		commit, ok := lookup(c.store, c.reader, key64(tableCommit, uint64(next)), readCommit)
		judged, known := lookup(c.store, c.reader, key64(tableJudged, uint64(next)), readSpan)
		if !ok || !known || judged.first != x.number || judged.count == 0 {
			return fmt.Errorf("%w: transaction %d is not where commit %d begins", ErrCorrupt, x.number, next)
		}
		if c.at.receipts > 0 && uint64(next) > c.base { // commits without a row have the places of those before
			if before, ok := lookup(c.store, c.reader, key64(tableJudged, uint64(next-1)), readSpan); !ok || before.after != c.at {
				return fmt.Errorf("%w: commit %d begins at places %v, the one before ends at %v", ErrCorrupt, next, c.at, before.after)
			}
		}
		c.commit, c.judged = &commit, judged
	}
	if x.commit != c.commit.Index {
		return fmt.Errorf("%w: transaction %d is of commit %d, not %d", ErrCorrupt, x.number, x.commit, c.commit.Index)
	}
	return nil
}

func (c *counting) output(x *scanned, o *ledger.CreatedOutput) error {
	for i := range o.Output.Keys {
		c.keys++
		if err := c.listed(tableGhost, c.store.fingerprint(&o.Output.Keys[i]), x.number); err != nil {
			return err
		}
	}
	if !o.Output.SpentBy.IsZero() {
		return nil
	}
	sum, ok := c.sums[o.Output.Asset].Add(o.Output.Amount)
	if !ok {
		return fmt.Errorf("%w: unspent outputs of asset %s exceed 2^128 units", ErrCorrupt, o.Output.Asset)
	}
	c.sums[o.Output.Asset] = sum
	return nil
}

// listed demands that a fingerprint leads to a number.
func (c *counting) listed(table byte, print [fingerprintSize]byte, n number) error {
	key := append([]byte{table}, print[:]...)
	list, _, err := c.reader.Get(nil, key)
	if err != nil {
		return err
	}
	for ; len(list) >= numberSize; list = list[numberSize:] {
		if decodeNumber(list) == n {
			return nil
		}
	}
	return fmt.Errorf("%w: key %x does not lead to transaction %d", ErrCorrupt, key, n)
}

// lists compares the number of rows with what the head says, and counts what fingerprints
// lead to: no more than there is.
func (c *counting) lists() error {
	head, _ := lookup(c.store, c.reader, keyHead, readHead)
	if judged, _ := lookup(c.store, c.reader, key64(tableJudged, uint64(head.Index)), readSpan); uint64(judged.end()) != c.rows || judged.after != c.at {
		return fmt.Errorf("%w: there are %d rows of transactions, the head's receipts end at %d", ErrCorrupt, c.rows, judged.end())
	}
	for _, t := range []struct {
		table byte
		want  uint64
	}{{tableHash, c.hashes}, {tableGhost, c.keys}} {
		found := uint64(0)
		err := scanTable(c.reader, t.table, fingerprintSize, func(b []byte) (int, error) { return len(b) / numberSize, checkNumbers(b) }, func(_ []byte, n int) (bool, error) {
			found += uint64(n)
			return true, nil
		})
		if err != nil {
			return err
		}
		if found != t.want {
			return fmt.Errorf("%w: table %c lists %d, there are %d", ErrCorrupt, t.table, found, t.want)
		}
	}
	return nil
}

// rest adds identities, faults and system rows.
func (c *counting) rest() error {
	err := scanTable(c.reader, tableIdentity, 32, readSingleNumber, func(key []byte, n number) (bool, error) {
		if n >= number(c.rows) {
			return false, fmt.Errorf("%w: identity %x is of transaction %d", ErrCorrupt, key, n)
		}
		c.elements.Identity(kernel.Hash(key), c.store.ownerOf(c.reader, n))
		return true, nil
	})
	if err != nil {
		return err
	}
	err = scanTable(c.reader, tableFault, 8, readFault, func(_ []byte, f ledger.Fault) (bool, error) {
		c.elements.Fault(&f)
		return true, nil
	})
	if err != nil {
		return err
	}
	return scanSystem(c.reader, func(key string, value []byte) error {
		c.elements.System(key, value)
		if key != ledger.RowStake {
			return nil
		}
		c.stake = new(ledger.StakeState)
		if err := c.stake.UnmarshalBinary(value); err != nil {
			return fmt.Errorf("%w: system row %q: %w", ErrCorrupt, key, err)
		}
		return nil
	})
}

// supply checks that of XIN, where members have stakes, all that came in and did not leave is in
// outputs, pool or escrow.
func (c *counting) supply(id kernel.AssetID, a *ledger.Asset) error {
	if c.stake == nil || id != kernel.XIN {
		return nil
	}
	there, fits := a.Unspent.Add(c.stake.Pool)
	there, also := there.Add(c.stake.Escrow)
	if left, ok := a.Deposited.Sub(a.Withdrawn); !ok || !fits || !also || left != there {
		return fmt.Errorf("%w: %s XIN in outputs, %s in the pool and %s in escrow are not the %s that came in less the %s that left",
			ErrCorrupt, a.Unspent, c.stake.Pool, c.stake.Escrow, a.Deposited, a.Withdrawn)
	}
	return nil
}

func compareHead(r kv.Reader, e *ledger.Elements) error {
	b, ok, err := r.Get(nil, keyHead)
	if err != nil {
		return err
	}
	head, err := readHead(b)
	if !ok || err != nil {
		return fmt.Errorf("%w: head: %w", ErrCorrupt, err)
	}
	sum := e.Sum()
	if sum != head.State {
		return fmt.Errorf("%w: the state of commit %d does not add up to its hash", ErrCorrupt, head.Index)
	}
	return nil
}
