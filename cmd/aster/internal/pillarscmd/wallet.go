package pillarscmd

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/spf13/cobra"
)

func walletCommand() *cobra.Command {
	return cli.Group("wallet", "make and use wallets of the public chain",
		"  aster pillars wallet create till --profile devnet\n  aster pillars wallet balance till\n  aster pillars wallet send till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR 2.5",
		createCommand(), restoreCommand(), watchCommand(), listCommand(), accountsCommand(), newAddressCommand(), walletBalanceCommand(),
		coinsCommand(), historyCommand(), freezeCommand(), labelCommand(),
		sendCommand(), sendAllCommand(), sendAssetCommand(), burnCommand(), issueCommand(), issueMoreCommand(),
		walletAvatarCommand(), walletCertCommand(), walletMITCommand(), lockCommand(),
		multisigCommand(), showCommand(), signCommand(), combineCommand(), draftBroadcastCommand(), psbtCommand(), messageCommand(), forgetCommand(), passphraseCommand())
}

// A made wallet is what create and restore print.
type made struct {
	Name    string `json:"name"`
	Network string `json:"network"`
	Address string `json:"address,omitempty"`
	Words   string `json:"words,omitempty"`
}

func createCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "create NAME", Short: "make a wallet and show its words once",
		Example: "  aster pillars wallet create till\n  aster pillars wallet create till --count 12 --profile mainnet-like --passphrase-file till.pass",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			count, _ := cmd.Flags().GetInt("count")
			words, err := wallet.NewWords(rand.Reader, count)
			if err != nil {
				return cli.Usage(cmd, "--count: want 12 or 24")
			}
			return create(cmd, args[0], words, true)
		},
	})
	cmd.Flags().Int("count", 24, "how many words: 12 or 24")
	return cmd
}

func restoreCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "restore NAME", Short: "make a wallet from words, read from standard input",
		Example: "  aster pillars wallet restore till\n  aster pillars wallet restore till --profile devnet < till.backup",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cli.Note(cmd, "Type or paste the words, then Enter:")
			words, err := readLine(cmd)
			if err != nil {
				return err
			}
			return create(cmd, args[0], words, false)
		},
	})
	return cmd
}

func passphraseCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "passphrase NAME", Short: "seal a wallet's keys under a new passphrase",
		Long: "passphrase asks for the passphrase and twice for a new one, and writes the wallet's keys anew. After a\n" +
			"crash the wallet opens with one of them. Copies that were made before open with the old one for ever.",
		Example: "  aster pillars wallet passphrase till\n  aster pillars wallet passphrase till --passphrase-file old --new-passphrase-file new",
		Args:    cli.Args("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			at, err := location(cmd, args[0], p, false)
			if err != nil {
				return err
			}
			defer keystore.Zero(at.Passphrase)
			file, _ := cmd.Flags().GetString("new-passphrase-file")
			next, err := keystore.Source{File: file, Confirm: true}.Passphrase(fmt.Sprintf("New passphrase of wallet %s: ", args[0]))
			if err != nil {
				return err
			}
			defer keystore.Zero(next)
			if err := wallet.ChangePassphrase(at, next); err != nil {
				return explain(err)
			}
			return cli.Print(cmd, made{Name: args[0], Network: p.Name}, func(to io.Writer) {
				fmt.Fprintf(to, "wallet   %s on %s has a new passphrase\n", args[0], p.Name)
			})
		},
	})
	cmd.Flags().String("new-passphrase-file", "", "file whose first line is the new passphrase (default: asked for)")
	return cmd
}

