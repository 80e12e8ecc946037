package rpcserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

const (
	heartbeat    = 10 * time.Second
	eventTimeout = 30 * time.Second // a consumer that takes nothing for so long is cut off; it resumes by cursor
	maxStreams   = 512
)

// A Feed is what one subscription sees, item by item. Nothing is queued for it: a slow consumer is
// fed from history, so none is lost and none is held.
type Feed interface {
	// Next waits for the next item. When ctx ends it returns its error, and nothing is lost.
	Next(ctx context.Context) (item any, err error)
	// Cursor is the from of a subscription that goes on after the items so far.
	Cursor() string
}

// A Subscription answers subscribe.
type Subscription struct {
	Subscription string `json:"subscription"`
}

// An Event is one message of a subscription: an item, or a heartbeat without one.
type Event struct {
	Subscription string          `json:"subscription,omitempty"`
	Topic        string          `json:"topic"`
	Sequence     uint64          `json:"sequence"` // counts this subscription's items
	Cursor       json.RawMessage `json:"cursor"`   // from of a subscription that goes on after this event
	Item         json.RawMessage `json:"item,omitempty"`
}

// encode writes an event between other text. Its item is JSON already: the general encoder would read a
// megabyte again for everybody who follows.
func (e Event) encode(before, after string) []byte {
	item, name := e.Item, ""
	if len(item) > 0 {
		e.Item, name = nil, `,"item":`
	}
	head := mustJSON(e)
	return slices.Concat([]byte(before), head[:len(head)-1], []byte(name), item, []byte("}"), []byte(after))
}

func (s *Service) streamMethods() []Method {
	var words []string
	about := "Inside a WebSocket at /ws: send every item of a topic from a cursor on, then each new one. Events are notifications named event."
	for _, t := range s.Topics {
		words = append(words, t.Name)
		about += " Topic " + t.Name + " " + t.About + "."
	}
	params := append([]Param{
		{Name: "topic", Kind: "string", Required: true, About: strings.Join(words, ", "), Example: words[0]},
		{Name: "from", Kind: "string", About: "cursor of the last event seen; without it the newest items only", Example: ""},
	}, s.Params...)
	return []Method{
		{Name: "subscribe", Right: Read, stream: true, About: about, Params: params, Result: Subscription{}, Errors: []string{"too_many"}},
		{Name: "unsubscribe", Right: Read, stream: true, About: "Inside a WebSocket: end all subscriptions of the connection.", Result: true},
	}
}

// feed opens what the parameters of subscribe ask for.
func (s *Server) feed(params json.RawMessage) (topic string, feed Feed, f *Fault) {
	a, f := s.service.bind(s.service.byName["subscribe"], params)
	if f != nil {
		return "", nil, f
	}
	topic, _ = a.Text("topic")
	from, _ := a.Text("from")
	known := false
	for _, t := range s.service.Topics {
		known = known || t.Name == topic
	}
	if !known {
		a.Fail("topic", "want "+a.method.Params[0].About)
	}
	if a.fault != nil {
		return "", nil, a.fault
	}
	feed, err := s.service.Open(topic, from, a)
	switch {
	case a.fault != nil:
		return "", nil, a.fault
	case err != nil:
		return "", nil, s.fault("subscribe", err)
	}
	return topic, feed, nil
}

// follow gives send every item until ctx, the feed or send ends it; the end of the feed is a Fault.
// When nothing happens it sends a heartbeat. [RPC-11]
func (s *Server) follow(ctx context.Context, topic string, feed Feed, send func(Event) error) error {
	e := Event{Topic: topic}
	for {
		wait, cancel := context.WithTimeout(ctx, heartbeat)
		item, err := feed.Next(wait)
		cancel()
		e.Cursor, e.Item = s.service.cursor(feed), nil
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			e.Item, e.Sequence = encoded(item), e.Sequence+1
		case !errors.Is(err, context.DeadlineExceeded):
			return s.fault("subscribe", err)
		}
		if err := send(e); err != nil {
			return err
		}
	}
}

