package node

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/lightnode"
	"github.com/asterism-network/asterism/kernel/wallet"
)

// patient is for what takes seconds on a machine that has nothing else to do.
const patient = 3 * time.Minute

// A votersNetwork is seven real nodes with stakes, whose XIN one wallet holds, and whose day the test ends.
type votersNetwork struct {
	*testNetwork
	ctx    context.Context
	wallet *wallet.Wallet
	ahead  atomic.Int64 // of the machine's clock, in ns
}

func newVotersNetwork(t *testing.T) *votersNetwork {
	n := new(votersNetwork)
	now := time.Now()
	n.ahead.Store(int64(now.UTC().Truncate(24 * time.Hour).Add(23*time.Hour + 10*time.Minute).Sub(now))) // ten past eleven at night
	n.testNetwork = newNetwork(t, 7, coinsEach, staked, func(g *kernel.Genesis) {
		g.Timestamp = kernel.Timestamp(n.wall().UnixMilli())
		g.Stake.Motion.Window, g.Stake.Motion.Delay = 400, 5
	})
	for i := range 7 {
		n.configs[i].IdlePeriod, n.configs[i].wall = 100*time.Millisecond, n.wall
		n.start(i)
	}
	var cancel context.CancelFunc
	n.ctx, cancel = context.WithTimeout(context.Background(), slow*10*time.Minute)
	t.Cleanup(cancel)
	n.wallet = wallet.New(wallet.AccountKeys(n.user), n.genesis.NetworkID(), 0)
	n.until("all sign", patient, func() bool {
		for i := range 7 {
			if !n.isActive(i, 7) {
				return false
			}
		}
		return true
	})
	return n
}

func (n *votersNetwork) wall() time.Time { return time.Now().Add(time.Duration(n.ahead.Load())) }

// read brings the wallet up to date over a node.
func (n *votersNetwork) read(node int) wallet.Balance {
	n.t.Helper()
	_, err := n.wallet.Scan(n.ctx, n.clients[node])
	if err == nil {
		err = n.wallet.ReadLocks(n.ctx, n.clients[node])
	}
	if err != nil {
		n.t.Fatal(err)
	}
	return n.wallet.Balances()[0]
}

// bring hands a record to two nodes.
func (n *votersNetwork) bring(kind kernel.RecordKind, payload []byte, key kernel.NodeKey) {
	n.t.Helper()
	r := kernel.Record{Kind: kind, Network: n.genesis.NetworkID(), Epoch: n.nodes[0].recordEpoch(), Signer: key.Public(), Payload: payload}
	hash := r.SigningHash()
	r.Signature = key.Sign(hash[:])
	taken := false
	for _, c := range n.clients[:2] {
		_, err := c.SendRecord(n.ctx, r.AppendBinary(nil))
		var refusal *client.Error
		switch {
		case err == nil:
			taken = true
		case !taken || !errors.As(err, &refusal): // the second may know it already
			n.t.Fatal(err)
		}
	}
}

