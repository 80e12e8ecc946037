package client

import (
	"context"
	"net/http"
	"time"

	"github.com/asterism-network/asterism/internal/rpcclient"
)

// A Client calls one node.
type Client struct{ *rpcclient.Client }

// An Option changes a Client.
type Option = rpcclient.Option

// WithToken sends a bearer token with every call.
func WithToken(token string) Option { return rpcclient.WithToken(token) }

// WithHTTP uses h, for example one that trusts a private certificate.
func WithHTTP(h *http.Client) Option { return rpcclient.WithHTTP(h) }

// WithAttempts tries a read up to n times, pausing first for backoff and doubling it. n = 1 is
// no repetition.
func WithAttempts(n int, backoff time.Duration) Option { return rpcclient.WithAttempts(n, backoff) }

// New makes a client of the node at url, for example "http://127.0.0.1:8820". Nothing is sent
// until the first call.
func New(url string, options ...Option) *Client {
	return &Client{rpcclient.New(url, "Pillars", options...)}
}

// read is Call with repetitions, for methods that change nothing.
func (c *Client) read(ctx context.Context, method string, params, result any) error {
	return c.Read(ctx, method, params, result)
}

// An Error is a refusal by the node. Names are those of docs/reference/pillars-rpc.md; the name of a
// broken rule is the rule's own.
type Error = rpcclient.Error

// The names of refusals that are not rules, for errors.Is.
var (
	ErrNotReady    = &Error{Name: "not_ready"}
	ErrRateLimited = &Error{Name: "rate_limited"}
	ErrForbidden   = &Error{Name: "forbidden"}
	ErrPruned      = &Error{Name: "pruned"}
	ErrNotFound    = &Error{Name: "not_found"}
)
