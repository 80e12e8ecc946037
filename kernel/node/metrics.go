package node

import (
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are what a node measures as it goes; the rest is read when somebody asks.
type metrics struct {
	step       prometheus.Histogram
	execution  prometheus.Histogram
	finality   prometheus.Histogram
	receipts   *prometheus.CounterVec
	refused    prometheus.Counter
	misbehaved *prometheus.CounterVec
	supply     prometheus.Counter

	checkpointSeconds prometheus.Histogram
	pruneSeconds      prometheus.Histogram
}

func newMetrics(n *Node, r prometheus.Registerer) *metrics {
	seconds := prometheus.ExponentialBuckets(0.0001, 2.5, 12)
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "aster_kernel_" + name, Help: help, Buckets: buckets})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "aster_kernel_" + name, Help: help})
	}
	m := &metrics{
		step:       histogram("engine_step_seconds", "Time of one step of the engine.", seconds),
		execution:  histogram("execution_seconds", "Time to execute and store one commit.", seconds),
		finality:   histogram("finality_seconds", "From a snapshot's timestamp until this node orders it.", prometheus.ExponentialBuckets(0.005, 2, 14)),
		receipts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aster_kernel_receipts_total", Help: "Receipts by status."}, []string{"status"}),
		refused:    counter("snapshots_refused_total", "Snapshots refused as not valid or not wanted now."),
		misbehaved: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "aster_kernel_peer_misbehaved_total", Help: "Messages that no honest node sends."}, []string{"peer"}),
		supply:     counter("supply_checks_total", "Commits after which the supply of every asset was found right."),

		checkpointSeconds: histogram("checkpoint_seconds", "Time to make a checkpoint, beside everything else; half a period if there is much to do.", prometheus.ExponentialBuckets(0.001, 3, 12)),
	}
	m.pruneSeconds = histogram("prune_seconds", "Time to let go of an epoch, beside everything else.", prometheus.ExponentialBuckets(0.001, 3, 10))
	r.MustRegister(m.pruneSeconds, m.step, m.execution, m.finality, m.receipts, m.refused, m.misbehaved, m.supply, m.checkpointSeconds,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	n.registerReadings(r)
	return m
}

// registerReadings registers what is read off the node when it is asked.
func (n *Node) registerReadings(r prometheus.Registerer) {
	status := func(read func(*engine.Status) float64) func() float64 {
		return func() float64 { return read(&n.status.Load().Status) }
	}
	gauge := func(name, help string, read func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "aster_kernel_" + name, Help: help}, read))
	}
	counter := func(name, help string, read func() float64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "aster_kernel_" + name, Help: help}, read))
	}
	gauge("epoch", "Epoch in force.", func() float64 { return float64(n.status.Load().seat.Epoch) })
	gauge("round", "Round of the newest own snapshot.", status(func(s *engine.Status) float64 { return float64(s.Round) }))
	gauge("commit_index", "Newest executed commit.", status(func(s *engine.Status) float64 { return float64(s.Executed.Index) }))
	gauge("active", "1 while the node signs.", status(func(s *engine.Status) float64 { return truth(s.Phase == engine.Active) }))
	gauge("mempool_transactions", "Transactions that wait.", status(func(s *engine.Status) float64 { return float64(s.Waiting) }))
	gauge("mempool_bytes", "Bytes of the transactions that wait.", status(func(s *engine.Status) float64 { return float64(s.Bytes) }))
	gauge("pending_snapshots", "Snapshots that miss a parent.", status(func(s *engine.Status) float64 { return float64(s.Held) }))
	gauge("state_mismatch", "1 while f+1 members name another state.", status(func(s *engine.Status) float64 { return truth(s.Alarm) }))
	counter("snapshots_accepted_total", "Snapshots accepted into the graph.", status(func(s *engine.Status) float64 { return float64(s.Stats.Accepted) }))
	counter("snapshots_made_total", "Own snapshots.", status(func(s *engine.Status) float64 { return float64(s.Stats.Made) }))
	counter("slots_committed_total", "Leader slots committed.", status(func(s *engine.Status) float64 { return float64(s.Stats.Committed) }))
	counter("slots_skipped_total", "Leader slots skipped.", status(func(s *engine.Status) float64 { return float64(s.Stats.Skipped) }))
	counter("equivocations_total", "Authors proved to have signed twice in a round.", status(func(s *engine.Status) float64 { return float64(s.Stats.Equivocations) }))
	counter("wrong_shares_total", "Authors proved to have shown a wrong coin share.", status(func(s *engine.Status) float64 { return float64(s.Stats.WrongShares) }))
	gauge("checkpoint_commit", "Commit of the newest checkpoint that this node made.", func() float64 {
		index, _, _ := n.store.TreesAt()
		return float64(index)
	})
	gauge("checkpoint_certified_commit", "Commit of the newest checkpoint that a quorum signed.", func() float64 {
		if p, ok := n.store.Certificate(^kernel.CommitIndex(0)); ok {
			return float64(p.Checkpoint.Index)
		}
		return 0
	})
	gauge("input_queue_length", "Inputs that wait for the engine.", func() float64 { return float64(len(n.inputs)) })
	gauge("input_queue_limit", "Room of that queue.", func() float64 { return float64(cap(n.inputs)) })
	counter("log_bytes_total", "Bytes written to the log.", func() float64 { return float64(n.store.Stats().LogBytes) })
	counter("log_syncs_total", "Syncs of the log.", func() float64 { return float64(n.store.Stats().Syncs) })
	counter("log_sync_seconds_total", "Time spent in syncs of the log.", func() float64 { return n.store.Stats().SyncSeconds })
	gauge("log_kept_bytes", "Bytes of the log that are on disk.", func() float64 { return float64(n.store.Stats().KeptBytes) })
	gauge("history_oldest_commit", "Commit that this node's history begins behind; 0 is all of it.", func() float64 { return float64(n.store.Base()) })
	gauge("history_oldest_epoch", "Oldest epoch of which this node has everything.", func() float64 { return float64(n.store.FirstEpoch()) })
	gauge("state_bytes", "Bytes that the ledger's state takes on disk.", func() float64 { return float64(n.store.Stats().StateBytes) })
	r.MustRegister(peerMetrics{n})
}

