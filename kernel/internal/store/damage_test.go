package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
)

// A damage is what happened to the files of a folder while nobody looked.
type damage struct {
	what string
	file string
	now  []byte
}

// treeOf lists all files below dir with their content.
func treeOf(t testing.TB, fsys kv.FS, dir string) (names []string, content map[string][]byte) {
	t.Helper()
	content = make(map[string][]byte)
	entries, err := fsys.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(entries)
	for _, e := range entries {
		name := fsys.PathJoin(dir, e)
		info, err := fsys.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			below, more := treeOf(t, fsys, name)
			names = append(names, below...)
			for n, b := range more {
				content[n] = b
			}
			continue
		}
		b, err := kv.ReadFile(fsys, name, 16<<20)
		if err != nil {
			t.Fatal(err)
		}
		names, content[name] = append(names, name), b
	}
	return names, content
}

// flips turns bits in every file: its first and last bytes and others between.
func flips(random *rand.Rand, names []string, content map[string][]byte, each int) (all []damage) {
	for _, name := range names {
		whole := content[name]
		for i := range min(each, len(whole)) {
			at := random.IntN(len(whole))
			switch i {
			case 0:
				at = 0
			case 1:
				at = len(whole) - 1
			}
			broken := bytes.Clone(whole)
			broken[at] ^= 1 << random.IntN(8)
			all = append(all, damage{fmt.Sprintf("bit flipped at byte %d of %d in %s", at, len(whole), name), name, broken})
		}
	}
	return all
}

// misdirections are blocks that the disk wrote in another place, of the same file or another.
func misdirections(random *rand.Rand, names []string, content map[string][]byte, n int) (all []damage) {
	for len(all) < n {
		size := []int{512, 4096}[random.IntN(2)]
		from, to := names[random.IntN(len(names))], names[random.IntN(len(names))]
		src, dst := content[from], content[to]
		if len(src) == 0 || len(dst) == 0 {
			continue
		}
		i, j := random.IntN(len(src)/size+1)*size, random.IntN(len(dst)/size+1)*size
		block := src[min(i, len(src)):min(i+size, len(src))]
		broken := bytes.Clone(dst)
		if j >= len(dst) || len(block) == 0 || copy(broken[j:], block) == 0 || bytes.Equal(broken, dst) {
			continue
		}
		all = append(all, damage{fmt.Sprintf("block of %s at byte %d written to %s at byte %d", from, i, to, j), to, broken})
	}
	return all
}

// A finding is how damage came to light.
type finding string

const (
	refused  finding = "the folder did not open"
	stopped  finding = "the process stopped"
	doubtful finding = "the log is in doubt"
	harmless finding = "all of a commit is there"
)

// probe opens a damaged folder and reads everything. It fails if anything is served that was never
// written: the state must be that of one commit, and a record what was appended under its id.
func (w *witness) probe(t *testing.T, f *fixture, fsys kv.FS) (found finding, complaint string) {
	result := make(chan struct{})
	found = stopped // if Fatal ends the goroutine
	go func() {
		defer close(result)
		o := f.options
		o.FS = fsys
		var gone atomic.Bool
		o.Fatal = func(error) { gone.Store(true); runtime.Goexit() }
		s, err := Open(f.dir, f.network, f.self, o)
		if err != nil {
			found = refused
			return
		}
		defer func() {
			if !gone.Load() {
				_ = s.Close()
			}
		}()
		head := s.Head().Index
		state, err := tryDump(s)
		readable := err == nil
		if readable && (int(head) >= len(w.dumps) || state != w.dumps[head]) {
			complaint = fmt.Sprintf("the state served is not that of commit %d", head)
			return
		}
		held := 0
		for _, r := range w.appended {
			got, ok := s.Snapshot(r.ID)
			if ok && !equalRecord(got, r) {
				complaint = "a damaged record is served"
				return
			}
			if h, ok := s.Header(r.ID); ok && !bytes.Equal(h, r.Header) {
				complaint = "a damaged header is served"
				return
			}
			if ok {
				held++
			}
		}
		_ = s.ScanAccepted(0, func(uint64, Record) error { return nil })
		switch {
		case !readable:
			found = stopped
		case s.LogState() == Doubtful:
			found = doubtful
		case held < len(w.appended):
			complaint = fmt.Sprintf("%d of %d records are gone, and the log is %v", len(w.appended)-held, len(w.appended), s.LogState())
		default:
			found = harmless
		}
	}()
	<-result
	return found, complaint
}

// TestDamagedFiles flips bits in every file of a folder, the engine's too, and lets the disk write
// blocks in wrong places. Nothing wrong is ever served, and nothing is missing without a word.
func TestDamagedFiles(t *testing.T) {
	each, moved, folders := 6, 60, 1
	switch {
	case full():
		each, moved, folders = 25, 300, 2
	case testing.Short():
		each, moved = 2, 20
	}
	counts := make(map[finding]int)
	for seed := range uint64(folders) {
		random := rand.New(rand.NewPCG(seed, 12))
		disk := kv.Crashable()
		f := newFixture(t, disk, seed)
		f.options.SegmentBytes, f.options.MemtableBytes, f.options.CacheBytes = 8<<10, 16<<10, 1<<20
		w := newWitness(t, seed)
		for range 3 {
			s := f.open(t)
			if err := w.drive(t, f, s, random, 40); err != nil {
				t.Fatal(err)
			}
			f.close(t, s)
		}
		names, content := treeOf(t, disk, f.dir)
		for _, d := range append(flips(random, names, content, each), misdirections(random, names, content, moved)...) {
			clone := disk.Kill()
			writeFile(t, clone, d.file, d.now)
			found, complaint := w.probe(t, f, clone)
			if complaint != "" {
				t.Errorf("folder %d, %s: %s", seed, d.what, complaint)
			}
			counts[found]++
			if strings.Contains(d.file, logDir+"/0") && strings.HasPrefix(d.what, "bit") && found == harmless {
				t.Errorf("folder %d, %s: nobody noticed", seed, d.what)
			}
		}
	}
	t.Logf("found %v", counts)
	if counts[refused]+counts[stopped] == 0 || counts[doubtful] == 0 {
		t.Errorf("no damage of some kind was found: %v", counts)
	}
}
