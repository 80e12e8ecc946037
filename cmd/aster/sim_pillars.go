package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars/sim"
	"github.com/spf13/cobra"
)

func simPillarsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "pillars", Short: "measure the public chain: intervals, shares, shocks and attacks, in virtual time",
		Long: "pillars runs networks of miners, stakers and attackers on the chain code of a node, in virtual time and\n" +
			"on one thread each. It reports how often blocks of work and of stake come after a warm-up, what part of\n" +
			"all they are, in how many blocks of work the difficulty follows ten times and a tenth of the hash rate,\n" +
			"and what each attack gains. A second, plain computation of the rules judges every finished chain.\n\n" +
			"Real are the rules, the choice of chains, the state, stake hashes, signatures and scripts; drawn are\n" +
			"the search for work and the network's delays. Exit code 0 says that every figure is where it must be:\n" +
			"28 and 252 s within 3 %, 90 and 10 % within one point, shocks as the paper says, gains within their bounds.\n\n" +
			"--canary NAME runs with a rule broken on purpose. Exit code 3 says that this was noticed, 0 that it was not.\n\n" +
			"Profiles:\n" + simTable(sim.Profiles()) + "\n\nAttacks:\n" + simTable(sim.Attacks()),
		Example: "  aster sim pillars --blocks 20000 --json\n  aster sim pillars --profile steady --blocks 5000 --seeds 1 --hash-rate 2e8 --stakers 5\n" +
			"  aster sim pillars --attack selfish --seeds 2\n  aster sim pillars --profile reorg --cases 50\n" +
			"  aster sim pillars --canary no-work-run --profile steady --blocks 2000 --warmup 3000 --seeds 1",
		Args: cli.Args(),
		RunE: runSimPillars,
	}
	f := cmd.Flags()
	f.String("profile", "all", "what to run, see above")
	f.Int("blocks", 20_000, "blocks to measure in each seed, after the warm-up; attacks go on for a sixteenth of it, at most 1,250")
	f.Int("warmup", 0, "blocks before that (default 10,000: the profile's grace, in which runs of one seal are free)")
	f.Int("seeds", 5, "how many seeds to run")
	f.Uint64("seed", 1, "first seed")
	f.Float64("hash-rate", 1e8, "of all miners together, hashes a second")
	f.Int("stakers", 3, "nodes that stake")
	f.Int("cases", 200, "of profile reorg")
	f.String("attack", "", "only this attack")
	f.String("canary", "", "break this rule on purpose; list names them all")
	f.Bool("detail", false, "with --json: each run, what the shock must cost, complaints and how to replay them too")
	f.String("trace", "", "write every block of the run that broke a promise, or else of the first one, to this file, as JSON")
	f.Int("workers", 0, "runs at once (default: one for each processor); changes nothing in the report")
	return cmd
}

func simTable(rows []sim.Profile) string {
	t := cli.NewTable()
	for _, p := range rows {
		t.Row("  "+p.Name, p.Help)
	}
	var b strings.Builder
	t.WriteTo(&b)
	return strings.TrimSuffix(b.String(), "\n")
}

func readSimPillarsFlags(cmd *cobra.Command) (o sim.Options) {
	f := cmd.Flags()
	o.Profile, _ = f.GetString("profile")
	o.Blocks, _ = f.GetInt("blocks")
	o.Warmup, _ = f.GetInt("warmup")
	o.Seeds, _ = f.GetInt("seeds")
	o.First, _ = f.GetUint64("seed")
	o.HashRate, _ = f.GetFloat64("hash-rate")
	o.Stakers, _ = f.GetInt("stakers")
	o.Cases, _ = f.GetInt("cases")
	o.Attack, _ = f.GetString("attack")
	o.Canary, _ = f.GetString("canary")
	o.Workers, _ = f.GetInt("workers")
	return o
}

