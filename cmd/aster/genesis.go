package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/spf13/cobra"
)

func genesisCommand() *cobra.Command {
	card := addHome(&cobra.Command{
		Use: "card NAME", Short: "step 1, each operator: write the card that tells the others who you are",
		Example: "  kerneld init --home n1\n  aster genesis card berlin --home n1 --listen 203.0.113.7:5850 --payee XIN… > berlin.card.json",
		Args:    cli.Args("NAME"), RunE: genesisCard,
	})
	card.Flags().String("listen", "", "host:port that the other nodes dial")
	card.Flags().String("payee", "", "address that rewards are paid to")

	draft := &cobra.Command{
		Use: "draft CARD…", Short: "step 2, one operator: join the cards into a draft; all compare its hash",
		Long: "draft joins the cards with the part of a genesis that is decided by hand. With --holder, or a stake section in\n" +
			"the base, the network has stakes: every member locks its pledge, and pool, pledges and balances must be all\n" +
			"the XIN there is. --holder names who gets what they leave over, to distribute it.",
		Example: "  aster genesis draft *.card.json --name testnet > draft.json\n  aster genesis draft *.card.json --name mainnet --holder XIN… > draft.json\n  aster genesis draft *.card.json --base base.json > draft.json",
		Args:    cli.Args("CARD…"), RunE: genesisDraft,
	}
	draft.Flags().String("name", "", "name of the network")
	draft.Flags().String("base", "", "JSON file with name, timestamp, parameters, assets, balances and stake (aster genesis base writes one to edit)")
	draft.Flags().String("holder", "", "address that gets the XIN that pool, pledges and balances leave over")

	show := &cobra.Command{
		Use: "show DRAFT", Short: "what a draft says, and the hash that operators compare",
		Example: "  aster genesis show draft.json",
		Args:    cli.Args("DRAFT"), RunE: genesisShow,
	}
	deal := addHome(&cobra.Command{
		Use: "deal DRAFT", Short: "step 3, each operator: deal shares of a secret of your own to all",
		Example: "  aster genesis deal draft.json --home n1 > berlin.dealing.json",
		Args:    cli.Args("DRAFT"), RunE: genesisDeal,
	})
	verdict := addHome(&cobra.Command{
		Use: "verdict DRAFT DEALING…", Short: "step 4, each operator: judge the dealings of the others",
		Example: "  aster genesis verdict draft.json *.dealing.json --home n1 > berlin.verdict.json",
		Args:    cli.Args("DRAFT", "DEALING…"), RunE: genesisVerdict,
	})
	finish := addHome(&cobra.Command{
		Use: "finish DRAFT FILE…", Short: "step 5, each operator: compute the genesis and your own share, and prepare the node",
		Long: "finish takes all dealings and verdicts, computes the same genesis on every machine, puts it and this\n" +
			"operator's share of the coin into the home, and prepares the storage. Compare the network id with the\n" +
			"other operators over a channel that you trust before you start the node. Without --home it prints the\n" +
			"genesis: anybody who has the files can check it.",
		Example: "  aster genesis finish draft.json *.dealing.json *.verdict.json --home n1",
		Args:    cli.Args("DRAFT", "FILE…"), RunE: genesisFinish,
	})
	return cli.Group("genesis", "make a network's genesis among its operators: no machine sees another's secret",
		"  aster genesis card berlin --home n1 --listen 203.0.113.7:5850 --payee XIN… > berlin.card.json\n  aster genesis finish draft.json *.dealing.json *.verdict.json --home n1",
		genesisBaseCommand(), card, draft, show, deal, verdict, finish, genesisDevnetCommand())
}

// addHome gives a command the flags that find and open a node's home.
func addHome(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("home", "", "folder of the node, made by kerneld init")
	cmd.Flags().String("passphrase-file", "", "file with the passphrase of the node key (default: ask)")
	return cmd
}

// An operator is a node's home, opened for a step of the ceremony.
type operator struct {
	home     kerneld.Home
	identity *kerneld.Identity
	key      kernel.NodeKey
	phrase   []byte // seals the home's secrets again
}

