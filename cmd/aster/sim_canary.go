package main

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/sim"
	"github.com/spf13/cobra"
)

// A canaryView is a rule that can be broken, for programs.
type canaryView struct {
	Name     string   `json:"name"`
	Help     string   `json:"help"`
	Profile  string   `json:"profile"`
	Seeds    int      `json:"seeds"`
	Checkers []string `json:"checkers"`
}

func listCanaries(cmd *cobra.Command) error {
	views := []canaryView{}
	for _, c := range sim.Canaries() {
		views = append(views, canaryView(c))
	}
	return cli.Print(cmd, views, func(w io.Writer) {
		for _, v := range views {
			fmt.Fprintln(w, v.Name)
		}
	})
}

// A freedView is the answer when nobody noticed.
type freedView struct {
	Canary  string `json:"canary"`
	Caught  bool   `json:"caught"`
	Profile string `json:"profile"`
	Seeds   int    `json:"seeds"`
}

// huntCanary runs the seeds clean, then with the rule broken until a checker complains.
func huntCanary(cmd *cobra.Command, t simTask) error {
	progress := newSimProgress(cmd)
	t.options.Progress = func(r *sim.Report) {
		phase := "clean"
		if r.Broken() {
			phase = "broken"
		}
		progress.report(phase)(r)
	}
	hunt, err := sim.HuntCanary(cmd.Context(), t.canary, t.options)
	progress.end()
	switch {
	case err != nil:
		return err
	case hunt.Clean.Violations > 0:
		f := hunt.Clean.Failures[0]
		return cli.Fail(cli.Failed, "clean_runs_fail", "a run with no rule broken fails, so nothing can be said about the canary: seed %d, %s", f.Seed, f.Violation.String()).
			WithHint("%s", f.Replay)
	case hunt.Catch == nil && cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case hunt.Catch == nil:
		v := freedView{t.canary, false, t.options.Profile, hunt.Broken.Seeds}
		return cli.Print(cmd, v, func(w io.Writer) {
			fmt.Fprintf(w, "%s is NOT noticed in %d seeds of profile %s\n", v.Canary, v.Seeds, v.Profile)
		})
	}
	c := hunt.Catch
	if err := cli.Print(cmd, c, func(w io.Writer) {
		fmt.Fprintf(w, "%s is noticed by %s with seed %d, after %d clean runs and %d broken ones: %s\n  %s\n",
			c.Canary, c.Checker, c.Seed, hunt.Clean.Seeds, c.Runs, c.Detail, c.Replay)
	}); err != nil {
		return err
	}
	return cli.Fail(cli.No, "canary_caught", "the broken rule was noticed, as it must be").WithHint("%s", c.Replay)
}
