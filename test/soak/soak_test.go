package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Length and least number of perturbations of the two lanes of the tests; the longer one is
// make soak-net MINUTES=8 LEAST=60.
const (
	shortSeconds = 40
	shortSteps   = 14
	fullSeconds  = 480
	fullSteps    = 60
)

var seedFlag = flag.Uint64("seed", 0, "seed of TestSoak (default: a new one, printed)")

func TestMain(m *testing.M) {
	if holding() { // this test program is the holder of a disk too
		return
	}
	for _, limit := range []*time.Duration{&readyLimit, &settleLimit, &finalLimit, &stallLimit, &recoverLimit, &failLimit} {
		*limit *= 4 // the machine may be crowded
	}
	code := m.Run()
	os.RemoveAll(programsDir)
	os.Exit(code)
}

// programsDir is where programsOnce builds.
var programsDir string

// programsOnce builds kerneld and aster once for all tests.
var programsOnce = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "asterism-soak-programs-")
	if err != nil {
		return "", err
	}
	programsDir = dir
	return dir, build(dir)
})

func programs(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("runs seven processes for a minute")
	}
	dir, err := programsOnce()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSoak is the short run: every kind of perturbation on seven real processes.
func TestSoak(t *testing.T) {
	from := programs(t)
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64N(1 << 40)
	}
	dir, err := os.MkdirTemp("", "asterism-soak-")
	if err != nil {
		t.Fatal(err)
	}
	m := Generate(Options{seed, 7, shortSeconds, shortSteps, 5})
	var said logged
	r := &run{m: m, dir: dir, programs: from, say: said.add}
	report, err := r.run(t.Context())
	if err != nil {
		t.Fatalf("%s\n%v\nlogs, homes and manifest are kept in %s\nreplay: go test ./test/soak -run 'TestSoak$' -seed %d -v", said.text(), err, dir, seed)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	report.OK = true
	var table bytes.Buffer
	report.table(&table)
	t.Logf("seed %d\n%s", seed, table.String())
	for _, k := range Kinds {
		if report.Kinds[k] == 0 {
			t.Errorf("kind %s did not happen\n%s", k, said.text())
		}
	}
	if report.Perturbations != len(m.Steps) || report.Perturbations < shortSteps || report.MostImpaired != m.Tolerated() {
		t.Errorf("%d perturbations of %d, at most %d nodes at once", report.Perturbations, len(m.Steps), report.MostImpaired)
	}
	if report.Payments < shortSeconds || report.Final != report.Payments || report.Finality.P50 <= 0 || report.Commits == 0 || report.LedgerRoot.IsZero() {
		t.Errorf("report %+v", report)
	}
}

// logged keeps what a run says, for a failure.
type logged struct {
	mu    sync.Mutex
	began time.Time
	lines bytes.Buffer
}

func (l *logged) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() {
		l.began = time.Now()
	}
	line(&l.lines, l.began, format, args...)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// TestFullDiskByLimit is what stands in for a full disk where no file system can be mounted, and
// the command as people call it: a manifest, a folder that stays, a table and a line of JSON.
func TestFullDiskByLimit(t *testing.T) {
	from, dir := programs(t), t.TempDir()
	m := &Manifest{Version: version, Seed: 5, Nodes: 7, Rate: 5, Small: []int{3}, Steps: []Step{{At: 1000, Kind: Full, Node: 3, For: 200}}}
	name := filepath.Join(dir, "manifest.json")
	if err := m.Write(name); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := command(t.Context(), []string{"-manifest", name, "-limit-files", "-programs", from, "-dir", filepath.Join(dir, "out")}, &out, &errs)
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); code != exitDone || err != nil || !report.OK || report.Kinds[Full] != 1 || !strings.Contains(report.FullDisk, "limit") {
		t.Errorf("exit %d, %v\n%s\n%s", code, err, out.String(), errs.String())
	}
	if log, err := os.ReadFile(filepath.Join(dir, "out", "run-1", "logs", "node-3.log")); err != nil || !bytes.Contains(log, []byte("storage_failed")) {
		t.Errorf("the node's log does not name the failure: %v\n%s", err, log)
	}
}

// TestInterrupted ends a run in the middle: no process and no folder stays behind.
func TestInterrupted(t *testing.T) {
	from := programs(t)
	t.Setenv("TMPDIR", t.TempDir())
	m := &Manifest{Version: version, Seed: 6, Nodes: 7, Rate: 5, Small: []int{3}, Steps: []Step{
		{At: 0, Kind: Freeze, Node: 1, For: 60_000}, {At: 0, Kind: Half, Node: 2, For: 60_000, Peers: []int{1, 3, 4, 5, 6, 7}, Way: Inward}}}
	name := filepath.Join(t.TempDir(), "manifest.json")
	if err := m.Write(name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, errs bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- command(ctx, []string{"-manifest", name, "-programs", from}, &out, &errs) }()
	for limit := time.Now().Add(time.Minute); len(processesBelow(t, os.TempDir())) < 7 && time.Now().Before(limit); {
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // into the steps
	if n := len(processesBelow(t, os.TempDir())); n < 7 {
		t.Errorf("%d nodes run", n)
	}
	cancel()
	if code := <-ended; code != exitInterrupted || out.Len() > 0 {
		t.Errorf("exit %d\n%s\n%s", code, out.String(), errs.String())
	}
	if left := processesBelow(t, os.TempDir()); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// processesBelow lists the command lines that name a folder below dir.
func processesBelow(t *testing.T, dir string) (found []string) {
	t.Helper()
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Skip("no /proc to count processes in")
	}
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range lines {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte(dir)) {
			found = append(found, strings.ReplaceAll(string(b), "\x00", " "))
		}
	}
	return found
}

func TestFlags(t *testing.T) {
	for _, args := range []string{"-nodes 6", "-nodes 51", "-minutes 0", "-rate 0", "-least -1", "-hours 2000", "-minutes x", "more", "-manifest /none"} {
		var out, errs bytes.Buffer
		if code := command(t.Context(), strings.Fields(args), &out, &errs); code == exitDone || errs.Len() == 0 {
			t.Errorf("soak %s: exit %d", args, code)
		}
	}
	f, err := parse(strings.Fields("-hours 0.5 -seed 9"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	list, err := plan(f)
	if err != nil || len(list) != 2 || list[0].Seconds != 1200 || list[1].Seconds != 600 || list[0].Seed != 9 || list[1].Seed != 10 {
		t.Errorf("half an hour is %d runs, %v", len(list), err)
	}
}

func TestMetric(t *testing.T) {
	text := "# HELP a_total x\na_total 0\nb{peer=\"x\"} 2\nb{peer=\"y\"} 3\nbb 7\n"
	for name, want := range map[string]float64{"a_total": 0, "b": 5, "c": -1, "a": -1} {
		if got := metric(text, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