// readLine reads one line of standard input: words and keys are never arguments.
func readLine(cmd *cobra.Command) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 4096)).ReadString('\n')
	if err != nil && err != io.EOF {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

func create(cmd *cobra.Command, name, words string, fresh bool) error {
	p, err := profile(cmd)
	if err != nil {
		return err
	}
	at, err := location(cmd, name, p, true)
	if err != nil {
		return err
	}
	defer keystore.Zero(at.Passphrase)
	w, err := wallet.Create(at, words, "", time.Now())
	if err != nil {
		return explain(err)
	}
	defer w.Close()
	out := made{Name: name, Network: p.Name}
	if purse, err := w.Address("", wallet.Receive, 0); err == nil {
		out.Address = purse.Address.Text(p.Address)
	}
	if fresh {
		out.Words = words
	}
	return cli.Print(cmd, out, func(to io.Writer) {
		fmt.Fprintf(to, "wallet   %s on %s\naddress  %s\n", out.Name, out.Network, out.Address)
		if fresh {
			fmt.Fprintf(to, "\nWrite these words down and keep them apart from this machine. Who has them has the money;\nthey are not shown again:\n\n  %s\n", words)
		}
	})
}

func watchCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "watch NAME [SCHEME=KEY…]", Short: "make a wallet that sees and cannot sign, from extended public keys or none yet",
		Long: "watch makes a wallet without keys. Each SCHEME=KEY adds the account of an extended public key, as\n" +
			"aster pillars wallet accounts prints it. It pays by drafts: --out FILE, signed where the keys are.",
		Example: "  aster pillars wallet watch shop bip84=xpub6C…\n  aster pillars wallet watch board --profile devnet",
		Args:    cli.Args("NAME", "[KEY…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			at, err := location(cmd, args[0], p, true)
			if err != nil {
				return err
			}
			defer keystore.Zero(at.Passphrase)
			w, err := wallet.CreateWatchOnly(at, time.Now())
			if err != nil {
				return explain(err)
			}
			defer w.Close()
			for i, arg := range args[1:] {
				if err := addWatched(w, arg, i); err != nil {
					return explain(err)
				}
			}
			return cli.Print(cmd, made{Name: args[0], Network: p.Name}, func(to io.Writer) {
				fmt.Fprintf(to, "wallet   %s on %s sees %d accounts\n", args[0], p.Name, len(args)-1)
			})
		},
	})
}

func addWatched(w *wallet.Wallet, arg string, number int) error {
	word, text, ok := strings.Cut(arg, "=")
	if !ok {
		return fmt.Errorf("%w: %.40q: want SCHEME=KEY", wallet.ErrKeyText, arg)
	}
	scheme, err := wallet.ParseScheme(word)
	if err != nil {
		return err
	}
	key, err := wallet.ParsePublicKey(text)
	if err != nil {
		return err
	}
	_, err = w.Watch(scheme, "watch-"+strconv.Itoa(number+1), key)
	return err
}

func listCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "list", Short: "the wallets of a network",
		Example: "  aster pillars wallet list\n  aster pillars wallet list --profile devnet --json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			dir, err := walletDir(cmd, p)
			if err != nil {
				return err
			}
			list, err := wallet.List(dir)
			if err != nil {
				return explain(err)
			}
			if list == nil {
				list = []wallet.Info{}
			}
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("WALLET", "NETWORK", "", "KEY", "MADE")
				for _, i := range list {
					t.Row(i.Name, i.Network, map[bool]string{true: "watch-only"}[i.WatchOnly], i.Fingerprint, i.Created)
				}
				t.WriteTo(w)
			})
		},
	})
}

// with runs a command on an opened wallet that needs no node.
func with(do func(cmd *cobra.Command, w *wallet.Wallet, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		w, err := open(cmd, args[0])
		if err != nil {
			return err
		}
		defer w.Close()
		return explain(do(cmd, w, args[1:]))
	}
}

// onChain runs a command on a wallet that has read what is new.
func onChain(do func(cmd *cobra.Command, s *session, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx, cancel := bounded(cmd)
		defer cancel()
		s, err := scanned(cmd, ctx, args[0])
		if err != nil {
			return err
		}
		defer s.Close()
		return explain(do(cmd, s, args[1:]))
	}
}

func accountsCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "accounts NAME", Short: "the accounts of a wallet with their extended public keys; --add makes one",
		Example: "  aster pillars wallet accounts till\n  aster pillars wallet accounts till --add bip84 --number 1",
		Args:    cli.Args("NAME"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, _ []string) error {
			if word, _ := cmd.Flags().GetString("add"); word != "" {
				scheme, err := wallet.ParseScheme(word)
				if err != nil {
					return err
				}
				number, _ := cmd.Flags().GetUint32("number")
				if _, err := w.AddAccount(scheme, number); err != nil {
					return err
				}
			}
			list := w.Accounts()
			return cli.Print(cmd, list, func(to io.Writer) {
				t := cli.NewTable("ACCOUNT", "ADDRESSES", "SIGNATURES", "KEYS")
				for _, a := range list {
					var keys []string
					for _, k := range a.Members {
						keys = append(keys, k.String())
					}
					t.Row(a.ID, a.Next[0]+a.Next[1], max(a.Required, 1), strings.Join(keys, " "))
				}
				t.WriteTo(to)
			})
		}),
	})
	cmd.Flags().String("add", "", "add an account of a scheme: bip44, bip49, bip84 or bip86")
	cmd.Flags().Uint32("number", 0, "its number")
	return cmd
}

func newAddressCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "address NAME", Short: "give out the next address of an account, or show one that was given out",
		Example: "  aster pillars wallet address till\n  aster pillars wallet address till --account bip84/0\n  aster pillars wallet address till --index 0",
		Args:    cli.Args("NAME"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, _ []string) error {
			account, _ := cmd.Flags().GetString("account")
			index, _ := cmd.Flags().GetInt("index")
			var purse *wallet.Purse
			var err error
			if index >= 0 {
				purse, err = w.Address(account, wallet.Receive, uint32(index))
			} else {
				purse, err = w.NewAddress(account)
			}
			if err != nil {
				return err
			}
			address := purse.Address.Text(w.Params().Address)
			return cli.Print(cmd, struct {
				Address string `json:"address"`
				*wallet.Purse
			}{address, purse}, func(to io.Writer) { fmt.Fprintln(to, address) })
		}),
	})
	cmd.Flags().String("account", "", "account to take it from (default: the first)")
	cmd.Flags().Int("index", -1, "show the address at this place instead of giving out a new one")
	return cmd
}

func walletBalanceCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "balance NAME", Short: "what a wallet has, after reading what is new",
		Example: "  aster pillars wallet balance till\n  aster pillars wallet balance till --account bip84/0 --json",
		Args:    cli.Args("NAME"),
		RunE: onChain(func(cmd *cobra.Command, s *session, _ []string) error {
			account, _ := cmd.Flags().GetString("account")
			list := s.Balances(account)
			decimals := s.decimals(cmd, list)
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("WHAT", "SPENDABLE", "NOT NOW")
				for _, b := range list {
					var held []string
					for _, h := range b.Held {
						held = append(held, decimal(h.Quantity, decimals[b.Symbol])+" "+string(h.Reason))
					}
					t.Row(b.Symbol, decimal(b.Spendable, decimals[b.Symbol]), strings.Join(held, ", "))
				}
				t.WriteTo(w)
			})
		}),
	})
	cmd.Flags().String("account", "", "only this account")
	return cmd
}

// decimals of the assets of a list, for people.
func (s *session) decimals(cmd *cobra.Command, list []wallet.Balance) map[string]uint8 {
	all := map[string]uint8{"ETP": pillars.AmountDecimals}
	ctx, cancel := bounded(cmd)
	defer cancel()
	for _, b := range list {
		if a, err := s.client.Asset(ctx, b.Symbol); err == nil && b.Symbol != "ETP" {
			all[b.Symbol] = a.Decimals
		}
	}
	return all
}

// A coin is an unspent output as coins prints it.
type coin struct {
	Output  pillars.Outpoint `json:"output"`
	Account string           `json:"account"`
	Address string           `json:"address"`
	Value   pillars.Amount   `json:"value"`
	Symbol  string           `json:"symbol,omitempty"`
	Units   uint64           `json:"quantity,string,omitempty"`
	Height  uint32           `json:"height"`
	Reason  wallet.Reason    `json:"reason,omitempty"`
	Until   uint32           `json:"until_height,omitempty"`
}

func coinsCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "coins NAME", Short: "the unspent outputs of a wallet, and what holds each",
		Example: "  aster pillars wallet coins till\n  aster pillars wallet coins till --json",
		Args:    cli.Args("NAME"),
		RunE: onChain(func(cmd *cobra.Command, s *session, _ []string) error {
			list := []coin{}
			for _, c := range s.Coins() {
				one := coin{Output: c.Point, Account: c.Purse.Account, Address: c.Purse.Address.Text(s.params.Address),
					Value: c.Output.Output.Value, Height: c.Height, Reason: c.Reason, Until: c.UntilHeight}
				one.Symbol, one.Units, _ = c.Output.Output.Asset()
				list = append(list, one)
			}
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("OUTPUT", "ACCOUNT", "ETP", "ASSET", "HELD BY")
				for _, c := range list {
					asset, held := "", string(c.Reason)
					if c.Symbol != "" {
						asset = fmt.Sprintf("%d %s", c.Units, c.Symbol)
					}
					if c.Until != 0 {
						held += fmt.Sprintf(" until %d", c.Until)
					}
					t.Row(fmt.Sprintf("%s:%d", c.Output.Tx, c.Output.Index), c.Account, c.Value, asset, held)
				}
				t.WriteTo(w)
			})
		}),
	})
}

func historyCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "history NAME", Short: "payments in and out, one line each",
		Example: "  aster pillars wallet history till\n  aster pillars wallet history till --csv > 2026.csv",
		Args:    cli.Args("NAME"),
		RunE: onChain(func(cmd *cobra.Command, s *session, _ []string) error {
			list := s.History()
			if csv, _ := cmd.Flags().GetBool("csv"); csv {
				return wallet.WriteCSV(cmd.OutOrStdout(), list)
			}
			if list == nil {
				list = []wallet.Entry{}
			}
			return cli.Print(cmd, list, func(w io.Writer) {
				t := cli.NewTable("HEIGHT", "TIME", "KIND", "IN", "OUT", "TRANSACTION", "LABEL")
				for _, e := range list {
					height, at := "waits", ""
					if e.Height != wallet.Unconfirmed {
						height, at = fmt.Sprint(e.Height), when(e.Time)
					}
					net := min(e.Received, e.Paid)
					t.Row(height, at, e.Kind, e.Received-net, e.Paid-net, e.ID, e.Label)
				}
				t.WriteTo(w)
			})
		}),
	})
	cmd.Flags().Bool("csv", false, "write comma-separated values with all columns")
	return cmd
}

func freezeCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "freeze NAME ID:INDEX", Short: "keep an output from being spent, or with --off let it be spent again",
		Example: "  aster pillars wallet freeze till 6c5c…:1\n  aster pillars wallet freeze till 6c5c…:1 --off",
		Args:    cli.Args("NAME", "OUTPUT"),
		RunE: onChain(func(cmd *cobra.Command, s *session, args []string) error {
			point, err := parseOutpoint(args[0])
			if err != nil {
				return err
			}
			off, _ := cmd.Flags().GetBool("off")
			if err := s.Freeze(point, !off); err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"output": point, "frozen": !off}, func(w io.Writer) {
				fmt.Fprintln(w, map[bool]string{true: "free", false: "frozen"}[off])
			})
		}),
	})
	cmd.Flags().Bool("off", false, "let it be spent again")
	return cmd
}

// parseOutpoint reads "id:index".
func parseOutpoint(text string) (o pillars.Outpoint, err error) {
	id, index, ok := strings.Cut(text, ":")
	n, bad := strconv.ParseUint(index, 10, 32)
	if o.Tx, err = pillars.ParseTxID(id); err != nil || !ok || bad != nil {
		return o, cli.Fail(cli.Malformed, "malformed", "output %q: want ID:INDEX", text)
	}
	o.Index = uint32(n)
	return o, nil
}

func labelCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "label NAME ADDRESS|ID TEXT", Short: "give an address or transaction a name; an empty text takes it away",
		Example: "  aster pillars wallet label till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR \"counter 2\"",
		Args:    cli.Args("NAME", "THING", "TEXT"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
			if err := w.SetLabel(args[0], args[1]); err != nil {
				return err
			}
			return cli.Print(cmd, map[string]string{"thing": args[0], "label": args[1]}, func(io.Writer) {})
		}),
	})
}
