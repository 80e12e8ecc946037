package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// An Error is a refusal by the node. errors.Is(err, kernel.InputSpent) holds when the node
// names that rule; other names are those of docs/reference/rpc.md.
type Error struct {
	Code    int    // JSON-RPC error number; an HTTP status if Name is empty
	Name    string // stable word, the same in receipts, logs and tests
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

// Is reports whether target is the kernel.Rule that the node names, or an *Error with the same
// Name.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case kernel.Rule:
		return t.Valid() && t.String() == e.Name
	case *Error:
		return t.Name != "" && t.Name == e.Name
	}
	return false
}

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

// temporary reports whether the same read may succeed on another attempt.
func (e *Error) temporary() bool {
	switch e.Name {
	case "rate_limited", "not_ready", "timeout":
		return true
	case "":
		return e.Code == http.StatusTooManyRequests || e.Code >= 500
	}
	return false
}

// The names of refusals that are not rules of the ledger, for errors.Is.
var (
	ErrNotReady    = &Error{Name: "not_ready"}    // the node does not take part yet, or no longer
	ErrRateLimited = &Error{Name: "rate_limited"} // ask again after RetryAfter
	ErrForbidden   = &Error{Name: "forbidden"}    // the token lacks the right
	ErrPruned      = &Error{Name: "pruned"}       // no longer stored there: ask an archive node
	ErrRejected    = &Error{Name: "rejected"}     // the transaction has lost for ever
)

// A wireError is an error object of JSON-RPC 2.0.
type wireError struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

func (w *wireError) err() *Error {
	var data struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(w.Data, &data) // data of a foreign server may have any form
	return &Error{Code: w.Code, Name: data.Name, Message: w.Message, Data: w.Data}
}
