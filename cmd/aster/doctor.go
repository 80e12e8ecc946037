package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: "ask every node the questions that an operator asks first; exit code 3 if one is unwell",
		Example: "  aster doctor\n  aster doctor --node http://127.0.0.1:6861 --node http://127.0.0.1:6862",
		Args:    cli.Args(),
		RunE:    runDoctor,
	}
}

// A diagnosis is one node's answers.
type diagnosis struct {
	Node     string             `json:"node"`
	Name     string             `json:"name,omitempty"`
	State    string             `json:"state"`
	Commit   kernel.CommitIndex `json:"commit,omitempty"`
	Digest   kernel.Digest      `json:"digest,omitzero"`
	Age      float64            `json:"commit_age_s,omitempty"`
	Problems []string           `json:"problems"`
}

func runDoctor(cmd *cobra.Command, _ []string) error {
	nodes, err := connect(cmd)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(cmd)
	defer cancel()
	var all []diagnosis
	sick := 0
	for _, node := range nodes.Nodes() {
		d := diagnose(ctx, node)
		all = append(all, d)
		if len(d.Problems) > 0 {
			sick++
		}
	}
	err = cli.Print(cmd, all, func(w io.Writer) {
		t := cli.NewTable("NODE", "STATE", "COMMIT", "AGE", "")
		for _, d := range all {
			text := "well"
			if len(d.Problems) > 0 {
				text = fmt.Sprint(d.Problems)
			}
			t.Row(d.Node, d.State, d.Commit, fmt.Sprintf("%.1f s", d.Age), text)
		}
		t.WriteTo(w)
	})
	if err == nil && sick > 0 {
		return cli.Fail(cli.No, "unwell", "%d of %d nodes are unwell", sick, len(all)).WithHint("aster node info --node URL, and the node's log")
	}
	return err
}

// maxAge is how old the newest commit of an idle network may be: idle nodes still make a round
// a second.
const maxAge = 30 * time.Second

func diagnose(ctx context.Context, node *client.Client) diagnosis {
	d := diagnosis{Node: node.URL(), State: "silent", Problems: []string{}}
	info, err := node.Info(ctx)
	if err != nil {
		d.Problems = append(d.Problems, err.Error())
		return d
	}
	d.Name, d.State, d.Commit, d.Digest = info.Name, info.State, info.Head.Index, info.Head.Digest
	age := time.Since(info.Head.Timestamp.Time())
	d.Age = age.Seconds()
	if info.State != "active" {
		d.Problems = append(d.Problems, append([]string{"it is " + info.State}, info.Reasons...)...)
	}
	if age > maxAge && info.Head.Index > 0 {
		d.Problems = append(d.Problems, fmt.Sprintf("nothing was ordered for %s", age.Round(time.Second)))
	}
	supply, err := node.Supply(ctx)
	switch {
	case err != nil:
		d.Problems = append(d.Problems, err.Error())
	case !supply.OK:
		d.Problems = append(d.Problems, "the supply does not add up")
	}
	return d
}