func openOperator(cmd *cobra.Command) (*operator, error) {
	dir, _ := cmd.Flags().GetString("home")
	if dir == "" {
		return nil, cli.Usage(cmd, "--home names the folder that kerneld init made")
	}
	if err := cli.CheckHome(dir); err != nil {
		return nil, err
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	phrase, err := keystore.Source{File: file}.Passphrase("Passphrase of the node key: ")
	if err != nil {
		return nil, err
	}
	o := &operator{home: kerneld.Home(dir), phrase: phrase}
	if o.identity, err = o.home.ReadIdentity(func() ([]byte, error) { return append([]byte(nil), phrase...), nil }, false); err != nil {
		return nil, err
	}
	o.key = kernel.NodeKeyFromSeed(o.identity.Seed)
	return o, nil
}

func genesisCard(cmd *cobra.Command, args []string) error {
	listen, _ := cmd.Flags().GetString("listen")
	text, _ := cmd.Flags().GetString("payee")
	payee, err := kernel.ParseAddress(text)
	if err != nil {
		return cli.Usage(cmd, "--payee: %v", err)
	}
	o, err := openOperator(cmd)
	if err != nil {
		return err
	}
	card, err := ceremony.NewMember(args[0], listen, payee, o.key)
	if err != nil {
		return refuseFile("card", err)
	}
	return writeFile(cmd, card.Encode())
}

// writeFile prints a step's public file: to be redirected and passed on.
func writeFile(cmd *cobra.Command, text []byte) error {
	_, err := cmd.OutOrStdout().Write(text)
	return err
}

// refuseFile names what the ceremony says about a file.
func refuseFile(name string, err error) error {
	code := cli.Failed
	for _, bad := range []error{ceremony.ErrFile, ceremony.ErrSignature, ceremony.ErrCard, ceremony.ErrDraft} {
		if errors.Is(err, bad) {
			code = cli.Malformed
		}
	}
	return cli.Fail(code, "ceremony", "%s: %v", name, err)
}

// readFile reads a file of bounded size and parses it.
func readFile[T any](name string, limit int64, parse func([]byte) (T, error)) (v T, err error) {
	text, err := readBounded(name, limit)
	if err != nil {
		return v, err
	}
	if v, err = parse(text); err != nil {
		return v, refuseFile(name, err)
	}
	return v, nil
}

// A base is the part of a genesis that no ceremony is needed for.
type base struct {
	Name       string                 `json:"name"`
	Timestamp  kernel.Timestamp       `json:"timestamp_ms"`
	Parameters kernel.Parameters      `json:"parameters"`
	Custodian  *kernel.Address        `json:"custodian,omitempty"`
	Assets     []kernel.GenesisAsset  `json:"assets"`
	Balances   []kernel.GenesisOutput `json:"balances"`
	Stake      *kernel.Stake          `json:"stake,omitempty"`
}

func defaultBase() base {
	return base{
		Name: "asterism", Timestamp: kernel.Timestamp(time.Now().UnixMilli()), Parameters: kernel.DefaultParameters(),
		Assets:   []kernel.GenesisAsset{{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey}},
		Balances: []kernel.GenesisOutput{},
	}
}

func genesisBaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "base", Short: "print the part of a genesis that is decided by hand, to edit: name, parameters, assets, balances, stake",
		Long: "base prints what to edit. --stake paper has the paper's economy: a million XIN, half of them to be minted from\n" +
			"the first day, a pledge of 10,000. --stake running has the figures of the running network that Asterism\n" +
			"follows: a pledge of 13,439, and the 1,706 days that were minted before it began. --stake none is a network\n" +
			"whose members never change.",
		Example: "  aster genesis base > base.json\n  aster genesis base --stake paper > base.json",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := defaultBase()
			profile, _ := cmd.Flags().GetString("stake")
			if err := b.stake(profile); err != nil {
				return cli.Usage(cmd, "--stake: %v", err)
			}
			text, err := json.MarshalIndent(b, "", "  ")
			if err != nil {
				return err
			}
			return writeFile(cmd, append(text, '\n'))
		},
	}
	cmd.Flags().String("stake", "none", "none, paper or running: which figures the network's economy begins with")
	return cmd
}

