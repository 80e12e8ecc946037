package engine

import (
	"bytes"
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/coin"
	"github.com/asterism-network/asterism/kernel/internal/consensus"
	"github.com/asterism-network/asterism/kernel/internal/dag"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// A network runs engines on one thread in virtual time. Delays, losses and the choice of peers
// come from one seed, so a failing run is replayed by its seed.
type network struct {
	rng     *rand.Rand
	genesis kernel.Genesis
	key     *coin.Key
	secrets []crypto.Scalar
	nodes   []*testNode
	queue   events
	now     kernel.Timestamp
	serial  int

	delay  func(from, to *testNode) (kernel.Timestamp, bool) // delivery delay in ms; false loses the message
	drop   func(from, to *testNode, m wire.Message) bool     // loses messages by what they are; nil loses none
	decide kernel.CommitIndex                                // to close the epoch; 0 is never

	twice int // percentage of messages that arrive twice

	verified map[kernel.Hash]Arrival // by the hash of the encoded snapshot: every node verifies the same
}

type testNode struct {
	net     *network
	author  kernel.Author
	twin    bool // second copy of an author, a Byzantine one
	engine  *Engine
	log     map[kernel.SnapshotID]Record
	order   []Record
	places  map[kernel.Parent][]kernel.SnapshotID
	commits []*kernel.Commit
	orders  [][]byte
	digest  kernel.Digest
	final   map[kernel.TxHash]kernel.CommitIndex
	faulty  []kernel.Equivocation
	refused []Refused
	down    bool
	wakeAt  kernel.Timestamp
	config  Config

	wiped bool             // lost its log: the next start is not trusted
	wrong bool             // its ledger computes other states
	slow  kernel.Timestamp // ms that its ledger takes
	ahead kernel.Timestamp // ms that its clock is ahead
	taken map[mempool.Touch]kernel.TxHash

	turn    Turn
	closing kernel.AuthorSet

	pressed bool            // its clients stand in line
	after   func(*testNode) // called after every step
}

type event struct {
	at   kernel.Timestamp
	seq  int
	node *testNode
	in   Input
	wake bool
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	x := old[len(old)-1]
	*q = old[:len(old)-1]
	return x
}

type testSigner struct {
	net    *network
	author kernel.Author
	key    crypto.NodeKey
}

func (s testSigner) Sign(id kernel.SnapshotID) kernel.Signature { return s.key.Sign(id[:]) }
func (s testSigner) SignRecord(h kernel.Hash) kernel.Signature  { return s.key.Sign(h[:]) }
func (s testSigner) Share(r kernel.Round) *kernel.CoinShare {
	share, err := s.net.key.Share(s.net.secrets[s.author], s.author, r)
	if err != nil {
		panic(err)
	}
	return share
}

func newNetwork(seed uint64, k int, p kernel.Parameters) *network {
	n := &network{rng: rand.New(rand.NewPCG(seed, 1)), now: 1_800_000_000_000, verified: make(map[kernel.Hash]Arrival)}
	n.genesis = kernel.Genesis{Name: "test", Timestamp: n.now, Parameters: p}
	for i := range k {
		n.genesis.Members = append(n.genesis.Members, kernel.Member{Name: fmt.Sprint(i), Key: nodeKey(i).Public()})
	}
	n.secrets, n.genesis.CoinKey = dealTest(seed, k)
	key, err := coin.NewKey(n.genesis.NetworkID(), 0, n.genesis.Roster())
	if err != nil {
		panic(err)
	}
	n.key = key
	n.delay = func(_, _ *testNode) (kernel.Timestamp, bool) { return 1 + kernel.Timestamp(n.rng.IntN(10)), true }
	for i := range k {
		n.add(kernel.Author(i), false)
	}
	return n
}

func nodeKey(i int) crypto.NodeKey { return crypto.NodeKeyFromSeed([32]byte{byte(i), 77}) }

type seeded struct{ *crypto.Stream }

func (s seeded) Read(b []byte) (int, error) { s.Fill(b); return len(b), nil }

// dealTest deals the coin key with a polynomial drawn from the seed.
func dealTest(seed uint64, k int) (secrets []crypto.Scalar, key []kernel.Key) {
	p, err := sharing.NewPolynomial((k-1)/3, seeded{crypto.NewStream("engine test", []byte{byte(seed)})})
	if err != nil {
		panic(err)
	}
	for a := range k {
		secrets = append(secrets, sharing.ScalarOf(p.At(coin.ShareIndex(kernel.Author(a)))))
	}
	return secrets, p.Commit().Keys()
}

func newOrderFrom(b []byte) *consensus.Order {
	o := new(consensus.Order)
	if err := o.UnmarshalBinary(b); err != nil {
		panic(err)
	}
	return o
}

func (n *network) add(a kernel.Author, twin bool) *testNode {
	t := &testNode{net: n, author: a, twin: twin, final: make(map[kernel.TxHash]kernel.CommitIndex)}
	t.log = make(map[kernel.SnapshotID]Record)
	t.places = make(map[kernel.Parent][]kernel.SnapshotID)
	t.taken = make(map[mempool.Touch]kernel.TxHash)
	t.config = Config{
		Network: n.genesis.NetworkID(), Roster: n.genesis.Roster(), Parameters: n.genesis.Parameters,
		State: kernel.Digest{1}, Started: n.genesis.Timestamp, Self: a,
		Signer: testSigner{n, a, nodeKey(int(a))}, History: t, BatchWindow: 10, IdlePeriod: 1000,
	}
	t.digest = kernel.Digest{1}
	n.nodes = append(n.nodes, t)
	return t
}

// Vertex and Variants make a testNode its engine's History.
func (t *testNode) Vertex(id kernel.SnapshotID) (*dag.Vertex, bool) {
	rec, ok := t.log[id]
	if !ok {
		return nil, false
	}
	var s kernel.Snapshot
	if err := s.UnmarshalBinary(rec.Raw); err != nil {
		panic(err)
	}
	v, err := dag.VertexOf(id, s.Header, rec.Notes)
	if err != nil {
		panic(err)
	}
	return v, true
}

func (t *testNode) Variants(a kernel.Author, r kernel.Round) []kernel.SnapshotID {
	return t.places[kernel.Parent{Author: a, Round: r}]
}

// start builds the engine from what is durable and connects it to every other node that is up.
func (t *testNode) start() {
	t.engine = New(t.config, t.restored())
	t.down = false
	for _, o := range t.net.nodes {
		if o != t && !o.down && o.engine != nil {
			t.net.post(t, 1, Input{Peers: []PeerChange{{o.author, true}}})
			t.net.post(o, 1, Input{Peers: []PeerChange{{t.author, true}}})
		}
	}
	t.net.post(t, 0, Input{})
}

// wipe loses everything that was durable.
func (t *testNode) wipe() {
	t.wiped, t.log, t.order, t.places = true, make(map[kernel.SnapshotID]Record), nil, make(map[kernel.Parent][]kernel.SnapshotID)
	t.commits, t.orders, t.digest = nil, nil, kernel.Digest{1}
	t.final, t.taken = make(map[kernel.TxHash]kernel.CommitIndex), make(map[mempool.Touch]kernel.TxHash)
}

// restored is what a start finds in log and store.
func (t *testNode) restored() Restored {
	r := Restored{Trusted: !t.wiped, Executed: kernel.CommitClaim{Digest: kernel.Digest{1}}}
	if n := len(t.commits); n > 0 {
		r.Order = newOrderFrom(t.orders[n-1])
		r.Executed = kernel.CommitClaim{Index: t.commits[n-1].Index, Digest: t.digest}
		if p := r.Order.Progress.Round; p > 2*t.config.Parameters.Horizon {
			r.Floor = p - 2*t.config.Parameters.Horizon
		}
	}
	committed := make(map[kernel.SnapshotID]bool)
	for _, c := range t.commits {
		for _, s := range c.Snapshots {
			committed[s.ID] = true
		}
	}
	for _, rec := range t.order {
		if rec.Round < r.Floor {
			continue
		}
		v, _ := t.Vertex(rec.ID)
		r.Window = append(r.Window, v)
		if !committed[rec.ID] && v.Entries > 0 {
			a := t.net.arrival(t.author, rec.Raw)
			if rec.Author == t.author {
				a.Records = bodyOf(rec.Raw).Records()
			}
			r.Open = append(r.Open, a)
		}
	}
	return r
}

func (n *network) post(to *testNode, delay kernel.Timestamp, in Input) {
	n.serial++
	heap.Push(&n.queue, event{at: n.now + delay, seq: n.serial, node: to, in: in})
}

func (n *network) arrival(from kernel.Author, raw []byte) Arrival {
	key := crypto.Sum(raw)
	a, known := n.verified[key]
	if !known {
		a = n.verify(raw)
		n.verified[key] = a
	}
	a.From = from
	return a
}

func snapshotOf(raw []byte) (s kernel.Snapshot) {
	if err := s.UnmarshalBinary(raw); err != nil {
		panic(err)
	}
	return s
}

func bodyOf(raw []byte) *kernel.Body { return snapshotOf(raw).Body }

func (n *network) verify(raw []byte) Arrival {
	s := snapshotOf(raw)
	id := s.Header.ID()
	a := Arrival{ID: id, Header: s.Header, Raw: raw, Entries: len(s.Body.Entries)}
	for _, e := range s.Body.Entries {
		if e.Kind == kernel.EntryTransaction {
			a.Claims = append(a.Claims, claimOfRaw(e.Bytes))
		}
	}
	return a
}

// claimOfRaw reads the stand-in transactions of these tests: what stands before the colon is
// their only input.
func claimOfRaw(raw []byte) mempool.Claim {
	input, _, _ := bytes.Cut(raw, []byte(":"))
	touch := mempool.InputTouch(kernel.OutputRef{Hash: kernel.TxHash(crypto.Sum(input))})
	return mempool.Claim{Hash: kernel.TxHash(crypto.Sum(raw)), Touches: []mempool.Touch{touch}}
}

func (n *network) submit(to *testNode, raw []byte) {
	n.post(to, 0, Input{Admitted: []mempool.Candidate{{Claim: claimOfRaw(raw), Raw: raw}}})
}

// run advances virtual time until the given moment or until done says so.
func (n *network) run(until kernel.Timestamp, done func() bool) bool {
	for len(n.queue) > 0 && n.queue[0].at <= until {
		e := heap.Pop(&n.queue).(event)
		n.now = e.at
		if e.node.down || e.wake && e.at != e.node.wakeAt {
			continue
		}
		e.node.step(e.in)
		if done != nil && done() {
			return true
		}
	}
	n.now = until
	return done == nil || done()
}

func (t *testNode) step(in Input) {
	n := t.net
	in.Now, in.Pressed = n.now+t.ahead, t.pressed
	for i := range in.Admitted {
		in.Admitted[i].Checked = t.engine.executed.Index
	}
	out := t.engine.Step(in)
	for _, r := range out.Persist {
		t.log[r.ID] = r
		t.order = append(t.order, r)
		p := kernel.Parent{Author: r.Author, Round: r.Round}
		t.places[p] = append(t.places[p], r.ID)
	}
	t.faulty = append(t.faulty, out.Faulty...)
	t.refused = append(t.refused, out.Refused...)
	for _, e := range out.Send {
		for _, to := range n.audience(t, e.To) {
			n.deliver(t, to, e.Message)
		}
	}
	for _, s := range out.Serve {
		for _, to := range n.instances(s.To) {
			for _, id := range s.IDs {
				n.deliver(t, to, wire.Snapshot{Raw: t.log[id].Raw})
			}
			if s.More {
				n.deliver(t, to, wire.More{})
			}
		}
	}
	var executed []Execution
	for _, c := range out.Commits {
		executed = append(executed, t.execute(c))
	}
	if len(executed) > 0 {
		n.post(t, max(t.slow, 1), Input{Executed: executed})
	}
	if t.after != nil {
		t.after(t)
	}
	if out.Wake != 0 {
		t.wakeAt = max(out.Wake, n.now+t.ahead+1) - t.ahead
		n.serial++
		heap.Push(&n.queue, event{at: t.wakeAt, seq: n.serial, node: t, wake: true})
	}
}

// turns stands in for the ledger's epochs: it decides at the commit that the network says, and ends the
// epoch when a quorum's closing snapshots are settled.
func (t *testNode) turns(c *kernel.Commit) Turn {
	decide := t.net.decide
	if decide == 0 || c.Index < decide {
		return t.turn
	}
	t.turn.Decided = decide
	for _, s := range c.Snapshots {
		if s.Closing && s.Claim >= decide {
			t.closing = t.closing.With(s.Author)
		}
	}
	if t.turn.Ended == 0 && t.closing.Len() >= t.engine.committee.Q {
		t.turn.Ended = c.Index
	}
	return t.turn
}

// execute stands in for the ledger: the first occurrence of a transaction is final.
func (t *testNode) execute(o Ordered) Execution {
	c := o.Commit
	x := Execution{Commit: c, Epoch: t.turns(c)}
	digest := c.AppendBinary(t.digest[:])
	for _, s := range c.Snapshots {
		for _, claim := range t.net.arrival(t.author, t.log[s.ID].Raw).Claims {
			if _, known := t.final[claim.Hash]; known {
				continue
			}
			t.final[claim.Hash] = c.Index
			if _, spent := t.taken[claim.Touches[0]]; spent {
				x.Rejected = append(x.Rejected, claim.Hash)
				continue
			}
			t.taken[claim.Touches[0]] = claim.Hash
			x.Final = append(x.Final, claim)
		}
	}
	if t.wrong {
		digest = append(digest, 1)
	}
	t.digest = crypto.Sum(digest)
	c.Digest = t.digest
	t.commits = append(t.commits, c)
	t.orders = append(t.orders, o.Order)
	return x
}

func (n *network) instances(a kernel.Author) (out []*testNode) {
	for _, t := range n.nodes {
		if t.author == a {
			out = append(out, t)
		}
	}
	return out
}

func (n *network) audience(from *testNode, to Audience) (out []*testNode) {
	switch {
	case to.All:
		for _, t := range n.nodes {
			if t != from && t.author != from.author {
				out = append(out, t)
			}
		}
	case to.Sample > 0:
		for _, t := range n.nodes {
			if t != from && !to.Except.Has(t.author) {
				out = append(out, t)
			}
		}
		n.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		out = out[:min(to.Sample, len(out))]
	default:
		out = n.instances(to.Peer)
	}
	return out
}

func (n *network) deliver(from, to *testNode, m wire.Message) {
	if to.engine == nil || to.down {
		return
	}
	delay, ok := n.delay(from, to)
	if !ok || n.drop != nil && n.drop(from, to, m) {
		return
	}
	decoded, err := wire.Decode(wire.Append(nil, m))
	if err != nil {
		panic(err)
	}
	in := Input{}
	switch m := decoded.(type) {
	case wire.Snapshot:
		in.Arrived = []Arrival{n.arrival(from.author, slices.Clone(m.Raw))}
	case wire.Transactions:
		for _, raw := range m.Raw {
			in.Admitted = append(in.Admitted, mempool.Candidate{Claim: claimOfRaw(raw), Raw: raw})
		}
	case wire.StartAnswer:
		msg := Message{From: from.author, Message: m}
		if len(m.Newest) > 0 {
			msg.Newest = new(kernel.Header)
			if err := msg.Newest.UnmarshalBinary(m.Newest); err != nil {
				panic(err)
			}
		}
		in.Messages = []Message{msg}
	default:
		in.Messages = []Message{{From: from.author, Message: m}}
	}
	n.post(to, delay, in)
	if n.rng.IntN(100) < n.twice {
		n.post(to, delay+kernel.Timestamp(n.rng.IntN(50)), in)
	}
}
