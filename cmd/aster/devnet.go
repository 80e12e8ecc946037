package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/spf13/cobra"
)

func devnetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "devnet", Short: "run a whole network on this machine",
		Long: "devnet starts seven nodes with connections and storage of their own, ten funded users and a web\n" +
			"page, and beside them three nodes of Pillars, the public chain, which mine and stake: a block every two\n" +
			"seconds or so. Ctrl-C stops everything and checks that all nodes agree. With --payments it pays, waits until\n" +
			"every payment is final on every node, checks and ends; Pillars does not run then.\n\n" +
			"--scenario pillars runs the public chain alone: three processes mine, stake, pay, issue an asset and mine it,\n" +
			"hand an avatar over, are killed, parted and joined; at the end all have one state. --scenario join-leave and\n" +
			"--misbehave run the Kernel alone, with short epochs, and payments all the while.\n\n" +
			"All keys of a devnet are public: never use them for real money.",
		Example: "  aster devnet\n  aster devnet --no-pillars\n  aster devnet --payments 2000 --json\n  aster devnet --scenario pillars --json\n  aster devnet --scenario join-leave --json\n  aster devnet --misbehave 3:equivocate --appeal win --json\n  aster devnet --payments 500 --kill 2 --processes --json\n  aster devnet --nodes 13 --traffic 20 --home net --keep",
		Args:    cli.Args(),
		RunE:    runDevnet,
	}
	cmd.AddCommand(fundCommand())
	f := cmd.Flags()
	f.Int("nodes", 7, "how many nodes, 7 to 50")
	f.Int("payments", 0, "make this many payments between the users, check and end")
	f.Int("kill", 0, "kill this many nodes in the middle of the payments and start them again")
	f.Float64("traffic", 0, "payments a second between the users until Ctrl-C")
	f.Bool("processes", false, "run every node as a process of its own")
	f.String("home", "", "folder for everything (default: a temporary one)")
	f.Bool("keep", false, "leave the folder behind at the end; one named by --home always stays")
	f.Int("base", 6860, "node i answers RPC on port base+i, P2P and operations below and above; 0 is any free ports")
	f.Uint64("seed", 0, "equal seeds make equal keys and the same network id (default: fresh)")
	f.Bool("no-pillars", false, "leave the public chain out")
	f.String("scenario", "", "run this and end: pillars, or join-leave (an eighth node of the Kernel joins, another one leaves)")
	f.String("explorer", "127.0.0.1:8080", "address of the web page; empty is none")
	f.Bool(tiedFlag, false, "stop when standard input ends: no devnet outlives the test that started it")
	f.Lookup(tiedFlag).Hidden = true
	addScenarioFlags(cmd)
	return cmd
}

const tiedFlag = "until-stdin-ends"

type devnetFlags struct {
	options  devnet.Options
	work     devnet.Work
	keep     bool
	explorer string
	scenario string
	pillars  bool
}

