package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
)

// pillarsBase is how far above the Kernel's ports those of the public chain are: the first node's RPC is where aster pillars
// looks for it.
const pillarsBase = 1959

func pillarsOptions(d *devnetFlags, apart bool) devnet.PillarsOptions {
	o := devnet.PillarsOptions{Home: d.options.Home, Seed: d.options.Seed, Apart: apart}
	if d.options.Base != 0 {
		o.Base = d.options.Base + pillarsBase
	}
	return o
}

// runScenario runs the public chain alone, through all that it must withstand.
func runScenario(cmd *cobra.Command, d *devnetFlags, say func(string, ...any)) error {
	say("making %d nodes of the public chain below %s", devnet.PillarsNodes, d.options.Home)
	p, err := devnet.MakePillars(cmd.Context(), pillarsOptions(d, true))
	if err != nil {
		return cli.Fail(cli.Failed, "devnet_failed", "%v", err)
	}
	report, err := p.Scenario(cmd.Context(), say)
	if printed := cli.Print(cmd, report, func(w io.Writer) { printScenario(w, report) }); printed != nil {
		return printed
	}
	switch {
	case cmd.Context().Err() != nil:
		return cmd.Context().Err()
	case err != nil:
		return cli.Fail(cli.Failed, "scenario_failed", "%v", err).WithHint("--home or --keep keeps the nodes' logs below %s", d.options.Home)
	case !report.OK:
		return cli.Fail(cli.Failed, "scenario_failed", "the nodes did not do all that was asked of them")
	}
	return nil
}

func printScenario(w io.Writer, r *devnet.PillarsReport) {
	t := cli.NewTable()
	t.Row("nodes", r.Nodes)
	t.Row("at the end", map[bool]string{true: "one last block on all", false: "NOT ONE LAST BLOCK"}[r.HeightsEqual])
	t.Row("state root", r.StateRoot)
	t.Row("reorganisations", r.Reorgs)
	t.Row("restarts", r.Restarts)
	t.Row("all is well", r.OK)
	t.WriteTo(w)
}

// A beside is the public chain that runs beside the Kernel of a devnet. Its end ends the devnet.
type beside struct {
	ctx  context.Context
	stop func() // and wait
	mu   sync.Mutex
	err  error
}

func (b *beside) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// startPillars starts the public chain of a devnet, if it shall have one.
func startPillars(cmd *cobra.Command, d *devnetFlags, n *devnet.Network, say func(string, ...any)) (*beside, error) {
	ctx, cancel := context.WithCancel(cmd.Context())
	b := &beside{ctx: ctx, stop: cancel}
	if !d.pillars {
		return b, nil
	}
	p, err := devnet.MakePillars(ctx, pillarsOptions(d, false))
	if err != nil {
		cancel()
		return nil, fmt.Errorf("make the public chain: %w", err)
	}
	n.Facts.Pillars = &p.Facts
	var running sync.WaitGroup
	running.Go(func() {
		err := p.Run(ctx, func() { say("the public chain mines and stakes") })
		if err != nil && ctx.Err() == nil {
			b.mu.Lock()
			b.err = fmt.Errorf("public chain: %w", err)
			b.mu.Unlock()
			say("%v", b.err)
		}
		cancel()
	})
	b.stop = func() {
		cancel()
		running.Wait()
	}
	return b, nil
}
