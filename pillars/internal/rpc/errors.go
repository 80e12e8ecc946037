package rpc

import (
	"errors"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/mempool"
	"github.com/asterism-network/asterism/pillars/internal/state"
	"github.com/asterism-network/asterism/pillars/internal/store"
	"github.com/asterism-network/asterism/pillars/script"
)

// The error numbers beside those that all products have. Every rule's name is an error's name; its
// number says which kind of rule. [PIL-RPC-3]
const (
	codeForm   = -32010 // what a transaction or block shows by itself
	codeScript = -32014
	codeState  = -32030 // what needs the state of the chain
	codeBlock  = -32031 // what a block must obey because of those before it
	codePolicy = -32032 // what this node keeps and relays
	codeAbsent = -32033
	codeKeys   = -32034
	codeWork   = -32035
)

// names are the errors that are no rules.
var names = map[string]int{
	"malformed":      codeForm,
	"not_found":      codeAbsent,
	"wallet_command": codeKeys,
	"not_offered":    codeKeys,
	"no_miner":       codeWork,
	"cannot_connect": codeWork,
}

// ruleCodes are the numbers of all rules by name.
var ruleCodes = func() map[string]int {
	all := map[string]int{}
	for r := pillars.Rule(1); r.Valid(); r++ {
		all[r.String()] = codeForm
	}
	for r := script.Rule(1); int(r) <= script.RuleCount; r++ {
		all[r.String()] = codeScript
	}
	for r := state.Rule(1); r.Valid(); r++ {
		all[r.String()] = codeState
	}
	for r := consensus.Rule(1); int(r) <= consensus.RuleCount; r++ {
		all[r.Error()] = codeBlock
	}
	for r := mempool.Rule(1); int(r) <= mempool.RuleCount; r++ {
		all[r.String()] = codePolicy
	}
	return all
}()

// codeOf is the number of a name of ours, 0 of others.
func codeOf(name string) int {
	if code, ok := names[name]; ok {
		return code
	}
	return ruleCodes[name]
}

// faultOf turns an error of the node into an answer; nil is one that it should not have given.
func faultOf(err error) *rpcserver.Fault {
	var idle *NotReady
	var bad *codec.Error
	if name := ruleOf(err); name != "" {
		return rpcserver.Faultf(name, "%v", err)
	}
	switch {
	case errors.As(err, &idle):
		return rpcserver.Faultf("not_ready", "%v", idle).With("state", idle.State).With("reasons", idle.Reasons)
	case errors.As(err, &bad):
		return rpcserver.Faultf("malformed", "%v", bad).With("offset", bad.Offset).With("field", bad.Field).With("fault", bad.Fault.String())
	case errors.Is(err, store.ErrPruned):
		return rpcserver.Faultf("pruned", "%v: ask an archive node", err)
	case errors.Is(err, store.ErrNotFound):
		return rpcserver.Faultf("not_found", "%v", err)
	}
	return nil
}

// ruleOf is the name of the rule that an error wraps, empty if it wraps none.
func ruleOf(err error) string {
	var form pillars.Rule
	var scripts script.Rule
	var states state.Rule
	var blocks consensus.Rule
	var policy mempool.Rule
	switch {
	case errors.As(err, &form):
		return form.String()
	case errors.As(err, &scripts):
		return scripts.String()
	case errors.As(err, &states):
		return states.String()
	case errors.As(err, &blocks):
		return blocks.Error()
	case errors.As(err, &policy):
		return policy.String()
	}
	return ""
}

func absent(format string, args ...any) *rpcserver.Fault {
	return rpcserver.Faultf("not_found", format, args...)
}
