package bench

import (
	"math"
	"slices"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/kernel/workload"
)

// A Result is what a bench found: the JSON object that it prints. Per payment and node means: of
// all nodes together, divided by the payments that became final in the window and by the nodes.
type Result struct {
	Nodes      int           `json:"nodes"`
	Payment    workload.Kind `json:"payment"`
	Seed       uint64        `json:"seed"`
	Load       Load          `json:"workload"`
	Window     Window        `json:"window"`
	Light      *Window       `json:"light,omitempty"` // at 40 % of the capacity
	Verify     Verify        `json:"verify"`
	Ratio      float64       `json:"verification_ratio"`       // CPU per payment and node / (signatures × verify cost beside the nodes)
	RatioAlone float64       `json:"verification_ratio_alone"` // the same with the verify cost on the machine alone, at its best
	Saturation *Saturation   `json:"saturation,omitempty"`
	Burst      *Burst        `json:"burst,omitempty"`
	Idle       *Idle         `json:"idle,omitempty"`
	Submitted  int           `json:"submitted"` // over the whole run, the funding apart
	Final      int           `json:"final"`     // on all nodes
	Rejected   int           `json:"rejected"`
	Lost       int           `json:"lost"`
	Supply     bool          `json:"supply_ok"`
	Settings   Settings      `json:"settings"`
	Machine    Machine       `json:"machine"`
	Versions   cli.Build     `json:"versions"`
}

// Load is what the payments look like.
type Load struct {
	Bytes      float64 `json:"bytes"` // of a signed payment
	Inputs     int     `json:"inputs"`
	Outputs    int     `json:"outputs"`
	Signatures int     `json:"signatures"`
	Lanes      int     `json:"lanes"`
	Copies     int     `json:"copies"`
	Funding    int     `json:"funding_transactions"`
}

// A Window is what was measured under constant load.
type Window struct {
	InFlight    int       `json:"in_flight,omitempty"` // payments kept under way; 0 in an open loop
	Rate        float64   `json:"rate,omitempty"`      // payments due a second, in an open loop
	Warmup      int       `json:"warmup_seconds"`      // of the same load before it
	Seconds     int       `json:"seconds"`
	Held        bool      `json:"held"` // as many became final as were due
	TxPerSecond float64   `json:"tx_per_s"`
	Finality    Latency   `json:"finality_ms"` // from due, or given in a closed loop, until the last node has executed and stored it
	Taking      Latency   `json:"taking_ms"`   // until a node has taken it
	CPU         float64   `json:"cpu_us_per_tx_node"`
	Verify      float64   `json:"verify_us"`      // CPU of one signature in the same time, on a thread beside the nodes
	Cores       float64   `json:"cores_per_node"` // busy on average
	Wire        float64   `json:"wire_bytes_per_tx_node"`
	WireRatio   float64   `json:"wire_ratio"` // to the payment's size
	Disk        float64   `json:"disk_bytes_per_tx_node"`
	DiskRatio   float64   `json:"disk_ratio"`
	RSS         uint64    `json:"rss_bytes"`        // at the end, of the node that has most
	RSSGrowth   int64     `json:"rss_growth_bytes"` // over the window
	RSSPeak     uint64    `json:"rss_peak_bytes"`
	RSSMinutes  []uint64  `json:"rss_minutes_bytes"` // the most in each minute of the window
	Rounds      float64   `json:"rounds_per_s"`
	Syncs       float64   `json:"syncs_per_s"` // of a node
	SyncTime    float64   `json:"sync_ms"`     // of one
	Measuring   Measuring `json:"measuring"`
}

// Measuring is what the measurement itself costs, part of the figures above.
type Measuring struct {
	Generator float64 `json:"generator_cpu_us_per_tx"` // of this process, which shares the machine
	Receipts  float64 `json:"receipts_cpu_us_per_tx"`  // of the one node that streams receipts, beyond the median node
	Events    float64 `json:"events_per_s_node"`       // digests streamed
	CallSize  float64 `json:"payments_per_call"`
	Retried   int     `json:"retried"`         // nodes asked to come back later
	Stalled   float64 `json:"lanes_stalled_s"` // that payments were held back because the last of their lane was not final
}

