// Package pillarscmd is the part of aster that works with the public chain: what a node knows of it,
// wallets, and what miners and stakers ask.
package pillarscmd

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/aster/internal/devnet"
	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/wallet"
	"github.com/spf13/cobra"
)

// defaultNode is where a node's RPC is when nobody says otherwise.
const defaultNode = "http://127.0.0.1:8820"

// Command is the tree below aster pillars. It reads the flags --node, --token-file and --timeout of the
// root.
func Command() *cobra.Command {
	root := cli.Group("pillars", "the public chain: blocks, wallets, assets, avatars, mining and staking",
		"  aster pillars info\n  aster pillars wallet create till --profile devnet\n  aster pillars wallet send till tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR 2.5",
		infoCommand(), blockCommand(), blocksCommand(), txCommand(), addressCommand(), balanceCommand(),
		assetCommand(), avatarCommand(), certCommand(), mitCommand(), mempoolCommand(), peersCommand(),
		miningCommand(), stakeCommand(), whyCommand(), followCommand(), decodeCommand(), broadcastCommand(), rpcCommand(), explorerCommand(), walletCommand())
	return root
}

// connect makes a client of the node to ask: --node, ASTER_PILLARS_NODE, the running devnet's, or the
// usual place on this machine.
func connect(cmd *cobra.Command) (*client.Client, error) {
	at := defaultNode
	if facts, err := devnet.Running(); err == nil && facts.Pillars != nil && len(facts.Pillars.Nodes) > 0 {
		at = facts.Pillars.Nodes[0].RPC
	}
	if text := os.Getenv("ASTER_PILLARS_NODE"); text != "" {
		at = text
	}
	if urls, err := cmd.Flags().GetStringSlice("node"); err == nil && len(urls) > 0 {
		at = urls[0]
	}
	if !strings.HasPrefix(at, "http://") && !strings.HasPrefix(at, "https://") {
		return nil, cli.Usage(cmd, "--node %q is no URL: want http://host:port", at)
	}
	var options []client.Option
	file, _ := cmd.Flags().GetString("token-file")
	if file == "" {
		file = os.Getenv("ASTER_TOKEN_FILE")
	}
	if file != "" {
		token, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		options = append(options, client.WithToken(string(bytes.TrimSpace(token))))
	}
	return client.New(at, options...), nil
}

// bounded is the command's context with the time that --timeout allows.
func bounded(cmd *cobra.Command) (context.Context, context.CancelFunc) {
	d, err := cmd.Flags().GetDuration("timeout")
	if err != nil || d <= 0 {
		d = time.Minute
	}
	return context.WithTimeout(cmd.Context(), d)
}

// asking runs a command that asks a node and prints the answer.
func asking(do func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		node, err := connect(cmd)
		if err != nil {
			return err
		}
		ctx, cancel := bounded(cmd)
		defer cancel()
		return explain(do(cmd, ctx, node, args))
	}
}

