package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// A Buffer says how batches are collected in memory before the engine gets them, many at once:
// they are folded. A crash loses what was not folded, back to a state after some batch exactly;
// whoever commits must be able to do it again. A synced commit folds, and a fold is durable.
type Buffer struct {
	Bytes      int  // fold when so many are taken; default 32 MiB. Up to twice as many are in memory
	Commits    int  // and after so many batches; default 4096
	First      int  // the first fold comes when this per cent of either is there; default 100. Nodes that count the same commits do not fold together if it differs
	CacheBytes int  // of what was read from the engine; default 8 MiB
	TableBytes int  // folds of so many bytes reach Pebble as finished tables; default 2 MiB
	Background bool // fold in a goroutine, else in the commit that fills the buffer

	// Filtered are first bytes of keys that are often asked for and not there. What of such keys
	// exists is remembered in a filter, which takes 10 to 40 bits a key, at most 128 MiB, and is
	// made again from the keys after opening.
	Filtered    []byte
	FilterBytes int // of the smallest filter; default 1 MiB

	// Before, if there is one, is called before each fold of ordinary batches. What they rest on
	// must be durable when it returns. After an error nothing more is committed.
	Before func() error

	// Last, if there is one, is called when the batches of a fold are complete and may add rows to
	// it: those that are written once a fold and not in every batch. They can be read when it
	// returns, and reach the disk with the fold or not at all. It must not use the store.
	Last func(set func(key, value []byte))
}

func (b Buffer) filled() Buffer {
	if b.Bytes == 0 {
		b.Bytes = 32 << 20
	}
	if b.Commits == 0 {
		b.Commits = 4096
	}
	if b.First == 0 {
		b.First = 100
	}
	if b.CacheBytes == 0 {
		b.CacheBytes = 8 << 20
	}
	if b.TableBytes == 0 {
		b.TableBytes = 2 << 20
	}
	if b.FilterBytes == 0 {
		b.FilterBytes = 1 << 20
	}
	return b
}

// A buffered engine collects batches. The engine below holds the state after some batch; active
// and frozen hold what came since.
//
// A reader takes the layers once, looks into the tables, then into the cache, then asks the
// engine. A fold reaches the engine first; only then the table goes. So whichever layers a
// reader has, a key that was changed is in a table of them or its change is in the engine, and a
// key whose change reached the engine under a reader's feet is still in that reader's table.
type buffered struct {
	Buffer
	engine engine
	layers atomic.Pointer[layers]
	filters

	writing sync.Mutex    // one batch at a time, and whoever changes layers
	commits int           // in the active table
	folding chan error    // capacity 1: the result of the fold under way; nil if there is none
	hurry   chan struct{} // closed when somebody waits for it
	dead    error         // nothing is committed any more

	spares sync.Mutex
	spare  []byte // of a batch that ended, for the next one
}

// layers never change; another set takes their place.
type layers struct {
	active *table
	frozen *table // being folded; or nil
	cache  *table // what the engine answered while the other layers were these
	asker  *asker // of the engine since it changed last
}

func newBuffered(e engine, b Buffer) *buffered {
	b = b.filled()
	x := &buffered{Buffer: b, engine: e}
	x.layers.Store(&layers{active: newTable(), cache: newTable(), asker: newAsker(e)})
	for _, first := range b.Filtered {
		x.first[first] = true
	}
	x.refill()
	return x
}

func (b *buffered) get(dst, key []byte) ([]byte, bool, error) {
	hash := hashKey(key)
	if b.absent(key, hash) {
		return dst, false, nil
	}
	return b.read(b.layers.Load(), dst, key, hash)
}

// getYoung is DB.GetYoung. If elder is in a table of these layers, then it was in the engine at no
// time before they were; so key was not either, and if it is not in their tables it is nowhere.
func (b *buffered) getYoung(dst, key, elder []byte) ([]byte, bool, error) {
	hash := hashKey(key)
	if b.absent(key, hash) {
		return dst, false, nil
	}
	l := b.layers.Load()
	if dst, kind := l.inMemory(dst, key, hash); kind != 0 {
		return dst, kind == entrySet, nil
	}
	if l.changed(elder) {
		return dst, false, nil
	}
	return b.read(l, dst, key, hash)
}

