package engine

import (
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/committee"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A script is bytes that play the six other members of a network against one engine.
type script struct {
	t     *testing.T
	b     []byte
	net   *network
	node  *testNode
	known []*kernel.Header // what was ever shown to the engine, valid or not, and its own
	raws  [][]byte         // of known

	shares map[kernel.Parent]*kernel.CoinShare
}

// next is the next byte, 0 at the end.
func (s *script) next() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

func (s *script) play() {
	if s.next()%4 != 0 { // three members answer the start, and one sends nonsense
		for a := range kernel.Author(5) {
			s.node.step(Input{Messages: []Message{{From: a + 1, Message: wire.StartAnswer{}}}})
		}
	}
	for range 120 {
		if len(s.b) == 0 {
			break
		}
		s.act()
		s.judge()
	}
}

func (s *script) act() {
	switch op := s.next(); op % 10 {
	case 0, 1:
		s.net.run(s.net.now+kernel.Timestamp(s.next())*8, nil)
	case 2, 3, 4:
		s.show(s.honest(kernel.Author(1+s.next()%6), s.next()))
	case 5:
		s.show(s.twisted())
	case 6:
		if n := len(s.known); n > 0 {
			s.arrive(int(s.next()) % n)
		}
	case 7:
		s.message()
	case 8:
		raw := []byte{s.next() % 8, ':', s.next()}
		s.node.step(Input{Admitted: []mempool.Candidate{{Claim: claimOfRaw(raw), Raw: raw}}})
	case 9:
		if peer := kernel.Author(1 + s.next()%6); op < 250 {
			s.node.step(Input{Peers: []PeerChange{{peer, op&16 == 0}}})
			return
		}
		s.node.start() // after a kill: what is durable is all there is
	}
}

// honest is an author's next snapshot, on the newest of every author that the mask lets it see.
func (s *script) honest(author kernel.Author, mask byte) *kernel.Header {
	own := s.newest(author, kernel.MaxRound)
	h := &kernel.Header{Network: s.node.config.Network, Author: author, Round: own.Round + 1, Timestamp: s.net.now}
	h.Parents = []kernel.Parent{own}
	for a := range kernel.Author(7) {
		if p := s.newest(a, own.Round); a != author && (mask == 0 || mask&(1<<a) != 0) {
			h.Parents = append(h.Parents, p)
		}
	}
	h.SortParents()
	return h
}

// newest is an author's newest snapshot that was shown, up to a round.
func (s *script) newest(author kernel.Author, most kernel.Round) kernel.Parent {
	genesis := kernel.EpochHash(s.node.config.Network, 0, s.node.config.State, s.node.config.Roster)
	p := kernel.Parent{Author: author, ID: kernel.GenesisSnapshotID(genesis, author)}
	for _, h := range s.known {
		if h.Author == author && h.Round > p.Round && h.Round <= most {
			p = kernel.Parent{Author: author, Round: h.Round, ID: h.ID()}
		}
	}
	return p
}

// twisted is a snapshot with anything in it, often almost right.
func (s *script) twisted() *kernel.Header {
	h := s.honest(kernel.Author(s.next()%8), s.next())
	for range s.next() % 4 {
		switch s.next() % 8 {
		case 0:
			h.Timestamp += kernel.Timestamp(s.next()) - 128 // a twin, or a step backwards
		case 1:
			h.Round += kernel.Round(s.next() % 4)
		case 2:
			h.Parents = h.Parents[:1+int(s.next())%len(h.Parents)]
		case 3:
			if n := len(s.known); n > 0 {
				o := s.known[int(s.next())%n]
				h.Parents = append(h.Parents, kernel.Parent{Author: o.Author, Round: o.Round, ID: o.ID()})
			}
		case 4:
			h.Parents[int(s.next())%len(h.Parents)].ID[0] ^= 1 // nobody ever held it
		case 5:
			h.Claim = kernel.CommitClaim{Index: kernel.CommitIndex(s.next()), Digest: kernel.Digest{s.next()}}
		case 6:
			h.Epoch = kernel.Epoch(s.next() % 2)
		case 7:
			p := &h.Parents[int(s.next())%len(h.Parents)]
			p.Round = max(p.Round, 1) - 1
		}
	}
	return h
}

// show sends a new snapshot, if it is one that the shell would let through.
func (s *script) show(h *kernel.Header) {
	body := kernel.Body{}
	for range s.next() % 3 {
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: []byte{s.next() % 8, ':', s.next()}})
	}
	raw := body.AppendBinary(nil)
	if new(kernel.Body).UnmarshalBinary(raw) != nil {
		return
	}
	h.BodyRoot, h.BodyLength = body.Root(), uint32(len(raw))
	if int(h.Author) < 7 && s.next()%8 == 0 {
		h.Share = s.share(h.Author, h.Round)
	}
	id := h.ID()
	if int(h.Author) < 7 && h.Author > 0 {
		h.Signature = nodeKey(int(h.Author)).Sign(id[:])
	}
	whole, err := (&kernel.Snapshot{Header: h, Body: &body}).AppendBinary(nil)
	if err != nil || h.Author == 0 || int(h.Author) >= 7 || h.Epoch != 0 {
		return // not canonical, or not signed by who it says: it never gets here
	}
	if new(kernel.Snapshot).UnmarshalBinary(whole) != nil {
		return
	}
	s.known, s.raws = append(s.known, h), append(s.raws, whole)
	s.arrive(len(s.known) - 1)
}

// share is kept from one script to the next: making one is dear.
func (s *script) share(a kernel.Author, r kernel.Round) *kernel.CoinShare {
	place := kernel.Parent{Author: a, Round: r}
	if s.shares[place] == nil {
		s.shares[place] = testSigner{net: s.net, author: a}.Share(r)
	}
	return s.shares[place]
}