// runningPaidDays are the days that the running network counts as minted before its genesis.
const runningPaidDays = 1706

// stake gives the base the economy of a profile.
func (b *base) stake(profile string) error {
	switch profile {
	case "none":
		return nil
	case "paper", "running":
		b.Stake = kernel.DefaultStake()
	default:
		return fmt.Errorf("%q is not none, paper or running", profile)
	}
	if profile == "running" {
		b.Parameters.Pledge, b.Stake.Mint.PaidDays = kernel.RunningPledge, runningPaidDays
	}
	return nil
}

func genesisDraft(cmd *cobra.Command, args []string) error {
	b := defaultBase()
	if file, _ := cmd.Flags().GetString("base"); file != "" {
		var err error
		if b, err = readFile(file, kernel.MaxGenesisSize, func(text []byte) (b base, err error) {
			return b, json.Unmarshal(text, &b)
		}); err != nil {
			return err
		}
	}
	if name, _ := cmd.Flags().GetString("name"); name != "" {
		b.Name = name
	}
	var cards []*ceremony.Card
	for _, name := range args {
		card, err := readFile(name, ceremony.MaxCardSize, ceremony.ParseCard)
		if err != nil {
			return err
		}
		cards = append(cards, card)
	}
	g := &kernel.Genesis{
		Name: b.Name, Timestamp: b.Timestamp, Parameters: b.Parameters, Custodian: b.Custodian, Assets: b.Assets, Balances: b.Balances, Stake: b.Stake,
	}
	if text, _ := cmd.Flags().GetString("holder"); text != "" {
		if err := distribute(g, text, len(cards)); err != nil {
			return cli.Usage(cmd, "--holder: %v", err)
		}
	}
	draft, err := ceremony.NewDraft(g, cards)
	if err != nil {
		return refuseFile("draft", err)
	}
	cli.Note(cmd, "draft %s of %d members; all operators must see this hash: aster genesis show DRAFT", draft.Hash(), len(draft.Cards))
	return writeFile(cmd, draft.Encode())
}

// distribute gives what XIN is left over to a holder; a base without stakes gets the paper's.
func distribute(g *kernel.Genesis, holder string, members int) error {
	address, err := kernel.ParseAddress(holder)
	if err != nil {
		return err
	}
	if g.Stake == nil {
		g.Stake = kernel.DefaultStake()
	}
	whole := *g
	whole.Members = make([]kernel.Member, members) // each pledges the same
	if err := whole.Distribute(address); err != nil {
		return err
	}
	g.Balances = whole.Balances
	return nil
}

func readDraft(name string) (*ceremony.Draft, error) {
	return readFile(name, ceremony.MaxDraftSize, ceremony.ParseDraft)
}

func genesisShow(cmd *cobra.Command, args []string) error {
	d, err := readDraft(args[0])
	if err != nil {
		return err
	}
	return cli.Print(cmd, map[string]any{"hash": d.Hash(), "quorum": d.Quorum(), "draft": d}, func(w io.Writer) {
		fmt.Fprintf(w, "draft    %s\nnetwork  %s, %d members, %d must deal and judge\n", d.Hash(), d.Name, len(d.Cards), d.Quorum())
		fmt.Fprintf(w, "assets   %d, balances %d, time %s\n", len(d.Assets), len(d.Balances), d.Timestamp.Time().Format(time.RFC3339))
		if s := d.Stake; s != nil {
			fmt.Fprintf(w, "stake    %s XIN in all, %s in the pool, each member pledges %s\n", s.Total, s.Pool, d.Parameters.Pledge)
		}
		fmt.Fprintln(w)
		t := cli.NewTable("MEMBER", "ADDRESS", "NODE KEY", "PAYEE")
		for i := range d.Cards {
			c := &d.Cards[i]
			t.Row(c.Name, c.Listen, c.NodeKey, c.Payee)
		}
		t.WriteTo(w)
	})
}