func readDevnetFlags(cmd *cobra.Command) (d devnetFlags, err error) {
	f := cmd.Flags()
	d.options.Nodes, _ = f.GetInt("nodes")
	d.options.Stake, d.options.CheckpointPeriod = kernel.DefaultStake(), 5*time.Second // whoever tries it does not wait for long
	d.options.Base, _ = f.GetInt("base")
	d.options.Seed, _ = f.GetUint64("seed")
	d.options.Home, _ = f.GetString("home")
	d.options.Processes, _ = f.GetBool("processes")
	d.work.Payments, _ = f.GetInt("payments")
	d.work.Kill, _ = f.GetInt("kill")
	d.work.Traffic, _ = f.GetFloat64("traffic")
	d.keep, _ = f.GetBool("keep")
	d.explorer, _ = f.GetString("explorer")
	d.scenario, _ = f.GetString("scenario")
	without, _ := f.GetBool("no-pillars")
	d.pillars = !without && d.work.Payments == 0
	tolerated := (d.options.Nodes - 1) / 3
	switch {
	case d.options.Nodes < kernel.MinMembers || d.options.Nodes > kernel.MaxMembers:
		return d, cli.Usage(cmd, "--nodes %d: a network has %d to %d", d.options.Nodes, kernel.MinMembers, kernel.MaxMembers)
	case d.options.Base != 0 && (d.options.Base < 2100 || d.options.Base > 60000):
		return d, cli.Usage(cmd, "--base %d: want 0, or 2100 to 60000", d.options.Base)
	case d.work.Payments < 0 || d.work.Traffic < 0 || d.work.Traffic > 1000:
		return d, cli.Usage(cmd, "--payments and --traffic cannot be negative, and traffic is at most 1000 a second")
	case d.work.Kill < 0 || d.work.Kill > tolerated:
		return d, cli.Usage(cmd, "--kill %d: of %d nodes at most %d may be down", d.work.Kill, d.options.Nodes, tolerated)
	case d.work.Kill > 0 && d.work.Payments < 3:
		return d, cli.Usage(cmd, "--kill needs --payments: the nodes are killed in the middle of them")
	case d.scenario != "" && d.scenario != "pillars" && d.scenario != joinLeave:
		return d, cli.Usage(cmd, "--scenario %q: there are pillars and %s", d.scenario, joinLeave)
	case d.scenario != "" && (d.work != devnet.Work{} || without):
		return d, cli.Usage(cmd, "--scenario goes without --payments, --traffic, --kill and --no-pillars")
	case d.work.Payments > 0 && d.work.Traffic > 0:
		return d, cli.Usage(cmd, "--payments and --traffic do not go together")
	}
	return d, nil
}

func runDevnet(cmd *cobra.Command, _ []string) error {
	d, err := readDevnetFlags(cmd)
	if err != nil {
		return err
	}
	if tied, _ := cmd.Flags().GetBool(tiedFlag); tied {
		ctx, cancel := context.WithCancel(cmd.Context())
		defer cancel()
		cmd.SetContext(ctx)
		go func() {
			defer cancel()
			io.Copy(io.Discard, cmd.InOrStdin())
		}()
	}
	if story, err := readScenario(cmd, &d); story != nil || err != nil {
		if err != nil {
			return err
		}
		return story.run(cmd, &d)
	}
	remove, err := devnetHome(&d)
	if err != nil {
		return err
	}
	defer remove()
	var saying sync.Mutex // nodes, payments and the web page speak at the same time
	say := func(format string, args ...any) {
		saying.Lock()
		defer saying.Unlock()
		fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}
	if d.scenario != "" {
		return runScenario(cmd, &d, say)
	}
	say("making %d nodes below %s", d.options.Nodes, d.options.Home)
	network, moved, err := devnet.Make(d.options)
	if err != nil {
		return err
	}
	for _, m := range moved {
		say("%s", m)
	}
	beside, err := startPillars(cmd, &d, network, say)
	if err != nil {
		return err
	}
	defer beside.stop()
	chain := ""
	if f := network.Facts.Pillars; f != nil {
		chain = f.Nodes[0].RPC
	}
	page, err := servePage(cmd.Context(), d.explorer, network.Facts.URLs(), chain, say)
	if err != nil {
		return err
	}
	defer page.stop()
	network.Facts.Explorer = page.url
	report, err := network.Run(beside.ctx, d.work, devnet.Progress{
		Say:   say,
		Ready: func(f *devnet.Facts) { showReady(cmd, f, d.work.Payments) },
		Paid: func(n int) {
			if n%max(1, d.work.Payments/10) == 0 {
				say("%d of %d payments final for their payers", n, d.work.Payments)
			}
		},
	})
	if report != nil && d.work.Payments > 0 {
		if printed := printReport(cmd, report); printed != nil {
			return printed
		}
	}
	if err == nil && cmd.Context().Err() == nil {
		err = beside.failed()
	}
	if err != nil && cmd.Context().Err() == nil {
		return cli.Fail(cli.Failed, "devnet_failed", "%v", err).WithHint("read the nodes' logs below %s; --keep keeps them", d.options.Home)
	}
	return err
}

