package rpcserver

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts calls. Labels are words of the registry only, so their number is bounded.
type metrics struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	streams prometheus.Gauge
}

func newMetrics(prefix string, register prometheus.Registerer) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "_calls_total", Help: "Calls by method and error name; none is success.",
		}, []string{"method", "error"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "_call_seconds", Help: "Time a call took.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}, []string{"method"}),
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: prefix + "_streams", Help: "Open streams.",
		}),
	}
	if register != nil {
		register.MustRegister(m.calls, m.seconds, m.streams)
	}
	return m
}

func (m *metrics) observe(method, name string, took time.Duration) {
	m.calls.WithLabelValues(method, name).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}
