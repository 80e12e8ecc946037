package rpc

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/script"
)

const (
	maxAddresses = 100
	maxPending   = 5000 // touches of what waits in one answer
)

var (
	oneAddress    = rpcserver.Param{Name: "address", Kind: "string", Required: true, About: "an address or an avatar", Example: "1111111111111111111114oLvT2"}
	someAddresses = rpcserver.Param{Name: "addresses", Kind: "string list", Required: true, About: "1 to 100 addresses or avatars", Example: []string{"1111111111111111111114oLvT2"}}
	pageFrom      = rpcserver.Param{Name: "from", Kind: "string", About: "next of the page before", Example: ""}
	pageLimit     = rpcserver.Param{Name: "limit", Kind: "integer", About: "1 to 500, 100 if not given; a page may be shorter", Example: 10}
)

func (s *Server) addressMethods() []rpcserver.Method {
	errors := []string{"not_found", "pruned", "too_many"}
	return []rpcserver.Method{
		{Name: "listbalances", Right: rpcserver.Read, Handle: s.listBalances, Params: []rpcserver.Param{someAddresses}, Result: []client.Balance{}, Errors: errors,
			About: "What addresses hold: ETP by when it can be spent, and assets."},
		{Name: "getaddressetp", Aliases: []string{"fetch-balance"}, Right: rpcserver.Read, Handle: s.getAddressETP, Params: []rpcserver.Param{oneAddress}, Result: client.Balance{}, Errors: errors,
			About: "What one address holds."},
		{Name: "getaddressasset", Right: rpcserver.Read, Handle: s.getAddressAsset, Result: []client.AssetBalance{}, Errors: errors,
			About: "What one address holds of assets.",
			Params: []rpcserver.Param{oneAddress,
				{Name: "symbol", Kind: "string", About: "of one asset; all if not given", Example: "GOLD"}}},
		{Name: "getlocked", Right: rpcserver.Read, Handle: s.getLocked, Params: []rpcserver.Param{oneAddress}, Result: client.Unspents{}, Errors: errors,
			About: "The unspent outputs of an address that cannot be spent yet, with the height or time when they can."},
		{Name: "listunspent", Right: rpcserver.Read, Handle: s.listUnspent, Params: []rpcserver.Param{someAddresses}, Result: client.Unspents{}, Errors: errors,
			About: "The unspent outputs of addresses after the tip, oldest first."},
		{Name: "listtxs", Right: rpcserver.Read, Handle: s.listTxs, Result: client.TransactionPage{}, Errors: errors,
			About:  "The transactions of an address, oldest first, what waits not among them. next is the from of the following page, empty at the end.",
			Params: []rpcserver.Param{oneAddress, pageFrom, pageLimit}},
		{Name: "fetch-history", Aliases: []string{"gethistory"}, Right: rpcserver.Read, Handle: s.fetchHistory, Result: client.History{}, Errors: errors,
			About:  "What transactions bring to addresses and take from them, address by address and oldest first, at last what waits. next is the from of the following page, empty at the end. Wallets read it.",
			Params: []rpcserver.Param{someAddresses, pageFrom, pageLimit}},
	}
}

func tooBusy(address string) *rpcserver.Fault {
	return rpcserver.Faultf("too_many", "%s is touched by more than %d transactions: read them page by page with fetch-history", address, maxTouches)
}

// address reads an address of the network, or looks an avatar up.
func (r *reader) address(text string) (pillars.Address, error) {
	address, err := pillars.ParseAddress(text, r.params.Address)
	if err == nil {
		return address, nil
	}
	view, release := r.chain.Fixed()
	defer release()
	if avatar, ok := state.At(view, r.params).Avatar(text); ok && pillars.ValidAvatar(text) {
		return avatar.Address, nil
	}
	return address, rpcserver.Faultf("invalid_params", "neither an address of %s nor an avatar: %v", r.params.Name, err).With("param", "address")
}

// historical refuses questions that only a full index answers.
func (r *reader) historical() error {
	if from := r.chain.From(); from > 0 {
		return rpcserver.Faultf("pruned", "this node keeps blocks from height %d on only: what addresses hold needs an archive node", from)
	}
	return nil
}

