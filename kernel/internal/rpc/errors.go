package rpc

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// The error numbers beside those that all products have. [RPC-5]
const (
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
	"no_checkpoint": codeUncertain,
	"not_certified": codeUncertain,

	"too_many_signatures": rpcserver.CodeTooLarge,
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
	kernel.TooManyInputs:       rpcserver.CodeTooLarge,
	kernel.TooManyOutputs:      rpcserver.CodeTooLarge,
	kernel.TooManyKeys:         rpcserver.CodeTooLarge,
	kernel.TooManyReferences:   rpcserver.CodeTooLarge,
	kernel.ExtraTooLarge:       rpcserver.CodeTooLarge,
	kernel.TransactionTooLarge: rpcserver.CodeTooLarge,
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

// codeOf is the number of a name of ours, 0 of others.
func codeOf(name string) int {
	if code, ok := names[name]; ok {
		return code
	}
	if ledger.IsRecordRule(name) {
		return codeRecord
	}
	var rule kernel.Rule
	if rule.UnmarshalText([]byte(name)) != nil {
		return 0
	}
	return cmp.Or(ruleCodes[rule], codeMalformed)
}

// faultOf turns an error of the node into an answer; nil is one that it should not have given.
func faultOf(err error) *rpcserver.Fault {
	var full *Overloaded
	var idle *NotReady
	var bad *codec.Error
	var rule kernel.Rule
	var recordRule ledger.RecordRule
	switch {
	case errors.As(err, &recordRule):
		return rpcserver.Faultf(recordRule.String(), "%v", err)
	case errors.As(err, &full):
		return rpcserver.Faultf("rate_limited", "%v", full).With("retry_after_ms", full.RetryAfter.Milliseconds())
	case errors.As(err, &idle):
		return rpcserver.Faultf("not_ready", "%v", idle).With("state", idle.State).With("reasons", idle.Reasons)
	case errors.Is(err, ErrNoCheckpoint):
		return rpcserver.Faultf("no_checkpoint", "%v", ErrNoCheckpoint)
	case errors.Is(err, ErrNotCertified):
		return rpcserver.Faultf("not_certified", "%v", ErrNotCertified)
	case errors.As(err, &rule):
		return refusal(rule, err)
	case errors.As(err, &bad):
		return refusal(kernel.Malformed, err)
	}
	return nil
}

// refusal is the answer for a broken rule of the ledger. In the wider ecosystem's envelope the
// detail stands alone: it begins with the words by which existing libraries know the refusal.
// [RPC-6]
func refusal(rule kernel.Rule, err error) *rpcserver.Fault {
	f := &rpcserver.Fault{Name: rule.String(), Message: err.Error()}
	var full *ledger.Refusal
	if errors.As(err, &full) {
		f.Plain = full.Detail
		if full.Detail != "" {
			f.Message = full.Detail
		}
		if !full.Winner.IsZero() {
			f.With("winner", full.Winner)
		}
		if rule == kernel.InputSpent { // also where the refusal comes from an old receipt
			f.Plain = fmt.Sprintf("input locked for transaction %s", full.Winner)
		}
	}
	var bad *codec.Error
	if errors.As(err, &bad) {
		f.With("offset", bad.Offset).With("field", bad.Field).With("fault", bad.Fault.String())
	}
	return f
}
