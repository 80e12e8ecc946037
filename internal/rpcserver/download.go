package rpcserver

import (
	"context"
	"io"
	"net/http"
	"time"
)

// A Download is something large that is read from a path of its own, as a stream of bytes.
type Download struct {
	Path string // "/state"
	Name string // what it is, for people: "the state"
	// Write gives all of it to w, as fast as it is taken. An error before the first byte is the answer; a later one
	// breaks the connection.
	Write func(w io.Writer) error
}

// download streams to one caller at a time: each reads all that there is. What ends it early breaks the connection, so
// that nobody takes a part for the whole.
func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	who, leave, ok := s.enter(w, r)
	if !ok {
		return
	}
	defer leave()
	select {
	case s.downloads <- struct{}{}:
		defer func() { <-s.downloads }()
	default:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "this node gives "+s.service.Download.Name+" to somebody else now; try again, or another node", http.StatusServiceUnavailable)
		return
	}
	out := &streamWriter{ctx: who.wait, w: w, control: http.NewResponseController(w)}
	if err := s.service.Download.Write(out); err == nil {
		return
	} else if out.begun {
		s.log.Debug("a download was not given as a whole", "path", s.service.Download.Path, "err", err)
		panic(http.ErrAbortHandler)
	} else {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
}

// A streamWriter sends as it is written to, for as long as somebody takes it.
type streamWriter struct {
	ctx     context.Context
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (o *streamWriter) Write(b []byte) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	if !o.begun {
		o.begun = true
		o.w.Header().Set("Content-Type", "application/octet-stream")
		o.w.Header().Set("Cache-Control", "no-store")
	}
	_ = o.control.SetWriteDeadline(time.Now().Add(eventTimeout)) // recorders in tests cannot
	return o.w.Write(b)
}
