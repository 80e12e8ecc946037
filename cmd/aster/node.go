package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func nodeCommand() *cobra.Command {
	return cli.Group("node", "ask a node about itself; become a member, or leave", "  aster node info\n  aster node peers\n  aster node list",
		append(memberCommands(), &cobra.Command{
			Use: "info", Short: "state, newest commit and the members as the node sees them",
			Example: "  aster node info\n  aster node info --node http://127.0.0.1:6863 --json",
			Args:    cli.Args(),
			RunE:    nodeInfo,
		},
			&cobra.Command{
				Use: "peers", Short: "the node's connections to other members",
				Example: "  aster node peers --node http://127.0.0.1:6863",
				Args:    cli.Args(),
				RunE:    nodePeers,
			})...)
}

func nodeInfo(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	info, err := node.Info(ctx)
	if err != nil {
		return err
	}
	return cli.Print(cmd, info, func(w io.Writer) { printInfo(w, node.URL(), &info) })
}

func printInfo(w io.Writer, url string, info *client.Info) {
	state := info.State
	if len(info.Reasons) > 0 {
		state += " (" + strings.Join(info.Reasons, ", ") + ")"
	}
	t := cli.NewTable()
	t.Row("node", info.Name+"  "+info.Node.String())
	t.Row("answered by", url)
	t.Row("network", info.Network)
	t.Row("state", state)
	t.Row("up for", info.Uptime)
	t.Row("epoch, round", fmt.Sprintf("%d, %d", info.EpochNumber, info.Round))
	t.Row("newest commit", fmt.Sprintf("%d at %s", info.Head.Index, info.Head.Timestamp.Time().Format(time.RFC3339Nano)))
	t.Row("state digest", info.Head.Digest)
	t.Row("waiting", fmt.Sprintf("%d transactions, %d bytes", info.Mempool.Transactions, info.Mempool.Bytes))
	t.Row("peers", info.Peers)
	if s := info.Storage; s != nil {
		from := "all of it"
		if s.Base > 0 {
			from = fmt.Sprintf("from epoch %d, behind commit %d", s.FirstEpoch, s.Base)
		}
		t.Row("history", fmt.Sprintf("%s (%s), log %d MiB, state %d MiB; %d archives connected", from, s.Mode, s.LogBytes>>20, s.StateBytes>>20, len(s.Archives)))
	}
	t.WriteTo(w)
	if len(info.Members) == 0 {
		return
	}
	fmt.Fprintln(w)
	members := cli.NewTable("MEMBER", "ROUND", "NODE ID", "")
	for _, m := range info.Members {
		flag := ""
		if m.Flagged {
			flag = "flagged"
		}
		members.Row(m.Name, m.Round, m.Node, flag)
	}
	members.WriteTo(w)
}

func nodePeers(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	peers, err := node.Peers(ctx)
	if err != nil {
		return err
	}
	return cli.Print(cmd, peers, func(w io.Writer) {
		t := cli.NewTable("PEER", "ADDRESS", "STATE", "ROUND", "RTT", "SENT", "RECEIVED", "")
		for _, p := range peers {
			state, rtt := "connected", "-"
			if !p.Connected {
				state = "down"
			}
			if p.RTT > 0 {
				rtt = fmt.Sprintf("%d ms", p.RTT)
			}
			t.Row(p.Name, p.Address, state, p.Round, rtt, p.Sent, p.Received, p.Error)
		}
		t.WriteTo(w)
	})
}
