package kv

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

// format is the on-disk format of Pebble. It is pinned, so that a newer library does not make
// folders that the release before cannot open.
const format = pebble.FormatTableFormatV6

// foldsMerged is how many folds the engine lets come together before it merges them with what is below:
// each merge writes all of that again. Reading gets little slower, for what is not there is known
// without asking and the tables of a fold have filters.
const foldsMerged = 8

type pebbleEngine struct {
	db      *pebble.DB
	options *pebble.Options
	dir     string
	growing byte // see Options
	fatal   func(error)
	closing chan struct{}

	logless    bool
	tableBytes int // see Buffer.TableBytes
}

func openPebble(fs FS, dir string, o Options) (engine, error) {
	if err := checkManifest(fs, dir); err != nil {
		return nil, err
	}
	guard := &guardedFS{FS: fs, fatal: o.Fatal, failed: make(chan error, 1), closing: make(chan struct{})}
	po := &pebble.Options{
		FS:                         guard,
		CacheSize:                  o.CacheBytes,
		MemTableSize:               o.MemtableBytes,
		FormatMajorVersion:         format,
		Logger:                     logger{o.Fatal},
		EventListener:              &pebble.EventListener{BackgroundError: guard.backgroundFailed},
		MaxOpenFiles:               512,
		CompactionConcurrencyRange: guard.compactions,
		L0CompactionThreshold:      2 * foldsMerged,
		L0StopWritesThreshold:      4 * foldsMerged,
		DisableWAL:                 o.Buffer != nil,
	}
	po.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionNone }) // most of it is hashes and keys
	if o.Growing != 0 {
		po.Experimental.SpanPolicyFunc = apart(o.Growing)
	}
	po.Experimental.L0CompactionConcurrency = 4 * foldsMerged // no second one before that
	po.Experimental.DisableIngestAsFlushable = func() bool { return true }
	for i := range po.Levels {
		po.Levels[i].FilterPolicy = bloom.FilterPolicy(10) // bits per key: 1 % false positives
		po.Levels[i].IndexBlockSize = 256 << 10            // one step to the block for tables of up to 60 MB
	}
	var db *pebble.DB
	opened := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if died := recover(); died != nil { // it does so when the disk refuses a marker
				err = fatalError{fmt.Sprint(died), []any{died}}
			}
			opened <- err
		}()
		db, err = pebble.Open(dir, po)
	}()
	select {
	case err := <-opened:
		if err != nil {
			return nil, err
		}
	case err := <-guard.failed:
		return nil, err
	}
	e := &pebbleEngine{db: db, options: po, dir: dir, growing: o.Growing, fatal: o.Fatal, closing: guard.closing}
	guard.crowded = e.crowded
	if err := guard.finishOpening(); err != nil {
		return nil, err
	}
	if o.Buffer != nil {
		e.logless, e.tableBytes = true, o.Buffer.filled().TableBytes
	}
	return e, nil
}

// apart is a policy of no content: the engine ends a file where one policy ends and the next begins.
func apart(growing byte) pebble.SpanPolicyFunc {
	return func(start []byte) (p pebble.SpanPolicy, end []byte, _ error) {
		if firstByte(start) < growing {
			end = []byte{growing}
		}
		return p, end, nil
	}
}

// logger drops the engine's chatter and passes on what it cannot survive.
type logger struct{ fatal func(error) }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}
func (l logger) Fatalf(text string, args ...any) {
	l.fatal(fatalError{fmt.Sprintf("key-value store: "+text, args...), args})
	panic("kv: Options.Fatal returned")
}

// A fatalError is the engine's last words, and the errors among them.
type fatalError struct {
	text string
	args []any
}

func (e fatalError) Error() string { return e.text }

func (e fatalError) Unwrap() (causes []error) {
	for _, a := range e.args {
		if err, ok := a.(error); ok {
			causes = append(causes, err)
		}
	}
	return causes
}

func (e *pebbleEngine) close() error {
	close(e.closing)
	return e.db.Close()
}

// crowded reports whether more waits to be merged than twice what is merged at once, or a gigabyte.
func (e *pebbleEngine) crowded() bool {
	m := e.db.Metrics()
	return m.Levels[0].Sublevels >= 2*foldsMerged || m.Compact.EstimatedDebt >= 1<<30
}

// flush makes what was committed durable: with a log of its own by syncing that, else by writing
// the memtable to a table.
func (e *pebbleEngine) flush() error {
	if e.logless {
		return e.db.Flush()
	}
	return e.db.LogData(nil, pebble.Sync)
}

func (e *pebbleEngine) diskBytes() uint64    { return e.db.Metrics().DiskSpaceUsage() }
func (e *pebbleEngine) snapshot() fixedState { return pebbleSnapshot{e.db.NewSnapshot()} }

func (e *pebbleEngine) get(dst, key []byte) ([]byte, bool, error) { return pebbleGet(e.db, dst, key) }
func (e *pebbleEngine) has(key []byte) (bool, error)              { return pebbleHas(e.db, key) }
func (e *pebbleEngine) scan(lower, upper []byte, back bool, fn visit) error {
	return pebbleScan(e.db, lower, upper, back, fn)
}

type pebbleSnapshot struct{ *pebble.Snapshot }

func (s pebbleSnapshot) close() error { return s.Close() }

func (s pebbleSnapshot) get(dst, key []byte) ([]byte, bool, error) {
	return pebbleGet(s.Snapshot, dst, key)
}
func (s pebbleSnapshot) has(key []byte) (bool, error) { return pebbleHas(s.Snapshot, key) }
func (s pebbleSnapshot) scan(lower, upper []byte, back bool, fn visit) error {
	return pebbleScan(s.Snapshot, lower, upper, back, fn)
}

func pebbleGet(r pebble.Reader, dst, key []byte) ([]byte, bool, error) {
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

func pebbleHas(r pebble.Reader, key []byte) (bool, error) {
	_, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read key: %w", err)
	}
	return true, closer.Close()
}

func pebbleScan(r pebble.Reader, lower, upper []byte, back bool, fn visit) (err error) {
	if len(lower) == 0 {
		lower = nil // no bound at all; the engine's checks stumble over an empty one
	}
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

type pebbleBatch struct {
	*pebble.Batch
	engine *pebbleEngine
}

func (e *pebbleEngine) batch(bytes int) changes {
	return &pebbleBatch{Batch: e.db.NewBatchWithSize(bytes), engine: e}
}

func (b *pebbleBatch) set(key, value []byte)   { must(b.Set(key, value, nil)) }
func (b *pebbleBatch) append(key, tail []byte) { must(b.Merge(key, tail, nil)) }
func (b *pebbleBatch) delete(key []byte)       { must(b.Delete(key, nil)) }
func (b *pebbleBatch) bytes() int              { return b.Len() }
func (b *pebbleBatch) drop()                   { _ = b.Close() }

// must turns the errors that only misuse of a batch can bring into panics.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("kv: %w", err))
	}
}

func (b *pebbleBatch) commit(sync bool) error {
	defer func() {
		if p := recover(); p != nil { // Pebble's way to say that it cannot write its own log
			b.engine.fatal(fmt.Errorf("commit batch: %v", p))
			panic(p)
		}
	}()
	o := pebble.NoSync
	if sync {
		o = pebble.Sync
	}
	if b.Empty() && sync { // Pebble would do nothing, and those before could be lost
		if err := b.engine.flush(); err != nil {
			return err
		}
	}
	if err := b.Commit(o); err != nil {
		return err
	}
	return b.Close()
}
