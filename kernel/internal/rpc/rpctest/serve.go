package rpctest

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// Serve serves n on a free port of loopback until the test ends, and returns the URL. An empty
// config.Listen is filled in.
func Serve(t testing.TB, n *Node, config rpc.Config) string {
	t.Helper()
	url, stop := Start(t, n, config)
	t.Cleanup(stop)
	return url
}

// Start is Serve for tests that stop and start servers; config.Listen can name the port of an
// earlier one. stop waits for the end and may be called twice.
func Start(t testing.TB, n *Node, config rpc.Config) (url string, stop func()) {
	t.Helper()
	if config.Listen == "" {
		config.Listen = "127.0.0.1:0"
	}
	server, err := rpc.New(config, n, n, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, l) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return scheme(config) + "://" + l.Addr().(*net.TCPAddr).String(), stop
}

func scheme(c rpc.Config) string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}
