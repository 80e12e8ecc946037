package main

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars/sim"
)

// TestSimPillars runs small parts of the public chain's simulator and reads the report and the exit code.
func TestSimPillars(t *testing.T) {
	for _, tt := range []struct {
		name  string
		words string
		code  int
		says  string // in what goes to either stream
	}{
		{"too short to be as promised", "--profile steady --blocks 40 --warmup 60 --seeds 1 --json", 1, "mean intervals of"},
		{"reorganisations", "--profile reorg --cases 3 --json", 0, `"crashes":9`},
		{"for people", "--profile reorg --cases 2", 0, "reorganisations  2"},
		{"a canary", "--canary generous-subsidy --profile steady --blocks 40 --warmup 60 --seeds 1 --json", 3, "PIL-RWD-2"},
		{"canaries", "--canary list", 0, "no-work-run"},
		{"with what lies behind it", "--profile reorg --cases 2 --json --detail", 0, `"warmup_blocks":10000`},
		{"unknown attack", "--attack none", 2, "no attack is called"},
		{"unknown profile", "--profile none", 2, "no profile is called"},
		{"no hash rate", "--hash-rate 0.5", 2, "hash rate"},
		{"no number", "--blocks many", 2, "invalid argument"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := aster(t.Context(), append([]string{"sim", "pillars"}, strings.Fields(tt.words)...)...)
			if code != tt.code || !strings.Contains(stdout+stderr, tt.says) {
				t.Errorf("code %d, want %d and %q: %s %s", code, tt.code, tt.says, stdout, stderr)
			}
		})
	}
}

// TestSimPillarsTrace: an attack is reported, and its trace holds its blocks, and the last of the final chain is the first node's tip.
func TestSimPillarsTrace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "run.json")
	stdout, stderr, code := aster(t.Context(), "sim", "pillars", "--attack", "nothing-at-stake", "--blocks", "100", "--seeds", "1", "--trace", file, "--json")
	if code != 0 || !strings.Contains(stdout, `"attacks":{"nothing-at-stake":`) {
		t.Fatalf("code %d: %s %s", code, stdout, stderr)
	}
	text, err := os.ReadFile(file)
	var trace sim.Trace
	if err == nil {
		err = json.Unmarshal(text, &trace)
	}
	if err != nil || trace.Attack != "nothing-at-stake" || len(trace.Nodes) != 6 {
		t.Fatalf("%v: %.300s", err, text)
	}
	final, stale := sim.TraceBlock{}, 0
	for _, b := range trace.Blocks {
		if !b.Final {
			stale++
			continue
		}
		if b.Height > 0 && b.Parent != final.ID {
			t.Fatalf("block %d is not behind the one before", b.Height)
		}
		final = b
	}
	if stale == 0 || trace.Nodes[0].Tip != final.ID || final.Height < 1400 {
		t.Errorf("%d stale blocks, the last is %+v", stale, final)
	}
}

// TestSimPillarsFields: a program finds the fields that the documentation names.
func TestSimPillarsFields(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, _, code := aster(ctx, "sim", "pillars", "--json")
	fields := map[string]any{}
	if err := json.NewDecoder(strings.NewReader(stdout)).Decode(&fields); err != nil || code != 130 {
		t.Fatalf("code %d, %v: %s", code, err, stdout)
	}
	want := []string{"attacks", "blocks", "ok", "pos_mean_s", "pos_share", "pow_mean_s", "pow_share", "seeds", "shock_recovery_blocks"}
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
	if fields["ok"] != false {
		t.Error("nothing was run, and all is well")
	}
}
