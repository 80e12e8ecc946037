// Package rpctest has a network of one process for tests of what stands on the public
// interface: a real genesis, a real ledger and signed snapshots, but no consensus. The caller
// says when a commit happens.
package rpctest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// A Node is rpc.Node and rpc.History over a ledger in memory. Every Commit is one round: each
// member makes a snapshot on all of the round before, the first carries what was submitted,
// and all are committed at once.
type Node struct {
	Genesis *kernel.Genesis
	Owner   kernel.Account // of the genesis balances
	State   rpc.State      // set it before use, or under Lock
	Full    bool           // answer submissions with Overloaded; the same

	Export func(io.Writer) (kernel.CommitIndex, error) // a certified state; nil is none. Set it before use

	keys    []crypto.NodeKey
	context *ledger.Context

	sync.RWMutex // guards what follows, and excludes Commit while a view is held
	view         *ledger.MemView
	commits      []*kernel.Commit
	receipts     [][]kernel.Receipt
	faults       []ledger.Fault
	raw          map[kernel.TxHash][]byte
	pending      map[kernel.TxHash][]byte
	order        []kernel.TxHash // of pending
	records      [][]byte        // that wait
	headers      map[kernel.SnapshotID]*kernel.Header
	bodies       map[kernel.SnapshotID][]byte
	places       map[kernel.SnapshotID]place
	sequence     []kernel.SnapshotID
	newest       []kernel.Parent
	changed      chan struct{}
}

type place struct {
	commit   kernel.CommitIndex
	position uint64
}

var _ rpc.Node = (*Node)(nil)
var _ rpc.History = (*Node)(nil)

// New makes a network of seven with balances of 100 XIN for Owner.
func New(t testing.TB, balances int) *Node { return newNode(t, newGenesis(balances)) }

// NewStaked is New for a network with stakes: votes take five commits, their effect comes two later,
// and an appeal has ten.
func NewStaked(t testing.TB, balances int) *Node {
	g := newGenesis(balances)
	g.Stake = kernel.DefaultStake()
	g.Stake.AppealWindow, g.Stake.Motion.Window, g.Stake.Motion.Delay = 10, 5, 2
	g.Parameters.Pledge = kernel.NewAmount(1000_00000000)
	total := g.Stake.Pool
	for range g.Members {
		total, _ = total.Add(g.Parameters.Pledge)
	}
	for _, b := range g.Balances {
		total, _ = total.Add(b.Amount)
	}
	g.Stake.Total = total
	return newNode(t, g)
}

func newNode(t testing.TB, g *kernel.Genesis) *Node {
	n := &Node{
		Genesis: g, Owner: kernel.AccountFromSeed([64]byte{7: 7}), State: rpc.Active,
		view: ledger.NewMemView(), raw: map[kernel.TxHash][]byte{}, pending: map[kernel.TxHash][]byte{},
		headers: map[kernel.SnapshotID]*kernel.Header{}, bodies: map[kernel.SnapshotID][]byte{}, places: map[kernel.SnapshotID]place{}, changed: make(chan struct{}),
	}
	for i := range n.Genesis.Members {
		n.keys = append(n.keys, memberKey(i))
	}
	diff, transactions, err := ledger.Genesis(n.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	n.context = ledger.ContextOf(n.Genesis, ledger.Direct{})
	for _, tx := range transactions {
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		n.raw[tx.Hash()] = raw
	}
	n.view.Apply(diff)
	n.commits = []*kernel.Commit{{Timestamp: n.Genesis.Timestamp, Digest: diff.Head.Digest}}
	n.receipts = [][]kernel.Receipt{diff.Receipts}
	epoch := kernel.EpochHash(n.Genesis.NetworkID(), 0, diff.Head.Digest, n.Genesis.Roster())
	for author := range n.keys {
		n.newest = append(n.newest, kernel.Parent{Author: kernel.Author(author), ID: kernel.GenesisSnapshotID(epoch, kernel.Author(author))})
	}
	return n
}

func memberKey(i int) crypto.NodeKey { return crypto.NodeKeyFromSeed([32]byte{byte(i), 1}) }

func newGenesis(balances int) *kernel.Genesis {
	custodian := kernel.AccountFromSeed([64]byte{3: 99}).Address()
	g := &kernel.Genesis{
		Name: "rpctest", Timestamp: 1_700_000_000_000, Parameters: kernel.DefaultParameters(),
		CoinKey: make([]kernel.Key, 3), CoinDealt: true, Custodian: &custodian,
		Assets: []kernel.GenesisAsset{{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey}},
	}
	for i := range kernel.MinMembers {
		payee := kernel.AccountFromSeed([64]byte{byte(i), 2}).Address()
		g.Members = append(g.Members, kernel.Member{Name: "node" + string('1'+rune(i)), Key: memberKey(i).Public(), Payee: payee})
	}
	owner := kernel.AccountFromSeed([64]byte{7: 7}).Address()
	for range balances {
		g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: owner, Amount: kernel.NewAmount(100_00000000)})
	}
	return g
}

