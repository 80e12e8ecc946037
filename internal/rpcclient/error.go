package rpcclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// An Error is a refusal by the node. Names are those of the product's reference; the name of a broken
// rule is the rule's own.
type Error struct {
	Code    int    // JSON-RPC error number; an HTTP status if Name is empty
	Name    string // stable word, the same in logs and tests
	Message string // for a person
	Data    json.RawMessage
}

// Error returns name and message.
func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("node answered %d: %s", e.Code, e.Message)
	}
	return e.Name + ": " + e.Message
}

// Is reports whether target is an *Error with the same Name, or a rule of that name: a rule of any
// package prints as its name.
func (e *Error) Is(target error) bool {
	if t, ok := target.(*Error); ok {
		return t.Name != "" && t.Name == e.Name
	}
	t, ok := target.(interface {
		error
		fmt.Stringer
	})
	return ok && e.Name != "" && t.String() == e.Name
}

// RefusalName is the stable word of the refusal, for programs that print it.
func (e *Error) RefusalName() string { return e.Name }

// RetryAfter is the wait that the node asks for, 0 if it does not.
func (e *Error) RetryAfter() time.Duration {
	var data struct {
		RetryAfter int64 `json:"retry_after_ms"`
	}
	if json.Unmarshal(e.Data, &data) != nil || data.RetryAfter < 0 || data.RetryAfter > 3_600_000 {
		return 0
	}
	return time.Duration(data.RetryAfter) * time.Millisecond
}

// Temporary reports whether the same read may succeed on another attempt.
func (e *Error) Temporary() bool {
	switch e.Name {
	case "rate_limited", "not_ready", "timeout":
		return true
	case "":
		return e.Code == http.StatusTooManyRequests || e.Code >= 500
	}
	return false
}

// A WireError is an error object of JSON-RPC 2.0.
type WireError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Err is the refusal that it says.
func (w *WireError) Err() *Error {
	var data struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(w.Data, &data) // data of a foreign server may have any form
	return &Error{Code: w.Code, Name: data.Name, Message: w.Message, Data: w.Data}
}
