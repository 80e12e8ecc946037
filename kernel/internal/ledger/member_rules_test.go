package ledger

import (
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A memberCase breaks one fact of a valid pledge, acceptance or cancellation, which sign signs again.
type memberCase struct {
	name   string
	class  kernel.Class
	broken func(w *memberWorld, tx *kernel.Transaction)
	want   kernel.Rule
	ends   ending
}

// A memberWorld has one transaction of each class that would be final.
type memberWorld struct {
	*stakeWorld
	node    crypto.NodeKey
	pledge  *kernel.Transaction // final, of node
	unsigns bool
}

func (w *memberWorld) build(class kernel.Class) *kernel.Transaction {
	node, payee := w.candidate()
	if class == kernel.ClassNodePledge {
		w.node = node
		return w.pledgeTx(1, node, payee)
	}
	w.node, w.pledge = node, w.pledgeTx(1, node, payee)
	w.settleStake(w.pledge)
	if class == kernel.ClassNodeAccept {
		return w.acceptTx(w.pledge, node)
	}
	return w.cancelTx(w.pledge, 1)
}

// resign signs a changed transaction again, as its class asks.
func (w *memberWorld) signAgain(class kernel.Class, tx *kernel.Transaction) {
	switch class {
	case kernel.ClassNodePledge:
		w.sign(tx)
	case kernel.ClassNodeAccept:
		w.signAs(tx, w.node)
	case kernel.ClassNodeCancel:
		w.signCancel(tx, 1)
	}
}

const (
	pledges = kernel.ClassNodePledge
	accepts = kernel.ClassNodeAccept
	cancels = kernel.ClassNodeCancel
)

var memberCases = []memberCase{
	{"change before the pledge", pledges, func(_ *memberWorld, tx *kernel.Transaction) {
		tx.Outputs[0], tx.Outputs[1] = tx.Outputs[1], tx.Outputs[0]
	}, kernel.PledgeShape, isE3},
	{"two pledges", pledges, func(_ *memberWorld, tx *kernel.Transaction) {
		tx.Outputs[1] = kernel.Output{Type: kernel.OutputNodePledge, Amount: tx.Outputs[1].Amount}
	}, kernel.PledgeShape, isE3},
	{"pledge of another asset", pledges, func(_ *memberWorld, tx *kernel.Transaction) { tx.Asset = kernel.BTC }, kernel.PledgeShape, isE3},
	{"no extra", pledges, func(_ *memberWorld, tx *kernel.Transaction) { tx.Extra = nil }, kernel.MemberExtraInvalid, isE3},
	{"extra too long", pledges, func(_ *memberWorld, tx *kernel.Transaction) { tx.Extra = append(tx.Extra, 1) }, kernel.MemberExtraInvalid, isE3},
	{"signer is no point", pledges, func(_ *memberWorld, tx *kernel.Transaction) { tx.Extra[0], tx.Extra[31] = 2, 0xff }, kernel.MemberExtraInvalid, isE3},
	{"signer is payee", pledges, func(_ *memberWorld, tx *kernel.Transaction) { copy(tx.Extra[32:], tx.Extra[:32]) }, kernel.MemberExtraInvalid, isE3},
	{"view key that follows from the spend key", pledges, func(_ *memberWorld, tx *kernel.Transaction) {
		view := kernel.PublicAddress(kernel.Key(tx.Extra[32:64])).View
		tx.Extra = append(tx.Extra, view[:]...)
	}, kernel.MemberExtraInvalid, isE3},
	{"pledge too small", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		mustSub(&tx.Outputs[0].Amount, kernel.NewAmount(1))
		mustAdd(&tx.Outputs[1].Amount, kernel.NewAmount(1))
	}, kernel.PledgeAmount, isVoid},
	{"pledge too large", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		mustAdd(&tx.Outputs[0].Amount, kernel.NewAmount(1))
		mustSub(&tx.Outputs[1].Amount, kernel.NewAmount(1))
	}, kernel.PledgeAmount, isVoid},
	{"pledge out of nothing", pledges, func(_ *memberWorld, tx *kernel.Transaction) { mustAdd(&tx.Outputs[1].Amount, kernel.NewAmount(1)) }, kernel.AmountMismatch, isE3},
	{"pledge by somebody else's coins", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		tx.Inputs[0].OutputRef = w.balances[2]
		w.unsigns = true
	}, kernel.SignatureInvalid, isE3},
	{"pledge of a member's key", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		key := w.nodes[3].Public()
		copy(tx.Extra, key[:])
	}, kernel.MemberKnown, isVoid},
	{"pledge paid by two keys", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		w.settleStake(w.sign(w.spend(kernel.XIN, w.refs(9), w.output(whole(testBalance), 1, 2))))
		tx.Inputs[0].OutputRef = kernel.OutputRef{Hash: w.final(0)}
	}, kernel.PledgeFunding, isVoid},
	{"no place left", pledges, func(w *memberWorld, tx *kernel.Transaction) {
		for i := 0; placesTaken(w.view) < kernel.MaxMembers; i++ {
			node, payee := w.candidate()
			w.settleStake(w.pledgeTx(20+i, node, payee))
		}
	}, kernel.TooManyMembers, isVoid},

	{"accept of two", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		tx.Inputs = append(tx.Inputs, kernel.Input{OutputRef: w.balances[3]})
		w.signAgain(accepts, tx)
		tx.Signatures = append(tx.Signatures, tx.Signatures[0])
		w.unsigns = true
	}, kernel.AcceptShape, isE3},
	{"accept with change", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		tx.Outputs = append(tx.Outputs, w.output(whole(1), 1, 1))
	}, kernel.AcceptShape, isE3},
	{"accept of an unknown pledge", accepts, func(_ *memberWorld, tx *kernel.Transaction) { tx.Inputs[0].Hash[0]++ }, kernel.InputNotFound, isE3},
	{"accept of more", accepts, func(_ *memberWorld, tx *kernel.Transaction) { mustAdd(&tx.Outputs[0].Amount, kernel.NewAmount(1)) }, kernel.AmountMismatch, isE3},
	{"accept by another key", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		w.signAs(tx, w.nodes[0])
		w.unsigns = true
	}, kernel.SignatureInvalid, isE3},
	{"accept with another extra", accepts, func(w *memberWorld, tx *kernel.Transaction) { tx.Extra = tx.Extra[:40] }, kernel.MemberExtraInvalid, isE3},
	{"accept to another payee", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		_, payee := w.candidate()
		tx.Extra = kernel.MemberExtra(w.node.Public(), payee)
	}, kernel.MemberNotPledging, isVoid},
	{"accept of a payment", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		tx.Inputs[0].OutputRef, tx.Outputs[0].Amount = w.balances[3], whole(testBalance)
	}, kernel.InputType, isVoid},
	{"accept of another's pledge", accepts, func(w *memberWorld, tx *kernel.Transaction) {
		node, payee := w.candidate()
		other := w.pledgeTx(4, node, payee)
		w.settleStake(other)
		tx.Inputs[0].OutputRef = kernel.OutputRef{Hash: other.Hash()}
	}, kernel.MemberNotPledging, isVoid},

	{"cancel without change", cancels, func(_ *memberWorld, tx *kernel.Transaction) { tx.Outputs = tx.Outputs[:1] }, kernel.CancelShape, isE3},
	{"cancel to two", cancels, func(w *memberWorld, tx *kernel.Transaction) { tx.Outputs[1].Keys = append(tx.Outputs[1].Keys, w.key()) }, kernel.CancelShape, isE3},
	{"cancel without view key", cancels, func(_ *memberWorld, tx *kernel.Transaction) { tx.Extra = tx.Extra[:64] }, kernel.MemberExtraInvalid, isE3},
	{"cancel by the signer", cancels, func(w *memberWorld, tx *kernel.Transaction) {
		w.signAs(tx, w.node)
		w.unsigns = true
	}, kernel.SignatureInvalid, isE3},
	{"cancel for less", cancels, func(_ *memberWorld, tx *kernel.Transaction) {
		mustSub(&tx.Outputs[0].Amount, kernel.NewAmount(1))
		mustAdd(&tx.Outputs[1].Amount, kernel.NewAmount(1))
	}, kernel.CancelAmount, isVoid},
	{"cancel for more", cancels, func(_ *memberWorld, tx *kernel.Transaction) {
		mustAdd(&tx.Outputs[0].Amount, kernel.NewAmount(1))
		mustSub(&tx.Outputs[1].Amount, kernel.NewAmount(1))
	}, kernel.CancelAmount, isVoid},
	{"cancel out of nothing", cancels, func(_ *memberWorld, tx *kernel.Transaction) { mustAdd(&tx.Outputs[1].Amount, kernel.NewAmount(1)) }, kernel.AmountMismatch, isE3},
	{"cancel to somebody else", cancels, func(w *memberWorld, tx *kernel.Transaction) { tx.Outputs[1].Keys[0] = w.key() }, kernel.CancelReceiver, isVoid},
	{"cancel with another view key", cancels, func(_ *memberWorld, tx *kernel.Transaction) { tx.Extra[70]++ }, kernel.CancelReceiver, isVoid},
	{"cancel of a payment", cancels, func(w *memberWorld, tx *kernel.Transaction) {
		tx.Inputs[0].OutputRef = w.balances[3]
		mustAdd(&tx.Outputs[1].Amount, whole(testBalance-testPledge))
	}, kernel.InputType, isVoid},
	{"cancel of an unknown pledge", cancels, func(_ *memberWorld, tx *kernel.Transaction) { tx.Inputs[0].Hash[0]++ }, kernel.InputNotFound, isE3},
	{"cancel after accept", cancels, func(w *memberWorld, _ *kernel.Transaction) { w.settleStake(w.acceptTx(w.pledge, w.node)) }, kernel.InputSpent, isRejected},
	{"accept after cancel", accepts, func(w *memberWorld, _ *kernel.Transaction) { w.settleStake(w.cancelTx(w.pledge, 1)) }, kernel.InputSpent, isRejected},
}

