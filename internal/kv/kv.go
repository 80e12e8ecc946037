// Package kv is the house's ordered key-value store: byte keys, atomic batches, consistent
// snapshots. It is a narrow wrapper over Pebble, and the only package that knows it, so
// another engine is a change of this package alone.
//
// Every block that the engine writes to disk carries a checksum that is verified on each read;
// a damaged block makes the read fail, it is never served.
package kv

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// format is the on-disk format of the engine. It is pinned, so that a newer library does not
// make folders that the release before cannot open.
const format = pebble.FormatTableFormatV6

// Options bound what a store takes from its process. The zero value is for a small node.
type Options struct {
	CacheBytes    int64  // of blocks read from disk; default 16 MiB
	MemtableBytes uint64 // buffered before a table is written; default 4 MiB, at most two such buffers

	// Fatal is told when the engine cannot go on, for instance because the disk refuses its
	// manifest. It must not return: the process ends and starting again is the recovery. The
	// default panics.
	Fatal func(error)
}

const (
	defaultCache    = 16 << 20
	defaultMemtable = 4 << 20
)

// A DB is an open store. Its methods may be called by many goroutines.
type DB struct {
	engine *pebble.DB
	fatal  func(error)
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
	guard := &guardedFS{FS: fs, fatal: o.Fatal}
	po := &pebble.Options{
		FS:                         guard,
		CacheSize:                  o.CacheBytes,
		MemTableSize:               o.MemtableBytes,
		FormatMajorVersion:         format,
		Logger:                     logger{o.Fatal},
		MaxOpenFiles:               512,
		CompactionConcurrencyRange: func() (int, int) { return 1, 2 },
	}
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // bits per key: 1 % false positives
	}
	engine, err := openEngine(dir, po, guard)
	if err != nil {
		return nil, fmt.Errorf("open key-value store %s: %w", dir, err)
	}
	guard.opened.Store(true)
	return &DB{engine: engine, fatal: o.Fatal}, nil
}

// logger drops the engine's chatter and passes on what it cannot survive.
type logger struct{ fatal func(error) }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}
func (l logger) Fatalf(text string, args ...any) {
	l.fatal(fmt.Errorf("key-value store: "+text, args...))
	panic("kv: Options.Fatal returned")
}

// Close ends all use of the store. What was committed without sync is on disk afterwards.
func (d *DB) Close() error { return d.engine.Close() }

// Flush makes everything committed so far durable.
func (d *DB) Flush() error { return d.engine.LogData(nil, pebble.Sync) }

// DiskBytes is what the store takes on disk, the log of its own included.
func (d *DB) DiskBytes() uint64 { return d.engine.Metrics().DiskSpaceUsage() }

// A Reader reads either the newest state (a DB) or a fixed one (a Snapshot).
type Reader interface {
	// Get appends the value of key to dst.
	Get(dst, key []byte) (value []byte, ok bool, err error)
	Has(key []byte) (bool, error)
	// Ascend calls fn for each pair with lower ≤ key < upper in order until fn says stop. Key
	// and value are valid during the call only.
	Ascend(lower, upper []byte, fn func(key, value []byte) (more bool, err error)) error
	// Descend is Ascend from the end.
	Descend(lower, upper []byte, fn func(key, value []byte) (more bool, err error)) error
}

// Get implements Reader on the newest state.
func (d *DB) Get(dst, key []byte) ([]byte, bool, error) { return get(d.engine, dst, key) }

// Has reports whether the newest state holds key.
func (d *DB) Has(key []byte) (bool, error) { return has(d.engine, key) }

// Ascend implements Reader on the state at the call.
func (d *DB) Ascend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return scan(d.engine, lower, upper, false, fn)
}

// Descend implements Reader on the state at the call.
func (d *DB) Descend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return scan(d.engine, lower, upper, true, fn)
}