// Payment returns a signed transaction that spends the i-th genesis balance to fresh keys made
// from seed; two seeds for one balance are a double spend.
func (n *Node) Payment(t testing.TB, i int, seed byte) []byte {
	transactions, err := kernel.GenesisTransactions(n.Genesis)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range transactions {
		if i >= len(from.Outputs) {
			i -= len(from.Outputs)
			continue
		}
		return n.spend(t, from, i, seed)
	}
	t.Fatal("no such balance")
	return nil
}

func (n *Node) spend(t testing.TB, from *kernel.Transaction, i int, seed byte) []byte {
	spent := from.Outputs[i]
	private, err := crypto.GhostPrivate(n.Owner.View, n.Owner.Spend, spent.Mask, uint64(i))
	if err != nil {
		t.Fatal(err)
	}
	secret := crypto.ScalarFromWide([64]byte{byte(i), byte(i >> 8), seed, 1})
	to := n.Owner.Address()
	ghost, err := crypto.GhostPublic(secret, to.View, to.Spend, 0)
	if err != nil {
		t.Fatal(err)
	}
	tx := &kernel.Transaction{
		Asset:   from.Asset,
		Inputs:  []kernel.Input{{OutputRef: kernel.OutputRef{Hash: from.Hash(), Index: uint16(i)}}},
		Outputs: []kernel.Output{{Amount: spent.Amount, Keys: []kernel.Key{ghost}, Mask: secret.Public(), Script: kernel.NewScript(1)}},
	}
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: private.Sign(hash[:])}}}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Commit executes one commit with everything pending and returns its index.
func (n *Node) Commit() kernel.CommitIndex {
	n.Lock()
	defer n.Unlock()
	head := n.view.Head()
	c := &kernel.Commit{
		Index: head.Index + 1, Coin: kernel.Hash{1, byte(head.Index)}, CoinRound: n.newest[0].Round + 4,
		Timestamp: head.Timestamp + 1000, Position: uint64(len(n.sequence)),
	}
	bodies := n.makeRound(c)
	c.Leader = n.newest[int(c.Index)%len(n.newest)]
	diff := ledger.Execute(n.view, c, bodies, n.context)
	n.view.Apply(diff)
	c.Digest = diff.Head.Digest
	n.commits, n.receipts, n.faults = append(n.commits, c), append(n.receipts, diff.Receipts), append(n.faults, diff.Faults...)
	for _, hash := range n.order {
		n.raw[hash] = n.pending[hash]
	}
	clear(n.pending)
	n.order = nil
	close(n.changed)
	n.changed = make(chan struct{})
	return c.Index
}