// devnetHome makes the folder; remove deletes a temporary one that nobody wants to keep.
func devnetHome(d *devnetFlags) (remove func(), err error) {
	if d.options.Home != "" {
		if entries, err := os.ReadDir(d.options.Home); err == nil && len(entries) > 0 {
			return nil, cli.Fail(cli.Failed, "exists", "%s is not empty", d.options.Home).WithHint("a devnet starts anew each time: give it an empty folder")
		}
		return func() {}, cli.MakeHome(d.options.Home)
	}
	if d.options.Home, err = os.MkdirTemp("", "aster-devnet-"); err != nil {
		return nil, err
	}
	if d.keep {
		return func() {}, nil
	}
	return func() { os.RemoveAll(d.options.Home) }, nil
}

// showReady prints what the person needs: on stdout, unless stdout is for the report.
func showReady(cmd *cobra.Command, f *devnet.Facts, payments int) {
	w := cmd.OutOrStdout()
	switch {
	case payments > 0:
		return
	case cli.JSON(cmd):
		cli.Print(cmd, f, nil)
		return
	}
	nodes := cli.NewTable("NODE", "RPC", "HEALTH AND METRICS", "P2P")
	for _, n := range f.Nodes {
		nodes.Row(n.Name, n.RPC, n.Ops, n.P2P)
	}
	fmt.Fprintln(w)
	nodes.WriteTo(w)
	users := cli.NewTable("USER", "HAS", "ADDRESS")
	var has string
	for _, a := range f.Assets {
		has += fmt.Sprintf("%s %s  ", trimAmount(a.Each), a.Symbol)
	}
	for _, u := range f.Users {
		users.Row(u.Name, has, u.Address)
	}
	fmt.Fprintf(w, "\nUNSAFE TEST USERS: their words are public, see devnet.json\n")
	users.WriteTo(w)
	if f.Pillars != nil {
		chain := cli.NewTable("PILLARS", "RPC", "HEALTH AND METRICS", "P2P", "MINES AND STAKES FOR")
		for _, n := range f.Pillars.Nodes {
			chain.Row(n.Name, n.RPC, n.Ops, n.P2P, n.Address)
		}
		fmt.Fprintln(w)
		chain.WriteTo(w)
	}
	if f.Explorer != "" {
		fmt.Fprintf(w, "\nweb page   %s\n", f.Explorer)
	} else {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "all facts  %s/devnet.json\nnetwork    %s\n", f.Home, f.Network)
	fmt.Fprint(w, "\nTry in a second terminal (go run ./cmd/aster, or aster after go install ./cmd/aster):\n"+
		"  aster tx send --from alice --to bob --asset BTC 0.5 --wait\n"+
		"  aster devnet fund 100 --to bob --asset XIN\n"+
		"  aster dag --follow\n"+tryPillars(f)+"\nCtrl-C stops all nodes and checks that they agree.\n")
}

func tryPillars(f *devnet.Facts) string {
	if f.Pillars == nil {
		return ""
	}
	return fmt.Sprintf("  aster pillars info --node %s\n", f.Pillars.Nodes[0].RPC)
}

func printReport(cmd *cobra.Command, r *devnet.Report) error {
	return cli.Print(cmd, r, func(w io.Writer) {
		t := cli.NewTable()
		t.Row("nodes", r.Nodes)
		t.Row("payments", fmt.Sprintf("%d submitted, %d final on all nodes, %d rejected", r.Submitted, r.Final, r.Rejected))
		t.Row("finality", fmt.Sprintf("p50 %d ms, p99 %d ms, max %d ms (submission until final on all nodes)", r.Finality.P50, r.Finality.P99, r.Finality.Max))
		t.Row("ledger root", r.LedgerRoot.String()+" on every node")
		t.Row("supply", map[bool]string{true: "adds up", false: "DOES NOT ADD UP"}[r.SupplyOK])
		t.Row("took", fmt.Sprintf("%.1f s", r.Seconds))
		t.WriteTo(w)
	})
}
