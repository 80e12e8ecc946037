package node

import (
	"context"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/asterism-network/asterism/pillars/internal/rpc"
)

// Why an interface is refused; the daemon exits with 78.
var (
	ErrExposed = rpc.ErrExposed // it would be reachable from outside without TLS and tokens
	ErrConfig  = rpc.ErrConfig
)

// InterfaceOptions say how a node can be asked from outside.
type InterfaceOptions struct {
	Listen     string // host:port; loopback unless TLS and tokens are given
	TLSCert    string // PEM files
	TLSKey     string
	TokensFile string
	Hosts      []string // further names that the Host header may have
	Origins    []string // browser origins that may call
	Ops        string   // loopback address of health, metrics and profiles; empty is off
	Name       string   // of the node, for people
	Alone      bool     // a node without peers is ready too: the first of a network, or one for tests
	Miner      *Miner   // answers getwork, getmininginfo and getwhy; nil: the node does not mine

	// Ready is told the addresses once they can be asked; ops is empty if that is off.
	Ready func(rpc, ops string)
}

// Offer lets an opened node answer the outside, before it runs.
func (n *Node) Offer(o InterfaceOptions) {
	n.options.Services = append(n.options.Services, Interface(o))
}

// Interface is the service that answers the outside.
func Interface(o InterfaceOptions) Service {
	return func(ctx context.Context, n *Node) error {
		b := newBackend(n, o)
		registry := prometheus.NewRegistry()
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &figures{b})
		config := rpc.Config{Listen: o.Listen, TLSCert: o.TLSCert, TLSKey: o.TLSKey, Tokens: o.TokensFile, Hosts: o.Hosts, Origins: o.Origins}
		server, err := rpc.New(config, b, registry, n.log)
		if err != nil {
			return err
		}
		listener, err := server.Listen()
		if err != nil {
			return err
		}
		services := []func(context.Context) error{b.run, func(ctx context.Context) error { return server.Run(ctx, listener) }}
		var opsListener net.Listener
		if o.Ops != "" {
			ops, err := rpc.NewOps(o.Ops, b, registry, n.log)
			if err == nil {
				opsListener, err = ops.Listen()
			}
			if err != nil {
				listener.Close()
				return err
			}
			services = append(services, func(ctx context.Context) error { return ops.Run(ctx, opsListener) })
		}
		n.log.Info("rpc listens", "address", listener.Addr())
		if o.Ready != nil {
			at := ""
			if opsListener != nil {
				at = opsListener.Addr().String()
			}
			o.Ready(listener.Addr().String(), at)
		}
		return runAll(ctx, services...)
	}
}

// figures are what is measured of a node besides its calls. Each scrape reads them.
type figures struct{ b *backend }

var (
	heightFigure  = prometheus.NewDesc("aster_pillars_height", "Height of the tip.", nil, nil)
	bestFigure    = prometheus.NewDesc("aster_pillars_best_known_height", "Height of the heaviest headers known.", nil, nil)
	sealFigure    = prometheus.NewDesc("aster_pillars_blocks_connected_total", "Blocks connected since the start, by seal.", []string{"seal"}, nil)
	reorgFigure   = prometheus.NewDesc("aster_pillars_reorganisations_total", "Reorganisations since the start.", nil, nil)
	deepestFigure = prometheus.NewDesc("aster_pillars_reorganisation_depth_blocks_max", "Most blocks that one of them took back.", nil, nil)
	waitingFigure = prometheus.NewDesc("aster_pillars_mempool_transactions", "Transactions that wait.", nil, nil)
	bytesFigure   = prometheus.NewDesc("aster_pillars_mempool_bytes", "Bytes of them.", nil, nil)
	peersFigure   = prometheus.NewDesc("aster_pillars_peers", "Connections to other nodes.", nil, nil)
	diskFigure    = prometheus.NewDesc("aster_pillars_store_bytes", "What the chain takes on disk.", nil, nil)
	readyFigure   = prometheus.NewDesc("aster_pillars_ready", "1 if the node takes part in the network.", nil, nil)
)

// Describe lists the figures.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{heightFigure, bestFigure, sealFigure, reorgFigure, deepestFigure, waitingFigure, bytesFigure, peersFigure, diskFigure, readyFigure} {
		to <- d
	}
}

// Collect reads them.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	s := f.b.Status()
	gauge(heightFigure, float64(f.b.node.Tip().Number))
	gauge(bestFigure, float64(s.Best))
	gauge(deepestFigure, float64(s.Deepest))
	gauge(peersFigure, float64(s.Peers))
	gauge(diskFigure, float64(f.b.Chain().DiskBytes()))
	ready := 0.0
	if s.State == rpc.Active {
		ready = 1
	}
	gauge(readyFigure, ready)
	bytes, waiting := 0, f.b.Waiting()
	for i := range waiting {
		bytes += waiting[i].Size
	}
	gauge(waitingFigure, float64(len(waiting)))
	gauge(bytesFigure, float64(bytes))
	to <- prometheus.MustNewConstMetric(reorgFigure, prometheus.CounterValue, float64(s.Reorgs))
	f.b.mu.Lock()
	seals := f.b.seals
	f.b.mu.Unlock()
	for i, name := range []string{"genesis", "pow", "pos", "dpos"} {
		to <- prometheus.MustNewConstMetric(sealFigure, prometheus.CounterValue, float64(seals[i]), name)
	}
}
