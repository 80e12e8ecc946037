package store

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// System rows are few and read at every commit, so all are in memory, as the assets are. A view
// that is open keeps what changes. [STO-20]

// system writes the rows that a commit changed, and the transactions that the ledger itself made.
func (p *putter) system(d *ledger.Diff) error {
	for i := range d.System {
		row := &d.System[i]
		p.key = append(append(p.key[:0], tableSystem), row.Key...)
		if row.Value == nil {
			p.batch.Delete(p.key)
			continue
		}
		p.batch.Set(p.key, row.Value)
	}
	for _, raw := range d.Issued {
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(raw); err != nil {
			return fmt.Errorf("%w: issues what is no transaction: %w", errDiff, err)
		}
		hash := tx.Hash()
		if !slices.ContainsFunc(d.Receipts, func(r kernel.Receipt) bool { return r.Transaction == hash && r.Snapshot.IsZero() }) {
			return fmt.Errorf("%w: issues %s without a receipt of its own", errDiff, hash)
		}
		p.batch.Set(key32(tableIssued, (*[32]byte)(&hash)), raw)
	}
	return nil
}

// readSystem checks what the codec cannot: there is no empty row.
func readSystem(b []byte) ([]byte, error) {
	r := codec.NewReader(b)
	if len(b) == 0 || len(b) > ledger.MaxSystemValue {
		r.Fail(codec.BadValue, "system row")
		return nil, r.Err()
	}
	return bytes.Clone(b), nil
}

// scanSystem calls fn for every system row, by key.
func scanSystem(r kv.Reader, fn func(key string, value []byte) error) error {
	lower := []byte{tableSystem}
	return r.Ascend(lower, kv.After(lower), func(key, b []byte) (bool, error) {
		value, err := readSystem(b)
		if err != nil || len(key) == 1 || len(key) > 1+ledger.MaxSystemKey {
			return false, fmt.Errorf("%w: system row %q: %w", ErrCorrupt, key[1:], err)
		}
		return true, fn(string(key[1:]), value)
	})
}

func loadSystem(db *kv.DB) (map[string][]byte, error) {
	rows := make(map[string][]byte)
	return rows, scanSystem(db, func(key string, value []byte) error {
		rows[key] = value
		return nil
	})
}

// advanceSystem moves the rows in memory. The lock of views is held.
func (s *Store) advanceSystem(d *ledger.Diff) {
	for i := range d.System {
		row := &d.System[i]
		for v := range s.views.open {
			v.keepSystem(row.Key)
		}
		if row.Value == nil {
			delete(s.views.system, row.Key)
			continue
		}
		s.views.system[row.Key] = row.Value
	}
}

// keepSystem remembers a row that is about to change. The store's lock of views is held.
func (v *View) keepSystem(key string) {
	if _, known := v.oldSystem[key]; known {
		return
	}
	if v.oldSystem == nil {
		v.oldSystem = make(map[string][]byte)
	}
	v.oldSystem[key] = v.store.views.system[key]
}

// System implements ledger.View.
func (v *View) System(key string) ([]byte, bool) {
	v.store.views.Lock()
	defer v.store.views.Unlock()
	value, changed := v.oldSystem[key]
	if !changed {
		value = v.store.views.system[key]
	}
	return value, value != nil
}

// SystemRows returns all system rows, ordered by key. Their values must not be changed.
func (v *View) SystemRows() (rows []ledger.SystemRow) {
	v.store.views.Lock()
	for key, value := range v.store.views.system {
		if _, changed := v.oldSystem[key]; !changed {
			rows = append(rows, ledger.SystemRow{Key: key, Value: value})
		}
	}
	for key, value := range v.oldSystem {
		if value != nil {
			rows = append(rows, ledger.SystemRow{Key: key, Value: value})
		}
	}
	v.store.views.Unlock()
	slices.SortFunc(rows, func(x, y ledger.SystemRow) int { return strings.Compare(x.Key, y.Key) })
	return rows
}

// SystemAfter implements ledger.Rows: it reads the disk, so that looking through many rows holds nobody up.
func (v *View) SystemAfter(prefix, after string, fn func(key string, value []byte) bool) {
	lower := append([]byte{tableSystem}, max(prefix, after)...)
	err := v.store.db.Ascend(lower, kv.After(append([]byte{tableSystem}, prefix...)), func(key, b []byte) (bool, error) {
		value, err := readSystem(b)
		if name := string(key[1:]); err == nil && name > after {
			return fn(name, value), nil
		}
		return err == nil, err
	})
	if err != nil {
		v.store.options.Fatal(fmt.Errorf("store: %w", err))
	}
}

// issued returns the bytes of a transaction that the ledger made itself.
func (s *Store) issued(r kv.Reader, hash kernel.TxHash) ([]byte, bool) {
	return lookup(s, r, key32(tableIssued, (*[32]byte)(&hash)), func(b []byte) ([]byte, error) { return b, nil })
}

// ownBytes demands that what no snapshot brought has its bytes.
func (c *counting) ownBytes(hash kernel.TxHash) error {
	raw, ok := c.store.issued(c.reader, hash)
	var tx kernel.Transaction
	if !ok || tx.UnmarshalBinary(raw) != nil || tx.Hash() != hash {
		return fmt.Errorf("%w: transaction %s came with no snapshot and its bytes are missing or another's", ErrCorrupt, hash)
	}
	return nil
}
