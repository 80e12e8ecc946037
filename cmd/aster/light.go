package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/asterism-network/asterism/kernel/lightnode"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

func lightCommand() *cobra.Command {
	run := addWalletFlags(&cobra.Command{
		Use: "run", Short: "follow a network from its genesis file, trusting no node",
		Long: "Follows the certified checkpoints of a network from nothing but its genesis file, and shows what a wallet or a tracing key owns. " +
			"The nodes are not trusted: what they say is verified, and the view key never leaves this machine. Give several nodes, so that none can hide the newest checkpoint.",
		Example: "  aster light run --genesis genesis.json --node http://10.0.0.1:6860 --node http://10.0.0.2:6860 --wallet bob\n" +
			"  aster light run --genesis genesis.json --view-key till.trace --once --json\n" +
			"  aster light run --genesis genesis.json --wallet bob --history --once",
		Args: cli.Args(), RunE: lightRun,
	})
	f := run.Flags()
	f.String("genesis", "", "the network's genesis file (required)")
	f.String("wallet", "", "name of the wallet whose balance is shown")
	f.String("view-key", "", "file with a tracing key instead (aster wallet trace); - is standard input")
	f.Bool("once", false, "go to the newest checkpoint, print, and end")
	f.Bool("history", false, "read all transactions: slower, and shows what came and went")
	f.String("file", "", "where the light node keeps what it learnt (default: below the data folder)")
	return cli.Group("light", "be a light node", "  aster light run --genesis genesis.json --wallet bob", run)
}

// readGenesis reads the file of the flag --genesis.
func readGenesis(cmd *cobra.Command) (*kernel.Genesis, error) {
	name, err := cmd.Flags().GetString("genesis")
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, cli.Usage(cmd, "--genesis says which network this is: its genesis file")
	}
	g, _, err := readSized(name, kernel.MaxGenesisSize, kernel.ParseGenesis)
	return g, err
}

// A lightView is what a light node shows.
type lightView struct {
	Network     kernel.NetworkID   `json:"network"`
	Epoch       kernel.Epoch       `json:"epoch"`
	Commit      kernel.CommitIndex `json:"commit"` // of the newest checkpoint
	Timestamp   kernel.Timestamp   `json:"timestamp_ms"`
	Digest      kernel.Digest      `json:"digest"`
	Receipts    uint64             `json:"receipts"`
	Outputs     uint64             `json:"outputs"`
	Address     string             `json:"address,omitempty"`
	Complete    bool               `json:"complete"` // the balance is that of the checkpoint
	Balances    []light.Balance    `json:"balances,omitempty"`
	Locked      *kernel.Amount     `json:"locked_xin,omitempty"` // part of the balance that votes and cannot be spent yet; a node's word, not proved
	History     []light.Entry      `json:"history,omitempty"`
	NotBelieved map[string]string  `json:"not_believed,omitempty"` // nodes, and why
	Error       string             `json:"error,omitempty"`
}

func lightRun(cmd *cobra.Command, _ []string) error {
	g, err := readGenesis(cmd)
	if err != nil {
		return err
	}
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	keys, address, err := lightKeys(cmd, g)
	if err != nil {
		return err
	}
	c := lightnode.Config{Genesis: g, Nodes: nodes.Nodes(), Keys: keys}
	c.History, _ = cmd.Flags().GetBool("history")
	if c.History && keys == nil {
		return cli.Usage(cmd, "--history needs --wallet or --view-key")
	}
	if c.File, err = lightFile(cmd, g, keys, c.History); err != nil {
		return err
	}
	n, err := lightnode.Open(c)
	if err != nil {
		return err
	}
	progress := lightProgress(cmd)
	if once, _ := cmd.Flags().GetBool("once"); once {
		if err := n.Sync(cmd.Context(), progress); err != nil {
			return lightError(err)
		}
		return showLight(cmd, n, g, address, nil)
	}
	var shown kernel.CommitIndex
	failing := false
	err = n.Run(cmd.Context(), progress, func(err error) {
		head, _ := n.Head()
		if head.Index != shown || (err != nil) != failing {
			_ = showLight(cmd, n, g, address, err)
		}
		shown, failing = head.Index, err != nil
	})
	return lightError(err)
}

// lightError says what to do about why a light node ended.
func lightError(err error) error {
	var alarm *light.Alarm
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &alarm):
		return cli.Fail(cli.Broken, alarm.Refusal.Error(), "%v", err).WithHint("a quorum of this network has certified two histories: stop trusting it, and tell others")
	case errors.Is(err, lightnode.ErrNoNode), errors.Is(err, lightnode.ErrUnfinished):
		return cli.Fail(cli.NotYet, "no_checkpoint", "%v", err).WithHint("a young network has no checkpoint yet; else give other nodes with --node")
	case errors.Is(err, lightnode.ErrFile):
		return cli.Fail(cli.Malformed, "light_file", "%v", err)
	}
	return err
}

