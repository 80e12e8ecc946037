package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/asterism-network/asterism/internal/rpcserver"
)

// A caller is who asks: the answers of one body share it.
type caller struct {
	right Right
	wait  context.Context // ends with the connection
}

// A request is one call in either dialect.
type request struct {
	Version json.RawMessage `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// A reply is what goes back for one body. Status is not 200 only for what stopped a call
// before its method ran; nil bytes are no content.
type reply struct {
	status int
	bytes  []byte
}

// answer serves one body: a batch or call of JSON-RPC 2.0, or a call in the envelope of the
// wider ecosystem, told apart by the member "jsonrpc". [RPC-1]
func (s *Server) answer(c caller, body []byte) reply {
	body = bytes.TrimSpace(body)
	if f := checkShape(body); f != nil {
		return strictReply(nil, nil, f)
	}
	if len(body) > 0 && body[0] == '[' {
		return s.answerBatch(c, body)
	}
	var req request
	if f := decodeRequest(body, &req); f != nil {
		return strictReply(nil, nil, f)
	}
	if req.Version == nil {
		return s.answerPeer(c, &req, len(body))
	}
	result, f := s.callStrict(c, &req, len(body))
	if req.ID == nil && (f == nil || f.status == 0) {
		return reply{status: http.StatusNoContent} // a notification gets no answer, not even an error
	}
	return strictReply(req.ID, result, f)
}

func decodeRequest(body []byte, req *request) *fault {
	if len(body) > 0 && body[0] == '{' && json.Valid(body) && splitObject(body, req.member) {
		return nil
	}
	*req = request{}
	err := json.Unmarshal(body, req)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return faultf("parse_error", "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	case err != nil || body[0] != '{':
		return faultf("invalid_request", "a call is an object with jsonrpc, id, method and params; the method is a string")
	}
	return nil
}

// member takes one member of a call that is written plainly. It aliases the body.
func (r *request) member(name, value []byte) bool {
	switch string(name) {
	case "jsonrpc":
		r.Version = value
	case "id":
		r.ID = value
	case "params":
		r.Params = value
	case "method":
		if value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !utf8.Valid(value) {
			return false
		}
		r.Method = string(value[1 : len(value)-1])
	default:
		return false // perhaps one of them in other letters
	}
	return true
}

// answerBatch serves a strict batch. The envelope of the wider ecosystem has no batches.
func (s *Server) answerBatch(c caller, body []byte) reply {
	if len(body) > maxBody {
		return strictReply(nil, nil, tooLong())
	}
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err != nil {
		return strictReply(nil, nil, faultf("parse_error", "the body is not JSON: %v", err))
	}
	if len(items) == 0 || len(items) > maxBatch {
		return strictReply(nil, nil, faultf("invalid_request", "a batch has 1 to %d calls, this one %d", maxBatch, len(items)))
	}
	var answers []json.RawMessage
	for _, item := range items {
		var req request
		f := decodeRequest(item, &req)
		var result any
		if f == nil {
			result, f = s.callStrict(c, &req, len(body))
		}
		if req.ID != nil || f != nil && f.name == "invalid_request" {
			answers = append(answers, strictReply(req.ID, result, f).bytes)
		}
	}
	if len(answers) == 0 {
		return reply{status: http.StatusNoContent}
	}
	return reply{http.StatusOK, mustJSON(answers)}
}

// callStrict checks a request against JSON-RPC 2.0 and runs it.
func (s *Server) callStrict(c caller, req *request, size int) (any, *fault) {
	if string(req.Version) != `"2.0"` || !validID(req.ID) || req.Method == "" {
		req.ID = onlyValid(req.ID)
		return nil, faultf("invalid_request", `want "jsonrpc":"2.0", a method, and an id that is a string, a number or null`)
	}
	return s.call(c, req, size)
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

// call runs a method within its time, and counts it.
func (s *Server) call(c caller, req *request, size int) (result any, f *fault) {
	m := methods[req.Method]
	label, start := "unknown", time.Now()
	if m != nil {
		label = m.Name
	}
	defer func() {
		name := "none"
		if f != nil {
			name = f.name
		}
		s.metrics.observe(label, name, time.Since(start))
	}()
	switch {
	case m == nil:
		f = faultf("method_not_found", "no method %s; see rpc.discover", rpcserver.Clip(req.Method))
		f.peer = "invalid method " + rpcserver.Clip(req.Method)
		return nil, f
	case size > maxBody && !m.Large:
		return nil, tooLong()
	case m.Stream:
		return nil, faultf("invalid_request", "%s works only inside a WebSocket: connect to /ws", m.Name)
	}
	if f := allow(m, c.right); f != nil {
		return nil, f
	}
	a, f := bind(m, req.Params)
	if f != nil {
		return nil, f
	}
	return run(c.wait, s, m, a)
}

func run(ctx context.Context, s *Server, m *Method, a *args) (any, *fault) {
	ctx, cancel := context.WithTimeout(ctx, callBudget)
	defer cancel()
	result, err := m.handle(ctx, s, a)
	if a.fault != nil {
		return nil, a.fault
	}
	if err != nil {
		f := faultOf(err)
		if f.name == "internal_error" {
			s.log.Error("rpc call failed", "method", m.Name, "err", err)
		}
		return nil, f
	}
	return result, nil
}

// strictReply is exactly one of result and error.
func strictReply(id json.RawMessage, result any, f *fault) reply {
	out := struct {
		Version string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Result  json.RawMessage `json:"result,omitempty"`
		Error   json.RawMessage `json:"error,omitempty"`
	}{Version: "2.0", ID: onlyValid(id)}
	if f != nil {
		out.Error = f.object()
		return reply{f.httpStatus(), mustJSON(out)}
	}
	out.Result = mustJSON(result)
	return reply{http.StatusOK, mustJSON(out)}
}

// answerPeer serves the envelope of the wider ecosystem: {"id"?, "data"} or {"id"?, "error"}.
// [RPC-2]
func (s *Server) answerPeer(c caller, req *request, size int) reply {
	out := struct {
		ID    json.RawMessage `json:"id,omitempty"`
		Data  json.RawMessage `json:"data,omitempty"`
		Error string          `json:"error,omitempty"`
	}{}
	if len(req.ID) > 0 && validID(req.ID) {
		out.ID = req.ID
	}
	result, f := s.call(c, req, size)
	status := http.StatusOK
	if f != nil {
		out.Error, status = f.text(), f.httpStatus()
	} else {
		out.Data = mustJSON(result)
	}
	return reply{status, mustJSON(out)}
}
