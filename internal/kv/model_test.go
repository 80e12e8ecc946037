package kv

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A subject is an engine next to a model of what it must hold: the states after each batch since
// the last one that is known to be durable.
type subject struct {
	name    string
	options Options
	disk    *CrashFS
	db      *DB
	states  []map[string]string // the newest is last; the first is durable
	fixed   *Snapshot
	frozen  map[string]string
	asked   map[string]bool // keys that checkKeys asks for
}

func (s *subject) newest() map[string]string { return s.states[len(s.states)-1] }

func (s *subject) open(t *rapid.T) {
	db, err := Open(s.disk, "db", s.options)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	s.db = db
}

func (s *subject) unfix(t *rapid.T) {
	if s.fixed == nil {
		return
	}
	if err := s.fixed.Close(); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	s.fixed = nil
}

func (s *subject) reopen(t *rapid.T) {
	s.unfix(t)
	if err := s.db.Close(); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	s.states = []map[string]string{s.newest()}
	s.open(t)
}

// die opens what a crash or, with a negative percent, a kill left, and takes it for the truth
// if it is the state after some batch that could be the last one.
func (s *subject) die(t *rapid.T, percent int, seed uint64) {
	left := s.disk.Kill()
	if percent >= 0 {
		left = s.disk.Crash(percent, seed)
	}
	s.unfix(t)
	_ = s.db.Close() // it writes to a disk that nobody sees any more
	s.disk = left
	s.open(t)
	found := s.read(t, s.db)
	for i := len(s.states) - 1; i >= 0; i-- {
		if !maps.Equal(s.states[i], found) {
			continue
		}
		if percent < 0 && s.options.Engine == Plain && s.options.Buffer == nil && i < len(s.states)-1 {
			break // it wrote each batch before it said so
		}
		s.states = s.states[:i+1]
		if percent >= 0 {
			s.states = s.states[i:] // all that a crash leaves is durable
		}
		return
	}
	t.Fatalf("%s: after a crash (%d%%) it holds %q, none of %q", s.name, percent, found, s.states)
}

func (s *subject) read(t *rapid.T, r Reader) map[string]string {
	found := map[string]string{}
	last := ""
	err := r.Ascend(nil, nil, func(k, v []byte) (bool, error) {
		if string(k) <= last {
			t.Fatalf("%s: key %q after %q", s.name, k, last)
		}
		last = string(k)
		found[last] = string(v)
		return true, nil
	})
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return found
}

// checkKeys asks for each key that was ever set, and for some that were not, one by one.
func (s *subject) checkKeys(t *rapid.T) {
	if s.asked == nil {
		s.asked = map[string]bool{"none": true}
	}
	for k := range s.newest() {
		s.asked[k] = true
	}
	for k := range s.asked {
		v, ok, err := s.db.Get(nil, []byte(k))
		if want, held := s.newest()[k]; err != nil || ok != held || string(v) != want {
			t.Fatalf("%s: key %q is %q %v, want %q %v, %v", s.name, k, v, ok, want, held, err)
		}
	}
}

// check compares all that can be asked with the model.
func (s *subject) check(t *rapid.T, lower, upper, key string) {
	for r, want := range map[Reader]map[string]string{s.db: s.newest(), s.fixed: s.frozen} {
		if r == (*Snapshot)(nil) {
			continue
		}
		if found := s.read(t, r); !maps.Equal(found, want) {
			t.Fatalf("%s: holds %q, want %q", s.name, found, want)
		}
		v, ok, err := r.Get([]byte("x"), []byte(key))
		has, _ := r.Has([]byte(key))
		if w, held := want[key]; err != nil || ok != held || has != held || string(v) != "x"+w {
			t.Fatalf("%s: key %q is %q %v %v, want %q %v, %v", s.name, key, v, ok, has, w, held, err)
		}
		previous, n := "~", 0
		err = r.Descend([]byte(lower), []byte(upper), func(k, v []byte) (bool, error) {
			if string(k) < lower || string(k) >= min(upper, previous) || want[string(k)] != string(v) {
				t.Fatalf("%s: backwards from %q to %q: key %q is %q", s.name, upper, lower, k, v)
			}
			previous = string(k)
			n++
			return true, nil
		})
		for k := range want {
			if k >= lower && k < upper {
				n--
			}
		}
		if err != nil || n != 0 {
			t.Fatalf("%s: backwards from %q to %q: %d keys too many, %v", s.name, upper, lower, n, err)
		}
	}
}

