package explorer

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
)

const (
	homeBlocks = 15
	pageBlocks = 50
	pageItems  = 50
)

// asked gets an answer that is kept for a moment.
func asked[T any](p *Pillars, ctx context.Context, key string, keep time.Duration, ask func(context.Context) (T, error)) (T, error) {
	return get(ctx, p.fetched, key, func(ctx context.Context) (T, time.Duration, error) {
		v, err := ask(ctx)
		if err != nil {
			return v, 0, err
		}
		return v, keep, nil
	})
}

// A blockRow is a header with the time since its parent.
type blockRow struct {
	client.Header
	After string `json:"after"`
}

// rows adds the intervals: headers come newest first, with one more than is shown.
func rows(list []client.Header, shown int) []blockRow {
	out := make([]blockRow, 0, shown)
	for i := range list[:min(len(list), shown)] {
		r := blockRow{Header: list[i]}
		if i+1 < len(list) && list[i].Number > 0 {
			r.After = fmt.Sprintf("%d s", int64(list[i].Timestamp)-int64(list[i+1].Timestamp))
		}
		out = append(out, r)
	}
	return out
}

// A sealRow is what the head says of one kind of block.
type sealRow struct {
	Name         string         `json:"seal"`
	Blocks       uint32         `json:"blocks"`
	Share        float64        `json:"share"`
	SharePercent string         `json:"-"`
	AimPercent   string         `json:"share_aim"`
	Interval     string         `json:"mean_interval"`
	IntervalAim  string         `json:"interval_aim"`
	Bits         string         `json:"difficulty"`
	Subsidy      pillars.Amount `json:"subsidy"`
	Run          uint32         `json:"run"`
	RunMax       uint32         `json:"run_limit"`
	Blocked      string         `json:"blocked_by,omitempty"`
}

// A headView is the front page.
type headView struct {
	Info   client.Info       `json:"info"`
	Mining client.MiningInfo `json:"mining"`
	Seals  []sealRow         `json:"seals"`
	Blocks []blockRow        `json:"blocks"`
}

func (p *Pillars) head(ctx context.Context) (headView, error) {
	return asked(p, ctx, "head", briefly, func(ctx context.Context) (h headView, err error) {
		if h.Info, err = p.client.Info(ctx); err != nil {
			return h, err
		}
		if h.Mining, err = p.client.Mining(ctx); err != nil {
			return h, err
		}
		page, err := p.client.Headers(ctx, nil, homeBlocks+1)
		if err != nil {
			return h, err
		}
		h.Blocks, h.Seals = rows(page.Items, homeBlocks), sealRows(&h.Mining)
		return h, nil
	})
}

func sealRows(m *client.MiningInfo) []sealRow {
	s := &m.Shares
	row := func(name string, blocks uint32, aim, interval, intervalAim float64) sealRow {
		r := sealRow{Name: name, Blocks: blocks, AimPercent: fmt.Sprintf("%.1f %%", 100*aim), IntervalAim: fmt.Sprintf("%.1f s", intervalAim), Interval: "–"}
		if blocks > 0 {
			r.Share, r.Interval = float64(blocks)/float64(s.Blocks), fmt.Sprintf("%.1f s", interval)
		}
		r.SharePercent = fmt.Sprintf("%.1f %%", 100*r.Share)
		return r
	}
	work := row("pow", s.PoW, s.PoWTarget, s.PoWInterval, s.PoWAim)
	work.Bits, work.Subsidy, work.Run, work.RunMax, work.Blocked = m.PoWBits, m.PoWSubsidy, m.WorkRun, m.WorkRunMax, m.PoWBlocked
	stake := row("pos", s.PoS, 1-s.PoWTarget, s.PoSInterval, s.PoSAim)
	stake.Bits, stake.Subsidy, stake.Run, stake.RunMax, stake.Blocked = m.PoSBits, m.PoSSubsidy, m.StakeRun, m.StakeRunMax, m.PoSBlocked
	return []sealRow{work, stake}
}

