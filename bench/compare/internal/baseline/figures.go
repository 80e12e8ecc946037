package baseline

import (
	"slices"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
)

// Figures are of one measured stretch of time.
type Figures struct {
	Rate         float64 `json:"tx_per_second"`      // final on all nodes
	P50          float64 `json:"finality_p50_ms"`    // from when a payment is due until the last node has applied it
	P99          float64 `json:"finality_p99_ms"`    //
	CPU          float64 `json:"cpu_us_per_tx_node"` // CPU time of a node, user and system, for each final payment
	Verification float64 `json:"verification_ratio"` // the same divided by the verify cost of a payment's signatures
	VerifyCost   float64 `json:"verify_us"`          // CPU of one signature in batches of 1,024, in the same time on a thread beside the nodes
	Wire         float64 `json:"wire_bytes_per_tx_node"`
	Disk         float64 `json:"disk_bytes_per_tx_node"`
	RSS          float64 `json:"rss_mb"` // of the largest node
	Blocks       float64 `json:"blocks_per_second"`
	CPUShare     float64 `json:"cores_used"` // by all nodes together
	Refused      int     `json:"refused"`    // payments that a mempool did not take
	Lost         int     `json:"lost"`       // payments that were taken and are in no block
}

// A sample is what all validators together have used.
type sample struct {
	at      time.Time
	cpu     time.Duration
	written int64
	sent    int64
	rss     int64
	refused int
}

// A window is the stretch of time that counts.
type window struct {
	from, to sample
	verify   time.Duration // what a signature cost meanwhile
}

// A chain is what the validators report: their own payments, and when each block was applied
// by the last of them.
type chain struct {
	nodes   int
	own     []validator.Own
	applied []validator.Applied // in order; At is that of the last validator
	at      map[int64]int64     // by height
}

// blocks asks for reports and joins them.
func (n *network) blocks() (*chain, error) {
	c := &chain{nodes: len(n.all), at: map[int64]int64{}}
	count, payments := map[int64]int{}, map[int64]int{}
	for _, p := range n.all {
		if _, err := p.tell(validator.Command{Do: "report"}); err != nil {
			return nil, err
		}
		r, err := validator.ReadReport(p.home)
		if err != nil {
			return nil, err
		}
		c.own = append(c.own, r.Own...)
		for _, b := range r.Blocks {
			count[b.Height]++
			payments[b.Height] = b.Payments
			c.at[b.Height] = max(c.at[b.Height], b.At)
		}
	}
	for height, at := range c.at {
		if count[height] < len(n.all) { // not yet everywhere
			delete(c.at, height)
			continue
		}
		c.applied = append(c.applied, validator.Applied{Height: height, At: at, Payments: payments[height]})
	}
	slices.SortFunc(c.applied, func(a, b validator.Applied) int { return int(a.Height - b.Height) })
	return c, nil
}

// within are the blocks that the last validator applied in the window.
func (w *window) within(c *chain) (blocks []validator.Applied) {
	for _, b := range c.applied {
		if b.At >= w.from.at.UnixNano() && b.At < w.to.at.UnixNano() {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// rate is the payments a second from the first block in the window to the last: a block counts
// for the time since the one before it, so that a large one at the edge does not count twice.
func (w *window) rate(c *chain) float64 {
	blocks := w.within(c)
	if len(blocks) < 2 {
		return 0
	}
	total := 0
	for _, b := range blocks[1:] {
		total += b.Payments
	}
	return float64(total) / time.Duration(blocks[len(blocks)-1].At-blocks[0].At).Seconds()
}

func (w *window) figures(c *chain) Figures {
	elapsed := w.to.at.Sub(w.from.at)
	f := Figures{Rate: w.rate(c), VerifyCost: float64(w.verify.Nanoseconds()) / 1e3, RSS: float64(w.to.rss) / (1 << 20), Refused: w.to.refused - w.from.refused}
	f.Blocks = float64(len(w.within(c))) / elapsed.Seconds()
	f.CPUShare = (w.to.cpu - w.from.cpu).Seconds() / elapsed.Seconds()
	if share := f.Rate * elapsed.Seconds() * float64(c.nodes); share > 0 {
		f.CPU = float64((w.to.cpu - w.from.cpu).Nanoseconds()) / 1e3 / share
		f.Wire = float64(w.to.sent-w.from.sent) / share
		f.Disk = float64(w.to.written-w.from.written) / share
	}
	var latencies []int64
	for _, p := range c.own {
		if p.Refused || p.At < w.from.at.UnixNano() || p.At >= w.to.at.UnixNano() {
			continue
		}
		if at, final := c.at[p.Height]; final {
			latencies = append(latencies, at-p.At)
		} else {
			f.Lost++
		}
	}
	slices.Sort(latencies)
	f.P50, f.P99 = quantile(latencies, 50), quantile(latencies, 99)
	return f
}

// quantile is the smallest value that percent of the sorted values do not exceed, in ms.
func quantile(sorted []int64, percent int) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)*percent+99)/100-1]) / 1e6
}
