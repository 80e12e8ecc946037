// Package daemon is what the command trees of our daemons have in common: where a node lives, how it is told to stop,
// where it logs, which listeners may be reached, and its service file.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// AddHome gives a command tree the flag --home.
func AddHome(root *cobra.Command) {
	root.PersistentFlags().String("home", "", "folder of the node (default: "+root.Name()+" below ASTER_HOME or the system's data folder)")
}

// HomeOf is the folder that --home names, or the usual one of a program.
func HomeOf(cmd *cobra.Command, program string) (string, error) {
	if dir, err := cmd.Flags().GetString("home"); err != nil || dir != "" {
		return dir, err
	}
	dir, err := cli.DataFolder()
	return filepath.Join(dir, program), err
}

// WriteNew writes a private file that must not exist yet, synced.
func WriteNew(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

const tiedFlag = "until-stdin-ends"

// AddTied gives a command the hidden flag by which a program that starts nodes is sure of their end.
func AddTied(cmd *cobra.Command) {
	cmd.Flags().Bool(tiedFlag, false, "stop when standard input ends: no node outlives the program that started it")
	cmd.Flags().Lookup(tiedFlag).Hidden = true
}

// Context is the command's, which ends with standard input where AddTied's flag is set.
func Context(cmd *cobra.Command) context.Context {
	if tied, _ := cmd.Flags().GetBool(tiedFlag); !tied {
		return cmd.Context()
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, cmd.InOrStdin())
	}()
	return ctx
}

// Log is how a node says what it does.
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Logger writes one line per event: text for a terminal, JSON for a collector.
func (l *Log) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		panic(fmt.Sprintf("daemon: log level %q passed the check", l.Level))
	}
	options := &slog.HandlerOptions{Level: level}
	f, isFile := w.(*os.File)
	if l.Format == "text" || l.Format == "auto" && isFile && term.IsTerminal(int(f.Fd())) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// Ops is where health and metrics are; empty is nowhere.
type Ops struct {
	Listen string `toml:"listen"`
}

// BadValue refuses the value of a key.
func BadValue(program, key, format string, args ...any) error {
	return cli.Fail(cli.BadConfig, "config_value", "%s: %s", key, fmt.Sprintf(format, args...)).WithHint("%s config show says where each value comes from", program)
}

// CheckAddress refuses what is not host:port.
func CheckAddress(program, key, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return BadValue(program, key, "%q is not host:port", address)
	}
	return nil
}

// Check refuses logs and listeners that cannot work, or that strangers could reach.
func Check(program string, log Log, ops Ops, rpc, cert, key, tokens string) error {
	switch {
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, log.Level):
		return BadValue(program, "log.level", "%q is none of debug, info, warn, error", log.Level)
	case !slices.Contains([]string{"text", "json", "auto"}, log.Format):
		return BadValue(program, "log.format", "%q is none of text, json, auto", log.Format)
	case (cert == "") != (key == ""):
		return BadValue(program, "rpc.tls_cert", "certificate and key go together: set rpc.tls_cert and rpc.tls_key")
	case !loopback(rpc) && (cert == "" || tokens == ""):
		return BadValue(program, "rpc.listen", "%s is reachable from outside: set rpc.tls_cert, rpc.tls_key and rpc.tokens_file, or listen on 127.0.0.1", rpc)
	case ops.Listen != "" && !loopback(ops.Listen):
		return BadValue(program, "ops.listen", "%s is reachable from outside: health and metrics stay on loopback", ops.Listen)
	}
	return nil
}

// loopback reports whether an address can be reached from this machine only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Progress shows how far a long work is, on a terminal only.
func Progress(cmd *cobra.Command) func(stage string, done, total uint64) {
	f, ok := cmd.ErrOrStderr().(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return func(string, uint64, uint64) {}
	}
	last := -1
	return func(stage string, done, total uint64) {
		percent := int(done * 100 / max(total, 1))
		if percent != last {
			last = percent
			fmt.Fprintf(f, "\r%s %3d %%", stage, percent)
			if done == total {
				fmt.Fprint(f, "\r\x1b[K")
			}
		}
	}
}
