package sim

import (
	"encoding/json"
	"strings"
	"testing"
)

func wanOf(change func(*WANOptions)) WANOptions {
	o := WANOptions{Nodes: 7, Wave: 5, Delay: 100, Rate: 100_000, Seconds: 3, Seed: 1}
	change(&o)
	return o
}

func measured(t *testing.T, change func(*WANOptions)) *WANReport {
	t.Helper()
	r, err := MeasureWAN(wanOf(change))
	if err != nil {
		t.Fatal(err)
	}
	if r.Final != r.Submitted || r.Final == 0 || r.Refused+r.Unpaid > 0 {
		t.Fatalf("%d payments submitted, %d final, %d refused, %d unpaid", r.Submitted, r.Final, r.Refused, r.Unpaid)
	}
	return r
}

func within(t *testing.T, what string, x, low, high float64) {
	t.Helper()
	if x < low || x > high {
		t.Errorf("%s is %v, want %v to %v", what, x, low, high)
	}
}

// TestWANConstant: on links that all take δ, a payment waits half a round on average for the next
// snapshot; a leader is committed w delays after it is made, and commits the snapshots of the
// round below a round later than they were made. Of seven nodes three are leaders.
func TestWANConstant(t *testing.T) {
	for wave, want := range map[int]float64{5: 0.5 + 6 - 3.0/7, 4: 0.5 + 5 - 3.0/7} {
		r := measured(t, func(o *WANOptions) { o.Wave = wave })
		within(t, "finality", r.AtNode.MeanDelays, want-0.12, want+0.12)
		within(t, "finality on the last node", r.AtLast.MeanDelays, want-0.12, want+0.12)
		within(t, "p99", r.AtLast.P99Delays, want, float64(wave)+2)
		within(t, "order", r.Order.MeanDelays, want-0.5-0.06, want-0.5+0.06)
		within(t, "inclusion", r.Inclusion.MeanDelays, 0.4, 0.6)
		within(t, "rounds a second", r.Rounds, 9.9, 10.1)
		within(t, "commits a second", r.Commits, 29, 31)
		within(t, "copies", r.Wire.Copies, 1, 1)
		within(t, "bytes", r.Wire.Times, 1, 1.3) // six of seven copies, and headers
		if r.Delta != 100 || r.Quorum != 5 {
			t.Errorf("δ %v, quorum %d", r.Delta, r.Quorum)
		}
	}
}

// TestWANCrashed: nodes that never start cost their slots, and nothing else.
func TestWANCrashed(t *testing.T) {
	whole, rest := measured(t, func(*WANOptions) {}), measured(t, func(o *WANOptions) { o.Crashed = 2 })
	within(t, "finality", rest.AtLast.MeanDelays, whole.AtLast.MeanDelays-0.2, whole.AtLast.MeanDelays+0.5)
	within(t, "throughput", rest.Throughput, 0.9*whole.Throughput, 1.1*whole.Throughput)
	within(t, "skipped slots", rest.Skipped, 100*2.0/7-6, 100*2.0/7+6)
}

// TestWANAsleep: a payment that wakes a sleeping network is in a snapshot at once. The others make
// theirs of that round a delay later, when it reaches them.
func TestWANAsleep(t *testing.T) {
	r := measured(t, func(o *WANOptions) { o.Rate, o.Seconds = 200, 60 })
	within(t, "inclusion", r.Inclusion.P50Delays, 0, 0)
	within(t, "finality", r.AtLast.MeanDelays, 6, 7.2)
	within(t, "rounds a second", r.Rounds, 1, 4)
}

// TestWANUneven: links that differ, over the world or by chance, and packets that get lost.
func TestWANUneven(t *testing.T) {
	spread := measured(t, func(o *WANOptions) { o.Spread = 80 })
	within(t, "δ", spread.Delta, 60, 140)
	within(t, "finality", spread.AtNode.MeanDelays, 6, 9)
	within(t, "finality on the last node", spread.AtLast.MeanDelays, spread.AtNode.MeanDelays, 10)
	geo := measured(t, func(o *WANOptions) { o.Delay = 0 })
	within(t, "δ", geo.Delta, 40, 120)
	within(t, "finality", geo.AtNode.MeanDelays, 5.5, 9)
	lossy := measured(t, func(o *WANOptions) { o.Delay, o.Loss = 0, 5000 })
	within(t, "finality with loss", lossy.AtLast.Mean, geo.AtLast.Mean+10, 4*geo.AtLast.Mean)
}

// TestWANRepeats: equal options give equal reports, another seed another run.
func TestWANRepeats(t *testing.T) {
	text := func(seed uint64) string {
		b, err := json.Marshal(measured(t, func(o *WANOptions) { o.Spread, o.Loss, o.Seconds, o.Seed = 50, 1000, 1, seed }))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if first, again := text(1), text(1); first != again {
		t.Errorf("two reports:\n%s\n%s", first, again)
	}
	if text(1) == text(2) {
		t.Error("two seeds, one report")
	}
}

// TestWANCPU: the stopwatch ran, and what it says is a time that such work can take.
func TestWANCPU(t *testing.T) {
	r := measured(t, func(o *WANOptions) { o.CPU, o.Seconds = true, 10 }) // long enough for a clock that ticks in milliseconds
	within(t, "ordering, µs a snapshot", r.CPU.Ordering, 0.5, 2000)
	within(t, "executing, µs a payment", r.CPU.Executing, 1, 10_000)
}

// TestWANOptions: what makes no sense is refused before anything runs.
func TestWANOptions(t *testing.T) {
	for want, change := range map[string]func(*WANOptions){
		"6 nodes":       func(o *WANOptions) { o.Nodes = 6 },
		"51 nodes":      func(o *WANOptions) { o.Nodes = 51 },
		"3 crashed":     func(o *WANOptions) { o.Crashed = 3 },
		"wave 3":        func(o *WANOptions) { o.Wave = 3 },
		"8 leader":      func(o *WANOptions) { o.Slots = 8 },
		"delay of":      func(o *WANOptions) { o.Delay = 10_001 },
		"spread of":     func(o *WANOptions) { o.Spread = 100 },
		"spread needs":  func(o *WANOptions) { o.Delay, o.Spread = 0, 10 },
		"loss":          func(o *WANOptions) { o.Loss = 20_001 },
		"rate":          func(o *WANOptions) { o.Rate = 0 },
		"0 seconds":     func(o *WANOptions) { o.Seconds = 0 },
		"more than":     func(o *WANOptions) { o.Rate, o.Seconds = 10_000_000, 3600 },
		"-1 crashed":    func(o *WANOptions) { o.Crashed = -1 },
		"-1 leader":     func(o *WANOptions) { o.Slots = -1 },
		"3601 seconds":  func(o *WANOptions) { o.Seconds = 3601 },
		"delay of -100": func(o *WANOptions) { o.Delay = -100 },
	} {
		if _, err := MeasureWAN(wanOf(change)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestCities: every two places have a delay that the world allows.
func TestCities(t *testing.T) {
	for a := range 2 * len(cities) {
		for b := range 2 * len(cities) {
			d := between(a, b)
			if d != between(b, a) || d < 1 || d > 250 || (d == sameCity) != (a%len(cities) == b%len(cities)) {
				t.Errorf("%d ms between %d and %d", d, a, b)
			}
		}
	}
}
