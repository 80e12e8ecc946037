package explorer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

//go:embed web
var web embed.FS

// policy lets a page load from this server only: no inline script or style, no frame around it,
// no string that becomes markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// An asset is an embedded file, compressed once.
type asset struct {
	kind   string // media type
	tag    string // entity tag
	plain  []byte
	packed []byte // gzip
}

func (e *Explorer) routes() (http.Handler, error) {
	assets, err := loadAssets()
	if err != nil {
		return nil, err
	}
	pages, err := loadPages(assets)
	if err != nil {
		return nil, err
	}
	p := &pageServer{Explorer: e, pages: pages, streams: make(chan struct{}, maxStreams)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.home)
	mux.HandleFunc("GET /tx/{hash}", p.transactionPage)
	mux.HandleFunc("GET /snapshot/{id}", p.snapshotPage)
	mux.HandleFunc("GET /commit/{index}", p.commitPage)
	mux.HandleFunc("GET /network", p.networkPage)
	mux.HandleFunc("GET /fault/{number}", p.faultPage)
	mux.HandleFunc("GET /motion/{id}", p.motionPage)
	mux.HandleFunc("GET /search", p.search)
	mux.HandleFunc("GET /graph", p.graph)
	mux.HandleFunc("GET /live", p.live)
	mux.HandleFunc("GET /static/{name}", func(w http.ResponseWriter, r *http.Request) {
		serveAsset(w, r, assets[r.PathValue("name")])
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { serveAsset(w, r, assets["icon.svg"]) })
	if e.config.Pillars != "" {
		chain, err := NewPillars(e.config.Pillars, e.config.Hosts, e.log)
		if err != nil {
			return nil, err
		}
		chain.both = true
		mux.Handle("GET /pillars", chain.handler)
		mux.Handle("GET /pillars/", chain.handler)
	}
	mux.HandleFunc("/", p.notFound)
	return guard(e.config.Hosts, mux), nil
}

// guard lets through only what a browser cannot be tricked into: a Host that names this server,
// so that no foreign name that resolves here reads it (DNS rebinding), and no Origin but this.
func guard(hosts []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		origin := r.Header.Get("Origin")
		switch {
		case !hostAllowed(r.Host, hosts):
			http.Error(w, fmt.Sprintf("this page is not called %.100q: open it as 127.0.0.1, or add the name to the explorer's hosts", r.Host), http.StatusForbidden)
		case origin != "" && !sameOrigin(origin, r.Host):
			http.Error(w, fmt.Sprintf("pages of %.100q may not read this one", origin), http.StatusForbidden)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "this page changes nothing: GET and HEAD only", http.StatusMethodNotAllowed)
		case len(r.URL.RawQuery) > maxQuery:
			http.Error(w, "the address is too long", http.StatusRequestURITooLong)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

const maxQuery = 1024

func hostAllowed(hostport string, hosts []string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback() || slices.Contains(hosts, host)
}

func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}

// loadAssets compresses the embedded files that browsers fetch.
func loadAssets() (map[string]*asset, error) {
	assets := map[string]*asset{}
	entries, err := fs.ReadDir(web, "web")
	if err != nil {
		return nil, err
	}
	for _, f := range entries {
		var kind string
		switch path.Ext(f.Name()) { // not left to the machine's own table
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		default:
			continue
		}
		plain, err := web.ReadFile("web/" + f.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(plain)
		assets[f.Name()] = &asset{kind, base64.RawURLEncoding.EncodeToString(sum[:12]), plain, pack(plain)}
	}
	return assets, nil
}

func pack(plain []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic("explorer: " + err.Error())
	}
	w.Write(plain) // into memory: cannot fail
	w.Close()
	return b.Bytes()
}

// serveAsset serves a file under its tag; one asked for by its tag may be kept for ever.
func serveAsset(w http.ResponseWriter, r *http.Request, a *asset) {
	if a == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.tag+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.tag {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if r.Header.Get("If-None-Match") == `"`+a.tag+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.plain
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", formatUint(uint64(len(body))))
	w.Write(body)
}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.TrimSpace(quality) != "q=0" {
			return true
		}
	}
	return false
}

// loadPages parses each page together with the frame that all share.
func loadPages(assets map[string]*asset) (map[string]*template.Template, error) {
	return parsePages(functions(assets), "web/", []string{"frame"},
		"home", "transaction", "snapshot", "commit", "network", "fault", "motion", "search", "message")
}

// parsePages parses the pages of a folder, each together with what all share, the frame first.
func parsePages(functions template.FuncMap, folder string, shared []string, names ...string) (map[string]*template.Template, error) {
	pages := map[string]*template.Template{}
	for _, name := range names {
		t := template.New(shared[0] + ".html").Funcs(functions)
		for _, part := range append(shared[:len(shared):len(shared)], name) {
			if _, err := t.ParseFS(web, folder+part+".html"); err != nil {
				return nil, fmt.Errorf("explorer: %w", err)
			}
		}
		pages[name] = t
	}
	return pages, nil
}

// write sends a page of the network, or what it shows as JSON.
func (p *pageServer) write(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	writePage(w, r, status, p.log, p.pages[name], v.JSON, func() any {
		v.Strip = p.state.strip(p.config.Network)
		v.Self, v.Chain = r.URL.Path, p.config.Pillars != ""
		return v
	})
}

// writePage sends a page made of view, or what it shows as JSON when asked with ?format=json.
func writePage(w http.ResponseWriter, r *http.Request, status int, log *slog.Logger, page *template.Template, shown any, view func() any) {
	var body []byte
	if r.URL.Query().Get("format") == "json" {
		text, err := json.MarshalIndent(shown, "", "  ")
		if err != nil {
			http.Error(w, "cannot write this as JSON", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		body = append(text, '\n')
	} else {
		var b bytes.Buffer
		if err := page.Execute(&b, view()); err != nil {
			log.Error("page", "path", clip(r.URL.Path, 100), "err", err)
			http.Error(w, "this page is broken: please report it", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		body = b.Bytes()
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		w.Header().Set("Content-Encoding", "gzip")
		body = pack(body)
	}
	w.Header().Set("Content-Length", formatUint(uint64(len(body))))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // the visitor has left: nothing to do
	}
}
