package rpc

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
)

// topics are what can be subscribed to: every commit, each in a form of its own.
var topics = []rpcserver.Topic{
	{Name: "commits", About: "has everything"}, {Name: "receipts", About: "no transactions"},
	{Name: "digests", About: "only what commits are compared by"},
}

// open begins a subscription at the commit with the index from.
func (s *Server) open(topic, _ string, a *args) (rpcserver.Feed, error) {
	f := &commitFeed{server: s, item: s.commit, next: kernel.CommitIndex(a.Uint("from", lastCommit, 0))}
	switch topic {
	case "receipts":
		f.item = s.commitReceipts
	case "digests":
		f.item = s.commitDigest
	}
	return f, a.Err()
}

// A commitFeed brings every commit from an index on, then each new one. [RPC-11]
type commitFeed struct {
	server *Server
	item   func(index, head kernel.CommitIndex) json.RawMessage
	next   kernel.CommitIndex
}

// Cursor is the index of the next commit.
func (f *commitFeed) Cursor() string { return strconv.FormatUint(uint64(f.next), 10) }

// Next waits for the next commit.
func (f *commitFeed) Next(ctx context.Context) (any, error) {
	for {
		head, changed := f.server.node.Commits()
		if f.next <= head {
			item := f.item(f.next, head)
			if item == nil {
				return nil, f.server.pruned(f.next)
			}
			f.next++
			return item, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}
