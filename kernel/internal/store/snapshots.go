package store

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
)

// maxPending bounds the index entries that are kept in memory while nothing is committed.
const maxPending = 1 << 15

// Append writes snapshots to the log in one go. With sync, they and everything appended before
// are durable when it returns. A snapshot that the log holds is refused with ErrDuplicate,
// unless its record is damaged: then the new one takes its place.
//
// ErrDiskFull, ErrTooLarge and ErrDuplicate leave the store as it was. After any other error
// the store is halted and nothing of the call counts as written.
func (s *Store) Append(records []Record, sync bool) error {
	s.appending.Lock()
	defer s.appending.Unlock()
	if err := s.writable(); err != nil {
		return err
	}
	if err := s.admit(records); err != nil {
		return err
	}
	entries, err := s.log.append(records)
	if err != nil {
		return err
	}
	for i := range records {
		if err := s.index.add(entries[i], &records[i]); err != nil {
			return s.fail(err)
		}
	}
	if sync && len(entries) > 0 {
		if err := s.log.syncTo(entries[len(entries)-1].sequence + 1); err != nil {
			return err
		}
	} else if sync {
		return s.SyncNow()
	}
	if s.index.size() > maxPending {
		return s.foldIndex()
	}
	return nil
}

// foldIndex begins to write the index with a fold.
func (s *Store) foldIndex() error { return s.betweenCommits(s.db.Fold) }

// flushIndex writes the index with a fold, which makes the log durable first.
func (s *Store) flushIndex() error { return s.betweenCommits(s.db.Flush) }

// betweenCommits calls write unless the store is halted, and halts it if write fails.
func (s *Store) betweenCommits(write func() error) error {
	s.committing.Lock()
	defer s.committing.Unlock()
	if err := s.failed.Load(); err != nil {
		return *err
	}
	if err := write(); err != nil {
		return s.fail(err)
	}
	return nil
}

// admit refuses records that are over a limit or in the log already.
func (s *Store) admit(records []Record) error {
	for i := range records {
		r := &records[i]
		if !fits(r) {
			return fmt.Errorf("%w: snapshot %s: header %d, body %d, meta %d bytes", ErrTooLarge, r.ID, len(r.Header), len(r.Body), len(r.Meta))
		}
		for j := range i {
			if records[j].ID == r.ID {
				return fmt.Errorf("%w: %s", ErrDuplicate, r.ID)
			}
		}
		if s.index.above(slot{epochOf(r.Header), r.Author, r.Round}) {
			continue
		}
		e, ok, err := s.index.find(r.ID)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if _, err := s.log.readers.read(e, false); err == nil {
			return fmt.Errorf("%w: %s", ErrDuplicate, r.ID)
		}
	}
	return nil
}

// SyncNow makes everything appended so far durable.
func (s *Store) SyncNow() error {
	s.log.mu.Lock()
	next := s.log.next
	s.log.mu.Unlock()
	return s.log.syncTo(next)
}

// Snapshot returns the record of a snapshot. A damaged record is not returned: it makes the
// store Doubtful.
func (s *Store) Snapshot(id kernel.SnapshotID) (Record, bool) { return s.record(id, false) }

// Header returns a snapshot's header without reading its body.
func (s *Store) Header(id kernel.SnapshotID) ([]byte, bool) {
	r, ok := s.record(id, true)
	return r.Header, ok
}

func (s *Store) record(id kernel.SnapshotID, headOnly bool) (Record, bool) {
	e, ok := s.find(id)
	if !ok {
		return Record{}, false
	}
	r, err := s.log.readers.read(e, headOnly)
	if err == nil && r.ID != id {
		err = damagedAt(e.place, errors.New("holds another snapshot"))
	}
	if err != nil && s.log.dropped(e.segment) {
		return Record{}, false // it was found just before it went
	}
	if err != nil {
		s.distrust(err)
		return Record{}, false
	}
	return r, true
}

func (s *Store) find(id kernel.SnapshotID) (entry, bool) {
	e, ok, err := s.index.find(id)
	if err != nil {
		s.options.Fatal(err)
	}
	return e, ok
}

// Has reports whether the log holds a snapshot, without reading it.
func (s *Store) Has(id kernel.SnapshotID) bool {
	_, ok := s.find(id)
	return ok
}