func (b *buffered) read(l *layers, dst, key []byte, hash uint64) ([]byte, bool, error) {
	if dst, kind := l.inMemory(dst, key, hash); kind != 0 {
		return dst, kind == entrySet, nil
	}
	return b.ask(l, dst, key, hash)
}

// ask reads what is in no table of changes.
func (b *buffered) ask(l *layers, dst, key []byte, hash uint64) ([]byte, bool, error) {
	if dst, kind := l.cache.get(dst, key, hash); kind != 0 {
		return dst, kind == entrySet, nil
	}
	before := len(dst)
	dst, ok, err := l.asker.get(dst, key)
	if err != nil {
		return dst, false, err
	}
	b.remember(l, key, dst[before:], ok, hash)
	return dst, ok, nil
}

// inMemory looks into the tables of changes.
func (l *layers) inMemory(dst, key []byte, hash uint64) (value []byte, kind int) {
	if dst, kind = l.active.get(dst, key, hash); kind != 0 || l.frozen == nil {
		return dst, kind
	}
	return l.frozen.look(dst, key, hash)
}

// changed reports whether a table has a change of key.
func (l *layers) changed(key []byte) bool {
	hash := hashKey(key)
	return l.active.knows(key, hash) || l.frozen != nil && l.frozen.knows(key, hash)
}

const mostCached = 2 << 10 // bytes of the longest value that is remembered

// remember keeps an answer of the engine. It is right for all who have these layers: what changed
// since is in their tables, which are asked first.
func (b *buffered) remember(l *layers, key, value []byte, there bool, hash uint64) {
	if len(value) > mostCached {
		return
	}
	kind := entryDelete
	if there {
		kind = entrySet
	}
	l.cache.mu.Lock()
	l.cache.put(kind, key, value, hash)
	full := l.cache.full(b.CacheBytes)
	l.cache.mu.Unlock()
	if full {
		b.layers.CompareAndSwap(l, &layers{active: l.active, frozen: l.frozen, cache: newTable(), asker: l.asker})
	}
}

func (b *buffered) has(key []byte) (bool, error) {
	var stack [64]byte
	_, ok, err := b.get(stack[:0], key)
	return ok, err
}

// scan folds first: only the engine has order.
func (b *buffered) scan(lower, upper []byte, back bool, fn visit) error {
	if err := b.flush(); err != nil {
		return err
	}
	return b.engine.scan(lower, upper, back, fn)
}

// A failedState is a snapshot that could not be made.
type failedState struct{ err error }

func (f failedState) get(dst, _ []byte) ([]byte, bool, error) { return dst, false, f.err }
func (f failedState) has([]byte) (bool, error)                { return false, f.err }
func (f failedState) scan(_, _ []byte, _ bool, _ visit) error { return f.err }
func (f failedState) close() error                            { return nil }

func (b *buffered) snapshot() fixedState {
	if err := b.flush(); err != nil {
		return failedState{err}
	}
	return b.engine.snapshot()
}

func (b *buffered) diskBytes() uint64 { return b.engine.diskBytes() }

// flush folds everything.
func (b *buffered) flush() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	return b.foldAll()
}

func (b *buffered) close() error {
	b.writing.Lock()
	err := b.foldAll()
	if b.dead == nil {
		b.dead = errClosed
	}
	b.filters.end()
	b.writing.Unlock()
	return errors.Join(err, b.layers.Load().asker.end(), b.engine.close())
}

// foldAll folds what there is; b.writing is held.
func (b *buffered) foldAll() error {
	if err := b.awaitFold(); err != nil {
		return err
	}
	b.complete()
	if b.layers.Load().active.keys == 0 {
		b.commits = 0
		return nil
	}
	b.freeze()
	b.refill()
	b.dead = b.fold(nil)
	return b.dead
}

