package kerneld

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/daemon"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
)

func initCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "init", Short: "make the home of a node: settings, keys, and with --genesis its storage",
		Long: "init makes a folder with commented settings and a new node key, and prints the public key.\n" +
			"Once the network's genesis is known, init --genesis FILE puts it into the same folder and\n" +
			"prepares the storage. It runs once: a node whose storage is lost must not start as if it were new.",
		Example: "  kerneld init --home n8\n  kerneld init --home n8 --genesis genesis.json --peers n1=10.0.0.1:5850,n2=10.0.0.2:5850\n  kerneld init --home n8 --genesis genesis.json --from-state network.state\n  kerneld init --home n8 --genesis genesis.json --from-state https://n1.example:6860,https://n2.example:6860 --token-file token\n  kerneld init --home n8 --print systemd",
		Args:    cli.Args(),
		RunE:    runInit,
	}
	table.AddFlags(cmd)
	cmd.Flags().String("genesis", "", "genesis file of the network")
	cmd.Flags().String("from-state", "", "begin with a certified state instead of the whole history: a file (kerneld export --state), or URLs of nodes, the newest of theirs")
	cmd.Flags().Bool("again", false, "with --from-state: set the storage of a node that has run before aside; it signs nothing in this epoch and the next")
	cmd.Flags().String("token-file", "", "with --from-state URL: file with the token for those nodes")
	cmd.Flags().Bool("pruned", false, "a node that lets history go: --store.mode pruned")
	cmd.Flags().String("passphrase-file", "", "file with the passphrase of the key file (default: ask)")
	daemon.AddPrint(cmd)
	return cmd
}

type initResult struct {
	Home    string           `json:"home"`
	Node    kernel.Key       `json:"node_key"`
	Network kernel.NetworkID `json:"network,omitzero"`
	Name    string           `json:"name,omitempty"`

	Checkpoint *kernel.Checkpoint `json:"checkpoint,omitempty"` // of the state that it begins with
	Aside      string             `json:"aside,omitempty"`      // where the storage is kept that a state took the place of
}

func runInit(cmd *cobra.Command, _ []string) error {
	home, err := homeOf(cmd)
	if err != nil {
		return err
	}
	if asked, err := service.Print(cmd, string(home)); asked || err != nil {
		return err
	}
	if err := cli.MakeHome(string(home)); err != nil {
		return err
	}
	c, _, err := loadConfig(cmd, home)
	if err != nil {
		return err
	}
	if pruned, _ := cmd.Flags().GetBool("pruned"); pruned {
		c.Store.Mode = prunedMode
	}
	if err := daemon.WriteNew(home.Config(), []byte(c.WriteTOML())); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	result := initResult{Home: string(home)}
	if result.Node, err = makeKey(cmd, home); err != nil {
		return err
	}
	if file, _ := cmd.Flags().GetString("genesis"); file != "" {
		g, err := ReadGenesisFile(file)
		if err != nil {
			return err
		}
		if state, _ := cmd.Flags().GetString("from-state"); state != "" {
			if err := installState(cmd, home, g, &result, state); err != nil {
				return err
			}
		} else if err := home.Install(g, result.Node); err != nil {
			return err
		}
		result.Network, result.Name = g.NetworkID(), g.Name
	}
	return cli.Print(cmd, result, func(w io.Writer) { result.print(w, home) })
}

func (r initResult) print(w io.Writer, home Home) {
	fmt.Fprintf(w, "home      %s\nnode key  %s\n", r.Home, r.Node)
	if r.Name == "" {
		fmt.Fprintf(w, "\nNext: take part in the network's ceremony (aster genesis --help), then\n  kerneld init --home %s --genesis FILE\n", home)
		return
	}
	if r.Checkpoint != nil {
		fmt.Fprintf(w, "state     of commit %d, the end of epoch %d\n", r.Checkpoint.Index, r.Checkpoint.Epoch)
	}
	if r.Aside != "" {
		fmt.Fprintf(w, "kept      %s; the node signs nothing in this epoch and the next\n", r.Aside)
	}
	fmt.Fprintf(w, "network   %s %s\n\nNext:\n  kerneld config check --home %s\n  kerneld run --home %s\n", r.Name, r.Network, home, home)
}

// makeKey creates the node key unless the home has one.
func makeKey(cmd *cobra.Command, home Home) (kernel.Key, error) {
	if fileExists(home.Key()) {
		return home.PublicKey()
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	phrase, err := passphraseSource(file, true).Passphrase("New passphrase of the node key: ")
	if err != nil {
		return kernel.Key{}, err
	}
	var id Identity
	if _, err := rand.Read(id.Seed[:]); err != nil {
		return kernel.Key{}, err
	}
	key := kernel.NodeKeyFromSeed(id.Seed).Public()
	return key, home.WriteIdentity(&id, key, phrase, false)
}

// Install puts a genesis into the home and prepares the storage, once.
func (h Home) Install(g *kernel.Genesis, key kernel.Key) error {
	if _, err := memberOf(g, key); err != nil {
		return err
	}
	if err := h.writeGenesis(g); err != nil {
		return err
	}
	if node.HasFolder(h.Data()) {
		return cli.Fail(cli.Failed, "exists", "%s exists: this node has run before", h.Data()).
			WithHint("to start a node whose storage is lost, see docs/guide/operator.md; never init it again")
	}
	return node.Init(h.Data(), node.InitConfig{Genesis: g, Key: key})
}

// memberOf finds the place of a key in a genesis. Where members can join, one who is none follows, and
// becomes a member by pledge and acceptance: it has no place.
func memberOf(g *kernel.Genesis, key kernel.Key) (place int, err error) {
	for i, m := range g.Members {
		if m.Key == key {
			return i, nil
		}
	}
	if g.Stake != nil {
		return -1, nil
	}
	return -1, cli.Fail(cli.BadConfig, "not_a_member", "node key %s is no member of network %s", key, g.Name).
		WithHint("is this the right home and the right genesis file?")
}

// service: the passphrase comes as a credential.
var service = daemon.Service{Title: "Asterism Kernel node", Program: "kerneld", Credential: true, StopSecs: 30}