func (p *Pillars) home(w http.ResponseWriter, r *http.Request) {
	h, err := p.head(r.Context())
	if err != nil {
		p.failed(w, r, "chain", err)
		return
	}
	p.write(w, r, http.StatusOK, "home", "Head", h)
}

type blocksView struct {
	Blocks []blockRow `json:"blocks"`
	Next   *uint32    `json:"next"`
}

func (p *Pillars) blocks(w http.ResponseWriter, r *http.Request) {
	var from *uint32
	text := r.URL.Query().Get("from")
	if text != "" {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			p.say(w, r, http.StatusBadRequest, message{"This is no height", "Blocks have numbers, from 0 on.", ""})
			return
		}
		height := uint32(n)
		from = &height
	}
	page, err := asked(p, r.Context(), "blocks "+text, briefly, func(ctx context.Context) (client.HeaderPage, error) {
		return p.client.Headers(ctx, from, pageBlocks+1)
	})
	if err != nil {
		p.failed(w, r, "block", err)
		return
	}
	v := blocksView{Blocks: rows(page.Items, pageBlocks)}
	if len(page.Items) > pageBlocks {
		next := page.Items[pageBlocks].Number
		v.Next = &next
	}
	p.write(w, r, http.StatusOK, "blocks", "Blocks", v)
}

func (p *Pillars) block(w http.ResponseWriter, r *http.Request) {
	id := clip(r.PathValue("id"), 64)
	b, err := asked(p, r.Context(), "block "+id, briefly, func(ctx context.Context) (client.Block, error) { return p.client.Block(ctx, id, true) })
	if err != nil {
		p.failed(w, r, "block", err)
		return
	}
	p.write(w, r, http.StatusOK, "block", "Block "+formatUint(uint64(b.Number)), b)
}

func (p *Pillars) transaction(w http.ResponseWriter, r *http.Request) {
	id, err := pillars.ParseTxID(r.PathValue("hash"))
	if err != nil {
		p.say(w, r, http.StatusBadRequest, message{"This is no transaction", "An id has 64 hex digits.", ""})
		return
	}
	tx, err := asked(p, r.Context(), "tx "+id.String(), briefly, func(ctx context.Context) (client.Transaction, error) { return p.client.Transaction(ctx, id) })
	if err != nil {
		p.failed(w, r, "transaction", err)
		return
	}
	p.write(w, r, http.StatusOK, "transaction", "Transaction", tx)
}

type addressView struct {
	Balance      client.Balance       `json:"balance"`
	Transactions []client.Transaction `json:"transactions"`
	Next         string               `json:"next"`
}

func (p *Pillars) address(w http.ResponseWriter, r *http.Request) {
	address, from := clip(r.PathValue("address"), 90), clip(r.URL.Query().Get("from"), 40)
	v, err := asked(p, r.Context(), "address "+from+" "+address, briefly, func(ctx context.Context) (v addressView, err error) {
		list, err := p.client.Balances(ctx, address)
		if err != nil {
			return v, err
		}
		page, err := p.client.Transactions(ctx, address, from, pageItems)
		return addressView{list[0], page.Items, page.Next}, err
	})
	if err != nil {
		p.failed(w, r, "address", err)
		return
	}
	p.write(w, r, http.StatusOK, "address", "Address", v)
}

func (p *Pillars) assets(w http.ResponseWriter, r *http.Request) {
	from := clip(r.URL.Query().Get("from"), pillars.MaxSymbol)
	page, err := asked(p, r.Context(), "assets "+from, briefly, func(ctx context.Context) (client.AssetPage, error) { return p.client.Assets(ctx, from, pageItems) })
	if err != nil {
		p.failed(w, r, "asset", err)
		return
	}
	p.write(w, r, http.StatusOK, "assets", "Assets", page)
}

func (p *Pillars) asset(w http.ResponseWriter, r *http.Request) {
	symbol := clip(r.PathValue("symbol"), pillars.MaxSymbol)
	a, err := asked(p, r.Context(), "asset "+symbol, briefly, func(ctx context.Context) (client.Asset, error) { return p.client.Asset(ctx, symbol) })
	if err != nil {
		p.failed(w, r, "asset", err)
		return
	}
	p.write(w, r, http.StatusOK, "asset", a.Symbol, a)
}

