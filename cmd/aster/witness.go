package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func witnessCommand() *cobra.Command {
	enrol := addBacking(&cobra.Command{
		Use: "enrol FILE", Short: "lock XIN behind a new key that watches the members and votes on appeals",
		Long: "enrol writes a new key to FILE and makes it a light witness with the weight of the XIN that --from and --amount\n" +
			"lock. The key can vote and report; it cannot spend anything. Rewards go to --payee.",
		Example: "  aster witness enrol witness.json --from alice --amount 1000 --commits 6000000",
		Args:    cli.Args("FILE"), RunE: witnessEnrol,
	})
	enrol.Flags().String("payee", "", "who gets the rewards: an address or a name (default: the wallet)")
	enrol.Flags().Uint64("commits", 6_000_000, "for how many commits the XIN is locked; a week has about six million")
	run := &cobra.Command{
		Use: "run FILE", Short: "watch the members, report once an hour, vote on appeals",
		Long: "run asks the nodes which members take part, tells the ledger once an hour, and votes on every appeal. With\n" +
			"--vote auto it votes to lift a penalty where its own reports say that the member was out of reach about the time\n" +
			"of the fault, else against; a person may vote otherwise with aster witness vote. Ctrl-C ends it.",
		Example: "  aster witness run witness.json\n  aster witness run witness.json --vote none --node http://127.0.0.1:6860 --node http://127.0.0.1:6861",
		Args:    cli.Args("FILE"), RunE: witnessRun,
	}
	run.Flags().String("vote", "auto", "how to vote on appeals: auto, yes, no or none")
	run.Flags().Duration("every", time.Minute, "how often to look")
	run.Flags().Bool("once", false, "look, report and vote once, and end")
	return cli.Group("witness", "light witnesses: watch the members, vote on appeals, earn a share of the mint",
		"  aster witness enrol witness.json --from alice --amount 1000\n  aster witness run witness.json",
		enrol, run,
		&cobra.Command{
			Use: "vote FILE MEMBER yes|no", Short: "vote on a member's appeal with the witness's weight",
			Example: "  aster witness vote witness.json node-3 yes",
			Args:    cli.Args("FILE", "MEMBER", "yes|no"), RunE: witnessVote,
		},
		&cobra.Command{
			Use: "list", Short: "the light witnesses that count",
			Example: "  aster witness list --json",
			Args:    cli.Args(), RunE: witnessList,
		})
}

// A witnessFile holds a light witness's key. It is worth a vote and no money.
type witnessFile struct {
	Network kernel.NetworkID `json:"network"`
	Key     kernel.Key       `json:"key"`
	Seed    string           `json:"seed"`
}

func (w *witnessFile) key() kernel.NodeKey {
	var seed [32]byte
	hex.Decode(seed[:], []byte(w.Seed))
	return kernel.NodeKeyFromSeed(seed)
}

const maxWitnessFile = 4096

func readWitnessFile(name string) (w witnessFile, err error) {
	f, err := os.Open(name)
	if err != nil {
		return w, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxWitnessFile))
	if err != nil {
		return w, err
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return w, cli.Fail(cli.Malformed, "malformed", "%s is no witness file: %v", name, err)
	}
	if seed, err := hex.DecodeString(w.Seed); err != nil || len(seed) != 32 || w.key().Public() != w.Key {
		return w, cli.Fail(cli.Malformed, "malformed", "%s is no witness file: the seed does not give the key", name)
	}
	return w, nil
}

// newWitnessFile makes a key and writes it down.
func newWitnessFile(name string, network kernel.NetworkID) (w witnessFile, err error) {
	key := passingKey()
	seed := key.Seed()
	w = witnessFile{Network: network, Key: key.Public(), Seed: hex.EncodeToString(seed[:])}
	text, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return w, err
	}
	return w, daemon.WriteNew(name, append(text, '\n'))
}

