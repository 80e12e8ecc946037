package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
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
		{"an attack", "--attack flood --blocks 100 --seeds 1 --json", 0, `"attacks":{"flood":1}`},
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

// TestSimPillarsFields: a program finds the fields that the documentation names.
func TestSimPillarsFields(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stdout, _, code := aster(ctx, "sim", "pillars", "--json")
	fields := map[string]any{}
	if err := json.NewDecoder(strings.NewReader(stdout)).Decode(&fields); err != nil || code != 130 {
		t.Fatalf("code %d, %v: %s", code, err, stdout)
	}
	for _, name := range []string{"blocks", "seeds", "pow_mean_s", "pos_mean_s", "pow_share", "pos_share", "shock_recovery_blocks", "attacks", "ok"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("no field %s in %s", name, stdout)
		}
	}
	if fields["ok"] != false {
		t.Error("nothing was run, and all is well")
	}
}
