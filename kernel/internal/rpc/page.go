package rpc

import (
	"html/template"
	"net/http"
)

// page is what a person who opens the address in a browser sees.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	var rows []*Method
	for _, name := range methodNames {
		rows = append(rows, methods[name])
	}
	view := struct {
		State   State
		Network string
		Name    string
		Methods []*Method
	}{Methods: rows}
	if s.tokens == nil { // what the node says of itself is for those with a token only
		info := s.node.Info()
		view.State, view.Network, view.Name = info.State, info.Network.String(), info.Name
	}
	_ = pageTemplate.Execute(w, view) // the reader has left: nothing to do
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Asterism Kernel node</title>
<style>body{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}td{padding:.2rem .8rem .2rem 0;vertical-align:top}code{font-size:.95em}</style>
<h1>Asterism Kernel node{{with .Name}} {{.}}{{end}}</h1>
{{with .Network}}<p>Network <code>{{.}}</code></p>{{end}}{{with .State}}<p>State: <b>{{.}}</b></p>{{end}}
<p>This address answers JSON-RPC: <code>POST /</code> or <code>POST /rpc</code> with
<code>{"jsonrpc":"2.0","id":1,"method":"getinfo"}</code>. Without <code>"jsonrpc"</code> it speaks the envelope that existing
Mixin clients know. The commit stream is at <code>/ws</code> (WebSocket) and <code>/events?from=0</code> (server-sent events).
<code>rpc.discover</code> describes everything below in OpenRPC form.</p>
<table>{{range .Methods}}<tr><td><code>{{.Name}}</code><td>{{.About}}{{end}}</table></html>
`))
