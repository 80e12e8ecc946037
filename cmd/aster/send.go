package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/wallet"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func sendCommand() *cobra.Command {
	cmd := addWalletFlags(&cobra.Command{
		Use: "send AMOUNT", Short: "pay from a wallet",
		Long: "send reads what is new, chooses inputs, shows what the payment does, asks, and hands it to two nodes.\n" +
			"With --reference the same payment is never made twice, however often the command is repeated.",
		Example: "  aster tx send --from alice --to bob --asset BTC 0.5 --wait\n" +
			"  aster tx send --from till --to XIN… --asset XIN 12 --memo order-42 --reference order-42 --yes\n" +
			"  aster tx send --from alice --to 2of3:bob,carol,dave --asset ETH 1 --dry-run",
		Args: cli.Args("AMOUNT"), RunE: txSend,
	})
	addPaymentFlags(cmd)
	f := cmd.Flags()
	f.String("reference", "", "a name for this payment; repeating the command with it pays once")
	f.Bool("wait", false, "wait until the payment is final")
	f.Bool("dry-run", false, "show what the payment would do and stop")
	f.Bool("yes", false, "do not ask")
	return cmd
}

// addPaymentFlags are the flags that say what to pay; they make a wallet.Request.
func addPaymentFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("from", "", "wallet that pays")
	f.String("to", "", "receiver: an address, a name, or MofN:A,B,… for several")
	f.String("asset", "", "symbol, id or UUID of the asset")
	f.String("memo", "", "up to 256 bytes, public for ever")
	f.String("withdraw", "", "external address to leave to, instead of --to")
	f.String("tag", "", "tag or memo of the external address")
	f.Bool("plain", false, "one output for the receiver and one for change, instead of three of random amounts")
	f.Bool("aggregate", false, "one aggregate signature for all inputs")
}

// payer is the wallet that pays; a command line without the flags that every payment needs is
// refused before any wallet is opened.
func payer(cmd *cobra.Command) (string, error) {
	from, _ := cmd.Flags().GetString("from")
	asset, _ := cmd.Flags().GetString("asset")
	if from == "" || asset == "" {
		return "", cli.Usage(cmd, "--from and --asset say who pays and what")
	}
	return from, nil
}

// readRequest makes the wallet's request of the flags.
func readRequest(cmd *cobra.Command, ctx context.Context, node *client.Client, network kernel.NetworkID, amountText string) (wallet.Request, error) {
	var r wallet.Request
	f := cmd.Flags()
	amount, err := kernel.ParseAmount(amountText)
	if err != nil {
		return r, cli.Fail(cli.Malformed, "malformed", "amount %q: %v", amountText, err)
	}
	assetText, _ := f.GetString("asset")
	asset, err := resolveAsset(ctx, node, assetText)
	if err != nil {
		return r, err
	}
	r.Asset = asset.ID
	memo, _ := f.GetString("memo")
	r.Memo = []byte(memo)
	r.Plain, _ = f.GetBool("plain")
	r.Aggregate, _ = f.GetBool("aggregate")
	to, _ := f.GetString("to")
	outside, _ := f.GetString("withdraw")
	tag, _ := f.GetString("tag")
	switch {
	case (to == "") == (outside == ""):
		return r, cli.Usage(cmd, "give either --to or --withdraw")
	case outside != "":
		r.Withdraw = &wallet.Withdraw{Address: outside, Tag: tag, Amount: amount}
		return r, nil
	}
	receiver, err := resolveReceiver(cmd, network, to)
	if err != nil {
		return r, err
	}
	r.Pay = []wallet.Pay{{To: receiver, Amount: amount}}
	return r, nil
}

func txSend(cmd *cobra.Command, args []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	from, err := payer(cmd)
	if err != nil {
		return err
	}
	w, nodes, unsafe, err := scanned(cmd, ctx, from)
	if err != nil {
		return err
	}
	defer w.Close()
	request, err := readRequest(cmd, ctx, nodes.Nodes()[0], w.Network(), args[0])
	if err != nil {
		return err
	}
	reference, _ := cmd.Flags().GetString("reference")
	wait, _ := cmd.Flags().GetBool("wait")
	s := spending{wallet: w, nodes: nodes, reference: reference, unsafe: unsafe, wait: wait}
	if p, known := w.Payment(reference); known && p.State != wallet.Rejected {
		return s.carryOn(cmd, ctx, request)
	}
	if s.plan, err = w.Plan(request, rand.Reader); err != nil {
		return explainWallet(err)
	}
	return execute(cmd, ctx, s)
}

