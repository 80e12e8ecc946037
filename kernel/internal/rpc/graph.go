package rpc

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"time"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/rpcserver"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

func (s *Server) graphMethods() []Method {
	return []Method{
		{Name: "dumpgraphhead", Right: Read, Peer: true, Handle: s.dumpGraphHead,
			About: "The newest round of every member, by node id.", Result: []client.GraphHead{}},
		{Name: "getsnapshot", Right: Read, Peer: true, Handle: s.getSnapshot,
			About:  "A committed snapshot with the transactions that it was the first to make final; null if there is none.",
			Params: []Param{hashParam("snapshot id")}, Result: &client.Snapshot{}, Errors: []string{"pruned"}},
		{Name: "listsnapshots", Right: Read, Peer: true, Handle: s.listSnapshots,
			About: "Committed snapshots by their place in the total order, which is the same on every node.",
			Params: []Param{
				{Name: "offset", Kind: "integer", Required: true, About: "first place", Example: 0},
				{Name: "count", Kind: "integer", Required: true, About: "at most 500; a page may be shorter for size", Example: 10},
				{Name: "sig", Kind: "boolean", About: "with the author's signature", Example: true},
				{Name: "tx", Kind: "boolean", About: "transactions as objects, not hashes", Example: false}},
			Result: []client.Snapshot{}, Errors: []string{"pruned"}},
		{Name: "getroundbynumber", Right: Read, Peer: true, Handle: s.getRoundByNumber,
			About: "A member's round of the current epoch: its snapshot; null if the node does not hold it.",
			Params: []Param{nodeParam("node", "the author"),
				{Name: "number", Kind: "integer", Required: true, About: "round", Example: 1}},
			Result: &client.RoundInfo{}},
		{Name: "getroundbyhash", Right: Read, Peer: true, Handle: s.getRoundByHash,
			About:  "The same by snapshot id.",
			Params: []Param{hashParam("snapshot id")}, Result: &client.RoundInfo{}},
		{Name: "getroundlink", Right: Read, Peer: true, Handle: s.getRoundLink,
			About:  "The highest round of one member below another's newest snapshot.",
			Params: []Param{nodeParam("from", "who looks"), nodeParam("to", "who is seen")}, Result: roundLink{}},
		{Name: "getgraph", Right: Read, Handle: s.getGraph,
			About: "The node's view of some rounds: vertices, leader slots and equivocations. Without parameters the newest rounds.",
			Params: []Param{
				{Name: "from", Kind: "integer", About: "first round", Example: 1},
				{Name: "to", Kind: "integer", About: "last round, at most 499 more", Example: 20}},
			Result: client.Graph{}},
	}
}

type roundLink struct {
	Link kernel.Round `json:"link"`
}

func (s *Server) dumpGraphHead(_ context.Context, _ *args) (any, error) {
	out := []client.GraphHead{}
	for author, m := range s.node.Info().Roster {
		held := s.history.Variants(kernel.Author(author), m.Newest.Round)
		out = append(out, client.GraphHead{
			Node: m.ID, Round: m.Committed.Round, Hash: m.Committed.ID,
			Pool: client.GraphPool{Index: m.Newest.Round, Count: len(held)},
		})
	}
	slices.SortFunc(out, func(x, y client.GraphHead) int { return bytes.Compare(x.Node[:], y.Node[:]) })
	return out, nil
}

func snapshotParam(a *args) (id kernel.SnapshotID, err error) {
	a.Into("hash", &id)
	return id, a.Err()
}

func (s *Server) getSnapshot(_ context.Context, a *args) (any, error) {
	id, err := snapshotParam(a)
	if err != nil {
		return nil, err
	}
	snapshot := s.committed(s.node.Info().Roster, id, true, s.newFinals(true))
	if index, _, ok := s.history.SnapshotPosition(id); ok && snapshot == nil {
		if f := s.gone(index); f != nil {
			return nil, f
		}
	}
	return snapshot, nil
}

