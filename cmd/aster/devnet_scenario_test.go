package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestScenarios tells the Kernel's stories with real nodes, and holds their reports to their fields.
func TestScenarios(t *testing.T) {
	if testing.Short() {
		t.Skip("starts eight nodes, four times")
	}
	for _, tt := range []struct {
		name   string
		args   []string
		fields []string
	}{
		{"join and leave", []string{"--scenario", "join-leave"},
			[]string{"joined", "resigned", "paid_back", "coin_renewals", "payments", "longest_gap_ms", "supply_ok", "ledger_root"}},
		{"equivocate", []string{"--misbehave", "3:equivocate"},
			[]string{"nodes", "flagged", "removed", "collateral_to_pool", "evidence_file", "evidence_verified", "payments", "longest_gap_ms", "supply_ok", "ledger_root"}},
		{"bad body", []string{"--misbehave", "3:bad-body"},
			[]string{"nodes", "flagged", "removed", "collateral_to_pool", "evidence_file", "evidence_verified", "payments", "longest_gap_ms", "supply_ok", "ledger_root"}},
		{"appeal", []string{"--misbehave", "3:equivocate", "--appeal", "win"},
			[]string{"nodes", "flagged", "removed", "collateral_to_pool", "restored", "evidence_file", "evidence_verified", "payments", "longest_gap_ms", "supply_ok", "ledger_root"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("ASTER_HOME", t.TempDir())
			home := filepath.Join(t.TempDir(), "net")
			args := append([]string{"devnet", "--json", "--base", "0", "--explorer", "", "--home", home}, tt.args...)
			stdout, stderr, code := runWith(t, 6*time.Minute, args...)
			late := strings.Contains(stderr, "ms no payment became final") // two seconds are for the command to promise, not for a test on a crowded machine
			if code != 0 && !late {
				t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(stdout), &got); err != nil {
				t.Fatal(err)
			}
			if flow := got["payments"].(map[string]any); got["supply_ok"] != true || flow["submitted"] != flow["final"] {
				t.Errorf("%s", stdout)
			}
			for _, name := range tt.fields {
				if _, ok := got[name]; !ok {
					t.Errorf("field %s is missing", name)
				}
			}
			if len(got) != len(tt.fields) {
				t.Errorf("%d fields, want %d: %s", len(got), len(tt.fields), stdout)
			}
			if file, _ := got["evidence_file"].(string); file != "" {
				if out, stderr, code := runWith(t, time.Minute, "evidence", "verify", file, "--genesis", filepath.Join(home, "genesis.json")); code != 0 {
					t.Errorf("verify: exit %d %s%s", code, out, stderr)
				}
			}
		})
	}
}

// TestScenarioUsage: what does not go together is said before anything starts.
func TestScenarioUsage(t *testing.T) {
	for _, args := range [][]string{
		{"--scenario", "join-leave", "--payments", "5"}, {"--scenario", "join-leave", "--misbehave", "3:equivocate"}, {"--appeal", "win"},
		{"--misbehave", "3"}, {"--misbehave", "3:steal"}, {"--misbehave", "9:equivocate"}, {"--misbehave", "3:equivocate", "--nodes", "7"},
		{"--misbehave", "3:equivocate", "--processes"}, {"--misbehave", "3:equivocate", "--appeal", "lose"}, {"--misbehave", "3:bad-body", "--appeal", "win"},
	} {
		if _, stderr, code := runWith(t, time.Minute, append([]string{"devnet"}, args...)...); code != 2 {
			t.Errorf("%v: exit %d %s", args, code, stderr)
		}
	}
}
