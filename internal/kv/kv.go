// Package kv is the house's ordered key-value store: byte keys, atomic batches, consistent
// snapshots. It is a narrow interface over two engines, and the only package that knows them, so
// another engine is a change of this package alone. A buffer in memory stands before
// either of them. Pebble is the engine of a node; Plain is
// small, single-threaded and the same in every run, which is what a simulation needs.
//
// Everything that an engine writes to disk carries a checksum that is verified when it is read;
// damage makes the read or the opening fail, it is never served.
package kv

import (
	"fmt"
	"io"
)

// An Engine is a way to keep the pairs on disk. Folders of one are not read by the other.
type Engine uint8

// The engines.
const (
	Pebble Engine = iota // a log-structured merge tree with caches and goroutines of its own
	Plain                // all pairs in memory and one file of batches; see plain.go
)

// Options bound what a store takes from its process. The zero value is for a small node.
type Options struct {
	Engine        Engine
	CacheBytes    int64  // of blocks read from disk; default 32 MiB; Pebble only
	MemtableBytes uint64 // buffered before a table is written; default 4 MiB, at most two such buffers; Pebble only

	// Growing, if it is not 0, is a first byte under which keys are set in their order, each once, and
	// above which there are none. Pebble then keeps such pairs in files of their own, so that
	// merging the others does not write them again.
	Growing byte

	// Buffer, if it is set, collects batches in memory. Then the engine keeps no log of its own:
	// whoever commits has one. Without it the engine gets each batch at once.
	Buffer *Buffer

	// Fatal is told when the engine cannot go on, for instance because the disk refuses its
	// manifest. It must not return: the process ends and starting again is the recovery. The
	// default panics.
	Fatal func(error)
}

const (
	defaultCache    = 32 << 20
	defaultMemtable = 4 << 20
)

// An engine is what stands behind a DB. Its methods may be called by many goroutines; a visitor
// may call them too, and sees the state that was there when the scan began.
type engine interface {
	reads
	snapshot() fixedState
	batch(bytes int) changes
	flush() error
	diskBytes() uint64
	close() error
}

type reads interface {
	get(dst, key []byte) (value []byte, ok bool, err error)
	has(key []byte) (bool, error)
	scan(lower, upper []byte, back bool, fn visit) error // a bound of nil is none
}

type visit = func(key, value []byte) (more bool, err error)

type fixedState interface {
	reads
	close() error
}

// changes are a batch. Misuse panics; commit and drop end it.
type changes interface {
	set(key, value []byte)
	append(key, tail []byte)
	delete(key []byte)
	bytes() int
	commit(sync bool) error
	drop()
}

// A DB is an open store. Its methods may be called by many goroutines.
type DB struct {
	engine engine
	below  engine // the engine itself, without the buffer
}

// Open opens the store in dir, and makes it if there is none.
func Open(fs FS, dir string, o Options) (*DB, error) {
	if o.CacheBytes == 0 {
		o.CacheBytes = defaultCache
	}
	if o.MemtableBytes == 0 {
		o.MemtableBytes = defaultMemtable
	}
	if o.Fatal == nil {
		o.Fatal = func(err error) { panic(err) }
	}
	start := openPebble
	if o.Engine == Plain {
		start = openPlain
	}
	e, err := start(fs, dir, o)
	if err != nil {
		return nil, fmt.Errorf("open key-value store %s: %w", dir, err)
	}
	if o.Buffer == nil {
		return &DB{engine: e, below: e}, nil
	}
	return &DB{engine: newBuffered(e, *o.Buffer), below: e}, nil
}

// Close ends all use of the store. What was committed without sync is on disk afterwards.
func (d *DB) Close() error { return d.engine.close() }

// Flush makes everything committed so far durable.
func (d *DB) Flush() error { return d.engine.flush() }

// Fold begins to make everything committed so far durable, and does not wait for it if the buffer folds
// in the background.
func (d *DB) Fold() error {
	if b, ok := d.engine.(*buffered); ok {
		return b.beginFold()
	}
	return d.engine.flush()
}

// DiskBytes is what the store takes on disk, the log of its own included.
func (d *DB) DiskBytes() uint64 { return d.engine.diskBytes() }

// A Reader reads either the newest state (a DB) or a fixed one (a Snapshot).
type Reader interface {
	// Get appends the value of key to dst.
	Get(dst, key []byte) (value []byte, ok bool, err error)
	Has(key []byte) (bool, error)
	// Ascend calls fn for each pair with lower ≤ key < upper in order until fn says stop. Key
	// and value are valid during the call only and must not be changed.
	Ascend(lower, upper []byte, fn func(key, value []byte) (more bool, err error)) error
	// Descend is Ascend from the end.
	Descend(lower, upper []byte, fn func(key, value []byte) (more bool, err error)) error
}

// Get implements Reader on the newest state.
func (d *DB) Get(dst, key []byte) ([]byte, bool, error) { return d.engine.get(dst, key) }

