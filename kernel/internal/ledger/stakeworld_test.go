package ledger

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/ceremony"
	"github.com/asterism-network/asterism/kernel/internal/coin"
)

// A stakeWorld is a world whose members have stakes, and epochs that a test turns by hand.
type stakeWorld struct {
	*world
	owner  kernel.Account // of all balances
	keys   map[kernel.Key]crypto.NodeKey
	shares []crypto.Scalar
	epoch  *kernel.EpochRoster
	fresh  int
}

type stakeFoundation struct {
	genesis  *kernel.Genesis
	diff     *Diff
	shares   []crypto.Scalar
	balances []kernel.OutputRef
	privates map[kernel.Key]kernel.Scalar
	owner    kernel.Account
}

var stakeFoundations sync.Map // by members: func() (stakeFoundation, error)

const (
	testPledge  = 1000
	testWindow  = 20 // commits to appeal
	testBalance = 1500
)

type dice struct{ *crypto.Stream }

func (d dice) Read(b []byte) (int, error) { d.Fill(b); return len(b), nil }

func nodeKey(i int) crypto.NodeKey {
	return crypto.NodeKeyFromSeed([32]byte{byte(i), byte(i >> 8), 77})
}

// foundStakes makes a network of so many members with a hundred balances.
func foundStakes(members int) (f stakeFoundation, err error) {
	f.owner = kernel.AccountFromSeed([64]byte{7: 7})
	custodian := kernel.AccountFromSeed(custodianSeed).Address()
	f.genesis = &kernel.Genesis{
		Name: "test", Timestamp: 1_800_000_000_000, Parameters: kernel.DefaultParameters(), Custodian: &custodian,
		Assets: []kernel.GenesisAsset{{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey}},
		Stake:  kernel.DefaultStake(),
	}
	f.genesis.Parameters.Pledge = whole(testPledge)
	f.genesis.Stake.AppealWindow = testWindow
	for i := range members {
		payee := kernel.AccountFromSeed([64]byte{byte(i), 2}).Address()
		f.genesis.Members = append(f.genesis.Members, kernel.Member{Name: fmt.Sprintf("m%d", i), Key: nodeKey(i).Public(), Payee: payee})
	}
	for range 100 {
		f.genesis.Balances = append(f.genesis.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: f.owner.Address(), Amount: whole(testBalance)})
	}
	f.genesis.Stake.Total = whole(uint64(100*testBalance + members*testPledge))
	mustAdd(&f.genesis.Stake.Total, f.genesis.Stake.Pool)
	if f.shares, err = ceremony.DealTrusted(f.genesis, dice{crypto.NewStream("test", []byte{byte(members)})}); err != nil {
		return f, err
	}
	if f.diff, _, err = Genesis(f.genesis); err != nil {
		return f, err
	}
	f.privates = make(map[kernel.Key]kernel.Scalar)
	for _, c := range f.diff.Created {
		if len(c.Output.Keys) == 0 {
			continue
		}
		private, err := crypto.GhostPrivate(f.owner.View, f.owner.Spend, c.Output.Mask, uint64(c.Ref.Index))
		if err != nil {
			return f, err
		}
		f.privates[c.Output.Keys[0]] = private
		f.balances = append(f.balances, c.Ref)
	}
	return f, nil
}

func newStakeWorld(t failer, members int) *stakeWorld {
	t.Helper()
	found, _ := stakeFoundations.LoadOrStore(members, sync.OnceValues(func() (stakeFoundation, error) { return foundStakes(members) }))
	f, err := found.(func() (stakeFoundation, error))()
	if err != nil {
		t.Fatal(err)
	}
	g := *f.genesis
	w := &stakeWorld{
		world:  &world{t: t, genesis: &g, view: NewMemView(), context: ContextOf(&g, Direct{}), clock: g.Timestamp, custodian: kernel.AccountFromSeed(custodianSeed)},
		owner:  f.owner,
		shares: f.shares, epoch: g.EpochRoster(), keys: make(map[kernel.Key]crypto.NodeKey),
	}
	w.privates, w.balances = maps.Clone(f.privates), f.balances
	for i := range members {
		w.nodes = append(w.nodes, nodeKey(i))
		w.keys[w.nodes[i].Public()] = w.nodes[i]
	}
	w.view.Apply(f.diff)
	w.mustAddUp()
	return w
}

