package wallet

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// stakedChain is a chain whose members stake 1,000 XIN. Alice holds the rest, in three outputs.
func stakedChain(t *testing.T) *chain {
	return foundChain(t, func(g *kernel.Genesis) {
		g.Parameters.Pledge = coins(1000)
		g.Stake = kernel.DefaultStake()
		g.Stake.Total = kernel.NewAmount(510_000_00000000)
		for range 2 {
			g.Balances = append(g.Balances, kernel.GenesisOutput{Asset: kernel.XIN, Address: alice.Address(), Amount: coins(700)})
		}
		if err := g.Distribute(alice.Address()); err != nil {
			t.Fatal(err)
		}
	}, 1, alice)
}

var joiner = kernel.NodeKeyFromSeed([32]byte{9, 9})

func pledge(amount kernel.Amount) Request {
	return Request{Asset: kernel.XIN, Pledge: &Pledge{Signer: joiner.Public(), Payee: bob.Address(), Amount: amount}}
}

func (c *chain) member() (ledger.MemberRecord, bool) {
	return ledger.MemberOf(c.view, kernel.NodeIDOf(c.network(), joiner.Public()))
}

// TestPledgeAndAccept takes a node from its owner's wallet into the ledger's list.
func TestPledgeAndAccept(t *testing.T) {
	c := stakedChain(t)
	a := c.wallet(alice)
	p, err := a.Plan(pledge(coins(1000)), seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	e := p.Effects()
	if e.Class != "node_pledge" || e.Lines[0].To != pledgeText((&Pledge{Signer: joiner.Public(), Payee: bob.Address()}).extra()) || e.Lines[0].Amount != coins(1000) {
		t.Fatalf("effects %+v", e)
	}
	paid := c.pay(a, "pledge", pledge(coins(1000)))
	tx := c.transaction(t, paid.Transaction)
	raw, err := AcceptPledge(tx, joiner)
	if err != nil {
		t.Fatal(err)
	}
	c.commit(raw)
	if m, ok := c.member(); !ok || m.State != kernel.MemberJoining || m.Member.Payee != bob.Address() {
		t.Fatalf("%v %+v", ok, m)
	}
	if _, err := AcceptPledge(tx, kernel.NodeKeyFromSeed([32]byte{1})); !errors.Is(err, ErrRequest) {
		t.Error("another node accepts:", err)
	}
	if _, err := AcceptPledge(&kernel.Transaction{Outputs: []kernel.Output{{}}}, joiner); !errors.Is(err, ErrRequest) {
		t.Error("a payment is accepted:", err)
	}
}

func (c *chain) transaction(t *testing.T, hash kernel.TxHash) *kernel.Transaction {
	t.Helper()
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(c.raw[hash]); err != nil {
		t.Fatal(err)
	}
	return tx
}

// TestCancelPledge: what comes back is the wallet's again, less a hundredth.
func TestCancelPledge(t *testing.T) {
	c := stakedChain(t)
	a, b := c.wallet(alice), c.wallet(bob)
	before := xin(a)
	paid := c.pay(a, "pledge", pledge(coins(1000)))
	c.scan(a)
	tx := c.transaction(t, paid.Transaction)
	if _, err := b.CancelPledge(tx, seeded(1)); !errors.Is(err, ErrRequest) {
		t.Error("somebody else cancels:", err)
	}
	raw, err := a.CancelPledge(tx, seeded(2))
	if err != nil {
		t.Fatal(err)
	}
	c.commit(raw)
	c.scan(a)
	if m, _ := c.member(); m.State != kernel.MemberCancelled {
		t.Fatalf("%+v", m)
	}
	if want := minus(before, coins(10)); xin(a) != want {
		t.Errorf("alice has %s, want %s", xin(a), want)
	}
	c.pay(a, "again", Request{Asset: kernel.XIN, Pay: []Pay{{To(bob.Address()), coins(900)}}})
}

func xin(w *Wallet) (sum kernel.Amount) {
	for _, o := range w.Outputs() {
		if o.Asset == kernel.XIN && !o.Spent() {
			sum = plus(sum, o.Amount)
		}
	}
	return sum
}

// TestPledgeRequests: what the ledger would refuse is refused before it is signed.
func TestPledgeRequests(t *testing.T) {
	good := pledge(coins(1))
	if err := good.Check(); err != nil {
		t.Fatal("base case is not valid:", err)
	}
	for name, broken := range map[string]func(r *Request){
		"bitcoin":         func(r *Request) { r.Asset = kernel.BTC },
		"memo":            func(r *Request) { r.Memo = []byte("x") },
		"withdrawal":      func(r *Request) { r.Withdraw = &Withdraw{Address: "x", Amount: coins(1)} },
		"shared":          func(r *Request) { to := To(bob.Address()); r.From = &to },
		"no node":         func(r *Request) { r.Pledge.Signer = kernel.Key{} },
		"nobody":          func(r *Request) { r.Pledge.Payee = kernel.Address{} },
		"signer is payee": func(r *Request) { r.Pledge.Signer = r.Pledge.Payee.Spend },
		"nothing":         func(r *Request) { r.Pledge.Amount = kernel.Amount{} },
	} {
		r := pledge(coins(1))
		broken(&r)
		if r.Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	other := pledge(coins(1))
	other.Pledge.Payee = carol.Address()
	if other.digest() == good.digest() {
		t.Error("two pledges are one request")
	}
}

// TestStakePaidBackIsFound: outputs of type a6 are the wallet's like any other.
func TestStakePaidBackIsFound(t *testing.T) {
	r := crypto.ScalarFromWide([64]byte{1})
	key, err := crypto.GhostPublic(r, bob.Address().View, bob.Address().Spend, 0)
	if err != nil {
		t.Fatal(err)
	}
	tx := &kernel.Transaction{Asset: kernel.XIN, Outputs: []kernel.Output{{
		Type: kernel.OutputNodeRemove, Amount: coins(1000), Keys: []kernel.Key{key}, Mask: crypto.Mask(r), Script: kernel.NewScript(1),
	}}}
	if found := AccountKeys(bob).match(tx.Hash(), tx); len(found) != 1 || found[0].Amount != coins(1000) {
		t.Errorf("found %v", found)
	}
}