// explainWallet names the wallet's refusals.
func explainWallet(err error) error {
	switch {
	case errors.Is(err, wallet.ErrVoting):
		return cli.Fail(cli.Failed, "locked", "%v", err).WithHint("it is free when the votes end: aster motion list, aster witness list; aster wallet balance NAME shows how much is locked")
	case errors.Is(err, wallet.ErrInsufficient):
		return cli.Fail(cli.Failed, "insufficient", "%v", err).WithHint("aster wallet balance NAME shows what is spendable; pending change comes back in a moment")
	case errors.Is(err, wallet.ErrConsolidate):
		return cli.Fail(cli.Failed, "too_many_inputs", "%v", err).WithHint("aster wallet consolidate NAME ASSET")
	case errors.Is(err, wallet.ErrReferenceReused):
		return cli.Fail(cli.Failed, "reference_reused", "%v", err).WithHint("a reference names one payment for ever: take another for this one")
	case errors.Is(err, wallet.ErrWatchOnly):
		return cli.Fail(cli.Forbidden, "watch_only", "%v", err).WithHint("make a request with aster wallet request and sign it where the keys are")
	case errors.Is(err, wallet.ErrRequest), errors.Is(err, wallet.ErrReceiver):
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	return err
}

// A spending is a planned payment on its way.
type spending struct {
	wallet    *wallet.Wallet
	nodes     *client.Multi
	plan      *wallet.Plan
	reference string
	unsafe    bool // a devnet's user: nothing to lose, nothing to ask
	wait      bool
}

// A sent payment is what the commands print.
type sent struct {
	Reference   string             `json:"reference"`
	Transaction kernel.TxHash      `json:"transaction"`
	State       wallet.State       `json:"state"`
	Commit      kernel.CommitIndex `json:"commit,omitempty"`
	Waited      int64              `json:"waited_ms,omitempty"`
	Effects     *wallet.Effects    `json:"effects,omitempty"`
	Notes       []string           `json:"notes,omitempty"`
}

func (s *spending) network() wallet.Network {
	return wallet.Network{Source: s.nodes.Nodes()[0], Submitter: s.nodes}
}

// execute shows a plan, asks, signs, writes it down and sends it.
func execute(cmd *cobra.Command, ctx context.Context, s spending) error {
	effects := s.plan.Effects()
	result := sent{Reference: s.reference, Transaction: effects.Transaction, State: wallet.Pending, Effects: &effects, Notes: s.plan.Notes()}
	if dry, err := cmd.Flags().GetBool("dry-run"); err == nil && dry {
		result.State = "planned"
		return cli.Print(cmd, result, func(w io.Writer) { printPlan(w, &result) })
	}
	if err := confirm(cmd, &s, &result); err != nil {
		return err
	}
	if s.reference == "" {
		s.reference = wallet.NewReference()
	}
	if _, err := s.wallet.Accept(s.reference, s.plan, kernel.Timestamp(time.Now().UnixMilli())); err != nil {
		return explainWallet(err)
	}
	return s.deliver(cmd, ctx, result)
}

// carryOn goes on with a payment that the reference already names.
func (s *spending) carryOn(cmd *cobra.Command, ctx context.Context, request wallet.Request) error {
	plan, err := s.wallet.Plan(request, rand.Reader)
	if err == nil {
		_, err = s.wallet.Accept(s.reference, plan, kernel.Timestamp(time.Now().UnixMilli())) // returns the known payment, or says that it asks something else
	}
	if errors.Is(err, wallet.ErrReferenceReused) {
		return explainWallet(err)
	}
	cli.Note(cmd, "payment %s was made before: going on with it", s.reference)
	return s.deliver(cmd, ctx, sent{})
}

// deliver submits, and waits if asked to.
func (s *spending) deliver(cmd *cobra.Command, ctx context.Context, result sent) error {
	began := time.Now()
	var payment wallet.Payment
	var err error
	if s.wait {
		payment, err = s.wallet.Wait(ctx, s.network(), s.reference)
	} else {
		err = s.wallet.Submit(ctx, s.nodes, s.reference)
		payment, _ = s.wallet.Payment(s.reference)
	}
	if err != nil {
		return explainWallet(err)
	}
	if payment.State == wallet.Rejected {
		return cli.Fail(cli.No, payment.Rule.String(), "transaction %s was rejected: %s", payment.Transaction, payment.Rule).
			WithHint("the money has not moved; send it again")
	}
	result.Reference, result.Transaction, result.State, result.Commit = s.reference, payment.Transaction, payment.State, payment.Commit
	if s.wait {
		result.Waited = time.Since(began).Milliseconds()
	}
	return cli.Print(cmd, result, func(w io.Writer) {
		if payment.State == wallet.Final {
			fmt.Fprintf(w, "%s final at commit %d after %.2f s\n", payment.Transaction, payment.Commit, float64(result.Waited)/1000)
			return
		}
		fmt.Fprintf(w, "%s submitted\n", payment.Transaction)
		cli.Note(cmd, "wait for it with: aster tx wait %s", payment.Transaction)
	})
}

func printPlan(w io.Writer, s *sent) {
	fmt.Fprint(w, s.Effects)
	for _, note := range s.Notes {
		fmt.Fprintf(w, "note: %s\n", note)
	}
}

// confirm shows the effects and asks. Without a terminal --yes must say so.
func confirm(cmd *cobra.Command, s *spending, result *sent) error {
	yes, err := cmd.Flags().GetBool("yes")
	if err != nil {
		yes = false
	}
	if yes || s.unsafe {
		return nil
	}
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || cli.JSON(cmd) {
		return cli.Usage(cmd, "a payment is confirmed at a terminal; add --yes to pay without")
	}
	printPlan(cmd.ErrOrStderr(), result)
	fmt.Fprint(cmd.ErrOrStderr(), "pay? [y/N] ")
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(line), "y") {
		return cli.Fail(cli.No, "declined", "nothing was paid")
	}
	return nil
}
