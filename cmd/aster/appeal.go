package main

import (
	"context"
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func appealCommand() *cobra.Command {
	file := addBacking(&cobra.Command{
		Use: "file [MEMBER]", Short: "ask that a member's flag or removal is lifted",
		Long: "file appeals against a penalty: the member itself by its node's key (--node-home), or any holder of 100 XIN\n" +
			"for the MEMBER named by name or key. Holders and light witnesses vote on it.",
		Example: "  aster appeal file --node-home node-3 --text \"the copy of a backup ran for a minute\"\n  aster appeal file node-3 --from alice --amount 500",
		Args:    cli.Args("[MEMBER]"), RunE: appealFile,
	})
	file.Flags().String("text", "", "the reasons, up to 8 KiB")
	vote := addBacking(&cobra.Command{
		Use: "vote MEMBER yes|no", Short: "vote on a member's appeal; yes lifts the penalty",
		Example: "  aster appeal vote node-3 yes --from alice\n  aster appeal vote node-3 no --witness witness.json",
		Args:    cli.Args("MEMBER", "yes|no"), RunE: appealVote,
	})
	vote.Flags().String("witness", "", "key file of the light witness that votes")
	return cli.Group("appeal", "penalties before the voters", "  aster appeal list\n  aster appeal vote node-3 yes --from alice",
		file, vote,
		&cobra.Command{
			Use: "list", Short: "the members that are punished, why, and how the votes on it stand",
			Example: "  aster appeal list --json",
			Args:    cli.Args(), RunE: appealList,
		})
}

// penalised finds a punished member by name, id or key.
func penalised(ctx context.Context, node *client.Client, text string) (client.PenalisedMember, error) {
	all, err := node.Appeals(ctx)
	if err != nil {
		return client.PenalisedMember{}, err
	}
	for _, p := range all {
		if m := p.Member; m.Name == text || m.Key.String() == text || m.ID.String() == text {
			return p, nil
		}
	}
	return client.PenalisedMember{}, cli.Fail(cli.Failed, "not_punished", "%s is not punished", text).WithHint("aster appeal list shows who is")
}

func appealFile(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	} else {
		key, err := nodeKey(cmd)
		if err != nil {
			return err
		}
		name = key.Public().String()
	}
	p, err := penalised(ctx, s.node, name)
	if err != nil {
		return err
	}
	text, _ := cmd.Flags().GetString("text")
	return s.propose(cmd, ctx, appealMotion(&p, text))
}

// appealMotion asks to lift a penalty. The fault's commit tells it from an earlier appeal.
func appealMotion(p *client.PenalisedMember, text string) *kernel.Motion {
	return &kernel.Motion{
		Subject: kernel.SubjectPenalty, Title: "Lift the penalty of " + p.Member.Name, Text: text,
		Nonce: uint64(p.Fault.Commit), Penalty: &kernel.Penalty{Member: p.Member.Key},
	}
}

func appealVote(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	p, err := penalised(ctx, s.node, args[0])
	if err != nil {
		return err
	}
	if p.Appeal == nil {
		return cli.Fail(cli.Failed, "no_appeal", "nobody has appealed for %s", p.Member.Name).WithHint("aster appeal file %s", p.Member.Name)
	}
	return s.vote(cmd, ctx, p.Appeal.ID, args[1])
}

func appealList(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	all, err := node.Appeals(ctx)
	if err != nil {
		return err
	}
	return cli.Print(cmd, all, func(w io.Writer) {
		if len(all) == 0 {
			fmt.Fprintln(w, "nobody is punished")
			return
		}
		t := cli.NewTable("MEMBER", "PENALTY", "FAULT", "APPEAL", "FOR", "AGAINST", "SEEN BY WITNESSES")
		for _, p := range all {
			appeal, inFavour, against := "none", "-", "-"
			if a := p.Appeal; a != nil {
				appeal, inFavour, against = a.State, trimAmount(a.For.Sum), trimAmount(a.Against.Sum)
			}
			t.Row(p.Member.Name, penaltyText(&p.Member), fmt.Sprintf("%s in round %d, commit %d", p.Fault.Kind, p.Fault.Round, p.Fault.Commit),
				appeal, inFavour, against, sightingsText(p.Seen))
		}
		t.WriteTo(w)
	})
}

func sightingsText(seen []client.Sighting) string {
	reached := 0
	for _, s := range seen {
		if s.Reachable {
			reached++
		}
	}
	return fmt.Sprintf("reached by %d of %d", reached, len(seen))
}
