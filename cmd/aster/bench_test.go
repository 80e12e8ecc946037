package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/bench"
)

// TestBenchKernel measures a small load on seven processes: the object is whole, its figures are
// of the right order, nothing is lost, and the folder stays where it was asked for.
func TestBenchKernel(t *testing.T) {
	if testing.Short() {
		t.Skip("starts seven nodes")
	}
	t.Setenv("ASTER_HOME", t.TempDir())
	home, profiles := filepath.Join(t.TempDir(), "net"), filepath.Join(t.TempDir(), "profiles")
	stdout, stderr, code := runWith(t, 4*time.Minute, "bench", "kernel", "--payment", "P1", "--rate", "50", "--seconds", "2", "--warmup", "1",
		"--idle", "1", "--lanes", "120", "--dir", home, "--profile", profiles, "--json")
	if code != 0 {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	var r bench.Result
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("stdout is not one result: %v\n%s", err, stdout)
	}
	w := &r.Window
	if !r.OK() || r.Submitted != 150 || r.Final != 150 || r.Nodes != 7 || r.Load.Inputs != 1 || r.Load.Outputs != 2 {
		t.Errorf("%+v", r)
	}
	crowded := w.TxPerSecond < 20 && (w.Finality.P50 == 0 || w.Finality.P50 > 1000) // then little is final within two seconds
	for name, x := range map[string]struct{ value, least, most float64 }{
		"tx_per_s":           {w.TxPerSecond, 20, 80},
		"p50":                {w.Finality.P50, 5, 30_000},
		"p99 above p50":      {w.Finality.P99 - w.Finality.P50, 0, 60_000},
		"cpu":                {w.CPU, 50, 1e6},
		"wire":               {w.Wire, 100, 1e6},
		"disk":               {w.Disk, 100, 1e7},
		"rss":                {float64(w.RSS), 1e6, 1e10},
		"rounds":             {w.Rounds, 0.5, 200},
		"syncs":              {w.Syncs, 0.5, 1000},
		"size":               {r.Load.Bytes, 250, 400},
		"verify":             {r.Window.Verify, 3, 1000},
		"verify alone":       {r.Verify.Alone, 3, 1000},
		"ratio":              {r.Ratio, 1, 1e5},
		"idle":               {r.Idle.Cores, 0, 1},
		"digests per second": {w.Measuring.Events, 0.5, 1000},
	} {
		if !crowded && (x.value < x.least || x.value > x.most) {
			t.Errorf("%s is %v, want %v to %v", name, x.value, x.least, x.most)
		}
	}
	for _, name := range []string{"node-1.cpu.pprof", "node-7.heap.pprof", "generator.cpu.pprof", filepath.Join("idle", "node-7.cpu.pprof")} {
		if info, err := os.Stat(filepath.Join(profiles, name)); err != nil || info.Size() == 0 {
			t.Errorf("profile %s: %v", name, err)
		}
	}
	out, stderr, code := runWith(t, time.Minute, "kerneld", "verify", "--home", filepath.Join(home, "node-3"))
	if code != 0 || !strings.HasPrefix(out, "all is well") {
		t.Errorf("verify: exit %d %s%s", code, out, stderr)
	}
}

// TestBenchFlags: what cannot be measured is refused before anything starts.
func TestBenchFlags(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--nodes", "6"}, {"--nodes", "51"}, {"--payment", "P3"}, {"--rate", "-1"}, {"--seconds", "0"}, {"--copies", "8"},
		{"--copies", "0"}, {"--lanes", "5"}, {"--seed", "0"}, {"--burst", "61"}, {"--dir", full},
	} {
		if _, _, code := runWith(t, time.Minute, append([]string{"bench", "kernel"}, args...)...); code == 0 {
			t.Errorf("%v was accepted", args)
		}
	}
}
