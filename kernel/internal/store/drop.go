package store

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/kv"
)

// The beginning of the log can go, segment by segment. The key-value store says which segment is the oldest that must
// be there, durably before an older one is removed; those that a crash left are removed at opening. [PRU-5]

// removeBelow removes segments below the oldest that must be there, and returns the rest.
func (l *appendLog) removeBelow(numbers []uint32, oldest uint32) ([]uint32, error) {
	kept := slices.IndexFunc(numbers, func(n uint32) bool { return n >= oldest })
	if kept <= 0 {
		return numbers, nil
	}
	return numbers[kept:], l.removeFiles(numbers[:kept])
}

func (l *appendLog) removeFiles(numbers []uint32) error {
	for _, n := range numbers {
		if err := l.fs.Remove(l.fs.PathJoin(l.dir, segmentName(n))); err != nil {
			return fmt.Errorf("remove segment: %w", err)
		}
		l.readers.forget(n) // behind: nobody can open it any more
	}
	return kv.SyncDir(l.fs, l.dir)
}

// drop removes the segments below oldest. The one being written stays.
func (l *appendLog) drop(oldest uint32) error {
	l.mu.Lock()
	oldest = min(oldest, l.end.segment)
	l.origin.base = max(l.origin.base, oldest)
	var gone []uint32
	for len(l.segments) > 1 && l.segments[0].number < oldest {
		gone = append(gone, l.segments[0].number)
		l.segments = l.segments[1:]
	}
	l.segments = slices.Clone(l.segments)
	l.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	return l.removeFiles(gone)
}

// dropped reports whether a segment was let go of.
func (l *appendLog) dropped(number uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return number < l.origin.base
}

// current is the segment being written.
func (l *appendLog) current() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end.segment
}

// kept is how many bytes of the log there are.
func (l *appendLog) kept() (bytes uint64) {
	for _, seg := range l.extent() {
		bytes += uint64(seg.end)
	}
	return bytes
}