// complete adds the last rows of the fold that begins; b.writing is held.
func (b *buffered) complete() {
	if b.Last == nil {
		return
	}
	t := b.layers.Load().active
	b.Last(func(key, value []byte) {
		hash := hashKey(key)
		b.note(key, hash)
		t.mu.Lock()
		t.put(entrySet, key, value, hash)
		t.mu.Unlock()
	})
}

// awaitFold returns when no fold is under way; b.writing is held.
func (b *buffered) awaitFold() error {
	if b.folding != nil {
		close(b.hurry)
		b.dead = errors.Join(b.dead, <-b.folding)
		b.folding = nil
	}
	return b.dead
}

// beginFold folds what there is, in the background if folds are.
func (b *buffered) beginFold() error {
	b.writing.Lock()
	defer b.writing.Unlock()
	return b.startFold()
}

// startFold is called when the active table is full, or should be folded anyway; b.writing is held.
func (b *buffered) startFold() error {
	if err := b.awaitFold(); err != nil {
		return err
	}
	b.complete()
	b.freeze()
	b.refill()
	if !b.Background {
		b.dead = b.fold(nil)
		return b.dead
	}
	done, hurry := make(chan error, 1), make(chan struct{})
	b.folding, b.hurry = done, hurry
	go func() { done <- b.fold(newPace(hurry)) }()
	return nil
}

func (b *buffered) freeze() {
	b.commits = 0
	b.change(func(l layers) layers {
		fresh := newTable()
		fresh.slots = make([]tableSlot, min(slotsFor(l.active.keys), 1<<20))
		return layers{active: fresh, frozen: l.active, cache: l.cache, asker: l.asker}
	})
}

// change puts other layers into place. Only the cache changes without b.writing, see remember.
func (b *buffered) change(next func(layers) layers) {
	for {
		old := b.layers.Load()
		l := next(*old)
		if b.layers.CompareAndSwap(old, &l) {
			return
		}
	}
}

// renew puts layers into place that know nothing of the engine any more, after it changed.
func (b *buffered) renew(also func(*layers)) error {
	var old *asker
	b.change(func(l layers) layers {
		old = l.asker // of those that go: a fold and a batch apart can come together
		l.cache, l.asker = newTable(), newAsker(b.engine)
		also(&l)
		return l
	})
	return old.end()
}

// fold gives the frozen table to the engine in one batch and makes it durable.
func (b *buffered) fold(p *pace) error {
	if b.Before != nil {
		if err := b.Before(); err != nil {
			return fmt.Errorf("fold: %w", err)
		}
	}
	if err := b.settle(b.layers.Load().frozen, p); err != nil {
		return fmt.Errorf("fold: %w", err)
	}
	return b.renew(func(l *layers) { l.frozen = nil })
}

// settle gives a frozen table to the engine and makes it durable, all or nothing.
func (b *buffered) settle(t *table, p *pace) error {
	rows := t.sorted()
	p.rest()
	if e, ok := b.engine.(*pebbleEngine); ok && t.bytes >= e.tableBytes {
		return e.ingest(t, rows, p)
	}
	batch := b.engine.batch(t.bytes)
	for _, r := range rows {
		if key, value, there := t.at(r); there {
			batch.set(key, value)
		} else {
			batch.delete(key)
		}
	}
	return b.write(batch)
}

// write makes a batch of the engine durable.
func (b *buffered) write(batch changes) error {
	if err := batch.commit(false); err != nil {
		return err
	}
	return b.engine.flush()
}

// A bufferedBatch is a sequence of changes: kind, lengths of key and value, hash of the key, key,
// value.
type bufferedBatch struct {
	buffer *buffered
	record []byte // nil when the batch has ended
}

const changeHead = 1 + 4 + 4 + 8

