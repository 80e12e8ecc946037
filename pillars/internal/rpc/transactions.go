package rpc

import (
	"context"
	"slices"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

var rawTx = rpcserver.Param{Name: "transaction", Kind: "hex", Required: true, About: "a signed transaction", Example: "01000000000000000000"}

// maxRaw bounds the bytes of a transaction: no profile allows more.
const maxRaw = pillars.MaxTransactionSize

// A sent answers sendrawtx.
type sent struct {
	Hash pillars.TxID `json:"hash"`
}

func (s *Server) transactionMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "gettx", Aliases: []string{"fetch-tx", "gettransaction"}, Right: rpcserver.Read, Handle: s.getTx, Result: client.Transaction{},
			About:  "A transaction that is in a block of the main chain or waits for one.",
			Params: []rpcserver.Param{{Name: "hash", Kind: "hash", Required: true, About: "its id", Example: pillars.TxID{}.String()}}, Errors: []string{"not_found"}},
		{Name: "sendrawtx", Aliases: []string{"send-tx", "sendrawtransaction"}, Right: rpcserver.Submit, Large: true, Handle: s.sendRawTx, Result: sent{},
			About:  "Gives a signed transaction to the network. One that waits already is answered in the same way. A refusal has the name of the rule.",
			Params: []rpcserver.Param{rawTx}, Errors: []string{"malformed", "not_ready"}},
		{Name: "validatetx", Aliases: []string{"validate-tx", "testmempoolaccept"}, Right: rpcserver.Read, Large: true, Handle: s.validateTx, Result: client.Transaction{},
			About:  "What sendrawtx would answer, without sending; a transaction that would be taken comes back with its fee.",
			Params: []rpcserver.Param{rawTx}, Errors: []string{"malformed"}},
		{Name: "decoderawtx", Aliases: []string{"tx-decode"}, Right: rpcserver.Read, Large: true, Handle: s.decodeRawTx, Result: client.Transaction{},
			About:  "A transaction in words; it is not judged.",
			Params: []rpcserver.Param{rawTx}, Errors: []string{"malformed"}},
		{Name: "getmemorypool", Aliases: []string{"getmempool"}, Right: rpcserver.Read, Handle: s.getMemoryPool, Result: client.PendingPage{},
			About: "What waits for a block, in the order of arrival. next is the from of the following page, 0 at the end.",
			Params: []rpcserver.Param{
				{Name: "from", Kind: "integer", About: "how many to pass over", Example: 0},
				{Name: "limit", Kind: "integer", About: "1 to 500, 100 if not given", Example: 10},
			}},
	}
}

func (s *Server) getTx(_ context.Context, a *rpcserver.Args) (any, error) {
	var id pillars.TxID
	a.Into("hash", &id)
	if err := a.Err(); err != nil {
		return nil, err
	}
	waiting := s.node.Waiting() // before the chain: a transaction that leaves it meanwhile is in a block then
	r := s.reader()
	b, position, ok, err := r.where(id)
	switch {
	case err != nil:
		return nil, err
	case ok:
		return r.show(b, position), nil
	}
	i := slices.IndexFunc(waiting, func(w Waiting) bool { return w.ID == id })
	if i < 0 {
		return nil, absent("no transaction %s: it is in no block of the main chain and does not wait here", id)
	}
	return r.pending(&waiting[i], waiting), nil
}

// pending describes a transaction that waits.
func (r *reader) pending(w *Waiting, all []Waiting) client.Transaction {
	out := client.Describe(w.Tx, r.params.Address)
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	r.spends(&out, w.Tx, func(o pillars.Outpoint) (pillars.Output, bool) {
		if spent, ok := at.Output(o); ok {
			return spent.Output, true
		}
		for i := range all {
			if all[i].ID == o.Tx && int(o.Index) < len(all[i].Tx.Outputs) {
				return all[i].Tx.Outputs[o.Index], true
			}
		}
		return pillars.Output{}, false
	})
	fee := w.Fee
	out.Fee, out.State, out.Time = &fee, "pending", uint32(w.Since.Unix())
	return out
}

// raw reads a transaction from its bytes.
func raw(a *rpcserver.Args) (*pillars.Transaction, error) {
	b := a.Hex("transaction", maxRaw)
	if err := a.Err(); err != nil {
		return nil, err
	}
	tx := new(pillars.Transaction)
	return tx, tx.UnmarshalBinary(b)
}

func (s *Server) sendRawTx(ctx context.Context, a *rpcserver.Args) (any, error) {
	tx, err := raw(a)
	if err != nil {
		return nil, err
	}
	if err := s.node.Submit(ctx, tx); err != nil {
		return nil, err
	}
	return sent{tx.ID()}, nil
}

func (s *Server) validateTx(ctx context.Context, a *rpcserver.Args) (any, error) {
	tx, err := raw(a)
	if err != nil {
		return nil, err
	}
	fee, err := s.node.Check(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := client.Describe(tx, s.node.Params().Address)
	out.Fee = &fee
	return out, nil
}

func (s *Server) decodeRawTx(_ context.Context, a *rpcserver.Args) (any, error) {
	tx, err := raw(a)
	if err != nil {
		return nil, err
	}
	return client.Describe(tx, s.node.Params().Address), nil
}

func (s *Server) getMemoryPool(_ context.Context, a *rpcserver.Args) (any, error) {
	from := int(a.Uint("from", 1<<31-1, 0))
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return nil, err
	}
	all := s.node.Waiting()
	page := client.PendingPage{Items: []client.Pending{}, Mempool: s.mempool(s.node.Status().MinFeeRate)}
	for i := from; i < len(all) && len(page.Items) < limit; i++ {
		w := &all[i]
		page.Items = append(page.Items, client.Pending{Hash: w.ID, Fee: w.Fee, Size: w.Size, Since: w.Since.Unix(), After: w.After})
	}
	if end := from + len(page.Items); end < len(all) {
		page.Next = end
	}
	return page, nil
}
