package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/asterism-network/asterism/explorer"
)

// A page is the web page that a devnet serves.
type page struct {
	url  string // empty when there is none
	stop func()
}

// servePage serves the web page over the nodes' RPC at address, or at the next free port if
// that one is busy. Chain is the RPC of a node of the public chain, whose pages are served too, or empty.
func servePage(ctx context.Context, address string, urls []string, chain string, say func(string, ...any)) (page, error) {
	if address == "" {
		return page{stop: func() {}}, nil
	}
	pages, err := explorer.New(explorer.Config{Nodes: urls, Network: "devnet", Pillars: chain})
	if err != nil {
		return page{stop: func() {}}, err
	}
	return serveExplorer(ctx, address, pages, say)
}

// serveExplorer serves the pages at address, or at the next free port if that one is busy.
func serveExplorer(ctx context.Context, address string, pages *explorer.Explorer, say func(string, ...any)) (page, error) {
	none := page{stop: func() {}}
	listener, err := listenNear(ctx, address)
	if err != nil {
		return none, err
	}
	at := listener.Addr().String()
	if at != address && !strings.HasSuffix(address, ":0") {
		say("port of %s is busy: the web page is on %s", address, at)
	}
	server := &http.Server{Handler: pages.Handler(), ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			say("web page: %v", err)
		}
	})
	running.Go(func() {
		if err := pages.Run(ctx); err != nil {
			say("web page: %v", err)
		}
	})
	return page{url: "http://" + at, stop: func() {
		cancel()
		server.Close()
		running.Wait()
	}}, nil
}

// listenNear listens on an address or on one of the ports after it.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--explorer %q: %w", address, err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("--explorer %q: %w", address, err)
	}
	var config net.ListenConfig
	for try := port; ; try++ {
		l, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(try)))
		if err == nil || try > port+100 || port == 0 {
			return l, err
		}
	}
}
