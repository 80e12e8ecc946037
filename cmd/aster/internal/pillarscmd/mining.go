package pillarscmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/spf13/cobra"
)

func miningCommand() *cobra.Command {
	info := &cobra.Command{
		Use: "info", Short: "what the next block must show and earns, and who made the last ones",
		Example: "  aster pillars mining info\n  aster pillars mining info --json",
		Args:    cli.Args(),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, _ []string) error {
			m, err := node.Mining(ctx)
			if err != nil {
				return err
			}
			return cli.Print(cmd, m, func(w io.Writer) { printMining(w, &m) })
		}),
	}
	return cli.Group("mining", "work and stake", "  aster pillars mining info", info)
}

func printMining(w io.Writer, m *client.MiningInfo) {
	t := cli.NewTable("", "WORK", "STAKE")
	t.Row("difficulty", m.PoWBits, m.PoSBits)
	t.Row("subsidy", m.PoWSubsidy, m.PoSSubsidy)
	t.Row("in a row", fmt.Sprintf("%d of %d", m.WorkRun, m.WorkRunMax), fmt.Sprintf("%d of %d", m.StakeRun, m.StakeRunMax))
	t.Row("blocked by", m.PoWBlocked, m.PoSBlocked)
	t.Row(fmt.Sprintf("of the last %d", m.Shares.Blocks), m.Shares.PoW, m.Shares.PoS)
	t.Row("share", percent(m.Shares.PoW, m.Shares.Blocks), percent(m.Shares.PoS, m.Shares.Blocks))
	t.Row("aim", fmt.Sprintf("%.1f %%", 100*m.Shares.PoWTarget), fmt.Sprintf("%.1f %%", 100-100*m.Shares.PoWTarget))
	t.Row("mean interval", fmt.Sprintf("%.1f s", m.Shares.PoWInterval), fmt.Sprintf("%.1f s", m.Shares.PoSInterval))
	t.Row("aim", fmt.Sprintf("%.1f s", m.Shares.PoWAim), fmt.Sprintf("%.1f s", m.Shares.PoSAim))
	t.WriteTo(w)
	fmt.Fprintf(w, "\nthe network makes about %d hashes a second\n", m.HashRate)
	if m.Mining || m.Staking {
		fmt.Fprintf(w, "this node: mining %v at %d hashes a second, staking %v, %d and %d blocks found\n", m.Mining, m.OwnRate, m.Staking, m.Found, m.StakeFound)
	}
}

func percent(n, of uint32) string {
	if of == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

func stakeCommand() *cobra.Command {
	info := &cobra.Command{
		Use: "info ADDRESS|AVATAR", Short: "what an address can stake, what ripens, and how likely it wins",
		Example: "  aster pillars stake info tPd41bKLJGf1C5RRvaiV2mytqZB6WfM1vR\n  aster pillars stake info alice --json",
		Args:    cli.Args("ADDRESS"),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, args []string) error {
			s, err := node.Staking(ctx, args[0])
			if err != nil {
				return err
			}
			return cli.Print(cmd, s, func(w io.Writer) {
				t := cli.NewTable()
				t.Row("address", s.Address)
				t.Row("usable", s.Usable)
				t.Row("maturing", fmt.Sprintf("%s, outputs stake %d blocks after they were made", s.Maturing, s.Needs))
				t.Row("difficulty", s.Bits)
				t.Row("chance", fmt.Sprintf("%.1f %% of a block within an hour", 100*s.Chance))
				if s.Why != "" {
					t.Row("missing", s.Why)
				}
				t.WriteTo(w)
				fmt.Fprintln(w)
				t = cli.NewTable("OUTPUT", "ETP", "HEIGHT", "READY")
				for _, o := range s.Stakes {
					ready := "now"
					if !o.Ready {
						ready = fmt.Sprintf("at %d", o.At)
					}
					t.Row(fmt.Sprintf("%s:%d", o.Output.Tx, o.Output.Index), o.Value, o.Height, ready)
				}
				t.WriteTo(w)
			})
		}),
	}
	return cli.Group("stake", "what an address can stake", "  aster pillars stake info alice", info)
}

func whyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "why", Short: "why the last blocks were not this node's",
		Example: "  aster pillars why\n  aster pillars why --blocks 50 --json",
		Args:    cli.Args(),
		RunE: asking(func(cmd *cobra.Command, ctx context.Context, node *client.Client, _ []string) error {
			blocks, _ := cmd.Flags().GetInt("blocks")
			var answers json.RawMessage
			if err := node.Call(ctx, "getwhy", map[string]any{"blocks": blocks}, &answers); err != nil {
				return err
			}
			return cli.Print(cmd, answers, func(w io.Writer) { printWhy(w, answers) })
		}),
	}
	cmd.Flags().Int("blocks", 20, "how many of the last blocks, at most 500")
	return cmd
}

// A reason is one cause with what was measured.
type reason struct {
	Cause string `json:"cause"`
	Text  string `json:"text"`
}

// A cause is a reason with how often it was one, and what to do about it.
type cause struct {
	Cause  string `json:"cause"`
	Blocks int    `json:"blocks"`
	Advice string `json:"advice"`
}

// printWhy shows one block a line, and then what can be done; what it does not understand it shows as it came.
func printWhy(w io.Writer, answers json.RawMessage) {
	var report struct {
		Blocks []struct {
			Height uint32 `json:"height"`
			Seal   string `json:"seal"`
			After  uint32 `json:"after_seconds"`
			Work   reason `json:"work"`
			Stake  reason `json:"stake"`
		} `json:"blocks"`
		Mine  int     `json:"mine"`
		Work  []cause `json:"work"`
		Stake []cause `json:"stake"`
	}
	if json.Unmarshal(answers, &report) != nil {
		cli.PrintJSON(w, answers)
		return
	}
	t := cli.NewTable("HEIGHT", "SEAL", "AFTER", "AS A MINER", "AS A STAKER")
	for _, a := range report.Blocks {
		t.Row(a.Height, a.Seal, fmt.Sprintf("%d s", a.After), a.Work, a.Stake)
	}
	t.WriteTo(w)
	fmt.Fprintf(w, "\n%d of the last %d blocks are this node's\n", report.Mine, len(report.Blocks))
	for _, side := range []struct {
		word string
		list []cause
	}{{"as a miner", report.Work}, {"as a staker", report.Stake}} {
		for _, c := range side.list {
			if c.Advice != "" {
				fmt.Fprintf(w, "%s, %d times %s: %s\n", side.word, c.Blocks, strings.ReplaceAll(c.Cause, "_", " "), c.Advice)
			}
		}
	}
}

// String is the text, or the cause alone.
func (r reason) String() string {
	if r.Text != "" {
		return r.Text
	}
	return r.Cause
}
