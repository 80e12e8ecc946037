package pillarscmd

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/spf13/cobra"
)

func assetCommand() *cobra.Command {
	return paged(&cobra.Command{
		Use: "asset [SYMBOL]", Short: "an asset, or all of them",
		Example: "  aster pillars asset\n  aster pillars asset GOLD --json",
		Args:    cli.Args("[SYMBOL"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			if len(args) > 0 {
				a, err := node.Asset(ctx, args[0])
				if err != nil {
					return err
				}
				return cli.Print(cmd, a, func(w io.Writer) { printAsset(w, &a) })
			}
			from, limit := page(cmd)
			p, err := node.Assets(ctx, from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, p, func(w io.Writer) {
				t := cli.NewTable("SYMBOL", "OUTSTANDING", "ISSUER", "DESCRIPTION")
				for _, a := range p.Items {
					t.Row(a.Symbol, decimal(uint64(a.Outstanding), a.Decimals), a.Issuer, a.Description)
				}
				t.WriteTo(w)
				more(w, p.Next)
			})
		}),
	})
}

func printAsset(w io.Writer, a *client.Asset) {
	t := cli.NewTable()
	t.Row("symbol", a.Symbol)
	t.Row("outstanding", decimal(uint64(a.Outstanding), a.Decimals))
	t.Row("issued", fmt.Sprintf("%s, mined %s, burned %s", decimal(uint64(a.Supply), a.Decimals), decimal(uint64(a.Mined), a.Decimals), decimal(uint64(a.Burned), a.Decimals)))
	t.Row("decimals", a.Decimals)
	t.Row("further issue", threshold(a.Threshold))
	t.Row("issuer", fmt.Sprintf("%s at %s", a.Issuer, a.Address))
	t.Row("since", fmt.Sprintf("height %d", a.Height))
	if a.Mining != "" {
		t.Row("mined by", a.Mining)
	}
	t.Row("description", a.Description)
	t.WriteTo(w)
}

func threshold(t uint8) string {
	switch t {
	case 0:
		return "never"
	case 127:
		return "by who holds the issue certificate"
	}
	return fmt.Sprintf("by who holds the issue certificate and %d %% of the supply", t)
}

func avatarCommand() *cobra.Command {
	return paged(&cobra.Command{
		Use: "avatar [NAME|ADDRESS]", Short: "an avatar with the addresses that it had, or all of them",
		Example: "  aster pillars avatar alice\n  aster pillars avatar --json",
		Args:    cli.Args("[NAME"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			if len(args) > 0 {
				a, err := node.Avatar(ctx, args[0])
				if err != nil {
					return err
				}
				return cli.Print(cmd, a, func(w io.Writer) {
					fmt.Fprintf(w, "%s is at %s since height %d\n", a.Symbol, a.Address, a.Height)
					printHistory(w, a.History)
				})
			}
			from, limit := page(cmd)
			p, err := node.Avatars(ctx, from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, p, func(w io.Writer) {
				t := cli.NewTable("AVATAR", "ADDRESS", "SINCE")
				for _, a := range p.Items {
					t.Row(a.Symbol, a.Address, a.Height)
				}
				t.WriteTo(w)
				more(w, p.Next)
			})
		}),
	})
}

func printHistory(w io.Writer, list []client.AvatarChange) {
	t := cli.NewTable("HEIGHT", "TIME", "ADDRESS", "TRANSACTION")
	for _, c := range list {
		t.Row(c.Height, when(c.Time), c.Address, c.Tx)
	}
	t.WriteTo(w)
}

