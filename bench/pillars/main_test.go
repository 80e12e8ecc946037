package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestSmallRun measures a little of everything: both sides take all blocks, and the figures are there.
func TestSmallRun(t *testing.T) {
	var out, log strings.Builder
	if err := run([]string{"--blocks", "2", "--payments", "500", "--rounds", "1", "--sync", "300", "--dir", t.TempDir(), "--json"}, &out, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var r Report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Pairs) != len(sorts) || r.Sync == nil || r.Sync.Blocks != 300 || r.Sync.Stakes != 30 || r.Sync.Transactions != 300+1+299*2+30 {
		t.Errorf("%+v, %+v", r, r.Sync)
	}
	for _, p := range r.Pairs {
		if p.Ours.CPUMicros < 10 || p.Btcd.CPUMicros < 10 || p.Ratio <= 0 || p.Ours.BlocksSec <= 0 {
			t.Errorf("%+v", p)
		}
	}
	if r.Headers.WorkMicros <= 0 || r.Headers.StakeMicros <= 0 {
		t.Errorf("%+v", r.Headers)
	}
}

func TestUsage(t *testing.T) {
	var out, log strings.Builder
	if err := run([]string{"--payments", "1"}, &out, &log); err != errUsage || !strings.Contains(log.String(), "Examples:") {
		t.Errorf("%v, %q", err, log.String())
	}
}
