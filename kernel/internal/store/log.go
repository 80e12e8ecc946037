package store

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asterism-network/asterism/internal/kv"
)

// An appendLog is the sequence of segment files that holds the accepted snapshots. Frames are
// only ever added at its end. A new segment is written under another name and renamed when its
// first bytes are durable, so a segment that has its name has a good first frame.
type appendLog struct {
	fs           kv.FS
	dir          string
	origin       origin // before is that of the segment being written
	segmentBytes uint32

	durable atomic.Uint64 // every record with a smaller sequence number is durable
	written atomic.Uint64 // every record with a smaller one is written, durable or not
	readers readers
	stats   logStats

	syncing sync.Mutex // held while syncing; taken before mu

	mu       sync.Mutex // held while writing; a sync does not hold it, reads do not take it
	file     kv.File    // the last segment
	marks    kv.File    // see mark.go
	end      place      // where the next frame goes
	next     uint64     // its sequence number
	segments []segment  // by number, the last one is being written
	buf      []byte     // frames not yet handed to the file
	halted   error      // after a failed write or sync nothing more is written
}

// A segment is what must be known of one file to scan it.
type segment struct {
	number uint32
	first  uint64 // sequence of its first record
	end    uint32 // bytes that count; for the segment being written, taken from appendLog.end
}

// logStats are counters that only grow.
type logStats struct {
	bytes, syncs, nanos atomic.Uint64
}

// An entry is where a record stands: what the index keeps for an id.
type entry struct {
	place
	sequence uint64
	head     uint16
	rest     uint32
}

const (
	initSize = prefixSize + originSize

	// keepBuffer is the largest write buffer that is kept for the next append.
	keepBuffer = 1 << 20

	segmentSuffix = ".log"
	partSuffix    = ".part"
)

func segmentName(number uint32) string { return fmt.Sprintf("%08x%s", number, segmentSuffix) }

