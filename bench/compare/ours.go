package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
)

// A kernelRun is what one run of the Kernel showed.
type kernelRun struct {
	InFlight   int              `json:"in_flight"` // payments kept under way at saturation, as its search found best
	Saturation baseline.Figures `json:"saturation"`
	Light      baseline.Figures `json:"light"`
}

// benchResult is the part of `aster bench kernel --json` that is used here.
type benchResult struct {
	Window   benchWindow     `json:"window"`
	Light    *benchWindow    `json:"light"`
	Rejected int             `json:"rejected"`
	Lost     int             `json:"lost"`
	Settings json.RawMessage `json:"settings"`
	Versions json.RawMessage `json:"versions"`
}

// A benchWindow is one measured stretch of time.
type benchWindow struct {
	InFlight    int     `json:"in_flight"`
	TxPerSecond float64 `json:"tx_per_s"`
	Finality    struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"finality_ms"`
	CPU    float64 `json:"cpu_us_per_tx_node"`
	Verify float64 `json:"verify_us"`
	Cores  float64 `json:"cores_per_node"`
	Wire   float64 `json:"wire_bytes_per_tx_node"`
	Disk   float64 `json:"disk_bytes_per_tx_node"`
	RSS    float64 `json:"rss_bytes"`
	Rounds float64 `json:"rounds_per_s"`
}

func (w *benchWindow) figures(nodes, signatures int) baseline.Figures {
	return baseline.Figures{
		Rate: w.TxPerSecond, P50: w.Finality.P50, P99: w.Finality.P99, CPU: w.CPU, Verification: over(w.CPU, w.Verify*float64(signatures)), VerifyCost: w.Verify, Wire: w.Wire, Disk: w.Disk,
		RSS: w.RSS / (1 << 20), Blocks: w.Rounds, CPUShare: w.Cores * float64(nodes),
	}
}

// buildAster builds aster from the repository that this module is part of.
func buildAster(ctx context.Context, dir string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/asterism-network/asterism").Output()
	if err != nil {
		return "", fmt.Errorf("find the repository (run this in bench/compare, or give --aster): %w", err)
	}
	name := filepath.Join(dir, "aster")
	build := exec.CommandContext(ctx, "go", "build", "-o", name, "./cmd/aster")
	build.Dir = strings.TrimSpace(string(root))
	if text, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build aster: %w\n%s", err, text)
	}
	return name, nil
}

// measureKernel runs `aster bench kernel` once: it searches with how many payments under way the
// network settles most, measures that, and then 40 % of it, as baseline.Measure does.
func (c *comparison) measureKernel(ctx context.Context) (run kernelRun, err error) {
	r, err := c.bench(ctx)
	if err != nil {
		return run, err
	}
	if r.Light == nil || r.Window.TxPerSecond == 0 || r.Window.Verify == 0 {
		return run, errors.New("aster bench printed no rate: is this its own aster?")
	}
	if r.Rejected+r.Lost > 0 {
		return run, fmt.Errorf("%d payments rejected, %d lost", r.Rejected, r.Lost)
	}
	c.settings, c.versions = r.Settings, r.Versions
	signatures := c.base.Kind.Signatures()
	return kernelRun{
		InFlight: r.Window.InFlight, Saturation: r.Window.figures(c.base.Nodes, signatures), Light: r.Light.figures(c.base.Nodes, signatures),
	}, nil
}

func (c *comparison) bench(ctx context.Context) (*benchResult, error) {
	seconds := strconv.Itoa(int(c.base.Measure.Seconds()))
	args := []string{
		"bench", "kernel", "--json", "--idle", "0", "--nodes", strconv.Itoa(c.base.Nodes), "--payment", c.base.Kind.String(),
		"--seconds", seconds, "--light", seconds, "--warmup", strconv.Itoa(int(c.base.Warm.Seconds())),
		"--seed", strconv.FormatUint(c.base.Seed, 10),
	}
	cmd := exec.CommandContext(ctx, c.aster, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that it ends its nodes
	cmd.WaitDelay = 20 * time.Second
	var out bytes.Buffer
	progress := &lines{to: c.stderr, prefix: "  kernel: "}
	cmd.Stdout, cmd.Stderr = &out, progress
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("aster %s: %w", strings.Join(args, " "), errors.Join(err, context.Cause(ctx)))
	}
	r := new(benchResult)
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("read what aster bench printed: %w", err)
	}
	return r, nil
}

// lines puts a prefix before each line.
type lines struct {
	to     io.Writer
	prefix string
	part   []byte
}

// Write implements io.Writer; a line is passed on when it is whole.
func (l *lines) Write(p []byte) (int, error) {
	l.part = append(l.part, p...)
	for {
		end := bytes.IndexByte(l.part, '\n')
		if end < 0 {
			return len(p), nil
		}
		fmt.Fprintf(l.to, "%s%s\n", l.prefix, l.part[:end])
		l.part = l.part[end+1:]
	}
}
