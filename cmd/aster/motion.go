package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func motionCommand() *cobra.Command {
	propose := addBacking(&cobra.Command{
		Use: "propose KIND [VALUE] [VALUE2]", Short: "ask the holders of XIN a question; what they decide, the ledger carries out",
		Long: "propose brings a motion. At least 100 XIN must stand behind it (--from), or a member (--node-home); they vote\n" +
			"for it at once. KIND and what it takes:\n\n" +
			"  community                 words only\n" +
			"  domain UUID KEY,KEY…      register a domain, or change its nodes\n" +
			"  asset FILE                register an asset: JSON with id, symbol, chain, asset_key, ceiling\n" +
			"  freeze ASSET              nothing of an external asset comes in or leaves\n" +
			"  free ASSET                end that\n" +
			"  upgrade VERSION EPOCH     nodes need this protocol version from an epoch on\n" +
			"  parameter NAME VALUE      appeal_window, motion_window, motion_delay (commits), app_creation_fee, call_fee (XIN)\n\n" +
			"To lift a member's penalty see aster appeal.",
		Example: "  aster motion propose community --title \"Meet in May\" --from alice --amount 1000\n" +
			"  aster motion propose parameter call_fee 0.0002 --title \"Calls cost twice\" --node-home node-1\n" +
			"  aster motion propose freeze BTC --title \"Fork of 2026-11-21\" --from alice",
		Args: cli.Args("KIND", "[VALUE]", "[VALUE2]"), RunE: motionPropose,
	})
	f := propose.Flags()
	f.String("title", "", "what it is about, up to 128 bytes")
	f.String("text", "", "the reasons, up to 8 KiB; @FILE reads a file")
	f.Uint64("nonce", 0, "tells motions of the same words apart (default: the time; of a domain how often it was asked for)")
	vote := addBacking(&cobra.Command{
		Use: "vote MOTION yes|no", Short: "vote with XIN, as light witness or as member",
		Long: "vote locks whole outputs of a wallet until the votes end; they are the weight of the vote. A vote cannot be changed.\n" +
			"With --witness the light witness's locked XIN votes, with --node-home the member's stake.",
		Example: "  aster motion vote 3f2a… yes --from alice --amount 5000\n  aster motion vote 3f2a… no --node-home node-1",
		Args:    cli.Args("MOTION", "yes|no"), RunE: motionVote,
	})
	vote.Flags().String("witness", "", "key file of the light witness that votes")
	list := &cobra.Command{
		Use: "list", Short: "motions, newest first",
		Example: "  aster motion list\n  aster motion list --limit 100 --json",
		Args:    cli.Args(), RunE: motionList,
	}
	list.Flags().Int("limit", 20, "how many, 1 to 500")
	return cli.Group("motion", "what XIN holders vote on", "  aster motion list\n  aster motion vote 3f2a… yes --from alice",
		propose, vote, list,
		&cobra.Command{
			Use: "show MOTION", Short: "a motion with its votes",
			Example: "  aster motion show 3f2a…",
			Args:    cli.Args("MOTION"), RunE: motionShow,
		})
}

func motionPropose(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	m, err := readMotion(cmd, ctx, s, args)
	if err != nil {
		return err
	}
	return s.propose(cmd, ctx, m)
}

// propose signs a motion with whatever stands behind it and sends it.
func (s *session) propose(cmd *cobra.Command, ctx context.Context, m *kernel.Motion) error {
	if err := m.Check(); err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	id := m.ID(s.info.Network)
	p := kernel.Proposal{Motion: *m}
	var err error
	var behind kernel.Amount
	p.Ballots, behind, err = s.backing(cmd, ctx, id, func(b []kernel.Ballot) kernel.Hash {
		return kernel.BallotHash(s.info.Network, id, true, b)
	})
	if err != nil {
		return err
	}
	key := passingKey()
	if len(p.Ballots) == 0 {
		if key, err = nodeKey(cmd); err != nil {
			return err
		}
	}
	if _, err := sendRecord(ctx, s.nodes, signRecord(&s.info, kernel.RecordMotion, p.AppendBinary(nil), key)); err != nil {
		return err
	}
	found, err := s.awaitMotion(ctx, id)
	if err != nil {
		return err
	}
	return cli.Print(cmd, found, func(w io.Writer) {
		fmt.Fprintf(w, "motion %s is open until commit %d\n", id, found.Deadline)
		if !behind.IsZero() {
			fmt.Fprintf(w, "%s XIN vote for it and are locked until then\n", trimAmount(behind))
		}
	})
}

