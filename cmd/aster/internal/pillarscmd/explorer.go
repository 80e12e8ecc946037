package pillarscmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/explorer"
	"github.com/spf13/cobra"
)

func explorerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explorer", Short: "serve web pages of the public chain, as one node tells",
		Example: "  aster pillars explorer\n  aster pillars explorer --listen 127.0.0.1:8090 --node http://127.0.0.1:8820",
		Args:    cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			node, err := connect(cmd)
			if err != nil {
				return err
			}
			pages, err := explorer.NewPillars(node.URL(), nil, nil)
			if err != nil {
				return cli.Usage(cmd, "%v", err)
			}
			address, _ := cmd.Flags().GetString("listen")
			var config net.ListenConfig
			l, err := config.Listen(cmd.Context(), "tcp", address)
			if err != nil {
				return cli.Fail(cli.BadConfig, "cannot_listen", "%v", err).WithHint("name another address with --listen")
			}
			url := "http://" + l.Addr().String()
			if err := cli.Print(cmd, map[string]string{"url": url}, func(w io.Writer) { fmt.Fprintf(w, "web page   %s\nCtrl-C ends it.\n", url) }); err != nil {
				return errors.Join(err, l.Close())
			}
			server := &http.Server{Handler: pages.Handler(), ReadHeaderTimeout: 10 * time.Second}
			stop := context.AfterFunc(cmd.Context(), func() { server.Close() })
			defer stop()
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		},
	}
	cmd.Flags().String("listen", "127.0.0.1:8080", "address of the web page")
	return cmd
}