func (n *Node) makeRound(c *kernel.Commit) (made []ledger.Committed) {
	parents := slices.Clone(n.newest)
	for author := range n.keys {
		body := new(kernel.Body)
		if author == 0 {
			for _, hash := range n.order {
				body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: n.pending[hash]})
			}
			for _, raw := range n.records {
				body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryRecord, Bytes: raw})
			}
			n.records = nil
			body.Sort()
		}
		h := n.sign(kernel.Author(author), c.Timestamp, parents, body)
		id := h.ID()
		n.headers[id], n.newest[author] = h, kernel.Parent{Author: h.Author, Round: h.Round, ID: id}
		n.bodies[id] = body.AppendBinary(nil)
		n.places[id] = place{c.Index, uint64(len(n.sequence))}
		n.sequence = append(n.sequence, id)
		c.Snapshots = append(c.Snapshots, kernel.CommittedID{Author: h.Author, Round: h.Round, ID: id})
		made = append(made, ledger.Committed{Author: h.Author, Round: h.Round, ID: id, Body: body})
	}
	return made
}

func (n *Node) sign(author kernel.Author, at kernel.Timestamp, parents []kernel.Parent, body *kernel.Body) *kernel.Header {
	h := &kernel.Header{
		Network: n.Genesis.NetworkID(), Author: author, Round: parents[author].Round + 1, Timestamp: at,
		Parents: slices.Clone(parents), BodyRoot: body.Root(), BodyLength: uint32(len(body.AppendBinary(nil))),
	}
	h.SortParents()
	id := h.ID()
	h.Signature = n.keys[author].Sign(id[:])
	return h
}

// Inject puts bytes into the next body unchecked, as a faulty member would.
func (n *Node) Inject(raw []byte) {
	n.Lock()
	defer n.Unlock()
	hash := kernel.TxHash(kernel.EntryHash(kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw}))
	n.order = append(n.order, hash)
	n.pending[hash] = raw
}

// Lose forgets the bodies of a commit's snapshots, as a damaged log would, and if told so the
// bytes of its transactions.
func (n *Node) Lose(index kernel.CommitIndex, transactions bool) {
	n.Lock()
	defer n.Unlock()
	for _, s := range n.commits[index].Snapshots {
		delete(n.bodies, s.ID)
	}
	for _, r := range n.receipts[index] {
		if transactions {
			delete(n.raw, r.Transaction)
		}
	}
}

// Storage implements rpc.Node.
func (n *Node) Storage() *client.StorageInfo { return nil }

// Info describes the node as the first member.
func (n *Node) Info() rpc.Info {
	n.RLock()
	defer n.RUnlock()
	network := n.Genesis.NetworkID()
	info := rpc.Info{
		Network: network, Node: kernel.NodeIDOf(network, n.keys[0].Public()), Name: "node1", Version: "0.0.0-test",
		Started: time.Unix(1_700_000_000, 0), Genesis: n.Genesis, State: n.State, Round: n.newest[0].Round, Head: n.view.Head(),
		Leader: n.commits[len(n.commits)-1].Leader.ID, Position: uint64(len(n.sequence)),
		Mempool: client.Mempool{Transactions: len(n.pending)}, Peers: len(n.keys) - 1,
	}
	if n.State != rpc.Active {
		info.Reasons = []string{"peers_below_quorum"}
	}
	for i, m := range n.Genesis.Members {
		info.Roster = append(info.Roster, rpc.Member{Member: m, ID: kernel.NodeIDOf(network, m.Key), Newest: n.newest[i], Committed: n.newest[i]})
	}
	return info
}

