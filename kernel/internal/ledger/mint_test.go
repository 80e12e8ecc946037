package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

const (
	fullPool = 500_000_00000000
	aXIN     = 1_00000000
)

func amountText(units uint64) string { return kernel.NewAmount(units).String() }

// TestScheduleOfRunningNetwork: the figures that the running network's 1707th day gives. [MNT-1]
func TestScheduleOfRunningNetwork(t *testing.T) {
	before, after := scheduled(fullPool, 1706), scheduled(fullPool, 1707)
	if got := amountText(before - after); got != "89.87671232" {
		t.Errorf("batch 1707 releases %s", got)
	}
	if got := amountText(after); got != "305850.45205696" {
		t.Errorf("batch 1707 leaves %s", got)
	}
	if got := amountText(scheduled(fullPool, 0) - scheduled(fullPool, 1)); got != "136.98630136" {
		t.Errorf("the first day releases %s", got)
	}
	if scheduled(fullPool, mintYear) != 450_000*aXIN || scheduled(fullPool, 5*mintYear) != 295_245*aXIN {
		t.Error("whole years are not exact")
	}
	if scheduled(fullPool, 1<<20) != 0 {
		t.Error("a pool does not end")
	}
}

// TestDueAddsUp: days settled one by one or together release the same, never more than is held. [MNT-2]
func TestDueAddsUp(t *testing.T) {
	amount, next := (mintState{Batch: 1706}).due(fullPool, fullPool, 1707)
	if amountText(amount) != "89.87671232" || next != (mintState{Batch: 1707}) {
		t.Fatalf("%s, %+v", amountText(amount), next)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		start := mintState{Batch: rng.Uint64N(2000), Surplus: rng.Uint64N(aXIN * 1000)}
		held := scheduled(fullPool, start.Batch) + start.Surplus
		days := rng.Uint64N(1000)
		together, end := start.due(fullPool, held, start.Batch+days)
		state, left := start, held
		var single uint64
		for range days {
			var a uint64
			a, state = state.due(fullPool, left, state.Batch+1)
			single, left = single+a, left-a
		}
		if single != together || state != end || together > held {
			t.Fatalf("from %+v, %d days: one by one %d to %+v, together %d to %+v", start, days, single, state, together, end)
		}
	}
}

// TestWhatFlowsBackIsPaidAgain: a penalty becomes part of the next years' days; an empty pool pays nothing.
func TestWhatFlowsBackIsPaidAgain(t *testing.T) {
	const penalty = 10_000 * aXIN
	year := mintState{}
	_, year = year.due(fullPool, fullPool+penalty, mintYear)
	if year.Surplus != penalty {
		t.Fatalf("surplus %s", amountText(year.Surplus))
	}
	day, _ := year.due(fullPool, 450_000*aXIN+penalty, mintYear+1)
	if want := aDay(450_000*aXIN) + aDay(penalty); day != want {
		t.Fatalf("a day of the second year releases %d, want %d", day, want)
	}
	if left, _ := year.due(fullPool, 7, mintYear+1); left != 7 {
		t.Fatalf("a pool of 7 units releases %d", left)
	}
}

func TestSplit(t *testing.T) {
	nodes, light := mintSplit{5, 4, 1}.of(89_87671232)
	if amountText(nodes) != "44.93835615" || amountText(light) != "8.98767123" {
		t.Fatalf("%s to nodes, %s to witnesses", amountText(nodes), amountText(light))
	}
}

// TestShapes: each branch of the shaping at its edges, with an average of 42 snapshots. [MNT-5]
func TestShapes(t *testing.T) {
	const average = 42 * workUnit
	for _, tt := range []struct{ n, want uint64 }{
		{0, average / 7},
		{average / 7, average / 7},
		{average/7 + 1, average/7 + 1},
		{average - 1, average - 1},
		{average, average},
		{average + 6, average + 1},
		{7*average - 6, 2*average - 1},
		{7 * average, 2 * average},
		{70 * average, 2 * average},
	} {
		if got := shapeOne(tt.n, average); got != tt.want {
			t.Errorf("work %d is paid as %d, want %d", tt.n, got, tt.want)
		}
	}
}

