package node

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/kernel"
)

var benchRate = flag.Float64("rate", 20, "transactions a second of BenchmarkEndToEnd/rate")

// BenchmarkEndToEnd runs seven nodes in this process, with real connections, disks and RPC, and
// b.N payments: at a fixed rate that does not wait for answers, and as fast as they are taken.
// CPU time includes the client's.
func BenchmarkEndToEnd(b *testing.B) {
	b.Run(fmt.Sprintf("rate=%g", *benchRate), func(b *testing.B) { benchmarkEndToEnd(b, *benchRate) })
	b.Run("saturation", func(b *testing.B) { benchmarkEndToEnd(b, 0) })
}

// BenchmarkIdle measures what a network without transactions costs: b.N is tenths of seconds.
func BenchmarkIdle(b *testing.B) {
	n := startNetwork(b, 7)
	time.Sleep(2 * time.Second)
	before := n.spent()
	for b.Loop() {
		time.Sleep(100 * time.Millisecond)
	}
	used, seconds := n.spent().minus(before), b.Elapsed().Seconds()
	b.ReportMetric(used.cpu.Seconds()*1000/seconds/7, "cpu-ms/s/node")
	b.ReportMetric(float64(used.wire)/seconds/7, "wire-B/s/node")
	b.ReportMetric(float64(used.disk)/seconds/7, "disk-B/s/node")
}

func benchmarkEndToEnd(b *testing.B, rate float64) {
	const k = 7
	n := newNetwork(b, k, max(b.N, coinsEach))
	for i := range k {
		n.start(i)
	}
	payments := make([][]byte, b.N)
	for i := range payments {
		payments[i] = n.payment(i, "bench")
	}
	for i := range k {
		n.waitState(i, "active")
	}
	watch := n.watchFinality(b.N)
	before := n.spent()
	b.ResetTimer()
	n.submitAll(payments, rate, watch)
	latencies := watch.wait(b)
	b.StopTimer()
	used, count := n.spent().minus(before), float64(b.N)
	slices.Sort(latencies)
	b.ReportMetric(count/b.Elapsed().Seconds(), "tx/s")
	b.ReportMetric(float64(latencies[len(latencies)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(latencies[len(latencies)*99/100].Milliseconds()), "p99-ms")
	b.ReportMetric(used.cpu.Seconds()*1e6/count/k, "cpu-µs/tx/node")
	b.ReportMetric(float64(used.wire)/count/k, "wire-B/tx/node")
	b.ReportMetric(float64(used.disk)/count/k, "disk-B/tx/node")
	b.ReportMetric(float64(used.syncs)/count/k, "syncs/tx/node")
	b.ReportMetric(used.rounds/b.Elapsed().Seconds(), "rounds/s")
}

// submitAll hands payments to the nodes in turn: at a fixed rate, or by a few clients that go
// on as soon as they have their answer.
func (n *testNetwork) submitAll(payments [][]byte, rate float64, w *finalityWatch) {
	const clients = 64
	var group sync.WaitGroup
	work := make(chan int, clients)
	for range clients {
		group.Go(func() {
			for i := range work {
				hash, err := n.clients[i%len(n.clients)].SendRawTransaction(context.Background(), payments[i])
				if err != nil {
					n.t.Errorf("payment %d: %v", i, err)
				}
				w.submitted(hash)
			}
		})
	}
	began := time.Now()
	for i := range payments {
		if rate > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		}
		w.begin(txHash(n.t, payments[i]))
		work <- i
	}
	close(work)
	group.Wait()
}

func txHash(t testing.TB, raw []byte) kernel.TxHash {
	t.Helper()
	var tx kernel.Transaction
	if err := tx.UnmarshalBinary(raw); err != nil {
		t.Fatal(err)
	}
	return tx.Hash()
}

// A finalityWatch notes when each transaction is final on all nodes.
type finalityWatch struct {
	mu    sync.Mutex
	began map[kernel.TxHash]time.Time
	nodes map[kernel.TxHash]int
	took  []time.Duration
	want  int
	k     int
	done  chan struct{}
	stop  context.CancelFunc
}

func (n *testNetwork) watchFinality(want int) *finalityWatch {
	ctx, stop := context.WithCancel(context.Background())
	w := &finalityWatch{
		began: make(map[kernel.TxHash]time.Time), nodes: make(map[kernel.TxHash]int),
		want: want, k: len(n.nodes), done: make(chan struct{}), stop: stop,
	}
	n.t.Cleanup(stop)
	for _, node := range n.nodes {
		go w.follow(ctx, node, node.store.Head().Index)
	}
	return w
}

func (w *finalityWatch) follow(ctx context.Context, node *Node, seen kernel.CommitIndex) {
	for {
		head, changed := node.head.get()
		at := time.Now()
		for ; seen < head; seen++ {
			_, receipts, _ := node.store.CommitAt(seen + 1)
			w.final(receipts, at)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (w *finalityWatch) begin(h kernel.TxHash) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began[h] = time.Now()
}

func (w *finalityWatch) submitted(kernel.TxHash) {}

func (w *finalityWatch) final(receipts []kernel.Receipt, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range receipts {
		began, ours := w.began[r.Transaction]
		if w.nodes[r.Transaction]++; !ours || w.nodes[r.Transaction] < w.k {
			continue
		}
		if w.took = append(w.took, at.Sub(began)); len(w.took) == w.want {
			close(w.done)
		}
	}
}

func (w *finalityWatch) wait(b *testing.B) []time.Duration {
	b.Helper()
	defer w.stop()
	select {
	case <-w.done:
	case <-time.After(5 * time.Minute):
		w.mu.Lock()
		b.Fatalf("%d of %d transactions are final on all nodes", len(w.took), w.want)
	}
	return w.took
}

// A usage is what all nodes together have used.
type usage struct {
	cpu        time.Duration
	wire, disk uint64
	syncs      uint64
	rounds     float64
}

func (u usage) minus(v usage) usage {
	return usage{u.cpu - v.cpu, u.wire - v.wire, u.disk - v.disk, u.syncs - v.syncs, u.rounds - v.rounds}
}

func (n *testNetwork) spent() (u usage) {
	u.cpu = cputime.Process()
	io, _ := os.ReadFile("/proc/self/io") // Linux only; 0 elsewhere
	for line := range strings.Lines(string(io)) {
		if v, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			fmt.Sscan(v, &u.disk)
		}
	}
	for _, node := range n.nodes {
		u.syncs += node.store.Stats().Syncs
		u.rounds += float64(node.status.Load().Round) / float64(len(n.nodes))
		for _, p := range node.mesh.Peers() {
			u.wire += p.SentBytes
		}
	}
	return u
}
