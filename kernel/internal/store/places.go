package store

import (
	"encoding/binary"
	"fmt"
	"sort"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// Places of receipts and outputs in the trees of a checkpoint. A row says where it begins; rows of
// folders that are older than places have theirs in a table beside. [STO-22]

func readPlacesRow(b []byte) (at places, err error) {
	r := codec.NewReader(b)
	at = readPlaces(r)
	return at, r.Done()
}

// placesOf returns where a row begins.
func (c *scratch) placesOf(r kv.Reader, n number, x *row) (places, error) {
	if x.counted {
		return x.at, nil
	}
	key := appendNumberKey(nil, tablePlaces, n)
	b, ok, err := r.Get(nil, key)
	if err != nil {
		return places{}, err
	}
	if !ok {
		return places{}, fmt.Errorf("%w: row %d has no places", ErrCorrupt, n)
	}
	at, err := readPlacesRow(b)
	if err != nil {
		return at, corrupt(key, err)
	}
	return at, nil
}

// rowAt reads a row that there must be, with its places.
func (c *scratch) rowAt(r kv.Reader, n number) (x row, at places, err error) {
	x, ok, err := c.look(r, n)
	if err == nil && !ok {
		err = missing(n)
	}
	if err != nil {
		return x, at, err
	}
	at, err = c.placesOf(r, n, &x)
	return x, at, err
}

// lastRow finds the last of the first end rows for which before(places) holds, which must be so for
// row 0 and for all rows up to some number.
func (s *Store) lastRow(r kv.Reader, end number, before func(places) bool) (number, error) {
	c := new(scratch)
	var failed error
	n := sort.Search(int(end), func(i int) bool {
		_, at, err := c.rowAt(r, number(i))
		if err != nil {
			failed = err
			return true
		}
		return !before(at)
	})
	if n == 0 && failed == nil {
		failed = fmt.Errorf("%w: no row has the place", ErrCorrupt)
	}
	return number(n) - 1, failed
}

// receiptRow is the number of the head of the receipt at a place, which lies among the first end rows.
func (s *Store) receiptRow(r kv.Reader, end number, place uint64) (number, error) {
	n, err := s.lastRow(r, end, func(at places) bool { return at.receipts <= place })
	if err != nil {
		return 0, err
	}
	x, ok, err := new(scratch).look(r, n)
	if err != nil || !ok {
		return 0, fmt.Errorf("row %d: %w", n, err)
	}
	return n - x.part, nil
}

// outputRow is the number of the row of the output at a place.
func (s *Store) outputRow(r kv.Reader, end number, place uint64) (number, error) {
	return s.lastRow(r, end, func(at places) bool { return at.outputs <= place })
}

// appendEmptied appends an output that a commit spends: number of its row, and index.
func appendEmptied(b []byte, n number, index uint16) []byte {
	return binary.BigEndian.AppendUint16(appendNumber(b, n), index)
}

const emptiedSize = numberSize + 2

// eachEmptied calls fn for each output of a list.
func eachEmptied(list []byte, fn func(n number, index uint16) error) error {
	if len(list)%emptiedSize != 0 {
		return &codec.Error{Fault: codec.Truncated, Field: "emptied"}
	}
	for ; len(list) > 0; list = list[emptiedSize:] {
		if err := fn(decodeNumber(list), binary.BigEndian.Uint16(list[numberSize:])); err != nil {
			return err
		}
	}
	return nil
}

// placeOf is the place of an output that a row has.
func (c *scratch) placeOf(r kv.Reader, n number, index uint16) (uint64, error) {
	x, at, err := c.rowAt(r, n)
	for place := at.outputs; err == nil && x.left > 0; place++ {
		o := x.output()
		if err = c.reader.Err(); err == nil && o.index == int(index) {
			return place, nil
		}
	}
	if err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("%w: row %d has no output %d", ErrCorrupt, n, index)
}

// readOutputs decodes the outputs of a row, without their spends. The row is used up.
func (x *row) readOutputs(assets *assetNumbers) ([]ledger.CreatedOutput, error) {
	outputs := make([]ledger.CreatedOutput, 0, x.left)
	for x.left > 0 && !x.reader.Failed() {
		o := x.output()
		if x.reader.Failed() {
			break
		}
		outputs = append(outputs, ledger.CreatedOutput{Ref: kernel.OutputRef{Hash: x.hash, Index: uint16(o.index)}, Output: o.full(assets.id(o.asset), x.commit)})
	}
	return outputs, x.reader.Done()
}

// recount is how many rows one batch of countPlaces takes.
const recount = 4096

// countPlaces finds the places of all rows of a folder that is older than places, and returns
// those behind the last. The head's commit gets them last: until then a crash begins it anew.
func (s *Store) countPlaces() (at places, err error) {
	c, b, rows := new(scratch), s.db.NewBatch(), 0
	head := s.head.Load().Index
	for i := kernel.CommitIndex(0); i <= head; i++ {
		judged, err := readMeta(s.db, key64(tableJudged, uint64(i)), readSpan)
		if err != nil {
			return at, err
		}
		for n := judged.first; n < judged.end(); n++ {
			x, ok, err := c.look(s.db, n)
			if err == nil && !ok {
				err = missing(n)
			}
			if err != nil {
				return at, err
			}
			if x.part == 0 {
				at.receipts++
			}
			b.Set(appendNumberKey(nil, tablePlaces, n), appendPlaces(nil, places{at.receipts - 1, at.outputs}))
			at.outputs += uint64(x.left)
			rows++
		}
		judged.counted, judged.after = true, at
		b.Set(key64(tableJudged, uint64(i)), appendSpan(nil, judged))
		if rows++; rows >= recount && i < head {
			if err := b.Commit(false); err != nil {
				return at, err
			}
			b, rows = s.db.NewBatch(), 0
		}
	}
	return at, b.Commit(true)
}