func genesisDeal(cmd *cobra.Command, args []string) error {
	draft, err := readDraft(args[0])
	if err != nil {
		return err
	}
	o, err := openOperator(cmd)
	if err != nil {
		return err
	}
	dealing, err := ceremony.Deal(draft, o.key, rand.Reader)
	if err != nil {
		return refuseFile(args[0], err)
	}
	cli.Note(cmd, "dealt for draft %s", draft.Hash())
	return writeFile(cmd, dealing.Encode())
}

func genesisVerdict(cmd *cobra.Command, args []string) error {
	draft, err := readDraft(args[0])
	if err != nil {
		return err
	}
	dealings, verdicts, err := sortFiles(args[1:])
	if err != nil {
		return err
	}
	if len(verdicts) > 0 {
		return cli.Usage(cmd, "verdicts are for finish; this step judges dealings")
	}
	o, err := openOperator(cmd)
	if err != nil {
		return err
	}
	verdict, findings, err := ceremony.Judge(draft, dealings, o.key)
	noteFindings(cmd, draft, findings)
	if err != nil {
		return refuseFile(args[0], err)
	}
	return writeFile(cmd, verdict.Encode())
}

// sortFiles reads dealings and verdicts, told apart by what they hold.
func sortFiles(names []string) (dealings []*ceremony.Dealing, verdicts []*ceremony.Verdict, err error) {
	for _, name := range names {
		if d, err := readFile(name, ceremony.MaxDealingSize, ceremony.ParseDealing); err == nil {
			dealings = append(dealings, d)
			continue
		}
		v, err := readFile(name, ceremony.MaxVerdictSize, ceremony.ParseVerdict)
		if err != nil {
			return nil, nil, cli.Fail(cli.Malformed, "malformed", "%s is neither a dealing nor a verdict: %v", name, err)
		}
		verdicts = append(verdicts, v)
	}
	return dealings, verdicts, nil
}

func noteFindings(cmd *cobra.Command, draft *ceremony.Draft, findings []ceremony.Finding) {
	for _, f := range findings {
		cli.Note(cmd, "%s: %s: %s", draft.Cards[f.Member].Name, f.Kind, f.Detail)
	}
}

func genesisFinish(cmd *cobra.Command, args []string) error {
	draft, err := readDraft(args[0])
	if err != nil {
		return err
	}
	dealings, verdicts, err := sortFiles(args[1:])
	if err != nil {
		return err
	}
	var o *operator
	if dir, _ := cmd.Flags().GetString("home"); dir != "" {
		if o, err = openOperator(cmd); err != nil {
			return err
		}
	}
	result, err := ceremony.Finish(draft, dealings, verdicts)
	if err != nil {
		return refuseFile(args[0], err)
	}
	noteFindings(cmd, draft, result.Findings)
	if o == nil {
		text, err := result.Genesis.MarshalIndentJSON()
		if err != nil {
			return err
		}
		return writeFile(cmd, text)
	}
	if err := o.settle(draft, result); err != nil {
		return err
	}
	id := result.Genesis.NetworkID()
	return cli.Print(cmd, map[string]any{"network": id, "name": result.Genesis.Name, "members": len(result.Genesis.Members), "dealings": len(result.Counted)}, func(w io.Writer) {
		fmt.Fprintf(w, "network  %s\n         %s\n\nCompare this id with the other operators, then:\n  kerneld run --home %s\n", result.Genesis.Name, id, o.home)
	})
}

// settle puts what the ceremony made into the operator's home: the share, the addresses of the
// members, the genesis, the storage.
func (o *operator) settle(draft *ceremony.Draft, result *ceremony.Result) (err error) {
	if o.identity.Share, err = result.CoinShare(o.key); err != nil {
		return refuseFile("own share", err)
	}
	if err := o.home.WriteIdentity(o.identity, o.key.Public(), o.phrase, false); err != nil {
		return err
	}
	peers := map[string]string{}
	for i := range draft.Cards {
		peers[draft.Cards[i].Name] = draft.Cards[i].Listen
	}
	if err := o.home.SetPeers(peers); err != nil {
		return err
	}
	return o.home.Install(&result.Genesis, o.key.Public())
}