// kindAppendYoung is kindAppend with an elder, see Batch.AppendYoung, whose length and bytes come
// before the tail.
const kindAppendYoung = kindDelete + 1

// An edit is a change of a batch.
type edit struct {
	kind              byte
	hash              uint64 // of the key
	key, value, elder []byte
}

func (b *buffered) batch(bytes int) changes {
	b.spares.Lock()
	record := b.spare
	b.spare = nil
	b.spares.Unlock()
	if cap(record) < bytes || record == nil {
		record = make([]byte, 0, max(bytes, 256))
	}
	return &bufferedBatch{buffer: b, record: record[:0]}
}

// begin adds all of a change but its value, which is that long.
func (c *bufferedBatch) begin(kind byte, key []byte, value int) {
	if c.record == nil {
		panic("kv: batch has ended")
	}
	if len(key) > maxKeyLen || value > maxKeyLen {
		panic("kv: key or value is too long")
	}
	var head [changeHead]byte
	head[0] = kind
	binary.LittleEndian.PutUint32(head[1:], uint32(len(key)))
	binary.LittleEndian.PutUint32(head[5:], uint32(value))
	binary.LittleEndian.PutUint64(head[9:], hashKey(key))
	c.record = append(append(c.record, head[:]...), key...)
}

func (c *bufferedBatch) add(kind byte, key, value []byte) {
	c.begin(kind, key, len(value))
	c.record = append(c.record, value...)
}

func (c *bufferedBatch) set(key, value []byte)   { c.add(kindSet, key, value) }
func (c *bufferedBatch) append(key, tail []byte) { c.add(kindAppend, key, tail) }
func (c *bufferedBatch) delete(key []byte)       { c.add(kindDelete, key, nil) }
func (c *bufferedBatch) bytes() int              { return len(c.record) }

func (c *bufferedBatch) appendYoung(key, tail, elder []byte) {
	if len(elder) > 0xff {
		panic("kv: elder is too long")
	}
	c.begin(kindAppendYoung, key, 1+len(elder)+len(tail))
	c.record = append(append(append(c.record, byte(len(elder))), elder...), tail...)
}

// each calls fn for every change in order.
func (c *bufferedBatch) each(fn func(edit)) {
	for rest := c.record; len(rest) > 0; {
		k := changeHead + int(binary.LittleEndian.Uint32(rest[1:]))
		v := k + int(binary.LittleEndian.Uint32(rest[5:]))
		x := edit{kind: rest[0], hash: binary.LittleEndian.Uint64(rest[9:]), key: rest[changeHead:k], value: rest[k:v]}
		if x.kind == kindAppendYoung {
			n := 1 + int(x.value[0])
			x.elder, x.value = x.value[1:n], x.value[n:]
		}
		fn(x)
		rest = rest[v:]
	}
}

func (c *bufferedBatch) drop() {
	if c.record == nil {
		return
	}
	if cap(c.record) <= keepSpare {
		c.buffer.spares.Lock()
		c.buffer.spare = c.record
		c.buffer.spares.Unlock()
	}
	c.record = nil
}

func (c *bufferedBatch) commit(sync bool) error {
	if c.record == nil {
		panic("kv: batch has ended")
	}
	b := c.buffer
	b.writing.Lock()
	defer b.writing.Unlock()
	defer c.drop()
	if b.dead != nil {
		return b.dead
	}
	if err := c.apply(); err != nil {
		b.dead = err
		return err
	}
	b.commits++
	if sync {
		return b.foldAll()
	}
	if b.commits >= b.Commits*b.First/100 || b.layers.Load().active.full(b.Bytes/100*b.First) {
		b.First = 100
		return b.startFold()
	}
	return nil
}

// translate copies the changes into a batch of the engine.
func (c *bufferedBatch) translate() changes {
	below := c.buffer.engine.batch(len(c.record))
	c.each(func(x edit) {
		switch x.kind {
		case kindSet:
			below.set(x.key, x.value)
		case kindAppend, kindAppendYoung:
			below.append(x.key, x.value)
		case kindDelete:
			below.delete(x.key)
		}
	})
	return below
}

