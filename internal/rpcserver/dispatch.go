package rpcserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// A caller is who asks: the answers of one body share it.
type caller struct {
	right Right
	wait  context.Context // ends with the connection
}

type request struct {
	Version json.RawMessage `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// A reply is what goes back for one body. Status is not 200 only for what stopped a call before its
// method ran; nil bytes are no content.
type reply struct {
	status int
	bytes  []byte
}

// answer serves one body: a batch or a call of JSON-RPC 2.0.
func (s *Server) answer(c caller, body []byte) reply {
	body = bytes.TrimSpace(body)
	if why := CheckShape(body); why != "" {
		return s.reply(nil, nil, Faultf("too_many", "%s", why))
	}
	if len(body) > 0 && body[0] == '[' {
		return s.answerBatch(c, body)
	}
	var req request
	if f := decodeRequest(body, &req); f != nil {
		return s.reply(nil, nil, f)
	}
	result, f := s.call(c, &req, len(body))
	if req.ID == nil && (f == nil || f.Status == 0) {
		return reply{status: http.StatusNoContent} // a notification gets no answer, not even an error
	}
	return s.reply(req.ID, result, f)
}

func decodeRequest(body []byte, req *request) *Fault {
	err := json.Unmarshal(body, req)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return Faultf("parse_error", "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	case err != nil || len(body) == 0 || body[0] != '{':
		return Faultf("invalid_request", "a call is an object with jsonrpc, id, method and params; the method is a string")
	}
	return nil
}

func (s *Server) answerBatch(c caller, body []byte) reply {
	if len(body) > MaxBody {
		return s.reply(nil, nil, tooLong())
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil {
		return s.reply(nil, nil, Faultf("parse_error", "the body is not JSON: %v", err))
	}
	if len(items) == 0 || len(items) > MaxBatch {
		return s.reply(nil, nil, Faultf("invalid_request", "a batch has 1 to %d calls, this one %d", MaxBatch, len(items)))
	}
	var answers []json.RawMessage
	for _, item := range items {
		var req request
		f := decodeRequest(item, &req)
		var result any
		if f == nil {
			result, f = s.call(c, &req, len(body))
		}
		if req.ID != nil || f != nil && f.Name == "invalid_request" {
			answers = append(answers, s.reply(req.ID, result, f).bytes)
		}
	}
	if len(answers) == 0 {
		return reply{status: http.StatusNoContent}
	}
	return reply{http.StatusOK, mustJSON(answers)}
}

// call checks a request against JSON-RPC 2.0, runs it within its time, and counts it.
func (s *Server) call(c caller, req *request, size int) (result any, f *Fault) {
	if string(req.Version) != `"2.0"` || !validID(req.ID) || req.Method == "" {
		req.ID = onlyValid(req.ID)
		return nil, Faultf("invalid_request", `want "jsonrpc":"2.0", a method, and an id that is a string, a number or null`)
	}
	m := s.service.byName[req.Method]
	label, start := "unknown", time.Now()
	if m != nil {
		label = m.Name
	}
	defer func() {
		name := "none"
		if f != nil {
			name = f.Name
		}
		s.metrics.observe(label, name, time.Since(start))
	}()
	switch {
	case m == nil:
		if s.service.Unknown != nil {
			if f := s.service.Unknown(req.Method); f != nil {
				return nil, f
			}
		}
		return nil, Faultf("method_not_found", "no method %s; see rpc.discover", Clip(req.Method))
	case size > MaxBody && !m.Large:
		return nil, tooLong()
	case m.stream:
		return nil, Faultf("invalid_request", "%s works only inside a WebSocket: connect to /ws", m.Name)
	}
	if f := m.allow(c.right); f != nil {
		return nil, f
	}
	a, f := bind(m, req.Params)
	if f != nil {
		return nil, f
	}
	a.Right = c.right
	return s.run(c.wait, m, a)
}

// validID accepts a string, a number, null, or none (a notification).
func validID(id json.RawMessage) bool {
	return len(id) == 0 || id[0] != '{' && id[0] != '[' && id[0] != 't' && id[0] != 'f'
}

func onlyValid(id json.RawMessage) json.RawMessage {
	if !validID(id) || id == nil {
		return json.RawMessage("null")
	}
	return id
}

func (s *Server) run(ctx context.Context, m *Method, a *Args) (any, *Fault) {
	ctx, cancel := context.WithTimeout(ctx, CallBudget)
	defer cancel()
	result, err := m.Handle(ctx, a)
	if a.fault != nil {
		return nil, a.fault
	}
	if err != nil {
		return nil, s.faultOf(m.Name, err)
	}
	return result, nil
}

// faultOf turns an error into an answer.
func (s *Server) faultOf(method string, err error) *Fault {
	var known *Fault
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Faultf("timeout", "the call took longer than %v: ask for less", CallBudget)
	}
	if s.service.Fault != nil {
		if f := s.service.Fault(err); f != nil {
			return f
		}
	}
	s.log.Error("rpc call failed", "method", method, "err", err)
	return Faultf("internal_error", "the node could not answer; its log says why")
}

// reply is exactly one of result and error.
func (s *Server) reply(id json.RawMessage, result any, f *Fault) reply {
	out := struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  json.RawMessage `json:"result,omitempty"`
		Error   json.RawMessage `json:"error,omitempty"`
	}{Version: "2.0", ID: onlyValid(id)}
	if f != nil {
		out.Error = s.service.object(f)
		return reply{f.httpStatus(), mustJSON(out)}
	}
	out.Result = mustJSON(result)
	return reply{http.StatusOK, mustJSON(out)}
}