// TestMemberRules: each case breaks one fact, and submission and execution name the one rule.
func TestMemberRules(t *testing.T) {
	seen := make(map[kernel.Rule]bool)
	for _, c := range memberCases {
		t.Run(c.name, func(t *testing.T) {
			w := &memberWorld{stakeWorld: newStakeWorld(t, 7)}
			tx := w.build(c.class)
			if err := w.check(tx); err != nil {
				t.Fatal("base case is not valid:", err)
			}
			c.broken(w, tx)
			if !w.unsigns {
				w.signAgain(c.class, tx)
			}
			if err := Check(w.view, tx, nil, w.context); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if got := w.ending(tx); got != c.ends {
				t.Fatalf("%v ends %q, want %q", c.want, got, c.ends)
			}
		})
		seen[c.want] = true
	}
	for rule, test := range rulesElsewhere {
		if test == "TestMemberRules" && !seen[rule] {
			t.Errorf("rule %v has no case", rule)
		}
	}
}

// TestMemberClassesNeedStakes: where the genesis has none, nothing of this is active, and nobody's fault.
func TestMemberClassesNeedStakes(t *testing.T) {
	for _, class := range []kernel.Class{pledges, accepts, cancels} {
		w := &memberWorld{stakeWorld: newStakeWorld(t, 7)}
		tx := w.build(class)
		plain := *w.context
		plain.Stake = nil
		w.world.context = &plain
		if err := w.check(tx); !errors.Is(err, kernel.ClassNotActive) {
			t.Errorf("%v: %v", class, err)
		}
		if got := w.ending(tx); got != isVoid {
			t.Errorf("%v ends %q", class, got)
		}
	}
}