// Submit checks and keeps a transaction until the next Commit. Unlike a node's mempool it takes
// transactions that contradict each other.
func (n *Node) Submit(_ context.Context, raw []byte) (kernel.TxHash, error) {
	n.Lock()
	defer n.Unlock()
	switch {
	case n.Full:
		return kernel.TxHash{}, &rpc.Overloaded{RetryAfter: 250 * time.Millisecond}
	case n.State != rpc.Active:
		return kernel.TxHash{}, &rpc.NotReady{State: n.State, Reasons: []string{"peers_below_quorum"}}
	}
	p := ledger.Parse(raw)
	if err := ledger.CheckParsed(n.view, p, n.context); err != nil {
		return p.Hash, err
	}
	if n.pending[p.Hash] == nil {
		n.order = append(n.order, p.Hash)
		n.pending[p.Hash] = bytes.Clone(raw)
	}
	return p.Hash, nil
}

// SubmitRecord checks and keeps a record until the next Commit.
func (n *Node) SubmitRecord(_ context.Context, raw []byte) (kernel.Hash, error) {
	n.Lock()
	defer n.Unlock()
	var r kernel.Record
	if err := r.UnmarshalBinary(raw); err != nil {
		return kernel.Hash{}, fmt.Errorf("%w: %w", ledger.RecordMalformed, err)
	}
	if err := ledger.CheckRecord(n.view, &r, 0, n.context); err != nil {
		return r.SigningHash(), err
	}
	n.records = append(n.records, bytes.Clone(raw))
	return r.SigningHash(), nil
}

// InjectRecord puts a record into the next body unchecked.
func (n *Node) InjectRecord(r *kernel.Record) {
	n.Lock()
	defer n.Unlock()
	n.records = append(n.records, r.AppendBinary(nil))
}

// SignRecord makes a record signed by a member.
func (n *Node) SignRecord(member int, kind kernel.RecordKind, payload []byte) *kernel.Record {
	r := &kernel.Record{Kind: kind, Network: n.Genesis.NetworkID(), Signer: n.keys[member].Public(), Payload: payload}
	hash := r.SigningHash()
	r.Signature = n.keys[member].Sign(hash[:])
	return r
}

// RegisterDomain moves the registration by the first member.
func (n *Node) RegisterDomain(ctx context.Context, d kernel.Domain) (kernel.DomainState, error) {
	n.RLock()
	known, _ := ledger.DomainOf(n.view, d.ID)
	n.RUnlock()
	if known.State != kernel.DomainInvalid {
		return known.State, nil
	}
	p := kernel.Proposal{Motion: kernel.Motion{Subject: kernel.SubjectRegistration, Title: "Register domain " + d.ID, Nonce: known.Asked, Domain: &d}}
	if _, err := n.SubmitRecord(ctx, n.SignRecord(0, kernel.RecordMotion, p.AppendBinary(nil)).AppendBinary(nil)); err != nil {
		return kernel.DomainInvalid, err
	}
	return kernel.DomainPending, nil
}

// SubmitAll submits one after the other.
func (n *Node) SubmitAll(ctx context.Context, raws [][]byte) (out []rpc.Submission, err error) {
	for _, raw := range raws {
		hash, err := n.Submit(ctx, raw)
		out = append(out, rpc.Submission{Hash: hash, Err: err})
	}
	return out, nil
}

// Check is Submit without keeping.
func (n *Node) Check(raw []byte) error {
	n.RLock()
	defer n.RUnlock()
	return ledger.CheckParsed(n.view, ledger.Parse(raw), n.context)
}

// Equivocation is evidence, signed by the first member, that a member signed two snapshots of a round.
func (n *Node) Equivocation(member int, round kernel.Round) *kernel.Record {
	var twins [2]*kernel.Header
	for i := range twins {
		twins[i] = &kernel.Header{Network: n.Genesis.NetworkID(), Author: kernel.Author(member), Round: round, Timestamp: n.Genesis.Timestamp + kernel.Timestamp(i)}
		id := twins[i].ID()
		twins[i].Signature = n.keys[member].Sign(id[:])
	}
	proof := kernel.EquivocationOf(twins[0], twins[1])
	return n.SignRecord(0, kernel.RecordEvidence, proof.AppendBinary(nil))
}