func (p *Pillars) avatars(w http.ResponseWriter, r *http.Request) {
	from := clip(r.URL.Query().Get("from"), pillars.MaxSymbol)
	page, err := asked(p, r.Context(), "avatars "+from, briefly, func(ctx context.Context) (client.AvatarPage, error) { return p.client.Avatars(ctx, from, pageItems) })
	if err != nil {
		p.failed(w, r, "avatar", err)
		return
	}
	p.write(w, r, http.StatusOK, "avatars", "Avatars", page)
}

type avatarView struct {
	Avatar       client.Avatar        `json:"did"`
	Certificates []client.Certificate `json:"certs"`
	Tokens       []client.Token       `json:"mits"`
}

func (p *Pillars) avatar(w http.ResponseWriter, r *http.Request) {
	name := clip(r.PathValue("name"), 90)
	v, err := asked(p, r.Context(), "avatar "+name, briefly, func(ctx context.Context) (v avatarView, err error) {
		if v.Avatar, err = p.client.Avatar(ctx, name); err != nil {
			return v, err
		}
		certs, err := p.client.Certificates(ctx, v.Avatar.Address, "", pageItems)
		if err != nil {
			return v, err
		}
		tokens, err := p.client.Tokens(ctx, v.Avatar.Address, "", pageItems)
		v.Certificates, v.Tokens = certs.Items, tokens.Items
		return v, err
	})
	if err != nil {
		p.failed(w, r, "avatar", err)
		return
	}
	p.write(w, r, http.StatusOK, "avatar", v.Avatar.Symbol, v)
}

func (p *Pillars) mempool(w http.ResponseWriter, r *http.Request) {
	page, err := asked(p, r.Context(), "mempool", briefly, func(ctx context.Context) (client.PendingPage, error) { return p.client.Pending(ctx, 0, pageItems) })
	if err != nil {
		p.failed(w, r, "transaction", err)
		return
	}
	p.write(w, r, http.StatusOK, "mempool", "Waiting", page)
}

// search goes straight to what the query names: a height, an id, an address, an asset or an avatar.
func (p *Pillars) search(w http.ResponseWriter, r *http.Request) {
	query := clip(strings.TrimSpace(r.URL.Query().Get("q")), 100)
	if query == "" {
		http.Redirect(w, r, "/pillars", http.StatusSeeOther)
		return
	}
	path, err := asked(p, r.Context(), "search "+query, briefly, func(ctx context.Context) (string, error) { return p.find(ctx, query), nil })
	switch {
	case err != nil:
		p.failed(w, r, "thing", err)
	case path == "":
		p.say(w, r, http.StatusNotFound, message{"Nothing found", "The node knows no " + query + ".", "You can search for a height, the id of a block or transaction, an address, the symbol of an asset, or the name of an avatar."})
	default:
		http.Redirect(w, r, path, http.StatusSeeOther)
	}
}

func (p *Pillars) find(ctx context.Context, query string) string {
	if _, err := strconv.ParseUint(query, 10, 32); err == nil {
		if _, err := p.client.Header(ctx, query); err == nil {
			return "/pillars/block/" + query
		}
	}
	if id, err := pillars.ParseTxID(strings.ToLower(query)); err == nil {
		if _, err := p.client.Transaction(ctx, id); err == nil {
			return "/pillars/tx/" + id.String()
		}
		if _, err := p.client.Header(ctx, id.String()); err == nil {
			return "/pillars/block/" + id.String()
		}
		return ""
	}
	if _, err := p.client.Avatar(ctx, query); err == nil && pillars.ValidAvatar(query) {
		return "/pillars/avatar/" + url.PathEscape(query)
	}
	if _, err := p.client.Asset(ctx, strings.ToUpper(query)); err == nil {
		return "/pillars/asset/" + url.PathEscape(strings.ToUpper(query))
	}
	if v, err := p.client.ValidAddress(ctx, query); err == nil && v.Valid {
		return "/pillars/address/" + v.Address
	}
	return ""
}