func runSimPillars(cmd *cobra.Command, _ []string) error {
	debug.SetGCPercent(gcPercent / 4) // whole chains are kept: more garbage is more memory
	o := readSimPillarsFlags(cmd)
	if o.Canary == "list" {
		return cli.Print(cmd, sim.Canaries(), func(w io.Writer) {
			for _, c := range sim.Canaries() {
				fmt.Fprintln(w, c.Name)
			}
		})
	}
	file, _ := cmd.Flags().GetString("trace")
	o.Trace = file != ""
	progress := newSimProgress(cmd)
	progress.w = cmd.ErrOrStderr() // also beside JSON: some minutes are long
	o.Progress = func(line string) { progress.say("%s, %.0f s", line, time.Since(progress.began).Seconds()) }
	r, err := sim.Run(cmd.Context(), o)
	progress.end()
	if err != nil {
		return cli.Usage(cmd, "%v", err)
	}
	if err := writePillarsTrace(cmd, file, r); err != nil {
		return err
	}
	var out any = r
	if detail, _ := cmd.Flags().GetBool("detail"); !detail {
		out = r.Short()
	}
	if err := cli.Print(cmd, out, func(w io.Writer) { printPillarsReport(w, r) }); err != nil {
		return err
	}
	switch {
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case r.Noticed != "":
		return cli.Fail(cli.No, "canary_caught", "the broken rule was noticed, as it must be: %s", r.Noticed)
	case !r.Ok && r.BrokenRule == "":
		for _, c := range r.Complaints[1:] {
			cli.Note(cmd, "%s", c)
		}
		failure := cli.Fail(cli.Failed, "not_as_promised", "%d figures or runs are not as promised; the first: %s", len(r.Complaints), r.Complaints[0])
		if len(r.Replays) > 0 {
			return failure.WithHint("%s --trace run.json", r.Replays[0])
		}
		return failure
	}
	return nil
}

func writePillarsTrace(cmd *cobra.Command, file string, r *sim.Report) error {
	if file == "" {
		return nil
	}
	if r.Trace == nil {
		cli.Note(cmd, "no trace is written: profiles steady and attacks have one")
		return nil
	}
	text, err := json.Marshal(r.Trace)
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

func printPillarsReport(w io.Writer, r *sim.Report) {
	t := cli.NewTable()
	if len(r.Runs) > 0 {
		t.Row("blocks", fmt.Sprintf("%d after %d, in each of %d seeds", r.Blocks, r.Warmup, r.Seeds))
		t.Row("work", fmt.Sprintf("every %.2f s, %.2f %% of blocks", r.PoW, 100*r.PoWShare))
		t.Row("stake", fmt.Sprintf("every %.1f s, %.2f %% of blocks", r.PoS, 100*r.PoSShare))
	}
	if e := r.Expected; e != nil {
		t.Row("shock", fmt.Sprintf("the rules by themselves: up in %.0f ± %.0f blocks, down in %.0f ± %.0f", e.Up, e.UpSpread, e.Down, e.DownSpread))
	}
	for _, s := range r.Shocks {
		t.Row("shock", fmt.Sprintf("seed %d: up in %d blocks, %.1f h (old rule %d, %.1f h); down in %d blocks, %.1f h (old rule %d, %.1f h)",
			s.Seed, s.Up, s.UpHours, s.OldUp, s.OldUpHours, s.Down, s.DownHours, s.OldDown, s.OldDownHours))
	}
	for _, a := range r.AttackRuns {
		t.Row(a.Attack, fmt.Sprintf("seed %d: gains %.4g of at most %.4g", a.Seed, a.Gain, a.Bound))
	}
	if g := r.Reorg; g != nil {
		t.Row("reorganisations", fmt.Sprintf("%d, at most %d blocks deep, %d blocks taken back, %d crashes", g.Cases, g.Deepest, g.Undone, g.Crashes))
	}
	t.Row("ok", r.Ok)
	t.WriteTo(w)
	for _, c := range r.Complaints {
		fmt.Fprintln(w, c)
	}
}