// commitApart makes the batch durable without those before it, see Batch.CommitApart.
func (c *bufferedBatch) commitApart() error {
	if c.record == nil {
		panic("kv: batch has ended")
	}
	b := c.buffer
	b.writing.Lock()
	defer b.writing.Unlock()
	defer c.drop()
	l := b.layers.Load()
	c.each(func(x edit) {
		if l.changed(x.key) {
			panic("kv: a key of an ordinary batch is committed apart")
		}
		b.note(x.key, x.hash)
	})
	if errors.Is(b.dead, errClosed) {
		return b.dead
	}
	return errors.Join(b.write(c.translate()), b.renew(func(*layers) {}))
}

// apply writes the changes into the active table. Tails are joined with what is there first, so
// that a table knows whole values only: nobody can read a value with half of its tails, or twice.
func (c *bufferedBatch) apply() error {
	l := c.buffer.layers.Load()
	c.touch(l.active)
	if err := c.fetchBases(l); err != nil {
		return err
	}
	t := l.active
	t.mu.Lock()
	defer t.mu.Unlock()
	c.each(func(x edit) {
		c.buffer.note(x.key, x.hash)
		switch x.kind {
		case kindSet:
			t.put(entrySet, x.key, x.value, x.hash)
		case kindDelete:
			t.put(entryDelete, x.key, nil, x.hash)
		case kindAppend, kindAppendYoung:
			t.extend(x.key, x.value, x.hash)
		}
	})
	return nil
}

// touch reads the lines of memory that the changes need of a table's slots and of the filters. Most are
// far from the processor, which waits for several at once as long as nothing depends on what they say
// and little stands between them: hence one plain loop, without a call for each change. Waited for one
// by one they are half of what a commit costs. The sum is there so that they are read.
//
//go:noinline
func (c *bufferedBatch) touch(t *table) (sum uint64) {
	ready, next := c.buffer.ready.Load(), c.buffer.next
	mask := uint32(len(t.slots) - 1)
	for rest := c.record; len(rest) > 0; {
		k := changeHead + int(binary.LittleEndian.Uint32(rest[1:]))
		hash := binary.LittleEndian.Uint64(rest[9:])
		sum += uint64(t.slots[uint32(hash)&mask].place)
		if c.buffer.filters.of(rest[changeHead:k]) {
			if ready != nil {
				sum += ready.touch(hash)
			}
			if next != nil {
				sum += next.touch(hash)
			}
		}
		rest = rest[k+int(binary.LittleEndian.Uint32(rest[5:])):]
	}
	return sum
}

// fetchBases brings the values that the batch appends to into the active table, as they are. Nobody
// else writes that table now, so it is read without its lock.
func (c *bufferedBatch) fetchBases(l *layers) (err error) {
	var stack [64]byte
	buf := stack[:0]
	c.each(func(x edit) {
		if x.kind != kindAppend && x.kind != kindAppendYoung || err != nil {
			return
		}
		if c.buffer.absent(x.key, x.hash) || l.active.find(x.key, x.hash).place != 0 {
			return
		}
		var there bool
		if buf, there, err = c.buffer.base(l, buf[:0], &x); err != nil || !there {
			return
		}
		l.active.mu.Lock()
		l.active.put(entrySet, x.key, buf, x.hash)
		l.active.mu.Unlock()
	})
	return err
}

// base reads the value that an appending change of a key that the active table does not know begins with.
func (b *buffered) base(l *layers, dst []byte, x *edit) ([]byte, bool, error) {
	if l.frozen != nil {
		if dst, kind := l.frozen.look(dst, x.key, x.hash); kind != 0 {
			return dst, kind == entrySet, nil
		}
	}
	if x.elder != nil && l.changed(x.elder) {
		return dst, false, nil
	}
	return b.ask(l, dst, x.key, x.hash)
}
