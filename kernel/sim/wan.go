package sim

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/replica"
)

// This file measures a network in virtual time: the same nodes as in every run, on machines that
// need no time for anything, behind links that take as long as a wide area does. What is left is
// what the protocol itself costs in delays and bytes, the same on every machine.

// WANOptions say what is measured. Equal options give equal reports, CPU times excepted.
type WANOptions struct {
	Nodes   int      // members, 7 to 50
	Crashed int      // of them that never start, at most f
	Wave    int      // rounds from a leader to its coin, 4 or 5
	Slots   int      // leader slots of a round; 0 is the default of a genesis
	Delay   sim.Time // of every link one way, ms; 0 is the table of cities
	Spread  int      // percent by which links differ from Delay at most, both ways of a pair alike
	Loss    int      // packets in 100,000 that are lost and sent again
	Rate    int      // payments in a thousand seconds, over all nodes
	Seconds int      // of virtual time that are measured
	Seed    uint64
	CPU     bool // also measure what this machine needs, which differs from run to run
}

// Milliseconds are virtual time.
type Milliseconds = sim.Time

// Rates of WANOptions that have names, payments in a thousand seconds.
const (
	LowRate  = 250       // a payment now and then: the network falls asleep between two
	HighRate = 1_000_000 // a thousand a second
)

// The most that a measurement takes.
const (
	maxWANRate     = 20_000_000
	maxWANSeconds  = 3600
	maxWANPayments = 2_000_000
	maxWANDelay    = 10_000
)

// Check refuses options that make no sense.
func (o WANOptions) Check() error {
	switch {
	case o.Nodes < kernel.MinMembers || o.Nodes > kernel.MaxMembers:
		return fmt.Errorf("%d nodes: a network has %d to %d", o.Nodes, kernel.MinMembers, kernel.MaxMembers)
	case o.Crashed < 0 || o.Crashed > (o.Nodes-1)/3:
		return fmt.Errorf("%d crashed nodes of %d: at most %d", o.Crashed, o.Nodes, (o.Nodes-1)/3)
	case o.Wave != 4 && o.Wave != 5:
		return fmt.Errorf("wave %d: want 4 or 5", o.Wave)
	case o.Slots < 0 || o.Slots > o.Nodes:
		return fmt.Errorf("%d leader slots: want 1 to %d", o.Slots, o.Nodes)
	case o.Delay < 0 || o.Delay > maxWANDelay:
		return fmt.Errorf("delay of %d ms: want 1 to %d", o.Delay, maxWANDelay)
	case o.Spread < 0 || o.Spread > 99:
		return fmt.Errorf("spread of %d%%: want 0 to 99", o.Spread)
	case o.Spread > 0 && o.Delay == 0:
		return errors.New("a spread needs a delay to spread around")
	case o.Loss < 0 || o.Loss > 20_000:
		return errors.New("loss: want 0% to 20%")
	case o.Rate < 1 || o.Rate > maxWANRate:
		return fmt.Errorf("rate: want 0.001 to %d payments a second", maxWANRate/1000)
	case o.Seconds < 1 || o.Seconds > maxWANSeconds:
		return fmt.Errorf("%d seconds: want 1 to %d", o.Seconds, maxWANSeconds)
	case o.Rate/1000*o.Seconds > maxWANPayments:
		return fmt.Errorf("more than %d payments", maxWANPayments)
	}
	return nil
}

const (
	warmup   sim.Time = 2000   // of load before the measurement, ms
	patience sim.Time = 60_000 // after it, until all that was paid is final everywhere
)

// A wan is one measurement.
type wan struct {
	*world
	options WANOptions
	meter   *meter
	load    *load
}

// MeasureWAN runs a network and measures it.
func MeasureWAN(o WANOptions) (*WANReport, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.CPU { // the stopwatch reads the thread's time
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	m := newWAN(o)
	for _, n := range m.nodes[:o.Nodes-o.Crashed] {
		m.clock.At(sim.Time(m.rng.node.IntN(300)), n.start)
	}
	from := boot + 20*m.mean() + warmup // connections, and q answers to who starts
	to := from + sim.Time(o.Seconds)*1000
	m.load.schedule(from-warmup, to)
	m.clock.At(from, m.meter.begin)
	m.clock.At(to, m.meter.end)
	for limit := to + patience; m.clock.Step(limit) && m.meter.failure == nil; {
		if m.clock.Now() > to && m.meter.open == 0 {
			break
		}
	}
	if m.meter.failure != nil {
		return nil, m.meter.failure
	}
	return m.report(), nil
}

func newWAN(o WANOptions) *wan {
	p := new(profile)
	base(p, o.Nodes, sim.Stream(o.Seed, "profile"))
	p.parameters = kernel.DefaultParameters()
	p.parameters.Wave = uint8(o.Wave)
	if o.Slots > 0 {
		p.parameters.Slots = uint8(o.Slots)
	}
	p.limits, p.execution = (&profile{}).limits, 0 // as in production, on machines without end
	w := &world{profile: p, memory: replica.NewSharedMemory(), conns: make(map[[2]int]bool), reach: sim.Counts{}, faults: sim.Counts{}}
	w.stage = stageOf(constants{o.Nodes, purseOf(o), p.parameters, false, 0})
	w.rng.net, w.rng.node, w.rng.work = sim.Stream(o.Seed, "network"), sim.Stream(o.Seed, "nodes"), sim.Stream(o.Seed, "clients")
	w.notary = newNotary(w.stage, o.Seed, committee.Set(1<<o.Nodes-1), false)
	m := &wan{world: w, options: o}
	m.net = sim.NewNetwork(&w.clock, w.rng.net, o.Nodes, 0, 0)
	m.net.Resent = o.Loss
	m.stretch()
	m.meter = newMeter(m)
	m.load = newLoad(m)
	w.witness = m.meter
	if o.CPU {
		w.stopwatch = newStopwatch()
	}
	for a := range o.Nodes {
		n := w.newNode(kernel.Author(a), a)
		w.nodes, w.ends = append(w.nodes, n), append(w.ends, n)
	}
	return m
}

// live are the nodes that run.
func (m *wan) live() []*node { return m.nodes[:m.options.Nodes-m.options.Crashed] }