// TestNobodyMakesTheLedgersOwn: mint and removal are nobody's to send.
func TestNobodyMakesTheLedgersOwn(t *testing.T) {
	w := newStakeWorld(t, 7)
	collateral := w.of(w.nodes[2]).Collateral
	removal := w.spend(kernel.XIN, []kernel.OutputRef{collateral}, kernel.Output{Type: kernel.OutputNodeRemove, Amount: whole(testPledge), Keys: []kernel.Key{w.key()}, Mask: w.key(), Script: kernel.NewScript(1)})
	mint := w.spend(kernel.XIN, nil, w.output(whole(5), 1, 1))
	mint.Inputs = []kernel.Input{{Mint: &kernel.Mint{Group: "UNIVERSAL", Batch: 1, Amount: whole(5)}}}
	for _, tx := range []*kernel.Transaction{w.signAs(removal, w.nodes[2]), mint} {
		if err := w.check(tx); !errors.Is(err, kernel.ClassNotActive) {
			t.Errorf("%v: %v", tx.Class(), err)
		}
	}
	payment := w.signAs(w.spend(kernel.XIN, []kernel.OutputRef{collateral}, w.output(whole(testPledge), 1, 1)), w.nodes[2])
	if err := w.check(payment); err == nil {
		t.Error("collateral is spent like a payment")
	}
}

// TestPledgeToCancel: a pledge that is cancelled costs a hundredth, which the pool gets.
func TestPledgeToCancel(t *testing.T) {
	w := newStakeWorld(t, 7)
	before, _ := StakeOf(w.view)
	node, payee := w.candidate()
	pledge := w.pledgeTx(1, node, payee)
	w.settleStake(pledge)
	w.mustBe(t, node, kernel.MemberPledging)
	w.settleStake(w.cancelTx(pledge, 1))
	w.mustBe(t, node, kernel.MemberCancelled)
	after, _ := StakeOf(w.view)
	mustAdd(&before.Pool, whole(testPledge/100))
	if after != before {
		t.Fatalf("state %+v, want %+v", after, before)
	}
	if _, err := kernel.ParseAmount("10"); err != nil || hundredth(kernel.NewAmount(199)) != kernel.NewAmount(1) ||
		hundredth(kernel.AmountFromUnits(100, 99)) != kernel.AmountFromUnits(1, 0) || hundredth(kernel.AmountFromUnits(1, 0)) != kernel.NewAmount(184467440737095516) {
		t.Error("a hundredth is rounded down")
	}
	if w.turn(); w.place(node.Public()) >= 0 {
		t.Error("it is a member")
	}
}

// TestXINIsLimited: deposits cannot make more XIN than the genesis has, only bring back what left.
func TestXINIsLimited(t *testing.T) {
	w := newStakeWorld(t, 7)
	deposit := func(amount kernel.Amount, place uint64) *kernel.Transaction {
		tx := w.deposit(place, amount)
		tx.Asset = kernel.XIN
		tx.Inputs[0].Deposit.AssetKey = kernel.XINAssetKey
		return w.sign(tx)
	}
	if err := w.check(deposit(whole(1), 1)); !errors.Is(err, kernel.DepositCeiling) {
		t.Fatalf("XIN beyond the total: %v", err)
	}
	out := kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: whole(testBalance), Withdrawal: &kernel.Withdrawal{Address: "0xabc"}}
	w.settleStake(w.sign(w.spend(kernel.XIN, w.refs(5), out)))
	if err := w.check(deposit(whole(testBalance+1), 1)); !errors.Is(err, kernel.DepositCeiling) {
		t.Fatalf("more XIN than left: %v", err)
	}
	w.settleStake(deposit(whole(testBalance), 2))
}
