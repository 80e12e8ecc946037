package rpc

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/script"
)

var topics = []rpcserver.Topic{
	{Name: client.TopicBlocks, About: "brings each block of the main chain with the ids of its transactions, and before those of another branch what was taken back"},
	{Name: client.TopicTransactions, About: "the same with the transactions"},
	{Name: client.TopicAddresses, About: "the same with the transactions that touch some addresses; blocks without such are passed over"},
	{Name: client.TopicReorgs, About: "only what was taken back"},
	{Name: client.TopicMempool, About: "transactions as they begin to wait; it cannot be resumed"},
}

var streamParams = []rpcserver.Param{
	{Name: "addresses", Kind: "string list", About: "1 to 100 addresses or avatars, for the topics addresses and mempool", Example: []string{"1111111111111111111114oLvT2"}},
}

// open begins a subscription. A cursor is the height and id of the last block seen; a height alone asks
// for the block there and all behind it; nothing asks for what is new. [PIL-RPC-5]
func (s *Server) open(topic, from string, a *rpcserver.Args) (rpcserver.Feed, error) {
	watched, err := s.watched(topic, a)
	if err != nil {
		return nil, err
	}
	if topic == client.TopicMempool {
		return s.openMempool(watched), nil
	}
	f := &chainFeed{server: s, topic: topic, watched: watched}
	tip := s.reader().tip
	switch height, id, both := strings.Cut(from, ":"); {
	case from == "":
		f.next, f.last = tip.Branch.Number+1, tip.ID()
	case both:
		n, err := strconv.ParseUint(height, 10, 31)
		if err != nil || f.last.UnmarshalText([]byte(id)) != nil {
			a.Fail("from", "want a cursor of this stream, a height, or nothing")
			return nil, a.Err()
		}
		f.next = uint32(n) + 1
	default:
		n, err := strconv.ParseUint(from, 10, 31)
		if err != nil || uint32(n) > tip.Branch.Number+1 {
			a.Fail("from", fmt.Sprintf("want a cursor of this stream, a height up to %d, or nothing", tip.Branch.Number+1))
			return nil, a.Err()
		}
		if f.next = uint32(n); f.next > 0 {
			f.last, _ = s.node.Chain().IDAt(f.next - 1)
		}
	}
	return f, nil
}

// watched are the addresses that a subscription is about; nil is all.
func (s *Server) watched(topic string, a *rpcserver.Args) (map[pillars.Address]bool, error) {
	if topic != client.TopicAddresses && !(topic == client.TopicMempool && a.Given("addresses")) {
		return nil, nil
	}
	if !a.Given("addresses") {
		return nil, rpcserver.Faultf("invalid_params", "topic %s needs addresses", topic).With("param", "addresses")
	}
	texts := a.List("addresses", maxAddresses)
	if err := a.Err(); err != nil {
		return nil, err
	}
	all, r := map[pillars.Address]bool{}, s.reader()
	for _, text := range texts {
		address, err := r.address(text)
		if err != nil {
			return nil, err
		}
		all[address] = true
	}
	return all, nil
}

// A chainFeed walks along the main chain. It remembers only where it is, and asks the store at every step
// whether that is still on the chain: so it survives reorganisations, restarts and slow consumers.
type chainFeed struct {
	server  *Server
	topic   string
	watched map[pillars.Address]bool
	next    uint32          // height of the block to send next
	last    pillars.BlockID // the block below, unless next is 0
}

// Cursor names the last block seen.
func (f *chainFeed) Cursor() string {
	if f.next == 0 {
		return "0"
	}
	return fmt.Sprintf("%d:%s", f.next-1, f.last)
}

