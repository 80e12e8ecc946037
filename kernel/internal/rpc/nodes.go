package rpc

import (
	"bytes"
	"context"
	"crypto/sha3"
	"slices"
	"sort"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

func (s *Server) nodeMethods() []Method {
	return []Method{
		{Name: "getinfo", Right: Read, Peer: true, Handle: s.getInfo,
			About: "The state of the answering node.", Result: client.Info{}},
		{Name: "getgenesis", Right: Read, Handle: s.getGenesis,
			About: "What the network started from; its hash is the network id.", Result: &kernel.Genesis{}},
		{Name: "listpeers", Right: Admin, Peer: true, Handle: s.listPeers,
			About: "The node's connections to other members.", Result: []client.Peer{}},
		{Name: "listrelayers", Right: Admin, Peer: true, Handle: s.listRelayers,
			About:  "The peers that relay to a node. Every member relays, so these are all but the node itself.",
			Params: []Param{nodeParam("node", "the node")}, Result: []client.Peer{}},
		{Name: "listallnodes", Right: Read, Peer: true, Handle: s.listAllNodes,
			About: "The members of the roster.",
			Params: []Param{
				{Name: "timestamp", Kind: "integer", About: "nanoseconds; members after that time are left out; 0 is now", Example: 0},
				{Name: "state", Kind: "boolean", About: "accepted for the sake of existing clients; the state is always told", Example: true}},
			Result: []client.NodeInfo{}},
		{Name: "listmintworks", Right: Read, Peer: true, Handle: s.listMintWorks,
			About:  "The work of each node in a distribution: snapshots led and signed; empty where there is none.",
			Params: []Param{{Name: "batch", Kind: "integer", Required: true, About: "number of the distribution", Example: 0}},
			Result: map[string][2]uint64{}},
		{Name: "listmintdistributions", Right: Read, Peer: true, Handle: s.listMintDistributions,
			About: "The distributions of the mint from a batch on.",
			Params: []Param{
				{Name: "offset", Kind: "integer", Required: true, About: "first batch", Example: 0},
				{Name: "count", Kind: "integer", Required: true, About: "at most 500", Example: 10},
				{Name: "tx", Kind: "boolean", About: "expand transactions", Example: false}},
			Result: []mintDistribution{}},
		{Name: "listcustodianupdates", Right: Read, Peer: true, Handle: s.listCustodianUpdates,
			About: "The changes of the custodian; empty: the genesis names it.", Result: []custodianUpdate{}},
		{Name: "rpc.discover", Right: Read,
			About: "This interface in OpenRPC form.", Result: map[string]any{}},
	}
}

type mintDistribution struct {
	Group       string        `json:"group"`
	Batch       uint64        `json:"batch"`
	Amount      kernel.Amount `json:"amount"`
	Transaction kernel.TxHash `json:"transaction"`
}

type custodianUpdate struct {
	Custodian   string        `json:"custodian"`
	Transaction kernel.TxHash `json:"transaction"`
	Timestamp   uint64        `json:"timestamp"`
}

func nodeParam(name, about string) Param {
	return Param{Name: name, Kind: "hash", Required: true, About: about + " (node id)", Example: exampleHash}
}

// nanoseconds is the unit of times in the wider ecosystem's fields. [RPC-3]
func nanoseconds(t kernel.Timestamp) uint64 { return uint64(t) * 1_000_000 }

// signerAddress is the address form of a node key: its view key follows from the public one.
func signerAddress(key kernel.Key) string {
	half := sha3.Sum256(key[:])
	view := crypto.ScalarFromWide([64]byte(append(half[:], half[:]...)))
	return kernel.Address{Spend: key, View: view.Public()}.String()
}

func (s *Server) getInfo(_ context.Context, _ *args) (any, error) {
	n := s.node.Info()
	out := client.Info{
		Network: n.Network, Node: n.Node, Version: n.Version,
		Uptime:    time.Since(n.Started).Round(time.Second).String(),
		Epoch:     n.Genesis.Timestamp.Time(),
		Timestamp: n.Head.Timestamp.Time(),
		Consensus: n.Leader,
		Mint:      client.MintInfo{Pledge: n.Genesis.Parameters.Pledge},
		Graph: client.GraphInfo{
			Cache: map[string]client.CacheRound{}, Final: map[string]client.FinalRound{},
			Topology: n.Position, SPS: n.SPS, SPT: ratio(n.SPS, n.TPS), TPS: n.TPS,
		},
		Queue: client.QueueInfo{Caches: uint64(n.Mempool.Transactions), State: map[string][2]uint64{}},

		Name: n.Name, State: string(n.State), Reasons: list(n.Reasons), EpochNumber: n.Epoch, Round: n.Round,
		Head:    client.Head{Index: n.Head.Index, Digest: n.Head.Digest, Timestamp: n.Head.Timestamp},
		Mempool: n.Mempool, Peers: n.Peers, Storage: s.node.Storage(),
	}
	for author, m := range n.Roster {
		out.Members = append(out.Members, client.MemberInfo{
			Author: kernel.Author(author), Name: m.Name, Node: m.ID, Signer: m.Key, Flagged: m.Flagged,
			Round: m.Newest.Round, Snapshot: m.Newest.ID,
		})
		out.Graph.Consensus = append(out.Graph.Consensus, consensusNode(n.Genesis, m))
		out.Graph.Cache[m.ID.String()] = s.cacheRound(m)
		out.Graph.Final[m.ID.String()] = s.finalRound(m)
	}
	return out, nil
}

// ratio is 0 where there is nothing to divide by.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func consensusNode(g *kernel.Genesis, m Member) client.ConsensusNode {
	return client.ConsensusNode{
		Node: m.ID, Signer: signerAddress(m.Key), Payee: m.Payee.String(), State: memberState(m),
		Timestamp: nanoseconds(g.Timestamp), Transaction: kernel.TxHash{}.String(),
	}
}

func memberState(m Member) string {
	if m.Flagged {
		return "FLAGGED"
	}
	return "ACCEPTED"
}

func (s *Server) cacheRound(m Member) client.CacheRound {
	out := client.CacheRound{Node: m.ID, Round: m.Newest.Round, Snapshots: []client.Snapshot{}}
	if h, _, ok := s.header(m.Newest.ID); ok {
		out.Timestamp, out.References = nanoseconds(h.Timestamp), referencesOf(h)
	}
	return out
}

func (s *Server) finalRound(m Member) client.FinalRound {
	out := client.FinalRound{Node: m.ID, Round: m.Committed.Round, Hash: m.Committed.ID}
	if h, _, ok := s.header(m.Committed.ID); ok {
		out.Start = nanoseconds(h.Timestamp)
		out.End = out.Start
	}
	return out
}

func (s *Server) getGenesis(_ context.Context, _ *args) (any, error) {
	return s.node.Info().Genesis, nil
}

func (s *Server) listPeers(_ context.Context, _ *args) (any, error) {
	return list(s.node.Peers()), nil
}

func (s *Server) listRelayers(_ context.Context, a *args) (any, error) {
	var node kernel.NodeID
	a.Into("node", &node)
	relays := func(p client.Peer) bool { return p.ID == node }
	return list(slices.DeleteFunc(s.node.Peers(), relays)), a.Err()
}

func (s *Server) listAllNodes(_ context.Context, a *args) (any, error) {
	until := a.Uint("timestamp", 1<<64-1, 0)
	a.Bool("state", false)
	n := s.node.Info()
	out := []client.NodeInfo{}
	since := nanoseconds(n.Genesis.Timestamp)
	for _, m := range n.Roster {
		if until != 0 && since > until {
			continue
		}
		out = append(out, client.NodeInfo{
			ID: m.ID, Signer: signerAddress(m.Key), Payee: m.Payee.String(), Timestamp: since, State: memberState(m),
			Transaction: kernel.TxHash{}.String(),
		})
	}
	slices.SortFunc(out, func(x, y client.NodeInfo) int { return bytes.Compare(x.ID[:], y.ID[:]) })
	return out, a.Err()
}

func (s *Server) listMintWorks(_ context.Context, a *args) (any, error) {
	batch := a.Uint("batch", 1<<64-1, 0)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	works := map[string][2]uint64{}
	d, ok := ledger.DistributionAt(view, distributionFrom(view, batch))
	if !ok || d.Batch != batch {
		return works, nil
	}
	network := s.node.Info().Network
	for _, share := range d.Shares {
		if !share.Light {
			works[kernel.NodeIDOf(network, share.Key).String()] = [2]uint64{share.Led, share.Signed}
		}
	}
	return works, nil
}

// distributionFrom is the number of the first distribution that settled the given batch or a later one.
func distributionFrom(view View, batch uint64) uint64 {
	m, _ := ledger.MintOf(view)
	return uint64(sort.Search(int(m.Distributions), func(i int) bool {
		d, _ := ledger.DistributionAt(view, uint64(i))
		return d.Batch >= batch
	}))
}

func (s *Server) listMintDistributions(_ context.Context, a *args) (any, error) {
	offset := a.Uint("offset", 1<<64-1, 0)
	count := a.Uint("count", rpcserver.MaxList, 0)
	a.Bool("tx", false)
	if err := a.Err(); err != nil {
		return nil, err
	}
	view, release := s.history.View()
	defer release()
	out := []mintDistribution{}
	for n := distributionFrom(view, offset); uint64(len(out)) < count; n++ {
		d, ok := ledger.DistributionAt(view, n)
		if !ok {
			break
		}
		out = append(out, mintDistribution{Group: "UNIVERSAL", Batch: d.Batch, Amount: d.Paid, Transaction: d.Transaction})
	}
	return out, nil
}

func (s *Server) listCustodianUpdates(context.Context, *args) (any, error) {
	return []custodianUpdate{}, nil
}
