package node

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
	"github.com/asterism-network/asterism/kernel/internal/replica"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
	"github.com/asterism-network/asterism/kernel/internal/rpc/rpctest"
	"github.com/asterism-network/asterism/kernel/internal/store"
	"github.com/asterism-network/asterism/kernel/internal/wire"
	"github.com/asterism-network/asterism/kernel/light"
	"github.com/asterism-network/asterism/kernel/lightnode"
)

// A madeLedger is a folder that the ledger has filled, without consensus and without signatures of
// payments, and whose checkpoints all members have signed: a long history in seconds.
type madeLedger struct {
	t       *testing.T
	genesis *kernel.Genesis
	keys    []crypto.NodeKey
	store   *store.Store
	context *ledger.Context
	random  *rand.Rand

	mine, theirs kernel.Account
	coins        []note // unspent, of both
	owned        map[kernel.OutputRef]kernel.Amount
	round        kernel.Round
	position     uint64
	payments     int
}

// anySignature is a ledger.Verifier for payments that nobody has signed.
type anySignature struct{}

func (anySignature) Verify(*kernel.Transaction, kernel.Hash, [][]kernel.Key) bool { return true }

func makeLedger(t *testing.T, payments int) *madeLedger {
	t.Helper()
	m := &madeLedger{
		t: t, random: rand.New(rand.NewPCG(1, 1)), owned: map[kernel.OutputRef]kernel.Amount{},
		mine: kernel.AccountFromSeed([64]byte{7: 1}), theirs: kernel.AccountFromSeed([64]byte{7: 2}),
	}
	n := newNetwork(t, 7, 0, func(g *kernel.Genesis) {
		g.Parameters.CheckpointPeriod = 10_000 // ten commits
		for i := range 500 {
			to := m.theirs
			if i%50 == 0 {
				to = m.mine
			}
			g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: to.Address(), Amount: kernel.NewAmount(1000_00000000)})
		}
	})
	m.genesis = n.genesis
	for _, c := range n.configs {
		m.keys = append(m.keys, crypto.NodeKeyFromSeed(c.Identity.Key))
		c.Listener.Close()
	}
	m.coins = genesisCoins(t, m.genesis)
	for i, c := range m.coins {
		if i%50 == 0 {
			m.owned[c.OutputRef] = c.Amount
		}
	}
	m.context = ledger.ContextOf(m.genesis, anySignature{})
	var err error
	if m.store, err = replica.Open(n.configs[0].Home, m.genesis, m.keys[0].Public(), store.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.store.Close() })
	m.extend(payments)
	return m
}

// extend makes so many payments more and the newest checkpoint after them.
func (m *madeLedger) extend(payments int) {
	for end := m.payments + payments; m.payments < end; {
		m.commit(min(500, end-m.payments))
	}
	for m.store.Head().Index%10 != 0 {
		m.commit(0)
	}
	m.certify()
}

