package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/aster/internal/bench"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/workload"
	"github.com/spf13/cobra"
)

func benchCommand() *cobra.Command {
	return cli.Group("bench", "measure what a network costs and how fast it is", "  aster bench kernel\n  aster bench wan --nodes 25",
		benchKernelCommand(), benchWANCommand(),
	)
}

func benchKernelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "kernel", Short: "measure a Kernel network on this machine under load",
		Long: "kernel runs a network of node processes on this machine, each with its own folder, connections and\n" +
			"synced log, as in production. It pays with payments that were signed beforehand and measures how many\n" +
			"become final on all nodes, how soon, and what that costs each node. Without --rate it searches for\n" +
			"the most that the network settles.\n\n" +
			"P1 is a payment with one input, two outputs and one signature, P2 one with two, three and two.\n" +
			"It ends with 1 if a payment was lost or a supply is wrong. It needs Linux.",
		Example: "  aster bench kernel\n  aster bench kernel --payment P1 --seconds 20 --light 20 --json\n  aster bench kernel --rate 500 --seconds 60 --profile profiles\n  aster bench kernel --rate 1000 --burst 2",
		Args:    cli.Args(),
		RunE:    runBenchKernel,
	}
	f := cmd.Flags()
	f.Int("nodes", 7, "how many nodes, 7 to 50")
	f.String("payment", "P2", "reference payment, P1 or P2")
	f.Float64("rate", 0, "payments a second (default: search for the most that the network settles)")
	f.Int("seconds", 60, "length of the measured window")
	f.Int("warmup", 5, "seconds under the same load before it")
	f.Int("copies", 1, "nodes that each payment is sent to; one is enough, see docs/qa/performance.md")
	f.Int("lanes", workload.DefaultLanes, "chains of payments; a chain goes on when its last payment is final")
	f.Int("light", 0, "then measure for this many seconds at 40 % of the capacity, after four times the warm-up")
	f.Int("burst", 0, "then pay three times the capacity for this many seconds, and watch the network recover")
	f.Int("idle", 10, "first watch the idle network for this many seconds; 0 is not at all")
	f.Uint64("seed", 1, "equal seeds make equal networks and payments")
	f.String("dir", "", "empty folder for the nodes, which stays (default: a temporary one)")
	f.String("profile", "", "folder for CPU profiles of all nodes and the load generator and heap profiles of the nodes, over the window, in light of that at 40 %, in idle of the idle network")
	return cmd
}

func readBenchFlags(cmd *cobra.Command) (o bench.Options, err error) {
	f := cmd.Flags()
	o.Nodes, _ = f.GetInt("nodes")
	o.Rate, _ = f.GetFloat64("rate")
	o.Seconds, _ = f.GetInt("seconds")
	o.Warmup, _ = f.GetInt("warmup")
	o.Copies, _ = f.GetInt("copies")
	o.Lanes, _ = f.GetInt("lanes")
	o.Light, _ = f.GetInt("light")
	o.Burst, _ = f.GetInt("burst")
	o.Idle, _ = f.GetInt("idle")
	o.Seed, _ = f.GetUint64("seed")
	o.Home, _ = f.GetString("dir")
	o.Profile, _ = f.GetString("profile")
	payment, _ := f.GetString("payment")
	if o.Kind, err = workload.ParseKind(payment); err != nil {
		return o, cli.Usage(cmd, "--%v", err)
	}
	switch {
	case o.Nodes < kernel.MinMembers || o.Nodes > kernel.MaxMembers:
		return o, cli.Usage(cmd, "--nodes %d: a network has %d to %d", o.Nodes, kernel.MinMembers, kernel.MaxMembers)
	case o.Rate < 0 || o.Rate > 1_000_000:
		return o, cli.Usage(cmd, "--rate %v: want payments a second, at most a million", o.Rate)
	case o.Seconds < 1 || o.Seconds > 3600 || o.Warmup < 0 || o.Warmup > 600 || o.Idle < 0 || o.Idle > 3600 || o.Light < 0 || o.Light > 3600 || o.Burst < 0 || o.Burst > 60:
		return o, cli.Usage(cmd, "--seconds is 1 to 3600, --warmup at most 600, --idle and --light at most 3600, --burst at most 60")
	case o.Copies < 1 || o.Copies > o.Nodes:
		return o, cli.Usage(cmd, "--copies %d: want 1 to %d, the number of nodes", o.Copies, o.Nodes)
	case o.Lanes < 100 || o.Lanes > 200_000:
		return o, cli.Usage(cmd, "--lanes %d: want 100 to 200000", o.Lanes)
	case o.Seed == 0:
		return o, cli.Usage(cmd, "--seed 0: want a number from 1 on")
	}
	return o, nil
}

func runBenchKernel(cmd *cobra.Command, _ []string) error {
	o, err := readBenchFlags(cmd)
	if err != nil {
		return err
	}
	remove, err := benchHome(&o)
	if err != nil {
		return err
	}
	defer remove()
	result, err := bench.Run(cmd.Context(), o, func(format string, args ...any) {
		fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	})
	if cmd.Context().Err() != nil {
		return cmd.Context().Err()
	}
	if result != nil {
		if printed := cli.Print(cmd, result, result.Print); printed != nil {
			return printed
		}
	}
	if err == nil && !result.OK() {
		err = fmt.Errorf("%d payments lost, %d rejected, supply right: %v", result.Lost, result.Rejected, result.Supply)
	}
	if err != nil {
		return cli.Fail(cli.Failed, "bench_failed", "%v", err).WithHint("--dir keeps the nodes' folders and logs")
	}
	return nil
}

// benchHome makes the folder; remove deletes a temporary one.
func benchHome(o *bench.Options) (remove func(), err error) {
	if o.Home == "" {
		if o.Home, err = os.MkdirTemp("", "aster-bench-"); err != nil {
			return nil, err
		}
		return func() { os.RemoveAll(o.Home) }, nil
	}
	if entries, err := os.ReadDir(o.Home); err == nil && len(entries) > 0 {
		return nil, cli.Fail(cli.Failed, "exists", "%s is not empty", o.Home).WithHint("a bench starts anew each time: give it an empty folder")
	}
	if o.Home, err = filepath.Abs(o.Home); err != nil {
		return nil, err
	}
	return func() {}, cli.MakeHome(o.Home)
}
