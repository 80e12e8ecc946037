package client

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/asterism-network/asterism/pillars"
)

type params map[string]any

// Info asks the node how it is.
func (c *Client) Info(ctx context.Context) (i Info, err error) {
	return i, c.read(ctx, "getinfo", nil, &i)
}

// Profile asks for the network's parameters and checks them.
func (c *Client) Profile(ctx context.Context) (*pillars.Params, error) {
	var text json.RawMessage
	if err := c.read(ctx, "getprofile", nil, &text); err != nil {
		return nil, err
	}
	p, err := pillars.ParseParams(text)
	if err != nil {
		return nil, fmt.Errorf("the node's profile: %w", err)
	}
	return p, nil
}

// Tip asks for the last block.
func (c *Client) Tip(ctx context.Context) (t Tip, err error) {
	return t, c.read(ctx, "gettip", nil, &t)
}

// Header asks for a block's header by height or id; ErrNotFound if there is none.
func (c *Client) Header(ctx context.Context, block string) (h Header, err error) {
	return h, c.read(ctx, "getblockheader", params{"block": block}, &h)
}

// Block asks for a block by height or id, with all transactions or their ids only.
func (c *Client) Block(ctx context.Context, block string, transactions bool) (b Block, err error) {
	return b, c.read(ctx, "getblock", params{"block": block, "transactions": transactions}, &b)
}

// Headers asks for headers of the main chain, newest first, from a height down; nil is the tip.
func (c *Client) Headers(ctx context.Context, from *uint32, limit int) (p HeaderPage, err error) {
	return p, c.read(ctx, "listblocks", params{"from": from, "limit": limit}, &p)
}

// Transaction asks for a transaction that is in a block or waits; ErrNotFound if the node has none.
func (c *Client) Transaction(ctx context.Context, id pillars.TxID) (t Transaction, err error) {
	return t, c.read(ctx, "gettx", params{"hash": id}, &t)
}

// RawTransaction is Transaction as bytes, decoded and compared with the id.
func (c *Client) RawTransaction(ctx context.Context, id pillars.TxID) (*pillars.Transaction, error) {
	t, err := c.Transaction(ctx, id)
	if err != nil {
		return nil, err
	}
	return DecodeTransaction(t.Hex)
}

// DecodeTransaction reads the hex of a transaction.
func DecodeTransaction(text string) (*pillars.Transaction, error) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("transaction is not hex: %w", err)
	}
	tx := new(pillars.Transaction)
	return tx, tx.UnmarshalBinary(raw)
}

// Send gives a signed transaction to the node. One that waits there already is no error.
func (c *Client) Send(ctx context.Context, tx *pillars.Transaction) (id pillars.TxID, err error) {
	var sent struct {
		Hash pillars.TxID `json:"hash"`
	}
	err = c.Call(ctx, "sendrawtx", params{"transaction": hex.EncodeToString(tx.AppendBinary(nil))}, &sent)
	return sent.Hash, err
}

// Check asks whether the node would take a transaction, without giving it away.
func (c *Client) Check(ctx context.Context, tx *pillars.Transaction) (t Transaction, err error) {
	return t, c.read(ctx, "validatetx", params{"transaction": hex.EncodeToString(tx.AppendBinary(nil))}, &t)
}

// History asks for a page of what touched some addresses, oldest first.
func (c *Client) History(ctx context.Context, addresses []string, from string, limit int) (h History, err error) {
	return h, c.read(ctx, "fetch-history", params{"addresses": addresses, "from": from, "limit": limit}, &h)
}

// Transactions asks for a page of the transactions of an address, oldest first.
func (c *Client) Transactions(ctx context.Context, address, from string, limit int) (p TransactionPage, err error) {
	return p, c.read(ctx, "listtxs", params{"address": address, "from": from, "limit": limit}, &p)
}

// Balances asks what some addresses hold.
func (c *Client) Balances(ctx context.Context, addresses ...string) (list []Balance, err error) {
	return list, c.read(ctx, "listbalances", params{"addresses": addresses}, &list)
}

// Unspent asks for the unspent outputs of some addresses.
func (c *Client) Unspent(ctx context.Context, addresses ...string) (u Unspents, err error) {
	return u, c.read(ctx, "listunspent", params{"addresses": addresses}, &u)
}

// Asset asks for an asset; ErrNotFound if there is none.
func (c *Client) Asset(ctx context.Context, symbol string) (a Asset, err error) {
	return a, c.read(ctx, "getasset", params{"symbol": symbol}, &a)
}

// Assets asks for a page of assets by symbol.
func (c *Client) Assets(ctx context.Context, from string, limit int) (p AssetPage, err error) {
	return p, c.read(ctx, "listassets", params{"from": from, "limit": limit}, &p)
}

// Avatar asks for an avatar by its name or address; ErrNotFound if there is none.
func (c *Client) Avatar(ctx context.Context, name string) (a Avatar, err error) {
	return a, c.read(ctx, "getdid", params{"did": name}, &a)
}

// Avatars asks for a page of avatars by name.
func (c *Client) Avatars(ctx context.Context, from string, limit int) (p AvatarPage, err error) {
	return p, c.read(ctx, "listdids", params{"from": from, "limit": limit}, &p)
}

// Certificate asks for a certificate; ErrNotFound if there is none.
func (c *Client) Certificate(ctx context.Context, symbol string, kind pillars.CertificateType) (x Certificate, err error) {
	return x, c.read(ctx, "getcert", params{"symbol": symbol, "cert": CertName(kind)}, &x)
}

// Certificates asks for a page of certificates, of one address if one is given.
func (c *Client) Certificates(ctx context.Context, address, from string, limit int) (p CertificatePage, err error) {
	return p, c.read(ctx, "listcerts", optional(params{"from": from, "limit": limit}, "address", address), &p)
}

// Token asks for an identifiable token; ErrNotFound if there is none.
func (c *Client) Token(ctx context.Context, symbol string) (t Token, err error) {
	return t, c.read(ctx, "getmit", params{"symbol": symbol}, &t)
}

// Tokens asks for a page of identifiable tokens, of one address if one is given.
func (c *Client) Tokens(ctx context.Context, address, from string, limit int) (p TokenPage, err error) {
	return p, c.read(ctx, "listmits", optional(params{"from": from, "limit": limit}, "address", address), &p)
}

func optional(p params, name, value string) params {
	if value != "" {
		p[name] = value
	}
	return p
}

// Pending asks for a page of what waits, oldest first.
func (c *Client) Pending(ctx context.Context, from, limit int) (p PendingPage, err error) {
	return p, c.read(ctx, "getmemorypool", params{"from": from, "limit": limit}, &p)
}

// Peers asks for the node's connections.
func (c *Client) Peers(ctx context.Context) (list []Peer, err error) {
	return list, c.read(ctx, "getpeerinfo", nil, &list)
}

// Mining asks how blocks are found.
func (c *Client) Mining(ctx context.Context) (m MiningInfo, err error) {
	return m, c.read(ctx, "getmininginfo", nil, &m)
}

// Staking asks what an address can stake, and when.
func (c *Client) Staking(ctx context.Context, address string) (s StakeInfo, err error) {
	return s, c.read(ctx, "getstakeinfo", params{"address": address}, &s)
}

// ValidAddress asks what the node thinks of an address.
func (c *Client) ValidAddress(ctx context.Context, address string) (v Validity, err error) {
	return v, c.read(ctx, "validateaddress", params{"address": address}, &v)
}