// peerMetrics describe the peers that there are when somebody asks.
type peerMetrics struct{ n *Node }

var (
	peerConnected = prometheus.NewDesc("aster_kernel_peer_connected", "1 while connected.", []string{"peer"}, nil)
	peerSent      = prometheus.NewDesc("aster_kernel_peer_sent_bytes_total", "Bytes sent.", []string{"peer"}, nil)
	peerReceived  = prometheus.NewDesc("aster_kernel_peer_received_bytes_total", "Bytes received.", []string{"peer"}, nil)
	peerRound     = prometheus.NewDesc("aster_kernel_peer_round", "Newest round held of the peer.", []string{"peer"}, nil)
)

// Describe implements prometheus.Collector.
func (peerMetrics) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{peerConnected, peerSent, peerReceived, peerRound} {
		c <- d
	}
}

// Collect implements prometheus.Collector. Of two peers with one name the second is told by its id.
func (p peerMetrics) Collect(c chan<- prometheus.Metric) {
	now, named := p.n.status.Load(), map[string]bool{}
	for _, peer := range p.n.mesh.Peers() {
		name := p.n.nameOf(peer.Key)
		if named[name] {
			name = kernel.NodeIDOf(p.n.network, peer.Key).String()
		}
		named[name] = true
		c <- prometheus.MustNewConstMetric(peerConnected, prometheus.GaugeValue, truth(peer.Connected), name)
		c <- prometheus.MustNewConstMetric(peerSent, prometheus.CounterValue, float64(peer.SentBytes), name)
		c <- prometheus.MustNewConstMetric(peerReceived, prometheus.CounterValue, float64(peer.ReceivedBytes), name)
		if a, ok := now.seat.Place(peer.Key); ok {
			c <- prometheus.MustNewConstMetric(peerRound, prometheus.GaugeValue, float64(now.Top[a]), name)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// observeCommit measures how long the snapshots of a commit took to be ordered.
func (m *metrics) observeCommit(c *kernel.Commit) {
	m.finality.Observe(max(time.Since(c.Timestamp.Time()).Seconds(), 0))
}

func (m *metrics) observeExecution(d *ledger.Diff, took time.Duration) {
	m.execution.Observe(took.Seconds())
	m.supply.Inc() // Execute panics when a supply is broken
	for _, r := range d.Receipts {
		m.receipts.WithLabelValues(r.Status.String()).Inc()
	}
}

// rates counts what became final in the last minute.
type rates struct {
	mu      sync.Mutex
	seconds [60]struct {
		at                      int64
		snapshots, transactions int
	}
}

func (r *rates) add(snapshots, transactions int) {
	at := time.Now().Unix()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.seconds[at%60]
	if s.at != at {
		s.at, s.snapshots, s.transactions = at, 0, 0
	}
	s.snapshots += snapshots
	s.transactions += transactions
}

func (r *rates) perSecond() (sps, tps float64) {
	oldest := time.Now().Unix() - 60
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.seconds {
		if s.at > oldest {
			sps += float64(s.snapshots) / 60
			tps += float64(s.transactions) / 60
		}
	}
	return sps, tps
}
