package pillarscmd

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// addSpending gives a command the flags of everything that pays.
func addSpending(cmd *cobra.Command) *cobra.Command {
	f := addWallet(cmd).Flags()
	f.String("account", "", "account that pays (default: the first)")
	f.StringSlice("coin", nil, "spend among these outputs only: ID:INDEX, repeated")
	f.String("fee-rate", "", "ETP for 1,000 bytes")
	f.String("message", "", "public text, for ever in the chain: at most 253 bytes")
	f.Bool("segwit", false, "use version 5, whose ids nobody can change")
	f.String("change", "", "address that gets what is left")
	addSending(cmd)
	f.String("out", "", "write a draft to this file instead of sending, to be signed elsewhere or together")
	f.Bool("dry-run", false, "only show what would be paid")
	return cmd
}

// addSending gives a command the flags of everything that sends.
func addSending(cmd *cobra.Command) {
	f := cmd.Flags()
	f.String("reference", "", "your own name for the payment: a second one under it is refused")
	f.Bool("yes", false, "do not ask")
	f.Uint32("wait", 0, "wait until so many blocks confirm it")
}

// options reads the flags of addSpending.
func options(cmd *cobra.Command, s *session) (o wallet.Options, err error) {
	f := cmd.Flags()
	o.Account, _ = f.GetString("account")
	o.SegWit, _ = f.GetBool("segwit")
	o.Message, _ = f.GetString("message")
	coins, _ := f.GetStringSlice("coin")
	for _, text := range coins {
		point, err := parseOutpoint(text)
		if err != nil {
			return o, err
		}
		o.Coins = append(o.Coins, point)
	}
	if rate, _ := f.GetString("fee-rate"); rate != "" {
		if o.FeePerKB, err = amount(rate); err != nil {
			return o, err
		}
	}
	if change, _ := f.GetString("change"); change != "" {
		if o.ChangeTo, err = pillars.ParseAddress(change, s.params.Address); err != nil {
			return o, cli.Fail(cli.Malformed, "malformed", "--change: %v", err)
		}
	}
	return drawn(o), nil
}

func amount(text string) (pillars.Amount, error) {
	a, err := pillars.ParseAmount(text)
	if err != nil {
		return a, cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	return a, nil
}

// resolve reads who gets something: an address or an avatar.
func (s *session) resolve(cmd *cobra.Command, text string) (wallet.Recipient, error) {
	ctx, cancel := bounded(cmd)
	defer cancel()
	return s.Resolve(ctx, s.node, text)
}

// paying runs a command that makes a draft, and finishes it.
func paying(plan func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error)) func(*cobra.Command, []string) error {
	return onChain(func(cmd *cobra.Command, s *session, args []string) error {
		o, err := options(cmd, s)
		if err != nil {
			return err
		}
		d, err := plan(cmd, s, args, o)
		if err != nil {
			return err
		}
		return s.finish(cmd, d)
	})
}

// An outcome is what a paying command prints.
type outcome struct {
	ID            pillars.TxID    `json:"id"`
	State         string          `json:"state"` // sent, confirmed, planned, draft
	Draft         string          `json:"draft,omitempty"`
	Confirmations uint32          `json:"confirmations,omitempty"`
	Height        *uint32         `json:"height,omitempty"`
	Effects       *wallet.Effects `json:"effects,omitempty"`
	Notes         []string        `json:"notes,omitempty"`
}

// finish shows a draft, asks, signs and sends it, or writes it down for others to sign.
func (s *session) finish(cmd *cobra.Command, d *wallet.Draft) error {
	effects, err := s.Effects(d)
	if err != nil {
		return err
	}
	out := outcome{ID: effects.ID, State: "planned", Effects: &effects, Notes: d.Notes}
	if dry, _ := cmd.Flags().GetBool("dry-run"); dry {
		return cli.Print(cmd, out, func(w io.Writer) { printEffects(w, &effects) })
	}
	file, _ := cmd.Flags().GetString("out")
	if file != "" || s.WatchOnly() {
		if file == "" {
			return wallet.ErrWatchOnly
		}
		if err := writeDraft(file, d); err != nil {
			return err
		}
		out.State, out.Draft = "draft", file
		return cli.Print(cmd, out, func(w io.Writer) {
			printEffects(w, &effects)
			fmt.Fprintf(w, "draft in %s; sign it with aster pillars wallet sign NAME %s\n", file, file)
		})
	}
	if err := confirm(cmd, &effects); err != nil {
		return err
	}
	if _, err := s.Sign(d); err != nil {
		return err
	}
	if !d.Complete() {
		return fmt.Errorf("%w: others must sign too: write a draft with --out FILE", wallet.ErrIncomplete)
	}
	return s.send(cmd, d, &out)
}

