package rpcserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// The numbers of JSON-RPC's own errors and of those that every product has. [RPC-5]
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeNoMethod       = -32601
	CodeInvalidParams  = -32602
	CodeInternal       = -32603

	CodeRights   = -32001
	CodeNotReady = -32002
	CodeRate     = -32003
	CodeTooLarge = -32004
	CodeTimeout  = -32005
	CodePruned   = -32006
)

// codes are the names that every product answers with.
var codes = map[string]int{
	"parse_error":      CodeParse,
	"invalid_request":  CodeInvalidRequest,
	"method_not_found": CodeNoMethod,
	"invalid_params":   CodeInvalidParams,
	"internal_error":   CodeInternal,
	"unauthorized":     CodeRights,
	"forbidden":        CodeRights,
	"not_ready":        CodeNotReady,
	"rate_limited":     CodeRate,
	"too_large":        CodeTooLarge,
	"too_many":         CodeTooLarge,
	"timeout":          CodeTimeout,
	"pruned":           CodePruned,
}

// A Fault is an answer that is an error: a stable name, what happened for a person, and data.
type Fault struct {
	Name    string
	Message string
	Plain   string         // what the envelope of the wider ecosystem says instead of Message
	Data    map[string]any // further members of error.data
	Status  int            // of HTTP, where the method did not run; 0 is 200
}

// Faultf makes a fault.
func Faultf(name, format string, args ...any) *Fault {
	return &Fault{Name: name, Message: fmt.Sprintf(format, args...)}
}

// Error returns name and message.
func (f *Fault) Error() string { return f.Name + ": " + f.Message }

// With adds a member to error.data.
func (f *Fault) With(key string, value any) *Fault {
	if f.Data == nil {
		f.Data = map[string]any{}
	}
	f.Data[key] = value
	return f
}

func (f *Fault) withStatus(status int) *Fault {
	f.Status = status
	return f
}

func (f *Fault) httpStatus() int {
	if f.Status == 0 {
		return http.StatusOK
	}
	return f.Status
}

// Codes are the names that every product answers with, and their numbers.
func Codes() map[string]int { return maps.Clone(codes) }

// CodeOf is the number of a name; one that nobody knows is an internal error's.
func (s *Service) CodeOf(name string) int {
	if code, ok := codes[name]; ok {
		return code
	}
	if s.Code != nil {
		if code := s.Code(name); code != 0 {
			return code
		}
	}
	return CodeInternal
}

// Object is the error of JSON-RPC 2.0.
func (s *Service) Object(f *Fault) json.RawMessage {
	data := map[string]any{"name": f.Name}
	for k, v := range f.Data {
		data[k] = v
	}
	return mustJSON(map[string]any{"code": s.CodeOf(f.Name), "message": f.Message, "data": data})
}

// FaultOf turns an error into an answer.
func (s *Service) FaultOf(err error) *Fault {
	var known *Fault
	if errors.As(err, &known) {
		return known
	}
	if s.Fault != nil {
		if f := s.Fault(err); f != nil {
			return f
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Faultf("timeout", "the call took longer than %v: ask for less", CallBudget)
	}
	return Faultf("internal_error", "the node could not answer; its log says why")
}

func tooLong() *Fault {
	return Faultf("too_large", "the body is over %d bytes, with a raw transaction %d", MaxBody, MaxLargeBody).
		withStatus(http.StatusRequestEntityTooLarge)
}

// mustJSON encodes what cannot fail: our own structs.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rpc: encode answer: " + err.Error())
	}
	return b
}