// TestShapeWork: best and worst do not move the average, those who did nothing are not in it, and
// a day with fewer workers than a quorum waits.
func TestShapeWork(t *testing.T) {
	work := []mintWork{{Signed: 1}, {Signed: 42}, {Led: 35}, {Signed: 42}, {Signed: 42}, {Signed: 900}, {}}
	shaped, ok := shapeWork(work, 5)
	const a = 42 * workUnit
	if want := []uint64{a / 7, a, a, a, a, 2 * a, a / 7}; !ok || !slices.Equal(shaped, want) {
		t.Fatalf("%v %v, want %v", shaped, ok, want)
	}
	if _, ok := shapeWork(work, 7); ok {
		t.Fatal("six of seven are no quorum of seven")
	}
	full := make([]mintWork, kernel.MaxMembers)
	for i := range full {
		full[i] = mintWork{Led: maxMintWork, Signed: maxMintWork}
	}
	if shaped, ok := shapeWork(full, 34); !ok || shaped[0] != full[0].weight()/6+5*full[0].weight()/6 {
		t.Fatal("the counters' limit does not fit")
	}
	full[0].add(5, 5)
	if full[0] != full[1] {
		t.Fatal("counters pass their limit")
	}
}

// TestShareOut: parts are rounded down and leave less than one unit each.
func TestShareOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		weights := make([]uint64, 1+rng.IntN(50))
		for i := range weights {
			weights[i] = rng.Uint64N(1 << 57)
		}
		total := rng.Uint64N(fullPool)
		var sum uint64
		for _, s := range shareOut(total, weights) {
			sum += s
		}
		if sum > total || total-sum >= uint64(len(weights)) && slices.Max(weights) > 0 {
			t.Fatalf("%d of %d shared out among %d", sum, total, len(weights))
		}
	}
	if s := shareOut(10, []uint64{0, 0}); s[0]+s[1] != 0 {
		t.Fatal("nobody's weight is paid")
	}
}

// TestMintTransaction: payees find what they are paid by scanning, whoever used a key first. [MNT-7]
func TestMintTransaction(t *testing.T) {
	var payees []kernel.Account
	var payouts []payout
	for i := range byte(7) {
		a := kernel.AccountFromSeed([64]byte{i, 9})
		payees = append(payees, a)
		payouts = append(payouts, payout{payee: a.Address(), seed: a.Address().String() + nodePayout, amount: uint64(i) * 5})
	}
	unused := func(kernel.Key) bool { return false }
	tx, paid := mintTransaction(3, payouts, unused)
	if paid != 105 || len(tx.Outputs) != 6 || tx.Class() != kernel.ClassMint || tx.Inputs[0].Mint.Amount != kernel.NewAmount(105) {
		t.Fatalf("%d paid by %+v", paid, tx)
	}
	for i, out := range tx.Outputs {
		if spend, err := crypto.ViewGhost(payees[i+1].View, out.Keys[0], out.Mask, uint64(i)); err != nil || spend != payees[i+1].Address().Spend {
			t.Fatalf("output %d is not its payee's: %v", i, err)
		}
	}
	front := tx.Outputs[2].Keys[0]
	other, paid := mintTransaction(3, payouts, func(k kernel.Key) bool { return k == front })
	if paid != 105 || other.Outputs[2].Keys[0] == front || other.Outputs[1].Keys[0] != tx.Outputs[1].Keys[0] {
		t.Fatal("a used key changes more than its own output, or less")
	}
	if none, paid := mintTransaction(3, payouts, func(kernel.Key) bool { return true }); none != nil || paid != 0 {
		t.Fatal("keys that are all used are paid to")
	}
}
