package wallet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/pillars"
)

// A Held is what cannot be spent for one reason.
type Held struct {
	Reason      Reason `json:"reason"`
	Quantity    uint64 `json:"quantity"`
	Coins       int    `json:"coins"`
	UntilHeight uint32 `json:"until_height,omitempty"` // when the first of them comes free
	UntilTime   uint32 `json:"until_time,omitempty"`
}

// An InsufficientError says how much is missing, and what is there but cannot be spent. It is
// ErrInsufficient.
type InsufficientError struct {
	Symbol  string `json:"symbol"` // "ETP", or an asset
	Need    uint64 `json:"need"`   // fee included
	Have    uint64 `json:"have"`   // spendable
	Missing uint64 `json:"missing"`
	Held    []Held `json:"held,omitempty"`
}

// Error says it in one line.
func (e *InsufficientError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v: %s needed, %s spendable, %s missing", ErrInsufficient, e.show(e.Need), e.show(e.Have), e.show(e.Missing))
	for _, h := range e.Held {
		fmt.Fprintf(&b, "; %s in %d outputs: %s", e.show(h.Quantity), h.Coins, h.Reason)
		if h.UntilHeight > 0 {
			fmt.Fprintf(&b, ", the first until height %d", h.UntilHeight)
		}
		if h.UntilTime > 0 {
			fmt.Fprintf(&b, ", the first until time %d", h.UntilTime)
		}
	}
	return b.String()
}

// Unwrap makes it ErrInsufficient.
func (e *InsufficientError) Unwrap() error { return ErrInsufficient }

func (e *InsufficientError) show(v uint64) string {
	if e.Symbol == etp {
		return pillars.Amount(v).String() + " " + etp
	}
	return fmt.Sprintf("%d units of %s", v, e.Symbol)
}

const etp = "ETP"

// held sums up the coins that stand for a reason each.
func held(symbol string, coins []Coin) (list []Held) {
	for _, reason := range reasons {
		h := Held{Reason: reason}
		for i := range coins {
			c := &coins[i]
			if c.Reason != reason {
				continue
			}
			q := c.quantity(symbol)
			if q == 0 || h.Quantity+q < q {
				continue
			}
			h.Quantity += q
			h.Coins++
			h.UntilHeight = sooner(h.UntilHeight, c.UntilHeight)
			h.UntilTime = sooner(h.UntilTime, c.UntilTime)
		}
		if h.Coins > 0 {
			list = append(list, h)
		}
	}
	return list
}

func sooner(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// quantity is what the coin holds of a symbol.
func (c *Coin) quantity(symbol string) uint64 {
	if symbol == etp {
		return uint64(c.Output.Output.Value)
	}
	if held, quantity, ok := c.Output.Output.Asset(); ok && held == symbol {
		return quantity
	}
	return 0
}

// tries bounds the search for inputs that need no change.
const tries = 20_000

// choose picks coins of plain ETP that cover want, where each input costs a fee of its own and
// leaving no change saves cost. It first looks for a sum that hits the target so closely that
// no change is due; else it draws at random until the sum is enough, which says little about what
// the wallet holds; else it takes the largest. The coins are spendable and in a fixed order.
func choose(dice *rand.Rand, coins []Coin, want uint64, each func(*Coin) uint64, cost uint64, room int) ([]Coin, error) {
	coins = slices.DeleteFunc(slices.Clone(coins), func(c Coin) bool { return uint64(c.Output.Output.Value) <= each(&c) })
	worth := func(c *Coin) uint64 { return uint64(c.Output.Output.Value) - each(c) }
	slices.SortStableFunc(coins, func(a, b Coin) int {
		switch x, y := worth(&a), worth(&b); {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return a.order(&b)
	})
	if exact := hit(coins, worth, want, cost, room); exact != nil {
		return exact, nil
	}
	drawn := slices.Clone(coins)
	dice.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	for _, list := range [][]Coin{drawn, coins} {
		if some, ok := cover(list, worth, want, room); ok {
			return some, nil
		}
	}
	total := uint64(0)
	for i := range coins {
		total += worth(&coins[i]) // at most all the money there is
	}
	if total >= want {
		return nil, fmt.Errorf("%w: %d outputs", ErrTooManyInputs, len(coins))
	}
	return nil, &InsufficientError{Symbol: etp, Need: want, Have: total, Missing: want - total}
}

// cover takes coins from the front until they reach want.
func cover(coins []Coin, worth func(*Coin) uint64, want uint64, room int) ([]Coin, bool) {
	sum := uint64(0)
	for i := range coins[:min(len(coins), max(room, 0))] {
		sum += worth(&coins[i])
		if sum >= want {
			return coins[:i+1], true
		}
	}
	return nil, false
}

// hit searches depth first for coins, largest first, whose sum is from want to want+cost, and keeps
// the one that wastes least. It gives up after so many tries.
func hit(coins []Coin, worth func(*Coin) uint64, want, cost uint64, room int) []Coin {
	rest := make([]uint64, len(coins)+1) // what all from here on add up to
	for i := len(coins) - 1; i >= 0; i-- {
		rest[i] = rest[i+1] + worth(&coins[i])
	}
	var best, path []int
	least, left := cost+1, tries
	var walk func(at int, sum uint64)
	walk = func(at int, sum uint64) {
		if left--; left < 0 || least == 0 || sum > want+cost || sum+rest[at] < want {
			return
		}
		if sum >= want {
			if sum-want < least {
				best, least = slices.Clone(path), sum-want
			}
			return
		}
		if at == len(coins) || len(path) >= room {
			return
		}
		path = append(path, at)
		walk(at+1, sum+worth(&coins[at]))
		path = path[:len(path)-1]
		for at+1 < len(coins) && worth(&coins[at+1]) == worth(&coins[at]) {
			at++ // without this coin there is no use in its equals
		}
		walk(at+1, sum)
	}
	walk(0, 0)
	var out []Coin
	for _, i := range best {
		out = append(out, coins[i])
	}
	return out
}

// order is the fixed order of coins: oldest first.
func (c *Coin) order(o *Coin) int {
	if c.Height != o.Height {
		if c.Height < o.Height {
			return -1
		}
		return 1
	}
	if n := c.Point.Tx.Compare(o.Point.Tx); n != 0 {
		return n
	}
	return int(int64(c.Point.Index) - int64(o.Point.Index))
}

// gather picks coins of an asset that cover a quantity: those without locks first, then the oldest.
// What a lock still holds is not counted. It returns what the coins give.
func gather(coins []Coin, want uint64, gives func(*Coin) uint64, room int) (some []Coin, sum uint64, ok bool) {
	for i := range coins {
		q := gives(&coins[i])
		if q == 0 {
			continue
		}
		if len(some) == room {
			return some, sum, false
		}
		some, sum = append(some, coins[i]), sum+q
		if sum >= want || sum < q {
			return some, sum, sum >= want
		}
	}
	return some, sum, false
}
