package explorer

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
)

// Pillars are the pages about the public chain, as one node tells. What visitors see is kept for a moment, so many of
// them cost the node no more than one.
type Pillars struct {
	client  *client.Client
	log     *slog.Logger
	both    bool // beside the Kernel's pages
	pages   map[string]*template.Template
	fetched *cache
	handler http.Handler
}

// NewPillars makes the pages of the chain that the node at an address follows; hosts are further names that the Host
// header may have. Nothing is asked before somebody looks.
func NewPillars(address string, hosts []string, log *slog.Logger) (*Pillars, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("explorer: Pillars node %.80q: want an address like http://127.0.0.1:8820", address)
	}
	p := &Pillars{client: client.New(address, client.WithAttempts(1, 0)), log: log, fetched: newCache()}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	if p.pages, err = loadPillarsPages(assets); err != nil {
		return nil, err
	}
	mux := p.routes()
	mux.HandleFunc("GET /static/{name}", func(w http.ResponseWriter, r *http.Request) {
		serveAsset(w, r, assets[r.PathValue("name")])
	})
	mux.Handle("GET /{$}", http.RedirectHandler("/pillars", http.StatusSeeOther))
	p.handler = guard(hosts, mux)
	return p, nil
}

// Handler serves the pages below /pillars, and alone at / too.
func (p *Pillars) Handler() http.Handler { return p.handler }

// Run waits for ctx: these pages ask when they are asked.
func (p *Pillars) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func (p *Pillars) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pillars", p.home)
	mux.HandleFunc("GET /pillars/blocks", p.blocks)
	mux.HandleFunc("GET /pillars/block/{id}", p.block)
	mux.HandleFunc("GET /pillars/tx/{hash}", p.transaction)
	mux.HandleFunc("GET /pillars/address/{address}", p.address)
	mux.HandleFunc("GET /pillars/assets", p.assets)
	mux.HandleFunc("GET /pillars/asset/{symbol}", p.asset)
	mux.HandleFunc("GET /pillars/avatars", p.avatars)
	mux.HandleFunc("GET /pillars/avatar/{name}", p.avatar)
	mux.HandleFunc("GET /pillars/mempool", p.mempool)
	mux.HandleFunc("GET /pillars/search", p.search)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.say(w, r, http.StatusNotFound, message{"No such page", "There is nothing at this address.", "Search above for a block, a transaction, an address, an asset or an avatar."})
	})
	return mux
}

// loadPillarsPages parses each page together with the frame and the parts that all share.
func loadPillarsPages(assets map[string]*asset) (map[string]*template.Template, error) {
	all := functions(assets)
	all["ago"] = func(seconds any) string { return age(time.Since(unix(seconds))) }
	all["exact"] = func(seconds any) string { return unix(seconds).UTC().Format("2006-01-02 15:04:05 UTC") }
	all["sum"] = sumOf
	all["carries"] = carries
	all["threshold"] = thresholdWords
	all["decimal"] = func(v client.Units, decimals uint8) string { return withDecimals(uint64(v), decimals) }
	all["words"] = func(v any) string { return strings.NewReplacer("_", " ", "-", " ").Replace(fmt.Sprint(v)) }
	return parsePages(all, "web/pillars/", []string{"frame", "parts"},
		"home", "blocks", "block", "transaction", "address", "assets", "asset", "avatars", "avatar", "mempool", "message")
}

// unix reads a time in seconds, whatever type a page has it in.
func unix(seconds any) time.Time {
	switch v := seconds.(type) {
	case uint32:
		return time.Unix(int64(v), 0)
	case int64:
		return time.Unix(v, 0)
	}
	return time.Time{}
}

func sumOf(tx client.Transaction) pillars.Amount {
	sum := pillars.Amount(0)
	for i := range tx.Outputs {
		sum += tx.Outputs[i].Value
	}
	return sum
}