// explain gives the wallet's refusals and the node's their names, exit codes and next steps.
func explain(err error) error {
	var refusal *client.Error
	var outside *url.Error
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case err == nil:
		return nil
	case is(wallet.ErrInsufficient):
		return cli.Fail(cli.Failed, "insufficient", "%v", err).WithHint("aster pillars wallet coins NAME shows each output and what holds it")
	case is(wallet.ErrTooManyInputs):
		return cli.Fail(cli.Failed, "too_many_inputs", "%v", err).WithHint("aster pillars wallet send-all NAME to an address of the same wallet")
	case is(wallet.ErrWatchOnly):
		return cli.Fail(cli.Forbidden, "watch_only", "%v", err).WithHint("write a draft with --out FILE and sign it where the keys are")
	case is(wallet.ErrReferenceReused):
		return cli.Fail(cli.Failed, "reference_reused", "%v", err).WithHint("a reference names one payment for ever: take another for this one")
	case is(wallet.ErrIncomplete):
		return cli.Fail(cli.No, "incomplete", "%v", err).WithHint("let the others sign: aster pillars wallet sign NAME DRAFT")
	case is(wallet.ErrLocked):
		return cli.Fail(cli.NotYet, "wallet_in_use", "%v", err).WithHint("another command has it open: try again when that has ended")
	case is(wallet.ErrNetwork):
		return cli.Fail(cli.BadConfig, "wrong_network", "%v", err)
	case is(wallet.ErrDraft), is(wallet.ErrPSBT), is(wallet.ErrRequest), is(wallet.ErrWords), is(wallet.ErrWordsPassphrase), is(wallet.ErrKeyText),
		is(wallet.ErrAccount), is(wallet.ErrName), is(wallet.ErrMessage), is(wallet.ErrFee), is(wallet.ErrCoin):
		return cli.Fail(cli.Malformed, "malformed", "%v", err)
	case is(wallet.ErrSignature):
		return cli.Fail(cli.No, "signature_invalid", "%v", err)
	case is(wallet.ErrDamaged):
		return cli.Fail(cli.IO, "damaged", "%v", err).WithHint("restore the file from a backup, or the wallet from its words")
	case errors.As(err, &refusal):
		return explainRefusal(refusal, err)
	case errors.As(err, &outside) && !is(context.DeadlineExceeded) && !is(context.Canceled):
		return cli.Fail(cli.Unreachable, "node_unreachable", "%v", err).WithHint("is pillarsd running? say where it is with --node URL or ASTER_PILLARS_NODE")
	}
	return err
}

func explainRefusal(refusal *client.Error, err error) error {
	e := cli.Fail(cli.Failed, refusal.Name, "%v", err)
	switch refusal.Name {
	case "":
		e.Name = "refused"
	case "not_ready", "rate_limited", "timeout":
		e.Code, e.Hint = cli.NotYet, "wait a moment and try again, or ask another node"
	case "unauthorized", "forbidden":
		e.Code, e.Hint = cli.Forbidden, "give a token with the needed right: --token-file or ASTER_TOKEN_FILE"
	case "malformed", "invalid_params":
		e.Code = cli.Malformed
	case "not_found":
		e.Hint = "does the node stand at the newest block? aster pillars info"
	}
	return e
}

// addProfile gives a command the flag that names the network without a node.
func addProfile(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("profile", "", "network to work for without asking a node: the name of a built-in profile, or its genesis file")
	return cmd
}