// send gives a signed draft to the network, and waits if asked to.
func (s *session) send(cmd *cobra.Command, d *wallet.Draft, out *outcome) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	reference, _ := cmd.Flags().GetString("reference")
	tx, err := s.Broadcast(ctx, s.node, d, reference)
	if err != nil {
		return err
	}
	out.ID, out.State = tx.ID(), "sent"
	if blocks, _ := cmd.Flags().GetUint32("wait"); blocks > 0 {
		if err := s.await(ctx, cmd, out, blocks); err != nil {
			return err
		}
	}
	return cli.Print(cmd, out, func(w io.Writer) {
		if out.Height != nil {
			fmt.Fprintf(w, "%s in block %d, %d confirmations\n", out.ID, *out.Height, out.Confirmations)
			return
		}
		fmt.Fprintf(w, "%s sent\n", out.ID)
		cli.Note(cmd, "see it with: aster pillars tx %s", out.ID)
	})
}

// await waits for blocks on top of a transaction. A reorganisation may take the first ones back; then it
// waits on.
func (s *session) await(ctx context.Context, cmd *cobra.Command, out *outcome, blocks uint32) error {
	cli.Note(cmd, "%s sent; waiting for %d confirmations", out.ID, blocks)
	for {
		tx, err := s.client.Transaction(ctx, out.ID)
		switch {
		case err == nil && tx.Confirmations >= blocks:
			out.State, out.Confirmations, out.Height = "confirmed", tx.Confirmations, tx.Height
			return nil
		case ctx.Err() != nil:
			return cli.Fail(cli.NotYet, "timeout", "%s was sent and has no %d confirmations yet", out.ID, blocks).
				WithHint("wait longer with --timeout; it goes on by itself: aster pillars tx %s", out.ID)
		}
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func printEffects(w io.Writer, e *wallet.Effects) {
	t := cli.NewTable("", "ADDRESS", "ETP", "CARRIES", "")
	for _, list := range []struct {
		word    string
		effects []wallet.Effect
	}{{"spends", e.Spends}, {"makes", e.Makes}} {
		for _, x := range list.effects {
			own := map[bool]string{true: "own"}[x.Own]
			t.Row(list.word, x.To, x.Amount, strings.TrimSpace(x.Carries+" "+x.Lock), own)
		}
	}
	t.WriteTo(w)
	fmt.Fprintf(w, "fee %s, id %s, version %d", e.Fee, e.ID, e.Version)
	if e.Missing > 0 {
		fmt.Fprintf(w, ", %d signatures missing", e.Missing)
	}
	fmt.Fprintln(w)
	for _, warning := range e.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// confirm shows the effects and asks. Without a terminal --yes must say so.
func confirm(cmd *cobra.Command, e *wallet.Effects) error {
	if yes, err := cmd.Flags().GetBool("yes"); err == nil && yes {
		return nil
	}
	f, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || cli.JSON(cmd) {
		return cli.Usage(cmd, "a payment is confirmed at a terminal; add --yes to pay without")
	}
	printEffects(cmd.ErrOrStderr(), e)
	fmt.Fprint(cmd.ErrOrStderr(), "go on? [y/N] ")
	line, err := bufio.NewReader(f).ReadString('\n')
	if err != nil || !strings.EqualFold(strings.TrimSpace(line), "y") {
		return cli.Fail(cli.No, "declined", "nothing was paid")
	}
	return nil
}

func writeDraft(file string, d *wallet.Draft) error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func sendCommand() *cobra.Command {
	cmd := addSpending(&cobra.Command{
		Use: "send NAME TO AMOUNT [TO AMOUNT…]", Short: "pay ETP to addresses or avatars",
		Example: "  aster pillars wallet send till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR 2.5\n" +
			"  aster pillars wallet send till alice 10 bob 3.5 --fee-rate 0.0002 --wait 1\n" +
			"  aster pillars wallet send till alice 100 --lock 1000 --out draft.json",
		Args: cli.Args("NAME", "TO", "AMOUNT", "[TO…"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			var payments []wallet.Payment
			if len(args)%2 != 0 {
				return nil, cli.Usage(cmd, "the amount for %q is missing", args[len(args)-1])
			}
			lock, _ := cmd.Flags().GetUint32("lock")
			for i := 0; i < len(args); i += 2 {
				to, err := s.resolve(cmd, args[i])
				if err != nil {
					return nil, err
				}
				value, err := amount(args[i+1])
				if err != nil {
					return nil, err
				}
				payments = append(payments, wallet.Payment{To: to, Amount: value, Lock: wallet.Lock{Blocks: lock}})
			}
			return s.Send(payments, o)
		}),
	})
	cmd.Flags().Uint32("lock", 0, "lock what is paid for so many blocks")
	return cmd
}

func sendAllCommand() *cobra.Command {
	return addSpending(&cobra.Command{
		Use: "send-all NAME TO", Short: "pay everything that an account can spend; to an own address it joins small outputs",
		Example: "  aster pillars wallet send-all till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR",
		Args:    cli.Args("NAME", "TO"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			to, err := s.resolve(cmd, args[0])
			if err != nil {
				return nil, err
			}
			return s.SendAll(to, o)
		}),
	})
}

// quantity reads an amount of an asset with its decimals.
func (s *session) quantity(cmd *cobra.Command, symbol, text string) (uint64, error) {
	ctx, cancel := bounded(cmd)
	defer cancel()
	a, err := s.client.Asset(ctx, symbol)
	if err != nil {
		return 0, err
	}
	return parseDecimal(text, a.Decimals)
}

func sendAssetCommand() *cobra.Command {
	cmd := addSpending(&cobra.Command{
		Use: "send-asset NAME SYMBOL TO QUANTITY [TO QUANTITY…]", Short: "transfer an asset",
		Example: "  aster pillars wallet send-asset till GOLD alice 12.5\n" +
			"  aster pillars wallet send-asset till GOLD bob 1000 --release-blocks 10000 --release-periods 10",
		Args: cli.Args("NAME", "SYMBOL", "TO", "QUANTITY", "[TO…"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			symbol, rest := args[0], args[1:]
			if len(rest)%2 != 0 {
				return nil, cli.Usage(cmd, "the quantity for %q is missing", rest[len(rest)-1])
			}
			var payments []wallet.AssetPayment
			for i := 0; i < len(rest); i += 2 {
				to, err := s.resolve(cmd, rest[i])
				if err != nil {
					return nil, err
				}
				quantity, err := s.quantity(cmd, symbol, rest[i+1])
				if err != nil {
					return nil, err
				}
				lock, err := assetLock(cmd, quantity)
				if err != nil {
					return nil, err
				}
				payments = append(payments, wallet.AssetPayment{To: to, Quantity: quantity, Lock: lock})
			}
			return s.SendAsset(symbol, payments, o)
		}),
	})
	cmd.Flags().Uint32("lock", 0, "lock what is sent for so many blocks")
	cmd.Flags().Uint64("release-blocks", 0, "release what is sent over so many blocks")
	cmd.Flags().Uint64("release-periods", 0, "in so many equal steps")
	return cmd
}

