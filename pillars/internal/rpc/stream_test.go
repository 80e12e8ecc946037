package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/node"
)

// A consumer follows the chain and keeps what it was told, as an exchange would.
type consumer struct {
	t       *testing.T
	cursor  string
	chain   []pillars.BlockID // by height
	rewound int
}

// take applies one event, and holds it to what is known.
func (c *consumer) take(e client.Event) {
	c.t.Helper()
	c.cursor = e.Cursor
	i := e.Item
	switch {
	case i == nil:
	case i.Kind == client.ItemRewind:
		c.rewound++
		if int(i.Height) >= len(c.chain) || c.chain[i.Height] != i.Hash {
			c.t.Fatalf("rewind to %d %s, which is not what we have", i.Height, i.Hash)
		}
		for n, gone := range i.Gone { // newest first
			if at := len(c.chain) - 1 - n; c.chain[at] != gone {
				c.t.Fatalf("rewind: %s is gone, we have %s at %d", gone, c.chain[at], at)
			}
		}
		if len(i.Gone) != 0 && len(i.Gone) != len(c.chain)-1-int(i.Height) {
			c.t.Fatalf("rewind from %d to %d names %d blocks", len(c.chain)-1, i.Height, len(i.Gone))
		}
		c.chain = c.chain[:i.Height+1]
	default:
		if int(i.Height) != len(c.chain) || i.Height > 0 && i.Header.Previous != c.chain[i.Height-1] {
			c.t.Fatalf("block %d behind %d of ours", i.Height, len(c.chain))
		}
		if len(i.IDs) != int(i.Header.Transactions) {
			c.t.Fatalf("block %d has %d transactions, %d ids", i.Height, i.Header.Transactions, len(i.IDs))
		}
		c.chain = append(c.chain, i.Hash)
	}
}

// read follows from the consumer's cursor until it has so many events or has the tip.
func (c *consumer) read(s *served, most int) {
	c.t.Helper()
	if len(c.chain) > 0 && c.chain[len(c.chain)-1] == s.Tip().ID {
		return
	}
	ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Minute)
	defer cancel()
	for e, err := range s.client.Follow(ctx, client.TopicBlocks, c.cursor) {
		if err != nil {
			c.t.Fatal(err)
		}
		c.take(e)
		if most--; most == 0 || c.chain[len(c.chain)-1] == s.Tip().ID {
			return
		}
	}
	c.t.Fatalf("the stream ended at %d, the tip is %d", len(c.chain)-1, s.Tip().Number)
}

// TestCursorSurvivesReorganisations: whatever branches come and go between two connections, also such as the
// consumer stood on, it ends with the chain of the node.
func TestCursorSurvivesReorganisations(t *testing.T) {
	for seed := range uint64(4) {
		m := chaintest.New(seed)
		s := serve(t, m, node.InterfaceOptions{})
		r := rand.New(rand.NewPCG(seed, 2))
		consumers := []*consumer{{t: t, cursor: "0"}, {t: t, cursor: "0"}, {t: t, cursor: "0"}}
		tree := m.Tree(s.tip, 70, 8)
		for _, l := range tree {
			s.give(l)
			if r.IntN(3) == 0 {
				consumers[r.IntN(len(consumers)-1)].read(s, 1+r.IntN(4)) // often left behind in the middle; the last one sees only the end
			}
		}
		var chain []pillars.BlockID
		for height := uint32(0); height <= s.Tip().Number; height++ {
			id, _ := s.Store().IDAt(height)
			chain = append(chain, id)
		}
		rewound := 0
		for i, c := range consumers {
			c.read(s, 1000)
			if !slices.Equal(c.chain, chain) {
				t.Fatalf("seed %d: consumer %d has another chain", seed, i)
			}
			rewound += c.rewound
		}
		if rewound == 0 {
			t.Errorf("seed %d: no reorganisation was seen: the test shows nothing", seed)
		}
		s.stop()
	}
}

