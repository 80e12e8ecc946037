package sim

import (
	"errors"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
)

// The reference payment: two inputs, three outputs, two signatures.
const (
	wanInputs  = 2
	wanOutputs = 3
)

// A load makes reference payments, each for one node, as evenly over time as chance lets them come: one
// in each slice of time, somewhere in it. It pays with what is final everywhere.
type load struct {
	m       *wan
	free    []coin0 // by when they became free; the genesis first
	purse   int
	skipped int // payments for which no coin was free
	refused int // payments that a node did not take
	bytes   int // of a payment
}

// purseOf is how many outputs of each asset a measurement starts with: what is under way in five seconds.
func purseOf(o WANOptions) int { return min(30_000, 64+5*wanInputs*(o.Rate/1000+1)/2) }

func newLoad(m *wan) *load {
	l := &load{m: m}
	for _, asset := range m.stage.genesis.Assets { // so that neighbours are of one asset
		for _, c := range m.stage.owned {
			if c.asset == asset.ID {
				l.free = append(l.free, c)
			}
		}
	}
	return l
}

// schedule lets payments come between two times.
func (l *load) schedule(from, to sim.Time) {
	const thousandSeconds = 1_000_000 // ms
	rate := int64(l.m.options.Rate)
	var next func(i int64)
	next = func(i int64) {
		within := i*thousandSeconds + l.m.rng.work.Int64N(thousandSeconds)
		at := from + sim.Time(within/rate)
		if at >= to {
			return
		}
		l.m.clock.At(at, func() {
			l.pay()
			next(i + 1)
		})
	}
	next(0)
}

// pay makes a payment and gives it to a node.
func (l *load) pay() {
	if len(l.free) < wanInputs || l.free[0].asset != l.free[1].asset {
		if len(l.free) > wanInputs { // where one asset's coins follow the other's
			l.free = append(l.free[1:], l.free[0])
		}
		if len(l.free) < wanInputs || l.free[0].asset != l.free[1].asset {
			l.skipped++
			return
		}
	}
	p := l.make(l.free[:wanInputs:wanInputs])
	l.free = l.free[wanInputs:]
	live := l.m.live()
	p.node = live[l.m.rng.work.IntN(len(live))]
	p.born = l.m.clock.Now()
	l.m.meter.submitted(p)
	l.submit(p)
}

func (l *load) submit(p *paid) {
	p.node.guard(func() {
		if err := p.node.submit(p.raw); err != nil {
			l.refused++
			l.m.meter.forget(p)
		}
	})
}

// answered hears what a mempool said: a check that a commit overtook is made again.
func (l *load) answered(n *node, list []engine.Admission) {
	for _, a := range list {
		p := l.m.meter.byHash[a.Transaction]
		switch {
		case a.Err == nil || p == nil:
		case errors.Is(a.Err, engine.ErrStale):
			l.m.after(1, n, func() { l.submit(p) })
		default:
			l.refused++
			l.m.meter.forget(p)
		}
	}
}

// make signs a payment of coins of one asset.
func (l *load) make(in []coin0) *paid {
	tx := &kernel.Transaction{Asset: in[0].asset}
	var sum uint64
	for _, c := range in {
		tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: c.ref})
		_, units := c.amount.Units()
		sum += units
	}
	p := &paid{}
	for i := range wanOutputs {
		part := sum / wanOutputs
		if i == 0 {
			part = sum - (wanOutputs-1)*part
		}
		private, public := purseKey(l.purse)
		l.purse++
		tx.Outputs = append(tx.Outputs, kernel.Output{Amount: kernel.NewAmount(part), Keys: []kernel.Key{public}, Mask: public, Script: kernel.NewScript(1)})
		p.outputs = append(p.outputs, coin0{kernel.OutputRef{Index: uint16(i)}, tx.Asset, kernel.NewAmount(part), private})
	}
	p.hash = tx.Hash()
	for _, c := range in {
		tx.Signatures = append(tx.Signatures, kernel.SignatureMap{{Signature: c.private.Sign(p.hash[:])}})
	}
	p.raw = encode(tx)
	l.bytes = len(p.raw)
	for i := range p.outputs {
		p.outputs[i].ref.Hash = p.hash
	}
	return p
}
