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

// New makes a client of the node at url, for example "http://127.0.0.1:6860". Nothing is sent
// until the first call.
func New(url string, options ...Option) *Client {
	return &Client{rpcclient.New(url, "Kernel", options...)}
}

// read is Call with repetitions, for methods that change nothing.
func (c *Client) read(ctx context.Context, method string, params, result any) error {
	return c.Read(ctx, method, params, result)
}

// An Error is a refusal by the node. errors.Is(err, kernel.InputSpent) holds when the node
// names that rule; other names are those of docs/reference/rpc.md.
type Error = rpcclient.Error

// The names of refusals that are not rules, for errors.Is.
var (
	ErrNotReady    = &Error{Name: "not_ready"}    // the node does not take part yet, or no longer
	ErrRateLimited = &Error{Name: "rate_limited"} // ask again after RetryAfter
	ErrForbidden   = &Error{Name: "forbidden"}    // the token lacks the right
	ErrPruned      = &Error{Name: "pruned"}       // no longer stored there: ask an archive node
	ErrRejected    = &Error{Name: "rejected"}     // the transaction has lost for ever
)