// inside executes and applies the next commit, with f called at its end.
func (w *stakeWorld) inside(f func(x *execution), snapshots ...Committed) *Diff {
	w.t.Helper()
	head := w.view.Head()
	c := &kernel.Commit{Index: head.Index + 1, Timestamp: w.clock + 1, Epoch: w.epoch.Epoch}
	x := &execution{overlay: newOverlay(w.view, 10), commit: c, context: w.context}
	for i := range snapshots {
		x.snapshot(&snapshots[i])
	}
	x.endStake()
	if f != nil {
		f(x)
	}
	d := x.close(c.Index, c.Timestamp, head.Digest)
	w.clock++
	w.view.Apply(d)
	w.mustAddUp()
	w.mustAgree()
	return d
}

// pass lets commits go by.
func (w *stakeWorld) pass(n int) {
	for range n {
		w.inside(nil)
	}
}

// turn fixes the next roster and puts it in force, as an epoch machine with no delay would.
func (w *stakeWorld) turn(late ...kernel.Key) *kernel.EpochRoster {
	w.t.Helper()
	var members []kernel.Member
	w.inside(func(x *execution) { members, _ = nextMembers(x, late...) })
	return w.force(members)
}

// force ends the epoch with a roster that was fixed before.
func (w *stakeWorld) force(members []kernel.Member) *kernel.EpochRoster {
	w.t.Helper()
	next := &kernel.EpochRoster{Epoch: w.epoch.Epoch + 1, Members: members, CheckpointKeys: make([]kernel.Key, len(members))}
	next.CoinKey = make([]kernel.Key, next.Roster().Faulty()+1)
	for i := range next.CoinKey {
		next.CoinKey[i] = w.genesis.CoinKey[i%len(w.genesis.CoinKey)]
	}
	w.inside(func(x *execution) { rosterInForce(x, w.epoch, next) })
	w.epoch = next
	context := *w.context
	context.Roster = next.Roster()
	w.context = &context
	return next
}

// due reports what nextMembers says now.
func (w *stakeWorld) due(late ...kernel.Key) (due bool) {
	w.inside(func(x *execution) { _, due = nextMembers(x, late...) })
	return due
}

// mustAgree holds everything that the rows say of members together.
func (w *stakeWorld) mustAgree() {
	w.t.Helper()
	var escrow, locked kernel.Amount
	seen := make(map[kernel.NodeID]bool)
	for _, m := range MembersOf(w.view) {
		if seen[m.ID] || m.ID != kernel.NodeIDOf(w.context.Network, m.Member.Key) {
			w.t.Fatalf("member %v is listed twice or under another id", m.Member.Name)
		}
		seen[m.ID] = true
		switch {
		case m.Escrowed:
			mustAdd(&escrow, m.Stake)
		case m.Stake != kernel.Amount{}:
			out, ok := w.view.Output(m.Collateral)
			if !ok || !out.SpentBy.IsZero() || out.Amount != m.Stake || out.Type != kernel.OutputNodePledge && out.Type != kernel.OutputNodeAccept {
				w.t.Fatalf("the stake of %v (%v) is not locked in its collateral", m.Member.Name, m.State)
			}
			mustAdd(&locked, m.Stake)
		case m.State != kernel.MemberRemoved && m.State != kernel.MemberCancelled:
			w.t.Fatalf("%v is %v without a stake", m.Member.Name, m.State)
		}
	}
	state, _ := StakeOf(w.view)
	if state.Escrow != escrow {
		w.t.Fatalf("%v in escrow, the members' records say %v", state.Escrow, escrow)
	}
	var found kernel.Amount
	w.view.Outputs(func(_ kernel.OutputRef, o Output) {
		if o.SpentBy.IsZero() && (o.Type == kernel.OutputNodePledge || o.Type == kernel.OutputNodeAccept) {
			mustAdd(&found, o.Amount)
		}
	})
	if found != locked {
		w.t.Fatalf("%v in outputs of members, their records say %v", found, locked)
	}
}

