package wallet

import (
	"errors"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/asterism-network/asterism/pillars"
)

func etpCoins(values ...uint64) (coins []Coin) {
	for i, v := range values {
		coins = append(coins, Coin{Output: Output{Point: pillars.Outpoint{Index: uint32(i)}, Output: pillars.Output{Value: pillars.Amount(v)}}})
	}
	return coins
}

func free(*Coin) uint64 { return 0 }

func total(coins []Coin) (sum uint64) {
	for i := range coins {
		sum += uint64(coins[i].Output.Output.Value)
	}
	return sum
}

// TestChooseHits: a sum that needs no change is found, the best one, though others come first.
func TestChooseHits(t *testing.T) {
	coins := etpCoins(50, 40, 30, 21, 20, 9)
	for range 5 {
		some, err := choose(rand.New(rand.NewPCG(1, 2)), coins, 59, free, 5, 10)
		if err != nil || total(some) != 59 {
			t.Errorf("chose %d, %v", total(some), err)
		}
	}
}

// TestChoose holds whatever is chosen to the contract, against sums counted one by one.
func TestChoose(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint64Range(1, 1000), 1, 12).Draw(t, "values")
		want := rapid.Uint64Range(1, 6000).Draw(t, "want")
		room := rapid.IntRange(1, 12).Draw(t, "room")
		cost := rapid.Uint64Range(0, 50).Draw(t, "cost")
		seed := rapid.Uint64().Draw(t, "seed")
		some, err := choose(rand.New(rand.NewPCG(seed, 0)), etpCoins(values...), want, free, cost, room)
		possible, exact := false, false
		for mask := range 1 << len(values) {
			sum, n := uint64(0), 0
			for i, v := range values {
				if mask>>i&1 == 1 {
					sum, n = sum+v, n+1
				}
			}
			possible = possible || n <= room && sum >= want
			exact = exact || n <= room && sum >= want && sum <= want+cost
		}
		switch {
		case err == nil:
			seen := map[pillars.Outpoint]bool{}
			for _, c := range some {
				seen[c.Point] = true
			}
			if len(seen) != len(some) || len(some) > room || total(some) < want || !possible {
				t.Fatalf("chose %d coins of %d for %d", len(some), total(some), want)
			}
			if exact && total(some) > want+cost {
				t.Fatalf("missed a sum without change: %d for %d", total(some), want)
			}
		case errors.Is(err, ErrInsufficient):
			var e *InsufficientError
			if total(etpCoins(values...)) >= want || !errors.As(err, &e) || e.Missing != want-total(etpCoins(values...)) {
				t.Fatal(err)
			}
		case !errors.Is(err, ErrTooManyInputs) || possible:
			t.Fatal(err)
		}
	})
}

// TestFeeBySize: a transaction of many inputs pays for its size, and never less than the least fee.
func TestFeeBySize(t *testing.T) {
	s := newScene(t)
	var outs []pillars.Output
	for range 150 {
		outs = append(outs, pay(s.at, pillars.ETP))
	}
	s.l.pages = 1000
	s.l.fund(outs...)
	s.l.scan(s.w)
	tx := s.mine(s.w.Send([]Payment{{To: s.to(), Amount: 250 * pillars.ETP}}, Options{FeePerKB: 10_000}))
	fee, size := s.fee(tx), tx.Size()
	least := pillars.Amount(size) * 10_000 / 1000
	if fee < least || fee > least*12/10+dust {
		t.Errorf("%d inputs, %d bytes pay %s, want about %s", len(tx.Inputs), size, fee, least)
	}
	if _, err := s.w.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{FeePerKB: maxFeePerKB + 1}); !errors.Is(err, ErrFee) {
		t.Error("an absurd fee:", err)
	}
}

// TestRequests: what cannot be meant is refused by name.
func TestRequests(t *testing.T) {
	s := newScene(t)
	to := s.to()
	send := func(p Payment, o Options) error { _, err := s.w.Send([]Payment{p}, o); return err }
	long := make([]byte, 254)
	model, _ := pillars.NewFixedLock(9, 9, 3)
	for name, err := range map[string]error{
		"nothing":        func() error { _, err := s.w.Send(nil, Options{}); return err }(),
		"nobody":         send(Payment{Amount: pillars.ETP}, Options{}),
		"dust":           send(Payment{To: to, Amount: dust - 1}, Options{}),
		"too much":       send(Payment{To: to, Amount: pillars.MaxMoney + 1}, Options{}),
		"two locks":      send(Payment{To: to, Amount: pillars.ETP, Lock: Lock{Blocks: 1, Seconds: 1}}, Options{}),
		"long lock":      send(Payment{To: to, Amount: pillars.ETP, Lock: Lock{Blocks: maxLockUnits + 1}}, Options{}),
		"longer lock":    send(Payment{To: to, Amount: pillars.ETP, Lock: Lock{Seconds: 1<<32 - 1}}, Options{}),
		"lock in 5":      send(Payment{To: to, Amount: pillars.ETP, Lock: Lock{Blocks: 1}}, Options{SegWit: true}),
		"lock of SegWit": send(Payment{To: Recipient{Address: address(t, s.other, "bip84/0", 0)}, Amount: pillars.ETP, Lock: Lock{Blocks: 1}}, Options{}),
		"long message":   send(Payment{To: to, Amount: pillars.ETP}, Options{Message: string(long)}),
		"message in 5":   send(Payment{To: to, Amount: pillars.ETP}, Options{Message: string(long[:81]), SegWit: true}),
		"asset of name": func() error {
			_, err := s.w.SendAsset("gold", []AssetPayment{{To: to, Quantity: 1}}, Options{})
			return err
		}(),
		"no quantity": func() error { _, err := s.w.SendAsset("GOLD", []AssetPayment{{To: to}}, Options{}); return err }(),
		"quantities": func() error {
			_, err := s.w.SendAsset("GOLD", []AssetPayment{{To: to, Quantity: 1}, {To: to, Quantity: 1<<64 - 1}}, Options{})
			return err
		}(),
		"no tokens":       func() error { _, err := s.w.RegisterTokens(nil, to, Options{}); return err }(),
		"avatar of other": func() error { _, err := s.w.RegisterAvatar("bob", to.Address, Options{}); return err }(),
	} {
		if !errors.Is(err, ErrRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := send(Payment{To: to, Amount: pillars.ETP, Lock: Lock{Model: &model}}, Options{}); !errors.Is(err, ErrDraft) {
		t.Error("a model on ETP:", err)
	}
	if _, err := s.w.RegisterAvatar("a b", s.at, Options{}); !errors.Is(err, pillars.AvatarInvalid) {
		t.Error("an invalid name:", err)
	}
	if err := send(Payment{To: to, Amount: pillars.ETP}, Options{Account: "x"}); !errors.Is(err, ErrAccount) {
		t.Error("an account that is not there:", err)
	}
	fresh := testWallet(t, testWords, s.l.p)
	if _, err := fresh.Send([]Payment{{To: to, Amount: pillars.ETP}}, Options{}); !errors.Is(err, ErrRequest) {
		t.Error("never scanned:", err)
	}
	classic := testWallet(t, testWords, pillars.Classic())
	if _, err := classic.Send([]Payment{{To: to, Amount: pillars.ETP}}, Options{Account: "bip84/0"}); !errors.Is(err, ErrRequest) {
		t.Error("version 5 on a network without it:", err)
	}
}