// carries says in words what an output holds beside its ETP.
func carries(a client.Attachment) string {
	switch {
	case a.Type == "etp":
		return ""
	case a.Quantity != nil:
		return fmt.Sprintf("%s %s %s", strings.ReplaceAll(a.Type, "-", " "), a.Quantity, a.Symbol)
	case a.Type == "message":
		return "message: " + a.Content
	case a.Cert != "":
		return fmt.Sprintf("certificate %s of %s for %s", a.Cert, a.Symbol, a.Owner)
	}
	return strings.TrimSpace(strings.ReplaceAll(a.Type, "-", " ") + " " + a.Symbol)
}

func thresholdWords(t uint8) string {
	switch t {
	case 0:
		return "never"
	case pillars.ThresholdFree:
		return "by who holds the issue certificate"
	}
	return fmt.Sprintf("by who holds the issue certificate and %d %% of the supply", t)
}

// withDecimals writes a quantity with the decimals of its asset.
func withDecimals(quantity uint64, decimals uint8) string {
	s := formatUint(quantity)
	if decimals == 0 {
		return s
	}
	if n := int(decimals) + 1 - len(s); n > 0 {
		s = strings.Repeat("0", n) + s
	}
	return s[:len(s)-int(decimals)] + "." + s[len(s)-int(decimals):]
}

// A pillarsView is what a page about the public chain shows.
type pillarsView struct {
	Title, Self, Query, From, Source string
	Both                             bool
	Strip                            pillarsStrip
	Page                             any
}

// A pillarsStrip is the strip on top of every page.
type pillarsStrip struct {
	Network string
	Test    bool
	Known   bool
	Error   string
	Height  uint32
	Seal    string
	Time    uint32
	State   string
	Peers   int
	Waiting int
}

func (p *Pillars) strip(ctx context.Context) pillarsStrip {
	h, err := p.head(ctx)
	if err != nil {
		return pillarsStrip{Network: "unknown", State: "unreachable", Error: clip(err.Error(), 200)}
	}
	s := pillarsStrip{
		Network: h.Info.Network, Known: true, Height: h.Info.Height, Time: h.Info.Tip.Time, State: h.Info.State, Peers: h.Info.Peers,
		Waiting: h.Info.Mempool.Transactions, Test: h.Info.Network != "mainnet-like" && h.Info.Network != "mainnet",
	}
	if len(h.Blocks) > 0 {
		s.Seal = h.Blocks[0].Seal
	}
	return s
}

// write sends a page of the chain, or what it shows as JSON.
func (p *Pillars) write(w http.ResponseWriter, r *http.Request, status int, name, title string, page any) {
	writePage(w, r, status, p.log, p.pages[name], page, func() any {
		return pillarsView{
			Title: title, Self: r.URL.Path, Query: clip(r.URL.Query().Get("q"), 100), From: clip(r.URL.Query().Get("from"), 100),
			Source: p.client.URL(), Both: p.both, Strip: p.strip(r.Context()), Page: page,
		}
	})
}

func (p *Pillars) say(w http.ResponseWriter, r *http.Request, status int, m message) {
	p.write(w, r, status, "message", m.Heading, m)
}

// failed says why there is nothing to show.
func (p *Pillars) failed(w http.ResponseWriter, r *http.Request, what string, err error) {
	var refusal *client.Error
	switch {
	case r.Context().Err() != nil:
	case errors.Is(err, client.ErrNotFound):
		p.say(w, r, http.StatusNotFound, message{"Not found", "The node knows no such " + what + ".", "It may be on another network, or not have reached this node yet."})
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "1")
		p.say(w, r, http.StatusServiceUnavailable, message{"One moment", "Many look-ups are under way.", "Reload this page."})
	case errors.As(err, &refusal) && refusal.Name == "invalid_params":
		p.say(w, r, http.StatusBadRequest, message{"This is no " + what, clip(refusal.Message, 300), ""})
	case errors.As(err, &refusal):
		p.say(w, r, http.StatusBadGateway, message{"The node cannot say", clip(refusal.Message, 300), ""})
	default:
		p.log.Warn("look-up failed", "path", clip(r.URL.Path, 100), "err", err)
		p.say(w, r, http.StatusBadGateway, message{"The node does not answer", clip(err.Error(), 300), "Is pillarsd running? This page works again as soon as it does."})
	}
}
