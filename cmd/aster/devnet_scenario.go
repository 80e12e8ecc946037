package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// addScenarioFlags are those that make a devnet tell a story and end.
func addScenarioFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("misbehave", "", "NODE:KIND lets a node do what no honest one does, shows what it costs, and ends; KIND is equivocate (two snapshots of one round), double-spend or bad-body (payments that it should have refused)")
	f.String("appeal", "", "with --misbehave: win lets light witness and holders restore the flagged node")
}

// A scenarioRun is a story that the command line asks for.
type scenarioRun struct {
	join  bool
	crime *devnet.Crime
}

const joinLeave = "join-leave"

// readScenario reads the flags; nil if none is given, or a scenario of the public chain.
func readScenario(cmd *cobra.Command, d *devnetFlags) (*scenarioRun, error) {
	name, _ := cmd.Flags().GetString("scenario")
	crime, _ := cmd.Flags().GetString("misbehave")
	appeal, _ := cmd.Flags().GetString("appeal")
	switch {
	case (name == "" || name == "pillars") && crime == "" && appeal == "":
		return nil, nil
	case name != "" && crime != "":
		return nil, cli.Usage(cmd, "--scenario and --misbehave do not go together")
	case d.work.Payments > 0 || d.work.Kill > 0 || d.work.Traffic > 0:
		return nil, cli.Usage(cmd, "a scenario makes payments of its own: leave --payments, --kill and --traffic away")
	case appeal != "" && (!strings.HasSuffix(crime, ":equivocate") || appeal != "win"):
		return nil, cli.Usage(cmd, "--appeal win goes with --misbehave NODE:equivocate")
	}
	nodes := 7
	if crime != "" {
		nodes = 8 // one of them is lost, and a network of seven cannot do without
	}
	if !cmd.Flags().Changed("nodes") {
		d.options.Nodes = nodes
	}
	if crime == "" {
		return &scenarioRun{join: true}, nil
	}
	number, kind, _ := strings.Cut(crime, ":")
	n, err := strconv.Atoi(number)
	switch {
	case err != nil || devnet.Crimes[kind] == 0:
		return nil, cli.Usage(cmd, "--misbehave %s: want NODE:KIND, like 3:equivocate, 3:double-spend or 3:bad-body", crime)
	case n < 1 || n > d.options.Nodes:
		return nil, cli.Usage(cmd, "--misbehave %s: there are nodes 1 to %d", crime, d.options.Nodes)
	case d.options.Nodes < nodes:
		return nil, cli.Usage(cmd, "--misbehave needs %d nodes at least: one of them is lost", nodes)
	case d.options.Processes:
		return nil, cli.Usage(cmd, "--misbehave works with nodes of this process only: no daemon has such a switch")
	}
	return &scenarioRun{crime: &devnet.Crime{Node: n, Kind: kind, AppealWin: appeal == "win"}}, nil
}

// run makes the network, tells the story and prints its report, also that of a story that fails.
func (s *scenarioRun) run(cmd *cobra.Command, d *devnetFlags) error {
	remove, err := devnetHome(d)
	if err != nil {
		return err
	}
	var saying sync.Mutex
	progress := devnet.Progress{Say: func(format string, args ...any) {
		saying.Lock()
		defer saying.Unlock()
		fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	}}
	network, _, err := devnet.Make(devnet.ScenarioOptions(d.options, s.crime != nil && s.crime.AppealWin))
	if err != nil {
		return err
	}
	progress.Say("%d nodes below %s", d.options.Nodes, d.options.Home)
	page, err := servePage(cmd.Context(), d.explorer, network.Facts.URLs(), "", progress.Say)
	if err != nil {
		return err
	}
	defer page.stop()
	var report any
	if s.join {
		report, err = network.JoinLeave(cmd.Context(), progress)
	} else {
		var r *devnet.MisbehaveReport
		if r, err = network.Misbehave(cmd.Context(), *s.crime, progress); r.EvidenceFile != "" && !d.keep {
			r.EvidenceFile = keepEvidence(r.EvidenceFile, d.options.Home, progress.Say)
		}
		report = r
	}
	remove()
	if printed := cli.Print(cmd, report, func(w io.Writer) { fmt.Fprintf(w, "%+v\n", report) }); printed != nil {
		return printed
	}
	if err != nil && cmd.Context().Err() == nil {
		return cli.Fail(cli.Failed, "scenario_failed", "%v", err).WithHint("run it with --keep and read the nodes' logs below %s", d.options.Home)
	}
	return err
}

// keepEvidence moves the evidence out of a folder that is removed, so that whoever reads the report finds it.
func keepEvidence(file, home string, say func(string, ...any)) string {
	if strings.HasPrefix(home, os.TempDir()) && strings.Contains(home, "aster-devnet-") {
		b, err := os.ReadFile(file)
		if err != nil {
			return file
		}
		out, err := os.CreateTemp("", "aster-fault-*.evidence")
		if err != nil {
			return file
		}
		_, err = out.Write(b)
		if out.Close() != nil || err != nil {
			return file
		}
		say("the evidence is in %s", out.Name())
		return out.Name()
	}
	return file
}
