// Package explorer is the web page that shows a network at work: the graph of snapshots as it
// grows, what became of payments, and how long finality took.
//
// It stands outside the Kernel: all it knows comes through the public RPC of the nodes it is
// given. One poller asks them and keeps the answers; visitors are served from those, so a page
// view costs the nodes nothing. What only a few visitors want (one transaction, one snapshot)
// is fetched when it is asked for and kept for a while.
//
// It holds no keys, changes nothing and takes only GET.
package explorer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel/client"
)

// A Config says what to show.
type Config struct {
	Nodes   []string // RPC URLs, for example "http://127.0.0.1:6861"; the first that answers is the source
	Network string   // name for people; one that begins with "devnet" or "testnet" is watermarked
	Hosts   []string // further names that the Host header may have; loopback is always allowed
	Pillars string   // RPC URL of a node of the public chain, whose pages are served too; empty is none
	Log     *slog.Logger
}

// An Explorer keeps what the nodes said and serves it as pages.
type Explorer struct {
	config  Config
	log     *slog.Logger
	clients []*client.Client // by Config.Nodes
	state   *state
	fetched *cache
	trace   *Trace // shown in place of a network; nil for none
	handler http.Handler
}

// New checks config. Nothing is asked of the nodes until Run.
func New(config Config) (*Explorer, error) {
	if len(config.Nodes) == 0 {
		return nil, errors.New("explorer: no nodes: give at least one RPC address")
	}
	e := &Explorer{config: config, log: config.Log, fetched: newCache()}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	for _, address := range config.Nodes {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, fmt.Errorf("explorer: node %.80q: want an address like http://127.0.0.1:6861", address)
		}
		e.clients = append(e.clients, client.New(address,
			client.WithHTTP(&http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}),
			client.WithAttempts(1, 100*time.Millisecond)))
	}
	e.state = newState(config.Nodes)
	handler, err := e.routes()
	if err != nil {
		return nil, err
	}
	e.handler = handler
	return e, nil
}

// Handler serves the pages. It may be used before Run, and shows then that nothing is known yet.
func (e *Explorer) Handler() http.Handler { return e.handler }

// Run asks the nodes until ctx ends. Nodes that do not answer are no error: the pages say so.
func (e *Explorer) Run(ctx context.Context) error {
	if e.trace != nil {
		return e.wait(ctx)
	}
	var wg sync.WaitGroup
	for i := range e.clients {
		wg.Go(func() { e.watchNode(ctx, i) })
	}
	wg.Go(func() { e.watchGraph(ctx) })
	wg.Go(func() { e.watchCommits(ctx) })
	wg.Wait()
	return nil
}
