package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

func walletCommand() *cobra.Command {
	create := addWalletFlags(&cobra.Command{
		Use: "new NAME", Short: "make a wallet and show its words once",
		Example: "  aster wallet new bob\n  aster wallet new till --words 12 --passphrase-file till.pass",
		Args:    cli.Args("NAME"), RunE: walletNew,
	})
	create.Flags().Int("words", wallet.DefaultWords, "12 or 24")
	trace := addWalletFlags(&cobra.Command{
		Use: "trace NAME", Short: "print the tracing key: who has it sees every payment, past and future, and cannot spend",
		Example: "  aster wallet trace bob > bob.trace",
		Args:    cli.Args("NAME"), RunE: walletTrace,
	})
	history := addWalletFlags(&cobra.Command{
		Use: "history NAME", Short: "payments in and out, one line each",
		Example: "  aster wallet history bob\n  aster wallet history bob --csv > 2026.csv",
		Args:    cli.Args("NAME"), RunE: walletHistory,
	})
	history.Flags().Bool("csv", false, "write comma-separated values with all columns")
	rescan := addWalletFlags(&cobra.Command{
		Use: "rescan NAME", Short: "forget what was scanned and read everything again; payments stay known",
		Example: "  aster wallet rescan bob",
		Args:    cli.Args("NAME"), RunE: walletRescan,
	})
	return cli.Group("wallet", "make and use wallets", "  aster wallet new bob\n  aster wallet balance bob",
		create,
		addWalletFlags(&cobra.Command{
			Use: "restore NAME", Short: "make a wallet from words, read from standard input",
			Example: "  aster wallet restore bob",
			Args:    cli.Args("NAME"), RunE: walletRestore,
		}),
		addWalletFlags(&cobra.Command{
			Use: "watch NAME", Short: "make a wallet that sees and cannot spend, from a tracing key on standard input",
			Example: "  aster wallet watch till < till.trace",
			Args:    cli.Args("NAME"), RunE: walletWatch,
		}),
		addWalletFlags(&cobra.Command{
			Use: "list", Short: "the wallets of this network",
			Example: "  aster wallet list --json",
			Args:    cli.Args(), RunE: walletList,
		}),
		addWalletFlags(&cobra.Command{
			Use: "address NAME", Short: "print where payments to a wallet go",
			Example: "  aster wallet address bob",
			Args:    cli.Args("NAME"), RunE: walletAddress,
		}),
		addWalletFlags(&cobra.Command{
			Use: "balance NAME", Short: "what a wallet has, after reading what is new",
			Example: "  aster wallet balance bob\n  aster wallet balance alice --json",
			Args:    cli.Args("NAME"), RunE: walletBalance,
		}),
		history, trace, rescan,
		addWalletFlags(&cobra.Command{
			Use: "consolidate NAME ASSET", Short: "join many small outputs of an asset",
			Example: "  aster wallet consolidate bob BTC",
			Args:    cli.Args("NAME", "ASSET"), RunE: walletConsolidate,
		}),
		requestCommand(), signCommand(), combineCommand())
}

type newWallet struct {
	Name    string         `json:"name"`
	Address kernel.Address `json:"address"`
	Words   string         `json:"words,omitempty"`
}

func walletNew(cmd *cobra.Command, args []string) error {
	count, _ := cmd.Flags().GetInt("words")
	words, err := wallet.NewWords(rand.Reader, count)
	if err != nil {
		return cli.Usage(cmd, "--words: %v", err)
	}
	return createWallet(cmd, args[0], words, true)
}

func walletRestore(cmd *cobra.Command, args []string) error {
	cli.Note(cmd, "Type or paste the words, then Enter:")
	words, err := readLine(cmd)
	if err != nil {
		return err
	}
	return createWallet(cmd, args[0], words, false)
}

// readLine reads one line of standard input: words and keys are never arguments.
func readLine(cmd *cobra.Command) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

func createWallet(cmd *cobra.Command, name, words string, fresh bool) error {
	network, err := networkOf(cmd)
	if err != nil {
		return err
	}
	at, err := location(cmd, name, network, true)
	if err != nil {
		return err
	}
	defer keystore.Zero(at.Passphrase)
	birth := wallet.Birth{Time: kernel.Timestamp(time.Now().UnixMilli())}
	if fresh {
		birth.Commit = newestCommit(cmd)
	}
	w, err := wallet.Create(at, words, "", birth)
	if err != nil {
		return err
	}
	defer w.Close()
	made := newWallet{Name: name, Address: w.Address()}
	if fresh {
		made.Words = words
	}
	return cli.Print(cmd, made, func(out io.Writer) {
		fmt.Fprintf(out, "wallet   %s\naddress  %s\n", made.Name, made.Address)
		if fresh {
			fmt.Fprintf(out, "\nWrite these words down and keep them apart from this machine. Who has them has the money;\nthey are not shown again:\n\n  %s\n", words)
		}
	})
}

