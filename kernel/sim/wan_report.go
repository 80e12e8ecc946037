package sim

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/asterism-network/asterism/internal/sim"
)

// A WANReport is what a measurement showed. Times are milliseconds, or one-way delays (δ) where the name
// says delays.
type WANReport struct {
	Nodes    int      `json:"nodes"`
	Crashed  int      `json:"crashed"`
	Faulty   int      `json:"f"`
	Quorum   int      `json:"quorum"`
	Wave     int      `json:"wave"`
	Slots    int      `json:"slots"`
	Links    string   `json:"links"`
	Delta    float64  `json:"delta_ms"` // mean one-way delay between nodes that run
	Loss     float64  `json:"loss_percent"`
	Window   int      `json:"batch_window_ms"`
	Idle     int      `json:"idle_period_ms"`
	Rate     float64  `json:"rate"` // payments a second
	Seconds  int      `json:"seconds"`
	Seed     uint64   `json:"seed"`
	Payment  Payment  `json:"payment"`
	StandIns []string `json:"stand_ins"`

	Submitted  int     `json:"submitted"`
	Final      int     `json:"final"` // of them, on every node that runs
	Refused    int     `json:"refused"`
	Unpaid     int     `json:"unpaid"`     // for which no coin was free: the load is lower than asked for
	Throughput float64 `json:"throughput"` // payments a second that became final everywhere

	AtNode    Waiting `json:"finality_at_node"` // from submission at a node until final there
	AtLast    Waiting `json:"finality_at_last"` // until final on the last node
	Inclusion Waiting `json:"inclusion"`        // until in a snapshot
	Order     Waiting `json:"order"`            // from making a snapshot until its author sees it committed

	Rounds  float64 `json:"rounds_per_second"`
	Commits float64 `json:"commits_per_second"`
	Skipped float64 `json:"skipped_slots_percent"`
	Wire    Wire    `json:"wire"`
	CPU     *CPU    `json:"cpu,omitempty"`
	Digest  string  `json:"digest"`
}

// A Payment is the reference payment of a load.
type Payment struct {
	Inputs     int `json:"inputs"`
	Outputs    int `json:"outputs"`
	Signatures int `json:"signatures"`
	Bytes      int `json:"bytes"`
}

