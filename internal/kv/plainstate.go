package kv

import (
	"errors"
	"slices"
	"strings"

	"github.com/RaduBerinde/btreemap"
)

// A plainState is what an engine held at one moment. It reads the engine's own pairs, so as long
// as nothing is written it costs next to nothing; a write first gives every state that is open
// what it replaces.
type plainState struct {
	engine *plainEngine // nil when closed

	// Guarded by the engine.
	replaced []replaced            // since, as it came; not yet in before
	before   map[string]stringOrNo // of keys that were written since: what this state holds
}

// A stringOrNo is a value, if there is one.
type stringOrNo struct {
	value string
	there bool
}

type replaced struct {
	key string
	stringOrNo
}

// tree holds keys in order.
type tree = btreemap.BTreeMap[string, struct{}]

const (
	treeDegree = 16 // half the children of a node

	// worthTidying is how many changes of the set of keys are collected at least before a commit
	// brings the tree up to date.
	worthTidying = 1024
)

// An order finds keys in order. It is brought up to date only where somebody asks for order, which
// few do: most questions are about one key. It may hold keys that are gone, for the states that
// have them still.
type order struct {
	keys  *tree
	fresh [256][]string // came and are not yet in the tree, by their first byte
	gone  []string      // went since the last tidying
	moved int           // keys in fresh and gone
}

func newOrder() order {
	return order{keys: btreemap.New[string, struct{}](treeDegree, strings.Compare)}
}

func firstByte[T []byte | string](key T) byte {
	if len(key) == 0 {
		return 0
	}
	return key[0]
}

func (o *order) add(key string) {
	b := firstByte(key)
	o.fresh[b] = append(o.fresh[b], key)
	o.moved++
}

func (o *order) remove(key string) {
	o.gone = append(o.gone, key)
	o.moved++
}

// tree returns all keys that there are and some that are gone, of those whose first byte lies
// between low and high.
func (o *order) tree(low, high byte) *tree {
	for i := int(low); i <= int(high); i++ {
		fresh := o.fresh[i]
		slices.Sort(fresh) // neighbours are in the processor's cache
		for _, key := range fresh {
			o.keys.ReplaceOrInsert(key, struct{}{})
		}
		o.fresh[i] = nil
		o.moved -= len(fresh)
	}
	return o.keys
}

// tidy forgets keys that are gone, if they are many. No state may be open.
func (o *order) tidy(pairs map[string]string) {
	if o.moved <= 2*len(pairs)+worthTidying {
		return
	}
	t := o.tree(0, 0xff)
	for _, key := range o.gone {
		if _, back := pairs[key]; !back {
			t.Delete(key)
		}
	}
	o.gone, o.moved = nil, 0
}

// put and remove are the only ways to change a pair. The engine's lock is held.

func (e *plainEngine) put(key, value string) {
	e.tellStates(key)
	n := len(e.pairs)
	e.pairs[key] = value
	if len(e.pairs) > n {
		e.order.add(key)
	}
}

func (e *plainEngine) remove(key string) {
	e.tellStates(key)
	n := len(e.pairs)
	delete(e.pairs, key)
	if len(e.pairs) < n {
		e.order.remove(key)
	}
}

func (e *plainEngine) tellStates(key string) {
	if len(e.open) == 0 {
		return
	}
	value, there := e.pairs[key]
	for _, s := range e.open {
		s.replaced = append(s.replaced, replaced{key, stringOrNo{value, there}})
	}
}

func (e *plainEngine) snapshot() fixedState { return e.state() }

func (e *plainEngine) state() *plainState {
	s := &plainState{engine: e}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open = append(e.open, s)
	return s
}

func (s *plainState) close() error {
	e := s.engine
	if e == nil {
		return errors.New("snapshot is closed already")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	i := slices.Index(e.open, s)
	e.open = slices.Delete(e.open, i, i+1)
	*s = plainState{}
	return nil
}

// settle sorts in what was replaced. A key's first replaced value is the one of this state.
func (s *plainState) settle() {
	if s.before == nil && len(s.replaced) > 0 {
		s.before = make(map[string]stringOrNo, len(s.replaced))
	}
	for _, r := range s.replaced {
		if _, known := s.before[r.key]; !known {
			s.before[r.key] = r.stringOrNo
		}
	}
	s.replaced = nil
}

func (s *plainState) get(dst, key []byte) ([]byte, bool, error) {
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	s.settle()
	if old, ok := s.before[string(key)]; ok {
		return append(dst, old.value...), old.there, nil
	}
	value, ok := s.engine.pairs[string(key)]
	return append(dst, value...), ok, nil
}

func (s *plainState) has(key []byte) (ok bool, err error) {
	_, ok, err = s.get(nil, key)
	return ok, err
}

// A pair of a scan.
type pair struct{ key, value string }

// Pairs are taken out of the engine in portions, because its lock may not be held during a visit.
const (
	firstPortion = 4 // most scans want one or two pairs
	mostPortion  = 256
)

func (s *plainState) scan(lower, upper []byte, back bool, fn visit) error {
	left := newSpan(lower, upper, back)
	var key, value []byte
	portion := make([]pair, 0, firstPortion)
	for {
		portion = s.next(portion[:0], &left)
		for _, p := range portion {
			key, value = append(key[:0], p.key...), append(value[:0], p.value...)
			if more, err := fn(key, value); !more || err != nil {
				return err
			}
		}
		if len(portion) < cap(portion) {
			return nil
		}
		portion = make([]pair, 0, min(2*cap(portion), mostPortion))
	}
}

// next fills the portion from the front of the span and shortens the span by it.
func (s *plainState) next(portion []pair, left *span) []pair {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	s.settle()
	left.walk(e.order.tree(left.low, left.high), func(key string, _ struct{}) (more bool) {
		old, ok := s.before[key]
		if !ok {
			old.value, old.there = e.pairs[key]
		}
		if old.there {
			portion = append(portion, pair{key, old.value})
		}
		return len(portion) < cap(portion)
	})
	if n := len(portion); n > 0 {
		left.cut(portion[n-1].key)
	}
	return portion
}

// A span is what a scan has yet to visit.
type span struct {
	first btreemap.LowerBound[string]
	end   btreemap.UpperBound[string]
	back  bool

	low, high byte // the first bytes of its keys lie between these
}

func newSpan(lower, upper []byte, back bool) span {
	s := span{first: btreemap.Min[string](), end: btreemap.Max[string](), back: back, high: 0xff}
	if lower != nil {
		s.first, s.low = btreemap.GE(string(lower)), firstByte(lower)
	}
	if upper != nil {
		s.end, s.high = btreemap.LT(string(upper)), firstByte(upper)
	}
	return s
}

func (s *span) walk(t *tree, fn func(key string, _ struct{}) (more bool)) {
	if s.back {
		t.DescendFunc(s.end, s.first, fn)
	} else {
		t.AscendFunc(s.first, s.end, fn)
	}
}

// cut takes off everything up to key, which was visited.
func (s *span) cut(key string) {
	if s.back {
		s.end = btreemap.LT(key)
	} else {
		s.first = btreemap.GT(key)
	}
}
