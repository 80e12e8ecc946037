package rpcserver

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
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

// A reply is what goes back for one body. Status is not 200 only for what stopped a call before its
// method ran; nil bytes are no content.
type reply struct {
	status int
	bytes  []byte
}

// answer serves one body: a batch or a call of JSON-RPC 2.0 or, where the service has it, a call in the
// envelope of the wider ecosystem, told apart by the member "jsonrpc". [RPC-1]
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
	if s.service.Envelope && req.Version == nil {
		return s.answerEnvelope(c, &req, len(body))
	}
	result, f := s.callStrict(c, &req, len(body))
	if req.ID == nil && (f == nil || f.Status == 0) {
		return reply{status: http.StatusNoContent} // a notification gets no answer, not even an error
	}
	return s.reply(req.ID, result, f)
}

func decodeRequest(body []byte, req *request) *Fault {
	if len(body) > 0 && body[0] == '{' && valid(body) && splitObject(body, req.member) {
		return nil
	}
	*req = request{}
	err := json.Unmarshal(body, req)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return Faultf("parse_error", "the body is not JSON: %v at byte %d", syntax, syntax.Offset)
	case err != nil || body[0] != '{':
		return Faultf("invalid_request", "a call is an object with jsonrpc, id, method and params; the method is a string")
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
			result, f = s.callStrict(c, &req, len(body))
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

// callStrict checks a request against JSON-RPC 2.0 and runs it.
func (s *Server) callStrict(c caller, req *request, size int) (any, *Fault) {
	if string(req.Version) != `"2.0"` || !validID(req.ID) || req.Method == "" {
		req.ID = onlyValid(req.ID)
		return nil, Faultf("invalid_request", `want "jsonrpc":"2.0", a method, and an id that is a string, a number or null`)
	}
	return s.call(c, req, size)
}

// call runs a method within its time, and counts it.
func (s *Server) call(c caller, req *request, size int) (result any, f *Fault) {
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
		f = Faultf("method_not_found", "no method %s; see rpc.discover", Clip(req.Method))
		f.Plain = "invalid method " + Clip(req.Method)
		return nil, f
	case size > MaxBody && !m.Large:
		return nil, tooLong()
	case m.stream:
		return nil, Faultf("invalid_request", "%s works only inside a WebSocket: connect to /ws", m.Name)
	}
	if f := m.allow(c.right); f != nil {
		return nil, f
	}
	a, f := s.service.bind(m, req.Params)
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
		return nil, s.fault(m.Name, err)
	}
	return result, nil
}

// fault turns an error of a method into an answer, and logs one that the product does not know.
func (s *Server) fault(method string, err error) *Fault {
	f := s.service.FaultOf(err)
	if f.Name == "internal_error" {
		s.log.Error("rpc call failed", "method", method, "err", err)
	}
	return f
}

// reply is exactly one of result and error. Both are encoded once: the general encoder would read them again.
func (s *Server) reply(id json.RawMessage, result any, f *Fault) reply {
	begin := append([]byte(`{"jsonrpc":"2.0","id":`), mustJSON(onlyValid(id))...)
	if f != nil {
		return reply{f.httpStatus(), slices.Concat(begin, []byte(`,"error":`), s.service.Object(f), []byte("}"))}
	}
	return reply{http.StatusOK, slices.Concat(begin, []byte(`,"result":`), mustJSON(result), []byte("}"))}
}

// answerEnvelope serves the envelope of the wider ecosystem: {"id"?, "data"} or {"id"?, "error"}.
// [RPC-2]
func (s *Server) answerEnvelope(c caller, req *request, size int) reply {
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
		out.Error, status = cmp.Or(f.Plain, f.Message), f.httpStatus()
	} else {
		out.Data = mustJSON(result)
	}
	return reply{status, mustJSON(out)}
}