// newestCommit is where a new wallet may start to scan: nothing was paid to it before. Without
// a node it scans everything.
func newestCommit(cmd *cobra.Command) kernel.CommitIndex {
	node, err := one(cmd)
	if err != nil {
		return 0
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	info, err := node.Info(ctx)
	if err != nil {
		return 0
	}
	return info.Head.Index
}

func walletWatch(cmd *cobra.Command, args []string) error {
	cli.Note(cmd, "Paste the tracing key, then Enter:")
	key, err := readLine(cmd)
	if err != nil {
		return err
	}
	network, err := networkOf(cmd)
	if err != nil {
		return err
	}
	at, err := location(cmd, args[0], network, true)
	if err != nil {
		return err
	}
	defer keystore.Zero(at.Passphrase)
	w, err := wallet.CreateWatchOnly(at, key, wallet.Birth{Time: kernel.Timestamp(time.Now().UnixMilli())})
	if err != nil {
		return err
	}
	defer w.Close()
	return cli.Print(cmd, newWallet{Name: args[0], Address: w.Address()}, func(out io.Writer) {
		fmt.Fprintf(out, "watching %s\n", w.Address())
	})
}

func walletList(cmd *cobra.Command, _ []string) error {
	network, err := networkOf(cmd)
	if err != nil {
		return err
	}
	dir, err := walletDir(cmd, network)
	if err != nil {
		return err
	}
	list, err := wallet.List(dir)
	if err != nil {
		return err
	}
	if list == nil {
		list = []wallet.Info{}
	}
	return cli.Print(cmd, list, func(w io.Writer) {
		t := cli.NewTable("WALLET", "", "ADDRESS")
		for _, i := range list {
			t.Row(i.Name, map[bool]string{true: "watch-only", false: ""}[i.WatchOnly], i.Address)
		}
		t.WriteTo(w)
	})
}

func walletAddress(cmd *cobra.Command, args []string) error {
	network, err := networkOf(cmd)
	if err != nil {
		return err
	}
	a, err := resolveAddress(cmd, network, args[0])
	if err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"name": args[0], "address": a}, func(w io.Writer) { fmt.Fprintln(w, a) })
}

func walletBalance(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	w, nodes, _, err := scanned(cmd, ctx, args[0])
	if err != nil {
		return err
	}
	defer w.Close()
	balances := w.Balances()
	symbols := symbolsOf(ctx, nodes.Nodes()[0])
	return cli.Print(cmd, balances, func(out io.Writer) {
		t := cli.NewTable("ASSET", "SPENDABLE", "LOCKED", "FINAL", "LEAVING", "COMING BACK")
		for _, b := range balances {
			t.Row(symbol(symbols, b.Asset), b.Spendable, b.Locked, b.Final, b.PendingOut, b.PendingIn)
		}
		t.WriteTo(out)
		for _, l := range w.Locks() {
			fmt.Fprintf(out, "output %s is locked up to commit %d: it %s\n", l.Ref, l.Until, lockReason(&l))
		}
	})
}

// lockReason says what an output is locked for.
func lockReason(l *wallet.Lock) string {
	if !l.Witness.IsZero() {
		return "stands behind light witness " + l.Witness.String()[:16]
	}
	return fmt.Sprintf("votes on %d open motions", len(l.Motions))
}

func walletHistory(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	w, nodes, _, err := scanned(cmd, ctx, args[0])
	if err != nil {
		return err
	}
	defer w.Close()
	entries := w.History()
	symbols := symbolsOf(ctx, nodes.Nodes()[0])
	if asCSV, _ := cmd.Flags().GetBool("csv"); asCSV {
		return wallet.WriteCSV(cmd.OutOrStdout(), entries, symbols)
	}
	return cli.Print(cmd, entries, func(out io.Writer) {
		t := cli.NewTable("TIME", "STATE", "", "AMOUNT", "ASSET", "TRANSACTION", "WITH")
		for _, e := range entries {
			t.Row(e.Time.Time().Format(time.DateTime), e.State, e.Direction, e.Amount, symbol(symbols, e.Asset), e.Transaction.Short(), strings.Join(e.With, ", "))
		}
		t.WriteTo(out)
	})
}

func walletTrace(cmd *cobra.Command, args []string) error {
	w, _, err := openWallet(cmd, args[0])
	if err != nil {
		return err
	}
	defer w.Close()
	cli.Note(cmd, "Who has this key sees every payment of %s for ever. It cannot be taken back.", args[0])
	key := w.Keys().TracingKey()
	return cli.Print(cmd, map[string]any{"name": args[0], "tracing_key": key}, func(out io.Writer) { fmt.Fprintln(out, key) })
}

func walletRescan(cmd *cobra.Command, args []string) error {
	network, err := networkOf(cmd)
	if err != nil {
		return err
	}
	dir, err := walletDir(cmd, network)
	if err != nil {
		return err
	}
	if err := wallet.RemoveScan(dir, args[0]); err != nil {
		return err
	}
	return walletBalance(cmd, args)
}

func walletConsolidate(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	w, nodes, unsafe, err := scanned(cmd, ctx, args[0])
	if err != nil {
		return err
	}
	defer w.Close()
	asset, err := resolveAsset(ctx, nodes.Nodes()[0], args[1])
	if err != nil {
		return err
	}
	plan, err := w.Consolidate(asset.ID, rand.Reader)
	if err != nil {
		return explainWallet(err)
	}
	return execute(cmd, ctx, spending{wallet: w, nodes: nodes, plan: plan, unsafe: unsafe, wait: true})
}
