package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/coder/websocket"
)

const (
	heartbeat        = 10 * time.Second
	eventTimeout     = 30 * time.Second // a consumer that takes nothing for so long is cut off; it resumes by cursor
	maxStreams       = 512
	maxSubscriptions = 4 // of one WebSocket
)

// A subscription answers subscribe.
type subscription struct {
	Subscription string `json:"subscription"`
}

// An event is one message of a subscription: an item, or a heartbeat without one.
type event struct {
	Subscription string             `json:"subscription,omitempty"`
	Topic        string             `json:"topic"`
	Sequence     uint64             `json:"sequence"`       // counts this subscription's items
	Cursor       kernel.CommitIndex `json:"cursor"`         // from of a subscription that goes on after this event
	Item         json.RawMessage    `json:"item,omitempty"` // a client.Commit, or a client.CommitDigest
}

// topics are what can be subscribed to: every commit, each in a form of its own.
var topics = map[string]func(s *Server, index, head kernel.CommitIndex) json.RawMessage{
	"commits":  (*Server).commit,
	"receipts": (*Server).commitReceipts,
	"digests":  (*Server).commitDigest,
}

// follow gives send every commit from next on, then each new one, until ctx or send ends it.
// Nothing is queued: a slow consumer is fed from history, one item at a time, so none is lost
// and none is held. When nothing happens it sends a heartbeat. [RPC-11]
func (s *Server) follow(ctx context.Context, topic string, next kernel.CommitIndex, send func(event) error) error {
	e, build := event{Topic: topic, Cursor: next}, topics[topic]
	idle := time.NewTicker(heartbeat)
	defer idle.Stop()
	for {
		head, changed := s.node.Commits()
		for e.Cursor <= head {
			item := build(s, e.Cursor, head)
			if item == nil {
				return s.pruned(e.Cursor)
			}
			e.Item, e.Cursor = item, e.Cursor+1
			e.Sequence++
			if err := send(e); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		case <-idle.C:
			e.Item = nil
			if err := send(e); err != nil {
				return err
			}
		}
	}
}

// enter takes a place for a long connection, whose caller waits until the connection or the
// server ends, and returns how to leave.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) (who caller, leave func(), ok bool) {
	if who.right = s.tokens.RightOf(r); who.right < Read {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "send Authorization: Bearer <token>", http.StatusUnauthorized)
		return who, nil, false
	}
	select {
	case s.streams <- struct{}{}:
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many streams; try again, or another node", http.StatusServiceUnavailable)
		return who, nil, false
	}
	s.open.Add(1)
	s.metrics.streams.Inc()
	ctx, cancel := context.WithCancel(r.Context())
	unhook := context.AfterFunc(s.ending, cancel)
	who.wait = ctx
	return who, func() {
		unhook()
		cancel()
		s.metrics.streams.Dec()
		<-s.streams
		s.open.Done()
	}, true
}

// events is the stream as server-sent events, for scripts and browsers.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	from := r.Header.Get("Last-Event-ID") // the cursor of the last event seen
	if from == "" {
		from = r.URL.Query().Get("from")
	}
	next, err := strconv.ParseUint(from, 10, 63)
	topic := cmp.Or(r.URL.Query().Get("topic"), "commits")
	if err != nil || topics[topic] == nil {
		http.Error(w, "want /events?topic=commits&from=<index of the first commit>; topics are commits, receipts, digests", http.StatusBadRequest)
		return
	}
	who, leave, ok := s.enter(w, r)
	if !ok {
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	err = s.follow(who.wait, topic, kernel.CommitIndex(next), func(e event) error {
		_ = control.SetWriteDeadline(time.Now().Add(eventTimeout))
		if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.Cursor, e.Topic, mustJSON(e)); err != nil {
			return err
		}
		return control.Flush()
	})
	var f *fault
	if errors.As(err, &f) {
		fmt.Fprintf(w, "event: error\ndata: %s\n\n", f.object())
	}
}

// socket serves calls of JSON-RPC 2.0 and subscriptions over a WebSocket. The guard has
// checked the origin.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	who, leave, ok := s.enter(w, r)
	if !ok {
		return
	}
	defer leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxLargeBody)
	ctx, cancel := context.WithCancel(who.wait)
	k := &socket{server: s, conn: conn, caller: caller{right: who.right, wait: ctx}, subscribed: map[string]context.CancelFunc{}}
	defer k.running.Wait()
	defer cancel()
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if answer := k.answer(ctx, message); answer != nil && k.write(ctx, answer) != nil {
			return
		}
	}
}

// A socket is one open WebSocket.
type socket struct {
	server *Server
	conn   *websocket.Conn
	caller caller

	running    sync.WaitGroup
	last       int                           // number of the last subscription; only the reader's goroutine uses it
	subscribed map[string]context.CancelFunc // the same
}

func (k *socket) write(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	return k.conn.Write(ctx, websocket.MessageText, message)
}

// answer serves one message; nil is no answer.
func (k *socket) answer(ctx context.Context, message []byte) []byte {
	var req request
	if f := checkShape(message); f != nil {
		return strictReply(nil, nil, f).bytes
	}
	if json.Unmarshal(message, &req) == nil && (req.Method == "subscribe" || req.Method == "unsubscribe") {
		result, f := k.subscription(ctx, &req)
		return strictReply(req.ID, result, f).bytes
	}
	return k.server.answer(k.caller, message).bytes
}

func (k *socket) subscription(ctx context.Context, req *request) (any, *fault) {
	if req.Method == "unsubscribe" {
		for id, stop := range k.subscribed {
			stop()
			delete(k.subscribed, id)
		}
		k.running.Wait() // no event comes after the answer
		return true, nil
	}
	a, f := bind(methods["subscribe"], req.Params)
	if f != nil {
		return nil, f
	}
	topic, _ := a.text("topic")
	if topics[topic] == nil {
		a.fail("topic", "want commits, receipts or digests")
	}
	from := kernel.CommitIndex(a.uint("from", lastCommit, 0))
	if a.fault != nil {
		return nil, a.fault
	}
	if len(k.subscribed) >= maxSubscriptions {
		return nil, faultf("too_many", "one connection has at most %d subscriptions", maxSubscriptions)
	}
	k.last++
	id := strconv.Itoa(k.last)
	ctx, k.subscribed[id] = context.WithCancel(ctx)
	k.running.Go(func() { k.follow(ctx, id, topic, from) })
	return subscription{id}, nil
}

// follow sends events until the subscription or the connection ends; any other end closes the
// connection, so that the consumer knows that it must resume.
func (k *socket) follow(ctx context.Context, id, topic string, from kernel.CommitIndex) {
	err := k.server.follow(ctx, topic, from, func(e event) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.Subscription = id
		return k.write(k.caller.wait, notification("event", e)) // with ctx, unsubscribe would cut the connection
	})
	if ctx.Err() != nil {
		return
	}
	var f *fault
	if errors.As(err, &f) {
		_ = k.write(ctx, strictReply(nil, nil, f).bytes)
	}
	k.conn.CloseNow()
}

func notification(method string, params any) []byte {
	return mustJSON(struct {
		Version string `json:"jsonrpc"`
		Method  string `json:"method"`
		Params  any    `json:"params"`
	}{"2.0", method, params})
}
