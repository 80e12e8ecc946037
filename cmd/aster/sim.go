package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/sim"
	"github.com/spf13/cobra"
)

func simCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "sim", Short: "try to break the Kernel: whole networks in virtual time, with faults, liars and checkers",
		Long: "sim runs a network of real nodes for each seed, in virtual time and on one thread: their messages,\n" +
			"disks, clocks and clients fail as the profile says, some members lie, and checkers look after every\n" +
			"step. A seed with its options is a complete description of a run: the same line gives the same run.\n\n" +
			"When a promise does not hold, sim prints which one and the line that shows it again, then looks for\n" +
			"few faults that are enough; --trace writes down what happened, for aster explorer --trace. Exit code 1\n" +
			"says that there was a violation.\n\n" +
			"--canary NAME shows that the checkers are awake: it runs the seeds as they are, then with a rule broken\n" +
			"on purpose. Exit code 3 says that the broken rule was noticed, 0 that it was not.\n\n" +
			"Profiles:\n" + profileHelp(),
		Example: "  aster sim --seeds 300 --profile byzantine --json\n  aster sim --profile chaos --first 1000 --seeds 50 --nodes 13\n" +
			"  aster sim --profile async --first 7 --seeds 1 --trace run.json\n  aster sim --canary list\n  aster sim --canary quorum-minus-one --json",
		Args: cli.Args(),
		RunE: runSim,
	}
	f := cmd.Flags()
	f.String("profile", "chaos", "what the networks suffer, see above")
	f.Uint64("first", 1, "first seed")
	f.Int("seeds", 20, "how many seeds to run")
	f.Int("nodes", 0, "members of each network, 7 to 50 (default: by profile and seed, most have 7)")
	f.Bool("real", false, "signatures and coin as in production in every run; slow")
	f.Int("workers", 0, "runs at once (default: one for each processor); changes nothing in the report")
	f.String("faults", "", "let only these faults of the plan happen, by number: as a replay line says it")
	f.Bool("shrink", true, "after a violation look for few faults that are enough")
	f.String("trace", "", "write what happened in the run with the violation, or in the only run, to this file")
	f.String("canary", "", "break this rule on purpose after a clean pass; list names them all")
	f.String("broken", "", "break this rule, as the replay line of a canary says it")
	f.Lookup("broken").Hidden = true
	f.String("traitor", "", "make all traitors do this, as silent, equivocate or bad-transactions")
	cmd.AddCommand(simPillarsCommand())
	return cmd
}

