package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
)

func requestCommand() *cobra.Command {
	cmd := addWalletFlags(&cobra.Command{
		Use: "request AMOUNT", Short: "write a signing request: for shared money, or for keys that lie elsewhere",
		Example: "  aster wallet request --from bob --shared 2of3:bob,carol,dave --to erin --asset ETH 1 > pay.json\n" +
			"  aster wallet request --from till-watch --to XIN… --asset BTC 0.1 > pay.json",
		Args: cli.Args("AMOUNT"), RunE: walletRequest,
	})
	addPaymentFlags(cmd)
	cmd.Flags().String("shared", "", "the receiver that the money was paid to, MofN:A,B,…; empty spends the wallet's own")
	return cmd
}

func walletRequest(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	from, err := payer(cmd)
	if err != nil {
		return err
	}
	w, nodes, _, err := scanned(cmd, ctx, from)
	if err != nil {
		return err
	}
	defer w.Close()
	request, err := readRequest(cmd, ctx, nodes.Nodes()[0], w.Network(), args[0])
	if err != nil {
		return err
	}
	if text, _ := cmd.Flags().GetString("shared"); text != "" {
		receiver, err := resolveReceiver(cmd, w.Network(), text)
		if err != nil {
			return err
		}
		request.From = &receiver
	}
	plan, err := w.Plan(request, rand.Reader)
	if err != nil {
		return explainWallet(err)
	}
	fmt.Fprint(cmd.ErrOrStderr(), plan.Effects())
	return writeRequest(cmd, w.SigningRequest(plan))
}

func writeRequest(cmd *cobra.Command, r *wallet.SigningRequest) error {
	text, err := r.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", text)
	return err
}

// readRequestFile reads a signing request of bounded size; "-" is standard input.
func readRequestFile(cmd *cobra.Command, name string) (*wallet.SigningRequest, error) {
	in := cmd.InOrStdin()
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, wallet.MaxSigningRequest+1))
	if err != nil {
		return nil, err
	}
	r, err := wallet.ParseSigningRequest(text)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", name, err)
	}
	return r, nil
}

func signCommand() *cobra.Command {
	return addWalletFlags(&cobra.Command{
		Use: "sign NAME FILE", Short: "sign a request with a wallet's keys and print it; works without a node",
		Long: "sign shows what the request does, adds the signatures that the wallet can give and prints the request\n" +
			"again. --network makes it work on a machine without any connection.",
		Example: "  aster wallet sign carol pay.json > pay-carol.json",
		Args:    cli.Args("NAME", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := readRequestFile(cmd, args[1])
			if err != nil {
				return err
			}
			w, _, err := openWallet(cmd, args[0])
			if err != nil {
				return err
			}
			defer w.Close()
			if w.Network() != r.Network {
				return cli.Fail(cli.Failed, "wrong_network", "the request is for network %s, the wallet for %s", r.Network.Short(), w.Network().Short())
			}
			effects, err := r.Effects(w.Keys())
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.ErrOrStderr(), effects)
			if _, err := r.Sign(w.Keys()); err != nil {
				return explainWallet(err)
			}
			return writeRequest(cmd, r)
		},
	})
}

func combineCommand() *cobra.Command {
	return &cobra.Command{
		Use: "combine FILE…", Short: "join copies of a request; prints the bytes to post once no signature is missing",
		Example: "  aster wallet combine pay-bob.json pay-carol.json | aster tx post -",
		Args:    cli.Args("FILE…"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all *wallet.SigningRequest
			for _, name := range args {
				r, err := readRequestFile(cmd, name)
				if err != nil {
					return err
				}
				if all == nil {
					all = r
				} else if err := all.Combine(r); err != nil {
					return cli.Fail(cli.Malformed, "different_requests", "%s: %v", name, err)
				}
			}
			raw, err := all.Signed()
			if errors.Is(err, wallet.ErrIncomplete) {
				return cli.Fail(cli.No, "incomplete", "%d more signatures are needed", slices.Max(all.Missing())).WithHint("aster wallet sign NAME FILE, then combine again")
			}
			if err != nil {
				return err
			}
			return cli.Print(cmd, map[string]any{"transaction": all.Transaction(), "hex": hex.EncodeToString(raw)}, func(w io.Writer) {
				fmt.Fprintln(w, hex.EncodeToString(raw))
			})
		},
	}
}