func assetLock(cmd *cobra.Command, quantity uint64) (l wallet.Lock, err error) {
	l.Blocks, _ = cmd.Flags().GetUint32("lock")
	blocks, _ := cmd.Flags().GetUint64("release-blocks")
	periods, _ := cmd.Flags().GetUint64("release-periods")
	if blocks == 0 && periods == 0 {
		return l, nil
	}
	model, err := pillars.NewFixedLock(quantity, blocks, periods)
	if err != nil {
		return l, cli.Usage(cmd, "--release-blocks and --release-periods: %v", err)
	}
	l.Model = &model
	return l, nil
}

func burnCommand() *cobra.Command {
	return addSpending(&cobra.Command{
		Use: "burn NAME SYMBOL QUANTITY", Short: "destroy a quantity of an asset",
		Example: "  aster pillars wallet burn till GOLD 5",
		Args:    cli.Args("NAME", "SYMBOL", "QUANTITY"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			quantity, err := s.quantity(cmd, args[0], args[1])
			if err != nil {
				return nil, err
			}
			return s.Burn(args[0], quantity, o)
		}),
	})
}

func issueCommand() *cobra.Command {
	cmd := addSpending(&cobra.Command{
		Use: "issue NAME SYMBOL SUPPLY", Short: "issue a new asset; the issuer is an avatar of the wallet",
		Example: "  aster pillars wallet issue till GOLD 1000000 --issuer alice --decimals 4 --description \"grams in the vault\"\n" +
			"  aster pillars wallet issue till GOLD.DUST 1 --issuer alice --threshold 127 --mining initial:300,interval:1000,base:0.95",
		Args: cli.Args("NAME", "SYMBOL", "SUPPLY"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			v, err := s.newIssue(cmd, args)
			if err != nil {
				return nil, err
			}
			if terms, _ := cmd.Flags().GetString("mining"); terms != "" {
				m, err := pillars.ParseMiningTerms(terms)
				if err != nil {
					return nil, cli.Usage(cmd, "--mining: want initial:<n>,interval:<blocks>,base:<0.n>: %v", err)
				}
				v.Mining = &m
			}
			ctx, cancel := bounded(cmd)
			defer cancel()
			_, err = s.client.Certificate(ctx, pillars.Domain(v.Symbol), pillars.CertDomain)
			v.DomainTaken = err == nil
			return s.IssueAsset(v, o)
		}),
	})
	cmd.Flags().String("issuer", "", "avatar of this wallet that issues")
	cmd.Flags().Uint8("decimals", 0, "0 to 19")
	cmd.Flags().Uint8("threshold", 0, "further issues: 0 never, 1 to 100 by who holds so many percent, 127 by who holds the certificate")
	cmd.Flags().String("description", "", "at most 64 bytes")
	cmd.Flags().String("mining", "", "a right to be mined: initial:<n>,interval:<blocks>,base:<0.n>")
	return cmd
}