func (s *script) arrive(i int) {
	s.node.step(Input{Arrived: []Arrival{s.net.arrival(kernel.Author(1+s.next()%6), s.raws[i])}})
}

// message sends what a peer may send: any bytes that decode.
func (s *script) message() {
	from, n := kernel.Author(1+s.next()%6), min(int(s.next()), len(s.b))
	m, err := wire.Decode(s.b[:n])
	s.b = s.b[n:]
	switch m := m.(type) {
	case wire.Want, wire.Have, wire.More, wire.StartQuery:
		s.node.step(Input{Messages: []Message{{From: from, Message: m}}})
	case wire.StartAnswer:
		in := Message{From: from, Message: m}
		if h := new(kernel.Header); len(m.Newest) > 0 {
			if h.UnmarshalBinary(m.Newest) != nil {
				return
			}
			return // a header of this node that verifies cannot be made by others
		}
		s.node.step(Input{Messages: []Message{in}})
	default:
		_ = err
		if own := s.newest(0, kernel.MaxRound); own.Round > 0 {
			s.node.step(Input{Messages: []Message{{From: from, Message: wire.Want{IDs: []kernel.SnapshotID{own.ID}}}}})
		}
	}
}

// judge looks at what became durable since the last time: the node's own snapshots are one a
// round, without a gap, and every snapshot that was accepted is valid to a graph of its own.
func (s *script) judge() {
	for _, r := range s.node.order {
		if r.Author != 0 {
			continue
		}
		if ids := s.node.Variants(0, r.Round); len(ids) != 1 {
			s.t.Fatalf("%d own snapshots of round %d", len(ids), r.Round)
		}
		if s.newest(0, kernel.MaxRound).Round >= r.Round {
			continue
		}
		var snapshot kernel.Snapshot
		if err := snapshot.UnmarshalBinary(r.Raw); err != nil {
			s.t.Fatal("own snapshot:", err)
		}
		if own := s.newest(0, kernel.MaxRound); snapshot.Header.Parents[0].ID != own.ID {
			s.t.Fatalf("own snapshot of round %d does not follow the one before", r.Round)
		}
		s.known, s.raws = append(s.known, snapshot.Header), append(s.raws, r.Raw)
	}
	for i, e := range s.node.faulty {
		if !e.Verify(nodeKey(int(e.Author)).Public()) || e.Author == 0 {
			s.t.Fatalf("proof %d against %d is none", i, e.Author)
		}
	}
}

// valid replays everything that was accepted into another graph, in the order of the log.
func (s *script) valid() {
	c := s.node.config
	log := &testNode{net: s.net, log: make(map[kernel.SnapshotID]Record), places: make(map[kernel.Parent][]kernel.SnapshotID)}
	g := dag.New(dag.Epoch{
		Committee: committee.New(c.Roster), Genesis: kernel.EpochHash(c.Network, 0, c.State, c.Roster),
		Timestamp: c.Started, Depth: c.Parameters.Depth,
	}, log)
	for _, r := range s.node.order {
		var snapshot kernel.Snapshot
		if err := snapshot.UnmarshalBinary(r.Raw); err != nil {
			s.t.Fatal(err)
		}
		if missing := g.Missing(snapshot.Header); len(missing) > 0 {
			s.t.Fatalf("%d@%d was accepted before its parents", r.Author, r.Round)
		}
		v, err := g.Check(r.ID, snapshot.Header)
		if err != nil {
			s.t.Fatalf("%d@%d was accepted: %v", r.Author, r.Round, err)
		}
		g.Insert(v)
	}
}

// FuzzStep plays six members against one engine by any script: it never panics, signs once a
// round, accuses nobody who did not sign twice, and accepts and makes valid snapshots only,
// through restarts too.
func FuzzStep(f *testing.F) {
	var calm []byte // rounds of all six others, each on all that is there, with coin shares
	for range 8 {
		calm = append(calm, 0, 9)
		for a := range byte(6) {
			calm = append(calm, 2, a, 0, 0, 0, a)
		}
	}
	begin := append([]byte{1}, calm[:120]...)
	for _, tail := range [][]byte{
		{5, 1, 0, 1, 0, 140, 0, 0, 1}, {6, 1, 2}, {7, 1, 3, 2, 0, 0}, {7, 1, 1, 4}, {8, 3, 1, 0, 200}, {19, 1, 9, 1}, {255, 1, 0, 255, 0, 255},
		{5, 2, 0, 2, 3, 5, 4, 1, 0, 0, 3}, {5, 3, 0, 1, 5, 9, 9, 0, 0, 2},
	} {
		f.Add(append(append(append([]byte{}, begin...), tail...), calm...))
	}
	base := newNetwork(1, 7, parameters(5, 3))
	shares := make(map[kernel.Parent]*kernel.CoinShare)
	f.Fuzz(func(t *testing.T, b []byte) {
		net := &network{genesis: base.genesis, rng: newNetworkRandom(), key: base.key, secrets: base.secrets, now: base.genesis.Timestamp, delay: base.delay}
		if net.verified = base.verified; len(net.verified) > 10_000 {
			clear(net.verified)
		}
		for a := range kernel.Author(7) {
			net.add(a, false)
		}
		s := &script{t: t, b: b, net: net, node: net.nodes[0], shares: shares}
		s.node.start()
		s.play()
		s.valid()
		t.Logf("%d accepted, %d commits, %d refused", len(s.node.order), len(s.node.commits), len(s.node.refused))
	})
}

func newNetworkRandom() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
