package rpc

import (
	"context"
	"strings"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

var oneSymbol = rpcserver.Param{Name: "symbol", Kind: "string", Required: true, About: "its symbol", Example: "GOLD"}

func (s *Server) assetMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "getasset", Right: rpcserver.Read, Handle: s.getAsset, Params: []rpcserver.Param{oneSymbol}, Result: client.Asset{}, Errors: []string{"not_found"},
			About: "An asset: its supply, who issues it, and the terms by which it is mined."},
		{Name: "listassets", Right: rpcserver.Read, Handle: s.listAssets, Params: []rpcserver.Param{pageFrom, pageLimit}, Result: client.AssetPage{},
			About: "The assets by symbol. next is the from of the following page, empty at the end."},
		{Name: "validatesymbol", Right: rpcserver.Read, Handle: s.validateSymbol, Result: client.SymbolCheck{},
			About: "Whether something new may have a symbol: well formed, allowed and not taken.",
			Params: []rpcserver.Param{oneSymbol,
				{Name: "kind", Kind: "string", About: "asset, which is the default, did or mit", Example: "asset"}}},
		{Name: "getcert", Right: rpcserver.Read, Handle: s.getCert, Result: client.Certificate{}, Errors: []string{"not_found"},
			About: "A certificate: who holds which right.",
			Params: []rpcserver.Param{oneSymbol,
				{Name: "cert", Kind: "string", Required: true, About: "issue, domain, naming, mining, witness, custom:n, or a number", Example: "domain"}}},
		{Name: "listcerts", Aliases: []string{"getaddresscert"}, Right: rpcserver.Read, Handle: s.listCerts, Result: client.CertificatePage{},
			About: "The certificates by type and symbol, of one address if one is given. next is the from of the following page, empty at the end.",
			Params: []rpcserver.Param{
				{Name: "address", Kind: "string", About: "an address or an avatar", Example: "1111111111111111111114oLvT2"}, pageFrom, pageLimit}},
	}
}

func (s *Server) getAsset(_ context.Context, a *rpcserver.Args) (any, error) {
	symbol, _ := a.Text("symbol")
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	if err := a.Err(); err != nil {
		return nil, err
	}
	asset, ok := at.Asset(symbol)
	if !ok {
		return nil, absent("no asset %.64s", symbol)
	}
	return describeAsset(at, symbol, &asset), nil
}

func describeAsset(at state.Reader, symbol string, asset *state.Asset) client.Asset {
	out := client.Asset{
		Symbol: symbol, Supply: client.Units(asset.Supply), Mined: client.Units(asset.Mined), Burned: client.Units(asset.Burned),
		Outstanding: client.Units(asset.Supply + asset.Mined - asset.Burned), Decimals: asset.Decimals, Threshold: asset.Threshold,
		Issuer: asset.Issuer, Address: asset.Address, Description: asset.Description, Height: asset.Height,
	}
	if cert, ok := at.Certificate(pillars.CertMining, symbol); ok && !cert.Burned {
		out.Mining = cert.Content
	}
	return out
}

func (s *Server) listAssets(ctx context.Context, a *rpcserver.Args) (any, error) {
	page := client.AssetPage{Items: []client.Asset{}}
	next, err := s.list(ctx, a, state.AssetKey(""), func(at state.Reader, name string) bool {
		if asset, ok := at.Asset(name); ok {
			page.Items = append(page.Items, describeAsset(at, name, &asset))
		}
		return true
	})
	page.Next = next
	return page, err
}

// list pages through the names of a table by rising order; take says whether one counts. The cursor is the
// first name that is not on the page.
func (s *Server) list(ctx context.Context, a *rpcserver.Args, table state.Key, take func(at state.Reader, name string) bool) (next string, err error) {
	from, _ := a.Text("from")
	return s.listFrom(ctx, a, from, table, take)
}

func (s *Server) listFrom(ctx context.Context, a *rpcserver.Args, from string, table state.Key, take func(at state.Reader, name string) bool) (next string, err error) {
	limit := a.Limit("limit", 100)
	if err := a.Err(); err != nil {
		return "", err
	}
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	at, taken := state.At(view, r.params), 0
	view.Under(table, func(key state.Key, _ []byte) bool {
		name := strings.TrimPrefix(string(key), string(table))
		if name < from {
			return ctx.Err() == nil
		}
		if taken == limit || taken > 0 && ctx.Err() != nil {
			next = name
			return false
		}
		if take(at, name) {
			taken++
		}
		return true
	})
	if next == "" && ctx.Err() != nil {
		return "", ctx.Err()
	}
	return next, nil
}

