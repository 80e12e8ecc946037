package main

import (
	"fmt"
	"io"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/sim"
	"github.com/spf13/cobra"
)

func benchWANCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "wan", Short: "measure finality and bytes over wide-area links, in virtual time",
		Long: "wan runs a network of real nodes in virtual time, on one thread: engines, ledgers, stores and encoded\n" +
			"messages as in production, on machines that need no time, behind links that take as long as --delay\n" +
			"says. It pays with reference payments (two inputs, three outputs, two signatures) at --rate, each given\n" +
			"to one node, and reports how long they took to be final, in milliseconds and in one-way delays (δ),\n" +
			"and what nodes sent. Equal options give an equal report on every machine; with --cpu it also says what\n" +
			"this machine needed, which differs from run to run. What is stood in for is part of the report.\n\n" +
			"--delay geo puts the nodes into ten cities in turn; the delays between them are commonly seen ones,\n" +
			"written down from general knowledge. --loss is of packets: as on TCP a lost one comes a round trip\n" +
			"later, and what follows on its link waits for it.",
		Example: "  aster bench wan --nodes 25 --delay 100ms --wave 4\n  aster bench wan --nodes 7 --delay geo --loss 0.1% --rate low --seconds 60\n" +
			"  aster bench wan --nodes 13 --delay 100ms --spread 80% --crashed 4 --json",
		Args: cli.Args(),
		RunE: runBenchWAN,
	}
	f := cmd.Flags()
	f.Int("nodes", 7, "members of the network, 7 to 50")
	f.Int("crashed", 0, "of them that never start, at most a third")
	f.String("delay", "100ms", "one way between any two nodes: a duration in whole milliseconds, or geo")
	f.String("spread", "0%", "how far links differ from --delay at most, by chance: 80% is ±80%")
	f.String("loss", "0%", "packets that are lost and sent again, in percent")
	f.Int("wave", 5, "rounds from a leader to its coin, 4 or 5")
	f.Int("slots", 0, "leader slots of a round (default: as in a new genesis, 3)")
	f.String("rate", "high", "payments a second over all nodes: a number, low (0.25) or high (1000)")
	f.Int("seconds", 10, "how long to measure, in virtual time")
	f.Uint64("seed", 1, "of all chance")
	f.Bool("cpu", false, "also measure this machine's CPU time")
	return cmd
}

// wanMemory is what a measurement may take before garbage is collected more often: fifty logs in
// memory are large.
const wanMemory = 2 << 30

func runBenchWAN(cmd *cobra.Command, _ []string) error {
	o, err := readWANFlags(cmd)
	if err != nil {
		return err
	}
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(wanMemory)
	r, err := sim.MeasureWAN(o)
	if err != nil {
		return cli.Fail(cli.Failed, "measurement_failed", "%v", err)
	}
	return cli.Print(cmd, r, func(w io.Writer) { printWAN(w, r) })
}

func readWANFlags(cmd *cobra.Command) (o sim.WANOptions, err error) {
	f := cmd.Flags()
	o.Nodes, _ = f.GetInt("nodes")
	o.Crashed, _ = f.GetInt("crashed")
	o.Wave, _ = f.GetInt("wave")
	o.Slots, _ = f.GetInt("slots")
	o.Seconds, _ = f.GetInt("seconds")
	o.Seed, _ = f.GetUint64("seed")
	o.CPU, _ = f.GetBool("cpu")
	delay, _ := f.GetString("delay")
	spread, _ := f.GetString("spread")
	loss, _ := f.GetString("loss")
	rate, _ := f.GetString("rate")
	if delay != "geo" {
		d, err := time.ParseDuration(delay)
		if err != nil || d < time.Millisecond || d > time.Minute || d%time.Millisecond != 0 {
			return o, cli.Usage(cmd, "--delay %.20q: want geo, or whole milliseconds like 100ms", delay)
		}
		o.Delay = sim.Milliseconds(d.Milliseconds())
	}
	if o.Spread, err = parsePercent(spread, 1); err != nil {
		return o, cli.Usage(cmd, "--spread %.20q: %v", spread, err)
	}
	if o.Loss, err = parsePercent(loss, 1000); err != nil {
		return o, cli.Usage(cmd, "--loss %.20q: %v", loss, err)
	}
	if o.Rate, err = parseRate(rate); err != nil {
		return o, cli.Usage(cmd, "--rate %.20q: %v", rate, err)
	}
	if f.Changed("slots") && o.Slots < 1 {
		return o, cli.Usage(cmd, "--slots %d: want 1 or more", o.Slots)
	}
	if err := o.Check(); err != nil {
		return o, cli.Usage(cmd, "%v", err)
	}
	return o, nil
}