// committed shows a committed snapshot, nil if it is none. [RPC-3]
func (s *Server) committed(roster []Member, id kernel.SnapshotID, sig bool, finals *finals) *client.Snapshot {
	index, position, ok := s.history.SnapshotPosition(id)
	if !ok {
		return nil
	}
	h, encoded, ok := s.header(id)
	if !ok {
		return nil
	}
	out := &client.Snapshot{
		Version: kernel.SnapshotVersion, Node: nodeOf(roster, h.Author), References: referencesOf(h),
		Round: h.Round, Timestamp: nanoseconds(h.Timestamp), Hash: id, Hex: hex.EncodeToString(encoded),
		Topology: position, Witness: s.witness(id, position), Transactions: finals.of(index, id),
	}
	if sig {
		out.Signature = &h.Signature
	}
	return out
}

// header returns the header of a snapshot held, decoded and as it is stored.
func (s *Server) header(id kernel.SnapshotID) (*kernel.Header, []byte, bool) {
	encoded, ok := s.history.Header(id)
	if !ok {
		return nil, nil, false
	}
	h := new(kernel.Header)
	if err := h.UnmarshalBinary(encoded); err != nil {
		panic("rpc: stored header: " + err.Error())
	}
	return h, encoded, true
}

func nodeOf(roster []Member, author kernel.Author) (id kernel.NodeID) {
	if int(author) < len(roster) {
		id = roster[author].ID
	}
	return id
}

// referencesOf maps parents onto the two links of the wider ecosystem.
func referencesOf(h *kernel.Header) *client.References {
	if len(h.Parents) == 0 {
		return nil
	}
	out := &client.References{Self: h.Parents[0].ID}
	if len(h.Parents) > 1 {
		out.External = h.Parents[1].ID
	}
	return out
}

// A finals finds the transactions that a snapshot was the first to make final. It keeps the
// last commit: snapshots are asked for in order.
type finals struct {
	history  History
	expanded bool // objects, not hashes
	at       kernel.CommitIndex
	receipts []kernel.Receipt
	bodies   bodyReader
}

func (s *Server) newFinals(expanded bool) *finals {
	return &finals{history: s.history, expanded: expanded, bodies: bodyReader{history: s.history}}
}

func (f *finals) of(index kernel.CommitIndex, id kernel.SnapshotID) []client.TransactionRef {
	if f.receipts == nil || f.at != index {
		f.at = index
		_, f.receipts, _ = f.history.CommitAt(index)
	}
	out := []client.TransactionRef{}
	for _, r := range f.receipts {
		if r.Snapshot != id || r.Status != kernel.Final {
			continue
		}
		ref := client.TransactionRef{Hash: r.Transaction}
		if f.expanded {
			if raw := f.bodies.transaction(r); raw != nil {
				ref.Object = expandFinal(raw, r)
			}
		}
		out = append(out, ref)
	}
	return out
}

// WitnessMessage is what a node signs to say: at this time I hold this snapshot at this place
// of the total order. [RPC-9]
func WitnessMessage(id kernel.SnapshotID, position uint64, at kernel.Timestamp) []byte {
	b := codec.AppendU64(id[:], position)
	b = codec.AppendU64(b, uint64(at))
	sum := crypto.SumLabel("asterism rpc witness", b)
	return sum[:]
}

func (s *Server) witness(id kernel.SnapshotID, position uint64) *client.Witness {
	now := kernel.Timestamp(time.Now().UnixMilli())
	return &client.Witness{
		Signature: s.node.SignWitness(WitnessMessage(id, position, now)),
		Timestamp: nanoseconds(now),
	}
}

// maxSnapshotPage bounds the transaction bytes of a page of snapshots.
const maxSnapshotPage = 8 << 20

