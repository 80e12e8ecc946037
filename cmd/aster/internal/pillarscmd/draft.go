package pillarscmd

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/spf13/cobra"
)

const maxDraft = 32 << 20

// readDraft reads a draft's file and checks it.
func readDraft(cmd *cobra.Command, file string, p *pillars.Params) (*wallet.Draft, error) {
	text, err := argument(cmd, fileArgument(file), maxDraft)
	if err != nil {
		return nil, err
	}
	d, err := wallet.ParseDraft([]byte(text), p)
	return d, explain(err)
}

// fileArgument makes a file's name what argument reads.
func fileArgument(file string) string {
	if file == "-" {
		return file
	}
	return "@" + file
}

func showCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "show NAME DRAFT", Short: "what a draft does, read from its bytes; - reads standard input",
		Example: "  aster pillars wallet show till draft.json --profile devnet",
		Args:    cli.Args("NAME", "DRAFT"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
			p := w.Params()
			d, err := readDraft(cmd, args[0], &p)
			if err != nil {
				return err
			}
			effects, err := w.Effects(d)
			if err != nil {
				return err
			}
			return cli.Print(cmd, effects, func(to io.Writer) { printEffects(to, &effects) })
		}),
	})
}

func signCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "sign NAME DRAFT", Short: "add this wallet's signatures to a draft, without a node if --profile is given",
		Example: "  aster pillars wallet sign till draft.json --profile devnet\n  aster pillars wallet sign till draft.json --out signed.json --yes",
		Args:    cli.Args("NAME", "DRAFT"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
			p := w.Params()
			d, err := readDraft(cmd, args[0], &p)
			if err != nil {
				return err
			}
			effects, err := w.Effects(d)
			if err != nil {
				return err
			}
			if err := confirm(cmd, &effects); err != nil {
				return err
			}
			added, err := w.Sign(d)
			if err != nil {
				return err
			}
			file, _ := cmd.Flags().GetString("out")
			if file == "" {
				file = args[0]
			}
			return writeSigned(cmd, file, d, added)
		}),
	})
	cmd.Flags().String("out", "", "file to write (default: the draft's own)")
	cmd.Flags().Bool("yes", false, "do not ask")
	return cmd
}

// writeSigned writes a draft and says what is missing.
func writeSigned(cmd *cobra.Command, file string, d *wallet.Draft, added int) error {
	if file != "-" {
		if err := writeDraft(file, d); err != nil {
			return err
		}
	}
	missing, err := d.Missing()
	if err != nil {
		return err
	}
	sum := 0
	for _, n := range missing {
		sum += n
	}
	out := map[string]any{"draft": file, "added": added, "missing": sum, "complete": sum == 0}
	return cli.Print(cmd, out, func(w io.Writer) {
		fmt.Fprintf(w, "%d signatures added, %d missing\n", added, sum)
		if sum == 0 {
			fmt.Fprintf(w, "send it: aster pillars wallet broadcast NAME %s\n", file)
		}
	})
}

func combineCommand() *cobra.Command {
	return addProfile(&cobra.Command{
		Use: "combine DRAFT DRAFT…", Short: "put the signatures of several copies of a draft into the first",
		Example: "  aster pillars wallet combine a.json b.json c.json --profile devnet",
		Args:    cli.Args("DRAFT", "DRAFT…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			d, err := readDraft(cmd, args[0], p)
			if err != nil {
				return err
			}
			before := signatures(d)
			for _, file := range args[1:] {
				other, err := readDraft(cmd, file, p)
				if err != nil {
					return err
				}
				if err := d.Combine(other, p); err != nil {
					return explain(err)
				}
			}
			return writeSigned(cmd, args[0], d, signatures(d)-before)
		},
	})
}

func signatures(d *wallet.Draft) (n int) {
	for i := range d.Inputs {
		n += len(d.Inputs[i].Signatures)
	}
	return n
}