// parsePercent reads a percentage as a whole number of parts of a percent.
func parsePercent(text string, parts float64) (int, error) {
	x, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(x >= 0 && x <= 100) {
		return 0, fmt.Errorf("want a percentage like 0.1%%")
	}
	if n := math.Round(x * parts); math.Abs(n-x*parts) < 1e-6 {
		return int(n), nil
	}
	return 0, fmt.Errorf("want no more digits than thousandths of a percent for a loss, whole percents for a spread")
}

// parseRate reads payments a second as payments in a thousand seconds.
func parseRate(text string) (int, error) {
	switch text {
	case "low":
		return sim.LowRate, nil
	case "high":
		return sim.HighRate, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || !(x >= 0.001 && x <= 1e6) {
		return 0, fmt.Errorf("want low, high, or payments a second")
	}
	return int(math.Round(x * 1000)), nil
}

func printWAN(w io.Writer, r *sim.WANReport) {
	t := cli.NewTable()
	t.Row("network", fmt.Sprintf("%d nodes (%d crashed, f %d, quorum %d), wave %d, %d leader slots, seed %d", r.Nodes, r.Crashed, r.Faulty, r.Quorum, r.Wave, r.Slots, r.Seed))
	t.Row("links", fmt.Sprintf("%s, δ %.1f ms on average, %v%% of packets lost", r.Links, r.Delta, r.Loss))
	t.Row("load", fmt.Sprintf("%v payments a second for %d s, each %d bytes, %d inputs, %d outputs, %d signatures", r.Rate, r.Seconds, r.Payment.Bytes, r.Payment.Inputs, r.Payment.Outputs, r.Payment.Signatures))
	t.Row("payments", fmt.Sprintf("%d submitted, %d final, %d refused, %d unpaid; %.1f a second", r.Submitted, r.Final, r.Refused, r.Unpaid, r.Throughput))
	t.Row("finality", waitingText(r.AtNode)+"  at the node it was given to")
	t.Row("", waitingText(r.AtLast)+"  on the last node")
	t.Row("inclusion", waitingText(r.Inclusion)+"  until in a snapshot")
	t.Row("order", waitingText(r.Order)+"  from snapshot to commit")
	t.Row("pace", fmt.Sprintf("%.1f rounds, %.1f commits a second, %.1f%% of slots skipped", r.Rounds, r.Commits, r.Skipped))
	t.Row("wire", fmt.Sprintf("%.0f bytes a second and node, %.0f a payment: %.3f × its size", r.Wire.PerSecond, r.Wire.PerPayment, r.Wire.Times))
	t.Row("", fmt.Sprintf("%.0f bytes of header a snapshot, %.1f%% of all; %.1f%% no snapshots; %.2f copies of each to each", r.Wire.Header, r.Wire.Headers, r.Wire.Other, r.Wire.Copies))
	if c := r.CPU; c != nil {
		t.Row("cpu", fmt.Sprintf("ordering %.1f µs a snapshot, %.1f µs a payment; arriving %.1f, executing %.1f µs a payment, per node", c.Ordering, c.PerTx, c.Arriving, c.Executing))
	}
	for i, s := range r.StandIns {
		name := ""
		if i == 0 {
			name = "stood in for"
		}
		t.Row(name, s)
	}
	t.Row("digest", r.Digest)
	t.WriteTo(w)
}

func waitingText(x sim.Waiting) string {
	return fmt.Sprintf("mean %.2f δ (%.0f ms), p50 %.2f δ, p99 %.2f δ", x.MeanDelays, x.Mean, x.P50Delays, x.P99Delays)
}