// profile is the network of a command: the flag's, else the node's.
func profile(cmd *cobra.Command) (*pillars.Params, error) {
	if text, _ := cmd.Flags().GetString("profile"); text != "" {
		return readProfile(text)
	}
	node, err := connect(cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	p, err := node.Profile(ctx)
	return p, explain(err)
}

const maxProfile = 16 << 20

// readProfile reads a genesis file, or finds a built-in profile.
func readProfile(text string) (*pillars.Params, error) {
	if p, ok := pillars.ProfileByName(text); ok {
		return &p, nil
	}
	f, err := os.Open(text)
	if err != nil {
		return nil, cli.Fail(cli.Failed, "no_profile", "no profile and no file is called %q", text).WithHint("built in are %s", strings.Join(profileNames(), ", "))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err != nil {
		return nil, err
	}
	p, err := pillars.ParseParams(data)
	if err != nil {
		return nil, cli.Fail(cli.Malformed, "malformed", "%s: %v", text, err)
	}
	return p, nil
}

func profileNames() (names []string) {
	for _, p := range pillars.Profiles() {
		names = append(names, p.Name)
	}
	return names
}

// addWallet gives a command the flags that find and open a wallet.
func addWallet(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("home", "", "folder of all data (default: ASTER_HOME, else the system's data folder)")
	cmd.Flags().String("passphrase-file", "", "file with the wallet's passphrase (default: "+keystore.PassphraseFileEnv+", else ask)")
	return addProfile(cmd)
}

// walletDir is the folder of a network's wallets.
func walletDir(cmd *cobra.Command, p *pillars.Params) (string, error) {
	home, _ := cmd.Flags().GetString("home")
	if home == "" {
		var err error
		if home, err = cli.DataFolder(); err != nil {
			return "", err
		}
	}
	return filepath.Join(home, "wallets", "pillars-"+p.Name), nil
}

// location says where a wallet is and asks for its passphrase.
func location(cmd *cobra.Command, name string, p *pillars.Params, fresh bool) (wallet.Location, error) {
	at := wallet.Location{Name: name, Params: *p}
	var err error
	if at.Dir, err = walletDir(cmd, p); err != nil {
		return at, err
	}
	if _, err := os.Stat(filepath.Join(at.Dir, name+".pillars")); errors.Is(err, os.ErrNotExist) && !fresh {
		return at, cli.Fail(cli.Failed, "no_wallet", "no wallet %q for network %s", name, p.Name).WithHint("aster pillars wallet list, or aster pillars wallet create %s", name)
	}
	file, _ := cmd.Flags().GetString("passphrase-file")
	at.Passphrase, err = keystore.Source{File: file, Confirm: fresh}.Passphrase(fmt.Sprintf("Passphrase of wallet %s: ", name))
	return at, err
}

// open opens a wallet by name.
func open(cmd *cobra.Command, name string) (*wallet.Wallet, error) {
	p, err := profile(cmd)
	if err != nil {
		return nil, err
	}
	at, err := location(cmd, name, p, false)
	if err != nil {
		return nil, err
	}
	defer keystore.Zero(at.Passphrase)
	w, err := wallet.Open(at)
	return w, explain(err)
}

// A session is a wallet that has read what a node knows of it.
type session struct {
	*wallet.Wallet
	client *client.Client
	node   wallet.Node
	params pillars.Params
}

// scanned opens a wallet and reads what is new.
func scanned(cmd *cobra.Command, ctx context.Context, name string) (*session, error) {
	w, err := open(cmd, name)
	if err != nil {
		return nil, err
	}
	s := &session{Wallet: w, params: w.Params()}
	if s.client, err = connect(cmd); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	s.node = wallet.From(s.client, &s.params)
	if err := s.sameNetwork(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if _, err := w.Scan(ctx, s.node); err != nil {
		return nil, errors.Join(explain(err), w.Close())
	}
	return s, nil
}

// sameNetwork refuses a node of another network before addresses of ours are told to it.
func (s *session) sameNetwork(ctx context.Context) error {
	info, err := s.client.Info(ctx)
	if err != nil {
		return explain(err)
	}
	if info.Network != s.params.Name {
		return cli.Fail(cli.BadConfig, "wrong_network", "the node at %s is of network %s, the wallet of %s", s.client.URL(), info.Network, s.params.Name).
			WithHint("name another node with --node")
	}
	return nil
}

// drawn fills in the seed that choosing draws from.
func drawn(o wallet.Options) wallet.Options {
	_, _ = rand.Read(o.Seed[:]) // never fails
	return o
}

// argument returns the text of an argument, of the file that it names behind @, or of standard input
// for "-".
func argument(cmd *cobra.Command, arg string, limit int64) (string, error) {
	var from io.Reader
	switch {
	case arg == "-":
		from = cmd.InOrStdin()
	case strings.HasPrefix(arg, "@"):
		f, err := os.Open(arg[1:])
		if err != nil {
			return "", err
		}
		defer f.Close()
		from = f
	default:
		return arg, nil
	}
	text, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(text)) > limit {
		return "", cli.Fail(cli.Malformed, "too_large", "more than %d bytes", limit)
	}
	return strings.TrimSpace(string(text)), nil
}

// when writes a time of the chain.
func when(t uint32) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }
