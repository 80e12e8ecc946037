package store

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

var preload = flag.Int("preload", 100_000, "payments in the state before benchmarks of payments measure")

// A payer makes commits of reference payments: two inputs, three outputs, one key each.
type payer struct {
	f      *fixture
	s      *Store
	random *rand.Rand
	old    []kernel.OutputRef // unspent
	recent []kernel.OutputRef
	fanned []kernel.OutputRef // of transactions with 256 outputs, as those that fund a load
	made   uint64             // snapshots
}

func (p *payer) fill(b []byte) {
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, p.random.Uint64())
		b = b[8:]
	}
}

// take returns an unspent output of the given list.
func (p *payer) take(list *[]kernel.OutputRef) kernel.OutputRef {
	n := len(*list)
	i := p.random.IntN(n)
	ref := (*list)[i]
	(*list)[i] = (*list)[n-1]
	*list = (*list)[:n-1]
	return ref
}

// make makes a commit of n payments of so many outputs each over some snapshots; fresh payments spend
// what came last.
func (p *payer) make(n, outputs, snapshots int, inputs *[]kernel.OutputRef) ([]Record, *kernel.Commit, *ledger.Diff) {
	head := p.s.Head()
	c := &kernel.Commit{Index: head.Index + 1, Timestamp: head.Timestamp + 1, Position: p.f.next}
	var records []Record
	for range snapshots {
		p.made++
		r := p.f.record(kernel.Author(p.made%7), kernel.Round(1+p.made/7))
		records = append(records, r)
		c.Snapshots = append(c.Snapshots, kernel.CommittedID{Author: r.Author, Round: r.Round, ID: r.ID})
	}
	r := records[0]
	p.f.next += uint64(snapshots)
	d := &ledger.Diff{Head: ledger.Head{Index: c.Index, Timestamp: c.Timestamp}}
	for range n {
		var hash kernel.TxHash
		p.fill(hash[:])
		by := ledger.Owner{Transaction: hash, Commit: c.Index}
		for range min(2, len(*inputs)/2) {
			d.Spent = append(d.Spent, ledger.SpentOutput{Ref: p.take(inputs), By: by})
		}
		for i := range outputs {
			o := ledger.Output{Created: c.Index, Asset: kernel.AssetID{1}}
			o.Amount = kernel.NewAmount(p.random.Uint64() >> 24)
			o.Keys = make([]kernel.Key, 1)
			p.fill(o.Keys[0][:])
			p.fill(o.Mask[:])
			o.Script = kernel.NewScript(1)
			ref := kernel.OutputRef{Hash: hash, Index: uint16(i)}
			d.Created = append(d.Created, ledger.CreatedOutput{Ref: ref, Output: o})
			d.Keys = append(d.Keys, ledger.TakenKey{Key: o.Keys[0], By: by})
		}
		d.Receipts = append(d.Receipts, kernel.Receipt{Transaction: hash, Status: kernel.Final, Commit: c.Index, Snapshot: r.ID})
	}
	return records, c, d
}

// keep remembers the outputs of a commit that is done.
func (p *payer) keep(d *ledger.Diff) {
	for i := range d.Created {
		p.recent = append(p.recent, d.Created[i].Ref)
	}
	if len(p.recent) > 60_000 {
		p.old = append(p.old, p.recent[:30_000]...)
		p.recent = append(p.recent[:0], p.recent[30_000:]...)
	}
}

// fan makes at least n outputs of transactions with 256 each, and lets others follow.
func (p *payer) fan(b *testing.B, n int) {
	b.Helper()
	for len(p.fanned) < n {
		r, c, d := p.make(8, 256, 1, new([]kernel.OutputRef))
		if err := p.s.Append(r, true); err != nil {
			b.Fatal(err)
		}
		if err := p.s.Commit(c, d, nil); err != nil {
			b.Fatal(err)
		}
		for i := range d.Created {
			p.fanned = append(p.fanned, d.Created[i].Ref)
		}
	}
}