// segmentNumbers lists the segments in dir and removes what a crash left half made.
func segmentNumbers(fsys kv.FS, dir string) ([]uint32, error) {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list log: %w", err)
	}
	var numbers []uint32
	for _, name := range names {
		if strings.HasSuffix(name, partSuffix) {
			if err := fsys.Remove(fsys.PathJoin(dir, name)); err != nil {
				return nil, fmt.Errorf("remove unfinished segment: %w", err)
			}
			continue
		}
		digits, ok := strings.CutSuffix(name, segmentSuffix)
		n, err := strconv.ParseUint(digits, 16, 32)
		if ok && err == nil && n > 0 && segmentName(uint32(n)) == name {
			numbers = append(numbers, uint32(n))
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// startSegment makes the next segment with the given number, whose predecessor counts up to
// before, writes records into it and makes all of that durable before the segment gets its name.
func (l *appendLog) startSegment(number, before uint32, records []Record) ([]entry, error) {
	name := l.fs.PathJoin(l.dir, segmentName(number))
	file, err := l.fs.Create(name+partSuffix, kv.Ordinary)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	first := l.next
	l.origin.before = before
	l.end = place{segment: number}
	l.buf = appendOrigin(l.buf[:0], l.origin, first, l.end)
	l.end.offset = initSize
	entries := l.encode(nil, records)
	if err := l.writeTo(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := l.sync(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if err := l.fs.Rename(name+partSuffix, name); err != nil {
		return nil, errors.Join(fmt.Errorf("name segment: %w", err), file.Close())
	}
	if err := kv.SyncDir(l.fs, l.dir); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	l.file = file
	l.segments = append(l.segments, segment{number: number, first: first})
	return entries, nil
}

// encode appends records to the buffer and moves the end behind them.
func (l *appendLog) encode(entries []entry, records []Record) []entry {
	for i := range records {
		r := &records[i]
		entries = append(entries, entry{
			place: l.end, sequence: l.next,
			head: uint16(headFixed + len(r.Header)), rest: uint32(4 + len(r.Body) + len(r.Meta)),
		})
		l.buf = appendRecord(l.buf, r, l.next, l.end)
		l.end.offset += uint32(recordSize(r))
		l.next++
	}
	return entries
}

func (l *appendLog) writeTo(file kv.File) error {
	n := len(l.buf)
	if n == 0 {
		return nil
	}
	_, err := file.Write(l.buf)
	if l.buf = l.buf[:0]; cap(l.buf) > keepBuffer {
		l.buf = nil
	}
	if err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	l.stats.bytes.Add(uint64(n))
	return nil
}

func (l *appendLog) sync(file kv.File) error {
	start := time.Now()
	err := file.SyncData()
	l.stats.syncs.Add(1)
	l.stats.nanos.Add(uint64(time.Since(start)))
	if err != nil {
		return fmt.Errorf("sync log: %w", err)
	}
	return nil
}

// append writes records, each of which fits, and says where they are. After an error nothing
// counts as written: the log halts, and opening it again finds out what is there.
func (l *appendLog) append(records []Record) (entries []entry, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rolls(records) { // there is one caller at a time, so it stays true
		l.mu.Unlock()
		l.syncing.Lock()
		defer l.syncing.Unlock()
		l.mu.Lock()
	}
	if l.halted != nil {
		return nil, l.halted
	}
	entries = make([]entry, 0, len(records))
	for i := range records {
		if l.full(l.end.offset, &records[i]) {
			if err := l.roll(); err != nil {
				return nil, l.halt(err)
			}
		}
		entries = l.encode(entries, records[i:i+1])
	}
	if err := l.writeTo(l.file); err != nil {
		return nil, l.halt(err)
	}
	l.written.Store(l.next)
	return entries, nil
}

// full reports whether a record does not fit behind an offset any more.
func (l *appendLog) full(offset uint32, r *Record) bool {
	return offset > initSize && uint32(recordSize(r)) > l.segmentBytes-min(offset, l.segmentBytes)
}

// rolls reports whether some of the records need a new segment.
func (l *appendLog) rolls(records []Record) bool {
	offset := l.end.offset
	for i := range records {
		if l.full(offset, &records[i]) {
			return true
		}
		offset += uint32(recordSize(&records[i]))
	}
	return false
}

// roll ends the segment being written and starts the next. The old one is durable before the
// new one exists: only the last segment can have a torn tail. The caller holds both locks.
func (l *appendLog) roll() error {
	if err := l.writeTo(l.file); err != nil {
		return err
	}
	if err := l.syncAll(); err != nil {
		return err
	}
	old, last := l.file, l.end
	l.segments[len(l.segments)-1].end = last.offset
	if _, err := l.startSegment(last.segment+1, last.offset, nil); err != nil {
		return err
	}
	return old.Close()
}

// syncTo makes every record with a sequence number below bound durable. Records may be written
// meanwhile; whoever waits for a sync that covers its own does not sync again.
func (l *appendLog) syncTo(bound uint64) error {
	if l.durable.Load() >= bound {
		return nil
	}
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	file, reached, halted := l.file, mark{place: l.end, sequence: l.next}, l.halted
	l.mu.Unlock()
	if l.durable.Load() >= bound {
		return nil
	}
	if halted != nil {
		return halted
	}
	if err := l.syncUpTo(file, reached); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.halt(err)
	}
	return nil
}

// syncAll makes all that was written durable. The caller holds both locks.
func (l *appendLog) syncAll() error {
	return l.syncUpTo(l.file, mark{place: l.end, sequence: l.next})
}

// syncUpTo makes a file durable, which holds all that is new below reached, and notes it.
func (l *appendLog) syncUpTo(file kv.File, reached mark) error {
	if err := l.sync(file); err != nil {
		return err
	}
	l.durable.Store(reached.sequence)
	return writeMark(l.marks, reached)
}

// halt stops all writing: after a failed write or sync nobody knows what the disk holds.
func (l *appendLog) halt(err error) error {
	l.halted = fmt.Errorf("%w: %w", ErrHalted, err)
	return l.halted
}

// close makes the log and its mark durable, unless it is halted, and lets go of all files.
func (l *appendLog) close() error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.halted == nil {
		if err = l.syncAll(); err == nil {
			err = l.marks.SyncData()
		}
		l.halted = fmt.Errorf("%w: closed", ErrHalted)
	}
	return errors.Join(err, l.file.Close(), l.marks.Close(), l.readers.close())
}

// extent lists the segments with their lengths at this moment.
func (l *appendLog) extent() []segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := slices.Clone(l.segments)
	s[len(s)-1].end = l.end.offset
	return s
}
