package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// A node refuses the first attempt with a lie, and the second one dies by its receipt. The
// first may still become final, so the third must spend the same inputs: the reference is paid
// once, whatever comes out of the dark.
func TestAttemptsThatMayLiveShareInputs(t *testing.T) {
	c := newChain(t, 4, alice)
	a := c.wallet(alice)
	var seen [][]byte
	c.refuse = func(raw []byte) error {
		seen = append(seen, raw)
		switch len(seen) {
		case 1:
			return &client.Error{Name: kernel.GhostKeyUsed.String()} // a lie
		case 2: // its receipt says rejected, as if a key of it had been taken first
			var tx kernel.Transaction
			if err := tx.UnmarshalBinary(raw); err != nil {
				return err
			}
			c.execute()
			last := &c.commits[len(c.commits)-1]
			last.Receipts = append(last.Receipts, kernel.Receipt{
				Transaction: tx.Hash(), Status: kernel.Rejected, Commit: last.Index, Rule: kernel.GhostKeyUsed, Winner: kernel.TxHash{1},
			})
			return errors.New("connection lost")
		case 3: // the wallet goes back to the first attempt, which may be alive
			return &client.Error{Name: kernel.GhostKeyUsed.String()}
		}
		return nil
	}
	p := c.pay(a, "once", btc(bob, coins(50)))
	if len(p.Attempts) != 3 || !bytes.Equal(seen[0], seen[2]) {
		t.Fatalf("%d attempts, %d submissions", len(p.Attempts), len(seen))
	}
	for _, attempt := range p.Attempts {
		if fmt.Sprint(attempt.Inputs) != fmt.Sprint(p.Attempts[0].Inputs) {
			t.Fatal("attempts that may both become final spend different inputs")
		}
	}
	for _, raw := range seen { // all come back from somewhere
		_, _ = c.SendRawTransaction(t.Context(), raw)
		c.commit(raw)
	}
	c.scan(a)
	w := c.wallet(bob)
	if final(a) != coins(350) || final(w) != coins(50) {
		t.Fatalf("alice %s, bob %s", final(a), final(w))
	}
	if p, _ := a.Payment("once"); p.State != Final {
		t.Fatalf("payment is %s", p.State)
	}
}

func TestConcurrentPayments(t *testing.T) {
	c := newChain(t, 8, alice)
	a := c.wallet(alice)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			for j := 0; j < 3; {
				_, err := a.Send(t.Context(), c.net(), fmt.Sprint(i, "-", j), btc(bob, coins(2)))
				if errors.Is(err, ErrInsufficient) {
					time.Sleep(5 * time.Millisecond) // all change is under way
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				j++
			}
		})
	}
	wg.Wait()
	if w := c.wallet(bob); final(a) != coins(800-36) || final(w) != coins(36) {
		t.Fatalf("alice %s, bob %s", final(a), final(w))
	}
}

// Two plans for one reference, with different inputs: the second is not signed.
func TestSecondPlanForAReference(t *testing.T) {
	c := newChain(t, 2, alice)
	a := c.wallet(alice)
	var made []Payment
	for i := range 2 {
		req := btc(bob, coins(1))
		req.Inputs = []Ref{a.Outputs()[i].Ref}
		p, err := a.Plan(req, seeded(uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		payment, err := a.Accept("r", p, 1)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, payment)
	}
	if made[0].Transaction != made[1].Transaction || len(made[1].Attempts) != 1 {
		t.Fatalf("%d attempts", len(made[1].Attempts))
	}
}

// A change that lists or counts something twice is damage.
func TestFactsCountOnce(t *testing.T) {
	o := ownedOutputs([]uint64{5, 6})
	spent := spending{Ref: o[0].Ref, By: kernel.TxHash{9}, At: 4}
	base := change{Cursor: Cursor{Next: 5}, Created: o[:1], Items: []Item{{Transaction: kernel.TxHash{1}}}}
	for name, tt := range map[string]struct {
		next change
		ok   bool
	}{
		"more":            {change{Cursor: Cursor{Next: 6}, Created: o[1:], Spent: []spending{spent}}, true},
		"output again":    {change{Created: o[:1]}, false},
		"key again":       {change{Created: []Output{{Ref: Ref{Index: 9}, Amount: coins(1), Keys: o[0].Keys}}}, false},
		"no key":          {change{Created: []Output{{Ref: Ref{Index: 9}, Amount: coins(1)}}}, false},
		"no amount":       {change{Created: []Output{{Ref: Ref{Index: 9}, Keys: o[1].Keys}}}, false},
		"item again":      {change{Items: []Item{{Transaction: kernel.TxHash{1}}}}, false},
		"spent twice":     {change{Spent: []spending{spent, spent}}, false},
		"spent by none":   {change{Spent: []spending{{Ref: o[0].Ref}}}, false},
		"unknown spent":   {change{Spent: []spending{{Ref: o[1].Ref, By: kernel.TxHash{9}}}}, false},
		"cursor backward": {change{Cursor: Cursor{Next: 4}}, false},
	} {
		f := newFacts(0)
		if err := f.apply(&base); err != nil {
			t.Fatal(err)
		}
		if err := f.apply(&tt.next); (err == nil) != tt.ok || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		o[0].SpentBy, o[0].SpentAt = kernel.TxHash{}, 0
	}
}