func profileHelp() string {
	t := cli.NewTable()
	for _, p := range sim.Profiles() {
		t.Row("  "+p.Name, p.Help)
	}
	var b strings.Builder
	t.WriteTo(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

// A simTask is what the flags ask for.
type simTask struct {
	options sim.SuiteOptions
	canary  string
	trace   string
	shrink  bool
}

func readSimFlags(cmd *cobra.Command) (t simTask, err error) {
	f := cmd.Flags()
	t.options.Profile, _ = f.GetString("profile")
	t.options.First, _ = f.GetUint64("first")
	t.options.Seeds, _ = f.GetInt("seeds")
	t.options.Nodes, _ = f.GetInt("nodes")
	t.options.Real, _ = f.GetBool("real")
	t.options.Workers, _ = f.GetInt("workers")
	t.options.Canary, _ = f.GetString("broken")
	t.options.Traitor, _ = f.GetString("traitor")
	t.canary, _ = f.GetString("canary")
	t.trace, _ = f.GetString("trace")
	t.shrink, _ = f.GetBool("shrink")
	if text, _ := f.GetString("faults"); text != "" {
		if t.options.Faults, err = parseFaults(text); err != nil {
			return t, cli.Usage(cmd, "--faults %.60q: %v", text, err)
		}
		t.shrink = t.shrink && f.Changed("shrink") // the line of a shrunk run is shrunk already
	}
	if t.canary != "" && t.canary != "list" {
		c, err := sim.CanaryOf(t.canary)
		if err != nil {
			return t, cli.Usage(cmd, "%v", err)
		}
		if !f.Changed("profile") {
			t.options.Profile = c.Profile
		}
		if !f.Changed("seeds") {
			t.options.Seeds = c.Seeds
		}
	}
	return t, checkSimFlags(cmd, t)
}

func checkSimFlags(cmd *cobra.Command, t simTask) error {
	o := t.options
	known := false
	for _, p := range sim.Profiles() {
		known = known || p.Name == o.Profile
	}
	switch {
	case !known:
		return cli.Usage(cmd, "no profile is called %.40q", o.Profile)
	case o.Nodes != 0 && (o.Nodes < kernel.MinMembers || o.Nodes > kernel.MaxMembers):
		return cli.Usage(cmd, "--nodes %d: a network has %d to %d", o.Nodes, kernel.MinMembers, kernel.MaxMembers)
	case o.Seeds < 1 || o.Seeds > maxSeeds:
		return cli.Usage(cmd, "--seeds %d: want 1 to %d", o.Seeds, maxSeeds)
	case o.Workers < 0:
		return cli.Usage(cmd, "--workers %d: want 0 or more", o.Workers)
	case t.canary != "" && o.Canary != "":
		return cli.Usage(cmd, "--canary breaks a rule itself: leave --broken out")
	}
	if o.Canary != "" {
		if _, err := sim.CanaryOf(o.Canary); err != nil {
			return cli.Usage(cmd, "%v", err)
		}
	}
	return nil
}

const maxSeeds = 1 << 40

// maxFaultNumber is far above the number of faults in any plan.
const maxFaultNumber = 1 << 16

// parseFaults reads numbers, or none. It is what Options.Replay writes.
func parseFaults(text string) ([]int, error) {
	numbers := []int{}
	if text == "none" {
		return numbers, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 0 || n > maxFaultNumber {
			return nil, fmt.Errorf("want none, or numbers like 0,3,17")
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// gcPercent lets a run make eight times as much garbage as it keeps, which is little: collecting
// it more often costs a tenth of the time.
const gcPercent = 800

func runSim(cmd *cobra.Command, _ []string) error {
	debug.SetGCPercent(gcPercent)
	t, err := readSimFlags(cmd)
	switch {
	case err != nil:
		return err
	case t.canary == "list":
		return listCanaries(cmd)
	case t.canary != "":
		return huntCanary(cmd, t)
	}
	progress := newSimProgress(cmd)
	t.options.Progress = progress.report("")
	report, err := sim.RunMany(cmd.Context(), t.options)
	progress.end()
	if err != nil {
		return err
	}
	if report.Violations > 0 {
		f := &report.Failures[0]
		cli.Note(cmd, "%s\n  %s", f.Violation.String(), f.Replay)
		if t.shrink {
			shrinkFailure(cmd, f)
		}
	}
	if err := writeTrace(cmd, t, report); err != nil {
		return err
	}
	if err := printSimReport(cmd, report); err != nil {
		return err
	}
	if report.Violations > 0 {
		f := report.Failures[0]
		replay := f.Replay
		if f.Shrunk != nil {
			replay = f.Shrunk.Replay
		}
		return cli.Fail(cli.Failed, "violated", "%d of %d runs broke a promise; the first: seed %d, %s", report.Violations, report.Seeds, f.Seed, f.Violation.String()).
			WithHint("%s --trace run.json", replay)
	}
	return cmd.Context().Err()
}

// shrinkTries bounds the runs that shrinking makes.
const shrinkTries = 150

// shrinkFailure looks for few faults that are enough for a failure, until Ctrl-C.
func shrinkFailure(cmd *cobra.Command, f *sim.Failure) {
	progress := newSimProgress(cmd)
	shrunk, ok := sim.Shrink(cmd.Context(), f.Options, shrinkTries, func(runs, left int) {
		progress.say("shrinking: %d runs, %d faults left", runs, left)
	})
	progress.end()
	if !ok {
		cli.Note(cmd, "the violation does not come again: report this with the lines above")
		return
	}
	f.Shrunk = shrunk
}

// writeTrace makes the run of interest once more and writes down what happens.
func writeTrace(cmd *cobra.Command, t simTask, report *sim.Report) error {
	if t.trace == "" {
		return nil
	}
	var o sim.Options
	switch {
	case report.Violations > 0:
		if o = report.Failures[0].Options; report.Failures[0].Shrunk != nil {
			o = report.Failures[0].Shrunk.Options
		}
	case t.options.Seeds == 1 && report.Seeds == 1:
		o = t.options.Run(t.options.First)
	default:
		cli.Note(cmd, "no violation: no trace is written; --seeds 1 writes one of any run")
		return nil
	}
	o.Trace = true
	run, err := sim.Run(o)
	if err != nil {
		return err
	}
	text, err := json.Marshal(run.Trace)
	if err != nil {
		return err
	}
	if err := os.WriteFile(t.trace, append(text, '\n'), 0o644); err != nil {
		return err
	}
	cli.Note(cmd, "trace written; look at it with: aster explorer --trace %s", t.trace)
	return nil
}

func printSimReport(cmd *cobra.Command, r *sim.Report) error {
	return cli.Print(cmd, r, func(w io.Writer) {
		t := cli.NewTable()
		t.Row("profile", fmt.Sprintf("%s, %d seeds from %d", r.Profile, r.Seeds, r.First))
		t.Row("violations", r.Violations)
		t.Row("rounds", fmt.Sprintf("%d, %s a run", r.Rounds, average(r.Rounds, r.Seeds)))
		t.Row("transactions", fmt.Sprintf("%d, %s a run; %d final, %d rejected", r.Transactions, average(r.Transactions, r.Seeds), r.Final, r.Rejected))
		t.Row("commits", r.Commits)
		t.Row("simulated", fmt.Sprintf("%.2f hours", r.Hours))
		t.Row("finality", fmt.Sprintf("p50 %d, p90 %d, p99 %d, max %d rounds from submission", r.Waits.P50, r.Waits.P90, r.Waits.P99, r.Waits.Max))
		t.Row("faults", countsText(r.Faults.Names(), r.Faults))
		t.Row("reached", countsText(r.Reached.Names(), r.Reached))
		if len(r.Missed) > 0 {
			t.Row("missed", strings.Join(r.Missed, ", ")+" (some hundred seeds reach them)")
		}
		t.Row("digest", r.Digest)
		t.WriteTo(w)
		printFailures(w, r)
	})
}

func printFailures(w io.Writer, r *sim.Report) {
	for _, f := range r.Failures {
		fmt.Fprintf(w, "\n%s\n  %s\n", f.Violation.String(), f.Replay)
		if f.Shrunk == nil {
			continue
		}
		fmt.Fprintf(w, "shrunk from %d faults to %d in %d runs: %s\n  %s\n", f.Shrunk.Of, f.Shrunk.Faults, f.Shrunk.Runs, f.Shrunk.Violation.String(), f.Shrunk.Replay)
		for _, step := range f.Shrunk.Plan {
			fmt.Fprintf(w, "  %4d  %s\n", step.Number, step.Fault)
		}
	}
	if more := r.Violations - len(r.Failures); more > 0 {
		fmt.Fprintf(w, "\nand %d more\n", more)
	}
}

func average(sum, n int) string {
	if n == 0 {
		return "0"
	}
	return fmt.Sprintf("%.0f", float64(sum)/float64(n))
}

// countsText is counts in lines that fit a terminal's width.
func countsText(names []string, counts map[string]int) string {
	if len(names) == 0 {
		return "none"
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = fmt.Sprintf("%s %d", name, counts[name])
	}
	return strings.Join(parts, ", ")
}
