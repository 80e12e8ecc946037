package rpc

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"net"

	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

func (s *Server) systemMethods() []rpcserver.Method {
	return []rpcserver.Method{
		{Name: "getinfo", Right: rpcserver.Read, Handle: s.getInfo, Result: client.Info{},
			About: "What the node is, where its chain stands, what waits, and who is connected."},
		{Name: "getprofile", Right: rpcserver.Read, Handle: s.getProfile, Result: json.RawMessage{},
			About: "The network's parameters, as its genesis file has them."},
		{Name: "help", Right: rpcserver.Read, Handle: s.help, Result: []string{},
			About: "The names of all methods; rpc.discover describes them."},
		{Name: "getpeerinfo", Right: rpcserver.Admin, Handle: s.getPeerInfo, Result: []client.Peer{},
			About: "The connections to other nodes."},
		{Name: "addnode", Right: rpcserver.Admin, Handle: s.addNode, Result: true, Errors: []string{"cannot_connect"},
			About: "Connects to a node and keeps the connection, or ends it and calls no more.",
			Params: []rpcserver.Param{
				{Name: "address", Kind: "string", Required: true, About: "host:port", Example: "127.0.0.1:5251"},
				{Name: "operation", Kind: "string", About: "add, the default, or remove", Example: "add"},
			}},
		{Name: "validateaddress", Right: rpcserver.Read, Handle: s.validateAddress, Result: client.Validity{},
			About: "Whether an address, or the name of an avatar, can be paid to on this network.",
			Params: []rpcserver.Param{
				{Name: "address", Kind: "string", Required: true, About: "an address or an avatar", Example: "1111111111111111111114oLvT2"},
			}},
	}
}

func (s *Server) getInfo(context.Context, *rpcserver.Args) (any, error) {
	status, r := s.node.Status(), s.reader()
	branch := &r.tip.Branch
	genesis, _ := r.chain.IDAt(0)
	root := r.chain.StateRoot()
	out := client.Info{
		Version: status.Version, Name: status.Name, Network: r.params.Name, Genesis: genesis,
		State: string(status.State), Reasons: status.Reasons, Tip: r.tipOf(), Height: branch.Number,
		BestHeight: max(status.Best, branch.Number), Finality: r.params.Finality, From: r.chain.From(),
		StateRoot: hex.EncodeToString(root[:]), Weight: branch.Weight.Dec(),
		Peers: status.Peers, Mempool: s.mempool(status.MinFeeRate), DiskBytes: r.chain.DiskBytes(), Started: status.Started.Unix(),
		Reorgs: status.Reorgs, DeepestReorg: status.Deepest,
	}
	if out.Reasons == nil {
		out.Reasons = []string{} // not null in JSON
	}
	for seal, to := range map[pillars.Seal]*string{pillars.PoW: &out.Work, pillars.PoS: &out.Stake} {
		h, err := branch.Prepare(r.params, seal, branch.Stamps[0])
		if *to = h.Bits.Dec(); err != nil {
			*to = "0"
		}
	}
	view, release := r.chain.Fixed()
	defer release()
	if head, ok := state.At(view, r.params).Head(); ok {
		out.Issued, out.Burned, out.Unspent = head.Issued, head.Burned, head.Outputs
	}
	return out, nil
}

func (s *Server) mempool(rate uint64) client.Mempool {
	m := client.Mempool{MinFeeRate: rate}
	for _, w := range s.node.Waiting() {
		m.Transactions++
		m.Bytes += int64(w.Size)
	}
	return m
}

func (s *Server) getProfile(context.Context, *rpcserver.Args) (any, error) {
	return s.node.Params(), nil
}

func (s *Server) help(context.Context, *rpcserver.Args) (any, error) {
	return s.Service().MethodNames(), nil
}

func (s *Server) getPeerInfo(context.Context, *rpcserver.Args) (any, error) {
	peers := s.node.Peers()
	if peers == nil {
		peers = []client.Peer{} // not null in JSON
	}
	return peers, nil
}

func (s *Server) addNode(_ context.Context, a *rpcserver.Args) (any, error) {
	address, _ := a.Text("address")
	operation, given := a.Text("operation")
	if _, _, err := net.SplitHostPort(address); err != nil {
		a.Fail("address", "want host:port")
	}
	if given && operation != "add" && operation != "remove" {
		a.Fail("operation", "want add or remove")
	}
	if err := a.Err(); err != nil {
		return nil, err
	}
	if err := s.node.Connect(address, operation == "remove"); err != nil {
		return nil, rpcserver.Faultf("cannot_connect", "%v", err)
	}
	return true, nil
}

func (s *Server) validateAddress(_ context.Context, a *rpcserver.Args) (any, error) {
	text, _ := a.Text("address")
	r := s.reader()
	out := client.Validity{Address: text}
	view, release := r.chain.Fixed()
	defer release()
	at := state.At(view, r.params)
	address, err := pillars.ParseAddress(text, r.params.Address)
	if err == nil {
		out.Valid, out.Type, out.Script = true, client.AddressKind(address), hex.EncodeToString(address.Script())
		out.DID, _ = at.AvatarOf(address)
		return out, nil
	}
	out.Why = err.Error()
	if !pillars.ValidAvatar(text) {
		return out, nil
	}
	avatar, ok := at.Avatar(text)
	if !ok {
		out.Why = "neither an address of this network nor an avatar: " + out.Why
		return out, nil
	}
	return client.Validity{
		Valid: true, Address: avatar.Address.Text(r.params.Address), Type: client.AddressKind(avatar.Address),
		Script: hex.EncodeToString(avatar.Address.Script()), DID: text,
	}, nil
}
