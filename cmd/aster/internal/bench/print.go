package bench

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// Print writes the result for people.
func (r *Result) Print(out io.Writer) {
	w, t := &r.Window, cli.NewTable()
	t.Row("payment", fmt.Sprintf("%s: %.0f bytes, %d inputs, %d outputs, %d signatures", r.Payment, r.Load.Bytes, r.Load.Inputs, r.Load.Outputs, r.Load.Signatures))
	switch {
	case w.InFlight > 0:
		t.Row("load", fmt.Sprintf("saturated for %d s, %d payments under way", w.Seconds, w.InFlight))
	case w.Held:
		t.Row("load", fmt.Sprintf("%.0f payments a second for %d s", w.Rate, w.Seconds))
	default:
		t.Row("load", fmt.Sprintf("%.0f payments a second for %d s, NOT KEPT UP WITH", w.Rate, w.Seconds))
	}
	t.Row("final", fmt.Sprintf("%.0f tx/s on all %d nodes", w.TxPerSecond, r.Nodes))
	t.Row("finality", fmt.Sprintf("p50 %.0f ms, p99 %.0f ms, max %.0f ms", w.Finality.P50, w.Finality.P99, w.Finality.Max))
	t.Row("CPU", fmt.Sprintf("%.1f µs per payment and node; %.2f cores each", w.CPU, w.Cores))
	t.Row("verify", fmt.Sprintf("%.2f µs a signature beside the nodes: ratio %.2f; %.2f alone: %.2f", r.Window.Verify, r.Ratio, r.Verify.Alone, r.RatioAlone))
	t.Row("wire", fmt.Sprintf("%.0f bytes per payment and node, %.2f × its size", w.Wire, w.WireRatio))
	t.Row("disk", fmt.Sprintf("%.0f bytes per payment and node, %.2f × its size", w.Disk, w.DiskRatio))
	t.Row("memory", fmt.Sprintf("%d MiB, %+d MiB over the window, peak %d MiB", w.RSS>>20, w.RSSGrowth>>20, w.RSSPeak>>20))
	t.Row("rounds", fmt.Sprintf("%.0f a second, %.0f syncs a second and node of %.1f ms", w.Rounds, w.Syncs, w.SyncTime))
	if l := r.Light; l != nil {
		t.Row("light", fmt.Sprintf("%.0f payments a second: p50 %.0f ms, p99 %.0f ms; %.1f µs CPU per payment and node", l.Rate, l.Finality.P50, l.Finality.P99, l.CPU))
	}
	if i := r.Idle; i != nil {
		t.Row("idle", fmt.Sprintf("%.2f %% of a core per node, %.0f B/s on the wire, %.0f B/s on disk, %.1f rounds a second", 100*i.Cores, i.Wire, i.Disk, i.Rounds))
	}
	if b := r.Burst; b != nil {
		b.print(t)
	}
	t.Row("payments", fmt.Sprintf("%d submitted, %d final on all nodes, %d rejected, %d lost", r.Submitted, r.Final, r.Rejected, r.Lost))
	t.Row("supply", map[bool]string{true: "adds up", false: "DOES NOT ADD UP"}[r.Supply])
	m := &w.Measuring
	t.Row("measuring", fmt.Sprintf("load generator %.0f µs CPU per payment; streaming receipts %.1f µs on one node", m.Generator, m.Receipts))
	t.Row("machine", fmt.Sprintf("%s, %d cores, load %.1f to %.1f, %s, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.LoadBefore, r.Machine.LoadAfter, r.Settings.Folder, r.Versions.Go))
	t.WriteTo(out)
}
