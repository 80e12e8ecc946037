package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
	"github.com/asterism-network/asterism/bench/compare/internal/validator"
	"github.com/asterism-network/asterism/kernel/workload"
)

// A result is what is printed. Ratios of the first block are the Kernel's figure divided by
// CometBFT's, medians over the pairs.
type result struct {
	Nodes                int           `json:"nodes"`
	Payment              workload.Kind `json:"payment"`
	Pairs                int           `json:"pairs"`
	Throughput           float64       `json:"throughput_ratio"` // at saturation: more is better
	CPU                  float64       `json:"cpu_ratio"`        // CPU time for each final payment and node at saturation: less is better
	Finality             float64       `json:"finality_ratio"`   // p50 at 40 % of each one's own saturation: less is better
	Verification         float64       `json:"verification_ratio"`
	BaselineVerification float64       `json:"baseline_verification_ratio"`

	Seconds  float64  `json:"seconds"`
	Bytes    int      `json:"payment_bytes"`
	PerPair  []pair   `json:"per_pair"`
	Settings settings `json:"settings"`
	Versions versions `json:"versions"`
	Machine  machine  `json:"machine"`

	baselineOnly bool
}

// A pair is one run of each, side by side.
type pair struct {
	Throughput float64 `json:"throughput_ratio"`
	CPU        float64 `json:"cpu_ratio"`
	Finality   float64 `json:"finality_ratio"`

	Kernel   *kernelRun   `json:"kernel,omitempty"`
	Baseline baseline.Run `json:"cometbft"`
}

type settings struct {
	Kernel   json.RawMessage   `json:"kernel,omitempty"`
	Baseline map[string]string `json:"cometbft"`
}

type versions struct {
	Go       string          `json:"go"`
	Baseline string          `json:"cometbft"`
	Kernel   json.RawMessage `json:"kernel,omitempty"`
}

// A machine is what the figures were taken on.
type machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	System     string  `json:"system"`
	LoadBefore float64 `json:"load_average_before"` // of one minute
	LoadAfter  float64 `json:"load_average_after"`
}

func (p *pair) ratios() {
	p.Throughput = over(p.Kernel.Saturation.Rate, p.Baseline.Saturation.Rate)
	p.CPU = over(p.Kernel.Saturation.CPU, p.Baseline.Saturation.CPU)
	p.Finality = over(p.Kernel.Light.P50, p.Baseline.Light.P50)
}

// over is a/b with three decimals; nothing divided by nothing is 0.
func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return math.Round(1000*a/b) / 1000
}

func (r *result) medians() {
	of := func(value func(p *pair) float64) float64 {
		all := make([]float64, len(r.PerPair))
		for i := range r.PerPair {
			all[i] = value(&r.PerPair[i])
		}
		slices.Sort(all)
		n := len(all)
		return math.Round(1000*(all[(n-1)/2]+all[n/2])/2) / 1000
	}
	r.BaselineVerification = of(func(p *pair) float64 { return p.Baseline.Saturation.Verification })
	if r.baselineOnly {
		return
	}
	r.Throughput = of(func(p *pair) float64 { return p.Throughput })
	r.CPU = of(func(p *pair) float64 { return p.CPU })
	r.Finality = of(func(p *pair) float64 { return p.Finality })
	r.Verification = of(func(p *pair) float64 { return p.Kernel.Saturation.Verification })
}

// saneRatio is the verification ratio that seven well tuned validators stay below with P2.
const saneRatio = 8

// mistuned warns when the other side is not at its best: then nothing of this is worth reporting.
func (r *result) mistuned() string {
	if r.Payment != workload.P2 || r.Nodes != 7 || r.BaselineVerification <= saneRatio {
		return ""
	}
	return fmt.Sprintf("CometBFT's verification ratio is %.1f, above %d: the machine is busy or CometBFT mistuned; do not use these figures", r.BaselineVerification, saneRatio)
}

func (r *result) describe(c *comparison) {
	r.Settings = settings{Kernel: c.settings, Baseline: validator.Settings(c.base.Tuning)}
	r.Settings.Baseline["gomaxprocs"] = strconv.Itoa(validator.MaxProcs(c.base.Nodes))
	r.Settings.Baseline["in_flight"] = strconv.Itoa(c.base.Window)
	r.Versions = versions{Go: runtime.Version(), Kernel: c.versions}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/cometbft/cometbft" {
				r.Versions.Baseline = m.Version
			}
		}
	}
}

func (r *result) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func (r *result) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "pair\tnetwork\tload\ttx/s\tp50 ms\tp99 ms\tCPU µs\tver. ratio\twire B\tdisk B\tcores\tblocks/s\t")
	row := func(n int, network, load string, f *baseline.Figures) {
		fmt.Fprintf(t, "%d\t%s\t%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%.2f\t%.1f\t\n",
			n, network, load, f.Rate, f.P50, f.P99, f.CPU, f.Verification, f.Wire, f.Disk, f.CPUShare, f.Blocks)
	}
	for i := range r.PerPair {
		p := &r.PerPair[i]
		row(i+1, "CometBFT", "full", &p.Baseline.Saturation)
		row(i+1, "CometBFT", "40 %", &p.Baseline.Light)
		if p.Kernel != nil {
			row(i+1, "Kernel", "full", &p.Kernel.Saturation)
			row(i+1, "Kernel", "40 %", &p.Kernel.Light)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%d nodes, %v of %d bytes, medians of %d; CPU, wire and disk for each final payment and node; %s, %d cores, load average %.1f to %.1f\n",
		r.Nodes, r.Payment, r.Bytes, r.Pairs, r.Machine.CPU, r.Machine.Cores, r.Machine.LoadBefore, r.Machine.LoadAfter)
	if r.baselineOnly {
		_, err := fmt.Fprintf(w, "CometBFT's verification ratio %.2f\n", r.BaselineVerification)
		return err
	}
	_, err := fmt.Fprintf(w, "throughput × %.2f   CPU × %.2f   finality × %.2f   verification ratio %.2f, CometBFT's %.2f\n",
		r.Throughput, r.CPU, r.Finality, r.Verification, r.BaselineVerification)
	return err
}

func readMachine() machine {
	m := machine{CPU: runtime.GOARCH, Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, LoadBefore: loadAverage()}
	text, _ := os.ReadFile("/proc/cpuinfo") // without it the name stays the architecture's
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

// loadAverage is that of the last minute, 0 where the system does not say.
func loadAverage() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64) // 0 is what is wanted then
	return load
}
