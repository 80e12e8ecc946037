package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/asterism-network/asterism/internal/rpcclient"
)

// The topics of the stream.
const (
	TopicBlocks       = "blocks"          // headers and ids
	TopicTransactions = "transactions"    // blocks with all transactions
	TopicAddresses    = "addresses"       // blocks with those that touch some addresses; others are passed over
	TopicReorgs       = "reorganisations" // only what was taken back
	TopicMempool      = "mempool"         // what begins to wait; cannot be resumed
)

const (
	maxEvent = 64 << 20
	silence  = 30 * time.Second // a stream without even a heartbeat for so long is dead
)

// An Event is one message of the stream. Whoever wants to go on after it keeps its Cursor together
// with what it made of the item.
type Event struct {
	Topic    string `json:"topic"`
	Sequence uint64 `json:"sequence"`
	Cursor   string `json:"cursor"`
	Item     *Item  `json:"item"` // nil is a heartbeat
}

// Follow brings the items of a topic from a cursor on, which is empty for the newest only, and then each
// new one. Connections that break are made again and go on where they were; the iteration ends with ctx, or
// with an error that another attempt cannot mend. Heartbeats are passed on, so that cursors move.
func (c *Client) Follow(ctx context.Context, topic, from string, addresses ...string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		wait := c.Backoff()
		for ctx.Err() == nil {
			more := true
			err := c.followOnce(ctx, topic, from, addresses, func(e Event) bool {
				from, wait = e.Cursor, c.Backoff()
				more = yield(e, nil)
				return more
			})
			var refusal *Error
			switch {
			case !more || ctx.Err() != nil:
				return
			case errors.As(err, &refusal) && !refusal.Temporary():
				yield(Event{}, err)
				return
			}
			if rpcclient.Sleep(ctx, wait) != nil {
				return
			}
			wait = min(2*wait, 10*time.Second)
		}
	}
}

// followOnce follows one connection until it ends.
func (c *Client) followOnce(ctx context.Context, topic, from string, addresses []string, take func(Event) bool) error {
	header := http.Header{}
	c.Authorize(header)
	conn, answer, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.URL(), "http")+"/ws", &websocket.DialOptions{HTTPClient: c.HTTP(), HTTPHeader: header})
	if err != nil {
		if answer != nil && answer.StatusCode == http.StatusUnauthorized {
			return &Error{Code: answer.StatusCode, Name: "unauthorized", Message: "the stream needs a token"}
		}
		return fmt.Errorf("open the stream: %w", err)
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxEvent)
	p := params{"topic": topic, "from": from}
	if len(addresses) > 0 {
		p["addresses"] = addresses
	}
	call, err := json.Marshal(rpcclient.Request{Version: "2.0", ID: 1, Method: "subscribe", Params: p})
	if err != nil {
		return err
	}
	if err := conn.Write(ctx, websocket.MessageText, call); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	for {
		e, err := readEvent(ctx, conn)
		if err != nil {
			return err
		}
		if e != nil && !take(*e) {
			return nil
		}
	}
}

// readEvent reads one message; nil is the answer to subscribe.
func readEvent(ctx context.Context, conn *websocket.Conn) (*Event, error) {
	ctx, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	_, message, err := conn.Read(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	return decodeEvent(message)
}

// decodeEvent reads one message of the stream.
func decodeEvent(message []byte) (*Event, error) {
	var m struct {
		Method string               `json:"method"`
		Params json.RawMessage      `json:"params"`
		Error  *rpcclient.WireError `json:"error"`
	}
	if err := json.Unmarshal(message, &m); err != nil {
		return nil, fmt.Errorf("read the stream: %w", err)
	}
	switch {
	case m.Error != nil:
		return nil, m.Error.Err()
	case m.Method != "event":
		return nil, nil
	}
	e := new(Event)
	if err := json.Unmarshal(m.Params, e); err != nil {
		return nil, fmt.Errorf("read an event: %w", err)
	}
	return e, nil
}
