package store

import (
	"errors"
	"fmt"
	"sync"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Lookups of the state. They read from r, the newest rows or a fixed state, and end the process
// if they cannot.

// A scratch holds what a lookup reads, so that one costs no allocation.
type scratch struct {
	key, list, row []byte
	reader         codec.Reader
}

var scratches = sync.Pool{New: func() any {
	return &scratch{key: make([]byte, 0, maxKey), list: make([]byte, 0, 64), row: make([]byte, 0, 512)}
}}

// candidates calls fn for each transaction that a fingerprint may stand for, in their order, until
// fn says stop. The row is valid during the call.
func (s *Store) candidates(r kv.Reader, table byte, print [fingerprintSize]byte, fn func(n number, x *row) (more bool)) {
	c := scratches.Get().(*scratch)
	defer scratches.Put(c)
	if err := c.candidates(r, table, print, fn); err != nil {
		s.options.Fatal(fmt.Errorf("store: %w", err))
	}
}

func (c *scratch) candidates(r kv.Reader, table byte, print [fingerprintSize]byte, fn func(n number, x *row) bool) error {
	return c.parts(r, table, print, 0, func(n number, x *row) (bool, error) {
		if table == tableHash && x.part != 0 {
			return false, errNoHead
		}
		return fn(n, x), nil
	})
}

var errNoHead = errors.New("row is not the head of a transaction")

// parts calls fn for the rows that stand so many parts behind those that a fingerprint leads to:
// with part 0 for those, and only they must be there.
func (c *scratch) parts(r kv.Reader, table byte, print [fingerprintSize]byte, part number, fn func(n number, x *row) (bool, error)) error {
	c.key = append(append(c.key[:0], table), print[:]...)
	var ok bool
	var err error
	if c.list, ok, err = r.Get(c.list[:0], c.key); err != nil || !ok {
		return err
	}
	if err := checkNumbers(c.list); err != nil {
		return corrupt(c.key, err)
	}
	for list := c.list; len(list) > 0; list = list[numberSize:] {
		n := decodeNumber(list) + part
		x, there, err := c.look(r, n)
		if err != nil {
			return err
		}
		if !there {
			if part == 0 {
				return missing(n)
			}
			continue
		}
		more, err := fn(n, &x)
		if err == nil {
			err = c.reader.Err()
		}
		if err != nil {
			return corrupt(c.key, err)
		}
		if !more {
			break
		}
	}
	return nil
}

func missing(n number) error { return fmt.Errorf("%w: transaction %d is missing", ErrCorrupt, n) }

// look reads the row of a number.
func (c *scratch) look(r kv.Reader, n number) (x row, ok bool, err error) {
	c.key = appendNumberKey(c.key[:0], tableTransaction, n)
	if c.row, ok, err = r.Get(c.row[:0], c.key); err != nil || !ok {
		return x, false, err
	}
	c.reader = *codec.NewReader(c.row)
	x = readRow(&c.reader)
	if err := c.reader.Err(); err != nil {
		return x, false, corrupt(c.key, err)
	}
	return x, true, nil
}

// fetch reads the row of a transaction's number; there must be one, and it is a head.
func (c *scratch) fetch(r kv.Reader, n number) (x row, err error) {
	x, ok, err := c.look(r, n)
	switch {
	case err != nil:
		return x, err
	case !ok:
		return x, missing(n)
	case x.part != 0:
		return x, corrupt(c.key, errNoHead)
	}
	return x, nil
}

// found reads the row of a number, which there must be.
func (c *scratch) found(r kv.Reader, n number) (x row, err error) {
	x, ok, err := c.look(r, n)
	if err == nil && !ok {
		err = missing(n)
	}
	return x, err
}

// young reads the row at c.key, which is younger than the row of a number.
func (c *scratch) young(r kv.Reader, elder number) ([]byte, bool, error) {
	db, ok := r.(*kv.DB)
	if !ok {
		return r.Get(c.list[:0], c.key)
	}
	c.row = appendNumberKey(c.row[:0], tableTransaction, elder)
	return db.GetYoung(c.list[:0], c.key, c.row)
}

func hashPrint(h *kernel.TxHash) [fingerprintSize]byte { return [fingerprintSize]byte(h[:]) }

// numberOf returns the number of a transaction that has a receipt.
func (s *Store) numberOf(r kv.Reader, hash kernel.TxHash) (found number, ok bool) {
	s.candidates(r, tableHash, hashPrint(&hash), func(n number, x *row) bool {
		found, ok = n, x.hash == hash
		return !ok
	})
	return found, ok
}

// ownerOf says which transaction has a number.
func (s *Store) ownerOf(r kv.Reader, n number) ledger.Owner {
	c := scratches.Get().(*scratch)
	defer scratches.Put(c)
	x, err := c.fetch(r, n)
	if err != nil {
		s.options.Fatal(fmt.Errorf("store: %w", err))
	}
	return ledger.Owner{Transaction: x.hash, Commit: x.commit}
}

func (s *Store) findReceipt(r kv.Reader, hash kernel.TxHash) (receipt kernel.Receipt, ok bool) {
	var placed bool
	var position uint64
	s.candidates(r, tableHash, hashPrint(&hash), func(_ number, x *row) bool {
		if ok = x.hash == hash; ok {
			receipt, placed, position = x.receipt(), x.placed, x.position
		}
		return !ok
	})
	if placed {
		receipt.Snapshot = s.snapshotAt(r, position)
	}
	return receipt, ok
}

// snapshotAt returns the snapshot at a position that there must be.
func (s *Store) snapshotAt(r kv.Reader, position uint64) kernel.SnapshotID {
	id, ok := lookup(s, r, key64(tablePosition, position), readID[kernel.SnapshotID])
	if !ok {
		s.options.Fatal(fmt.Errorf("store: %w: position %d is missing", ErrCorrupt, position))
	}
	return id
}

// findOutput returns an output of the newest state. Its slices are shared and must not be changed.
func (s *Store) findOutput(ref kernel.OutputRef) (o ledger.Output, ok bool) {
	c := scratches.Get().(*scratch)
	defer scratches.Put(c)
	o, ok, known, err := c.recent(s, &ref)
	if known && err == nil {
		return o, ok
	}
	k := s.found.get(ref)
	if k == nil && err == nil {
		if k, err = c.output(s, s.db, ref); k != nil {
			s.found.put(k)
		}
	}
	if k != nil && err == nil {
		o, ok = k.output, true
		o.SpentBy, o.SpentAt, err = c.spend(s.db, k.row, ref.Index)
	}
	if err != nil {
		s.options.Fatal(fmt.Errorf("store: %w", err))
	}
	return o, ok
}

// output reads an output but for its spend; nil if there is none. It stands in a part of the rows of
// whichever transaction has its hash; so many numbers on there may be a row of another one, or none.
func (c *scratch) output(s *Store, r kv.Reader, ref kernel.OutputRef) (found *foundOutput, err error) {
	part := partOf(ref.Index)
	err = c.parts(r, tableHash, hashPrint(&ref.Hash), part, func(n number, x *row) (more bool, _ error) {
		if x.hash != ref.Hash || x.part != part {
			return true, nil
		}
		if out, ok := x.outputAt(ref.Index); ok {
			found = &foundOutput{ref, n, out.full(s.assets.id(out.asset), x.commit)}
		}
		return false, nil
	})
	return found, err
}

// recent reads an output from the rows of the newest commits; not known if there is no such row. What
// is marked there was spent, or a commit that fails was about to.
func (c *scratch) recent(s *Store, ref *kernel.OutputRef) (o ledger.Output, ok, known bool, err error) {
	var n number
	var marked bool
	if c.row, n, marked, known = s.recent.find(c.row[:0], ref); !known {
		return o, false, false, nil
	}
	c.reader = *codec.NewReader(c.row)
	x := readRow(&c.reader)
	out, ok := x.outputAt(ref.Index)
	if !ok {
		return o, false, true, c.reader.Err()
	}
	o = out.full(s.assets.id(out.asset), x.commit)
	if marked {
		o.SpentBy, o.SpentAt, err = c.spend(s.db, n, ref.Index)
	}
	return o, true, true, err
}

// spend reads who spent an output.
func (c *scratch) spend(r kv.Reader, row number, index uint16) (by kernel.TxHash, at kernel.CommitIndex, err error) {
	c.key = appendSpendKey(c.key[:0], row, index)
	list, spent, err := c.young(r, row)
	if err != nil || !spent {
		return by, 0, err
	}
	n, err := readSingleNumber(list)
	if err != nil {
		return by, 0, corrupt(c.key, err)
	}
	x, err := c.fetch(r, n)
	return x.hash, x.commit, err
}

// rowOf returns the number of the row of an output that there must be; not ok if there is none of
// its transaction.
func (s *Store) rowOf(ref kernel.OutputRef) (n number, ok bool) {
	if k := s.found.get(ref); k != nil {
		return k.row, true
	}
	n, ok = s.numberOf(s.db, ref.Hash)
	return n + partOf(ref.Index), ok
}

// findGhostKey finds who used a one-time key first. Print is its fingerprint.
func (s *Store) findGhostKey(r kv.Reader, key kernel.Key, print [fingerprintSize]byte) (owner ledger.Owner, ok bool) {
	s.candidates(r, tableGhost, print, func(_ number, x *row) bool {
		for x.left > 0 && !x.reader.Failed() {
			if o := x.output(); o.hasKey(&key) {
				owner, ok = ledger.Owner{Transaction: x.hash, Commit: x.commit}, true
				return false
			}
		}
		return true
	})
	return owner, ok
}

// rowToSpend is rowOf for the commit that spends the output.
func (s *Store) rowToSpend(ref kernel.OutputRef) (n number, ok bool) {
	if n, ok = s.recent.spend(&ref); ok {
		return n, true
	}
	return s.rowOf(ref)
}

func (s *Store) findIdentity(r kv.Reader, h kernel.Hash) (owner ledger.Owner, ok bool) {
	n, ok := lookup(s, r, key32(tableIdentity, (*[32]byte)(&h)), readSingleNumber)
	if !ok {
		return owner, false
	}
	return s.ownerOf(r, n), true
}

// lookup reads and decodes one value. Failing to read state ends the process.
func lookup[T any](s *Store, r kv.Reader, key []byte, decode func([]byte) (T, error)) (v T, ok bool) {
	b, ok, err := r.Get(nil, key)
	if err == nil && ok {
		if v, err = decode(b); err != nil {
			err = corrupt(key, err)
		}
	}
	if err != nil {
		s.options.Fatal(fmt.Errorf("store: %w", err))
	}
	return v, ok
}
