package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

// sendRecord hands a record to two nodes, so that no single one can hold it back, and reports a
// refusal only if neither took it.
func sendRecord(ctx context.Context, nodes *client.Multi, r *kernel.Record) (hash kernel.Hash, err error) {
	raw := r.AppendBinary(nil)
	taken := 0
	var refusals []error
	for _, node := range nodes.Nodes() {
		h, err := node.SendRecord(ctx, raw)
		if err != nil {
			refusals = append(refusals, err)
			continue
		}
		hash = h
		if taken++; taken == 2 {
			break
		}
	}
	if taken == 0 {
		return hash, explainRecord(errors.Join(refusals...))
	}
	return hash, nil
}

// explainRecord adds what to do about a refused record.
func explainRecord(err error) error {
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		return err
	}
	hints := map[string]string{
		"motion_known":     "it is the same motion word for word: vote on it, or give another --nonce",
		"motion_closed":    "aster motion show tells what became of it",
		"motion_backing":   "put at least 100 XIN behind it with --amount, or let a member bring it with --node-home",
		"ballot_used":      "these outputs have voted: --amount takes others where there are any",
		"record_no_stake":  "this network has no stake section in its genesis, so it has no votes",
		"voter_unknown":    "vote with XIN (--from), as light witness (--witness) or as member (--node-home)",
		"witness_terms":    "at least 100 XIN, for at least 10 commits",
		"record_epoch":     "an epoch ended meanwhile: try again",
		"output_locked":    "the output votes, or stands behind a light witness: aster wallet balance NAME shows until when",
		"method_not_found": "the node is of an older version",
	}
	for name, hint := range hints {
		if refusal.Name == name {
			return cli.Fail(cli.Failed, name, "%s", refusal.Message).WithHint("%s", hint)
		}
	}
	return err
}

// signRecord makes a record of the present epoch, signed by a node key, a witness's or a passing one.
func signRecord(info *client.Info, kind kernel.RecordKind, payload []byte, key kernel.NodeKey) *kernel.Record {
	r := &kernel.Record{Kind: kind, Network: info.Network, Epoch: info.EpochNumber, Signer: key.Public(), Payload: payload}
	hash := r.SigningHash()
	r.Signature = key.Sign(hash[:])
	return r
}

// passingKey signs a record whose weight is its ballots: nobody needs to know who brought it.
func passingKey() kernel.NodeKey {
	var seed [32]byte
	rand.Read(seed[:])
	return kernel.NodeKeyFromSeed(seed)
}

// A session is what most commands about votes need: nodes, what the first says, and whoever stands
// behind the command.
type session struct {
	nodes *client.Multi
	node  *client.Client
	info  client.Info
}

func startSession(cmd *cobra.Command, ctx context.Context) (*session, error) {
	nodes, err := connect(cmd)
	if err != nil {
		return nil, err
	}
	s := &session{nodes: nodes, node: nodes.Nodes()[0]}
	s.info, err = s.node.Info(ctx)
	return s, err
}

// addNodeHome gives a command the flag that names a node's folder, whose key signs.
func addNodeHome(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("node-home", "", "folder of the node whose key signs (see kerneld init)")
	return cmd
}

// nodeKey opens the key of the node that --node-home names.
func nodeKey(cmd *cobra.Command) (kernel.NodeKey, error) {
	dir, _ := cmd.Flags().GetString("node-home")
	if dir == "" {
		return kernel.NodeKey{}, cli.Usage(cmd, "--node-home names the folder of the node whose key signs")
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	home := kerneld.Home(dir)
	g, err := home.ReadGenesis()
	test := err == nil && g.CoinDealt
	id, err := home.ReadIdentity(func() ([]byte, error) {
		return keystore.Source{File: file}.Passphrase(fmt.Sprintf("Passphrase of the node in %s: ", dir))
	}, test)
	if err != nil {
		return kernel.NodeKey{}, err
	}
	return kernel.NodeKeyFromSeed(id.Seed), nil
}

// addBacking gives a command the flags that say whose XIN stands behind it.
func addBacking(cmd *cobra.Command) *cobra.Command {
	addWalletFlags(cmd)
	cmd.Flags().String("from", "", "wallet whose XIN votes; its outputs are locked until the votes end")
	cmd.Flags().String("amount", "", "at least this much XIN votes, in whole outputs (default: all that fits)")
	return addNodeHome(cmd)
}

// backing locks XIN of the wallet that --from names behind a statement about a motion, or a light witness's card
// (no motion); none without --from.
func (s *session) backing(cmd *cobra.Command, ctx context.Context, motion kernel.Hash, statement func([]kernel.Ballot) kernel.Hash) ([]kernel.Ballot, kernel.Amount, error) {
	var amount, sum kernel.Amount
	name, _ := cmd.Flags().GetString("from")
	if name == "" {
		return nil, sum, nil
	}
	if text, _ := cmd.Flags().GetString("amount"); text != "" {
		var err error
		if amount, err = kernel.ParseAmount(text); err != nil {
			return nil, sum, cli.Fail(cli.Malformed, "malformed", "--amount %q: %v", text, err)
		}
	}
	w, _, err := openWallet(cmd, name)
	if err != nil {
		return nil, sum, err
	}
	defer w.Close()
	if _, err := w.Scan(ctx, s.node); err != nil {
		return nil, sum, err
	}
	if err := w.ReadLocks(ctx, s.node); err != nil {
		return nil, sum, err
	}
	ballots, sum, err := w.Ballots(amount, cannotVote(w, motion), statement)
	if err != nil {
		return nil, sum, explainWallet(err)
	}
	return ballots, sum, nil
}

// cannotVote lists the wallet's outputs that cannot stand behind this: a light witness's, those that have voted on
// the motion, and, for a light witness's card (no motion), all that are locked.
func cannotVote(w *wallet.Wallet, motion kernel.Hash) (avoid []wallet.Ref) {
	for _, l := range w.Locks() {
		if motion.IsZero() || !l.Witness.IsZero() || slices.Contains(l.Motions, motion) {
			avoid = append(avoid, l.Ref)
		}
	}
	return avoid
}
