package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
	"github.com/asterism-network/asterism/kernel/workload"
)

func TestOptions(t *testing.T) {
	var stderr bytes.Buffer
	o, err := readOptions([]string{"--pairs", "5", "--payment", "P1", "--nodes", "13", "--seconds", "30", "--json"}, &stderr)
	if err != nil || o.pairs != 5 || o.base.Kind != workload.P1 || o.base.Nodes != 13 || o.base.Measure != 30*time.Second || !o.json {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range []string{
		"--pairs 0", "--payment P3", "--nodes 6", "--nodes 51", "--seconds 0", "--seconds 61", "--window 0", "--tuning best", "--seed 0", "more", "--no-such-flag",
	} {
		stderr.Reset()
		if _, err := readOptions(strings.Fields(args), &stderr); !errors.Is(err, errUsage) || !strings.Contains(stderr.String(), "Usage:") {
			t.Errorf("%s: %v, says %q", args, err, stderr.String())
		}
	}
	stderr.Reset()
	if _, err := readOptions([]string{"--help"}, &stderr); !errors.Is(err, flag.ErrHelp) || !strings.Contains(stderr.String(), "Examples:") {
		t.Errorf("--help: %v, says %q", err, stderr.String())
	}
}

// TestRatios: what stands above and what below, and medians over the pairs, even and odd.
func TestRatios(t *testing.T) {
	r := &result{Nodes: 7, Payment: workload.P2, Pairs: 3}
	for i, theirs := range []float64{1000, 500, 2000} {
		p := pair{
			Kernel: &kernelRun{Saturation: baseline.Figures{Rate: 3000, CPU: 60, Verification: 2.5}, Light: baseline.Figures{P50: 50}},
			Baseline: baseline.Run{
				Saturation: baseline.Figures{Rate: theirs, CPU: 240, Verification: 7 + float64(i)}, Light: baseline.Figures{P50: 200 + 50*float64(i)},
			},
		}
		p.ratios()
		r.PerPair = append(r.PerPair, p)
	}
	r.medians()
	if r.Throughput != 3 || r.CPU != 0.25 || r.Finality != 0.2 || r.Verification != 2.5 || r.BaselineVerification != 8 {
		t.Errorf("three pairs: %+v", r)
	}
	if r.mistuned() != "" {
		t.Error("a ratio of 8 is said to be mistuned")
	}
	r.PerPair = r.PerPair[1:]
	r.medians()
	if r.Throughput != 3.75 || r.BaselineVerification != 8.5 || r.mistuned() == "" {
		t.Errorf("two pairs: throughput %v, baseline ratio %v, warning %q", r.Throughput, r.BaselineVerification, r.mistuned())
	}
	var out bytes.Buffer
	if err := r.writeTable(&out); err != nil || strings.Count(out.String(), "CometBFT  ") != 4 {
		t.Errorf("%v\n%s", err, out.String())
	}
	out.Reset()
	if err := r.writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(out.Bytes(), &object); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nodes", "payment", "pairs", "throughput_ratio", "cpu_ratio", "finality_ratio", "verification_ratio", "baseline_verification_ratio"} {
		if object[name] == nil {
			t.Errorf("no %s in %s", name, out.String())
		}
	}
}

// TestFigures: what `aster bench` prints is read.
func TestFigures(t *testing.T) {
	var r benchResult
	text := `{"window":{"in_flight":8000,"tx_per_s":900,"finality_ms":{"p50":3,"p99":9},"cores_per_node":0.5}}`
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if f := r.Window.figures(7, 30); f.Rate != 900 || f.P99 != 9 || f.CPUShare != 3.5 || r.Window.InFlight != 8000 {
		t.Errorf("%+v", f)
	}
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	l := &lines{to: &out, prefix: "x: "}
	for _, part := range []string{"on", "e\ntwo\nth", "ree\n"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if out.String() != "x: one\nx: two\nx: three\n" {
		t.Errorf("got %q", out.String())
	}
}
