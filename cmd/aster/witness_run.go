package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

// reachRounds is how many rounds a member's newest snapshot may lie below the newest of all and
// still be one that takes part.
const reachRounds = 40

// A watch is a light witness at work.
type watch struct {
	*session
	file   witnessFile
	vote   string
	voted  map[kernel.Hash]bool
	report time.Time // when the next report is worth trying
	cmd    *cobra.Command
}

// A sighting is what one look found.
type looked struct {
	Commit    kernel.CommitIndex `json:"commit"`
	Epoch     kernel.Epoch       `json:"epoch"`
	Members   int                `json:"members"`
	Reachable int                `json:"reachable"`
	Away      []string           `json:"away"`
	Reported  bool               `json:"reported"`
	Votes     []kernel.Hash      `json:"votes"` // motions voted on
}

func witnessRun(cmd *cobra.Command, args []string) error {
	w := &watch{voted: map[kernel.Hash]bool{}, cmd: cmd}
	w.vote, _ = cmd.Flags().GetString("vote")
	if !slices.Contains([]string{"auto", "yes", "no", "none"}, w.vote) {
		return cli.Usage(cmd, "--vote %s: want auto, yes, no or none", w.vote)
	}
	var err error
	if w.file, err = readWitnessFile(args[0]); err != nil {
		return err
	}
	every, _ := cmd.Flags().GetDuration("every")
	once, _ := cmd.Flags().GetBool("once")
	for {
		if err := w.look(cmd.Context()); err != nil && once {
			return err
		} else if err != nil && cmd.Context().Err() == nil {
			cli.Note(cmd, "%v; trying again in %v", err, every)
		}
		if once {
			return nil
		}
		select {
		case <-cmd.Context().Done():
			cli.Note(cmd, "stopped; the XIN stays locked, and aster witness run goes on any time")
			return nil
		case <-time.After(max(every, time.Second)):
		}
	}
}

// look asks the nodes once, reports if an hour has passed, and votes on appeals that wait.
func (w *watch) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var err error
	if w.session, err = startSession(w.cmd, ctx); err != nil {
		return err
	}
	if w.info.Network != w.file.Network {
		return cli.Fail(cli.Failed, "wrong_network", "the witness is of network %s, the node of %s", w.file.Network.Short(), w.info.Network.Short())
	}
	mask, seen := w.reachable(ctx)
	if time.Now().After(w.report) {
		report := kernel.WitnessReport{Seen: w.info.Head.Index, Reachable: mask}
		_, err := sendRecord(ctx, w.nodes, signRecord(&w.info, kernel.RecordReport, report.AppendBinary(nil), w.file.key()))
		var refusal *client.Error
		switch {
		case err == nil:
			seen.Reported = true
		case !errors.As(err, &refusal) || refusal.Name != "report_early":
			return err
		}
		w.report = time.Now().Truncate(time.Hour).Add(time.Hour + time.Minute)
	}
	if w.vote != "none" {
		if err := w.voteOnAppeals(ctx, &seen); err != nil {
			return err
		}
	}
	return cli.Print(w.cmd, seen, func(out io.Writer) {
		fmt.Fprintf(out, "commit %d: %d of %d members take part", seen.Commit, seen.Reachable, seen.Members)
		if len(seen.Away) > 0 {
			fmt.Fprintf(out, ", away: %v", seen.Away)
		}
		if seen.Reported {
			fmt.Fprint(out, "; reported")
		}
		for _, id := range seen.Votes {
			fmt.Fprintf(out, "; voted on %s", id.Short())
		}
		fmt.Fprintln(out)
	})
}

// reachable asks all nodes how far they have heard of each member. A member takes part if any node
// has a snapshot of it that is not far below the newest.
func (w *watch) reachable(ctx context.Context) (mask uint64, seen looked) {
	seen = looked{Commit: w.info.Head.Index, Epoch: w.info.EpochNumber, Members: len(w.info.Members), Away: []string{}, Votes: []kernel.Hash{}}
	infos := []client.Info{w.info}
	for _, node := range w.nodes.Nodes()[1:] {
		if info, err := node.Info(ctx); err == nil && info.EpochNumber == w.info.EpochNumber {
			infos = append(infos, info)
		}
	}
	var top kernel.Round
	for _, info := range infos {
		for _, m := range info.Members {
			top = max(top, m.Round)
		}
	}
	for _, info := range infos {
		for _, m := range info.Members {
			if m.Round+reachRounds >= top {
				mask |= 1 << m.Author
			}
		}
	}
	for _, m := range w.info.Members {
		if mask>>m.Author&1 == 1 {
			seen.Reachable++
		} else {
			seen.Away = append(seen.Away, m.Name)
		}
	}
	return mask, seen
}

// voteOnAppeals votes on each open appeal once.
func (w *watch) voteOnAppeals(ctx context.Context, seen *looked) error {
	punished, err := w.node.Appeals(ctx)
	if err != nil {
		return err
	}
	for _, p := range punished {
		if p.Appeal == nil || p.Appeal.State != "open" || w.voted[p.Appeal.ID] {
			continue
		}
		err := w.witnessVotes(ctx, &w.file, p.Appeal.ID, w.opinion(&p))
		var refusal *client.Error
		if errors.As(err, &refusal) && refusal.Name == "voter_voted" {
			err = nil
		} else if err == nil {
			seen.Votes = append(seen.Votes, p.Appeal.ID)
		}
		if err != nil {
			return err
		}
		w.voted[p.Appeal.ID] = true
	}
	return nil
}

// opinion is whether to lift a penalty: where this witness itself told, about the time of the
// fault, that the member was out of reach, bad connections may explain it. [WIT-3]
func (w *watch) opinion(p *client.PenalisedMember) bool {
	if w.vote != "auto" {
		return w.vote == "yes"
	}
	for _, s := range p.Seen {
		if s.Witness == w.file.Key {
			return !s.Reachable
		}
	}
	return false
}
