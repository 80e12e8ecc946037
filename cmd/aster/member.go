package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

// memberCommands are those by which a node becomes a member and ends it.
func memberCommands() []*cobra.Command {
	pledge := addNodeHome(addWalletFlags(&cobra.Command{
		Use: "pledge", Short: "stake XIN for a node, which becomes a member when it accepts",
		Long: "pledge pays the stake of a node from a wallet. The node's key and the payee become public. Until the node\n" +
			"accepts, whoever paid can cancel, for a hundredth of the stake.",
		Example: "  aster node pledge --from alice --node-home node-8 --payee alice\n  aster node pledge --from alice --signer 7d4b… --payee XIN… --yes",
		Args:    cli.Args(), RunE: nodePledge,
	}))
	f := pledge.Flags()
	f.String("from", "", "wallet that pays the stake")
	f.String("signer", "", "public key of the node, where its folder is elsewhere")
	f.String("payee", "", "who gets rewards and the stake back: an address or a name")
	f.Bool("yes", false, "do not ask")
	accept := addNodeHome(addWalletFlags(&cobra.Command{
		Use: "accept", Short: "make the pledged node a member, by its own key",
		Example: "  aster node accept --node-home node-8 --passphrase-file node-8.pass",
		Args:    cli.Args(), RunE: nodeAccept,
	}))
	cancel := addWalletFlags(&cobra.Command{
		Use: "cancel SIGNER", Short: "take a pledge back before the node accepts, for a hundredth of it",
		Long: "cancel takes a pledge back. A hundredth goes to the mining pool, and the PRIVATE VIEW KEY of the wallet that\n" +
			"paid becomes public for ever: everybody can then see what this wallet receives. Nobody can spend with it.",
		Example: "  aster node cancel 7d4b… --from alice --yes",
		Args:    cli.Args("SIGNER"), RunE: nodeCancel,
	})
	cancel.Flags().String("from", "", "wallet that paid the pledge")
	cancel.Flags().Bool("yes", false, "make the wallet's view key public without asking")
	return []*cobra.Command{pledge, accept, cancel,
		addNodeHome(addWalletFlags(&cobra.Command{
			Use: "resign", Short: "leave: the node serves until its epoch ends, then its stake is paid back",
			Example: "  aster node resign --node-home node-3 --passphrase-file node-3.pass",
			Args:    cli.Args(), RunE: nodeResign,
		})),
		{
			Use: "list", Short: "all members there are, will be and were: state, stake, penalties",
			Example: "  aster node list\n  aster node list --json",
			Args:    cli.Args(), RunE: nodeList,
		}}
}

// signerOf is the node key that --signer or --node-home names.
func signerOf(cmd *cobra.Command) (key kernel.Key, err error) {
	if text, _ := cmd.Flags().GetString("signer"); text != "" {
		if err := key.UnmarshalText([]byte(text)); err != nil {
			return key, cli.Fail(cli.Malformed, "malformed", "--signer: %v", err)
		}
		return key, nil
	}
	node, err := nodeKey(cmd)
	if err != nil {
		return key, err
	}
	return node.Public(), nil
}

func nodePledge(cmd *cobra.Command, _ []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	from, _ := cmd.Flags().GetString("from")
	payee, _ := cmd.Flags().GetString("payee")
	if from == "" || payee == "" {
		return cli.Usage(cmd, "--from says who pays the stake, and --payee who gets it back")
	}
	signer, err := signerOf(cmd)
	if err != nil {
		return err
	}
	w, nodes, unsafe, err := scanned(cmd, ctx, from)
	if err != nil {
		return err
	}
	defer w.Close()
	stake, err := stakeOf(ctx, nodes.Nodes()[0])
	if err != nil {
		return err
	}
	to, err := resolveAddress(cmd, w.Network(), payee)
	if err != nil {
		return err
	}
	s := spending{wallet: w, nodes: nodes, unsafe: unsafe, wait: true}
	request := wallet.Request{Asset: kernel.XIN, Plain: true, Pledge: &wallet.Pledge{Signer: signer, Payee: to, Amount: stake.Pledge}}
	if s.plan, err = w.Plan(request, rand.Reader); err != nil {
		return explainWallet(err)
	}
	return execute(cmd, ctx, s)
}