// Waiting is how long something takes.
type Waiting struct {
	Count      int     `json:"count"`
	Mean       float64 `json:"mean_ms"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	MeanDelays float64 `json:"mean_delays"`
	P50Delays  float64 `json:"p50_delays"`
	P99Delays  float64 `json:"p99_delays"`
}

// Wire is what one node sends, on average over those that run.
type Wire struct {
	PerSecond  float64 `json:"bytes_per_second"`
	PerPayment float64 `json:"bytes_per_payment"` // all nodes' payments
	Times      float64 `json:"times_payment"`     // PerPayment by the size of a payment
	Frames     float64 `json:"frames_per_second"`
	Header     float64 `json:"header_bytes"`    // of a snapshot
	Headers    float64 `json:"headers_percent"` // of all bytes
	Other      float64 `json:"other_percent"`   // what is no snapshot
	Copies     float64 `json:"copies"`          // how often a snapshot is sent to a node
}

// CPU is the time of one core that one node takes. What runs share (see StandIns) is taken once for
// all nodes.
type CPU struct {
	Ordering  float64 `json:"ordering_us_per_snapshot"`
	PerTx     float64 `json:"ordering_us_per_payment"`
	Arriving  float64 `json:"arriving_us_per_payment"`
	Executing float64 `json:"executing_us_per_payment"`
}

var standIns = []string{
	"time: machines need none; only links do",
	"disk: in memory, with syncs that take no time",
	"signatures under snapshots and coin shares: hashes of the same length that nobody else can make",
	"signatures of payments: real, each verified once for all nodes",
	"decoding: each frame once for all nodes",
	"wire: encoded messages with their frame headers, without what TLS and TCP add",
}

func (m *wan) report() *WANReport {
	o, t, delta := m.options, m.meter, m.delta()
	waiting := func(list []sim.Time) Waiting { return waitingOf(list, delta) }
	digest := t.digest()
	r := &WANReport{
		Nodes: o.Nodes, Crashed: o.Crashed, Faulty: (o.Nodes - 1) / 3, Quorum: m.quorum(), Wave: o.Wave, Slots: int(m.profile.parameters.Slots),
		Links: m.links(), Delta: rounded(delta), Loss: float64(o.Loss) / 1000, Window: int(m.profile.batchWindow), Idle: idlePeriod,
		Rate: float64(o.Rate) / 1000, Seconds: o.Seconds, Seed: o.Seed,
		Payment: Payment{wanInputs, wanOutputs, wanInputs, m.load.bytes}, StandIns: standIns,
		Submitted: t.submission, Final: len(t.atLast), Refused: m.load.refused, Unpaid: m.load.skipped,
		Throughput: rounded(float64(t.settled) / float64(o.Seconds)),
		AtNode:     waiting(t.atNode), AtLast: waiting(t.atLast), Inclusion: waiting(t.waiting), Order: waiting(t.commit),
		Digest: hex.EncodeToString(digest[:16]),
	}
	seconds := float64(o.Seconds)
	commits, skipped := float64(t.to.commits-t.from.commits), float64(t.to.skipped-t.from.skipped)
	r.Rounds = rounded(float64(t.to.round-t.from.round) / seconds)
	r.Commits = rounded(commits / seconds)
	r.Skipped = ratio(100*skipped, commits+skipped)
	r.Wire = m.wire()
	if o.CPU {
		r.CPU = m.cpu()
	}
	return r
}

func (m *wan) links() string {
	switch o := m.options; {
	case o.Delay == 0:
		return fmt.Sprintf("geo: %d cities", min(len(cities), o.Nodes))
	case o.Spread > 0:
		return fmt.Sprintf("%d ms ±%d%%", o.Delay, o.Spread)
	default:
		return fmt.Sprintf("%d ms", o.Delay)
	}
}

func (m *wan) wire() Wire {
	t, live := m.meter, float64(len(m.live()))
	s, seconds := t.traffic, float64(m.options.Seconds)
	payments := live * float64(t.settled)
	return Wire{
		PerSecond: ratio(float64(s.bytes), live*seconds), PerPayment: ratio(float64(s.bytes), payments),
		Times:  ratio(float64(s.bytes), payments*float64(m.load.bytes)),
		Frames: ratio(float64(s.frames), live*seconds), Header: ratio(float64(s.headers), float64(s.snapshots)),
		Headers: ratio(100*float64(s.headers), float64(s.bytes)), Other: ratio(100*float64(s.other), float64(s.bytes)),
		Copies: ratio(float64(s.snapshots), float64(t.to.own-t.from.own)*(live-1)),
	}
}

func (m *wan) cpu() *CPU {
	t, live := m.meter, float64(len(m.live()))
	spent := func(p part) float64 { return 1e6 * (t.to.spent[p] - t.from.spent[p]) }
	payments := live * float64(t.settled)
	return &CPU{
		Ordering: ratio(spent(ordering), float64(t.to.snapshots-t.from.snapshots)), PerTx: ratio(spent(ordering), payments),
		Arriving: ratio(spent(arriving), payments), Executing: ratio(spent(executing), payments),
	}
}

func waitingOf(list []sim.Time, delta float64) Waiting {
	if len(list) == 0 {
		return Waiting{}
	}
	slices.Sort(list)
	var sum sim.Time
	for _, d := range list {
		sum += d
	}
	mean, at := float64(sum)/float64(len(list)), func(percent int) float64 { return float64(list[(len(list)-1)*percent/100]) }
	return Waiting{len(list), rounded(mean), at(50), at(99), rounded(mean / delta), rounded(at(50) / delta), rounded(at(99) / delta)}
}

// rounded keeps three digits behind the point.
func rounded(x float64) float64 { return math.Round(1000*x) / 1000 }

func ratio(x, y float64) float64 {
	if y == 0 {
		return 0
	}
	return rounded(x / y)
}