// newIssue reads symbol, supply and the flags of an issue.
func (s *session) newIssue(cmd *cobra.Command, args []string) (v wallet.Issue, err error) {
	f := cmd.Flags()
	v.Symbol = args[0]
	v.Decimals, _ = f.GetUint8("decimals")
	v.Threshold, _ = f.GetUint8("threshold")
	v.Description, _ = f.GetString("description")
	issuer, _ := f.GetString("issuer")
	if issuer == "" {
		return v, cli.Usage(cmd, "--issuer is missing: an asset is issued by an avatar of the wallet")
	}
	if v.Issuer, err = s.resolve(cmd, issuer); err != nil {
		return v, err
	}
	v.Supply, err = parseDecimal(args[1], v.Decimals)
	return v, err
}

func issueMoreCommand() *cobra.Command {
	cmd := addSpending(&cobra.Command{
		Use: "issue-more NAME SYMBOL SUPPLY", Short: "issue more of an asset that allows it",
		Example: "  aster pillars wallet issue-more till GOLD 5000 --issuer alice",
		Args:    cli.Args("NAME", "SYMBOL", "SUPPLY"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			ctx, cancel := bounded(cmd)
			defer cancel()
			a, err := s.client.Asset(ctx, args[0])
			if err != nil {
				return nil, err
			}
			issuer, _ := cmd.Flags().GetString("issuer")
			if issuer == "" {
				issuer = a.Issuer
			}
			v := wallet.Issue{Symbol: a.Symbol, Decimals: a.Decimals, Threshold: a.Threshold, Total: uint64(a.Supply + a.Mined)}
			v.Description, _ = cmd.Flags().GetString("description")
			if v.Issuer, err = s.resolve(cmd, issuer); err != nil {
				return nil, err
			}
			if v.Supply, err = parseDecimal(args[1], a.Decimals); err != nil {
				return nil, err
			}
			return s.IssueMore(v, o)
		}),
	})
	cmd.Flags().String("issuer", "", "avatar of this wallet that issues (default: that of the first issue)")
	cmd.Flags().String("description", "", "at most 64 bytes")
	return cmd
}

// ownAddress reads an address of the wallet, or gives out a new one.
func (s *session) ownAddress(text, account string) (pillars.Address, error) {
	if text != "" {
		a, err := pillars.ParseAddress(text, s.params.Address)
		if err != nil {
			return a, cli.Fail(cli.Malformed, "malformed", "%v", err)
		}
		return a, nil
	}
	p, err := s.NewAddress(account)
	if err != nil {
		return pillars.Address{}, err
	}
	return p.Address, nil
}

// fundedAddress is the own address with the most ETP that a transaction of versions 1 to 4 may spend.
func (s *session) fundedAddress(account string) (best pillars.Address, err error) {
	most := pillars.Amount(0)
	for _, c := range s.Coins() {
		free := c.Reason == wallet.Spendable && c.Free() && c.Purse.Address.Kind() == pillars.ToPubKeyHash
		if free && (account == "" || c.Purse.Account == account) && c.Output.Output.Value > most {
			most, best = c.Output.Output.Value, c.Purse.Address
		}
	}
	if most == 0 {
		return best, cli.Fail(cli.Failed, "insufficient", "no address of the wallet has ETP that can pay for this").WithHint("send some to aster pillars wallet address NAME first")
	}
	return best, nil
}

func walletAvatarCommand() *cobra.Command {
	register := addSpending(&cobra.Command{
		Use: "register NAME AVATAR", Short: "bind a new name to an own address that has ETP",
		Example: "  aster pillars wallet avatar register till alice\n  aster pillars wallet avatar register till alice --at tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR",
		Args:    cli.Args("NAME", "AVATAR"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			text, _ := cmd.Flags().GetString("at")
			at, err := s.fundedAddress(o.Account)
			if text != "" {
				at, err = s.ownAddress(text, o.Account)
			}
			if err != nil {
				return nil, err
			}
			return s.RegisterAvatar(args[0], at, o)
		}),
	})
	register.Flags().String("at", "", "own address (default: the one with the most ETP)")
	transfer := addSpending(&cobra.Command{
		Use: "transfer NAME AVATAR ADDRESS", Short: "bind an own avatar to another own address, which must have ETP",
		Example: "  aster pillars wallet avatar transfer till alice tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR",
		Args:    cli.Args("NAME", "AVATAR", "ADDRESS"),
		RunE: paying(func(_ *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			to, err := s.ownAddress(args[1], "")
			if err != nil {
				return nil, err
			}
			return s.TransferAvatar(args[0], to, o)
		}),
	})
	accept := addWallet(&cobra.Command{
		Use: "accept NAME", Short: "name the output that will pay when somebody gives an avatar to this wallet",
		Long: "accept prints what the giver of an avatar needs: an output of an address without avatar, and its key.\n" +
			"The giver makes a draft with avatar offer; both sign it, in any order, and either broadcasts it.",
		Example: "  aster pillars wallet avatar accept till --json > accept.json",
		Args:    cli.Args("NAME"), RunE: onChain(acceptAvatar),
	})
	offer := addSpending(&cobra.Command{
		Use: "offer NAME AVATAR FILE", Short: "make the draft that gives an avatar to somebody else, from what accept printed",
		Example: "  aster pillars wallet avatar offer till alice accept.json --out draft.json",
		Args:    cli.Args("NAME", "AVATAR", "FILE"), RunE: paying(offerAvatar),
	})
	return cli.Group("avatar", "register avatars and give them away", "  aster pillars wallet avatar register till alice", register, transfer, accept, offer)
}

// An acceptance is what the receiver of an avatar gives to its owner.
type acceptance struct {
	Network     string           `json:"network"`
	Transaction string           `json:"transaction"` // that made the output, hex
	Index       uint32           `json:"index"`
	Address     string           `json:"address"`
	Key         wallet.KeyOrigin `json:"key"`
}

func acceptAvatar(cmd *cobra.Command, s *session, _ []string) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	for _, c := range s.Coins() {
		if c.Reason != wallet.Spendable || !c.Free() || c.Purse.Address.Kind() != pillars.ToPubKeyHash {
			continue
		}
		if v, err := s.client.ValidAddress(ctx, c.Purse.Address.Text(s.params.Address)); err != nil || v.DID != "" {
			continue // it has an avatar: one address, one avatar
		}
		tx, err := s.node.Transaction(ctx, c.Point.Tx)
		if err != nil {
			return err
		}
		key, err := s.KeyOf(c.Purse.Address)
		if err != nil {
			return err
		}
		out := acceptance{s.params.Name, client.Describe(tx, s.params.Address).Hex, c.Point.Index, c.Purse.Address.Text(s.params.Address), key}
		return cli.Print(cmd, out, func(w io.Writer) { cli.PrintJSON(w, out) })
	}
	return cli.Fail(cli.Failed, "insufficient", "no address without an avatar has ETP").WithHint("send some to a new address: aster pillars wallet address NAME")
}

const maxAcceptance = 4 << 20

func offerAvatar(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
	text, err := argument(cmd, "@"+args[1], maxAcceptance)
	if err != nil {
		return nil, err
	}
	var a acceptance
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", args[1], err)
	}
	if a.Network != s.params.Name {
		return nil, fmt.Errorf("%w: %s is for %q", wallet.ErrNetwork, args[1], a.Network)
	}
	tx, err := client.DecodeTransaction(a.Transaction)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", args[1], err)
	}
	return s.OfferAvatar(args[0], tx, a.Index, a.Key, o)
}