// Next waits for the next block or rewind.
func (f *chainFeed) Next(ctx context.Context) (any, error) {
	for {
		changed := f.server.node.Changed() // asked before the store, so that nothing is missed between
		item, moved, err := f.step(ctx)
		switch {
		case err != nil || item != nil:
			return item, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case moved:
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// step goes one block on or back. A block that the topic has nothing to say about gives no item.
func (f *chainFeed) step(ctx context.Context) (item any, moved bool, err error) {
	r := f.server.reader()
	if f.next > 0 {
		ours, ok := r.chain.IDAt(f.next - 1)
		if !ok && r.tip.Branch.Number < f.next-1 {
			if _, known := r.chain.Entry(f.last); !known {
				return nil, false, nil // this node is behind the one that gave the cursor
			}
		}
		if !ok || ours != f.last {
			return f.rewind(r), true, nil
		}
	}
	id, ok := r.chain.IDAt(f.next)
	if !ok || f.next > r.tip.Branch.Number {
		return nil, false, nil
	}
	e, ok := r.chain.Entry(id)
	if !ok || f.next > 0 && e.Head.Previous != f.last {
		return nil, true, nil // a reorganisation goes by; the next step sees it
	}
	shown, err := f.show(ctx, r, &e)
	if err != nil {
		return nil, false, err
	}
	f.next, f.last = f.next+1, id
	if shown == nil {
		return nil, true, nil
	}
	return shown, true, nil
}

// rewind goes back to where the cursor's branch left the main chain. If that branch is not known any more, it goes
// back as far as any reorganisation can have reached.
func (f *chainFeed) rewind(r *reader) *client.Item {
	item := &client.Item{Kind: client.ItemRewind}
	height, id := f.next-1, f.last
	for {
		if ours, ok := r.chain.IDAt(height); ok && ours == id {
			break
		}
		e, ok := r.chain.Entry(id)
		if !ok || height == 0 {
			height = f.deepest(r, height)
			break
		}
		item.Gone = append(item.Gone, id)
		height, id = height-1, e.Head.Previous
	}
	item.Height = height
	item.Hash, _ = r.chain.IDAt(height)
	f.next, f.last = height+1, item.Hash
	return item
}

func (f *chainFeed) deepest(r *reader, height uint32) uint32 {
	height = min(height, r.tip.Branch.Number)
	if finality := r.params.Finality; finality != 0 && finality < height {
		return height - finality
	}
	return 0
}

// show makes what the topic says about a block, nil for nothing.
func (f *chainFeed) show(ctx context.Context, r *reader, e *store.Entry) (*client.Item, error) {
	if f.topic == client.TopicReorgs {
		return nil, nil
	}
	block, err := r.whole(ctx, e, f.topic != client.TopicBlocks, false)
	if err != nil {
		return nil, err
	}
	item := &client.Item{Kind: client.ItemBlock, Header: &block.Header, Height: block.Number, Hash: block.Hash, IDs: block.IDs, Transactions: block.Transactions}
	if f.topic != client.TopicAddresses {
		return item, nil
	}
	b, err := r.block(e.ID())
	if err != nil {
		return nil, err
	}
	item.Transactions = nil
	for i, tx := range b.Transactions {
		if touches(tx, f.watched, b.output) {
			item.Transactions = append(item.Transactions, block.Transactions[i])
		}
	}
	if len(item.Transactions) == 0 {
		return nil, nil
	}
	return item, nil
}

// touches reports whether a transaction pays to or spends from one of some addresses; nil is all.
func touches(tx *pillars.Transaction, watched map[pillars.Address]bool, find func(pillars.Outpoint) (pillars.Output, bool)) bool {
	if watched == nil {
		return true
	}
	for i := range tx.Outputs {
		if watched[script.Classify(tx.Outputs[i].Script).Address] {
			return true
		}
	}
	for i := range tx.Inputs {
		if spent, ok := find(tx.Inputs[i].Previous); ok && watched[script.Classify(spent.Script).Address] {
			return true
		}
	}
	return false
}

// A mempoolFeed brings transactions as they begin to wait.
type mempoolFeed struct {
	server  *Server
	watched map[pillars.Address]bool
	seen    map[pillars.TxID]bool
	queue   []*client.Item // at most what waits
}

func (s *Server) openMempool(watched map[pillars.Address]bool) *mempoolFeed {
	f := &mempoolFeed{server: s, watched: watched}
	f.look()
	f.queue = nil // what waits already is not new
	return f
}

// Cursor is empty: what waited is not kept.
func (f *mempoolFeed) Cursor() string { return "" }

// Next waits for another transaction.
func (f *mempoolFeed) Next(ctx context.Context) (any, error) {
	for {
		if len(f.queue) > 0 {
			item := f.queue[0]
			f.queue = f.queue[1:]
			return item, nil
		}
		changed := f.server.node.Changed()
		if f.look(); len(f.queue) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// look queues what waits now and did not before.
func (f *mempoolFeed) look() {
	waiting, before := f.server.node.Waiting(), f.seen
	f.seen = make(map[pillars.TxID]bool, len(waiting))
	r := f.server.reader()
	for i := range waiting {
		w := &waiting[i]
		f.seen[w.ID] = true
		if before[w.ID] {
			continue
		}
		shown := r.pending(w, waiting)
		if f.watched != nil && !f.concerns(&shown, w.Tx, r) {
			continue
		}
		f.queue = append(f.queue, &client.Item{Kind: client.ItemTx, Transactions: []client.Transaction{shown}})
	}
}

func (f *mempoolFeed) concerns(shown *client.Transaction, tx *pillars.Transaction, r *reader) bool {
	return touches(tx, f.watched, func(o pillars.Outpoint) (pillars.Output, bool) {
		for i := range shown.Inputs {
			if spent := shown.Inputs[i].Spent; shown.Inputs[i].Previous == o && spent != nil {
				address, err := pillars.ParseAddress(spent.Address, r.params.Address)
				return pillars.Output{Script: address.Script()}, err == nil
			}
		}
		return pillars.Output{}, false
	})
}
