package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"syscall"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/spf13/cobra"
)

// The exit codes, the same in every program. docs/reference/cli.md lists them for users.
const (
	Done        = 0
	Failed      = 1   // the request failed; a named error is printed
	WrongUsage  = 2   // the command line makes no sense
	No          = 3   // the answer is no: not final, a check failed
	Malformed   = 65  // input data
	Unreachable = 69  // the node does not answer
	Broken      = 70  // an invariant does not hold: stopped on purpose
	IO          = 74  // disk
	NotYet      = 75  // a timeout, or not ready: try again
	Forbidden   = 77  // permission, credential, passphrase
	BadConfig   = 78  // configuration refused
	Interrupted = 130 // by the person, while waiting
)

// An Error is how a command fails: an exit code, a stable name, what happened and what to do.
type Error struct {
	Code    int    `json:"-"`
	Name    string `json:"name"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Fail makes an error with an exit code, a name and a message.
func Fail(code int, name, format string, args ...any) *Error {
	return &Error{Code: code, Name: name, Message: fmt.Sprintf(format, args...)}
}

// WithHint adds what to do next.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Usage says that the command line makes no sense and where the right one is described.
func Usage(cmd *cobra.Command, format string, args ...any) error {
	return Fail(WrongUsage, "usage", format, args...).WithHint("%s --help", cmd.CommandPath())
}

func (e *Error) print(w io.Writer, program string) {
	fmt.Fprintf(w, "%s: %s\n", program, e.Message)
	if e.Hint != "" {
		fmt.Fprintf(w, "  try: %s\n", e.Hint)
	}
}

// classify finds code and name of an error that came from elsewhere.
func classify(ctx context.Context, err error) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	is := func(targets ...error) bool {
		for _, t := range targets {
			if errors.Is(err, t) {
				return true
			}
		}
		return false
	}
	var refusal *client.Error
	var path *fs.PathError
	var remote *url.Error
	switch {
	case ctx.Err() != nil && is(context.Canceled):
		return Fail(Interrupted, "interrupted", "interrupted")
	case errors.As(err, &refusal):
		return classifyRefusal(refusal, err)
	case is(context.DeadlineExceeded):
		return Fail(NotYet, "timeout", "%v", err).WithHint("wait longer with --timeout")
	case is(keystore.ErrPassphrase, keystore.ErrNoPassphrase, keystore.ErrPermissions, fs.ErrPermission):
		return Fail(Forbidden, "no_permission", "%v", err)
	case is(keystore.ErrMalformed, keystore.ErrVersion, keystore.ErrKind, keystore.ErrWeak, keystore.ErrCost):
		return Fail(Malformed, "malformed", "%v", err)
	case is(keystore.ErrExists, fs.ErrExist):
		return Fail(Failed, "exists", "%v", err).WithHint("give another name, or move the file away")
	case is(syscall.ENOSPC):
		return Fail(IO, "disk_full", "%v", err).WithHint("free some space and start again: nothing is lost")
	case errors.As(err, &remote) || is(syscall.ECONNREFUSED, net.ErrClosed):
		return Fail(Unreachable, "node_unreachable", "%v", err).WithHint("is the node running? say where it is with --node URL or ASTER_NODE")
	case is(fs.ErrNotExist):
		return Fail(Failed, "not_found", "%v", err)
	case errors.As(err, &path):
		return Fail(IO, "io", "%v", err)
	}
	return Fail(Failed, "failed", "%v", err)
}

// classifyRefusal names what a node refused.
func classifyRefusal(refusal *client.Error, err error) *Error {
	e := Fail(Failed, refusal.Name, "%v", err)
	switch {
	case refusal.Name == "":
		e.Name = "refused"
	case errors.Is(err, client.ErrNotReady), errors.Is(err, client.ErrRateLimited), refusal.Name == "timeout":
		e.Code = NotYet
		e.Hint = "wait a moment and try again, or ask another node"
	case errors.Is(err, client.ErrForbidden), refusal.Name == "unauthorized":
		e.Code = Forbidden
		e.Hint = "give a token with the needed right: --token-file or ASTER_TOKEN_FILE"
	case errors.Is(err, client.ErrRejected):
		e.Code = No
		e.Hint = "the money has not moved; aster tx explain HASH says which transaction came first"
	case refusal.Name == "malformed":
		e.Code = Malformed
	}
	return e
}