// commit makes a commit of n payments.
func (m *madeLedger) commit(n int) {
	m.round++
	head := m.store.Head()
	body := new(kernel.Body)
	var made []note
	for range n {
		tx, notes := m.pay()
		raw, err := tx.AppendBinary(nil)
		if err != nil {
			m.t.Fatal(err)
		}
		body.Entries = append(body.Entries, kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
		made = append(made, notes...)
	}
	body.Sort()
	encoded := body.AppendBinary(nil)
	h := &kernel.Header{Network: m.genesis.NetworkID(), Round: m.round, Timestamp: head.Timestamp + 1000, BodyRoot: body.Root(), BodyLength: uint32(len(encoded))}
	h.Parents = []kernel.Parent{{Round: m.round - 1}}
	header, err := h.AppendBinary(nil)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := m.store.Append([]store.Record{{ID: h.ID(), Round: m.round, Header: header, Body: encoded}}, false); err != nil {
		m.t.Fatal(err)
	}
	c := &kernel.Commit{Index: head.Index + 1, Timestamp: head.Timestamp + 1000, Position: m.position, Snapshots: []kernel.CommittedID{{Round: m.round, ID: h.ID()}}}
	m.position++
	view := m.store.View()
	diff := ledger.Execute(view, c, []ledger.Committed{{Round: m.round, ID: h.ID(), Body: body}}, m.context)
	view.Close()
	for _, r := range diff.Receipts {
		if r.Status != kernel.Final {
			m.t.Fatalf("payment %s is %s", r.Transaction, r.Rule)
		}
	}
	if len(diff.Receipts) != n {
		m.t.Fatalf("%d of %d payments have a receipt: %+v", len(diff.Receipts), n, diff.Faults)
	}
	c.Digest = diff.Head.Digest
	if err := m.store.Commit(c, diff, nil); err != nil {
		m.t.Fatal(err)
	}
	m.coins = append(m.coins, made...)
	m.payments += n
}

// pay spends a coin: a part goes to somebody, the rest back to its owner.
func (m *madeLedger) pay() (*kernel.Transaction, []note) {
	i := m.random.IntN(len(m.coins))
	c := m.coins[i]
	m.coins[i] = m.coins[len(m.coins)-1]
	m.coins = m.coins[:len(m.coins)-1]
	_, wasMine := m.owned[c.OutputRef]
	delete(m.owned, c.OutputRef)
	tx := &kernel.Transaction{Asset: c.asset, Inputs: []kernel.Input{{OutputRef: c.OutputRef}}}
	var number [8]byte
	binary.BigEndian.PutUint64(number[:], m.random.Uint64())
	tx.Extra = number[:]
	hi, lo := c.Amount.Units()
	part := kernel.AmountFromUnits(0, lo/3)
	rest := kernel.AmountFromUnits(hi, lo-lo/3)
	forMe := [2]bool{m.random.IntN(40) == 0, wasMine}
	for i, amount := range []kernel.Amount{part, rest} {
		tx.Outputs = append(tx.Outputs, m.output(amount, forMe[i], i))
	}
	tx.Signatures = []kernel.SignatureMap{{{Index: 0}}}
	notes := coinsOf(tx)
	for i := range notes {
		if forMe[i] {
			m.owned[notes[i].OutputRef] = notes[i].Amount
		}
	}
	return tx, notes
}

// output is mine, or of a stranger: then its key is any point.
func (m *madeLedger) output(amount kernel.Amount, mine bool, index int) kernel.Output {
	var wide [64]byte
	for i := range 8 {
		binary.LittleEndian.PutUint64(wide[8*i:], m.random.Uint64())
	}
	r := crypto.ScalarFromWide(wide)
	out := kernel.Output{Amount: amount, Mask: r.Public(), Script: kernel.NewScript(1)}
	key := out.Mask
	if mine {
		var err error
		to := m.mine.Address()
		if key, err = crypto.GhostPublic(r, to.View, to.Spend, uint64(index)); err != nil {
			m.t.Fatal(err)
		}
	}
	out.Keys = []kernel.Key{key}
	return out
}

// certify makes the checkpoint that is due and lets all members sign it.
func (m *madeLedger) certify() {
	m.t.Helper()
	c := replica.NewCertifier(m.store, m.genesis, madeSigner{m})
	index, due := c.Due()
	if !due {
		m.t.Fatal("no checkpoint is due")
	}
	if _, err := c.Make(index, true); err != nil {
		m.t.Fatal(err)
	}
	ordered, _ := m.store.Ordered(index)
	_, receipts, outputs := m.store.TreesAt()
	cp := kernel.Checkpoint{
		Network: m.genesis.NetworkID(), Index: index, Timestamp: ordered.Timestamp, Digest: ordered.Digest,
		Receipts: receipts, Outputs: outputs, Roster: m.genesis.EpochRoster().Hash(m.genesis.NetworkID()),
	}
	hash := cp.SigningHash()
	for _, key := range m.keys[1:] {
		if _, err := c.Take(key.Public(), wire.CheckpointVote{Vote: kernel.CheckpointVote{Index: index, Signature: key.Sign(hash[:])}}); err != nil {
			m.t.Fatal(err)
		}
	}
	if p, ok := m.store.Certificate(index); !ok || p.Checkpoint != cp {
		m.t.Fatalf("the checkpoint is not certified as %+v", cp)
	}
}

type madeSigner struct{ *madeLedger }

func (m madeSigner) SignCheckpoint(_ *kernel.EpochRoster, h kernel.Hash) (kernel.Author, kernel.Signature, bool) {
	return 0, m.keys[0].Sign(h[:]), true
}

// serve answers the public interface from the folder; lie changes what proofs are made of.
func (m *madeLedger) serve(lie func(rpc.Proofs) rpc.Proofs) *client.Client {
	m.t.Helper()
	head := new(headSignal)
	head.set(m.store.Head().Index)
	var h rpc.History = history{m.store, head}
	if lie != nil {
		h = lying{h, lie(h.(rpc.Proofs))}
	}
	server, err := rpc.New(rpc.Config{Listen: "127.0.0.1:0"}, rpctest.New(m.t, 1), h, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		m.t.Fatal(err)
	}
	l, err := server.Listen()
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, l) }()
	m.t.Cleanup(func() { cancel(); <-done })
	return client.New("http://" + l.Addr().String())
}

