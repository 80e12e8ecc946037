// Package rpc answers the public interface of a Pillars node over HTTP and WebSocket.
//
// It is an adapter: it holds no rules and no state but limits. What the node knows comes through
// Backend; what crosses the wire are the types of package client; how a call is taken apart, who may
// make it and how it is counted is package rpcserver's. Commands have the names of the running network.
// No command of it takes a key or a password: wallets are programs of their own.
package rpc

import (
	"log/slog"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/internal/rpcserver"
)

// Config says where and for whom the server answers.
type Config = rpcserver.Config

// The refusals of a Config.
var (
	ErrExposed = rpcserver.ErrExposed
	ErrConfig  = rpcserver.ErrConfig
)

// A Server answers the public interface.
type Server struct {
	*rpcserver.Server
	node Backend
}

// New checks the configuration and makes a server. Nothing listens before Run. register may be nil.
func New(config Config, node Backend, register prometheus.Registerer, log *slog.Logger) (*Server, error) {
	s := &Server{node: node}
	service := rpcserver.Service{
		Title: "Asterism Pillars", About: "This is a node of the public chain.", Metrics: "aster_pillars_rpc",
		Version: func() string { return node.Status().Version }, Code: codeOf, Fault: faultOf, Unknown: elsewhere, Facts: s.facts,
		Paths: []string{"/rpc/v2", "/rpc/v3"}, Trailing: true, // as the running network's clients ask
		Topics: topics, Params: streamParams, Open: s.open,
	}
	for _, table := range [][]rpcserver.Method{
		s.systemMethods(), s.randomMethods(), s.blockMethods(), s.transactionMethods(), s.addressMethods(), s.assetMethods(), s.nameMethods(),
		s.miningMethods(),
	} {
		service.Methods = append(service.Methods, table...)
	}
	var err error
	s.Server, err = rpcserver.New(config, service, register, log)
	return s, err
}

// NewOps makes the operators' server: health, readiness, metrics and profiles, on loopback only.
func NewOps(listen string, node Backend, gather prometheus.Gatherer, log *slog.Logger) (*rpcserver.Ops, error) {
	return rpcserver.NewOps(listen, func() rpcserver.Health {
		s := node.Status()
		return rpcserver.Health{State: string(s.State), Ready: s.State == Active, Reasons: s.Reasons, Checks: s.Checks}
	}, gather, log)
}

// facts are what the page for a person shows.
func (s *Server) facts() [][2]string {
	status, tip := s.node.Status(), s.node.Chain().Tip()
	return [][2]string{
		{"network", s.node.Params().Name}, {"state", string(status.State)},
		{"height", formatUint(uint64(tip.Branch.Number))}, {"tip", tip.ID().String()},
	}
}

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }
