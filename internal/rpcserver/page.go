package rpcserver

import (
	"html/template"
	"net/http"
)

// page is what a person who opens the address in a browser sees.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	var rows []*Method
	for _, name := range s.service.names {
		rows = append(rows, s.service.byName[name])
	}
	view := struct {
		Title, About string
		Facts        [][2]string
		Methods      []*Method
		Envelope     bool
	}{Title: s.service.Title, About: s.service.About, Methods: rows, Envelope: s.service.Envelope}
	if s.tokens == nil && s.service.Facts != nil { // what the node says of itself is for those with a token only
		view.Facts = s.service.Facts()
	}
	_ = pageTemplate.Execute(w, view) // the reader has left: nothing to do
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{{.Title}}</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top}code{font-size:.95em}</style>
<h1>{{.Title}}</h1>
{{with .Facts}}<table>{{range .}}<tr><td>{{index . 0}}<td><code>{{index . 1}}</code>{{end}}</table>{{end}}
<p>{{.About}} It answers JSON-RPC 2.0: <code>POST /</code> or <code>POST /rpc</code> with
<code>{"jsonrpc":"2.0","id":1,"method":"getinfo"}</code>.
{{if .Envelope}}Without <code>"jsonrpc"</code> it speaks the envelope that existing Mixin clients know. {{end}}Streams are at <code>/ws</code> (WebSocket) and
<code>/events?topic=…</code> (server-sent events). <code>rpc.discover</code> describes everything below in OpenRPC form.</p>
<table>{{range .Methods}}<tr><td><code>{{.Name}}</code><td>{{.About}}{{end}}</table></html>
`))
