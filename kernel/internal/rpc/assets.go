package rpc

import (
	"context"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// maxOutputIndex is the highest index an input may name.
const maxOutputIndex = 1024

func (s *Server) assetMethods() []Method {
	return []Method{
		{Name: "getutxo", Right: Read, Peer: true, Handle: s.getOutput,
			About: "An output; null if there is none. A spent one is shown with lock, the transaction that spent it, until the end of the next epoch.",
			Params: []Param{hashParam("transaction"),
				{Name: "index", Kind: "integer", Required: true, About: "place among its outputs", Example: 0}},
			Result: &client.Output{}},
		{Name: "getkey", Right: Read, Peer: true, Handle: s.getKey,
			About:  "The transaction that used a one-time key first; transaction is null if none did.",
			Params: []Param{{Name: "key", Kind: "key", Required: true, About: "one-time key", Example: exampleHash}},
			Result: keyUser{}},
		{Name: "getasset", Right: Read, Peer: true, Handle: s.getAsset,
			About:  "What the ledger knows of an asset; null if nothing.",
			Params: []Param{{Name: "id", Kind: "hash", Required: true, About: "asset id", Example: exampleHash}},
			Result: &client.Asset{}},
		{Name: "listassets", Right: Read, Handle: s.listAssets,
			About: "All assets, by id.", Result: assetList{}},
		{Name: "getsupply", Right: Read, Handle: s.getSupply,
			About:  "Sum the unspent outputs of every asset and compare with what came in less what went out. Reads the whole ledger.",
			Result: client.Supply{}, Errors: []string{"timeout"}},
	}
}

type keyUser struct {
	Transaction *kernel.TxHash `json:"transaction"`
}

type assetList struct {
	Items []client.Asset `json:"items"`
}

func (s *Server) getOutput(_ context.Context, a *args) (any, error) {
	ref := kernel.OutputRef{Hash: hashArg(a, "hash"), Index: uint16(a.Uint("index", maxOutputIndex, 0))}
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	out, ok := view.Output(ref)
	if !ok {
		return (*client.Output)(nil), nil
	}
	until, witness := ledger.LockOf(view, ref)
	return &client.Output{
		Type: out.Type, Hash: ref.Hash, Index: ref.Index, Amount: out.Amount,
		Keys: out.Keys, Script: out.Script, Mask: out.Mask, Lock: out.SpentBy, Asset: out.Asset,
		LockedUntil: until, Witness: witness,
	}, nil
}

func (s *Server) getKey(_ context.Context, a *args) (any, error) {
	var key kernel.Key
	a.Into("key", &key)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	owner, ok := view.GhostKey(key)
	if !ok {
		return keyUser{}, nil
	}
	return keyUser{&owner.Transaction}, nil
}

func (s *Server) getAsset(_ context.Context, a *args) (any, error) {
	var id kernel.AssetID
	a.Into("id", &id)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	asset, ok := view.Asset(id)
	if !ok {
		return (*client.Asset)(nil), nil
	}
	shown := showAsset(view, id, asset)
	return &shown, nil
}

func showAsset(view ledger.View, id kernel.AssetID, asset ledger.Asset) client.Asset {
	balance, ok := asset.Deposited.Sub(asset.Withdrawn)
	if !ok {
		panic("rpc: more withdrawn than deposited of asset " + id.String())
	}
	shown := client.Asset{
		ID: id, Chain: asset.Chain, AssetKey: asset.Key, Balance: balance, Symbol: asset.Symbol, Ceiling: asset.Ceiling,
		Deposited: asset.Deposited, Withdrawn: asset.Withdrawn, Unspent: asset.Unspent,
	}
	if stake, ok := ledger.StakeOf(view); ok && id == kernel.XIN {
		shown.Pool, shown.Escrow = stake.Pool, stake.Escrow
	}
	return shown
}

func (s *Server) listAssets(_ context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	return assetList{allAssets(view)}, nil
}

func allAssets(view View) []client.Asset {
	items := []client.Asset{}
	for _, a := range view.Assets() {
		items = append(items, showAsset(view, a.ID, a.Asset))
	}
	return items
}

// getSupply does not trust the kept totals: it compares them with a sum over all outputs.
func (s *Server) getSupply(ctx context.Context, _ *args) (any, error) {
	view, release := s.history.View()
	defer release()
	sums, err := unspentOf(ctx, view)
	if err != nil {
		return nil, err
	}
	head := view.Head()
	out := client.Supply{Commit: head.Index, Digest: head.Digest, OK: true, Assets: allAssets(view)}
	for _, asset := range out.Assets {
		inside, fits := asset.Unspent.Add(asset.Pool)
		inside, also := inside.Add(asset.Escrow)
		if sums[asset.ID] != asset.Unspent || !fits || !also || inside != asset.Balance {
			out.OK = false
		}
		delete(sums, asset.ID)
	}
	out.OK = out.OK && len(sums) == 0 // no output of an asset that is not listed
	return out, nil
}

func unspentOf(ctx context.Context, view View) (map[kernel.AssetID]kernel.Amount, error) {
	sums := map[kernel.AssetID]kernel.Amount{}
	err := view.Outputs(func(_ kernel.OutputRef, out ledger.Output) error {
		if !out.SpentBy.IsZero() {
			return ctx.Err()
		}
		sum, ok := sums[out.Asset].Add(out.Amount)
		if !ok {
			return fmt.Errorf("unspent outputs of asset %s reach 2^128 units", out.Asset)
		}
		sums[out.Asset] = sum
		return ctx.Err()
	})
	return sums, err
}
