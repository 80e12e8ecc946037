package store

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/kernel"
)

// recentRows remember the newest rows that have outputs, as commits wrote them, and which of those
// outputs were spent since: most of what is spent is young, and is found here without a search. The
// rows stand one behind the other in a ring of chunks, the newest in the place of the oldest; one line
// of memory leads to a row. It can be found once its commit is there, and not before.
//
// A row never changes. The mark of what is spent comes before anybody can see the commit that spends,
// which may still fail: marked means that the state knows more, unmarked that nobody spent it.
//
// One commit at a time writes; anyone reads.
type recentRows struct {
	mu     sync.RWMutex
	chunks [recentChunks][]byte
	end    uint64 // bytes ever written, with gaps: a row's place is how many came before it
	shown  uint64 // rows at places below can be found
	index  [recentBuckets][4]recentSlot
}

// A recentSlot is the place of a row above a tag that tells it from others, or 0.
type recentSlot uint64

const (
	recentChunk   = 256 << 10
	recentChunks  = 32 // 8 MiB are about 30,000 reference payments
	recentBytes   = recentChunks * recentChunk
	recentBuckets = 1 << 14
	recentTag     = 16 // bits

	recentSpent  = numberSize      // behind the row's number: a bit for each of its outputs
	recentLength = recentSpent + 1 // of the row, two bytes
	recentHead   = recentLength + 2
	recentRow    = 1 << 10 // bytes of the longest row that is kept
)

// bucket returns where the place of a row would stand, and its tag. The parts of one transaction, which
// are fewer than the buckets, have one each.
func (r *recentRows) bucket(hash *kernel.TxHash, part number) (slots *[4]recentSlot, tag recentSlot) {
	h := binary.LittleEndian.Uint64(hash[:]) + uint64(part)
	return &r.index[h%recentBuckets], recentSlot(h >> (64 - recentTag))
}

// put takes up a row of the commit that is being written.
func (r *recentRows) put(hash *kernel.TxHash, part, n number, row []byte) {
	if len(row) > recentRow {
		return
	}
	size := uint64(recentHead + len(row))
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := recentChunk - r.end%recentChunk; left < size {
		r.end += left
	}
	chunk := &r.chunks[r.end/recentChunk%recentChunks]
	if *chunk == nil {
		*chunk = make([]byte, recentChunk)
	}
	b := appendNumber((*chunk)[r.end%recentChunk:][:0], n)
	_ = append(binary.LittleEndian.AppendUint16(append(b, 0), uint16(len(row))), row...)
	slots, tag := r.bucket(hash, part)
	oldest := slices.Index(slots[:], slices.Min(slots[:]))
	slots[oldest] = recentSlot(r.end)<<recentTag | tag
	r.end += size
}

// show lets all that was put be found: its commit is there.
func (r *recentRows) show() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = r.end
}

// look returns the row of a part of a transaction, behind its head, if its place is below a bound. The
// lock is held.
func (r *recentRows) look(hash *kernel.TxHash, part number, bound uint64) []byte {
	slots, tag := r.bucket(hash, part)
	for _, s := range slots {
		place := uint64(s >> recentTag)
		if s == 0 || s&(1<<recentTag-1) != tag || place >= bound || place+recentBytes < r.end {
			continue
		}
		b := r.chunks[place/recentChunk%recentChunks][place%recentChunk:]
		b = b[:recentHead+int(binary.LittleEndian.Uint16(b[recentLength:]))]
		if kernel.TxHash(b[recentHead:]) == *hash {
			return b
		}
	}
	return nil
}

// find appends the row that an output of a transaction stands in to dst. Its number comes with it, and
// whether that output may be spent.
func (r *recentRows) find(dst []byte, ref *kernel.OutputRef) (row []byte, n number, marked, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	b := r.look(&ref.Hash, partOf(ref.Index), r.shown)
	if b == nil {
		return dst, 0, false, false
	}
	return append(dst, b[recentHead:]...), decodeNumber(b), b[recentSpent]&markOf(ref.Index) != 0, true
}

// spend marks an output and returns the number of its row, which may be of the commit being written.
func (r *recentRows) spend(ref *kernel.OutputRef) (n number, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.look(&ref.Hash, partOf(ref.Index), r.end)
	if b == nil {
		return 0, false
	}
	b[recentSpent] |= markOf(ref.Index)
	return decodeNumber(b), true
}

// markOf is an output's bit among those of its row.
func markOf(index uint16) byte { return 1 << (index % partOutputs) }
