package rpc

import (
	"context"
	"encoding/hex"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

func (s *Server) nameMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "getdid", Right: rpcserver.Read, Handle: s.getDID, Result: client.Avatar{}, Errors: []string{"not_found"},
			About:  "An avatar by its name or by its address, with the addresses that it had.",
			Params: []rpcserver.Param{{Name: "did", Kind: "string", Required: true, About: "a name or an address", Example: "alice"}}},
		{Name: "listdids", Right: rpcserver.Read, Handle: s.listDIDs, Params: []rpcserver.Param{pageFrom, pageLimit}, Result: client.AvatarPage{},
			About: "The avatars by name. next is the from of the following page, empty at the end."},
		{Name: "getmit", Right: rpcserver.Read, Handle: s.getMIT, Params: []rpcserver.Param{oneSymbol}, Result: client.Token{}, Errors: []string{"not_found"},
			About: "An identifiable token, with the addresses that it was at."},
		{Name: "listmits", Right: rpcserver.Read, Handle: s.listMITs, Result: client.TokenPage{},
			About: "The identifiable tokens by symbol, of one address if one is given. next is the from of the following page, empty at the end.",
			Params: []rpcserver.Param{
				{Name: "address", Kind: "string", About: "an address or an avatar", Example: "1111111111111111111114oLvT2"}, pageFrom, pageLimit}},
	}
}

func (s *Server) getDID(_ context.Context, a *rpcserver.Args) (any, error) {
	name, _ := a.Text("did")
	if err := a.Err(); err != nil {
		return nil, err
	}
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	if address, err := pillars.ParseAddress(name, r.params.Address); err == nil {
		symbol, ok := at.AvatarOf(address)
		if !ok {
			return nil, absent("no avatar at %s", name)
		}
		name = symbol
	}
	avatar, ok := at.Avatar(name)
	if !ok {
		return nil, absent("no avatar %.64s", name)
	}
	out := describeAvatar(r.params, name, &avatar)
	out.History = r.trace(avatar.Outpoint, func(p pillars.Payload) bool {
		v, ok := p.(pillars.Avatar)
		return ok && v.Symbol == name
	})
	return out, nil
}

func describeAvatar(p *pillars.Params, name string, v *state.Avatar) client.Avatar {
	return client.Avatar{Symbol: name, Address: v.Address.Text(p.Address), Height: v.Height, Output: v.Outpoint}
}

// maxHistory bounds how far back one name is traced.
const maxHistory = 200

// trace follows something from its output back to its registration, as far as blocks are stored; oldest
// first.
func (r *reader) trace(point pillars.Outpoint, is func(pillars.Payload) bool) (list []client.AvatarChange) {
	for range maxHistory {
		b, position, ok, err := r.where(point.Tx)
		if err != nil || !ok {
			break
		}
		tx := b.Transactions[position]
		if int(point.Index) >= len(tx.Outputs) || !is(tx.Outputs[point.Index].Attachment.Payload) {
			break
		}
		out := client.DescribeOutput(&tx.Outputs[point.Index], point.Index, r.params.Address)
		list = append([]client.AvatarChange{{Address: out.Address, Tx: point.Tx, Height: b.Number, Time: b.Timestamp}}, list...)
		before, found := pillars.Outpoint{}, false
		for i := range tx.Inputs {
			if spent, ok := b.output(tx.Inputs[i].Previous); ok && is(spent.Attachment.Payload) {
				before, found = tx.Inputs[i].Previous, true
			}
		}
		if !found {
			break
		}
		point = before
	}
	return list
}

func (s *Server) listDIDs(ctx context.Context, a *rpcserver.Args) (any, error) {
	page := client.AvatarPage{Items: []client.Avatar{}}
	next, err := s.list(ctx, a, state.AvatarKey(""), func(at state.Reader, name string) bool {
		if avatar, ok := at.Avatar(name); ok {
			page.Items = append(page.Items, describeAvatar(s.node.Params(), name, &avatar))
		}
		return true
	})
	page.Next = next
	return page, err
}

func (s *Server) getMIT(_ context.Context, a *rpcserver.Args) (any, error) {
	name, _ := a.Text("symbol")
	if err := a.Err(); err != nil {
		return nil, err
	}
	r := s.reader()
	view, release := r.chain.Fixed()
	defer release()
	token, ok := state.At(view, r.params).Token(name)
	if !ok {
		return nil, absent("no identifiable token %.64s", name)
	}
	out := describeToken(name, &token)
	out.History = r.trace(token.Outpoint, func(p pillars.Payload) bool {
		v, ok := p.(pillars.Token)
		return ok && v.Symbol == name
	})
	return out, nil
}

func describeToken(name string, t *state.Token) client.Token {
	return client.Token{Symbol: name, Address: t.Address, Content: t.Content, Height: t.Height, Burned: t.Burned, Output: t.Outpoint}
}

func (s *Server) listMITs(ctx context.Context, a *rpcserver.Args) (any, error) {
	owner, err := s.ownerFilter(a)
	if err != nil {
		return nil, err
	}
	page := client.TokenPage{Items: []client.Token{}}
	next, err := s.list(ctx, a, state.TokenKey(""), func(at state.Reader, name string) bool {
		token, ok := at.Token(name)
		if !ok || owner != "" && token.Address != owner {
			return false
		}
		page.Items = append(page.Items, describeToken(name, &token))
		return true
	})
	page.Next = next
	return page, err
}

// listHex is list for names that are no text: the cursor is hex.
func (s *Server) listHex(ctx context.Context, a *rpcserver.Args, table state.Key, take func(at state.Reader, name string) bool) (string, error) {
	from, _ := a.Text("from")
	plain, err := hex.DecodeString(from)
	if err != nil {
		a.Fail("from", "want the next of another page")
		return "", a.Err()
	}
	next, err := s.listFrom(ctx, a, string(plain), table, take)
	return hex.EncodeToString([]byte(next)), err
}
