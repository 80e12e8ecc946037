package kv

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// A filter knows every key that was added, and few others.
func TestFilter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const keys = 200_000
	f := newFilter(keys, 0)
	hashes := make([]uint64, keys)
	for i := range hashes {
		hashes[i] = random.Uint64()
		f.add(hashes[i])
	}
	for _, h := range hashes {
		if !f.mayHave(h) {
			t.Fatalf("hash %x is lost", h)
		}
	}
	wrong := 0
	for range keys {
		if f.mayHave(random.Uint64()) {
			wrong++
		}
	}
	if wrong > keys*4/100 {
		t.Errorf("%d of %d that are not there look as if they were", wrong, keys)
	}
	if f.add(1); !f.full() {
		t.Error("not full")
	}
	if most := newFilter(1<<40, 0); 8*len(most.words) > mostBytes {
		t.Errorf("%d bytes", 8*len(most.words))
	}
}

func filterKey(n int) []byte {
	return binary.BigEndian.AppendUint64([]byte{'f'}, uint64(n)*0x9e3779b97f4a7c15)
}

// A filter that becomes too small is filled anew, and no key is missed meanwhile, nor after opening
// again; what is not there is refused without a question to the engine.
func TestFilterGrows(t *testing.T) {
	for _, background := range []bool{false, true} {
		t.Run(fmt.Sprint("background ", background), func(t *testing.T) {
			const least = 8 << 10
			disk := Crashable()
			o := Options{Buffer: &Buffer{Bytes: 64 << 10, Commits: 50, Background: background, Filtered: []byte("f"), FilterBytes: least}}
			db := openWith(t, disk, o)
			const keys = 6 * least * 8 / bitsPerKey
			buffer := func() *buffered { return db.engine.(*buffered) }
			check := func(upTo int) {
				t.Helper()
				for i := range upTo {
					if ok, err := db.Has(filterKey(i)); err != nil || !ok {
						t.Fatalf("key %d of %d: %v %v", i, upTo, ok, err)
					}
				}
			}
			for n := 0; n < keys; {
				batch := db.NewBatch()
				for range 100 {
					if n%3 == 0 {
						batch.Append(filterKey(n), []byte("tail"))
					} else {
						batch.Set(filterKey(n), []byte("value"))
					}
					n++
				}
				if err := batch.Commit(false); err != nil {
					t.Fatal(err)
				}
				if n%4000 == 0 {
					check(n)
				}
			}
			buffer().filters.filling.Wait()
			if f := buffer().ready.Load(); f == nil || f.room() <= least*8/bitsPerKey {
				t.Fatalf("no larger filter: %v", f)
			}
			check(keys)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db = openWith(t, disk, o)
			defer db.Close()
			check(keys)
			buffer().filters.filling.Wait()
			check(keys)
			batch := db.NewBatch()
			batch.Set([]byte("e"), nil) // a fold, which makes a larger one if need be
			if err := batch.Commit(true); err != nil {
				t.Fatal(err)
			}
			buffer().filters.filling.Wait()
			absent := 0
			for i := range 1000 {
				if key := filterKey(keys + i); buffer().absent(key, hashKey(key)) {
					absent++
				}
			}
			if absent < 900 {
				t.Errorf("the filter refuses %d of 1000 keys that are not there", absent)
			}
		})
	}
}