func (s *Server) validateSymbol(_ context.Context, a *rpcserver.Args) (any, error) {
	symbol, _ := a.Text("symbol")
	kind, given := a.Text("kind")
	if given && kind != "asset" && kind != "did" && kind != "mit" {
		a.Fail("kind", "want asset, did or mit")
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	out := client.SymbolCheck{Symbol: symbol}
	switch kind {
	case "did":
		_, taken := at.Avatar(symbol)
		out.Why = wordsFor(pillars.ValidAvatar(symbol), taken || symbol == pillars.BlackHoleAvatar, banned(r.params, symbol), "letters, digits and .@_-, at most 64, and nothing that reads as an address")
	case "mit":
		_, taken := at.Token(symbol)
		out.Why = wordsFor(pillars.ValidAvatar(symbol), taken, banned(r.params, symbol), "letters, digits and .@_-, at most 64, and nothing that reads as an address")
	default:
		_, taken := at.Asset(symbol)
		out.Why = wordsFor(pillars.ValidSymbol(symbol), taken, symbol == "ETP" || banned(r.params, symbol), "upper-case letters, digits and single dots inside, at most 64")
		if pillars.ValidSymbol(symbol) {
			out.Domain = pillars.Domain(symbol)
			if cert, ok := at.Certificate(pillars.CertDomain, out.Domain); ok {
				out.Holder = cert.Owner
			}
		}
	}
	out.Free = out.Why == ""
	return out, nil
}

func wordsFor(formed, taken, banned bool, form string) string {
	switch {
	case !formed:
		return "not well formed: want " + form
	case banned:
		return "holds a word that the network does not allow"
	case taken:
		return "taken"
	}
	return ""
}

func banned(p *pillars.Params, symbol string) bool {
	upper := strings.ToUpper(symbol)
	for _, word := range p.Names.Banned {
		if strings.Contains(upper, word) {
			return true
		}
	}
	return false
}

func (s *Server) getCert(_ context.Context, a *rpcserver.Args) (any, error) {
	symbol, _ := a.Text("symbol")
	word, _ := a.Text("cert")
	kind, ok := client.ParseCert(word)
	if !ok {
		a.Fail("cert", "want issue, domain, naming, mining, witness, custom:n, or a number")
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	cert, ok := state.At(view, r.params).Certificate(kind, symbol)
	if !ok {
		return nil, absent("no certificate %s of %.64s", client.CertName(kind), symbol)
	}
	return describeCert(kind, symbol, &cert), nil
}

func describeCert(kind pillars.CertificateType, symbol string, c *state.Certificate) client.Certificate {
	return client.Certificate{
		Symbol: symbol, Cert: client.CertName(kind), Kind: uint32(kind), Owner: c.Owner, Address: c.Address, Content: c.Content,
		Height: c.Height, Burned: c.Burned, Output: c.Outpoint,
	}
}

// ownerFilter reads the parameter address of a list; empty is everybody.
func (s *Server) ownerFilter(a *rpcserver.Args) (string, error) {
	text, given := a.Text("address")
	if !given || text == "" {
		return "", a.Err()
	}
	r := s.reader()
	address, err := r.address(text)
	return address.Text(r.params.Address), err
}

func (s *Server) listCerts(ctx context.Context, a *rpcserver.Args) (any, error) {
	owner, err := s.ownerFilter(a)
	if err != nil {
		return nil, err
	}
	page := client.CertificatePage{Items: []client.Certificate{}}
	next, err := s.listHex(ctx, a, state.CertificateKey(0, "")[:1], func(at state.Reader, name string) bool {
		if len(name) < 4 {
			return false
		}
		kind := pillars.CertificateType(uint32(name[0])<<24 | uint32(name[1])<<16 | uint32(name[2])<<8 | uint32(name[3]))
		cert, ok := at.Certificate(kind, name[4:])
		if !ok || owner != "" && cert.Address != owner {
			return false
		}
		page.Items = append(page.Items, describeCert(kind, name[4:], &cert))
		return true
	})
	page.Next = next
	return page, err
}