// lightKeys are those of the wallet or the tracing key that the flags name; nil for neither.
func lightKeys(cmd *cobra.Command, g *kernel.Genesis) (*lightnode.Keys, string, error) {
	name, _ := cmd.Flags().GetString("wallet")
	file, _ := cmd.Flags().GetString("view-key")
	var keys wallet.Keys
	switch {
	case name != "" && file != "":
		return nil, "", cli.Usage(cmd, "--wallet and --view-key: want one of them")
	case name != "":
		if err := cmd.Flags().Set("network", g.NetworkID().String()); err != nil {
			return nil, "", err
		}
		w, _, err := openWallet(cmd, name)
		if err != nil {
			return nil, "", err
		}
		keys = w.Keys()
		if err := w.Close(); err != nil {
			return nil, "", err
		}
	case file != "":
		text, err := readTracingKey(cmd, file)
		if err != nil {
			return nil, "", err
		}
		if keys, err = wallet.ParseTracingKey(text); err != nil {
			return nil, "", cli.Fail(cli.Malformed, "malformed", "%s: %v", file, err)
		}
	default:
		return nil, "", nil
	}
	view, spend := keys.View()
	return &lightnode.Keys{View: view, Spend: spend}, keys.Address().String(), nil
}

func readTracingKey(cmd *cobra.Command, file string) (string, error) {
	if file == "-" {
		return readLine(cmd)
	}
	b, err := os.ReadFile(file)
	return strings.TrimSpace(string(b)), err
}

// lightFile is where the light node of these keys keeps what it learnt.
func lightFile(cmd *cobra.Command, g *kernel.Genesis, keys *lightnode.Keys, history bool) (string, error) {
	if file, _ := cmd.Flags().GetString("file"); file != "" {
		return file, nil
	}
	home, _ := cmd.Flags().GetString("home")
	if home == "" {
		var err error
		if home, err = cli.DataFolder(); err != nil {
			return "", err
		}
	}
	dir := filepath.Join(home, "light")
	if err := cli.MakeHome(dir); err != nil {
		return "", err
	}
	name := g.NetworkID().Short()
	if keys != nil {
		name += "-" + keys.Spend.String()[:16]
	}
	if history {
		name += "-history"
	}
	return filepath.Join(dir, name+".state"), nil
}

// lightProgress tells people how far a long scan is, once a second.
func lightProgress(cmd *cobra.Command) func(lightnode.Progress) {
	var last time.Time
	return func(p lightnode.Progress) {
		if p.Done < p.Total && time.Since(last) > time.Second {
			last = time.Now()
			cli.Note(cmd, "checkpoint %d: looked at %d of %d", p.Checkpoint, p.Done, p.Total)
		}
	}
}

func viewOf(n *lightnode.Node, g *kernel.Genesis, address string, failed error) (v lightView, ok bool) {
	head, _ := n.Head()
	v = lightView{
		Network: g.NetworkID(), Epoch: n.Epoch(), Commit: head.Index, Timestamp: head.Timestamp, Digest: head.Digest,
		Receipts: head.Receipts.Count, Outputs: head.Outputs.Count, Address: address, Complete: n.Complete(),
	}
	ok = true
	if account := n.Account(); account != nil {
		if v.Balances, ok = account.Balances(); ok && n.History() {
			v.History, ok = account.History()
		}
		if locked, known := n.Locked(); known {
			v.Locked = &locked
		}
	}
	for url, why := range n.Refused() {
		if v.NotBelieved == nil {
			v.NotBelieved = map[string]string{}
		}
		v.NotBelieved[url] = why.Error()
	}
	if failed != nil {
		v.Error = failed.Error()
	}
	return v, ok
}

func showLight(cmd *cobra.Command, n *lightnode.Node, g *kernel.Genesis, address string, failed error) error {
	v, ok := viewOf(n, g, address, failed)
	if !ok {
		return cli.Fail(cli.Broken, "overflow", "the balance is more than any supply can be: this network is not to be believed")
	}
	return cli.Print(cmd, v, func(out io.Writer) {
		fmt.Fprintf(out, "checkpoint %d of epoch %d, %s, %d transactions\n", v.Commit, v.Epoch, v.Timestamp.Time().Format(time.DateTime), v.Receipts)
		for url, why := range v.NotBelieved {
			fmt.Fprintf(out, "not believed: %s: %s\n", url, why)
		}
		if failed != nil {
			fmt.Fprintf(out, "not up to date: %v\n", failed)
		}
		if address == "" {
			return
		}
		t := cli.NewTable("ASSET", "AMOUNT", "SHARED", "OUTPUTS")
		for _, b := range v.Balances {
			t.Row(assetName(g, b.Asset), b.Amount, b.Shared, b.Outputs)
		}
		t.WriteTo(out)
		if v.Locked != nil && !v.Locked.IsZero() {
			fmt.Fprintf(out, "%s XIN of it are locked because they vote, as a node says\n", trimAmount(*v.Locked))
		}
		if len(v.History) > 0 {
			h := cli.NewTable("COMMIT", "ASSET", "RECEIVED", "SPENT", "TRANSACTION")
			for _, e := range v.History {
				h.Row(e.Commit, assetName(g, e.Asset), e.Received, e.Spent, e.Transaction.Short())
			}
			h.WriteTo(out)
		}
	})
}

// assetName is what the genesis calls an asset: nobody else is asked.
func assetName(g *kernel.Genesis, id kernel.AssetID) string {
	for i := range g.Assets {
		if g.Assets[i].ID == id && g.Assets[i].Symbol != "" {
			return g.Assets[i].Symbol
		}
	}
	return id.Short()
}
