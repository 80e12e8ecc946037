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