func draftBroadcastCommand() *cobra.Command {
	cmd := addWallet(&cobra.Command{
		Use: "broadcast NAME DRAFT", Short: "send a draft that all have signed",
		Example: "  aster pillars wallet broadcast till draft.json\n  aster pillars wallet broadcast till draft.json --wait 1",
		Args:    cli.Args("NAME", "DRAFT"),
		RunE: onChain(func(cmd *cobra.Command, s *session, args []string) error {
			d, err := readDraft(cmd, args[0], &s.params)
			if err != nil {
				return err
			}
			effects, err := s.Effects(d)
			if err != nil {
				return err
			}
			return s.send(cmd, d, &outcome{Effects: &effects})
		}),
	})
	addSending(cmd)
	return cmd
}

func psbtCommand() *cobra.Command {
	export := addProfile(&cobra.Command{
		Use: "export DRAFT", Short: "write a draft of version 5 as PSBT in base64, for other signers",
		Example: "  aster pillars wallet psbt export draft.json --profile devnet > draft.psbt",
		Args:    cli.Args("DRAFT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			d, err := readDraft(cmd, args[0], p)
			if err != nil {
				return err
			}
			data, err := d.PSBT()
			if err != nil {
				return explain(err)
			}
			text := base64.StdEncoding.EncodeToString(data)
			return cli.Print(cmd, map[string]string{"psbt": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	})
	load := addProfile(&cobra.Command{
		Use: "import PSBT DRAFT", Short: "read a PSBT's file: its signatures into the draft, or all of it into a new one",
		Example: "  aster pillars wallet psbt import signed.psbt draft.json --profile devnet",
		Args:    cli.Args("PSBT", "DRAFT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			text, err := argument(cmd, fileArgument(args[0]), maxDraft)
			if err != nil {
				return err
			}
			data, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return cli.Fail(cli.Malformed, "malformed", "%s: %v", args[0], err)
			}
			if _, missing := os.Stat(args[1]); missing != nil {
				d, err := wallet.ParsePSBT(data, p)
				if err != nil {
					return explain(err)
				}
				return writeSigned(cmd, args[1], d, signatures(d))
			}
			d, err := readDraft(cmd, args[1], p)
			if err != nil {
				return err
			}
			before := signatures(d)
			if err := d.AddPSBT(data, p); err != nil {
				return explain(err)
			}
			return writeSigned(cmd, args[1], d, signatures(d)-before)
		},
	})
	return cli.Group("psbt", "exchange drafts of version 5 with other wallets", "  aster pillars wallet psbt export draft.json --profile devnet", export, load)
}

func multisigCommand() *cobra.Command {
	key := addWallet(&cobra.Command{
		Use: "key NAME", Short: "this wallet's extended key for a multisig: what to give to the others",
		Example: "  aster pillars wallet multisig key till\n  aster pillars wallet multisig key till --scheme shared-witness",
		Args:    cli.Args("NAME"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, _ []string) error {
			scheme, err := sharedScheme(cmd)
			if err != nil {
				return err
			}
			number, _ := cmd.Flags().GetUint32("number")
			k, err := w.MemberKey(scheme, number)
			if err != nil {
				return err
			}
			return cli.Print(cmd, map[string]string{"key": k.String()}, func(to io.Writer) { fmt.Fprintln(to, k) })
		}),
	})
	key.Flags().String("scheme", "shared-script", "shared-script holds everything, shared-witness ETP only")
	key.Flags().Uint32("number", 0, "its number, for several")
	add := addWallet(&cobra.Command{
		Use: "add NAME ACCOUNT REQUIRED KEY…", Short: "add an account that REQUIRED of the keys spend from together",
		Example: "  aster pillars wallet multisig add till savings 2 [0f056943/48'/1'/0'/0']xpub6E… [b8688df1/48'/1'/0'/0']xpub6F…",
		Args:    cli.Args("NAME", "ACCOUNT", "REQUIRED", "KEY…"), RunE: with(addMultisig),
	})
	add.Flags().String("scheme", "shared-script", "shared-script holds everything, shared-witness ETP only")
	return cli.Group("multisig", "accounts that several wallets spend from together", "  aster pillars wallet multisig key till", key, add)
}

func sharedScheme(cmd *cobra.Command) (wallet.Scheme, error) {
	word, _ := cmd.Flags().GetString("scheme")
	scheme, err := wallet.ParseScheme(word)
	if err != nil || !scheme.Shared() {
		return scheme, cli.Usage(cmd, "--scheme %q: want shared-script or shared-witness", word)
	}
	return scheme, nil
}

func addMultisig(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
	scheme, err := sharedScheme(cmd)
	if err != nil {
		return err
	}
	var required int
	if _, err := fmt.Sscanf(args[1], "%d", &required); err != nil {
		return cli.Usage(cmd, "%q is no number of signatures", args[1])
	}
	var keys []wallet.PublicKey
	for _, text := range args[2:] {
		k, err := wallet.ParsePublicKey(text)
		if err != nil {
			return err
		}
		keys = append(keys, k)
	}
	a, err := w.AddMultisig(scheme, args[0], required, keys)
	if err != nil {
		return err
	}
	purse, err := w.Address(a.ID, wallet.Receive, 0)
	if err != nil {
		return err
	}
	first := purse.Address.Text(w.Params().Address)
	out := map[string]any{"account": a.ID, "required": required, "members": len(keys), "address": first}
	return cli.Print(cmd, out, func(to io.Writer) {
		fmt.Fprintf(to, "account %s, %d of %d; compare its first address with the others: %s\n", a.ID, required, len(keys), first)
	})
}

func messageCommand() *cobra.Command {
	sign := addWallet(&cobra.Command{
		Use: "sign NAME ADDRESS TEXT", Short: "sign a text with the key of an own address",
		Example: "  aster pillars wallet message sign till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR \"it is me\"",
		Args:    cli.Args("NAME", "ADDRESS", "TEXT"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
			at, err := pillars.ParseAddress(args[0], w.Params().Address)
			if err != nil {
				return cli.Fail(cli.Malformed, "malformed", "%v", err)
			}
			signature, err := w.SignMessage(at, args[1])
			if err != nil {
				return err
			}
			text := base64.StdEncoding.EncodeToString(signature)
			return cli.Print(cmd, map[string]string{"signature": text}, func(to io.Writer) { fmt.Fprintln(to, text) })
		}),
	})
	verify := addProfile(&cobra.Command{
		Use: "verify ADDRESS SIGNATURE TEXT", Short: "check that the owner of an address signed a text; exit code 3 if not",
		Example: "  aster pillars wallet message verify tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR IG2x… \"it is me\" --profile devnet",
		Args:    cli.Args("ADDRESS", "SIGNATURE", "TEXT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := profile(cmd)
			if err != nil {
				return err
			}
			at, err := pillars.ParseAddress(args[0], p.Address)
			if err != nil {
				return cli.Fail(cli.Malformed, "malformed", "%v", err)
			}
			signature, err := wallet.ParseSignature(args[1])
			if err != nil {
				return explain(err)
			}
			if err := wallet.VerifyMessage(at, args[2], signature); err != nil {
				return explain(err)
			}
			return cli.Print(cmd, map[string]bool{"valid": true}, func(w io.Writer) { fmt.Fprintln(w, "the owner of the address signed this") })
		},
	})
	return cli.Group("message", "sign texts with an address", "  aster pillars wallet message sign till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR hello", sign, verify)
}

func forgetCommand() *cobra.Command {
	return addWallet(&cobra.Command{
		Use: "forget NAME ID", Short: "free the inputs of a payment that the network refused",
		Long: "forget takes a payment out of the wallet's book, so that its inputs are chosen again. If it was relayed\n" +
			"all the same it may still come into a block: spending one of its inputs again makes sure that it does not.",
		Example: "  aster pillars wallet forget till 6c5c…",
		Args:    cli.Args("NAME", "ID"),
		RunE: with(func(cmd *cobra.Command, w *wallet.Wallet, args []string) error {
			id, err := pillars.ParseTxID(args[0])
			if err != nil {
				return cli.Fail(cli.Malformed, "malformed", "%v", err)
			}
			if err := w.Forget(id); err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"forgotten": id}, func(to io.Writer) { fmt.Fprintf(to, "%s is forgotten\n", id) })
		}),
	})
}
