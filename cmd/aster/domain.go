package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func domainCommand() *cobra.Command {
	register := &cobra.Command{
		Use: "register UUID KEY,KEY…", Short: "ask for a domain's registration, or for a change of its nodes",
		Long: "register asks the connected nodes: each that is a member moves the registration with its own signature and stake, passes\n" +
			"it on to others, and holders of XIN and members vote (aster motion). The state is pending, approved or denied; invalid where\n" +
			"UUID or keys are none, or the network has no votes. What was denied is asked again with other nodes.",
		Example: "  aster domain register c6d0c728-2624-429b-8e0d-d9d19b6592fa 3f2a77c0e5f0a1d4b8c6920f1e2d3c4b5a69788796a5b4c3d2e1f00112233445 --wait",
		Args:    cli.Args("UUID", "KEY,KEY…"), RunE: domainRegister,
	}
	register.Flags().Bool("wait", false, "wait until it is approved or denied")
	return cli.Group("domain", "domains that are registered with the Kernel", "  aster domain show c6d0c728-2624-429b-8e0d-d9d19b6592fa",
		register,
		&cobra.Command{
			Use: "show UUID", Short: "what is known of a domain, and the motion about it",
			Example: "  aster domain show c6d0c728-2624-429b-8e0d-d9d19b6592fa\n  aster domain show c6d0c728-2624-429b-8e0d-d9d19b6592fa --json",
			Args:    cli.Args("UUID"), RunE: domainShow,
		})
}

func domainRegister(cmd *cobra.Command, args []string) error {
	d := kernel.Domain{ID: args[0]}
	for text := range strings.SplitSeq(args[1], ",") {
		var key kernel.Key
		if err := key.UnmarshalText([]byte(text)); err != nil {
			return cli.Fail(cli.Malformed, "malformed", "domain node %q: %v", text, err)
		}
		d.Nodes = append(d.Nodes, key)
	}
	d.Sort()
	if err := d.Check(); err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	state, err := askForDomain(ctx, nodes, &d)
	if err != nil {
		return explainRecord(err)
	}
	if state == kernel.DomainInvalid {
		return cli.Fail(cli.No, "invalid", "nobody can register domain %s here", d.ID).WithHint("the network has no stake section in its genesis, so it has no votes")
	}
	node := nodes.Nodes()[0]
	wait, _ := cmd.Flags().GetBool("wait")
	info, err := awaitDomain(ctx, node, &d, wait && state == kernel.DomainPending)
	if err != nil {
		return err
	}
	if state != kernel.DomainPending || wait {
		state = info.State
	}
	info.State = state // asked, and not in a commit yet
	if err := cli.Print(cmd, info, func(w io.Writer) { printDomain(w, &info) }); err != nil {
		return err
	}
	if state == kernel.DomainDenied {
		return cli.Fail(cli.No, "denied", "the voters denied domain %s", d.ID).WithHint("ask again with other nodes, or bring a motion: aster motion propose domain")
	}
	return nil
}

// askForDomain asks two nodes, so that none alone can hold it back: they bring one and the same motion.
func askForDomain(ctx context.Context, nodes *client.Multi, d *kernel.Domain) (state kernel.DomainState, err error) {
	var failed []error
	answered := 0
	for _, node := range nodes.Nodes() {
		s, err := node.RegisterDomain(ctx, d.ID, d.Nodes)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		if answered == 0 || s != kernel.DomainInvalid {
			state = s
		}
		if answered++; answered == 2 {
			break
		}
	}
	if answered == 0 {
		return state, errors.Join(failed...)
	}
	return state, nil
}

// awaitDomain reads what is known of a domain, and if asked to, waits for the voters.
func awaitDomain(ctx context.Context, node *client.Client, d *kernel.Domain, decided bool) (client.DomainInfo, error) {
	for {
		info, err := node.Domain(ctx, d.ID)
		if err != nil || !decided || info.State == kernel.DomainApproved || info.State == kernel.DomainDenied {
			return info, err
		}
		select {
		case <-ctx.Done():
			return info, cli.Fail(cli.NotYet, "pending", "domain %s is %s", d.ID, info.State).WithHint("aster domain show tells how the votes stand; --timeout waits longer")
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func domainShow(cmd *cobra.Command, args []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	info, err := node.Domain(ctx, args[0])
	if err != nil {
		return err
	}
	if info.State == kernel.DomainInvalid {
		return cli.Fail(cli.No, "no_domain", "nobody has asked for a domain %s", args[0]).WithHint("aster domain register asks for one")
	}
	return cli.Print(cmd, info, func(w io.Writer) { printDomain(w, &info) })
}

func printDomain(w io.Writer, d *client.DomainInfo) {
	t := cli.NewTable()
	t.Row("domain", d.ID)
	t.Row("state", d.State)
	if !d.Motion.IsZero() {
		t.Row("motion", d.Motion)
	}
	for i, key := range d.Nodes {
		t.Row(fmt.Sprintf("node %d", i+1), key)
	}
	t.WriteTo(w)
}
