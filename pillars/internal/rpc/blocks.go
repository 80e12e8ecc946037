package rpc

import (
	"context"
	"encoding/hex"
	"math"
	"strconv"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/store"
)

var whichBlock = rpcserver.Param{Name: "block", Kind: "string", About: "height, id, earliest or latest; latest if not given", Example: 0}

func (s *Server) blockMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "getheight", Aliases: []string{"fetch-height"}, Right: rpcserver.Read, Handle: s.getHeight, Result: uint32(0),
			About: "The height of the tip."},
		{Name: "gettip", Right: rpcserver.Read, Handle: s.getTip, Result: client.Tip{},
			About: "The tip with its times: what a wallet needs to know of it."},
		{Name: "getbestblockhash", Right: rpcserver.Read, Handle: s.getBestBlockHash, Result: pillars.BlockID{},
			About: "The id of the tip."},
		{Name: "getblockheader", Aliases: []string{"fetch-header", "getbestblockheader", "fetchheaderext"}, Right: rpcserver.Read,
			Handle: s.getBlockHeader, Params: []rpcserver.Param{whichBlock}, Result: client.Header{}, Errors: []string{"not_found"},
			About: "A block without its transactions, on the main chain or off it."},
		{Name: "getblock", Right: rpcserver.Read, Handle: s.getBlock, Result: client.Block{}, Errors: []string{"not_found"},
			About: "A block.",
			Params: []rpcserver.Param{whichBlock,
				{Name: "transactions", Kind: "boolean", About: "everything of the transactions, which is the default, or their ids only", Example: true},
				{Name: "raw", Kind: "boolean", About: "its bytes in hex too", Example: false},
			}},
		{Name: "listblocks", Right: rpcserver.Read, Handle: s.listBlocks, Result: client.HeaderPage{},
			About: "Headers of the main chain, newest first. next is the from of the following page.",
			Params: []rpcserver.Param{
				{Name: "from", Kind: "integer", About: "height of the first one wanted; the tip if not given", Example: 0},
				{Name: "limit", Kind: "integer", About: "1 to 500, 50 if not given", Example: 5},
			}},
	}
}

func (s *Server) getHeight(context.Context, *rpcserver.Args) (any, error) {
	return s.reader().tip.Branch.Number, nil
}

func (s *Server) getTip(context.Context, *rpcserver.Args) (any, error) {
	return s.reader().tipOf(), nil
}

func (s *Server) getBestBlockHash(context.Context, *rpcserver.Args) (any, error) {
	return s.reader().tip.ID(), nil
}

// which reads the parameter block.
func (r *reader) which(a *rpcserver.Args) (e store.Entry, err error) {
	text, given := a.Text("block")
	switch {
	case !given || text == "latest" || text == "pending":
		return r.tip, nil
	case text == "earliest":
		text = "0"
	}
	var id pillars.BlockID
	if height, bad := strconv.ParseUint(text, 10, 32); bad == nil && len(text) < 64 {
		var ok bool
		if id, ok = r.chain.IDAt(uint32(height)); !ok || uint32(height) > r.tip.Branch.Number {
			return e, absent("no block at height %d: the tip is at %d", height, r.tip.Branch.Number)
		}
	} else if err := id.UnmarshalText([]byte(text)); err != nil {
		a.Fail("block", "want a height, an id of 64 hex digits, earliest or latest")
		return e, a.Err()
	}
	e, ok := r.chain.Entry(id)
	if !ok {
		return e, absent("no block %s", id)
	}
	return e, nil
}

func (s *Server) getBlockHeader(_ context.Context, a *rpcserver.Args) (any, error) {
	r := s.reader()
	e, err := r.which(a)
	if err != nil {
		return nil, err
	}
	return r.header(&e), nil
}

func (s *Server) getBlock(ctx context.Context, a *rpcserver.Args) (any, error) {
	whole, raw := a.Bool("transactions", true), a.Bool("raw", false)
	r := s.reader()
	e, err := r.which(a)
	if err == nil {
		err = a.Err()
	}
	if err != nil {
		return nil, err
	}
	return r.whole(ctx, &e, whole, raw)
}

// whole describes a block with its transactions.
func (r *reader) whole(ctx context.Context, e *store.Entry, transactions, raw bool) (*client.Block, error) {
	b, err := r.block(e.ID())
	if err != nil {
		return nil, err
	}
	out := &client.Block{Header: r.header(e)}
	if raw {
		out.Hex = hex.EncodeToString(b.AppendBinary(nil))
	}
	if parent, ok := r.chain.Entry(b.Previous); ok && b.Number > 0 {
		out.Subsidy = parent.Branch.Subsidy(r.params, b.Seal())
	}
	for i, tx := range b.Transactions {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		shown := r.show(b, i)
		if shown.Fee != nil {
			out.Fees += *shown.Fee
		}
		if transactions {
			shown.Hex = "" // the block's has it
			out.Transactions = append(out.Transactions, shown)
		} else {
			out.IDs = append(out.IDs, tx.ID())
		}
	}
	return out, nil
}

func (s *Server) listBlocks(ctx context.Context, a *rpcserver.Args) (any, error) {
	r := s.reader()
	from := uint32(a.Uint("from", math.MaxUint32, uint64(r.tip.Branch.Number)))
	limit := a.Limit("limit", 50)
	if err := a.Err(); err != nil {
		return nil, err
	}
	page := client.HeaderPage{Items: []client.Header{}}
	for height := int64(min(from, r.tip.Branch.Number)); height >= 0; height-- {
		if len(page.Items) == limit || ctx.Err() != nil {
			next := uint32(height)
			page.Next = &next
			break
		}
		id, ok := r.chain.IDAt(uint32(height))
		if !ok {
			continue // a reorganisation to a shorter, heavier chain is under way
		}
		if e, ok := r.chain.Entry(id); ok {
			page.Items = append(page.Items, r.header(&e))
		}
	}
	return page, nil
}
