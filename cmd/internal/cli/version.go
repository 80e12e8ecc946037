package cli

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/asterism-network/asterism/kernel"
	"github.com/spf13/cobra"
)

// A Build says what a program was made from.
type Build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Modified bool   `json:"modified,omitempty"` // built from a tree with changes
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Snapshot int    `json:"snapshot_version"`
	Tx       int    `json:"transaction_version"`
}

// ReadBuild reads what the Go tool recorded in the binary.
func ReadBuild() Build {
	b := Build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Snapshot: kernel.SnapshotVersion, Tx: kernel.TransactionVersion}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// VersionCommand prints what the program was made from.
func VersionCommand(program string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "what this program was made from",
		Example: "  " + program + " version --json",
		Args:    Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b := ReadBuild()
			return Print(cmd, b, func(w io.Writer) {
				fmt.Fprintf(w, "%s %s %s %s", program, b.Version, b.Go, b.Platform)
				if b.Commit != "" {
					fmt.Fprintf(w, " commit %.12s", b.Commit)
				}
				fmt.Fprintf(w, "\nsnapshot version %d, transaction version %d\n", b.Snapshot, b.Tx)
			})
		},
	}
}