func (s *Server) listSnapshots(ctx context.Context, a *args) (any, error) {
	offset := a.Uint("offset", 1<<63, 0)
	count := a.Uint("count", rpcserver.MaxList, 0)
	sig, expanded := a.Bool("sig", false), a.Bool("tx", false)
	if err := a.Err(); err != nil {
		return nil, err
	}
	roster := s.node.Info().Roster
	out, size, finals := []client.Snapshot{}, 0, s.newFinals(expanded)
	for position := offset; position < offset+count && size < maxSnapshotPage; position++ {
		if len(out) > 0 && ctx.Err() != nil {
			break
		}
		id, ok := s.history.SnapshotAt(position)
		var snapshot *client.Snapshot
		if ok {
			snapshot = s.committed(roster, id, sig, finals)
		}
		if snapshot == nil && len(out) == 0 && s.before(position) {
			return nil, s.pruned(0)
		}
		if snapshot == nil {
			break
		}
		for _, t := range snapshot.Transactions {
			if t.Object != nil {
				size += len(t.Object.Hex) / 2
			}
		}
		out = append(out, *snapshot)
	}
	return out, nil
}

// before reports whether a place of the total order is one that history begins behind.
func (s *Server) before(position uint64) bool {
	base := s.history.Base()
	if base == 0 {
		return false
	}
	c, ok := s.history.Ordered(base)
	return ok && position < c.Position+uint64(len(c.Snapshots))
}

func (s *Server) getRoundByNumber(_ context.Context, a *args) (any, error) {
	var node kernel.NodeID
	a.Into("node", &node)
	round := kernel.Round(a.Uint("number", uint64(kernel.MaxRound), 0))
	if err := a.Err(); err != nil {
		return nil, err
	}
	roster := s.node.Info().Roster
	author := slices.IndexFunc(roster, func(m Member) bool { return m.ID == node })
	if author < 0 {
		return (*client.RoundInfo)(nil), nil
	}
	return s.round(roster, s.chosen(s.history.Variants(kernel.Author(author), round))), nil
}

// chosen picks the variant of a round that has a place in the total order, the earliest if an
// equivocation has two, else the first one listed.
func (s *Server) chosen(variants []kernel.SnapshotID) (id kernel.SnapshotID) {
	best := uint64(1<<64 - 1)
	for i, v := range variants {
		_, position, ok := s.history.SnapshotPosition(v)
		if ok && position < best {
			best, id = position, v
		} else if i == 0 {
			id = v
		}
	}
	return id
}

func (s *Server) getRoundByHash(_ context.Context, a *args) (any, error) {
	id, err := snapshotParam(a)
	if err != nil {
		return nil, err
	}
	return s.round(s.node.Info().Roster, id), nil
}

func (s *Server) round(roster []Member, id kernel.SnapshotID) *client.RoundInfo {
	h, _, ok := s.header(id)
	if !ok {
		return nil
	}
	out := &client.RoundInfo{
		Node: nodeOf(roster, h.Author), Hash: id, Start: nanoseconds(h.Timestamp), End: nanoseconds(h.Timestamp),
		Number: h.Round, References: referencesOf(h), Snapshots: []client.Snapshot{},
	}
	if snapshot := s.committed(roster, id, true, s.newFinals(false)); snapshot != nil {
		out.Snapshots = append(out.Snapshots, *snapshot)
	}
	return out
}

func (s *Server) getRoundLink(_ context.Context, a *args) (any, error) {
	var from, to kernel.NodeID
	a.Into("from", &from)
	a.Into("to", &to)
	if err := a.Err(); err != nil {
		return nil, err
	}
	link, ok := s.node.Link(from, to)
	if !ok {
		return nil, rpcserver.Faultf("invalid_params", "from and to must be members: see listallnodes")
	}
	return roundLink{link}, nil
}

func (s *Server) getGraph(_ context.Context, a *args) (any, error) {
	from := kernel.Round(a.Uint("from", uint64(kernel.MaxRound), 0))
	to := kernel.Round(a.Uint("to", uint64(kernel.MaxRound), uint64(from)))
	if err := a.Err(); err != nil {
		return nil, err
	}
	if to < from {
		return nil, rpcserver.Faultf("invalid_params", "to is %d, below from, which is %d", to, from)
	}
	g := s.node.Graph(from, min(to, from+MaxGraphRounds-1))
	g.Names, g.Vertices, g.Slots, g.Equivocations = list(g.Names), list(g.Vertices), list(g.Slots), list(g.Equivocations)
	return g, nil
}

// list makes an empty list of none: clients meet [] and never null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