func certCommand() *cobra.Command {
	cmd := paged(&cobra.Command{
		Use: "cert [SYMBOL TYPE]", Short: "a certificate, or all of them",
		Example: "  aster pillars cert GOLD issue\n  aster pillars cert --of alice\n  aster pillars cert --json",
		Args:    cli.Args("[SYMBOL", "[TYPE"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			if len(args) == 1 {
				return cli.Usage(cmd, "TYPE is missing: issue, domain, naming, mining, witness or custom:n")
			}
			if len(args) > 0 {
				kind, ok := client.ParseCert(args[1])
				if !ok {
					return cli.Usage(cmd, "%q is no type of certificate: want issue, domain, naming, mining, witness or custom:n", args[1])
				}
				c, err := node.Certificate(ctx, args[0], kind)
				if err != nil {
					return err
				}
				return cli.Print(cmd, c, func(w io.Writer) { printCerts(w, []client.Certificate{c}) })
			}
			from, limit := page(cmd)
			of, _ := cmd.Flags().GetString("of")
			p, err := node.Certificates(ctx, of, from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, p, func(w io.Writer) {
				printCerts(w, p.Items)
				more(w, p.Next)
			})
		}),
	})
	cmd.Flags().String("of", "", "only those of an address or avatar")
	return cmd
}

func printCerts(w io.Writer, list []client.Certificate) {
	t := cli.NewTable("SYMBOL", "TYPE", "OWNER", "ADDRESS", "CONTENT")
	for _, c := range list {
		owner := c.Owner
		if c.Burned {
			owner = "(burned)"
		}
		t.Row(c.Symbol, c.Cert, owner, c.Address, c.Content)
	}
	t.WriteTo(w)
}

func mitCommand() *cobra.Command {
	cmd := paged(&cobra.Command{
		Use: "mit [SYMBOL]", Short: "an identifiable token with the addresses that it was at, or all of them",
		Example: "  aster pillars mit ticket-17\n  aster pillars mit --of alice --json",
		Args:    cli.Args("[SYMBOL"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			if len(args) > 0 {
				t, err := node.Token(ctx, args[0])
				if err != nil {
					return err
				}
				return cli.Print(cmd, t, func(w io.Writer) {
					fmt.Fprintf(w, "%s is at %s: %s\n", t.Symbol, t.Address, t.Content)
					printHistory(w, t.History)
				})
			}
			from, limit := page(cmd)
			of, _ := cmd.Flags().GetString("of")
			p, err := node.Tokens(ctx, of, from, limit)
			if err != nil {
				return err
			}
			return cli.Print(cmd, p, func(w io.Writer) {
				t := cli.NewTable("SYMBOL", "ADDRESS", "CONTENT")
				for _, m := range p.Items {
					t.Row(m.Symbol, m.Address, m.Content)
				}
				t.WriteTo(w)
				more(w, p.Next)
			})
		}),
	})
	cmd.Flags().String("of", "", "only those of an address or avatar")
	return cmd
}

// paged gives a list its flags.
func paged(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("from", "", "where a page before ended")
	cmd.Flags().Int("limit", 100, "how many, at most 500")
	return cmd
}

func page(cmd *cobra.Command) (from string, limit int) {
	from, _ = cmd.Flags().GetString("from")
	limit, _ = cmd.Flags().GetInt("limit")
	return from, limit
}

func more(w io.Writer, next string) {
	if next != "" {
		fmt.Fprintf(w, "more: --from %s\n", next)
	}
}

// decimal writes a quantity with the decimals of its asset.
func decimal(quantity uint64, decimals uint8) string {
	s := strconv.FormatUint(quantity, 10)
	if decimals == 0 {
		return s
	}
	if n := int(decimals) + 1 - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	point := len(s) - int(decimals)
	return s[:point] + "." + s[point:]
}

// parseDecimal reads what decimal writes; fewer decimals are enough.
func parseDecimal(text string, decimals uint8) (uint64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > int(decimals) || whole == "" || strings.HasSuffix(text, ".") {
		return 0, cli.Fail(cli.Malformed, "malformed", "quantity %q: want digits, with at most %d decimals", text, decimals)
	}
	v, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", int(decimals)-len(fraction)), 10, 64)
	if err != nil {
		return 0, cli.Fail(cli.Malformed, "malformed", "quantity %q: want digits, in smallest units below 2^64", text)
	}
	return v, nil
}