// check reads what checking the payments of d reads.
func (p *payer) check(v *View, d *ledger.Diff) {
	for i := range d.Receipts {
		if _, ok := v.Receipt(d.Receipts[i].Transaction); ok {
			panic("a payment is there before its commit")
		}
	}
	for i := range d.Spent {
		if o, ok := v.Output(d.Spent[i].Ref); !ok || !o.SpentBy.IsZero() {
			panic("an input is missing")
		}
	}
	for i := range d.Keys {
		if _, ok := v.GhostKey(d.Keys[i].Key); ok {
			panic("a key is there before its commit")
		}
	}
}

// written is how many bytes this process gave to write calls.
func written() uint64 {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, "wchar: "); ok {
			n, _ := strconv.ParseUint(v, 10, 64)
			return n
		}
	}
	return 0
}

var shared *payer

// TestMain removes the folder that benchmarks share.
func TestMain(m *testing.M) {
	m.Run()
	if shared != nil {
		_ = shared.s.Close()
		_ = os.RemoveAll(filepath.Dir(shared.f.dir))
	}
}

// payerOf is a store on the disk with many outputs, made once.
func payerOf(b *testing.B) *payer {
	if shared != nil {
		return shared
	}
	dir, err := os.MkdirTemp("", "payments")
	if err != nil {
		b.Fatal(err)
	}
	f := newFixture(b, kv.Memory(), 1)
	f.dir = filepath.Join(dir, "node")
	f.options = Options{}
	if err := Create(f.dir, f.genesis, f.self, f.initial, nil, f.options); err != nil {
		b.Fatal(err)
	}
	p := &payer{f: f, s: f.open(b), random: rand.New(rand.NewPCG(1, 1))}
	for range *preload / 1000 {
		p.step(b, 1000, &p.old, new(bill))
	}
	shared = p
	return p
}

// A bill is the CPU of the parts of payments.
type bill struct{ arrival, execution, insertion, growth, making time.Duration }

func (p *payer) step(b *testing.B, n int, inputs *[]kernel.OutputRef, x *bill) {
	p.stepOver(b, n, 1, inputs, x)
}

func (p *payer) stepOver(b *testing.B, n, snapshots int, inputs *[]kernel.OutputRef, x *bill) {
	at := cputime.Thread()
	lap := func(part *time.Duration) {
		now := cputime.Thread()
		*part += now - at
		at = now
	}
	r, c, d := p.make(n, 3, snapshots, inputs)
	if err := p.s.Append(r, snapshots == 1); err != nil {
		b.Fatal(err)
	}
	lap(&x.making)
	for _, part := range []*time.Duration{&x.arrival, &x.execution} {
		v := p.s.View()
		p.check(v, d)
		_ = v.Close()
		lap(part)
	}
	if err := p.s.Commit(c, d, nil); err != nil {
		b.Fatal(err)
	}
	lap(&x.insertion)
	p.keep(d)
	lap(&x.making)
}

// flush makes all durable, so that what is written next is counted apart.
func (p *payer) flush(b *testing.B) {
	if err := p.s.db.Flush(); err != nil {
		b.Fatal(err)
	}
}

// measure reports what n payments cost each that pay makes and returns.
func (p *payer) measure(b *testing.B, pay func(x *bill) (n int)) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var x bill
	p.flush(b)
	total, wrote, log := cputime.Process(), written(), p.s.Stats().LogBytes
	n := pay(&x)
	p.flush(b)
	all := cputime.Process() - total - x.making
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(n) / 1000 }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(each(x.arrival), "µs-arrival")
	b.ReportMetric(each(x.execution), "µs-execution")
	b.ReportMetric(each(x.insertion), "µs-insertion")
	b.ReportMetric(each(x.growth), "µs-growth")
	b.ReportMetric(each(all-x.arrival-x.execution-x.insertion-x.growth), "µs-behind")
	b.ReportMetric(each(all), "µs")
	b.ReportMetric(float64(written()-wrote-(p.s.Stats().LogBytes-log))/float64(n), "B/payment")
}