type lying struct {
	rpc.History
	rpc.Proofs
}

func (m *madeLedger) light(nodes ...*client.Client) lightnode.Config {
	return lightnode.Config{Genesis: m.genesis, Nodes: nodes, Keys: &lightnode.Keys{View: m.mine.View, Spend: m.mine.Address().Spend}}
}

// balance is what a light node must find.
func (m *madeLedger) balance() (sum kernel.Amount) {
	for _, amount := range m.owned {
		sum, _ = sum.Add(amount)
	}
	return sum
}

func (m *madeLedger) check(n *lightnode.Node) {
	m.t.Helper()
	list, ok := n.Account().Balances()
	if !ok || !n.Complete() || len(list) != 1 || list[0].Amount != m.balance() || list[0].Outputs != len(m.owned) {
		m.t.Errorf("balances are %+v (complete: %t), want %s in %d outputs", list, n.Complete(), m.balance(), len(m.owned))
	}
}

// TestLightNode is the promise to light nodes: with nothing but the genesis file the right balance after
// many payments, quickly and in little memory. ASTERISM_FULL makes 100,000 payments.
func TestLightNode(t *testing.T) {
	payments := 3000
	if os.Getenv("ASTERISM_FULL") != "" {
		payments = 100_000
	}
	m := makeLedger(t, payments)
	c := m.light(m.serve(nil))
	c.File = filepath.Join(t.TempDir(), "light")
	runtime.GC()
	debug.FreeOSMemory()
	var before, most runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	n, err := lightnode.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	err = n.Sync(context.Background(), func(lightnode.Progress) {
		var now runtime.MemStats
		if runtime.ReadMemStats(&now); now.HeapAlloc > most.HeapAlloc {
			most = now
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	m.check(n)
	grown := int64(most.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d payments: %v, %d MB of heap more at most, the node in this process included", payments, took, grown>>20)
	if grown > 100<<20 {
		t.Errorf("%d MB", grown>>20)
	}
	// It goes on from its file, to a newer checkpoint, and reads history in the other way.
	m.extend(300)
	if n, err = lightnode.Open(c); err != nil {
		t.Fatal(err)
	}
	if head, ok := n.Head(); !ok || head.Index == 0 {
		t.Fatal("nothing was kept")
	}
	c.Nodes = []*client.Client{m.serve(nil)}
	if n, err = lightnode.Open(c); err != nil {
		t.Fatal(err)
	}
	if err := n.Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	m.check(n)
	if payments > 10_000 {
		return
	}
	c.File, c.History = "", true
	if n, err = lightnode.Open(c); err != nil {
		t.Fatal(err)
	}
	if err := n.Sync(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	m.check(n)
}

// A forger shows certificates of a committee of its own.
type forger struct {
	rpc.Proofs
	keys    []crypto.NodeKey
	roster  *kernel.EpochRoster
	forge   func(f *forger, cp *kernel.Checkpoint)
	network kernel.NetworkID
}

func (f *forger) Certificate(atMost kernel.CommitIndex) (*kernel.CheckpointProof, bool) {
	p, ok := f.Proofs.Certificate(atMost)
	if !ok {
		return nil, false
	}
	return f.sign(p.Checkpoint), true
}

func (f *forger) sign(cp kernel.Checkpoint) *kernel.CheckpointProof {
	cp.Index += 10
	cp.Digest[0]++
	if f.forge != nil {
		f.forge(f, &cp)
	}
	p, hash := &kernel.CheckpointProof{Checkpoint: cp}, cp.SigningHash()
	for a := range f.roster.Roster().Quorum() {
		p.Signatures = append(p.Signatures, kernel.CheckpointSignature{Author: kernel.Author(a), Signature: f.keys[a].Sign(hash[:])})
	}
	return p
}

// RosterChange leads to the forgers.
func (f *forger) RosterChange(to kernel.Epoch) (*kernel.RosterChange, bool) {
	if to != 1 {
		return nil, false
	}
	p, _ := f.Proofs.Certificate(1 << 60)
	next := *f.roster
	next.Epoch = 1
	cp := p.Checkpoint
	cp.Next = next.Hash(f.network)
	return &kernel.RosterChange{End: *f.sign(cp), Next: next}, true
}

// TestForgedCommittee shows light nodes nodes that lie: alone they are refused by name, beside an
// honest one they change nothing.
func TestForgedCommittee(t *testing.T) {
	m := makeLedger(t, 200)
	honest := m.serve(nil)
	for name, tt := range map[string]struct {
		forge func(f *forger, cp *kernel.Checkpoint)
		want  light.Refusal
	}{
		"forged signatures": {nil, light.SignatureInvalid},
		"forged roster":     {func(f *forger, cp *kernel.Checkpoint) { cp.Roster = f.roster.Hash(f.network) }, light.WrongRoster},
		"forged epoch":      {func(f *forger, cp *kernel.Checkpoint) { cp.Epoch++ }, light.WrongEpoch},
		"forged network":    {func(f *forger, cp *kernel.Checkpoint) { cp.Network[0]++ }, light.WrongNetwork},
	} {
		t.Run(name, func(t *testing.T) {
			liar := m.serve(func(p rpc.Proofs) rpc.Proofs {
				f := &forger{Proofs: p, network: m.genesis.NetworkID(), roster: m.genesis.EpochRoster(), forge: tt.forge}
				roster := *f.roster
				roster.Members = append([]kernel.Member(nil), roster.Members...)
				for i := range roster.Members {
					key := crypto.NodeKeyFromSeed([32]byte{byte(i), 200})
					f.keys = append(f.keys, key)
					roster.Members[i].Key = key.Public()
				}
				f.roster = &roster
				return f
			})
			alone, err := lightnode.Open(m.light(liar))
			if err != nil {
				t.Fatal(err)
			}
			if err := alone.Sync(context.Background(), nil); !errors.Is(err, lightnode.ErrNoNode) || !errors.Is(alone.Refused()[liar.URL()], tt.want) && tt.want != light.WrongEpoch {
				t.Errorf("a liar alone: %v, %v, want %v", err, alone.Refused(), tt.want)
			}
			if _, ok := alone.Head(); ok {
				t.Error("a liar is believed")
			}
			both, err := lightnode.Open(m.light(liar, honest))
			if err != nil {
				t.Fatal(err)
			}
			if err := both.Sync(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			m.check(both)
			if both.Refused()[liar.URL()] == nil {
				t.Error("the liar is not named")
			}
		})
	}
}
