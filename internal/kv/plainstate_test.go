package kv

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A frozenState is a snapshot and what it must hold.
type frozenState struct {
	fixed *Snapshot
	want  map[string]string
}

// checkKeys asks for single keys, those that are there and those that are not.
func (m frozenState) checkKeys(t *testing.T, keys []string) {
	t.Helper()
	for _, key := range keys {
		want, held := m.want[key]
		got, ok, err := m.fixed.Get(nil, []byte(key))
		has, _ := m.fixed.Has([]byte(key))
		if err != nil || ok != held || has != held || string(got) != want {
			t.Fatalf("key %q is %q %v %v, want %q %v, %v", key, got, ok, has, want, held, err)
		}
	}
}

// checkOrder scans all, forwards or backwards.
func (m frozenState) checkOrder(t *testing.T, back bool) {
	t.Helper()
	want := slices.Sorted(maps.Keys(m.want))
	scan := m.fixed.Ascend
	if back {
		slices.Reverse(want)
		scan = m.fixed.Descend
	}
	n := 0
	err := scan(nil, nil, func(k, v []byte) (bool, error) {
		if n == len(want) || string(k) != want[n] || string(v) != m.want[want[n]] {
			t.Fatalf("pair %d is %q=%q", n, k, v)
		}
		n++
		return true, nil
	})
	if err != nil || n != len(want) {
		t.Fatalf("%d pairs, want %d, %v", n, len(want), err)
	}
}

// TestPlainMoments holds many snapshots open while keys come, change, go and come back, and closes
// them in any order. Some are asked for keys before anybody ever asks for order.
func TestPlainMoments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var keys []string
	for i := range 3000 {
		keys = append(keys, fmt.Sprintf("%c%04d", 'a'+i%3, i))
	}
	keys = append(keys, "\xff\xff")
	db := openWith(t, Crashable(), Options{Engine: Plain})
	now := map[string]string{}
	var open []frozenState
	for step := range 120 {
		commit(t, db, false, func(b *Batch) {
			for range 200 {
				key := keys[r.IntN(len(keys))]
				switch value := fmt.Sprint(step); r.IntN(4) {
				case 0:
					b.Delete([]byte(key))
					delete(now, key)
				case 1:
					b.Append([]byte(key), []byte(value))
					now[key] += value
				default:
					b.Set([]byte(key), []byte(value))
					now[key] = value
				}
			}
		})
		open = append(open, frozenState{db.Snapshot(), maps.Clone(now)})
		if step%8 == 7 {
			r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
			for _, m := range open[3:] {
				m.checkKeys(t, keys)
				m.checkOrder(t, r.IntN(2) == 0)
				if err := m.fixed.Close(); err != nil {
					t.Fatal(err)
				}
			}
			open = open[:3]
		}
	}
	for _, m := range open {
		m.checkKeys(t, keys)
		m.checkOrder(t, true)
	}
}

// TestPlainForgetsKeys makes and removes keys that are never used again: what is kept for order
// must not grow with them, whether somebody scans or not, and no state may miss a key for it.
func TestPlainForgetsKeys(t *testing.T) {
	const batches, size = 100, 100
	for _, scans := range []bool{false, true} {
		db := openWith(t, Crashable(), Options{Engine: Plain})
		e := db.engine.(*plainEngine)
		for i := range batches {
			commit(t, db, false, func(b *Batch) {
				b.Set([]byte("stays"), []byte("yes"))
				for j := range size {
					b.Set(fmt.Appendf(nil, "%d", i*size+j), nil)
				}
			})
			if i == batches/2 {
				held := frozenState{db.Snapshot(), map[string]string{"stays": "yes"}}
				for j := range size {
					held.want[fmt.Sprint(i*size+j)] = ""
				}
				defer held.checkOrder(t, false)
			}
			commit(t, db, false, func(b *Batch) {
				b.Delete([]byte("stays"))
				for j := range size {
					b.Delete(fmt.Appendf(nil, "%d", i*size+j))
				}
				b.Set([]byte("stays"), []byte("yes"))
			})
			if scans {
				if got := contents(t, db, nil, nil); got != "stays=yes" {
					t.Fatalf("batch %d: left %q", i, got)
				}
			}
			if kept := e.order.keys.Len() + e.order.moved; i < batches/2 && kept > 2*worthTidying {
				t.Fatalf("batch %d: %d keys are kept for order", i, kept)
			}
		}
		if got := contents(t, db, nil, nil); got != "stays=yes" {
			t.Errorf("left %q", got)
		}
	}
}

// TestPlainSnapshotClosed closes a snapshot twice.
func TestPlainSnapshotClosed(t *testing.T) {
	s := openWith(t, Crashable(), Options{Engine: Plain}).Snapshot()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err == nil {
		t.Error("it closes twice")
	}
}