// addressesOf reads the parameter of that name.
func (r *reader) addressesOf(a *rpcserver.Args, name string) ([]pillars.Address, error) {
	if err := r.historical(); err != nil {
		return nil, err
	}
	texts := a.List(name, maxAddresses)
	if err := a.Err(); err != nil {
		return nil, err
	}
	list := make([]pillars.Address, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = r.address(text); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Server) listBalances(ctx context.Context, a *rpcserver.Args) (any, error) {
	waiting := s.node.Waiting()
	r := s.reader()
	addresses, err := r.addressesOf(a, "addresses")
	if err != nil {
		return nil, err
	}
	out := []client.Balance{}
	for _, address := range addresses {
		b, err := r.balance(ctx, address, waiting)
		if err != nil {
			return nil, err
		}
		out = append(out, *b)
	}
	return out, nil
}

func (s *Server) getAddressETP(ctx context.Context, a *rpcserver.Args) (any, error) {
	waiting := s.node.Waiting()
	r := s.reader()
	addresses, err := r.addressesOf(a, "address")
	if err != nil {
		return nil, err
	}
	return r.balance(ctx, addresses[0], waiting)
}

func (s *Server) getAddressAsset(ctx context.Context, a *rpcserver.Args) (any, error) {
	r := s.reader()
	symbol, one := a.Text("symbol")
	addresses, err := r.addressesOf(a, "address")
	if err != nil {
		return nil, err
	}
	b, err := r.balance(ctx, addresses[0], nil)
	if err != nil || !one {
		return listOf(b), err
	}
	for _, asset := range b.Assets {
		if asset.Symbol == symbol {
			return []client.AssetBalance{asset}, nil
		}
	}
	return []client.AssetBalance{}, nil
}

func listOf(b *client.Balance) any {
	if b == nil {
		return nil
	}
	return b.Assets
}

// balance adds up what an address holds.
func (r *reader) balance(ctx context.Context, address pillars.Address, waiting []Waiting) (*client.Balance, error) {
	list, received, err := r.unspentOf(ctx, address)
	if err != nil {
		return nil, err
	}
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	b := &client.Balance{Address: address.Text(r.params.Address), Received: received, Outputs: len(list), Assets: []client.AssetBalance{}}
	b.Avatar, _ = at.AvatarOf(address)
	places := map[string]int{}
	for i := range list {
		o := &list[i].out
		b.Confirmed += o.Value
		h, is := r.held(o)
		switch {
		case is && h.reward:
			b.Immature += o.Value
		case is:
			b.Locked += o.Value
		default:
			b.Available += o.Value
		}
		symbol, quantity, ok := o.Asset()
		if !ok {
			continue
		}
		place, known := places[symbol]
		if !known {
			asset, _ := at.Asset(symbol)
			place, places[symbol] = len(b.Assets), len(b.Assets)
			b.Assets = append(b.Assets, client.AssetBalance{Symbol: symbol, Decimals: asset.Decimals})
		}
		b.Assets[place].Quantity += client.Units(quantity)
		if is || script.Classify(o.Script).Template == script.Attenuation {
			b.Assets[place].Locked += client.Units(quantity)
		}
	}
	b.Pending, b.Leaving = pendingOf(address, list, r.still(waiting))
	return b, nil
}

// pendingOf adds up what transactions that wait bring to an address and take from it.
func pendingOf(address pillars.Address, list []unspent, waiting []Waiting) (pending, leaving pillars.Amount) {
	own := make(map[pillars.Outpoint]pillars.Amount, len(list))
	for i := range list {
		own[list[i].at] = list[i].out.Value
	}
	for i := range waiting {
		tx := waiting[i].Tx
		for j := range tx.Inputs {
			leaving += own[tx.Inputs[j].Previous]
		}
		for j := range tx.Outputs {
			if script.Classify(tx.Outputs[j].Script).Address == address {
				pending += tx.Outputs[j].Value
			}
		}
	}
	return pending, leaving
}

func (s *Server) getLocked(ctx context.Context, a *rpcserver.Args) (any, error) {
	return s.unspentMethod(ctx, a, "address", func(u *client.Unspent) bool { return !u.Spendable })
}

func (s *Server) listUnspent(ctx context.Context, a *rpcserver.Args) (any, error) {
	return s.unspentMethod(ctx, a, "addresses", func(*client.Unspent) bool { return true })
}

func (s *Server) unspentMethod(ctx context.Context, a *rpcserver.Args, name string, keep func(*client.Unspent) bool) (any, error) {
	r := s.reader()
	addresses, err := r.addressesOf(a, name)
	if err != nil {
		return nil, err
	}
	out := client.Unspents{Tip: r.tipOf(), Items: []client.Unspent{}}
	for _, address := range addresses {
		list, _, err := r.unspentOf(ctx, address)
		if err != nil {
			return nil, err
		}
		for i := range list {
			u := r.describeUnspent(&list[i])
			if keep(&u) {
				out.Items = append(out.Items, u)
			}
		}
	}
	return out, nil
}

func (r *reader) describeUnspent(u *unspent) client.Unspent {
	h, held := r.held(&u.out)
	return client.Unspent{
		Tx: u.at.Tx, Height: u.out.Height, Spendable: !held, Until: h.height, UntilTime: h.time,
		Output: client.DescribeOutput(&u.out.Output, u.at.Index, r.params.Address),
	}
}

func (s *Server) listTxs(ctx context.Context, a *rpcserver.Args) (any, error) {
	r := s.reader()
	limit, text := a.Limit("limit", 100), ""
	text, _ = a.Text("from")
	addresses, err := r.addressesOf(a, "address")
	if err != nil {
		return nil, err
	}
	from, bad := parsePlace(text)
	if bad {
		a.Fail("from", "want the next of another page")
		return nil, a.Err()
	}
	page := client.TransactionPage{Items: []client.Transaction{}}
	err = r.touches(addresses[0], from, func(at store.Place, b *blockAt, _ *pillars.Transaction, _ byte) bool {
		if len(page.Items) == limit || ctx.Err() != nil {
			page.Next = placeText(at)
			return false
		}
		page.Items = append(page.Items, r.show(b, int(at.Position)))
		return true
	})
	return page, err
}

func placeText(at store.Place) string { return fmt.Sprintf("%d.%d", at.Height, at.Position) }

func parsePlace(text string) (at store.Place, bad bool) {
	if text == "" {
		return at, false
	}
	n, err := fmt.Sscanf(text, "%d.%d", &at.Height, &at.Position)
	return at, err != nil || n != 2 || placeText(at) != text
}

// A historyCursor is where a page of fetch-history begins: an address, and a place in its history;
// behind the last address stands what waits.
type historyCursor struct {
	address int
	at      store.Place
}

func (c historyCursor) String() string { return fmt.Sprintf("%d.%s", c.address, placeText(c.at)) }

func parseHistoryCursor(text string, addresses int) (c historyCursor, bad bool) {
	if text == "" {
		return c, false
	}
	first, rest, _ := strings.Cut(text, ".")
	if n, err := fmt.Sscanf(first, "%d", &c.address); err != nil || n != 1 || c.address < 0 || c.address > addresses {
		return c, true
	}
	c.at, bad = parsePlace(rest)
	return c, bad || c.String() != text
}

func (s *Server) fetchHistory(ctx context.Context, a *rpcserver.Args) (any, error) {
	waiting := s.node.Waiting()
	r := s.reader()
	limit, text := a.Limit("limit", 100), ""
	text, _ = a.Text("from")
	addresses, err := r.addressesOf(a, "addresses")
	if err != nil {
		return nil, err
	}
	from, bad := parseHistoryCursor(text, len(addresses))
	if bad {
		a.Fail("from", "want the next of another page about the same addresses")
		return nil, a.Err()
	}
	page := client.History{Tip: r.tipOf(), Items: []client.Touch{}}
	for ; from.address < len(addresses); from = (historyCursor{address: from.address + 1}) {
		address := addresses[from.address]
		err := r.touches(address, from.at, func(at store.Place, b *blockAt, tx *pillars.Transaction, _ byte) bool {
			if len(page.Items) >= limit || ctx.Err() != nil {
				page.Next = historyCursor{from.address, at}.String()
				return false
			}
			t := r.touch(address, tx, b.output)
			height := b.Number
			t.Height, t.Position, t.Time, t.Median = &height, at.Position, b.Timestamp, r.medianBefore(b)
			page.Items = append(page.Items, t)
			return true
		})
		if err != nil || page.Next != "" {
			return page, err
		}
	}
	r.pendingTouches(&page, addresses, r.still(waiting))
	return page, nil
}

// pendingTouches adds what waits.
func (r *reader) pendingTouches(page *client.History, addresses []pillars.Address, waiting []Waiting) {
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	made := make(map[pillars.TxID]*pillars.Transaction, len(waiting))
	for i := range waiting {
		made[waiting[i].ID] = waiting[i].Tx
	}
	find := func(o pillars.Outpoint) (pillars.Output, bool) {
		if tx := made[o.Tx]; tx != nil && int(o.Index) < len(tx.Outputs) {
			return tx.Outputs[o.Index], true
		}
		out, ok := at.Output(o)
		return out.Output, ok
	}
	for i := range waiting {
		for _, address := range addresses {
			t := r.touch(address, waiting[i].Tx, find)
			if len(t.Received)+len(t.Spent) == 0 || len(page.Items) >= maxPending {
				continue
			}
			t.Time = uint32(waiting[i].Since.Unix())
			page.Items = append(page.Items, t)
		}
	}
}

// touch says what a transaction brings to an address and takes from it.
func (r *reader) touch(address pillars.Address, tx *pillars.Transaction, find func(pillars.Outpoint) (pillars.Output, bool)) client.Touch {
	t := client.Touch{
		Tx: tx.ID(), Version: tx.Version, Generated: tx.IsCoinbase() && tx.Version != pillars.VersionGenesis,
		Received: []client.Received{}, Spent: []pillars.Outpoint{},
	}
	for i := range tx.Outputs {
		o := &tx.Outputs[i]
		if script.Classify(o.Script).Address == address {
			t.Received = append(t.Received, client.Received{
				Address: address.Text(r.params.Address), Index: uint32(i), Hex: hex.EncodeToString(o.AppendBinary(nil)),
				Output: client.DescribeOutput(o, uint32(i), r.params.Address),
			})
		}
	}
	for i := range tx.Inputs {
		point := tx.Inputs[i].Previous
		if spent, ok := find(point); ok && script.Classify(spent.Script).Address == address {
			t.Spent = append(t.Spent, point)
		}
	}
	return t
}