// Latency is a distribution in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Verify is the pure cost of one signature in batches of workload.CostBatch, on one thread, when nothing else runs: before
// and after the load. What it costs beside the nodes each window tells.
type Verify struct {
	Batch  int       `json:"batch"`
	Alone  float64   `json:"alone_us"`
	alones []float64 // of which Alone is the mean
}

func (v *Verify) add(alone time.Duration) {
	v.Batch = workload.CostBatch
	v.alones = append(v.alones, micros(alone))
	v.Alone = mean(v.alones)
}

func mean(list []float64) (sum float64) {
	for _, x := range list {
		sum += x / float64(len(list))
	}
	return sum
}

// Saturation is how the most that the network settles was found.
type Saturation struct {
	Steps []Step `json:"steps"`
}

// best is the step with the most under way among those that come near the highest rate: rates of steps differ by a tenth
// whatever is under way, and with more under way less CPU is spent on rounds.
func (s *Saturation) best() (best Step) {
	highest := 0.0
	for _, step := range s.Steps {
		highest = max(highest, step.Rate)
	}
	for _, step := range s.Steps {
		if step.Rate*stepNoise >= highest {
			best = step
		}
	}
	return best
}

// Idle is what the network uses with nothing to do, per node.
type Idle struct {
	Seconds float64 `json:"seconds"`
	Cores   float64 `json:"cores_per_node"`
	Wire    float64 `json:"wire_bytes_per_s"`
	Disk    float64 `json:"disk_bytes_per_s"`
	Rounds  float64 `json:"rounds_per_s"`
}

// Settings are what a reader must know to compare.
type Settings struct {
	GOMAXPROCS int    `json:"gomaxprocs"` // of each node
	Sync       string `json:"sync"`
	Window     string `json:"batch_window"`
	Transport  string `json:"transport"`
	Topology   string `json:"topology"`
	Folder     string `json:"folder"` // file system
}

func (w *Window) fill(u usage, final, nodes int) {
	each := float64(max(final, 1)) * float64(nodes)
	w.TxPerSecond = float64(final) / u.seconds
	w.CPU = micros(u.total()) / each
	w.Cores = u.total().Seconds() / u.seconds / float64(nodes)
	w.Wire, w.Disk = u.sent/each, u.written/each
	w.RSS, w.RSSGrowth, w.RSSPeak = u.rssEnd, int64(u.rssEnd)-int64(u.rssStart), max(w.RSSPeak, u.rssEnd)
	w.Rounds = u.rounds / u.seconds
	w.Syncs = u.syncs / u.seconds / float64(nodes)
	w.SyncTime = 1000 * u.syncing / max(u.syncs, 1)
}

// ratios divides by what a payment's size and signatures ask for.
func (r *Result) ratios() {
	signatures := float64(r.Load.Signatures)
	r.Ratio, r.RatioAlone = r.Window.CPU/(signatures*r.Window.Verify), r.Window.CPU/(signatures*r.Verify.Alone)
	round(&r.Verify.Alone, &r.Ratio, &r.RatioAlone)
	for _, w := range []*Window{&r.Window, r.Light} {
		if w == nil {
			continue
		}
		w.WireRatio, w.DiskRatio = w.Wire/r.Load.Bytes, w.Disk/r.Load.Bytes
		m := &w.Measuring
		round(&w.Rate, &w.TxPerSecond, &w.CPU, &w.Verify, &w.Cores, &w.Wire, &w.WireRatio, &w.Disk, &w.DiskRatio, &w.Rounds, &w.Syncs, &w.SyncTime,
			&m.Generator, &m.Receipts, &m.Events, &m.CallSize, &m.Stalled)
	}
}

// round leaves the digits that mean something.
func round(figures ...*float64) {
	for _, x := range figures {
		*x = math.Round(*x*1000) / 1000
	}
}

// OK reports whether every payment that was submitted is final and the supply adds up.
func (r *Result) OK() bool {
	return r.Lost == 0 && r.Rejected == 0 && r.Supply && r.Final == r.Submitted
}

func latencyOf(all []time.Duration) Latency {
	if len(all) == 0 {
		return Latency{}
	}
	slices.Sort(all)
	at := func(percent int) float64 {
		return float64(all[min(len(all)-1, len(all)*percent/100)].Microseconds()) / 1000
	}
	return Latency{P50: at(50), P99: at(99), Max: at(100)}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }
