package store

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/asterism-network/asterism/internal/kv"
)

// A site is one place in the code that asks the file system for something that changes it, and
// what it asks for.
type site string

// siteOf names the operation, the kind of file and the nearest callers that are not the plumbing
// of file systems.
func siteOf(op errorfs.Op) site {
	var pcs [40]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var callers []string
	for len(callers) < 2 {
		frame, more := frames.Next()
		if !more {
			break
		}
		name := frame.Function[strings.LastIndexByte(frame.Function, '/')+1:]
		if !strings.HasPrefix(name, "errorfs.") && !strings.HasPrefix(name, "vfs.") && !strings.HasPrefix(name, "runtime.") && !strings.HasPrefix(name, "kv.(*guarded") {
			callers = append(callers, name)
		}
	}
	return site(fmt.Sprintf("%s %s from %s", opName[op.Kind], fileKind(op.Path), strings.Join(callers, " < ")))
}

var opName = map[errorfs.OpKind]string{
	errorfs.OpCreate: "create", errorfs.OpLink: "link", errorfs.OpRemove: "remove", errorfs.OpRemoveAll: "remove all",
	errorfs.OpRename: "rename", errorfs.OpReuseForWrite: "reuse", errorfs.OpMkdirAll: "make folder", errorfs.OpLock: "lock",
	errorfs.OpFileWrite: "write", errorfs.OpFileWriteAt: "write at", errorfs.OpFileSync: "sync",
	errorfs.OpFileSyncData: "sync data of", errorfs.OpFileSyncTo: "sync part of", errorfs.OpFileFlush: "flush",
	errorfs.OpFilePreallocate: "preallocate",
}

// fileKind is a file's name without its number.
func fileKind(name string) string {
	base := path.Base(name)
	if i := strings.IndexAny(base, "0123456789"); i >= 0 && strings.HasPrefix(base, "marker.") {
		return base[:i]
	}
	if i := strings.IndexByte(base, '-'); i > 0 {
		return base[:i]
	}
	if ext := path.Ext(base); ext != "" && strings.Trim(strings.TrimSuffix(base, ext), "0123456789abcdef.log") == "" {
		return path.Base(path.Dir(name)) + "/*" + ext
	}
	return base
}

// A faultPlan lets operations fail: the n-th at a site, and by its kind others after it.
type faultPlan struct {
	name string
	err  error
	ever bool // everything that changes the disk fails from then on
}

var faultPlans = []faultPlan{
	{"full disk", syscall.ENOSPC, true},
	{"one error", syscall.EIO, false},
	{"errors for ever", syscall.EIO, true},
}

// An injector counts operations by site and fails what its plan says.
type injector struct {
	plan faultPlan
	at   site
	nth  int

	mu     sync.Mutex
	counts map[site]int
	hit    bool
	lifted bool
}

func (in *injector) fail(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead || op.Kind == errorfs.OpFileClose {
		return nil
	}
	here := siteOf(op)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.lifted {
		return nil
	}
	in.counts[here]++
	switch {
	case !in.hit && here == in.at && in.counts[here] == in.nth:
		in.hit = true
		return &fs.PathError{Op: opName[op.Kind], Path: op.Path, Err: in.plan.err}
	case in.hit && in.plan.ever && !(in.plan.err == syscall.ENOSPC && frees(op.Kind)):
		return &fs.PathError{Op: opName[op.Kind], Path: op.Path, Err: in.plan.err}
	}
	return nil
}

// frees reports whether a full disk still does an operation.
func frees(k errorfs.OpKind) bool {
	return k == errorfs.OpRemove || k == errorfs.OpRemoveAll || k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo
}

func (in *injector) lift() (hit bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.lifted = true
	return in.hit
}

// A trial is one scripted life of a store on a disk that may fail.
type trial struct {
	f       *fixture
	disk    *kv.CrashFS
	in      *injector
	w       *witness
	died    chan error
	created bool
	store   *Store // open at the end
}

func newTrial(t *testing.T, in *injector) *trial {
	in.counts = make(map[site]int)
	tr := &trial{disk: kv.Crashable(), in: in, died: make(chan error, 64)}
	tr.f = newFixture(t, kv.Memory(), 9) // for its content only; the folder under test is made below
	tr.f.options = Options{FS: errorfs.Wrap(tr.disk, errorfs.InjectorFunc(in.fail)), MemtableBytes: 16 << 10, CacheBytes: 1 << 20, SegmentBytes: 8 << 10, FoldBytes: 24 << 10, FoldCommits: 4}
	tr.f.options.Fatal = func(err error) {
		tr.died <- err
		select {} // the process is gone: nothing of it goes on
	}
	tr.w = newWitness(t, 5)
	return tr
}

// live makes a folder and uses it through two openings, until something fails.
func (tr *trial) live(t *testing.T) error {
	f := tr.f
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		return err
	}
	tr.created = true
	random := rand.New(rand.NewPCG(4, 3))
	for range 3 {
		s, err := Open(f.dir, f.network, f.self, f.options)
		if err != nil {
			return err
		}
		tr.store = s
		if err := tr.w.drive(t, f, s, random, 50); err != nil {
			return err
		}
		tr.store = nil
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// run lives until the end, an error or the death of the process, and says which.
func (tr *trial) run(t *testing.T) (err error, dead bool) {
	result := make(chan error, 1)
	go func() { result <- tr.live(t) }()
	select {
	case err := <-result:
		return err, false
	case err := <-tr.died:
		tr.w.dead.Store(true)
		return err, true
	case <-time.After(3 * time.Minute):
		buf := make([]byte, 1<<20)
		t.Fatalf("the store hangs: %s", buf[:runtime.Stack(buf, true)])
		return nil, true
	}
}

// judge demands after the fault that the store stopped with a name for it, or did not mind, and
// that opening it again goes on from what was acknowledged.
func (tr *trial) judge(t *testing.T, err error, dead bool) {
	promised := tr.w.promised()
	if err != nil && !errors.Is(err, tr.in.plan.err) && !errors.Is(err, ErrHalted) {
		t.Errorf("stopped with %q, which does not name %v", err, tr.in.plan.err)
	}
	if err != nil && !dead && tr.store != nil {
		again := tr.store.Append([]Record{tr.f.record(48, 1)}, false)
		if tr.in.lift(); !errors.Is(again, ErrHalted) && again != nil {
			t.Errorf("append after %v: %v, want %v", err, again, ErrHalted)
		}
	}
	tr.in.lift()
	killed, lost := tr.disk.Kill(), tr.disk.Crash(0, 0)
	after := tr.w.freeze()
	if !tr.created {
		for _, left := range []*kv.CrashFS{killed, lost} {
			tr.judgeUnborn(t, left)
		}
		return
	}
	after.judge(t, tr.f, killed, promised)
	after.judge(t, tr.f, lost, promised)
	if dead || tr.store == nil {
		return
	}
	closed := make(chan struct{})
	go func() { _ = tr.store.Close(); close(closed) }()
	select {
	case <-closed:
		after.judge(t, tr.f, tr.disk, promised)
	case <-tr.died:
	case <-time.After(3 * time.Minute):
		t.Fatal("Close hangs")
	}
}

// judgeUnborn demands that a folder that could not be made is there whole or can be made now.
func (tr *trial) judgeUnborn(t *testing.T, left kv.FS) {
	f, o := tr.f, tr.f.options
	o.FS = left
	if !Exists(f.dir, o) {
		if err := Create(f.dir, f.genesis, f.self, f.initial, nil, o); err != nil {
			t.Errorf("create after the fault: %v", err)
			return
		}
	}
	s, err := Open(f.dir, f.network, f.self, o)
	if err != nil {
		t.Errorf("open after the fault: %v", err)
		return
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestEveryFault finds all places in the code that change the disk during a scripted life, making
// a folder and compactions included, and lets each fail: the disk is full, errs once, or errs for
// ever. make test-full does so for the first, a middle and the last time of each place.
func TestEveryFault(t *testing.T) {
	clean := newTrial(t, &injector{})
	if err, _ := clean.run(t); err != nil {
		t.Fatal("without a fault:", err)
	}
	clean.in.mu.Lock()
	counts := clean.in.counts
	clean.in.mu.Unlock()
	var sites []site
	for s := range counts {
		sites = append(sites, s)
	}
	slices.Sort(sites)
	for _, must := range []string{
		"create log/*.part", "write log/*.part", "sync data of log/*.part", "rename log/*.part", "write at MARK",
		"write state/*.log", "state/*.sst", "MANIFEST", "marker.", "rename node.partial",
	} {
		if !slices.ContainsFunc(sites, func(s site) bool { return strings.Contains(string(s), must) }) {
			t.Errorf("no site has %q: %q", must, sites)
		}
	}
	runs, stopped, died := 0, 0, 0
	for i, at := range sites {
		occurrences := []int{1}
		if full() {
			occurrences = slices.Compact([]int{1, (counts[at] + 1) / 2, counts[at]})
		}
		for j, plan := range faultPlans {
			if !full() && (i+j)%3 != 0 || testing.Short() && i%4 != 0 {
				continue
			}
			for _, nth := range occurrences {
				t.Run(fmt.Sprintf("%s at %s, time %d", plan.name, at, nth), func(t *testing.T) {
					tr := newTrial(t, &injector{plan: plan, at: at, nth: nth})
					err, dead := tr.run(t)
					if !tr.in.lift() {
						t.Skip("not reached this time") // the engine's own goroutines take turns by chance
					}
					tr.in.mu.Lock()
					tr.in.lifted = false
					tr.in.mu.Unlock()
					runs++
					switch {
					case dead:
						died++
					case err != nil:
						stopped++
					}
					tr.judge(t, err, dead)
				})
			}
		}
	}
	t.Logf("%d places, %d runs with a fault: %d ended the process, %d stopped the store, the others went on", len(sites), runs, died, stopped)
}

// TestReadsDoNotWaitForTheDisk: while a sync of the log hangs, as on a disk that takes seconds for
// it, everything that was appended can be read, and nobody is told that it is durable.
func TestReadsDoNotWaitForTheDisk(t *testing.T) {
	disk := kv.Crashable()
	entered, release := make(chan struct{}), make(chan struct{})
	var slow atomic.Bool
	fsys := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData && strings.Contains(op.Path, logDir+"/") && slow.CompareAndSwap(true, false) {
			close(entered)
			<-release
		}
		return nil
	}))
	f := newFixture(t, fsys, 8)
	s := f.open(t)
	defer f.close(t, s)
	first, second := f.record(1, 1), f.record(2, 1)
	if err := s.Append([]Record{first}, true); err != nil {
		t.Fatal(err)
	}
	w := &witness{appended: []Record{first, second}, dumps: []string{dump(t, s)}, covered: []int{0}}
	slow.Store(true)
	done := make(chan error, 1)
	go func() { done <- s.Append([]Record{second}, true) }()
	<-entered
	for _, r := range []Record{first, second} {
		if got, ok := s.Snapshot(r.ID); !ok || !equalRecord(got, r) {
			t.Error("a record cannot be read while the disk syncs")
		}
	}
	if got := s.Variants(2, 1); len(got) != 1 {
		t.Errorf("variants while the disk syncs: %v", got)
	}
	select {
	case <-done:
		t.Error("acknowledged before the sync ended")
	default:
	}
	lost := disk.Crash(0, 0)
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	w.judge(t, f, lost, 1)
	w.judge(t, f, disk.Crash(0, 0), 2)
}