// candidate makes the key of somebody who is no member yet.
func (w *stakeWorld) candidate() (crypto.NodeKey, kernel.Address) {
	w.fresh++
	node := nodeKey(1000 + w.fresh)
	w.keys[node.Public()] = node
	spend := crypto.ScalarFromWide([64]byte{byte(w.fresh), byte(w.fresh >> 8), 9})
	return node, kernel.PublicAddress(spend.Public())
}

// pledgeTx pledges out of a balance.
func (w *stakeWorld) pledgeTx(balance int, node crypto.NodeKey, payee kernel.Address) *kernel.Transaction {
	out := kernel.Output{Type: kernel.OutputNodePledge, Amount: whole(testPledge)}
	tx := w.spend(kernel.XIN, w.refs(balance), out, w.output(whole(testBalance-testPledge), 1, 1))
	tx.Extra = kernel.MemberExtra(node.Public(), payee)
	return w.sign(tx)
}

// acceptTx accepts a pledge.
func (w *stakeWorld) acceptTx(pledge *kernel.Transaction, node crypto.NodeKey) *kernel.Transaction {
	tx := w.spend(kernel.XIN, []kernel.OutputRef{{Hash: pledge.Hash()}}, kernel.Output{Type: kernel.OutputNodeAccept, Amount: whole(testPledge)})
	tx.Extra = pledge.Extra
	return w.signAs(tx, node)
}

func (w *stakeWorld) signAs(tx *kernel.Transaction, node crypto.NodeKey) *kernel.Transaction {
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: node.Sign(hash[:])}}}
	return tx
}