// A change is one of a batch, drawn once and made in each subject.
type change struct {
	kind       byte
	key, value string
}

func (s *subject) commit(t *rapid.T, changes []change, sync bool) {
	b := s.db.NewBatch()
	model := maps.Clone(s.newest())
	for _, c := range changes {
		k, v := []byte(c.key), []byte(c.value)
		switch c.kind {
		case kindSet:
			b.Set(k, v)
			model[c.key] = c.value
		case kindAppend:
			b.Append(k, v)
			model[c.key] += c.value
		case kindDelete:
			b.Delete(k)
			delete(model, c.key)
		}
	}
	if err := b.Commit(sync); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	if s.states = append(s.states, model); sync {
		s.states = []map[string]string{model}
	}
}

// full is set by make test-full.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }

// TestModel runs random sequences against both engines and maps, with closing, killing and power
// cuts in between. Two stores of the plain engine leave equal bytes in the end.
func TestModel(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if before := checks.Value.String(); before == checks.DefValue {
		defer func() { _ = checks.Value.Set(before) }()
		n := 300
		if full() {
			n = 2000
		} else if testing.Short() {
			n = 100
		}
		_ = checks.Value.Set(fmt.Sprint(n))
	}
	key := rapid.StringOfN(rapid.RuneFrom([]rune("ab\u0000")), 1, 3, -1)
	value := rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(rapid.StringOfN(rapid.RuneFrom([]rune("01")), 0, 3, -1).Draw(t, "part"), rapid.SampledFrom([]int{1, 1, 1, 40, 300}).Draw(t, "times"))
	})
	changes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) change {
		c := change{kind: rapid.SampledFrom([]byte{kindSet, kindSet, kindSet, kindAppend, kindAppend, kindDelete}).Draw(t, "kind")}
		c.key = key.Draw(t, "key")
		c.value = value.Draw(t, "value")
		return c
	}), 0, 5)
	rapid.Check(t, func(rt *rapid.T) {
		var subjects []*subject
		for _, e := range append(engines[:len(engines):len(engines)], engines[1], engines[3]) {
			s := &subject{name: e.name, options: e.options, disk: Crashable(), states: []map[string]string{{}}}
			s.open(rt)
			subjects = append(subjects, s)
		}
		each := func(fn func(s *subject)) {
			for _, s := range subjects {
				fn(s)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"batch": func(rt *rapid.T) {
				list, sync := changes.Draw(rt, "changes"), rapid.Bool().Draw(rt, "sync")
				each(func(s *subject) { s.commit(rt, list, sync) })
			},
			"snapshot": func(rt *rapid.T) {
				each(func(s *subject) {
					s.unfix(rt)
					s.fixed, s.frozen = s.db.Snapshot(), s.newest()
				})
			},
			"reopen": func(rt *rapid.T) { each(func(s *subject) { s.reopen(rt) }) },
			"die": func(rt *rapid.T) {
				percent, seed := rapid.SampledFrom([]int{-1, 0, 50, 50, 90, 100}).Draw(rt, "percent"), rapid.Uint64().Draw(rt, "seed")
				each(func(s *subject) { s.die(rt, percent, seed) })
			},
			"": func(rt *rapid.T) {
				lower, upper, k := key.Draw(rt, "lower"), key.Draw(rt, "upper"), key.Draw(rt, "key")
				each(func(s *subject) { s.checkKeys(rt) })
				if rapid.IntRange(0, 3).Draw(rt, "scan") == 0 { // which folds
					each(func(s *subject) { s.check(rt, lower, upper, k) })
				}
			},
		})
		each(func(s *subject) {
			s.unfix(rt)
			if err := s.db.Close(); err != nil {
				rt.Fatal(err)
			}
		})
		for x, y := range map[int]int{1: 4, 3: 5} {
			if a, b := dumpFS(t, subjects[x].disk), dumpFS(t, subjects[y].disk); a != b {
				rt.Fatalf("equal calls left\n%s\nand\n%s", a, b)
			}
		}
	})
}
