package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func dagCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dag", Short: "draw the graph: a lane for each node, a column for each round",
		Example: "  aster dag\n  aster dag --follow\n  aster dag --from 100 --to 140 --json",
		Args:    cli.Args(),
		RunE:    runDag,
	}
	cmd.Flags().Uint64("from", 0, "first round (default: the newest that fit)")
	cmd.Flags().Uint64("to", 0, "last round")
	cmd.Flags().Bool("follow", false, "draw again every half second until Ctrl-C")
	return cmd
}

func runDag(cmd *cobra.Command, _ []string) error {
	node, err := one(cmd)
	if err != nil {
		return err
	}
	from, _ := cmd.Flags().GetUint64("from")
	to, _ := cmd.Flags().GetUint64("to")
	follow, _ := cmd.Flags().GetBool("follow")
	if to != 0 && to < from {
		return cli.Usage(cmd, "--to %d lies before --from %d", to, from)
	}
	for {
		if err := drawOnce(cmd, node, kernel.Round(from), kernel.Round(to), follow); err != nil || !follow {
			return err
		}
		select {
		case <-cmd.Context().Done():
			return nil // the person has seen enough
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func drawOnce(cmd *cobra.Command, node *client.Client, from, to kernel.Round, again bool) error {
	ctx, cancel := bounded(cmd)
	defer cancel()
	graph, err := node.Graph(ctx, from, to)
	if err != nil && (again && context.Cause(cmd.Context()) != nil) {
		return nil
	}
	if err != nil {
		return err
	}
	width, tty := terminalWidth(cmd.OutOrStdout())
	if from == 0 && to == 0 {
		graph = newest(graph, (width-18)/columnWidth)
	}
	return cli.Print(cmd, graph, func(w io.Writer) {
		if again && tty {
			fmt.Fprint(w, "\x1b[H\x1b[2J")
		}
		drawGraph(w, &graph)
	})
}

// terminalWidth is how many columns may be used, and whether a terminal is there at all.
func terminalWidth(w io.Writer) (width int, tty bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 100, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 40 {
		return 100, false
	}
	return width, true
}

// newest keeps the last n rounds of a graph.
func newest(g client.Graph, n int) client.Graph {
	n = max(n, 8)
	if g.To-g.From < kernel.Round(n) {
		return g
	}
	g.From = g.To - kernel.Round(n) + 1
	g.Vertices = keep(g.Vertices, func(v client.GraphVertex) bool { return v.Round >= g.From })
	g.Slots = keep(g.Slots, func(s client.GraphSlot) bool { return s.Round >= g.From })
	return g
}

func keep[T any](list []T, want func(T) bool) (kept []T) {
	for _, v := range list {
		if want(v) {
			kept = append(kept, v)
		}
	}
	return kept
}

const columnWidth = 3

// A cell is what stands in one lane at one round.
type cell struct {
	mark string // vertex
	slot string // leader slot
}

// drawGraph draws lanes and rounds, oldest at the left.
func drawGraph(w io.Writer, g *client.Graph) {
	columns := int(g.To-g.From) + 1
	lanes := make([][]cell, len(g.Names))
	for a := range lanes {
		lanes[a] = make([]cell, columns)
	}
	transactions := make([]int, columns)
	for _, v := range g.Vertices {
		if int(v.Author) >= len(lanes) || v.Round < g.From || v.Round > g.To {
			continue
		}
		c := &lanes[v.Author][v.Round-g.From]
		if c.mark != "" {
			c.mark = "✗"
			continue
		}
		c.mark = vertexMark(v.Status)
		transactions[v.Round-g.From] += v.Transactions
	}
	for _, s := range g.Slots {
		if int(s.Author) < len(lanes) && s.Round >= g.From && s.Round <= g.To {
			lanes[s.Author][s.Round-g.From].slot = slotMark(s.State)
		}
	}
	fmt.Fprintf(w, "epoch %d · rounds %d to %d · waves of %d rounds\n", g.Epoch, g.From, g.To, g.Wave)
	fmt.Fprintf(w, "%-14s%s\n", "", ruler(g.From, columns))
	for a, lane := range lanes {
		fmt.Fprintf(w, "%-14.13s%s\n", g.Names[a], strings.TrimRight(drawLane(lane), " "))
	}
	fmt.Fprintf(w, "%-14s%s\n", "transactions", counts(transactions))
	fmt.Fprintln(w, "● ordered  ○ not yet  · nothing seen  ✗ two of one round   slots of leaders: [ ] committed  ( ) skipped  { } undecided")
	for _, e := range g.Equivocations {
		fmt.Fprintf(w, "equivocation: author %d signed %d snapshots of round %d\n", e.Author, len(e.IDs), e.Round)
	}
}

func drawLane(lane []cell) string {
	var b strings.Builder
	for _, c := range lane {
		mark, open, end := c.mark, " ", " "
		if mark == "" {
			mark = "·"
		}
		if len(c.slot) == 2 {
			open, end = c.slot[:1], c.slot[1:]
		}
		b.WriteString(open + mark + end)
	}
	return b.String()
}

func vertexMark(s client.VertexStatus) string {
	switch s {
	case client.VertexCommitted:
		return "●"
	case client.VertexBelowHorizon:
		return "✗"
	}
	return "○"
}

func slotMark(s client.SlotState) string {
	switch s {
	case client.SlotCommitted:
		return "[]"
	case client.SlotSkipped:
		return "()"
	}
	return "{}"
}

// ruler writes every fifth round above its column.
func ruler(from kernel.Round, columns int) string {
	line := []byte(strings.Repeat(" ", columns*columnWidth+12))
	for i := range columns {
		if r := from + kernel.Round(i); r%5 == 0 {
			copy(line[i*columnWidth+1:], fmt.Sprint(r))
		}
	}
	return strings.TrimRight(string(line), " ")
}

func counts(transactions []int) string {
	var b strings.Builder
	for _, n := range transactions {
		switch {
		case n == 0:
			b.WriteString("   ")
		case n < 100:
			fmt.Fprintf(&b, "%2d ", n)
		default:
			b.WriteString("99+")
		}
	}
	return strings.TrimRight(b.String(), " ")
}