// BenchmarkPayments says what the state costs a node for each payment: lookups when it arrives and
// again when it is executed, the commit, and what goes on behind it.
func BenchmarkPayments(b *testing.B) {
	p := payerOf(b)
	for _, kind := range []string{"old", "recent", "fanned"} {
		for _, size := range []int{1000, 100, 1} {
			b.Run(fmt.Sprintf("%s/%d", kind, size), func(b *testing.B) {
				inputs := &p.old
				switch kind {
				case "recent":
					inputs = &p.recent
				case "fanned":
					inputs = &p.fanned
					p.fan(b, 5*b.N) // so that most of them are there to the end
				}
				p.measure(b, func(x *bill) (n int) {
					for ; n < b.N; n += size {
						p.step(b, size, inputs, x)
					}
					return n
				})
			})
		}
	}
	b.Cleanup(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.Logf("%d unspent outputs, heap in use %d MiB, from the system %d MiB", len(p.old)+len(p.recent), m.HeapInuse>>20, m.Sys>>20)
	})
}

// BenchmarkLight says what the state costs at 850 payments and 80 rounds of seven nodes a second, with
// a checkpoint each half minute: many small commits, most rows of which are not of payments. The log
// is not synced.
func BenchmarkLight(b *testing.B) {
	p := payerOf(b)
	grow := func() {
		if _, _, err := p.s.GrowTrees(p.s.Head().Index, nil); err != nil {
			b.Fatal(err)
		}
	}
	grow()
	p.measure(b, func(x *bill) (n int) {
		const checkpoint = 30 * 240 // commits
		for commits := 1; n < b.N; commits++ {
			few := 3 + commits%2
			p.stepOver(b, few, 2+commits%3/2, &p.recent, x)
			n += few
			if commits%checkpoint == 0 {
				from := cputime.Thread()
				grow()
				x.growth += cputime.Thread() - from
			}
		}
		return n
	})
}

// BenchmarkLookups reads single things through a view: such as came with the last commits, such as
// have been on the disk for long, and such as are not there. Nothing is asked for twice.
func BenchmarkLookups(b *testing.B) {
	p := payerOf(b)
	if len(p.old) == 0 {
		b.Fatalf("-preload %d leaves no old outputs to look up: take the default, or 30000", *preload)
	}
	v := p.s.View()
	defer v.Close()
	var keys, used []kernel.Key
	var hashes, final []kernel.TxHash
	for i := range p.old {
		final = append(final, p.old[i].Hash)
	}
	p.random.Shuffle(len(final), func(i, j int) { final[i], final[j] = final[j], final[i] })
	for range min(len(final), 200_000) {
		var k kernel.Key
		p.fill(k[:])
		keys, hashes = append(keys, k), append(hashes, kernel.TxHash(k))
	}
	for i := range min(len(final), 50_000) {
		o, _ := v.Output(p.old[i])
		used = append(used, o.Keys[0])
	}
	for _, x := range []struct {
		name string
		n    int
		look func(i int) bool
	}{
		{"output/recent", len(p.recent), func(i int) bool { _, ok := v.Output(p.recent[len(p.recent)-1-i]); return ok }},
		{"output/old", len(p.old), func(i int) bool { _, ok := v.Output(p.old[i]); return ok }},
		{"output/absent", len(hashes), func(i int) bool { _, ok := v.Output(kernel.OutputRef{Hash: hashes[i]}); return !ok }},
		{"receipt/old", len(final), func(i int) bool { _, ok := v.Receipt(final[i]); return ok }},
		{"receipt/absent", len(hashes), func(i int) bool { _, ok := v.Receipt(hashes[len(hashes)-1-i]); return !ok }},
		{"key/old", len(used), func(i int) bool { _, ok := v.GhostKey(used[i]); return ok }},
		{"key/absent", len(keys), func(i int) bool { _, ok := v.GhostKey(keys[i]); return !ok }},
		{"key/absent again", len(keys), func(i int) bool { _, ok := v.GhostKey(keys[len(keys)-1-i%1000]); return !ok }},
	} {
		b.Run(x.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			b.ReportAllocs()
			from := cputime.Thread()
			for i := range b.N {
				if !x.look(i % x.n) {
					b.Fatal("not what it should be")
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64((cputime.Thread()-from).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}