// encoded is an item as it is sent; one that many feeds share comes encoded.
func encoded(item any) json.RawMessage {
	if raw, ok := item.(json.RawMessage); ok {
		return raw
	}
	return mustJSON(item)
}

// cursor writes where a feed is as the parameter from takes it.
func (s *Service) cursor(feed Feed) json.RawMessage {
	m := s.byName["subscribe"]
	if m.Params[m.place("from")].Kind == "integer" {
		return json.RawMessage(feed.Cursor())
	}
	return mustJSON(feed.Cursor())
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

// events is a stream as server-sent events, for scripts and browsers: parameters of subscribe in
// the address, lists with commas.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	who, leave, ok := s.enter(w, r)
	if !ok {
		return
	}
	defer leave()
	topic, feed, f := s.feed(s.service.queryParams(r.URL.Query(), r.Header.Get("Last-Event-ID")))
	if f != nil {
		http.Error(w, f.Message+": want /events?topic=…&from=…", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	control := http.NewResponseController(w)
	err := s.follow(who.wait, topic, feed, func(e Event) error {
		_ = control.SetWriteDeadline(time.Now().Add(eventTimeout))
		if _, err := fmt.Fprintf(w, "id: %s\nevent: %s\n%s", feed.Cursor(), e.Topic, e.encode("data: ", "\n\n")); err != nil {
			return err
		}
		return control.Flush()
	})
	if errors.As(err, &f) {
		fmt.Fprintf(w, "event: error\ndata: %s\n\n", s.service.Object(f))
	}
}

// queryParams reads parameters of subscribe from an address. A browser that reconnects says where it
// was.
func (s *Service) queryParams(query url.Values, last string) json.RawMessage {
	named := map[string]any{}
	if s.Default != "" {
		named["topic"] = s.Default
	}
	for _, p := range s.byName["subscribe"].Params {
		switch text := query.Get(p.Name); {
		case text == "":
		case p.Kind == "string list":
			named[p.Name] = strings.Split(text, ",")
		default:
			named[p.Name] = text
		}
	}
	if last != "" {
		named["from"] = last
	}
	return mustJSON(named)
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
	conn.SetReadLimit(MaxLargeBody)
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
	if why := CheckShape(message); why != "" {
		return k.server.reply(nil, nil, Faultf("too_many", "%s", why)).bytes
	}
	if json.Unmarshal(message, &req) == nil && (req.Method == "subscribe" || req.Method == "unsubscribe") {
		result, f := k.subscription(ctx, &req)
		return k.server.reply(req.ID, result, f).bytes
	}
	return k.server.answer(k.caller, message).bytes
}

func (k *socket) subscription(ctx context.Context, req *request) (any, *Fault) {
	if req.Method == "unsubscribe" {
		for id, stop := range k.subscribed {
			stop()
			delete(k.subscribed, id)
		}
		k.running.Wait() // no event comes after the answer
		return true, nil
	}
	topic, feed, f := k.server.feed(req.Params)
	if f != nil {
		return nil, f
	}
	if most := k.server.service.Most; len(k.subscribed) >= most {
		return nil, Faultf("too_many", "one connection has at most %d subscriptions", most)
	}
	k.last++
	id := strconv.Itoa(k.last)
	ctx, k.subscribed[id] = context.WithCancel(ctx)
	k.running.Go(func() { k.follow(ctx, id, topic, feed) })
	return Subscription{id}, nil
}

// follow sends events until the subscription or the connection ends; any other end closes the
// connection, so that the consumer knows that it must resume.
func (k *socket) follow(ctx context.Context, id, topic string, feed Feed) {
	err := k.server.follow(ctx, topic, feed, func(e Event) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.Subscription = id
		return k.write(k.caller.wait, e.encode(`{"jsonrpc":"2.0","method":"event","params":`, "}")) // with ctx, unsubscribe would cut the connection
	})
	if ctx.Err() != nil {
		return
	}
	var f *Fault
	if errors.As(err, &f) {
		_ = k.write(ctx, k.server.reply(nil, nil, f).bytes)
	}
	k.conn.CloseNow()
}
