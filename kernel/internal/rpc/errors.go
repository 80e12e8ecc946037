package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// The error numbers. Those of the JSON-RPC specification come first. [RPC-5]
const (
	codeParse          = -32700
	codeInvalidRequest = -32600
	codeNoMethod       = -32601
	codeInvalidParams  = -32602
	codeInternal       = -32603

	codeRights    = -32001
	codeNotReady  = -32002
	codeRate      = -32003
	codeTooLarge  = -32004
	codeTimeout   = -32005
	codePruned    = -32006
	codeUncertain = -32007
	codeMalformed = -32010
	codeVersion   = -32011
	codeInput     = -32012
	codeTaken     = -32013
	codeSignature = -32014
	codeAmount    = -32015
	codeFinal     = -32016
	codeRecord    = -32017
)

// names gives every name that is not a rule of the ledger its number.
var names = map[string]int{
	"parse_error":      codeParse,
	"invalid_request":  codeInvalidRequest,
	"method_not_found": codeNoMethod,
	"invalid_params":   codeInvalidParams,
	"internal_error":   codeInternal,
	"unauthorized":     codeRights,
	"forbidden":        codeRights,
	"not_ready":        codeNotReady,
	"rate_limited":     codeRate,
	"too_large":        codeTooLarge,
	"too_many":         codeTooLarge,
	"timeout":          codeTimeout,
	"pruned":           codePruned,
	"no_checkpoint":    codeUncertain,
	"not_certified":    codeUncertain,
}

// The rules of records have one number: their names say all.
var _ = func() struct{} {
	for _, name := range ledger.RecordRules() {
		names[name] = codeRecord
	}
	return struct{}{}
}()

// ruleCodes gives the rules of the ledger their numbers; a rule that is not listed is malformed.
var ruleCodes = map[kernel.Rule]int{
	kernel.UnknownClass:        codeVersion,
	kernel.ClassNotActive:      codeVersion,
	kernel.TooManyInputs:       codeTooLarge,
	kernel.TooManyOutputs:      codeTooLarge,
	kernel.TooManyKeys:         codeTooLarge,
	kernel.TooManyReferences:   codeTooLarge,
	kernel.ExtraTooLarge:       codeTooLarge,
	kernel.TransactionTooLarge: codeTooLarge,
	kernel.InputNotFound:       codeInput,
	kernel.InputSpent:          codeInput,
	kernel.InputAsset:          codeInput,
	kernel.InputType:           codeInput,
	kernel.DepositAsset:        codeInput,
	kernel.GhostKeyUsed:        codeTaken,
	kernel.ReferenceNotFound:   codeTaken,
	kernel.DepositUsed:         codeTaken,
	kernel.ThresholdNotMet:     codeSignature,
	kernel.SignatureInvalid:    codeSignature,
	kernel.DepositCustodian:    codeSignature,
	kernel.AmountZero:          codeAmount,
	kernel.AmountOverflow:      codeAmount,
	kernel.AmountMismatch:      codeAmount,
	kernel.DepositCeiling:      codeAmount,
	kernel.AlreadyFinal:        codeFinal,
	kernel.ConflictsWith:       codeFinal,
}

// codeOf returns the number of a name.
func codeOf(name string) int {
	if code, ok := names[name]; ok {
		return code
	}
	if ledger.IsRecordRule(name) {
		return codeRecord
	}
	var rule kernel.Rule
	if rule.UnmarshalText([]byte(name)) != nil {
		return codeInternal
	}
	return ruleCode(rule)
}

func ruleCode(rule kernel.Rule) int {
	if code, ok := ruleCodes[rule]; ok {
		return code
	}
	return codeMalformed
}

// A fault is an answer that is an error.
type fault struct {
	name    string
	message string
	data    map[string]any // further members of error.data
	peer    string         // text in the envelope of the wider ecosystem; empty is message
	status  int            // of HTTP, where the method did not run; 0 is 200
}

func (f *fault) Error() string { return f.name + ": " + f.message }

func faultf(name, format string, args ...any) *fault {
	return &fault{name: name, message: fmt.Sprintf(format, args...)}
}

func (f *fault) with(key string, value any) *fault {
	if f.data == nil {
		f.data = map[string]any{}
	}
	f.data[key] = value
	return f
}

func (f *fault) withStatus(status int) *fault {
	f.status = status
	return f
}

func (f *fault) httpStatus() int {
	if f.status == 0 {
		return http.StatusOK
	}
	return f.status
}

// faultOf turns an error of the node into an answer.
func faultOf(err error) *fault {
	var known *fault
	var full *Overloaded
	var idle *NotReady
	var bad *codec.Error
	var rule kernel.Rule
	var recordRule ledger.RecordRule
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &recordRule):
		return faultf(recordRule.String(), "%v", err)
	case errors.As(err, &full):
		return faultf("rate_limited", "%v", full).with("retry_after_ms", full.RetryAfter.Milliseconds())
	case errors.As(err, &idle):
		return faultf("not_ready", "%v", idle).with("state", idle.State).with("reasons", idle.Reasons)
	case errors.Is(err, ErrNoCheckpoint):
		return faultf("no_checkpoint", "%v", ErrNoCheckpoint)
	case errors.Is(err, ErrNotCertified):
		return faultf("not_certified", "%v", ErrNotCertified)
	case errors.As(err, &rule):
		return refusal(rule, err)
	case errors.As(err, &bad):
		return refusal(kernel.Malformed, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return faultf("timeout", "the call took longer than %v: ask for less", callBudget)
	}
	return faultf("internal_error", "the node could not answer; its log says why")
}

// refusal is the answer for a broken rule of the ledger. In the wider ecosystem's envelope the
// detail stands alone: it begins with the words by which existing libraries know the refusal.
// [RPC-6]
func refusal(rule kernel.Rule, err error) *fault {
	f := &fault{name: rule.String(), message: err.Error()}
	var full *ledger.Refusal
	if errors.As(err, &full) {
		f.peer = full.Detail
		if full.Detail != "" {
			f.message = full.Detail
		}
		if !full.Winner.IsZero() {
			f.with("winner", full.Winner)
		}
		if rule == kernel.InputSpent { // also where the refusal comes from an old receipt
			f.peer = fmt.Sprintf("input locked for transaction %s", full.Winner)
		}
	}
	var bad *codec.Error
	if errors.As(err, &bad) {
		f.with("offset", bad.Offset).with("field", bad.Field).with("fault", bad.Fault.String())
	}
	return f
}

// object is the form of JSON-RPC 2.0.
func (f *fault) object() json.RawMessage {
	data := map[string]any{"name": f.name}
	for k, v := range f.data {
		data[k] = v
	}
	return mustJSON(map[string]any{"code": codeOf(f.name), "message": f.message, "data": data})
}

// text is the form of the wider ecosystem's envelope.
func (f *fault) text() string {
	if f.peer != "" {
		return f.peer
	}
	return f.message
}

// mustJSON encodes what cannot fail: our own structs.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rpc: encode answer: " + err.Error())
	}
	return b
}
