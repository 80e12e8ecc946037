package store

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/asterism-network/asterism/internal/kv"
)

// readers keeps segments open for reading, at most maxReaders of those not in use.
type readers struct {
	fs  kv.FS
	dir string

	mu   sync.Mutex
	open map[uint32]*reader
}

type reader struct {
	kv.File
	uses int  // guarded by readers.mu
	gone bool // its segment was removed: the last use closes it
}

const maxReaders = 64

// errDamaged says that bytes of the log are not what was written.
var errDamaged = errors.New("damaged")

func (rs *readers) use(number uint32) (*reader, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r := rs.open[number]; r != nil {
		r.uses++
		return r, nil
	}
	f, err := rs.fs.Open(rs.fs.PathJoin(rs.dir, segmentName(number)))
	if err != nil {
		return nil, err
	}
	rs.evict()
	r := &reader{File: f, uses: 1}
	rs.open[number] = r
	return r, nil
}

// evict closes one idle segment, whichever comes first, when there are too many.
func (rs *readers) evict() {
	if len(rs.open) < maxReaders {
		return
	}
	for number, r := range rs.open {
		if r.uses == 0 {
			_ = r.Close()
			delete(rs.open, number)
			return
		}
	}
}

func (rs *readers) done(r *reader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if r.uses--; r.gone && r.uses == 0 {
		_ = r.Close()
	}
}

// forget lets go of a segment that is about to be removed.
func (rs *readers) forget(number uint32) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.open[number]
	if r == nil {
		return
	}
	delete(rs.open, number)
	if r.gone = true; r.uses == 0 {
		_ = r.Close()
	}
}

func (rs *readers) close() (err error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, r := range rs.open {
		err = errors.Join(err, r.Close())
	}
	clear(rs.open)
	return err
}

// read fetches the record at e, or its head alone. Every checksum of what it returns was
// checked; an error means that the record cannot be served.
func (rs *readers) read(e entry, headOnly bool) (rec Record, err error) {
	r, err := rs.use(e.segment)
	if err != nil {
		return rec, fmt.Errorf("%w: segment %d: %w", errDamaged, e.segment, err)
	}
	defer rs.done(r)
	size := prefixSize + int(e.head)
	if !headOnly {
		size += int(e.rest)
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, int64(e.offset)); n < size {
		return rec, damagedAt(e.place, err)
	}
	f, ok := readPrefix(b, e.place)
	if !ok || f.kind != frameSnapshot || f.head != e.head || f.rest != e.rest || f.sequence != e.sequence {
		return rec, damagedAt(e.place, nil)
	}
	if headOnly {
		if !f.decodeHead(b[prefixSize:], &rec) {
			return Record{}, damagedAt(e.place, nil)
		}
		return rec, nil
	}
	if !f.decodePayload(b[prefixSize:], &rec) {
		return Record{}, damagedAt(e.place, nil)
	}
	return rec, nil
}

func damagedAt(p place, cause error) error {
	if cause == nil || errors.Is(cause, io.EOF) {
		return fmt.Errorf("%w: segment %d at byte %d", errDamaged, p.segment, p.offset)
	}
	return fmt.Errorf("%w: segment %d at byte %d: %w", errDamaged, p.segment, p.offset, cause)
}
