package rpc

import (
	"context"
	"net/http"
	"time"
)

// state streams the newest certified state, one stream at a time: each reads all that there is. What ends it early
// breaks the connection, so that nobody takes a part for the whole. [RPC-17]
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	who, leave, ok := s.enter(w, r)
	if !ok {
		return
	}
	defer leave()
	select {
	case s.exporting <- struct{}{}:
		defer func() { <-s.exporting }()
	default:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "this node gives its state to somebody else now; try again, or another node", http.StatusServiceUnavailable)
		return
	}
	out := &stateWriter{ctx: who.wait, w: w, control: http.NewResponseController(w)}
	if _, err := s.history.ExportState(out); err == nil {
		return
	} else if out.begun {
		s.log.Debug("a state was not given as a whole", "err", err)
		panic(http.ErrAbortHandler)
	} else {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
}

// A stateWriter sends as it is written to, for as long as somebody takes it.
type stateWriter struct {
	ctx     context.Context
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (o *stateWriter) Write(b []byte) (int, error) {
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