func certKind(cmd *cobra.Command, text string) (pillars.CertificateType, error) {
	kind, ok := client.ParseCert(text)
	if !ok {
		return 0, cli.Usage(cmd, "%q is no type of certificate: want issue, domain, naming, mining, witness or custom:n", text)
	}
	return kind, nil
}

func walletCertCommand() *cobra.Command {
	issue := addSpending(&cobra.Command{
		Use: "issue NAME SYMBOL TYPE TO", Short: "issue a naming or own certificate under a domain that the wallet holds",
		Example: "  aster pillars wallet cert issue till GOLD.COIN naming alice\n  aster pillars wallet cert issue till GOLD.KYC custom+:1 bob --content level2",
		Args:    cli.Args("NAME", "SYMBOL", "TYPE", "TO"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			kind, err := certKind(cmd, args[1])
			if err != nil {
				return nil, err
			}
			to, err := s.resolve(cmd, args[2])
			if err != nil {
				return nil, err
			}
			content, _ := cmd.Flags().GetString("content")
			return s.IssueCertificate(args[0], kind, content, to, o)
		}),
	})
	issue.Flags().String("content", "", "at most 64 bytes, for types with content")
	transfer := addSpending(&cobra.Command{
		Use: "transfer NAME SYMBOL TYPE TO", Short: "give a certificate to another avatar",
		Example: "  aster pillars wallet cert transfer till GOLD issue bob",
		Args:    cli.Args("NAME", "SYMBOL", "TYPE", "TO"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			kind, err := certKind(cmd, args[1])
			if err != nil {
				return nil, err
			}
			to, err := s.resolve(cmd, args[2])
			if err != nil {
				return nil, err
			}
			return s.TransferCertificate(args[0], kind, to, o)
		}),
	})
	return cli.Group("cert", "issue certificates and give them away", "  aster pillars wallet cert transfer till GOLD issue bob", issue, transfer)
}

func walletMITCommand() *cobra.Command {
	register := addSpending(&cobra.Command{
		Use: "register NAME TO SYMBOL=CONTENT…", Short: "register identifiable tokens at one address or avatar",
		Example: "  aster pillars wallet mit register till alice ticket-17=row3seat4 ticket-18=row3seat5",
		Args:    cli.Args("NAME", "TO", "SYMBOL=CONTENT…"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			to, err := s.resolve(cmd, args[0])
			if err != nil {
				return nil, err
			}
			var tokens []wallet.NewToken
			for _, text := range args[1:] {
				symbol, content, _ := strings.Cut(text, "=")
				tokens = append(tokens, wallet.NewToken{Symbol: symbol, Content: content})
			}
			return s.RegisterTokens(tokens, to, o)
		}),
	})
	transfer := addSpending(&cobra.Command{
		Use: "transfer NAME SYMBOL TO", Short: "give an identifiable token away",
		Example: "  aster pillars wallet mit transfer till ticket-17 bob",
		Args:    cli.Args("NAME", "SYMBOL", "TO"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			to, err := s.resolve(cmd, args[1])
			if err != nil {
				return nil, err
			}
			return s.TransferToken(args[0], to, o)
		}),
	})
	return cli.Group("mit", "register identifiable tokens and give them away", "  aster pillars wallet mit transfer till ticket-17 bob", register, transfer)
}

func lockCommand() *cobra.Command {
	cmd := addSpending(&cobra.Command{
		Use: "lock NAME AMOUNT BLOCKS", Short: "lock ETP at an own address, so that its other outputs may stake; what is left stays there",
		Example: "  aster pillars wallet lock till 1000 24000\n  aster pillars wallet lock till 1000 24000 --at tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR",
		Args:    cli.Args("NAME", "AMOUNT", "BLOCKS"),
		RunE: paying(func(cmd *cobra.Command, s *session, args []string, o wallet.Options) (*wallet.Draft, error) {
			value, err := amount(args[0])
			if err != nil {
				return nil, err
			}
			blocks, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil {
				return nil, cli.Usage(cmd, "%q is no number of blocks", args[1])
			}
			text, _ := cmd.Flags().GetString("at")
			at, err := s.fundedAddress(o.Account)
			if text != "" {
				at, err = s.ownAddress(text, o.Account)
			}
			if err != nil {
				return nil, err
			}
			if o.ChangeTo.IsZero() {
				o.ChangeTo = at // what is left can stake there
			}
			return s.LockStake(at, value, uint32(blocks), o)
		}),
	})
	cmd.Flags().String("at", "", "own address that will stake (default: the one with the most ETP)")
	return cmd
}