func witnessEnrol(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	from, _ := cmd.Flags().GetString("from")
	amount, _ := cmd.Flags().GetString("amount")
	if from == "" || amount == "" {
		return cli.Usage(cmd, "--from and --amount say whose XIN is locked, and how much")
	}
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	payee, _ := cmd.Flags().GetString("payee")
	if payee == "" {
		payee = from
	}
	card := kernel.WitnessCard{}
	if card.Payee, err = resolveAddress(cmd, s.info.Network, payee); err != nil {
		return err
	}
	commits, _ := cmd.Flags().GetUint64("commits")
	card.Until = s.info.Head.Index + kernel.CommitIndex(commits)
	w, err := newWitnessFile(args[0], s.info.Network)
	if err != nil {
		return err
	}
	var locked kernel.Amount
	card.Ballots, locked, err = s.backing(cmd, ctx, kernel.Hash{}, func(b []kernel.Ballot) kernel.Hash {
		return kernel.WitnessHash(s.info.Network, w.Key, &kernel.WitnessCard{Payee: card.Payee, Until: card.Until, Ballots: b})
	})
	if err == nil {
		_, err = sendRecord(ctx, s.nodes, signRecord(&s.info, kernel.RecordWitness, card.AppendBinary(nil), w.key()))
	}
	if err != nil {
		os.Remove(args[0]) // a key that is nobody's yet
		return err
	}
	if err := s.awaitWitness(ctx, w.Key); err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"key": w.Key, "locked": locked, "until": card.Until}, func(out io.Writer) {
		fmt.Fprintf(out, "light witness %s with %s XIN until commit %d\nrun it with: aster witness run %s\n", w.Key, trimAmount(locked), card.Until, args[0])
	})
}

func (s *session) awaitWitness(ctx context.Context, key kernel.Key) error {
	for {
		all, err := s.node.Witnesses(ctx)
		if err != nil {
			return err
		}
		for _, w := range all {
			if w.Key == key {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func witnessVote(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	w, err := readWitnessFile(args[0])
	if err != nil {
		return err
	}
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	p, err := penalised(ctx, s.node, args[1])
	if err != nil {
		return err
	}
	if p.Appeal == nil {
		return cli.Fail(cli.Failed, "no_appeal", "nobody has appealed for %s", p.Member.Name).WithHint("aster appeal file %s", p.Member.Name)
	}
	if args[2] != "yes" && args[2] != "no" {
		return cli.Usage(cmd, "vote yes or no, not %q", args[2])
	}
	if err := s.witnessVotes(ctx, &w, p.Appeal.ID, args[2] == "yes"); err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"motion": p.Appeal.ID, "for": args[2] == "yes"}, func(out io.Writer) {
		fmt.Fprintf(out, "voted %s on the appeal of %s\n", args[2], p.Member.Name)
	})
}

func (s *session) witnessVotes(ctx context.Context, w *witnessFile, motion kernel.Hash, inFavour bool) error {
	v := kernel.Vote{Motion: motion, For: inFavour}
	_, err := sendRecord(ctx, s.nodes, signRecord(&s.info, kernel.RecordVote, v.AppendBinary(nil), w.key()))
	return err
}

func witnessList(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	all, err := node.Witnesses(ctx)
	if err != nil {
		return err
	}
	return cli.Print(cmd, all, func(w io.Writer) {
		t := cli.NewTable("WITNESS", "XIN", "UNTIL", "REPORTS", "VOTES")
		for _, x := range all {
			t.Row(x.Key.String()[:16], trimAmount(x.Locked), x.Until, x.Reports, x.Votes)
		}
		t.WriteTo(w)
	})
}

// stakeOf returns the network's stake parameters.
func stakeOf(ctx context.Context, node *client.Client) (*client.StakeInfo, error) {
	stake, err := node.Stake(ctx)
	if err == nil && stake == nil {
		err = cli.Fail(cli.Failed, "no_stake", "this network has no stake section in its genesis: its members never change")
	}
	return stake, err
}
