package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/asterism-network/asterism/internal/kv"
)

// A recovery is what opening a log found out.
type recovery struct {
	doubt string  // why the log cannot be trusted; empty if it can
	tail  []found // records behind the given mark, in order
}

// found is a record of the tail: where it stands, and its head (Body and Meta are not kept).
type found struct {
	entry
	Record
}

// openLog opens the log in dir and leaves it ready for appends. known is how far the index
// reaches: everything below it was durable once, and what is behind it is read, checked and
// returned. [STO-6]
//
// The end of the log is the first frame that is not whole. If a crash can have left it so, and
// nothing says that it was ever durable, it is cut off; if not, the log is in doubt. Either way
// writing goes on in a new segment that says how much of the one before counts. What was not
// known to be durable is written again: after a failed sync the disk may show bytes that it
// does not hold.
func openLog(fsys kv.FS, dir string, id origin, segmentBytes uint32, known mark) (*appendLog, recovery, error) {
	if err := kv.MakeDir(fsys, dir); err != nil {
		return nil, recovery{}, err
	}
	durable, marks, err := openMark(fsys, dir)
	if err != nil {
		return nil, recovery{}, fmt.Errorf("open mark: %w", err)
	}
	l := &appendLog{
		fs: fsys, dir: dir, origin: id, segmentBytes: segmentBytes, marks: marks,
		readers: readers{fs: fsys, dir: dir, open: make(map[uint32]*reader)},
	}
	s := &scanner{log: l, known: known, floor: known}
	if s.floor.before(durable.place) {
		s.floor = durable
	}
	if err := s.run(); err != nil {
		return nil, recovery{}, errors.Join(err, marks.Close(), l.readers.close())
	}
	if err := s.restart(); err != nil {
		return nil, recovery{}, errors.Join(err, marks.Close(), l.readers.close())
	}
	return l, recovery{doubt: s.doubt, tail: s.tail}, nil
}

// A scanner is one run over the end of a log.
type scanner struct {
	log   *appendLog
	known mark // the index reaches to here
	floor mark // everything before was durable

	doubt string
	tail  []found
	again []Record // of the last segment, from floor on: to be written again
	cut   place    // where the last segment ends from now on
	next  uint64
}

func (s *scanner) suspect(format string, args ...any) {
	if s.doubt == "" {
		s.doubt = fmt.Sprintf(format, args...)
	}
}

// run reads the first frames of all segments and then every frame behind the known mark.
func (s *scanner) run() error {
	l := s.log
	numbers, err := segmentNumbers(l.fs, l.dir)
	if err == nil {
		numbers, err = l.removeBelow(numbers, l.origin.base)
	}
	if err != nil {
		return err
	}
	s.next = max(s.known.sequence, 1)
	if len(numbers) == 0 {
		s.suspect("the log is missing")
		s.cut = place{segment: s.floor.segment}
		l.origin.base = s.cut.segment + 1
		s.next = max(s.next, s.floor.sequence)
		return nil
	}
	if err := s.origins(numbers); err != nil {
		return err
	}
	if last := numbers[len(numbers)-1]; last < l.origin.base {
		s.suspect("segment %d of the log is not there", l.origin.base)
	}
	if base := unbroken(numbers); base > max(l.origin.base, 1) {
		s.suspect("segments %d to %d of the log are not all there", max(l.origin.base, 1), base-1)
		l.origin.base = base
	}
	for i := range l.segments {
		if l.segments[i].number < s.known.segment {
			continue
		}
		if err := s.segment(i); err != nil {
			return err
		}
	}
	last := &l.segments[len(l.segments)-1]
	s.cut = place{segment: last.number, offset: last.end}
	s.next = max(s.next, last.first)
	if s.cut.before(s.floor.place) || s.next < s.floor.sequence {
		s.suspect("the log ends at segment %d byte %d, but was durable to segment %d byte %d", s.cut.segment, s.cut.offset, s.floor.segment, s.floor.offset)
		s.next = max(s.next, s.floor.sequence)
	}
	return nil
}

// unbroken is the smallest number from which on no segment is missing.
func unbroken(numbers []uint32) uint32 {
	i := len(numbers) - 1
	for i > 0 && numbers[i-1] == numbers[i]-1 {
		i--
	}
	return numbers[i]
}

// origins fills the list of segments from their first frames.
func (s *scanner) origins(numbers []uint32) error {
	l := s.log
	for i, n := range numbers {
		size, o, first, err := readOrigin(l, n)
		if errors.Is(err, errDamaged) {
			if n >= s.known.segment {
				s.suspect("%v", err)
			}
			o = l.origin
			o.before = 0
		} else if err != nil {
			return err
		}
		if err := l.origin.sameFolder(o); err != nil {
			return err
		}
		if i > 0 && o.before != 0 && n == numbers[i-1]+1 {
			l.segments[i-1].end = o.before // more than the file has, if it was cut short: a scan finds out
		}
		l.segments = append(l.segments, segment{number: n, first: first, end: size})
		l.origin.before, l.origin.base = o.before, max(l.origin.base, o.base)
	}
	return nil
}

func readOrigin(l *appendLog, number uint32) (size uint32, o origin, first uint64, err error) {
	r, err := l.readers.use(number)
	if err != nil {
		return 0, o, 0, fmt.Errorf("open segment: %w", err)
	}
	defer l.readers.done(r)
	info, err := r.Stat()
	if err != nil {
		return 0, o, 0, fmt.Errorf("open segment: %w", err)
	}
	size = uint32(min(info.Size(), maxSegment))
	b := make([]byte, initSize)
	if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return size, o, 0, damagedAt(place{segment: number}, err)
	}
	o, first, ok := decodeOrigin(b, number)
	if !ok {
		return size, o, 0, damagedAt(place{segment: number}, nil)
	}
	return size, o, first, nil
}

