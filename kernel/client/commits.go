package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/asterism-network/asterism/internal/rpcclient"
	"github.com/asterism-network/asterism/kernel"
	"github.com/coder/websocket"
)

const (
	pageSize     = 200
	streamSilent = 30 * time.Second // the node sends a heartbeat every 10
	maxKept      = 1 << 20          // bytes of a buffer between events
)

// Commits yields every commit from index from on, each once and in order, for ever: first by
// pages, then as the node executes them. It reconnects by itself and ends only with ctx, with
// an error that repeating cannot cure, or when the loop breaks. To resume after commit n, start
// from n+1.
func (c *Client) Commits(ctx context.Context, from kernel.CommitIndex) iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) {
		f := follower{client: c, next: from, yield: yield, pause: c.Backoff()}
		for ctx.Err() == nil && !f.done {
			if err := f.turn(ctx); err != nil && !f.done {
				f.recover(ctx, err)
			}
		}
		if !f.done {
			yield(nil, ctx.Err())
		}
	}
}

// A follower is the state of one Commits loop.
type follower struct {
	client *Client
	next   kernel.CommitIndex
	yield  func(*Commit, error) bool
	pause  time.Duration
	done   bool // the loop broke or an error was delivered
}

var errStopped = errors.New("the reader stopped")

// turn follows pages up to the node's head, then the stream until it breaks.
func (f *follower) turn(ctx context.Context) error {
	for {
		page, err := f.client.CommitsPage(ctx, f.next, pageSize)
		if err != nil {
			return err
		}
		for i := range page.Items {
			if err := f.deliver(ctx, &page.Items[i]); err != nil {
				return err
			}
		}
		if page.Next > page.Head || len(page.Items) == 0 {
			return f.stream(ctx)
		}
	}
}

// deliver hands over the next commit and refuses any other.
func (f *follower) deliver(ctx context.Context, commit *Commit) error {
	if commit.Index < f.next {
		return nil // repeated after a reconnect
	}
	if commit.Index > f.next {
		return fmt.Errorf("node sent commit %d where %d follows", commit.Index, f.next)
	}
	if err := f.client.complete(ctx, commit); err != nil {
		return err
	}
	f.next, f.pause = commit.Index+1, f.client.Backoff()
	if !f.yield(commit, nil) {
		f.done = true
		return errStopped
	}
	return nil
}

// complete fetches the transactions that a large commit came without.
func (c *Client) complete(ctx context.Context, commit *Commit) error {
	if commit == nil || !commit.Truncated {
		return nil
	}
	for i := range commit.Transactions {
		t := &commit.Transactions[i]
		if t.Hex != "" {
			continue
		}
		tx, err := c.Transaction(ctx, t.Hash)
		if err != nil {
			return err
		}
		if tx == nil {
			message := fmt.Sprintf("the node has no bytes of transaction %s, final in commit %d: ask another node", t.Hash, commit.Index)
			return &Error{Name: ErrPruned.Name, Message: message}
		}
		t.Hex = tx.Hex
	}
	commit.Truncated = false
	return nil
}

// recover waits before the next turn, or ends the loop with an error that a turn cannot cure.
func (f *follower) recover(ctx context.Context, err error) {
	var broken *brokenStream
	if !errors.As(err, &broken) && !rpcclient.WorthRepeating(err) && ctx.Err() == nil {
		f.done = true
		f.yield(nil, err)
		return
	}
	if rpcclient.Sleep(ctx, f.pause) == nil {
		f.pause = min(2*f.pause, 5*time.Second)
	}
}

// A brokenStream is the end of a connection, after which another one goes on.
type brokenStream struct {
	doing string
	err   error
}

func (b *brokenStream) Error() string { return b.doing + ": " + b.err.Error() }
func (b *brokenStream) Unwrap() error { return b.err }

// stream subscribes and delivers until the connection breaks.
func (f *follower) stream(ctx context.Context) error {
	return subscribe(ctx, f.client, "commits", f.next, func(commit *Commit) error { return f.deliver(ctx, commit) })
}

// Digests yields every commit from index from on as Commits does, but only what commits are
// compared by, with receipts if asked for: the cheap way to see when something is final on many
// nodes. It does not reconnect: it ends with ctx, with the connection's error, or when the loop
// breaks.
func (c *Client) Digests(ctx context.Context, from kernel.CommitIndex, receipts bool) iter.Seq2[*CommitDigest, error] {
	return func(yield func(*CommitDigest, error) bool) {
		topic := "digests"
		if receipts {
			topic = "receipts"
		}
		err := subscribe(ctx, c, topic, from, func(d *CommitDigest) error {
			if d.Index != from {
				return fmt.Errorf("node sent commit %d where %d follows", d.Index, from)
			}
			if from++; !yield(d, nil) {
				return errStopped
			}
			return nil
		})
		if !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// subscribe gives deliver every item of a topic until it fails or the connection breaks.
func subscribe[T any](ctx context.Context, c *Client, topic string, from kernel.CommitIndex, deliver func(*T) error) error {
	header := http.Header{}
	c.Authorize(header)
	target := "ws" + strings.TrimPrefix(c.URL(), "http") + "/ws"
	conn, _, err := websocket.Dial(ctx, target, &websocket.DialOptions{HTTPClient: c.HTTP(), HTTPHeader: header})
	if err != nil {
		return &brokenStream{"open stream", err}
	}
	defer conn.CloseNow()
	conn.SetReadLimit(rpcclient.MaxAnswer)
	request, err := json.Marshal(rpcclient.Request{Version: "2.0", ID: 1, Method: "subscribe", Params: named{"topic": topic, "from": from}})
	if err != nil {
		return err
	}
	if err := conn.Write(ctx, websocket.MessageText, request); err != nil {
		return &brokenStream{"subscribe", err}
	}
	var message bytes.Buffer // one after the other
	for {
		event, err := readEvent[T](ctx, conn, &message)
		if err != nil {
			return err
		}
		if event.Item == nil {
			continue // the answer to subscribe, or a heartbeat
		}
		if err := deliver(event.Item); err != nil {
			return err
		}
	}
}

// An event is what a subscription carries.
type event[T any] struct {
	Topic    string             `json:"topic"`
	Sequence uint64             `json:"sequence"`
	Cursor   kernel.CommitIndex `json:"cursor"`
	Item     *T                 `json:"item"`
}

// readEvent reads the next event by way of a buffer that is used again, unless the last event was exceptionally long.
func readEvent[T any](ctx context.Context, conn *websocket.Conn, message *bytes.Buffer) (event[T], error) {
	ctx, cancel := context.WithTimeout(ctx, streamSilent)
	defer cancel()
	if message.Reset(); message.Cap() > maxKept {
		*message = bytes.Buffer{}
	}
	_, stream, err := conn.Reader(ctx)
	if err == nil {
		_, err = message.ReadFrom(stream)
	}
	if err != nil {
		return event[T]{}, &brokenStream{"read stream", err}
	}
	return decodeEvent[T](message.Bytes())
}

func decodeEvent[T any](message []byte) (event[T], error) {
	var wire struct {
		Error  *rpcclient.WireError `json:"error"`
		Params event[T]             `json:"params"`
	}
	if err := json.Unmarshal(message, &wire); err != nil {
		return event[T]{}, fmt.Errorf("decode stream: %w", err)
	}
	if wire.Error != nil {
		return event[T]{}, wire.Error.Err()
	}
	return wire.Params, nil
}