// cancelTx cancels a pledge that was paid out of a balance.
func (w *stakeWorld) cancelTx(pledge *kernel.Transaction, balance int) *kernel.Transaction {
	r := crypto.ScalarFromWide([64]byte{1, 2, 3, byte(balance)})
	key, err := crypto.GhostPublic(r, w.owner.Address().View, w.owner.Address().Spend, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	fee := hundredth(whole(testPledge))
	rest, _ := whole(testPledge).Sub(fee)
	tx := w.spend(kernel.XIN, []kernel.OutputRef{{Hash: pledge.Hash()}}, kernel.Output{Type: kernel.OutputNodeCancel, Amount: fee},
		kernel.Output{Amount: rest, Keys: []kernel.Key{key}, Mask: crypto.Mask(r), Script: kernel.NewScript(1)})
	tx.Extra = append(append([]byte(nil), pledge.Extra...), w.owner.View[:]...)
	return w.signCancel(tx, balance)
}

func (w *stakeWorld) signCancel(tx *kernel.Transaction, balance int) *kernel.Transaction {
	paid, _ := w.view.Output(w.balances[balance])
	private := w.privates[paid.Keys[0]]
	hash := tx.Hash()
	tx.Signatures = []kernel.SignatureMap{{{Signature: private.Sign(hash[:])}}}
	return tx
}

// join makes a member out of a balance, up to its acceptance.
func (w *stakeWorld) join(balance int) crypto.NodeKey {
	w.t.Helper()
	node, payee := w.candidate()
	pledge := w.pledgeTx(balance, node, payee)
	w.settleStake(pledge)
	w.settleStake(w.acceptTx(pledge, node))
	return node
}

// settleStake makes transactions final.
func (w *stakeWorld) settleStake(txs ...*kernel.Transaction) {
	w.t.Helper()
	for _, tx := range txs {
		if err := w.check(tx); err != nil {
			w.t.Fatalf("%v: %v", tx.Class(), err)
		}
	}
	head := w.view.Head().Index
	d := w.inside(nil, snapshot(0, kernel.Round(head+1), head, w.entries(txs...)))
	if len(d.Faults) > 0 || len(d.Receipts) < len(txs) {
		w.t.Fatalf("%d receipts and faults %v of %d good transactions", len(d.Receipts), d.Faults, len(txs))
	}
}

// record returns a system record that a node signed in this epoch.
func (w *stakeWorld) record(kind kernel.RecordKind, node crypto.NodeKey, payload []byte) *kernel.Record {
	r := &kernel.Record{Kind: kind, Network: w.context.Network, Epoch: w.epoch.Epoch, Signer: node.Public(), Payload: payload}
	hash := r.SigningHash()
	r.Signature = node.Sign(hash[:])
	return r
}

// carry commits records in one snapshot.
func (w *stakeWorld) carry(rs ...*kernel.Record) *Diff {
	return w.inside(nil, snapshot(0, kernel.Round(w.view.Head().Index+1), 0, records(rs...)))
}

func (w *stakeWorld) resign(node crypto.NodeKey) { w.carry(w.record(kernel.RecordResign, node, nil)) }

// place is where a key stands in the roster in force, or -1.
func (w *stakeWorld) place(key kernel.Key) int { return placeOf(w.context.Roster, key) }

// equivocate makes a member sign twice in a round of an epoch and proves it.
func (w *stakeWorld) equivocate(node crypto.NodeKey, epoch kernel.Epoch, round kernel.Round) *kernel.Record {
	roster := w.epoch.Members
	if epoch != w.epoch.Epoch {
		previous, _ := previousRoster(w.view)
		roster = previous.Members
	}
	author := -1
	for i := range roster {
		if roster[i].Key == node.Public() {
			author = i
		}
	}
	var twins [2]*kernel.Header
	for i := range twins {
		h := &kernel.Header{Network: w.context.Network, Epoch: epoch, Author: kernel.Author(author), Round: round, Timestamp: w.clock + kernel.Timestamp(i)}
		id := h.ID()
		h.Signature = node.Sign(id[:])
		twins[i] = h
	}
	proof := kernel.EquivocationOf(twins[0], twins[1])
	return w.record(kernel.RecordEvidence, w.nodes[0], proof.AppendBinary(nil))
}

// shareHeader is a header of the member at a place with a coin share of a round.
func (w *stakeWorld) shareHeader(author int, round, shareOf kernel.Round) *kernel.Header {
	key, err := coin.NewKey(w.context.Network, w.epoch.Epoch, w.context.Roster)
	if err != nil {
		w.t.Fatal(err)
	}
	share, err := key.Share(w.shares[author], kernel.Author(author), shareOf)
	if err != nil {
		w.t.Fatal(err)
	}
	h := &kernel.Header{
		Network: w.context.Network, Epoch: w.epoch.Epoch, Author: kernel.Author(author), Round: round, Timestamp: w.clock, Share: share,
		Parents: []kernel.Parent{{Author: kernel.Author(author), Round: round - 1}},
	}
	id := h.ID()
	h.Signature = w.keys[w.context.Roster.Members[author].Key].Sign(id[:])
	return h
}

func (w *stakeWorld) wrongShare(h *kernel.Header) *kernel.Record {
	b, err := h.AppendBinary(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.record(kernel.RecordWrongShare, w.nodes[0], b)
}

func (w *stakeWorld) of(node crypto.NodeKey) MemberRecord {
	m, ok := MemberOf(w.view, kernel.NodeIDOf(w.context.Network, node.Public()))
	if !ok {
		w.t.Fatal("no such member")
	}
	return m
}

func (w *stakeWorld) mustBe(t *testing.T, node crypto.NodeKey, want kernel.MemberState) {
	t.Helper()
	if m := w.of(node); m.State != want {
		t.Fatalf("%v is %v, want %v", m.Member.Name, m.State, want)
	}
}
