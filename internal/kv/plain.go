package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// A plainEngine holds all pairs in a map in memory and every batch since the file was begun in
// that file, see plainfile.go. It has no goroutine, clock, cache or random number: equal calls
// make equal bytes and give equal answers, in every run. A commit costs a few microseconds plus
// the file system's part; opening reads the whole file. So it suits stores that are small or do
// not live long.
type plainEngine struct {
	fs    FS
	dir   string
	lock  io.Closer
	fatal func(error)

	mu    sync.Mutex        // not held while a visitor or fatal runs
	pairs map[string]string // the newest state; parts of the batches that brought them
	order order             // of the keys; see plainstate.go
	open  []*plainState     // older states that somebody reads
	log   plainFile
	spare []byte // the buffer of a batch that ended, for the next one
	dead  error  // after a failed write or sync, and after close
}

const keepSpare = 1 << 20 // bytes of the largest buffer that is kept

var errClosed = errors.New("store is closed")

func openPlain(fs FS, dir string, o Options) (engine, error) {
	if err := MakeDir(fs, dir); err != nil {
		return nil, err
	}
	lock, err := fs.Lock(fs.PathJoin(dir, lockFile))
	if err != nil {
		return nil, err
	}
	e := &plainEngine{fs: fs, dir: dir, lock: lock, fatal: o.Fatal, pairs: make(map[string]string), order: newOrder()}
	if err := e.restore(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return e, nil
}

// restore replays the file. A new one takes its place if its end is torn and if most of it is
// history.
func (e *plainEngine) restore() error {
	content, found, err := readPlain(e.fs, e.dir)
	if err != nil {
		return err
	}
	if !found {
		e.log, err = rewritePlain(e.fs, e.dir, make([]byte, recordHead))
		return err
	}
	end, err := replay(content, func(batch []byte) error { return e.apply(string(batch)) })
	if err != nil {
		return err
	}
	size := e.liveBytes()
	if end < len(content) || end > 2*size+worthRewriting {
		e.log, err = rewritePlain(e.fs, e.dir, e.dump(size))
		return err
	}
	e.log, err = resumePlain(e.fs, e.dir, end)
	return err
}

// The kinds of change, in a batch and in the file.
const (
	kindSet byte = iota + 1
	kindAppend
	kindDelete
)

var errBadBatch = errors.New("batch has a good checksum and no meaning")

// apply makes the changes of an encoded batch.
func (e *plainEngine) apply(batch string) error {
	for len(batch) > 0 {
		kind := batch[0]
		key, rest, ok := cutString(batch[1:])
		if !ok {
			return errBadBatch
		}
		value, rest, ok := cutString(rest)
		if !ok {
			return errBadBatch
		}
		switch kind {
		case kindSet:
			e.put(key, value)
		case kindAppend:
			e.put(key, e.pairs[key]+value)
		case kindDelete:
			e.remove(key)
		default:
			return errBadBatch
		}
		batch = rest
	}
	if len(e.open) == 0 {
		e.order.tidy(e.pairs)
	}
	return nil
}

// cutString splits a length, as many bytes, and the rest.
func cutString(s string) (head, rest string, ok bool) {
	n, used := binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
	if used <= 0 || n > uint64(len(s)-used) {
		return "", "", false
	}
	end := used + int(n)
	return s[used:end], s[end:], true
}

func appendChange[T []byte | string](b []byte, kind byte, key, value T) []byte {
	b = binary.AppendUvarint(append(b, kind), uint64(len(key)))
	b = binary.AppendUvarint(append(b, key...), uint64(len(value)))
	return append(b, value...)
}

// pairOverhead is the most that a pair takes in a batch besides its bytes, for usual lengths.
const pairOverhead = 8

func (e *plainEngine) liveBytes() (n int) {
	for key, value := range e.pairs {
		n += len(key) + len(value) + pairOverhead
	}
	return n
}

// dump is a batch that sets every pair, in order, behind room for the head of a record.
func (e *plainEngine) dump(size int) []byte {
	b := make([]byte, recordHead, recordHead+size)
	for _, key := range slices.Sorted(maps.Keys(e.pairs)) {
		b = appendChange(b, kindSet, key, e.pairs[key])
	}
	return b
}

func (e *plainEngine) get(dst, key []byte) ([]byte, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	value, ok := e.pairs[string(key)]
	return append(dst, value...), ok, nil
}

func (e *plainEngine) has(key []byte) (bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.pairs[string(key)]
	return ok, nil
}

func (e *plainEngine) scan(lower, upper []byte, back bool, fn visit) error {
	s := e.state()
	defer func() { _ = s.close() }()
	return s.scan(lower, upper, back, fn)
}

// A plainBatch is the record that its commit writes.
type plainBatch struct {
	engine *plainEngine
	record []byte // nil when the batch has ended
}

func (e *plainEngine) batch(bytes int) changes {
	e.mu.Lock()
	record := e.spare
	e.spare = nil
	e.mu.Unlock()
	record = slices.Grow(record[:0], recordHead+min(bytes, keepSpare))
	return &plainBatch{e, record[:recordHead]}
}

func (b *plainBatch) add(kind byte, key, value []byte) {
	if b.record == nil {
		panic("kv: batch has ended")
	}
	b.record = appendChange(b.record, kind, key, value)
}

func (b *plainBatch) set(key, value []byte)   { b.add(kindSet, key, value) }
func (b *plainBatch) append(key, tail []byte) { b.add(kindAppend, key, tail) }
func (b *plainBatch) delete(key []byte)       { b.add(kindDelete, key, nil) }
func (b *plainBatch) bytes() int              { return len(b.record) }

func (b *plainBatch) commit(sync bool) error {
	if b.record == nil {
		panic("kv: batch has ended")
	}
	e := b.engine
	broke, err := e.commit(b.record, sync)
	b.drop()
	if broke {
		e.fatal(fmt.Errorf("key-value store: write ahead: %w", err))
	}
	return err
}

func (b *plainBatch) drop() {
	if b.record == nil {
		return
	}
	if cap(b.record) <= keepSpare {
		b.engine.mu.Lock()
		b.engine.spare = b.record
		b.engine.mu.Unlock()
	}
	b.record = nil
}

// commit writes a record and applies it. It reports whether this call broke the engine.
func (e *plainEngine) commit(record []byte, sync bool) (broke bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead != nil {
		return false, e.dead
	}
	changes := string(record[recordHead:]) // a write may change what it is given
	if len(changes) > 0 {
		if err := e.log.write(record); err != nil {
			e.dead = err
			return true, err
		}
	}
	if sync {
		if err := e.log.sync(); err != nil {
			e.dead = err
			return true, err
		}
	}
	if err := e.apply(changes); err != nil {
		panic("kv: " + err.Error())
	}
	return false, nil
}

func (e *plainEngine) flush() error {
	broke, err := e.syncLog()
	if broke {
		e.fatal(fmt.Errorf("key-value store: sync: %w", err))
	}
	return err
}

func (e *plainEngine) syncLog() (broke bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead != nil {
		return false, e.dead
	}
	e.dead = e.log.sync()
	return e.dead != nil, e.dead
}

func (e *plainEngine) diskBytes() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return uint64(e.log.end)
}

func (e *plainEngine) close() (err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dead == nil {
		err = e.log.sync()
	}
	e.dead = errClosed
	return errors.Join(err, e.log.file.Close(), e.lock.Close())
}
