package rpc

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/internal/rpcserver"
)

// What the interfaces of all products have in common is package rpcserver's.
type (
	Config = rpcserver.Config
	Right  = rpcserver.Right
	Check  = rpcserver.Check
	Ops    = rpcserver.Ops
)

// The rights.
const (
	Read   = rpcserver.Read   // ask
	Submit = rpcserver.Submit // and send transactions
	Admin  = rpcserver.Admin  // and see who is connected
)

// Limits of the interface. [RPC-7]
const (
	maxBody      = rpcserver.MaxBody
	maxLargeBody = rpcserver.MaxLargeBody
	maxBatch     = rpcserver.MaxBatch
	maxDepth     = rpcserver.MaxDepth
	maxLarge     = rpcserver.MaxLarge
	maxList      = rpcserver.MaxList
	writeTimeout = rpcserver.WriteTimeout
	callBudget   = rpcserver.CallBudget

	maxSubmissions = 1000 // transactions in one call
)

// The refusals of a Config.
var (
	ErrExposed = rpcserver.ErrExposed
	ErrConfig  = rpcserver.ErrConfig
)

// NewOps makes the operators' server; info is asked in the background, never by a probe.
func NewOps(listen string, info func() Info, gather prometheus.Gatherer, log *slog.Logger) (*Ops, error) {
	return rpcserver.NewOps(listen, func() rpcserver.Health {
		i := info()
		return rpcserver.Health{State: string(i.State), Ready: i.State == Active, Reasons: i.Reasons, Checks: i.Checks}
	}, gather, log)
}

// checkShape refuses JSON that nests too deep or holds too many values.
func checkShape(body []byte) *fault {
	if why := rpcserver.CheckShape(body); why != "" {
		return faultf("too_many", "%s", why)
	}
	return nil
}

// allow checks a method against a right.
func allow(m *Method, right Right) *fault {
	switch {
	case right >= m.Right:
		return nil
	case right == 0:
		return faultf("unauthorized", "%s needs a token with the right %s: send Authorization: Bearer <token>", m.Name, m.Right).
			withStatus(http.StatusUnauthorized)
	}
	return faultf("forbidden", "%s needs the right %s; this token has %s", m.Name, m.Right, right).
		with("needs", m.Right.String()).withStatus(http.StatusForbidden)
}
