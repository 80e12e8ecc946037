package replica

import (
	"errors"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel/internal/store"
)

// TestRebuildInterrupted rebuilds a folder on a disk that fails, and on one that loses power, at
// each operation in turn: whenever it is, the node finds a folder that it can open, and one whose
// log is in doubt once the old one is set aside.
func TestRebuildInterrupted(t *testing.T) {
	w := newWorld(t, 1)
	key, cause := w.genesis.Members[0].Key, errors.New("lost")
	replaced := 0
	for fuse := uint64(1); ; fuse++ {
		crash := kv.Crashable()
		disk := kv.Faulty(crash)
		o := store.Options{FS: disk, Engine: kv.Plain, Fatal: func(err error) { panic(err) }}
		w.must(Init(folder, w.genesis, key, o))
		disk.FailAfter(fuse, true)
		s, err := rebuildSafely(func() (*store.Store, error) { return Rebuild(folder, folder+".damaged", w.genesis, key, o, cause) })
		if err == nil {
			disk.FailAfter(0, false)
			w.must(s.Close())
			break
		}
		for i, left := range []kv.FS{crash.Kill(), crash.Crash(0, 1), crash.Crash(50, fuse)} {
			o := store.Options{FS: left, Engine: kv.Plain}
			if !Exists(folder, o) {
				t.Fatalf("after operation %d no folder is left: %v", fuse, err)
			}
			s, openErr := Open(folder, w.genesis, key, o)
			if openErr != nil {
				t.Fatalf("after operation %d: %v, then %v", fuse, err, openErr)
			}
			switch aside := store.Exists(folder+".damaged", o); {
			case aside && i == 0: // a loss of power may leave both names of what was moved
				replaced++
				if s.LogState() != store.Doubtful {
					t.Fatalf("after operation %d the new log is %v", fuse, s.LogState())
				}
			case !aside && s.LogState() != store.Unused:
				t.Fatalf("after operation %d the old log is %v", fuse, s.LogState())
			}
			w.must(s.Close())
			again, rebuildErr := Rebuild(folder, folder+".damaged-again", w.genesis, key, o, cause)
			w.must(rebuildErr)
			w.must(again.Close())
		}
	}
	if replaced == 0 {
		t.Error("no failure after the old folder was set aside")
	}
}

// rebuildSafely is an attempt that a storage failure may end as it ends the process.
func rebuildSafely(rebuild func() (*store.Store, error)) (s *store.Store, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	return rebuild()
}