// sameFolder reports in which way another folder's segment got here.
func (o origin) sameFolder(other origin) error {
	switch {
	case o.format != other.format:
		return fmt.Errorf("%w: format %d, this program writes format %d", ErrFormat, other.format, o.format)
	case o.network != other.network:
		return fmt.Errorf("%w: it belongs to network %s, not %s", ErrNetwork, other.network, o.network)
	case o.node != other.node:
		return fmt.Errorf("%w: it belongs to node %s, not %s", ErrNode, other.node, o.node)
	}
	return nil
}

// segment reads the frames of the i-th segment that lie behind the known mark.
func (s *scanner) segment(i int) error {
	seg := &s.log.segments[i]
	r, err := s.log.readers.use(seg.number)
	if err != nil {
		return fmt.Errorf("open segment: %w", err)
	}
	defer s.log.readers.done(r)
	at := place{segment: seg.number, offset: initSize}
	if at.before(s.known.place) {
		at = s.known.place
	}
	last := i == len(s.log.segments)-1
	for at.offset < seg.end {
		var rec found
		size, ok := readFrame(r, at, seg.end, &rec)
		if !ok {
			if !last || at.before(s.floor.place) || !torn(r, at, size, seg.end) {
				s.suspect("%v", damagedAt(at, nil))
			}
			seg.end = at.offset
			return nil
		}
		s.keep(rec, last)
		at.offset += size
	}
	return nil
}

// keep notes a good record, and its bytes if they must be written again.
func (s *scanner) keep(rec found, last bool) {
	s.next = rec.sequence + 1
	if last && !rec.place.before(s.floor.place) {
		s.again = append(s.again, rec.Record)
	}
	rec.Record = Record{ID: rec.ID, Author: rec.Author, Round: rec.Round, Header: slices.Clone(rec.Header)}
	s.tail = append(s.tail, rec)
}

// readFrame reads the frame at the given place of a segment of end bytes. If it is not whole,
// size is as much of it as is known.
func readFrame(r io.ReaderAt, at place, end uint32, rec *found) (size uint32, ok bool) {
	var prefix [prefixSize]byte
	if n, _ := r.ReadAt(prefix[:], int64(at.offset)); n < prefixSize {
		return prefixSize, false
	}
	f, ok := readPrefix(prefix[:], at)
	if !ok {
		return prefixSize, false
	}
	size = uint32(f.size())
	if size > end-at.offset {
		return size, false
	}
	payload := make([]byte, size-prefixSize)
	if n, _ := r.ReadAt(payload, int64(at.offset)+prefixSize); n < len(payload) {
		return size, false
	}
	rec.entry = entry{place: at, sequence: f.sequence, head: f.head, rest: f.rest}
	return size, f.decodePayload(payload, &rec.Record)
}

// sector is the smallest unit that a disk writes whole.
const sector = 512

// torn reports whether a crash in the middle of writing can have left the frame of the given
// size as it is: it runs over the end of the file, or a sector of it was never written. Bytes
// that are there but wrong are damage, and not to be mistaken for an end. [STO-7]
func torn(r io.ReaderAt, at place, size, end uint32) bool {
	if size > end-at.offset {
		return true
	}
	b := make([]byte, size)
	if n, _ := r.ReadAt(b, int64(at.offset)); n < len(b) {
		return false
	}
	for from := uint32(0); from < size; {
		to := min(size, from+sector-(at.offset+from)%sector)
		if len(bytes.TrimLeft(b[from:to], "\x00")) == 0 {
			return true
		}
		from = to
	}
	return false
}

// restart begins the segment that is written from now on.
func (s *scanner) restart() error {
	l := s.log
	l.next = s.next
	number, before := s.cut.segment+1, s.cut.offset
	if len(s.again) > 0 {
		l.next = s.tail[len(s.tail)-len(s.again)].sequence
		before = max(s.floor.offset, initSize)
		if s.floor.segment != s.cut.segment {
			before = initSize
		}
		s.tail = s.tail[:len(s.tail)-len(s.again)]
	}
	if n := len(l.segments); n > 0 {
		l.segments[n-1].end = before
		if before == initSize && s.doubt == "" {
			number, before = s.cut.segment, l.origin.before
			l.segments = l.segments[:n-1]
			if err := l.readers.close(); err != nil {
				return err
			}
		}
	}
	entries, err := l.startSegment(number, before, s.again)
	if err != nil {
		return err
	}
	for i, e := range entries {
		r := &s.again[i]
		s.tail = append(s.tail, found{e, Record{ID: r.ID, Author: r.Author, Round: r.Round, Header: r.Header}})
	}
	l.durable.Store(l.next)
	l.written.Store(l.next)
	if err := writeMark(l.marks, mark{place: l.end, sequence: l.next}); err != nil {
		return fmt.Errorf("write mark: %w", err)
	}
	return nil
}

// peekFrame reads the prefix of the frame at the given place only.
func peekFrame(r io.ReaderAt, at place, end uint32) (size uint32, sequence uint64, ok bool) {
	var prefix [prefixSize]byte
	if n, _ := r.ReadAt(prefix[:], int64(at.offset)); n < prefixSize {
		return 0, 0, false
	}
	f, ok := readPrefix(prefix[:], at)
	if !ok || f.size() > int(end-at.offset) {
		return 0, 0, false
	}
	return uint32(f.size()), f.sequence, true
}