// TestForgottenCursor: a cursor of a branch that the node does not know goes back by the finality depth; one above
// the tip waits; what is none is refused.
func TestForgottenCursor(t *testing.T) {
	s := serve(t, chaintest.New(7), node.InterfaceOptions{})
	for range 20 {
		s.mine()
	}
	first := func(from string) (client.Event, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
		defer cancel()
		for e, err := range s.client.Follow(ctx, client.TopicBlocks, from) {
			return e, err
		}
		return client.Event{}, context.DeadlineExceeded
	}
	nobody := strings.Repeat("ab", 32)
	e, err := first("18:" + nobody)
	if err != nil || e.Item == nil || e.Item.Kind != client.ItemRewind || e.Item.Height != 18-s.maker.Params.Finality || len(e.Item.Gone) != 0 {
		t.Errorf("unknown branch: %+v, %v", e, err)
	}
	if e, err := first("5"); err != nil || e.Item == nil || e.Item.Height != 5 {
		t.Errorf("a height alone: %+v, %v", e, err)
	}
	tip := s.Tip()
	done := make(chan client.Event, 1)
	go func() {
		e, _ := first("")
		done <- e
	}()
	var newest client.Event
	for waiting := true; waiting; { // the stream begins some time; what is mined then is news
		select {
		case newest = <-done:
			waiting = false
		case <-time.After(200 * time.Millisecond):
			s.mine()
		}
	}
	if newest.Item == nil || newest.Item.Height <= tip.Number {
		t.Errorf("without a cursor: %+v", newest)
	}
	for _, bad := range []string{"x", "5:zz", "-1", "22000", "5:" + nobody[:63], ":", "99999999999:" + nobody} {
		var refusal *client.Error
		if _, err := first(bad); !errors.As(err, &refusal) || refusal.Name != "invalid_params" {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

// TestTopics: addresses brings what touches them and every rewind, mempool what begins to wait, and events the
// same over server-sent ones.
func TestTopics(t *testing.T) {
	s := serve(t, chaintest.New(3), node.InterfaceOptions{})
	s.mine()
	alice := s.person("alice")
	to := alice.at.Text(s.maker.Params.Address)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	waits := make(chan client.Event, 1)
	go func() {
		for e, err := range s.client.Follow(ctx, client.TopicMempool, "", to) {
			if err == nil && e.Item != nil {
				waits <- e
				return
			}
		}
	}()
	s.mine()
	paid := s.fund(alice.at, 9*pillars.ETP)
	s.mine()
	var got []client.Event
	for e, err := range s.client.Follow(ctx, client.TopicAddresses, "0", to) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e); e.Item != nil {
			break
		}
	}
	last := got[len(got)-1]
	if len(got) != 1 || len(last.Item.Transactions) != 1 || last.Item.Transactions[0].Hash != paid.ID() {
		t.Errorf("%d events, the last %+v", len(got), last.Item)
	}
	sent := map[pillars.TxID]bool{}
	for waiting := true; waiting; { // what waited before the follower began is not news
		free := s.tip.Coins(s.tip.Branch.Number+1, pillars.ETP)
		tx := s.maker.Pay(free[len(sent):][:1], pillars.ETP/2)
		tx.Outputs[0].Script = alice.at.Script()
		s.maker.Sign(tx)
		if _, err := s.client.Send(ctx, tx); err != nil {
			t.Fatal(err)
		}
		sent[tx.ID()] = true
		select {
		case e := <-waits:
			waiting = false
			if e.Item.Kind != client.ItemTx || !sent[e.Item.Transactions[0].Hash] || e.Cursor != "" {
				t.Errorf("%+v", e.Item)
			}
		case <-time.After(500 * time.Millisecond):
			if len(sent) == len(free) {
				t.Fatal("nobody told that a transaction waits")
			}
		}
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/events?topic=transactions&from=2", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buffer := make([]byte, 4096)
	n, err := resp.Body.Read(buffer)
	if err != nil || !strings.HasPrefix(string(buffer[:n]), "id: 2:") || !strings.Contains(string(buffer[:n]), "event: transactions\ndata: {") {
		t.Errorf("%v: %.200s", err, buffer[:n])
	}
	for _, bad := range []string{"/events?topic=nothing", "/events?topic=addresses", "/events", "/events?topic=blocks&from=x"} {
		resp, err := http.Get(s.url + bad)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: status %d", bad, resp.StatusCode)
		}
	}
}

// TestEventsAreDocumentsOfTheirOwn: an event survives being written down and read again.
func TestEventsAreDocumentsOfTheirOwn(t *testing.T) {
	s := serve(t, chaintest.New(4), node.InterfaceOptions{})
	s.mine()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for e, err := range s.client.Follow(ctx, client.TopicTransactions, "1") {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var again client.Event
		if err := json.Unmarshal(text, &again); err != nil || again.Item.Hash != e.Item.Hash || len(again.Item.Transactions) != 2 {
			t.Fatalf("%v: %s", err, text)
		}
		return
	}
}