// memberBy finds a member by its node key.
func memberBy(members []client.MemberRecord, key kernel.Key) (client.MemberRecord, error) {
	for _, m := range members {
		if m.Key == key {
			return m, nil
		}
	}
	return client.MemberRecord{}, cli.Fail(cli.Failed, "no_member", "nobody has pledged for node %s", key).WithHint("aster node pledge, then aster node list")
}

// pledgeOf returns the transaction by which a member that has not accepted was pledged.
func pledgeOf(ctx context.Context, node *client.Client, m *client.MemberRecord) (*kernel.Transaction, error) {
	if m.State != kernel.MemberPledging {
		return nil, cli.Fail(cli.Failed, "member_not_pledging", "node %s is %s", m.Name, m.State)
	}
	tx, err := node.Transaction(ctx, m.Collateral.Hash)
	if err != nil {
		return nil, err
	}
	if tx == nil {
		return nil, cli.Fail(cli.NotYet, "no_pledge", "the node does not hold pledge %s", m.Collateral.Hash)
	}
	return tx.Decode()
}

func nodeAccept(cmd *cobra.Command, _ []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	key, err := nodeKey(cmd)
	if err != nil {
		return err
	}
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	members, err := nodes.Nodes()[0].Members(ctx)
	if err != nil {
		return err
	}
	m, err := memberBy(members, key.Public())
	if err != nil {
		return err
	}
	tx, err := pledgeOf(ctx, nodes.Nodes()[0], &m)
	if err != nil {
		return err
	}
	raw, err := wallet.AcceptPledge(tx, key)
	if err != nil {
		return err
	}
	return sendAndWait(cmd, nodes, raw)
}

func sendAndWait(cmd *cobra.Command, nodes *client.Multi, raw []byte) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	began := time.Now()
	hash, err := nodes.SendRawTransaction(ctx, raw)
	if err != nil {
		return err
	}
	return waitFinal(cmd, nodes.Nodes()[0], hash, began)
}

func nodeCancel(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	from, _ := cmd.Flags().GetString("from")
	yes, _ := cmd.Flags().GetBool("yes")
	var key kernel.Key
	switch err := key.UnmarshalText([]byte(args[0])); {
	case err != nil:
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	case from == "":
		return cli.Usage(cmd, "--from names the wallet that paid the pledge")
	case !yes:
		return cli.Usage(cmd, "cancelling makes the private view key of wallet %s public for ever; add --yes if that is what you want", from)
	}
	w, nodes, _, err := scanned(cmd, ctx, from)
	if err != nil {
		return err
	}
	defer w.Close()
	members, err := nodes.Nodes()[0].Members(ctx)
	if err != nil {
		return err
	}
	m, err := memberBy(members, key)
	if err != nil {
		return err
	}
	tx, err := pledgeOf(ctx, nodes.Nodes()[0], &m)
	if err != nil {
		return err
	}
	raw, err := w.CancelPledge(tx, rand.Reader)
	if err != nil {
		return explainWallet(err)
	}
	return sendAndWait(cmd, nodes, raw)
}

func nodeResign(cmd *cobra.Command, _ []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	key, err := nodeKey(cmd)
	if err != nil {
		return err
	}
	s, err := startSession(cmd, ctx)
	if err != nil {
		return err
	}
	hash, err := sendRecord(ctx, s.nodes, signRecord(&s.info, kernel.RecordResign, nil, key))
	if err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"record": hash}, func(w io.Writer) {
		fmt.Fprintln(w, "resignation sent; aster node list shows when it counts")
	})
}

func nodeList(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	members, err := node.Members(ctx)
	if err != nil {
		return err
	}
	return cli.Print(cmd, members, func(w io.Writer) {
		t := cli.NewTable("MEMBER", "STATE", "SINCE", "STAKE", "PENALTY", "FAULTS", "KEY")
		for _, m := range members {
			t.Row(m.Name, m.State, m.Since, trimAmount(m.Stake), penaltyText(&m), m.Faults, m.Key)
		}
		t.WriteTo(w)
	})
}

func penaltyText(m *client.MemberRecord) string {
	switch {
	case m.Escrowed:
		return fmt.Sprintf("removed, stake in escrow until commit %d", m.EscrowUntil)
	case m.Flag == "in_force":
		return fmt.Sprintf("flagged since epoch %d", m.FlagEpoch)
	case m.Flag == "due":
		return "flag due"
	}
	return "-"
}