// vote lets the wallet vote with all that it may.
func (n *votersNetwork) vote(motion kernel.Hash, yes bool, avoid []wallet.Ref) {
	n.t.Helper()
	v := kernel.Vote{Motion: motion, For: yes}
	var err error
	v.Ballots, _, err = n.wallet.Ballots(kernel.NewAmount(1000_00000000), avoid, func(b []kernel.Ballot) kernel.Hash {
		return kernel.BallotHash(n.genesis.NetworkID(), motion, yes, b)
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.bring(kernel.RecordVote, v.AppendBinary(nil), kernel.NodeKeyFromSeed([32]byte{byte(motion[0]), 201}))
}

// everywhere waits until something holds at every node that runs.
func (n *votersNetwork) everywhere(what string, ok func(c *client.Client) (bool, error)) {
	n.t.Helper()
	for i, c := range n.clients {
		n.until(what, patient, func() bool {
			if n.cancel[i] == nil {
				return true
			}
			yes, err := ok(c)
			if err != nil {
				n.t.Fatal(err)
			}
			return yes
		})
	}
}

// TestGovernedNetwork: a light witness locks XIN, reports, and is paid when the day has ended; domains are asked for at
// two nodes at once, registered and denied; a protocol version is demanded, old nodes end cleanly and go on from
// their folders as newer ones.
func TestGovernedNetwork(t *testing.T) {
	if testing.Short() {
		t.Skip("two votes of some ten seconds each")
	}
	n := newVotersNetwork(t)
	witness := kernel.NodeKeyFromSeed([32]byte{200})
	payee := kernel.AccountFromSeed([64]byte{0: 9, 63: 9})
	locked := n.enrol(witness, payee)
	n.domains(locked)
	n.midnight(witness, payee)
	n.upgrade(locked)
}

// enrol makes a light witness, which reports, and returns the outputs that it locks.
func (n *votersNetwork) enrol(witness kernel.NodeKey, payee kernel.Account) (locked []wallet.Ref) {
	n.t.Helper()
	n.read(0)
	card := kernel.WitnessCard{Payee: payee.Address(), Until: 1_000_000}
	var err error
	card.Ballots, _, err = n.wallet.Ballots(kernel.NewAmount(200_00000000), nil, func(b []kernel.Ballot) kernel.Hash {
		return kernel.WitnessHash(n.genesis.NetworkID(), witness.Public(), &kernel.WitnessCard{Payee: card.Payee, Until: card.Until, Ballots: b})
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.bring(kernel.RecordWitness, card.AppendBinary(nil), witness)
	reports := func(want uint32) func(*client.Client) (bool, error) {
		return func(c *client.Client) (bool, error) {
			all, err := c.Witnesses(n.ctx)
			return len(all) == 1 && all[0].Reports == want, err
		}
	}
	n.everywhere("the light witness is enrolled", reports(0))
	n.bring(kernel.RecordReport, (&kernel.WitnessReport{Seen: 1, Reachable: 127}).AppendBinary(nil), witness)
	n.everywhere("it has reported", reports(1))
	if b := n.read(3); b.Locked != kernel.NewAmount(200_00000000) {
		n.t.Fatalf("balance %+v", b)
	}
	for _, l := range n.wallet.Locks() {
		locked = append(locked, l.Ref)
	}
	n.until("a light node shows what is locked", patient, func() bool {
		node, err := lightnode.Open(lightnode.Config{Genesis: n.genesis, Nodes: n.clients, Keys: &lightnode.Keys{View: n.user.View, Spend: n.user.Address().Spend}})
		if err != nil {
			n.t.Fatal(err)
		}
		if node.Sync(n.ctx, nil) != nil {
			return false
		}
		amount, known := node.Locked()
		return known && amount == kernel.NewAmount(200_00000000)
	})
	return locked
}

// domains has one domain registered and another denied.
func (n *votersNetwork) domains(avoid []wallet.Ref) {
	n.t.Helper()
	const good, bad = "c6d0c728-2624-429b-8e0d-d9d19b6592fa", "c94ac88f-4671-3976-b60a-09064f1811e8"
	keys := []kernel.Key{n.genesis.Members[0].Key, n.genesis.Members[1].Key}
	ask := func(node int, id string, keys []kernel.Key) kernel.DomainState {
		state, err := n.clients[node].RegisterDomain(n.ctx, id, keys)
		if err != nil {
			n.t.Error(err)
		}
		return state
	}
	if s := ask(2, "no uuid", keys); s != kernel.DomainInvalid {
		n.t.Errorf("a domain that is none is %v", s)
	}
	if s := ask(2, good, []kernel.Key{{1}}); s != kernel.DomainInvalid {
		n.t.Errorf("a domain whose key is no point is %v", s)
	}
	var group sync.WaitGroup
	for node, id := range map[int]string{0: good, 1: good, 4: good, 5: bad, 6: bad} {
		group.Go(func() {
			if s := ask(node, id, keys); s != kernel.DomainPending {
				n.t.Errorf("asked at node %d it is %v", node, s)
			}
		})
	}
	group.Wait()
	motions := func(c *client.Client) (byDomain map[string]client.MotionInfo, err error) {
		page, err := c.Motions(n.ctx, 0, 100)
		byDomain = map[string]client.MotionInfo{}
		for _, m := range page.Items {
			byDomain[m.Motion.Domain.ID] = m
		}
		if len(byDomain) != len(page.Items) {
			n.t.Fatalf("%d motions about %d domains: nodes that are asked at once bring one", len(page.Items), len(byDomain))
		}
		return byDomain, err
	}
	n.everywhere("both are before the voters", func(c *client.Client) (bool, error) {
		found, err := motions(c)
		return len(found) == 2, err
	})
	found, _ := motions(n.clients[0])
	n.vote(found[good].ID, true, avoid)
	n.vote(found[bad].ID, false, avoid)
	for id, want := range map[string]kernel.DomainState{good: kernel.DomainApproved, bad: kernel.DomainDenied} {
		n.everywhere(id+" is decided", func(c *client.Client) (bool, error) {
			d, err := c.Domain(n.ctx, id)
			return d.State == want, err
		})
		if s := ask(3, id, keys); s != want {
			n.t.Errorf("asked again, domain %s is %v, want %v", id, s, want)
		}
	}
}

// midnight lets a day end: members and the light witness are paid for it, on every node alike.
func (n *votersNetwork) midnight(witness kernel.NodeKey, payee kernel.Account) {
	n.t.Helper()
	n.ahead.Add(int64(time.Hour))
	light := kernel.NewAmount(13_69863013) // a tenth of the first day's 136.98630136
	n.everywhere("the day is settled", func(c *client.Client) (bool, error) {
		s, err := c.MintSchedule(n.ctx)
		if err != nil || s.Distributions == 0 {
			return false, err
		}
		d, nodes := s.Recent[len(s.Recent)-1], 0
		for _, share := range d.Shares {
			switch {
			case !share.Light:
				nodes++
			case share.Key != witness.Public() || share.Amount != light || share.Led == 0:
				n.t.Fatalf("the light share is %+v, want %s for %s", share, light, witness.Public())
			}
		}
		if len(d.Shares) != 8 || nodes != 7 || d.Batch != 1 {
			n.t.Fatalf("day %d has %d shares, %d of members", d.Batch, len(d.Shares), nodes)
		}
		stake, err := c.Stake(n.ctx)
		if err == nil && !stake.SupplyOK {
			n.t.Fatal("the supply does not add up after the settlement")
		}
		return true, err
	})
	rewards := wallet.New(wallet.AccountKeys(payee), n.genesis.NetworkID(), 0)
	if _, err := rewards.Scan(n.ctx, n.clients[4]); err != nil {
		n.t.Fatal(err)
	}
	if b := rewards.Balances(); len(b) != 1 || b[0].Spendable != light {
		n.t.Errorf("the light witness's payee has %+v, want %s", b, light)
	}
}

// upgrade has a protocol version demanded that two of the nodes do not know.
func (n *votersNetwork) upgrade(avoid []wallet.Ref) {
	n.t.Helper()
	const version = kernel.ProtocolVersion + 1
	for i := range 5 { // five of them are the newer program
		n.stop(i)
		n.configs[i].knows = version
		n.start(i)
		n.until("the newer program signs", patient, func() bool { return n.isActive(i, 7) })
	}
	motion := kernel.Motion{Subject: kernel.SubjectUpgrade, Title: "Newer rules", Upgrade: &kernel.Upgrade{Version: version, Epoch: n.nodes[0].recordEpoch() + 1}}
	n.bring(kernel.RecordMotion, (&kernel.Proposal{Motion: motion}).AppendBinary(nil), kernel.NodeKeyFromSeed(n.configs[0].Identity.Key))
	id := motion.ID(n.genesis.NetworkID())
	n.everywhere("the upgrade is before the voters", func(c *client.Client) (bool, error) {
		m, err := c.Motion(n.ctx, id, 0, 1)
		return m != nil, err
	})
	n.read(0)
	n.vote(id, true, avoid)
	for _, i := range []int{5, 6} {
		select {
		case err := <-n.done[i]:
			if !errors.Is(err, ErrVersion) {
				n.t.Fatalf("old node %d ends with %v", i, err)
			}
			n.cancel[i]()
			n.cancel[i] = nil
		case <-time.After(slow * patient):
			n.tell()
			n.t.Fatalf("old node %d goes on", i)
		}
	}
	for i := range 5 {
		stake, err := n.clients[i].Stake(n.ctx)
		if err != nil || stake.Protocol.Version != version {
			n.t.Errorf("node %d: %+v, %v", i, stake, err)
		}
	}
	n.pay(40, 0, 1, 2, 3, 4)
	if _, err := Open(n.reopening(5)); !errors.Is(err, ErrVersion) {
		n.t.Errorf("the old program opens the folder: %v", err)
	}
	for _, i := range []int{5, 6} {
		n.configs[i].knows = version
		n.start(i)
		n.until("an old node goes on as a newer one", patient, func() bool { return n.isActive(i, 7) })
	}
	n.pay(41, all(7)...)
}

// reopening is a node's configuration for another start from its folder.
func (n *votersNetwork) reopening(i int) Config {
	c := n.configs[i]
	c.Listener, c.Listen = nil, n.addresses[i]
	return c
}

// pay makes a payment with the i-th balance that nothing locks, which becomes final on the given nodes.
func (n *votersNetwork) pay(i int, nodes ...int) {
	n.t.Helper()
	n.read(nodes[0])
	to := kernel.AccountFromSeed([64]byte{0: byte(i), 63: 8})
	payment, err := n.wallet.Send(n.ctx, wallet.Network{Source: n.clients[nodes[0]], Submitter: n.clients[nodes[0]]}, wallet.NewReference(),
		wallet.Request{Asset: kernel.XIN, Pay: []wallet.Pay{{To: wallet.To(to.Address()), Amount: kernel.NewAmount(1_00000000)}}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.finalOn(payment.Transaction, nodes...)
}
