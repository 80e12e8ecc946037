// Package rpc answers the node's public interface over HTTP and WebSocket, and its operators'
// interface on a listener of its own.
//
// It is an adapter: it holds no rules and no state but limits. What the node knows comes
// through Node and History; what crosses the wire are the types of package client; how a call is taken
// apart in either dialect, who may make it and how it is counted is package rpcserver's.
package rpc

import (
	"encoding/json"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
)

// What the interfaces of all products have in common is package rpcserver's.
type (
	Config = rpcserver.Config
	Right  = rpcserver.Right
	Check  = rpcserver.Check
	Ops    = rpcserver.Ops
	Method = rpcserver.Method
	Param  = rpcserver.Param

	args = rpcserver.Args
)

// The rights.
const (
	Read   = rpcserver.Read   // ask
	Submit = rpcserver.Submit // and send transactions
	Admin  = rpcserver.Admin  // and see who is connected
)

const maxSubmissions = 1000 // transactions in one call [RPC-7]

// The refusals of a Config.
var (
	ErrExposed = rpcserver.ErrExposed
	ErrConfig  = rpcserver.ErrConfig
)

// A Server answers the public interface.
type Server struct {
	*rpcserver.Server
	node    Node
	history History

	recent commitCache
	times  commitTimes
}

// New checks the configuration and makes a server. Nothing listens before Run. register may
// be nil.
func New(config Config, node Node, history History, register prometheus.Registerer, log *slog.Logger) (*Server, error) {
	s := &Server{node: node, history: history}
	service := rpcserver.Service{
		Title: "Asterism Kernel", About: "The public interface of a Kernel node.", Metrics: "aster_kernel_rpc",
		Version: func() string { return node.Info().Version }, Code: codeOf, Fault: faultOf, Facts: s.facts, Envelope: true,
		Topics: topics, Open: s.open, Default: "commits", Most: 4,
		Download: &rpcserver.Download{Path: "/state", Name: "its state", Write: s.state}, // [RPC-17]
	}
	for _, table := range [][]Method{
		s.nodeMethods(), s.graphMethods(), s.transactionMethods(), s.assetMethods(), s.commitMethods(), s.proofMethods(),
		s.evidenceMethods(), s.governMethods(),
	} {
		service.Methods = append(service.Methods, table...)
	}
	var err error
	s.Server, err = rpcserver.New(config, service, register, log)
	return s, err
}

// NewOps makes the operators' server; info is asked in the background, never by a probe.
func NewOps(listen string, info func() Info, gather prometheus.Gatherer, log *slog.Logger) (*Ops, error) {
	return rpcserver.NewOps(listen, func() rpcserver.Health {
		i := info()
		return rpcserver.Health{State: string(i.State), Ready: i.State == Active, Reasons: i.Reasons, Checks: i.Checks}
	}, gather, log)
}

// facts are what the page for a person shows.
func (s *Server) facts() [][2]string {
	info := s.node.Info()
	facts := [][2]string{{"network", info.Network.String()}, {"state", string(info.State)}}
	if info.Name != "" {
		facts = append(facts, [2]string{"name", info.Name})
	}
	return facts
}

// state writes the newest certified state.
func (s *Server) state(w io.Writer) error {
	_, err := s.history.ExportState(w)
	return err
}

// object is an error in an answer that has errors of its own.
func (s *Server) object(err error) json.RawMessage {
	service := s.Service()
	return service.Object(service.FaultOf(err))
}

// rawArg returns the bytes of a transaction given in hex.
func rawArg(a *args, name string) []byte {
	if text, _ := a.Text(name); len(text) > 2*kernel.MaxTransactionSize {
		a.Refuse(refusal(kernel.TransactionTooLarge, kernel.TransactionTooLarge))
		return nil
	}
	return a.Hex(name, kernel.MaxTransactionSize)
}

func hashArg(a *args, name string) (h kernel.TxHash) {
	a.Into(name, &h)
	return h
}

// mustJSON encodes what cannot fail: our own structs.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("rpc: encode answer: " + err.Error())
	}
	return b
}
