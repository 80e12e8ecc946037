package replica

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
	"github.com/asterism-network/asterism/kernel/workload"
)

// BenchmarkPayments measures all that a node does for a payment that comes in another's snapshot, but for
// its engine and its connections, on the real disk, with 20 payments in each of six snapshots a round:
// what decoding and checking, writing to the log, verifying and executing cost, in CPU time. One
// operation is one payment; take some ten thousand at least (-benchtime 60000x), so that folds and compactions are in it.
func BenchmarkPayments(b *testing.B) {
	for _, kind := range []workload.Kind{workload.P1, workload.P2} {
		b.Run(kind.String(), func(b *testing.B) { benchmarkPayments(b, kind) })
	}
}

// A pipeline is a node without engine and connections, and what the rest of the network sends it.
type pipeline struct {
	*world
	replica *Replica
	round   kernel.Round
	index   kernel.CommitIndex
	spent   map[string]time.Duration // CPU of this process
}

func newPipeline(b *testing.B, load *workload.Workload) *pipeline {
	w := newWorld(b, 0)
	g := w.genesis
	g.Balances = load.Balances()
	var err error
	w.shares, err = ceremony.DealTrusted(g, w.random)
	w.must(err)
	home := filepath.Join(b.TempDir(), "node")
	w.must(Init(home, g, g.Members[0].Key, store.Options{}))
	s, err := Open(home, g, g.Members[0].Key, store.Options{})
	w.must(err)
	w.opened = append(w.opened, s)
	r, err := New(Config{Genesis: g, Store: s, Later: true})
	w.must(err)
	return &pipeline{world: w, replica: r, spent: make(map[string]time.Duration)}
}

// part measures what do costs in CPU time.
func (p *pipeline) part(name string, do func()) {
	began := cputime.Process()
	do()
	p.spent[name] += cputime.Process() - began
}

// take lets the node take one round of payments, a share of them in a snapshot of each other member.
func (p *pipeline) take(payments [][]byte) {
	p.round++
	p.index++
	const others = members - 1
	c := &kernel.Commit{Index: p.index, Timestamp: p.genesis.Timestamp + kernel.Timestamp(p.round)}
	var frames [][]byte
	for i := range others {
		author := kernel.Author(i + 1)
		body := bodyOf(payments[len(payments)*i/others : len(payments)*(i+1)/others]...)
		raw := p.snapshot(author, body, func(h *kernel.Header) {
			h.Round = p.round
			for j := range h.Parents {
				h.Parents[j].Round = p.round - 1
			}
		})
		frames = append(frames, wire.Append(nil, wire.Snapshot{Raw: raw}))
	}
	var records []store.Record
	for i, frame := range frames {
		author := kernel.Author(i + 1)
		var a engine.Arrival
		p.part("arrival", func() {
			in, err := decodeFrom(p.replica, author, frame)
			p.must(err)
			a = in.Arrived[0]
		})
		records = append(records, splitRecord(engine.Record{ID: a.ID, Author: author, Round: p.round, Raw: a.Raw}))
		c.Snapshots = append(c.Snapshots, kernel.CommittedID{Author: author, Round: p.round, ID: a.ID})
	}
	p.part("log", func() { p.must(p.replica.store.Append(records, true)) })
	p.part("signatures", p.replica.VerifyWaiting)
	p.part("execution", func() {
		x, _, err := p.replica.Execute(engine.Ordered{Commit: c, Order: []byte("order")})
		p.must(err)
		if len(x.Final) != len(payments) {
			p.must(fmt.Errorf("%d of %d payments are final", len(x.Final), len(payments)))
		}
	})
}

func benchmarkPayments(b *testing.B, kind workload.Kind) {
	const batch = 6 * 20
	load, err := workload.New(workload.Options{Seed: 1, Kind: kind})
	if err != nil {
		b.Fatal(err)
	}
	p := newPipeline(b, load)
	funding, err := load.Fund(p.genesis)
	p.must(err)
	for ; len(funding) > 0; funding = funding[min(6, len(funding)):] {
		p.take(rawOf(funding[:min(6, len(funding))]))
	}
	p.round += 1000 // of warm-up
	for range 50 {
		p.take(rawOf(load.Make(batch)))
	}
	clear(p.spent)
	b.ResetTimer()
	b.StopTimer()
	all := time.Duration(0)
	done := 0
	for ; done < b.N; done += batch {
		payments := rawOf(load.Make(batch))
		b.StartTimer()
		p.take(payments)
		b.StopTimer()
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(done) }
	for name, d := range p.spent {
		all += d
		b.ReportMetric(per(d), name+"-µs")
	}
	b.ReportMetric(per(all), "all-µs")
	checks := load.Make(4096 / kind.Signatures())
	cost, err := workload.VerifyCost(checks)
	p.must(err)
	b.ReportMetric(float64(cost.Nanoseconds())/1000*float64(kind.Signatures()), "verify-cost-µs")
}

func rawOf(payments []workload.Payment) (raw [][]byte) {
	for i := range payments {
		raw = append(raw, payments[i].Raw)
	}
	return raw
}
