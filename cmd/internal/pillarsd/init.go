package pillarsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/spf13/cobra"
)

func initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "init", Short: "make the home of a node: settings, the network's genesis file and its chain",
		Long: "init makes a folder with commented settings and a chain that holds the genesis. The network is that of a\n" +
			"genesis file (--genesis), or a new one: a built-in profile (--profile) with the balances that it starts from\n" +
			"(--balance, repeated). All nodes of a network are made from one genesis file: init writes it to\n" +
			"profile.json in the folder, for the others. It runs once.",
		Example: "  pillarsd init --home p1 --profile devnet --balance tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR=1000000\n" +
			"  pillarsd init --home p2 --genesis p1/profile.json --peers 10.0.0.1:5251\n  pillarsd init --home p1 --print systemd",
		Args: cli.Args(), RunE: runInit,
	}
	table.AddFlags(cmd)
	f := cmd.Flags()
	f.String("genesis", "", "genesis file of the network")
	f.String("profile", "", "begin a new network with a built-in profile: mainnet-like, testnet, devnet, or a classic one")
	f.StringArray("balance", nil, "ADDRESS=AMOUNT in ETP that the new network starts with, repeated")
	f.String("network-name", "", "name of the new network (default: the profile's)")
	f.String("text", "", "text in the new network's genesis, for example a headline of the day")
	f.String("start", "", "time of the new network's genesis as RFC 3339 (default: now)")
	daemon.AddPrint(cmd)
	return cmd
}

type initResult struct {
	Home    string          `json:"home"`
	Network string          `json:"network"`
	Genesis pillars.BlockID `json:"genesis"`
	File    string          `json:"genesis_file"`
}

func runInit(cmd *cobra.Command, _ []string) error {
	home, err := homeOf(cmd)
	if err != nil {
		return err
	}
	if asked, err := service.Print(cmd, string(home)); asked || err != nil {
		return err
	}
	p, err := network(cmd)
	if err != nil {
		return err
	}
	genesis, err := p.GenesisBlock()
	if err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err).WithHint("give the balances that the network starts with: --balance ADDRESS=AMOUNT")
	}
	if err := cli.MakeHome(string(home)); err != nil {
		return err
	}
	c, _, err := load(cmd, home)
	if err != nil {
		return err
	}
	if _, err := c.mining(p); err != nil {
		return err
	}
	err = node.Init(string(home), p)
	switch {
	case errors.Is(err, node.ErrExists):
		return cli.Fail(cli.Failed, "exists", "%s holds a chain already", home).WithHint("run it: pillarsd run --home %s", home)
	case err != nil:
		return diskFailed(err)
	}
	if err := daemon.WriteNew(home.config(), []byte(table.TOML(&c))); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	out := initResult{string(home), p.Name, genesis.ID(), filepath.Join(string(home), node.ProfileFile)}
	return cli.Print(cmd, out, func(w io.Writer) {
		fmt.Fprintf(w, "home     %s\nnetwork  %s\ngenesis  %s\n\nNext:\n  pillarsd run --home %s\nOther nodes of this network:\n  pillarsd init --home DIR --genesis %s\n", out.Home, out.Network, out.Genesis, home, out.File)
	})
}

// network reads the network of a genesis file, or begins a new one.
func network(cmd *cobra.Command) (*pillars.Params, error) {
	f := cmd.Flags()
	file, _ := f.GetString("genesis")
	name, _ := f.GetString("profile")
	switch {
	case file != "" && name != "":
		return nil, cli.Usage(cmd, "--genesis and --profile exclude each other")
	case file != "":
		for _, flag := range []string{"balance", "network-name", "text", "start"} {
			if f.Changed(flag) {
				return nil, cli.Usage(cmd, "--%s is for new networks: the genesis file says it", flag)
			}
		}
		return readGenesis(file)
	case name == "":
		return nil, cli.Usage(cmd, "of which network? --genesis FILE, or --profile NAME for a new one")
	}
	p, ok := pillars.ProfileByName(name)
	if !ok {
		var names []string
		for _, known := range pillars.Profiles() {
			names = append(names, known.Name)
		}
		return nil, cli.Usage(cmd, "no profile is called %q: built in are %s", name, strings.Join(names, ", "))
	}
	return &p, begin(cmd, &p)
}

const maxGenesis = 16 << 20

func readGenesis(file string) (*pillars.Params, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxGenesis+1))
	if err != nil {
		return nil, err
	}
	p, err := pillars.ParseParams(text)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", file, err)
	}
	return p, nil
}

// begin fills in what a new network starts with.
func begin(cmd *cobra.Command, p *pillars.Params) error {
	f := cmd.Flags()
	if name, _ := f.GetString("network-name"); name != "" {
		p.Name = name
	}
	balances, _ := f.GetStringArray("balance")
	if len(p.Genesis.Outputs) > 0 {
		if len(balances) > 0 {
			return cli.Usage(cmd, "profile %s has its balances already", p.Name)
		}
		return p.Check()
	}
	p.Genesis.Text, _ = f.GetString("text")
	p.Genesis.Timestamp = uint32(time.Now().Unix())
	if text, _ := f.GetString("start"); text != "" {
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.Unix() < 0 || at.Unix() > 1<<32-1 {
			return cli.Usage(cmd, "--start %q: want a time like 2026-01-31T12:00:00Z", text)
		}
		p.Genesis.Timestamp = uint32(at.Unix())
	}
	for _, text := range balances {
		address, amount, ok := strings.Cut(text, "=")
		value, err := pillars.ParseAmount(amount)
		if !ok || err != nil {
			return cli.Usage(cmd, "--balance %q: want ADDRESS=AMOUNT in ETP", text)
		}
		p.Genesis.Outputs = append(p.Genesis.Outputs, pillars.GenesisOutput{Address: address, Value: value})
	}
	if err := p.Check(); err != nil {
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	}
	text, err := json.Marshal(p) // what the others will read
	if err == nil {
		_, err = pillars.ParseParams(text)
	}
	return err
}

// service: a staking wallet's passphrase comes as a credential, by a line LoadCredential=passphrase:FILE that its
// operator adds.
var service = daemon.Service{Title: "Asterism Pillars node", Program: "pillarsd", StopSecs: 60}
