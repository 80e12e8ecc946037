package store

import (
	"encoding/binary"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// scanOutputs calls fn for every output in the order of creation, with its spend.
func (s *Store) scanOutputs(r kv.Reader, fn func(kernel.OutputRef, ledger.Output) error) error {
	return s.scanRows(r, func(x *scanned) error {
		for i := range x.outputs {
			if err := fn(x.outputs[i].Ref, x.outputs[i].Output); err != nil {
				return err
			}
		}
		return nil
	})
}

// A scanned is a row of a transaction with its outputs.
type scanned struct {
	number
	row
	outputs []ledger.CreatedOutput // spends included
}

// portion is how many rows are read before their spends.
const portion = 1024

// scanRows calls fn for every row of every transaction that has a receipt, by number. It demands
// that the numbers have no gaps, that each head is followed by the parts it speaks of, and that
// what is spent was there.
func (s *Store) scanRows(r kv.Reader, fn func(*scanned) error) error {
	var before follower
	for next := number(0); ; {
		list, err := s.readPortion(r, next)
		if err != nil {
			return err
		}
		if err := s.readSpends(r, next, list); err != nil {
			return err
		}
		for i := range list {
			if err := before.follow(&list[i]); err != nil {
				return err
			}
			if err := fn(&list[i]); err != nil {
				return err
			}
		}
		if next += number(len(list)); len(list) < portion {
			return before.end()
		}
	}
}

// A follower checks that the rows of a transaction are together. The zero follower is before the
// first row.
type follower struct {
	row
	left number // parts that must come
}

func (f *follower) follow(x *scanned) error {
	if f.left == 0 {
		if x.part != 0 {
			return fmt.Errorf("%w: transaction %d: %w", ErrCorrupt, x.number, errNoHead)
		}
		f.row, f.left = x.row, x.more
		return nil
	}
	if want := f.more - f.left + 1; x.part != want || x.hash != f.hash || x.commit != f.commit {
		return fmt.Errorf("%w: row %d is not part %d of transaction %s", ErrCorrupt, x.number, want, f.hash)
	}
	if f.left--; f.left == 0 && len(x.outputs) == 0 {
		return fmt.Errorf("%w: the last part of transaction %s is empty", ErrCorrupt, f.hash)
	}
	return nil
}

func (f *follower) end() error {
	if f.left > 0 {
		return fmt.Errorf("%w: transaction %s lacks %d parts", ErrCorrupt, f.hash, f.left)
	}
	return nil
}

// upTo is a bound for scans of a table by number, above n.
func upTo(table byte, n number) []byte { return appendNumberKey(nil, table, n) }

func (s *Store) readPortion(r kv.Reader, next number) (list []scanned, err error) {
	err = r.Ascend(appendNumberKey(nil, tableTransaction, next), kv.After([]byte{tableTransaction}), func(key, value []byte) (bool, error) {
		if len(key) != 9 || number(binary.BigEndian.Uint64(key[1:])) != next+number(len(list)) {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		x := scanned{number: next + number(len(list)), row: readRow(codec.NewReader(value))}
		for x.left > 0 && !x.reader.Failed() {
			o := x.output()
			x.outputs = append(x.outputs, ledger.CreatedOutput{
				Ref:    kernel.OutputRef{Hash: x.hash, Index: uint16(o.index)},
				Output: o.full(s.assets.id(o.asset), x.commit),
			})
		}
		if err := x.reader.Done(); err != nil {
			return false, corrupt(key, err)
		}
		list = append(list, x)
		return len(list) < portion, nil
	})
	return list, err
}

// readSpends enters the spends of the outputs in rows from first on.
func (s *Store) readSpends(r kv.Reader, first number, list []scanned) error {
	upper := kv.After([]byte{tableSpend})
	if len(list) == portion {
		upper = upTo(tableSpend, first+portion)
	}
	c := new(scratch)
	return r.Ascend(upTo(tableSpend, first), upper, func(key, value []byte) (bool, error) {
		if len(key) != 11 {
			return false, fmt.Errorf("%w: key %x", ErrCorrupt, key)
		}
		by, err := readSingleNumber(value)
		if err != nil {
			return false, corrupt(key, err)
		}
		o := outputOf(list, number(binary.BigEndian.Uint64(key[1:]))-first, binary.BigEndian.Uint16(key[9:]))
		if o == nil {
			return false, fmt.Errorf("%w: key %x: an output that is not there is spent", ErrCorrupt, key)
		}
		x, err := c.fetch(r, by)
		o.SpentBy, o.SpentAt = x.hash, x.commit
		return true, err
	})
}

func outputOf(list []scanned, at number, index uint16) *ledger.Output {
	if at >= number(len(list)) {
		return nil
	}
	for i := range list[at].outputs {
		if o := &list[at].outputs[i]; o.Ref.Index == index {
			return &o.Output
		}
	}
	return nil
}
