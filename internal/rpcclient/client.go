// Package rpcclient calls a server of JSON-RPC 2.0: what the typed clients of all products have in
// common. It repeats reads when the server cannot be reached, bounds what it reads, and turns
// refusals into errors with the server's stable names.
package rpcclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// MaxAnswer bounds what is read of one answer, in bytes.
const MaxAnswer = 128 << 20

// A Client calls one node.
type Client struct {
	url      string
	product  string // whose server it is, for people
	token    string
	http     *http.Client
	attempts int           // of a read
	backoff  time.Duration // before the second attempt; doubles
	ids      atomic.Uint64
}

// An Option changes a Client.
type Option func(*Client)

// WithToken sends a bearer token with every call.
func WithToken(token string) Option { return func(c *Client) { c.token = token } }

// WithHTTP uses h, for example one that trusts a private certificate.
func WithHTTP(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithAttempts tries a read up to n times, pausing first for backoff and doubling it. n = 1 is
// no repetition.
func WithAttempts(n int, backoff time.Duration) Option {
	return func(c *Client) { c.attempts, c.backoff = max(n, 1), backoff }
}

// New makes a client of a product's node at url. Nothing is sent until the first call.
func New(url, product string, options ...Option) *Client {
	c := &Client{
		product:  product,
		url:      strings.TrimRight(url, "/"),
		http:     &http.Client{Transport: newTransport()},
		attempts: 3,
		backoff:  100 * time.Millisecond,
	}
	for _, option := range options {
		option(c)
	}
	return c
}

// newTransport allows as many idle connections to one node as a busy wallet uses, and drops them
// before the node does.
func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	t.IdleConnTimeout = 30 * time.Second
	t.WriteBufferSize = 64 << 10 // a call leaves in one piece, or in pieces of which each is worth a system call
	return t
}

// Backoff is how long a read that failed waits at first before it is repeated.
func (c *Client) Backoff() time.Duration { return c.backoff }

// URL returns the address that the client calls.
func (c *Client) URL() string { return c.url }

// Call calls a method with named parameters (a struct or map, nil for none) and decodes the
// result into result, which may be nil. It is for methods without a Go form; it never repeats.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	return c.attempt(ctx, method, params, result)
}

// Read is Call with repetitions, for methods that change nothing.
func (c *Client) Read(ctx context.Context, method string, params, result any) error {
	wait := c.backoff
	for i := 1; ; i++ {
		err := c.attempt(ctx, method, params, result)
		if err == nil || i >= c.attempts || !WorthRepeating(err) || ctx.Err() != nil {
			return err
		}
		var refusal *Error
		if errors.As(err, &refusal) {
			wait = max(wait, refusal.RetryAfter())
		}
		if Sleep(ctx, wait) != nil {
			return err
		}
		wait *= 2
	}
}

// WorthRepeating reports whether the same read may succeed on another attempt.
func WorthRepeating(err error) bool {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Temporary()
	}
	var outside *url.Error
	return errors.As(err, &outside)
}

// Sleep waits for d or for the end of ctx, whose error it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A Request is a call as it is sent.
type Request struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

// Written are parameters that write their own JSON. It is for those that are long: the general encoder goes
// over its text three times.
type Written interface {
	AppendJSON(b []byte) []byte
}

func encode(id uint64, method string, params any) ([]byte, error) {
	written, ok := params.(Written)
	if !ok {
		return json.Marshal(Request{"2.0", id, method, params})
	}
	name, err := json.Marshal(method)
	if err != nil {
		return nil, err
	}
	body := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":%s,"params":`, id, name)
	return append(written.AppendJSON(body), '}'), nil
}

type wireResponse struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   *WireError      `json:"error"`
}

func (c *Client) attempt(ctx context.Context, method string, params, result any) error {
	id := c.ids.Add(1)
	body, err := encode(id, method, params)
	if err != nil {
		return fmt.Errorf("encode %s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.Authorize(req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("call %s: %w", method, err)
	}
	defer resp.Body.Close()
	var answer bytes.Buffer
	answer.Grow(int(min(max(resp.ContentLength, 0), 1<<20)) + bytes.MinRead) // no more for who only promises
	if _, err := answer.ReadFrom(io.LimitReader(resp.Body, MaxAnswer+1)); err != nil {
		return fmt.Errorf("read answer of %s: %w", method, &url.Error{Op: "Post", URL: c.url, Err: err})
	}
	if answer.Len() > MaxAnswer {
		return fmt.Errorf("answer of %s is longer than %d bytes", method, MaxAnswer)
	}
	return c.Decode(resp.StatusCode, answer.Bytes(), id, method, result)
}

// HTTP is what the client calls with.
func (c *Client) HTTP() *http.Client { return c.http }

// Authorize puts the token into the header of a request.
func (c *Client) Authorize(h http.Header) {
	if c.token != "" {
		h.Set("Authorization", "Bearer "+c.token)
	}
}

// Decode reads the answer to a call.
func (c *Client) Decode(status int, answer []byte, id uint64, method string, result any) error {
	var response wireResponse
	err := json.Unmarshal(answer, &response)
	switch {
	case err == nil && response.Error != nil:
		return response.Error.Err()
	case status != http.StatusOK:
		return &Error{Code: status, Message: firstLine(answer, status)}
	case err != nil || response.Version != "2.0" || response.Result == nil:
		return fmt.Errorf("answer of %s is not JSON-RPC 2.0: is this the address of a %s node?", method, c.product)
	case string(response.ID) != fmt.Sprint(id):
		return fmt.Errorf("answer of %s has another call's id", method)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(response.Result, result); err != nil {
		return fmt.Errorf("decode answer of %s: %w", method, err)
	}
	return nil
}

func firstLine(answer []byte, status int) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(answer), []byte("\n"))
	if len(line) == 0 {
		return http.StatusText(status)
	}
	return string(line[:min(len(line), 200)])
}
