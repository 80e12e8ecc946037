package replica

import (
	"encoding/binary"
	"sync"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A Memory remembers transactions that were parsed and whether their signatures are good, both
// by the hash of the signed bytes. Answers are functions of bytes, so remembering never changes
// one, and replicas of one network with the same Proofs may share a Memory. It is bounded, and
// safe for concurrent use.
type Memory struct {
	parsed   *weighed[kernel.Hash, *ledger.Parsed]
	verified *verdicts
	decoded  *lru.Cache[*byte, *decoded] // nil where nobody shares
}

// A decoded is an encoded snapshot and what it says. It holds the bytes, so that no others can
// come to stand where they stand.
type decoded struct {
	raw      []byte
	snapshot kernel.Snapshot
	id       kernel.SnapshotID
	err      error
}

// decodedKept is how many snapshots are on their way in a simulated network at once, about.
const decodedKept = 2048

// NewSharedMemory is NewMemory for the replicas of a simulation, which get the same frames: each
// is decoded once. Frames must not change.
func NewSharedMemory() *Memory {
	m := NewMemory()
	m.decoded, _ = lru.New[*byte, *decoded](decodedKept)
	return m
}

// decode decodes a snapshot and computes its id.
func (m *Memory) decode(raw []byte) *decoded {
	if m.decoded != nil && len(raw) > 0 {
		if d, ok := m.decoded.Get(&raw[0]); ok && len(d.raw) == len(raw) {
			return d
		}
	}
	d := &decoded{raw: raw}
	if d.err = d.snapshot.UnmarshalBinary(raw); d.err == nil {
		d.id = d.snapshot.Header.ID()
	}
	if m.decoded != nil && len(raw) > 0 {
		m.decoded.Add(&raw[0], d)
	}
	return d
}

const (
	parsedKept  = 32 << 10
	parsedBytes = 64 << 20
)

// NewMemory returns an empty memory.
func NewMemory() *Memory {
	return &Memory{parsed: newWeighed[kernel.Hash, *ledger.Parsed](parsedKept, parsedBytes), verified: new(verdicts)}
}

// parse is ledger.Parse for bytes whose hash is known.
func (m *Memory) parse(raw []byte, signed kernel.Hash) *ledger.Parsed {
	if p, ok := m.parsed.get(signed); ok {
		return p
	}
	p := ledger.ParseSigned(raw, signed)
	m.parsed.add(signed, p, len(raw)+parsedWeight(1, len(raw), p.Carries()))
	return p
}

// knownGood reports whether the signatures of these signed bytes were found good.
func (m *Memory) knownGood(signed kernel.Hash) bool {
	good, known := m.verified.get(&signed)
	return known && good
}

// remembering is a ledger.Verifier with a memory.
type remembering struct {
	memory *Memory
	proofs Proofs
}

// Verify implements ledger.Verifier.
func (v remembering) Verify(tx *kernel.Transaction, signed kernel.Hash, keys [][]kernel.Key) bool {
	if good, known := v.memory.verified.get(&signed); known {
		return good
	}
	good := v.proofs.Verify(tx, signed, keys)
	v.memory.verified.put(&signed, good)
	return good
}

// verdicts say of signed bytes whether their signatures are good. A payment's is asked for half a dozen
// times until it is executed. Four share a place, of which the oldest makes room: in 4 MiB there is
// room for what is on its way, and to forget one costs no more than to verify it again.
type verdicts struct {
	mu     sync.RWMutex
	places [verdictPlaces][4]verdict // newest first
}

const verdictPlaces = 1 << 15

type verdict struct {
	signed      kernel.Hash
	known, good bool
}

func (v *verdicts) place(signed *kernel.Hash) *[4]verdict {
	return &v.places[binary.LittleEndian.Uint16(signed[:])%verdictPlaces]
}

func (v *verdicts) get(signed *kernel.Hash) (good, known bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	list := v.place(signed)
	for i := range list {
		if list[i].known && list[i].signed == *signed {
			return list[i].good, true
		}
	}
	return false, false
}

func (v *verdicts) put(signed *kernel.Hash, good bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := v.place(signed)
	i := 0
	for i < len(list)-1 && list[i].known && list[i].signed != *signed {
		i++
	}
	copy(list[1:i+1], list[:i])
	list[0] = verdict{*signed, true, good}
}

// A weighed cache is bounded by the bytes of what it holds, not only by how many they are:
// peers choose the sizes.
type weighed[K comparable, V any] struct {
	room int

	mu    sync.Mutex
	bytes int
	cache *simplelru.LRU[K, item[V]]
}

type item[V any] struct {
	value V
	bytes int
}

// newWeighed makes a cache for at most count values of together room bytes.
func newWeighed[K comparable, V any](count, room int) *weighed[K, V] {
	w := &weighed[K, V]{room: room}
	w.cache, _ = simplelru.NewLRU(count, func(_ K, i item[V]) { w.bytes -= i.bytes })
	return w
}

// add keeps a value, unless it alone would push out a large part of the others.
func (w *weighed[K, V]) add(key K, value V, bytes int) {
	if bytes > w.room/8 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.Remove(key)
	w.bytes += bytes
	w.cache.Add(key, item[V]{value, bytes})
	for w.bytes > w.room {
		w.cache.RemoveOldest()
	}
}

func (w *weighed[K, V]) get(key K) (V, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, ok := w.cache.Get(key)
	return i.value, ok
}

func (w *weighed[K, V]) remove(key K) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.Remove(key)
}
