package kerneld

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/node"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// installState makes the storage of a node that begins with a certified state: of a file, or the newest of some nodes.
func installState(cmd *cobra.Command, home Home, g *kernel.Genesis, result *initResult, from string) error {
	if _, err := memberOf(g, result.Node); err != nil {
		return err
	}
	again, _ := cmd.Flags().GetBool("again")
	switch has := node.HasFolder(home.Data()); {
	case has && !again:
		return cli.Fail(cli.Failed, "exists", "%s exists: this node has run before", home.Data()).
			WithHint("with --again its storage is set aside, and it signs nothing in this epoch and the next: one that forgets what it signed could sign twice")
	case !has && again:
		return cli.Fail(cli.Failed, "no_storage", "%s does not exist: there is nothing to set aside", home.Data()).WithHint("leave out --again")
	}
	unlock, err := home.Lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := home.writeGenesis(g); err != nil {
		return err
	}
	c := node.InitConfig{Genesis: g, Key: result.Node}
	if strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") {
		err = result.fromNodes(cmd, home, c, from, again)
	} else {
		err = result.fromFile(home, c, from, again)
	}
	if errors.Is(err, node.ErrState) {
		return cli.Fail(cli.Malformed, "bad_state", "%s: %v", from, err).WithHint("get a state from another node: nothing of this one was taken")
	}
	return err
}

func (r *initResult) fromFile(home Home, c node.InitConfig, file string, again bool) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if again {
		r.Checkpoint, r.Aside, err = node.Renew(home.Data(), c, f)
	} else {
		r.Checkpoint, err = node.InitFrom(home.Data(), c, f)
	}
	return err
}

func (r *initResult) fromNodes(cmd *cobra.Command, home Home, c node.InitConfig, urls string, again bool) error {
	var options []client.Option
	if file, _ := cmd.Flags().GetString("token-file"); file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		options = append(options, client.WithToken(string(bytes.TrimSpace(token))))
	}
	var nodes []*client.Client
	for url := range strings.SplitSeq(urls, ",") {
		nodes = append(nodes, client.New(url, options...))
	}
	var err error
	if again {
		r.Checkpoint, r.Aside, err = node.RenewFromNodes(cmd.Context(), home.Data(), c, nodes, received(cmd))
	} else {
		r.Checkpoint, err = node.InitFromNodes(cmd.Context(), home.Data(), c, nodes, received(cmd))
	}
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, node.ErrState) {
		return err
	}
	return cli.Fail(cli.NotYet, "no_state", "%v", err).
		WithHint("a network has a state once an epoch has ended and was certified; ask other nodes, or read the history: kerneld init without --from-state")
}

// received shows how much of a state has come, on a terminal only.
func received(cmd *cobra.Command) func(bytes int64) {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(int64) {}
	}
	last := int64(-1)
	return func(n int64) {
		if n>>20 != last {
			last = n >> 20
			fmt.Fprintf(f, "\r\x1b[K%d MiB of the state have come, and are checked", last)
		}
	}
}