// A Snapshot is the state at one moment: each batch is in it whole or not at all. It must be closed.
type Snapshot struct {
	engine *pebble.Snapshot
}

// Snapshot fixes the present state. It costs about a microsecond and no copy.
func (d *DB) Snapshot() *Snapshot { return &Snapshot{engine: d.engine.NewSnapshot()} }

// Close releases the snapshot; until then old values are kept on disk.
func (s *Snapshot) Close() error { return s.engine.Close() }

// Get implements Reader.
func (s *Snapshot) Get(dst, key []byte) ([]byte, bool, error) { return get(s.engine, dst, key) }

// Has implements Reader.
func (s *Snapshot) Has(key []byte) (bool, error) { return has(s.engine, key) }

// Ascend implements Reader.
func (s *Snapshot) Ascend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return scan(s.engine, lower, upper, false, fn)
}

// Descend implements Reader.
func (s *Snapshot) Descend(lower, upper []byte, fn func(key, value []byte) (bool, error)) error {
	return scan(s.engine, lower, upper, true, fn)
}

func get(r pebble.Reader, dst, key []byte) ([]byte, bool, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return dst, false, nil
	}
	if err != nil {
		return dst, false, fmt.Errorf("read key: %w", err)
	}
	dst = append(dst, value...)
	return dst, true, closer.Close()
}

func has(r pebble.Reader, key []byte) (bool, error) {
	_, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read key: %w", err)
	}
	return true, closer.Close()
}

func scan(r pebble.Reader, lower, upper []byte, back bool, fn func(key, value []byte) (bool, error)) (err error) {
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return fmt.Errorf("scan keys: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	first, next := it.First, it.Next
	if back {
		first, next = it.Last, it.Prev
	}
	for ok := first(); ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("scan keys: %w", err)
		}
		if more, err := fn(it.Key(), value); err != nil || !more {
			return err
		}
	}
	return nil
}

// A Batch collects changes that become visible and durable together or not at all.
type Batch struct {
	engine *pebble.Batch
	fatal  func(error)
}

// NewBatch starts an empty batch.
func (d *DB) NewBatch() *Batch { return &Batch{engine: d.engine.NewBatch(), fatal: d.fatal} }

// NewBatchSize starts an empty batch with room for bytes of keys and values.
func (d *DB) NewBatchSize(bytes int) *Batch {
	return &Batch{engine: d.engine.NewBatchWithSize(bytes), fatal: d.fatal}
}

// Set sets key to value; both are copied.
func (b *Batch) Set(key, value []byte) { must(b.engine.Set(key, value, nil)) }

// Append appends tail to whatever value key has, without reading it.
func (b *Batch) Append(key, tail []byte) { must(b.engine.Merge(key, tail, nil)) }

// Delete removes key.
func (b *Batch) Delete(key []byte) { must(b.engine.Delete(key, nil)) }

// DeleteRange removes every key with lower ≤ key < upper.
func (b *Batch) DeleteRange(lower, upper []byte) { must(b.engine.DeleteRange(lower, upper, nil)) }

// Bytes is the size of the batch so far.
func (b *Batch) Bytes() int { return b.engine.Len() }

// must turns the errors that only misuse of a batch can bring into panics.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("kv: %w", err))
	}
}

// Commit applies the batch; with sync it is durable when Commit returns, and so is every batch
// before it. The batch cannot be used again.
func (b *Batch) Commit(sync bool) error {
	defer func() {
		if p := recover(); p != nil { // the engine's way to say that it cannot write its own log
			b.fatal(fmt.Errorf("commit batch: %v", p))
			panic(p)
		}
	}()
	o := pebble.NoSync
	if sync {
		o = pebble.Sync
	}
	if err := b.engine.Commit(o); err != nil {
		return fmt.Errorf("commit batch: %w", err)
	}
	return b.engine.Close()
}

// Drop gives the batch up.
func (b *Batch) Drop() { _ = b.engine.Close() }

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