// GetYoung is Get for a key that was never set before elder, which is set once. While elder is so new
// that only the buffer has it, the engine need not be asked.
func (d *DB) GetYoung(dst, key, elder []byte) ([]byte, bool, error) {
	if b, ok := d.engine.(*buffered); ok {
		return b.getYoung(dst, key, elder)
	}
	return d.engine.get(dst, key)
}

// Has reports whether the newest state holds key.
func (d *DB) Has(key []byte) (bool, error) { return d.engine.has(key) }

// Ascend implements Reader on the state at the call.
func (d *DB) Ascend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return d.engine.scan(lower, upper, false, fn)
}

// Descend implements Reader on the state at the call.
func (d *DB) Descend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return d.engine.scan(lower, upper, true, fn)
}

// DescendFolded is Descend over what the engine below the buffer has: at least all that was there
// when the store was opened, and perhaps not the newest batches.
func (d *DB) DescendFolded(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return d.below.scan(lower, upper, true, fn)
}

// A Snapshot is the state at one moment: each batch is in it whole or not at all. It must be closed.
type Snapshot struct {
	state fixedState
}

// Snapshot fixes the present state. It costs about a microsecond and no copy, but with a buffer a fold.
func (d *DB) Snapshot() *Snapshot { return &Snapshot{d.engine.snapshot()} }

// Close releases the snapshot; until then old values are kept.
func (s *Snapshot) Close() error { return s.state.close() }

// Get implements Reader.
func (s *Snapshot) Get(dst, key []byte) ([]byte, bool, error) { return s.state.get(dst, key) }

// Has implements Reader.
func (s *Snapshot) Has(key []byte) (bool, error) { return s.state.has(key) }

// Ascend implements Reader.
func (s *Snapshot) Ascend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return s.state.scan(lower, upper, false, fn)
}

// Descend implements Reader.
func (s *Snapshot) Descend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return s.state.scan(lower, upper, true, fn)
}

// A Batch collects changes that become visible and durable together or not at all.
type Batch struct {
	changes changes
}

// NewBatch starts an empty batch.
func (d *DB) NewBatch() *Batch { return d.NewBatchSize(0) }

// NewBatchSize starts an empty batch with room for bytes of keys and values.
func (d *DB) NewBatchSize(bytes int) *Batch { return &Batch{d.engine.batch(bytes)} }

// Set sets key to value; both are copied. The key must not be empty.
func (b *Batch) Set(key, value []byte) {
	checkKey(key)
	b.changes.set(key, value)
}

// Append appends tail to whatever value key has, without reading it. The key must not be empty.
func (b *Batch) Append(key, tail []byte) {
	checkKey(key)
	b.changes.append(key, tail)
}

// AppendYoung is Append for a key that was never set before elder, which is set once, see
// DB.GetYoung. Elder is at most 255 bytes long.
func (b *Batch) AppendYoung(key, tail, elder []byte) {
	checkKey(key)
	if young, ok := b.changes.(*bufferedBatch); ok {
		young.appendYoung(key, tail, elder)
		return
	}
	b.changes.append(key, tail)
}

// Delete removes key, which must not be empty.
func (b *Batch) Delete(key []byte) {
	checkKey(key)
	b.changes.delete(key)
}

// checkKey refuses the one key that Pebble takes into its log and then panics at, whenever it
// writes a table of it, even of its deletion: the folder could not be opened any more.
func checkKey(key []byte) {
	if len(key) == 0 {
		panic("kv: empty key")
	}
}

// Bytes is the size of the batch so far.
func (b *Batch) Bytes() int { return b.changes.bytes() }

// Commit applies the batch; with sync it is durable when Commit returns, and so is every batch
// before it. The batch cannot be used again.
func (b *Batch) Commit(sync bool) error {
	if err := b.changes.commit(sync); err != nil {
		return fmt.Errorf("commit batch: %w", err)
	}
	return nil
}

// CommitApart makes the batch durable now and leaves those before it to themselves. Its keys must
// never be in a batch that is committed in another way and not yet durable. The batch cannot be
// used again.
func (b *Batch) CommitApart() (err error) {
	if apart, ok := b.changes.(*bufferedBatch); ok {
		err = apart.commitApart()
	} else {
		err = b.changes.commit(true)
	}
	if err != nil {
		return fmt.Errorf("commit batch apart: %w", err)
	}
	return nil
}

// Drop gives the batch up.
func (b *Batch) Drop() { b.changes.drop() }

// After returns the smallest key above every key that starts with prefix, or nil if there is none.
func After(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] != 0xff {
			up := append([]byte(nil), prefix[:i+1]...)
			up[i]++
			return up
		}
	}
	return nil
}

var (
	_ Reader    = (*DB)(nil)
	_ Reader    = (*Snapshot)(nil)
	_ io.Closer = (*Snapshot)(nil)
)
