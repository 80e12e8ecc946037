package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/baseline"
)

// A comparison runs pairs, one after the other.
type comparison struct {
	options
	dir    string
	stderr io.Writer
	load   *baseline.Load

	settings, versions json.RawMessage // of the Kernel, from its own bench
}

// pairLimit is the most that a pair may take.
const pairLimit = 5 * time.Minute

func newComparison(ctx context.Context, o options, stderr io.Writer) (*comparison, error) {
	dir, err := os.MkdirTemp("", "compare-")
	if err != nil {
		return nil, err
	}
	c := &comparison{options: o, dir: dir, stderr: stderr}
	if err := c.prepare(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *comparison) prepare(ctx context.Context) (err error) {
	if c.aster == "" && !c.baselineOnly {
		fmt.Fprintln(c.stderr, "building aster")
		if c.aster, err = buildAster(ctx, c.dir); err != nil {
			return err
		}
	}
	fmt.Fprintln(c.stderr, "signing CometBFT's payments")
	c.load, err = baseline.Prepare(c.dir, c.base)
	return err
}

func (c *comparison) close() {
	if err := os.RemoveAll(c.dir); err != nil {
		fmt.Fprintln(c.stderr, "compare:", err)
	}
}

func (c *comparison) run(ctx context.Context) (*result, error) {
	r := &result{
		Nodes: c.base.Nodes, Payment: c.base.Kind, Pairs: c.pairs, Seconds: c.base.Measure.Seconds(), Bytes: c.load.Bytes,
		Machine: readMachine(), baselineOnly: c.baselineOnly,
	}
	for n := 1; n <= c.pairs; n++ {
		fmt.Fprintf(c.stderr, "pair %d of %d\n", n, c.pairs)
		p, err := c.pair(ctx)
		if err != nil {
			return nil, fmt.Errorf("pair %d: %w", n, err)
		}
		r.PerPair = append(r.PerPair, p)
	}
	r.Machine.LoadAfter = loadAverage()
	r.describe(c)
	r.medians()
	if limit := r.mistuned(); limit != "" {
		fmt.Fprintln(c.stderr, limit)
	}
	return r, nil
}

// pair measures CometBFT, then the Kernel.
func (c *comparison) pair(ctx context.Context) (p pair, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, pairLimit, errors.New("a pair took more than five minutes: try fewer --seconds"))
	defer cancel()
	if p.Baseline, err = baseline.Measure(ctx, c.base, c.load); err != nil {
		return p, fmt.Errorf("CometBFT: %w", err)
	}
	if c.baselineOnly {
		return p, nil
	}
	kernel, err := c.measureKernel(ctx)
	if err != nil {
		return p, fmt.Errorf("kernel: %w", err)
	}
	p.Kernel = &kernel
	p.ratios()
	return p, nil
}
