package rpc_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/client"
	"github.com/asterism-network/asterism/pillars/internal/chaintest"
	"github.com/asterism-network/asterism/pillars/node"
	"github.com/asterism-network/asterism/pillars/wallet"
)

// A person has a wallet and reads the chain through a node.
type person struct {
	*wallet.Wallet
	s    *served
	node wallet.Node
	at   pillars.Address
}

func (s *served) person(name string) *person {
	w := newWallet(s.t, name, s.maker.Params)
	return &person{w, s, wallet.From(s.client, &s.maker.Params), address(s.t, w, "")}
}

// scan reads what is new and returns what can be spent of something.
func (p *person) scan(symbol string) uint64 {
	p.s.t.Helper()
	if _, err := p.Scan(context.Background(), p.node); err != nil {
		p.s.t.Fatal(err)
	}
	for _, b := range p.Balances("") {
		if b.Symbol == symbol {
			return b.Spendable
		}
	}
	return 0
}

// send signs and broadcasts a draft, and mines it.
func (p *person) send(d *wallet.Draft, err error) *pillars.Transaction {
	p.s.t.Helper()
	if err != nil {
		p.s.t.Fatal(err)
	}
	if _, err := p.Sign(d); err != nil {
		p.s.t.Fatal(err)
	}
	tx, err := p.Broadcast(context.Background(), p.node, d, "")
	if err != nil {
		p.s.t.Fatal(err)
	}
	got, err := p.s.client.Transaction(context.Background(), tx.ID())
	if err != nil || got.State != "pending" || got.Fee == nil {
		p.s.t.Fatalf("just sent: %+v, %v", got, err)
	}
	p.s.mine(tx)
	p.scan("ETP")
	return tx
}

// TestWalletsOverTheWire: two wallets that know nothing but a node's address pay each other with everything
// that the chain carries, and see afterwards what the state of the chain says.
func TestWalletsOverTheWire(t *testing.T) {
	s := serve(t, chaintest.New(1), node.InterfaceOptions{})
	ctx := t.Context()
	s.mine()
	alice, bob := s.person("alice"), s.person("bob")
	s.fund(alice.at, 100*pillars.ETP, 50*pillars.ETP)
	if got := alice.scan("ETP"); got != uint64(150*pillars.ETP) {
		t.Fatalf("alice has %d", got)
	}

	to := func(p *person) wallet.Recipient { return wallet.Recipient{Address: p.at} }
	alice.send(alice.Send([]wallet.Payment{{To: to(bob), Amount: 20 * pillars.ETP}}, wallet.Options{}))
	if got := bob.scan("ETP"); got != uint64(20*pillars.ETP) {
		t.Fatalf("bob has %d", got)
	}
	bob.send(bob.Send([]wallet.Payment{{To: wallet.Recipient{Address: address(t, alice.Wallet, "bip84/0")}, Amount: 3 * pillars.ETP}}, wallet.Options{}))
	balances, err := s.client.Balances(ctx, bob.at.Text(s.maker.Params.Address), address(t, alice.Wallet, "bip84/0").Text(s.maker.Params.Address))
	if err != nil || balances[1].Confirmed != 3*pillars.ETP || balances[1].Available != 3*pillars.ETP {
		t.Fatalf("%+v, %v", balances, err)
	}

	// An avatar, found by its name afterwards.
	alice.scan("ETP")
	alice.send(alice.RegisterAvatar("alice", alice.at, wallet.Options{}))
	found, err := s.client.Avatar(ctx, "alice")
	if err != nil || found.Address != alice.at.Text(s.maker.Params.Address) || len(found.History) != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	named, err := bob.Resolve(ctx, bob.node, "alice")
	if err != nil || named.Address != alice.at || named.Avatar != "alice" {
		t.Fatalf("%+v, %v", named, err)
	}
	if _, err := bob.Resolve(ctx, bob.node, "nobody"); !errors.Is(err, wallet.ErrRequest) {
		t.Fatalf("an avatar that is not there: %v", err)
	}

	// An asset, its certificates, and a part of it for bob.
	issue := wallet.Issue{Symbol: "GOLD.COIN", Supply: 5_000_000, Decimals: 4, Threshold: pillars.ThresholdFree, Issuer: named, Description: "tests"}
	alice.send(alice.IssueAsset(issue, wallet.Options{}))
	asset, err := s.client.Asset(ctx, "GOLD.COIN")
	if err != nil || asset.Outstanding != 5_000_000 || asset.Issuer != "alice" {
		t.Fatalf("%+v, %v", asset, err)
	}
	certs, err := s.client.Certificates(ctx, "alice", "", 10)
	if err != nil || len(certs.Items) != 2 {
		t.Fatalf("%+v, %v", certs, err)
	}
	alice.send(alice.SendAsset("GOLD.COIN", []wallet.AssetPayment{{To: to(bob), Quantity: 123}}, wallet.Options{}))
	if got := bob.scan("GOLD.COIN"); got != 123 {
		t.Fatalf("bob has %d of the asset", got)
	}
	held, err := s.client.Balances(ctx, bob.at.Text(s.maker.Params.Address))
	if err != nil || len(held[0].Assets) != 1 || held[0].Assets[0].Quantity != 123 || held[0].Assets[0].Decimals != 4 {
		t.Fatalf("%+v, %v", held, err)
	}

	// A token that changes hands, with its history.
	alice.send(alice.RegisterTokens([]wallet.NewToken{{Symbol: "seat-1", Content: "row 3"}}, named, wallet.Options{}))
	alice.send(alice.TransferToken("seat-1", to(bob), wallet.Options{}))
	token, err := s.client.Token(ctx, "seat-1")
	if err != nil || token.Address != bob.at.Text(s.maker.Params.Address) || len(token.History) != 2 || token.History[0].Address == token.Address {
		t.Fatalf("%+v, %v", token, err)
	}

	// A lock that lets its owner stake.
	stake := s.maker.Params.Stake
	rich := s.person("rich")
	s.fund(rich.at, 3*stake.Locked, 2*stake.Minimum)
	rich.scan("ETP")
	rich.send(rich.LockStake(rich.at, stake.Locked, stake.LockBlocks+stake.LockTail, wallet.Options{ChangeTo: rich.at}))
	for range 12 {
		s.mine()
	}
	staking, err := s.client.Staking(ctx, rich.at.Text(s.maker.Params.Address))
	if err != nil || !staking.Eligible || staking.Usable < stake.Minimum || len(staking.Locks) != 1 || staking.Chance <= 0 {
		t.Fatalf("%+v, %v", staking, err)
	}

	// What wallets say is what the chain says.
	for _, p := range []*person{alice, bob, rich} {
		p.scan("ETP")
		total := pillars.Amount(0)
		for _, c := range p.Coins() {
			total += c.Output.Output.Value
		}
		seen := pillars.Amount(0)
		for _, account := range []string{"direct/0", "bip44/0", "bip84/0", "bip86/0"} {
			for chain := range uint32(2) {
				for i := range uint32(30) {
					purse, err := p.Address(account, chain, i)
					if err != nil {
						continue
					}
					b, err := s.client.Balances(ctx, purse.Address.Text(s.maker.Params.Address))
					if err != nil {
						t.Fatal(err)
					}
					if account == "direct/0" && chain == 1 {
						continue // a direct account has one chain
					}
					seen += b[0].Confirmed
				}
			}
		}
		if total != seen || total == 0 {
			t.Errorf("the wallet has %s, the chain says %s", total, seen)
		}
	}
}

// TestUnconfirmed: what waits is seen before it is in a block, by both sides, and an output is not chosen twice.
func TestUnconfirmed(t *testing.T) {
	s := serve(t, chaintest.New(2), node.InterfaceOptions{})
	ctx := t.Context()
	s.mine()
	alice, bob := s.person("alice"), s.person("bob")
	s.fund(alice.at, 100*pillars.ETP)
	alice.scan("ETP")
	d, err := alice.Send([]wallet.Payment{{To: wallet.Recipient{Address: bob.at}, Amount: 7 * pillars.ETP}}, wallet.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Sign(d); err != nil {
		t.Fatal(err)
	}
	tx, err := alice.Broadcast(ctx, alice.node, d, "order 1")
	if err != nil {
		t.Fatal(err)
	}
	if err := alice.node.Submit(ctx, tx); err != nil {
		t.Errorf("sending it again: %v", err)
	}
	if bob.scan("ETP") != 0 || len(bob.Coins()) != 1 || bob.Coins()[0].Reason != wallet.Pending {
		t.Errorf("bob sees %+v", bob.Coins())
	}
	if alice.scan("ETP") != 0 {
		t.Error("alice can spend the change of what waits, or its input again")
	}
	b, err := s.client.Balances(ctx, bob.at.Text(s.maker.Params.Address))
	if err != nil || b[0].Pending != 7*pillars.ETP || b[0].Confirmed != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	page, err := s.client.Pending(ctx, 0, 10)
	if err != nil || len(page.Items) != 1 || page.Items[0].Hash != tx.ID() {
		t.Errorf("%+v, %v", page, err)
	}
	s.mine(tx)
	if bob.scan("ETP") != uint64(7*pillars.ETP) {
		t.Error("mined, and bob cannot spend it")
	}
	again := *tx
	again.Outputs = append([]pillars.Output{}, tx.Outputs...)
	again.Outputs[0].Value -= 5
	var refusal *client.Error
	if _, err := s.client.Send(ctx, &again); !errors.As(err, &refusal) || refusal.Name == "" || refusal.Name == "internal_error" {
		t.Errorf("a spent input: %v", err)
	}
}

// TestNothingVanishes: a transaction that goes from the mempool into a block is seen in one of them at every moment.
func TestNothingVanishes(t *testing.T) {
	s := serve(t, chaintest.New(5), node.InterfaceOptions{})
	ctx := t.Context()
	s.mine()
	alice := s.person("alice")
	for round := range 6 {
		free := s.tip.Coins(s.tip.Branch.Number+1, 20_000*pillars.ETP)
		tx := s.maker.Pay(free[:1], pillars.ETP)
		tx.Outputs[0].Script = alice.at.Script()
		s.maker.Sign(tx)
		if _, err := s.client.Send(ctx, tx); err != nil {
			t.Fatal(err)
		}
		next := s.maker.MineWith(s.tip, 2, tx)
		stop, done := make(chan struct{}), make(chan error, 1)
		go func() {
			for {
				if _, err := s.client.Transaction(ctx, tx.ID()); err != nil {
					done <- err
					return
				}
				b, err := s.client.Balances(ctx, alice.at.Text(s.maker.Params.Address))
				if want := pillars.Amount(round+1) * pillars.ETP; err != nil || b[0].Confirmed+b[0].Pending != want {
					done <- errors.Join(err, errors.New("a balance of "+(b[0].Confirmed+b[0].Pending).String()+", not "+want.String()))
					return
				}
				select {
				case <-stop:
					done <- nil
					return
				default:
				}
			}
		}()
		s.give(next)
		close(stop)
		if err := <-done; err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}