// awaitMotion waits until a commit has opened the motion.
func (s *session) awaitMotion(ctx context.Context, id kernel.Hash) (*client.MotionVotes, error) {
	for {
		m, err := s.node.Motion(ctx, id, 0, 1)
		if err != nil || m != nil {
			return m, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// readMotion makes a motion of the command line.
func readMotion(cmd *cobra.Command, ctx context.Context, s *session, args []string) (*kernel.Motion, error) {
	m := &kernel.Motion{Nonce: uint64(time.Now().UnixMilli())}
	m.Title, _ = cmd.Flags().GetString("title")
	text, _ := cmd.Flags().GetString("text")
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	m.Text = text
	values := append(args[1:], "", "")
	if err := readEffect(cmd, ctx, s, m, args[0], values[0], values[1]); err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("nonce") {
		m.Nonce, _ = cmd.Flags().GetUint64("nonce")
	}
	return m, nil
}

func readEffect(cmd *cobra.Command, ctx context.Context, s *session, m *kernel.Motion, kind, value, second string) error {
	if value == "" && kind != "community" {
		return cli.Usage(cmd, "aster motion propose %s needs a value", kind)
	}
	switch kind {
	case "community":
		m.Subject = kernel.SubjectCommunity
	case "domain":
		return readDomain(ctx, s, m, value, second)
	case "asset":
		m.Subject, m.Asset = kernel.SubjectRegistration, new(kernel.GenesisAsset)
		b, err := os.ReadFile(value)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, m.Asset); err != nil {
			return cli.Fail(cli.Malformed, "malformed", "%s: %v", value, err)
		}
	case "freeze", "free":
		asset, err := resolveAsset(ctx, s.node, value)
		if err != nil {
			return err
		}
		m.Subject, m.Assurance = kernel.SubjectAssurance, &kernel.Assurance{Asset: asset.ID, Freeze: kind == "freeze"}
	case "upgrade":
		version, err1 := strconv.ParseUint(value, 10, 32)
		epoch, err2 := strconv.ParseUint(second, 10, 32)
		if err1 != nil || err2 != nil {
			return cli.Usage(cmd, "want upgrade VERSION EPOCH, two numbers")
		}
		m.Subject, m.Upgrade = kernel.SubjectUpgrade, &kernel.Upgrade{Version: uint32(version), Epoch: kernel.Epoch(epoch)}
	case "parameter":
		return readParameter(m, value, second)
	default:
		return cli.Usage(cmd, "unknown kind of motion %q: community, domain, asset, freeze, free, upgrade or parameter", kind)
	}
	return nil
}

func readDomain(ctx context.Context, s *session, m *kernel.Motion, id, keys string) error {
	m.Subject, m.Domain = kernel.SubjectRegistration, &kernel.Domain{ID: id}
	for text := range strings.SplitSeq(keys, ",") {
		var key kernel.Key
		if err := key.UnmarshalText([]byte(text)); err != nil {
			return cli.Fail(cli.Malformed, "malformed", "domain node: %v", err)
		}
		m.Domain.Nodes = append(m.Domain.Nodes, key)
	}
	m.Domain.Sort()
	known, err := s.node.Domain(ctx, id)
	m.Nonce = known.Asked
	return err
}

func readParameter(m *kernel.Motion, name, value string) error {
	m.Subject, m.Parameter = kernel.SubjectUpgrade, new(kernel.NewParameter)
	if err := m.Parameter.Name.UnmarshalText([]byte(name)); err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	if p := m.Parameter.Name; p != kernel.ParameterAppFee && p != kernel.ParameterCallFee {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			return cli.Fail(cli.Malformed, "malformed", "%s %q: want a number of commits", name, value)
		}
		m.Parameter.Value = n
		return nil
	}
	fee, err := kernel.ParseAmount(value)
	if err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	hi, lo := fee.Units()
	if hi != 0 {
		return cli.Fail(cli.Malformed, "malformed", "%s %s is more XIN than there is", name, fee)
	}
	m.Parameter.Value = lo
	return nil
}

func motionVote(cmd *cobra.Command, args []string) error {
	id, err := kernel.ParseHash(args[0])
	if err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	return s.vote(cmd, ctx, id, args[1])
}

// vote casts a vote by what the command line names: a wallet, a light witness or a member.
func (s *session) vote(cmd *cobra.Command, ctx context.Context, id kernel.Hash, choice string) error {
	if choice != "yes" && choice != "no" {
		return cli.Usage(cmd, "vote yes or no, not %q", choice)
	}
	v := kernel.Vote{Motion: id, For: choice == "yes"}
	var weight kernel.Amount
	var err error
	v.Ballots, weight, err = s.backing(cmd, ctx, id, func(b []kernel.Ballot) kernel.Hash {
		return kernel.BallotHash(s.info.Network, id, v.For, b)
	})
	if err != nil {
		return err
	}
	key := passingKey()
	if len(v.Ballots) == 0 {
		if key, err = voterKey(cmd); err != nil {
			return err
		}
	}
	before, err := s.node.Motion(ctx, id, 0, 1)
	if err != nil {
		return err
	}
	if before == nil {
		return cli.Fail(cli.Failed, "motion_unknown", "there is no motion %s", id).WithHint("aster motion list")
	}
	if _, err := sendRecord(ctx, s.nodes, signRecord(&s.info, kernel.RecordVote, v.AppendBinary(nil), key)); err != nil {
		return err
	}
	after, err := s.awaitVote(ctx, before)
	if err != nil {
		return err
	}
	return cli.Print(cmd, after, func(w io.Writer) {
		if !weight.IsZero() {
			fmt.Fprintf(w, "%s XIN voted and are locked until commit %d\n", trimAmount(weight), after.Deadline)
		}
		printMotion(w, &after.MotionInfo)
	})
}

// voterKey is that of the witness or member that the command line names.
func voterKey(cmd *cobra.Command) (kernel.NodeKey, error) {
	if file, _ := cmd.Flags().GetString("witness"); file != "" {
		w, err := readWitnessFile(file)
		return w.key(), err
	}
	if home, _ := cmd.Flags().GetString("node-home"); home == "" {
		return kernel.NodeKey{}, cli.Usage(cmd, "--from names the wallet, --witness the key file or --node-home the node that votes")
	}
	return nodeKey(cmd)
}

// awaitVote waits until the motion has more votes than it had.
func (s *session) awaitVote(ctx context.Context, before *client.MotionVotes) (*client.MotionVotes, error) {
	for {
		m, err := s.node.Motion(ctx, before.ID, before.Votes, 500)
		if err != nil || m != nil && m.Votes > before.Votes {
			return m, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func motionList(cmd *cobra.Command, _ []string) error {
	limit, _ := cmd.Flags().GetInt("limit")
	if limit < 1 || limit > 500 {
		return cli.Usage(cmd, "--limit %d: want 1 to 500", limit)
	}
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	page, err := node.Motions(ctx, 0, limit)
	if err != nil {
		return err
	}
	return cli.Print(cmd, page, func(w io.Writer) {
		t := cli.NewTable("NO", "MOTION", "SUBJECT", "STATE", "FOR", "AGAINST", "QUORUM", "DEADLINE", "TITLE")
		for _, m := range page.Items {
			t.Row(m.Number, m.ID, m.Motion.Subject, m.State, trimAmount(m.For.Sum), trimAmount(m.Against.Sum), trimAmount(m.Quorum), m.Deadline, m.Motion.Title)
		}
		t.WriteTo(w)
	})
}

func motionShow(cmd *cobra.Command, args []string) error {
	id, err := kernel.ParseHash(args[0])
	if err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	m, err := node.Motion(ctx, id, 0, 500)
	if err != nil {
		return err
	}
	if m == nil {
		return cli.Fail(cli.Failed, "motion_unknown", "there is no motion %s", id).WithHint("aster motion list")
	}
	return cli.Print(cmd, m, func(w io.Writer) {
		printMotion(w, &m.MotionInfo)
		t := cli.NewTable("VOTE", "WEIGHT", "BY", "VOTER", "COMMIT")
		for _, v := range m.List {
			t.Row(map[bool]string{true: "for", false: "against"}[v.For], trimAmount(v.Weight), v.By, v.Voter.String()[:16], v.Commit)
		}
		fmt.Fprintln(w)
		t.WriteTo(w)
	})
}

func printMotion(w io.Writer, m *client.MotionInfo) {
	t := cli.NewTable()
	t.Row("motion", m.ID)
	t.Row("about", fmt.Sprintf("%s: %s", m.Motion.Subject, m.Motion.Title))
	if m.Motion.Text != "" {
		t.Row("reasons", m.Motion.Text)
	}
	t.Row("state", fmt.Sprintf("%s, votes until commit %d", m.State, m.Deadline))
	t.Row("for", tallyText(m.For))
	t.Row("against", tallyText(m.Against))
	t.Row("must vote", trimAmount(m.Quorum)+" XIN")
	t.WriteTo(w)
}

func tallyText(t client.Tally) string {
	return fmt.Sprintf("%s XIN (holders %s, witnesses %s, members %s)", trimAmount(t.Sum), trimAmount(t.Holders), trimAmount(t.Witnesses), trimAmount(t.Members))
}