// HasAt is Has for a snapshot whose header is at hand: one above all that the log holds of its
// author, as most are that come, is answered from memory.
func (s *Store) HasAt(id kernel.SnapshotID, h *kernel.Header) bool {
	return !s.index.above(slot{h.Epoch, h.Author, h.Round}) && s.Has(id)
}

// Sequence returns the place of a snapshot in the order of acceptance. The first is 1; after a
// loss the numbers have gaps.
func (s *Store) Sequence(id kernel.SnapshotID) (uint64, bool) {
	e, ok := s.find(id)
	return e.sequence, ok
}

// Variants returns the ids of an author's snapshots of one round in the newest epoch of the
// log, in order of acceptance: more than one if the author equivocated.
func (s *Store) Variants(author kernel.Author, round kernel.Round) []kernel.SnapshotID {
	return s.VariantsIn(s.index.newestEpoch(), author, round)
}

// VariantsIn is Variants for any epoch.
func (s *Store) VariantsIn(epoch kernel.Epoch, author kernel.Author, round kernel.Round) []kernel.SnapshotID {
	ids, err := s.index.variants(slot{epoch, author, round})
	if err != nil {
		s.options.Fatal(err)
	}
	return ids
}

// Newest returns the newest round of which the log holds a snapshot by author, in the newest
// epoch of the log.
func (s *Store) Newest(author kernel.Author) (kernel.Round, bool) {
	return s.NewestIn(s.index.newestEpoch(), author)
}

// NewestIn is Newest for any epoch.
func (s *Store) NewestIn(epoch kernel.Epoch, author kernel.Author) (kernel.Round, bool) {
	round, ok, err := s.index.newestIn(chain{epoch, author})
	if err != nil {
		s.options.Fatal(err)
	}
	return round, ok
}

// ScanAccepted calls fn for every record from a sequence number on, in the order of acceptance,
// up to what was appended when it began. An error of fn ends it. Damage does not: what can be
// read is passed on, the store turns Doubtful, and the error at the end is ErrCorrupt.
func (s *Store) ScanAccepted(from uint64, fn func(sequence uint64, r Record) error) error {
	var damage error
	segments := s.log.extent()
	for i, seg := range segments {
		if i+1 < len(segments) && segments[i+1].first > 0 && segments[i+1].first <= from {
			continue
		}
		bad, err := s.scanSegment(seg, from, fn)
		if err != nil {
			return err
		}
		damage = errors.Join(damage, bad)
	}
	if damage != nil {
		s.distrust(damage)
		return fmt.Errorf("%w: %w", ErrCorrupt, damage)
	}
	return nil
}

// scanSegment scans one segment up to its end, or to a frame whose length is damaged. It returns
// damage apart from the error of fn.
func (s *Store) scanSegment(seg segment, from uint64, fn func(uint64, Record) error) (damage, err error) {
	at := place{segment: seg.number, offset: initSize}
	if seg.end <= at.offset {
		return nil, nil
	}
	r, err := s.log.readers.use(seg.number)
	if err != nil && s.log.dropped(seg.number) {
		return nil, nil
	}
	if err != nil {
		return damagedAt(at, err), nil
	}
	defer s.log.readers.done(r)
	if _, _, _, err := readOrigin(s.log, seg.number); err != nil {
		damage = err
	}
	for at.offset < seg.end {
		size, sequence, ok := peekFrame(r, at, seg.end)
		if !ok {
			return errors.Join(damage, damagedAt(at, nil)), nil
		}
		if sequence >= from {
			var rec found
			if _, ok := readFrame(r, at, seg.end, &rec); !ok {
				damage = errors.Join(damage, damagedAt(at, nil))
			} else if err := fn(sequence, rec.Record); err != nil {
				return damage, err
			}
		}
		at.offset += size
	}
	return damage, nil
}

// Stats are figures for metrics; the counters only grow while the store is open.
type Stats struct {
	LogBytes    uint64 // written to the log
	Syncs       uint64 // of the log
	SyncSeconds float64
	StateBytes  uint64 // the key-value store takes on disk
	KeptBytes   uint64 // of the log that are there
	Pending     int    // index entries in memory
}

// Stats returns the store's figures.
func (s *Store) Stats() Stats {
	l := &s.log.stats
	return Stats{
		LogBytes:    l.bytes.Load(),
		Syncs:       l.syncs.Load(),
		SyncSeconds: float64(l.nanos.Load()) / 1e9,
		StateBytes:  s.db.DiskBytes(),
		KeptBytes:   s.log.kept(),
		Pending:     s.index.size(),
	}
}
