package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

func fundCommand() *cobra.Command {
	cmd := addWalletFlags(&cobra.Command{
		Use: "fund AMOUNT", Short: "credit a test deposit on the running devnet, signed by its public custodian key",
		Long:    "fund credits a deposit that nobody made. XIN cannot be made where members have stakes: there the custodian pays it.",
		Example: "  aster devnet fund 100 --to bob --asset BTC",
		Args:    cli.Args("AMOUNT"),
		RunE:    runFund,
	})
	cmd.Flags().String("to", "", "receiver: an address, a name, or MofN:A,B,…")
	cmd.Flags().String("asset", "", "symbol, id or UUID of the asset")
	return cmd
}

func runFund(cmd *cobra.Command, args []string) error {
	to, _ := cmd.Flags().GetString("to")
	asset, _ := cmd.Flags().GetString("asset")
	if to == "" || asset == "" {
		return cli.Usage(cmd, "--to and --asset say who gets what")
	}
	amount, err := kernel.ParseAmount(args[0])
	if err != nil {
		return cli.Fail(cli.Malformed, "malformed", "amount %q: %v", args[0], err)
	}
	facts, err := devnet.Running()
	if err != nil {
		return cli.Fail(cli.Failed, "no_devnet", "no devnet runs here: %v", err).WithHint("aster devnet")
	}
	if paid, err := fundXIN(cmd, facts, to, asset, amount); paid || err != nil {
		return err
	}
	raw, hash, err := testDeposit(cmd, facts, to, asset, amount)
	if err != nil {
		return err
	}
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	began := time.Now()
	if _, err := nodes.SendRawTransaction(ctx, raw); err != nil {
		return err
	}
	cli.Note(cmd, "%s", hash)
	return waitFinal(cmd, nodes.Nodes()[0], hash, began)
}

// fundXIN pays XIN out of what the custodian holds, where no more of it can be made; paid is false
// for other assets and networks.
func fundXIN(cmd *cobra.Command, facts *devnet.Facts, to, symbol string, amount kernel.Amount) (paid bool, err error) {
	if !facts.Stake {
		return false, nil
	}
	node, err := one(cmd)
	if err != nil {
		return false, err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	asset, err := resolveAsset(ctx, node, symbol)
	if err != nil || asset.ID != kernel.XIN {
		return false, err
	}
	receiver, err := resolveReceiver(cmd, facts.Network, to)
	if err != nil {
		return false, err
	}
	w, nodes, _, err := scanned(cmd, ctx, facts.Custodian.Name)
	if err != nil {
		return false, err
	}
	defer w.Close()
	began := time.Now()
	request := wallet.Request{Asset: kernel.XIN, Pay: []wallet.Pay{{To: receiver, Amount: amount}}, Plain: true}
	payment, err := w.Send(ctx, wallet.Network{Source: nodes.Nodes()[0], Submitter: nodes}, wallet.NewReference(), request)
	if err != nil {
		return true, explainWallet(err)
	}
	return true, waitFinal(cmd, nodes.Nodes()[0], payment.Transaction, began)
}

// testDeposit makes a deposit of an external transfer that nobody made.
func testDeposit(cmd *cobra.Command, facts *devnet.Facts, to, symbol string, amount kernel.Amount) ([]byte, kernel.TxHash, error) {
	var hash kernel.TxHash
	receiver, err := resolveReceiver(cmd, facts.Network, to)
	if err != nil {
		return nil, hash, err
	}
	node, err := one(cmd)
	if err != nil {
		return nil, hash, err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	asset, err := resolveAsset(ctx, node, symbol)
	if err != nil {
		return nil, hash, err
	}
	seed, err := wallet.Seed(facts.Custodian.Words, "")
	if err != nil {
		return nil, hash, err
	}
	var external [32]byte
	if _, err := io.ReadFull(rand.Reader, external[:]); err != nil {
		return nil, hash, err
	}
	deposit := kernel.Deposit{Chain: asset.Chain, AssetKey: asset.AssetKey, Transaction: "devnet-" + hex.EncodeToString(external[:]), Amount: amount}
	raw, err := wallet.SignDeposit(kernel.AccountFromSeed(seed), asset.ID, deposit, receiver, rand.Reader)
	if err != nil {
		return nil, hash, fmt.Errorf("sign deposit: %w", err)
	}
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return nil, hash, err
	}
	return raw, tx.Hash(), nil
}
