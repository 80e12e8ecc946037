package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
)

// TestPillarsScenario is the command that the public chain is shown with: three processes, both seals, everything that they
// carry, killed, parted and joined, one JSON object.
func TestPillarsScenario(t *testing.T) {
	if testing.Short() {
		t.Skip("starts three processes")
	}
	t.Setenv("ASTER_HOME", t.TempDir())
	stdout, stderr, code := runWith(t, 8*time.Minute, "devnet", "--scenario", "pillars", "--json", "--base", "0", "--home", filepath.Join(t.TempDir(), "net"))
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	var r devnet.PillarsReport
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || d.More() {
		t.Fatalf("stdout is not one report: %v\n%s", err, stdout)
	}
	if r.Nodes != 3 || !r.HeightsEqual || len(r.StateRoot) != 64 || r.Reorgs == 0 || r.Restarts != 2 || !r.OK {
		t.Errorf("report %s", stdout)
	}
}

// TestScenarioFlags: what does not go together is refused before anything starts.
func TestScenarioFlags(t *testing.T) {
	for _, args := range [][]string{{"--scenario", "nothing"}, {"--scenario", "pillars", "--payments", "5"}, {"--scenario", "pillars", "--no-pillars"}} {
		if _, _, code := runWith(t, time.Minute, append([]string{"devnet"}, args...)...); code != 2 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}
