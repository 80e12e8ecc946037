package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

// addWalletFlags gives a command the flags that find and open a wallet.
func addWalletFlags(cmd *cobra.Command) *cobra.Command {
	f := cmd.Flags()
	f.String("home", "", "folder of all data (default: ASTER_HOME, else the system's data folder)")
	f.String("network", "", "network id, to work without a node")
	f.String("passphrase-file", "", "file with the wallet's passphrase (default: "+keystore.PassphraseFileEnv+", else ask)")
	return cmd
}

// networkOf says which network a command is about: the flag's, else the node's.
func networkOf(cmd *cobra.Command) (kernel.NetworkID, error) {
	if text, _ := cmd.Flags().GetString("network"); text != "" {
		id, err := kernel.ParseNetworkID(text)
		if err != nil {
			return id, cli.Usage(cmd, "--network: %v", err)
		}
		return id, nil
	}
	node, err := one(cmd)
	if err != nil {
		return kernel.NetworkID{}, err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	info, err := node.Info(ctx)
	return info.Network, err
}

// walletDir is the folder of a network's wallets: names are free on each network.
func walletDir(cmd *cobra.Command, network kernel.NetworkID) (string, error) {
	home, _ := cmd.Flags().GetString("home")
	if home == "" {
		var err error
		if home, err = cli.DataFolder(); err != nil {
			return "", err
		}
	}
	return filepath.Join(home, "wallets", network.Short()), nil
}

// location says where a wallet is and asks for its passphrase.
func location(cmd *cobra.Command, name string, network kernel.NetworkID, fresh bool) (wallet.Location, error) {
	at := wallet.Location{Name: name, Network: network}
	var err error
	if at.Dir, err = walletDir(cmd, network); err != nil {
		return at, err
	}
	if _, err := wallet.ReadInfo(at.Dir, name); errors.Is(err, fs.ErrNotExist) && !fresh {
		return at, cli.Fail(cli.Failed, "no_wallet", "no wallet %q on network %s", name, network.Short()).WithHint("aster wallet list, or aster wallet new %s", name)
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	at.Passphrase, err = keystore.Source{File: file, Confirm: fresh}.Passphrase(fmt.Sprintf("Passphrase of wallet %s: ", name))
	return at, err
}

// openWallet opens a wallet by name: one of the person's own, or a funded user of the devnet
// that runs. Unsafe says that its keys are public.
func openWallet(cmd *cobra.Command, name string) (w *wallet.Wallet, unsafe bool, err error) {
	network, err := networkOf(cmd)
	if err != nil {
		return nil, false, err
	}
	if w, err := openTestUser(name, network); w != nil || err != nil {
		return w, true, err
	}
	at, err := location(cmd, name, network, false)
	if err != nil {
		return nil, false, err
	}
	defer keystore.Zero(at.Passphrase)
	w, err = wallet.Open(at)
	return w, false, err
}

// openTestUser opens a devnet's funded user, whose wallet lies in the devnet's own folder; nil
// if there is no such user.
func openTestUser(name string, network kernel.NetworkID) (*wallet.Wallet, error) {
	facts, err := devnet.Running()
	if err != nil || facts.Network != network {
		return nil, nil // no devnet runs here, or it is not the network in question
	}
	user, ok := facts.User(name)
	if !ok {
		return nil, nil
	}
	at := wallet.Location{Dir: filepath.Join(facts.Home, "users"), Name: user.Name, Network: network,
		Cost: keystore.DevnetCost, Strength: keystore.AllowWeak}
	w, err := wallet.Open(at)
	if errors.Is(err, fs.ErrNotExist) {
		return wallet.Create(at, user.Words, "", wallet.Birth{Time: kernel.Timestamp(time.Now().UnixMilli())})
	}
	return w, err
}

// scanned opens a wallet and reads what is new from the node.
func scanned(cmd *cobra.Command, ctx context.Context, name string) (*wallet.Wallet, *client.Multi, bool, error) {
	nodes, err := connect(cmd)
	if err != nil {
		return nil, nil, false, err
	}
	w, unsafe, err := openWallet(cmd, name)
	if err != nil {
		return nil, nil, false, err
	}
	_, err = w.Scan(ctx, nodes.Nodes()[0])
	if err == nil {
		err = w.ReadLocks(ctx, nodes.Nodes()[0])
	}
	if err != nil {
		return nil, nil, false, errors.Join(err, w.Close())
	}
	return w, nodes, unsafe, nil
}

// resolveReceiver reads an address, a wallet's or test user's name, or "2of3:A,B,C".
func resolveReceiver(cmd *cobra.Command, network kernel.NetworkID, text string) (wallet.Receiver, error) {
	terms, members, shared := strings.Cut(text, ":")
	if !shared {
		a, err := resolveAddress(cmd, network, text)
		return wallet.To(a), err
	}
	var r wallet.Receiver
	var total int
	if _, err := fmt.Sscanf(terms, "%dof%d", &r.Threshold, &total); err != nil {
		return r, cli.Fail(cli.Malformed, "malformed", "receiver %q: want ADDRESS, a name, or MofN:ADDRESS,…", text)
	}
	for part := range strings.SplitSeq(members, ",") {
		a, err := resolveAddress(cmd, network, part)
		if err != nil {
			return r, err
		}
		r.Members = append(r.Members, a)
	}
	if len(r.Members) != total {
		return r, cli.Fail(cli.Malformed, "malformed", "receiver %q names %d members and not %d", text, len(r.Members), total)
	}
	return r, r.Check()
}

func resolveAddress(cmd *cobra.Command, network kernel.NetworkID, text string) (kernel.Address, error) {
	if strings.HasPrefix(text, "XIN") {
		a, err := kernel.ParseAddress(text)
		if err != nil {
			return a, cli.Fail(cli.Malformed, "malformed", "%v", err)
		}
		return a, nil
	}
	if facts, err := devnet.Running(); err == nil && facts.Network == network {
		if user, ok := facts.User(text); ok {
			return user.Address, nil
		}
	}
	dir, err := walletDir(cmd, network)
	if err != nil {
		return kernel.Address{}, err
	}
	info, err := wallet.ReadInfo(dir, text)
	if err != nil {
		return kernel.Address{}, cli.Fail(cli.Failed, "no_receiver", "%q is no address and no wallet here", text).WithHint("aster wallet list shows the names; an address begins with XIN")
	}
	return info.Address, nil
}

// resolveAsset reads an asset's symbol, id or UUID.
func resolveAsset(ctx context.Context, node *client.Client, text string) (client.Asset, error) {
	assets, err := node.Assets(ctx)
	if err != nil {
		return client.Asset{}, err
	}
	id, err := kernel.ParseAssetID(text)
	if err != nil {
		id, err = kernel.AssetIDFromUUID(strings.ToLower(text))
	}
	var found []client.Asset
	var symbols []string
	for _, a := range assets {
		if strings.EqualFold(a.Symbol, text) || err == nil && a.ID == id {
			found = append(found, a)
		}
		symbols = append(symbols, a.Symbol)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return client.Asset{}, cli.Fail(cli.Failed, "no_asset", "the network knows no asset %q", text).WithHint("it knows %s", strings.Join(symbols, ", "))
	}
	return client.Asset{}, cli.Fail(cli.Failed, "ambiguous_asset", "%d assets are called %q", len(found), text).WithHint("give the id: aster rpc listassets")
}

// symbolsOf maps asset ids to symbols, for people.
func symbolsOf(ctx context.Context, node *client.Client) map[kernel.AssetID]string {
	symbols := map[kernel.AssetID]string{}
	assets, err := node.Assets(ctx)
	if err != nil {
		return symbols // ids are shown instead
	}
	for _, a := range assets {
		symbols[a.ID] = a.Symbol
	}
	return symbols
}

func symbol(symbols map[kernel.AssetID]string, id kernel.AssetID) string {
	if s := symbols[id]; s != "" {
		return s
	}
	return id.Short()
}

// trimAmount is an amount without the zeros behind its last digit.
func trimAmount(a kernel.Amount) string {
	return strings.TrimSuffix(strings.TrimRight(a.String(), "0"), ".")
}
