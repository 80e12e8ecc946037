package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/kernel/sim"
)

// TestBenchWAN measures a small network twice: the figures are those of the rule, and the bytes of
// the two reports are equal.
func TestBenchWAN(t *testing.T) {
	words := strings.Fields("bench wan --nodes 7 --delay 100ms --wave 4 --crashed 1 --spread 20% --loss 0.1% --rate 50 --seconds 2 --seed 3 --json")
	stdout, stderr, code := aster(t.Context(), words...)
	var r sim.WANReport
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || code != 0 || stderr != "" {
		t.Fatalf("code %d, %v: %s %s", code, err, stdout, stderr)
	}
	if r.Nodes != 7 || r.Crashed != 1 || r.Wave != 4 || r.Loss != 0.1 || r.Rate != 50 || r.Seconds != 2 || r.Seed != 3 || r.Links != "100 ms ±20%" || r.CPU != nil {
		t.Errorf("measured something else: %s", stdout)
	}
	if r.Final != 100 || r.AtLast.MeanDelays < 4.5 || r.AtLast.MeanDelays > 6.5 || len(r.StandIns) == 0 {
		t.Errorf("figures: %s", stdout)
	}
	if again, _, _ := aster(t.Context(), words...); again != stdout {
		t.Errorf("again:\n%s", again)
	}
}

// TestBenchWANPrints the report for people.
func TestBenchWANPrints(t *testing.T) {
	stdout, stderr, code := aster(t.Context(), strings.Fields("bench wan --delay geo --rate low --seconds 5 --cpu")...)
	for _, part := range []string{"7 nodes", "geo: 7 cities", "0.25 payments a second", "finality", "p99", "wire", "cpu", "stood in for", "digest"} {
		if !strings.Contains(stdout, part) {
			t.Errorf("code %d, no %q in\n%s%s", code, part, stdout, stderr)
		}
	}
}

// TestBenchWANRefuses command lines that make no sense.
func TestBenchWANRefuses(t *testing.T) {
	for _, line := range []string{
		"--nodes 6", "--nodes 51", "--crashed 3", "--crashed -1", "--delay 0ms", "--delay 1.5ms", "--delay 100", "--delay mars", "--delay 11s", "--spread 100%",
		"--spread 0.5%", "--spread x", "--delay geo --spread 10%", "--loss 21%", "--loss -1%", "--loss 0.0001%", "--loss x", "--wave 3", "--slots 0", "--slots 8",
		"--rate 0", "--rate fast", "--rate 20001", "--rate NaN", "--seconds 0", "--seconds 3601", "--rate 10000 --seconds 3600", "--seed -1", "extra",
	} {
		if stdout, _, code := aster(t.Context(), append([]string{"bench", "wan"}, strings.Fields(line)...)...); code != 2 || stdout != "" {
			t.Errorf("%s: code %d %s", line, code, stdout)
		}
	}
}
