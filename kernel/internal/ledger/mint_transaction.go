package ledger

import (
	"strconv"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A payout is what a distribution owes to somebody.
type payout struct {
	payee  kernel.Address
	seed   string // whom and what for: begins the seed of the output's secret
	amount uint64 // units of XIN
}

// The labels of the secrets' seeds, as the wider ecosystem has them.
const (
	nodePayout    = "MINTKERNELNODE"
	witnessPayout = "MINTLIGHTACCOUNT"
)

const (
	mintGroup = "UNIVERSAL"

	// seedAttempts bounds the search for a one-time key that nobody has used. Seeds are public, so
	// anybody can use such a key first; who does it pays the payee.
	seedAttempts = 16
)

// mintTransaction is the transaction that pays a distribution: everybody makes the same. A payout
// for which there is no unused key, or of nothing, stays in the pool; nil if nothing is paid. [MNT-7]
func mintTransaction(batch uint64, payouts []payout, used func(kernel.Key) bool) (tx *kernel.Transaction, paid uint64) {
	tx = &kernel.Transaction{Asset: kernel.XIN}
	taken := map[kernel.Key]bool{}
	free := func(k kernel.Key) bool { return !taken[k] && !used(k) }
	for _, p := range payouts {
		if p.amount == 0 || len(tx.Outputs) == maxOutputs {
			continue
		}
		out, ok := systemOutput(p.payee, p.seed+strconv.FormatUint(batch, 10), len(tx.Outputs), free)
		if !ok {
			continue
		}
		out.Amount = kernel.NewAmount(p.amount)
		taken[out.Keys[0]] = true
		tx.Outputs = append(tx.Outputs, out)
		paid += p.amount
	}
	if paid == 0 {
		return nil, 0
	}
	tx.Inputs = []kernel.Input{{Mint: &kernel.Mint{Group: mintGroup, Batch: batch, Amount: kernel.NewAmount(paid)}}}
	return tx, paid
}

// systemOutput is an output of nothing yet to one key of payee, with a secret that anybody can
// compute: h || h, where h = BLAKE3(seed). Where that key is used already, h = BLAKE3(seed "#1") and so on.
func systemOutput(payee kernel.Address, seed string, index int, free func(kernel.Key) bool) (kernel.Output, bool) {
	for attempt := range seedAttempts {
		text := seed
		if attempt > 0 {
			text += "#" + strconv.Itoa(attempt)
		}
		h := crypto.Sum([]byte(text))
		r := crypto.ScalarFromWide([64]byte(append(h[:], h[:]...)))
		key, err := crypto.GhostPublic(r, payee.View, payee.Spend, uint64(index))
		if err != nil || !crypto.CurveKey(key) {
			return kernel.Output{}, false // no address that anybody was checked to have
		}
		if free(key) {
			return kernel.Output{Type: kernel.OutputScript, Keys: []kernel.Key{key}, Mask: crypto.Mask(r), Script: kernel.NewScript(1)}, true
		}
	}
	return kernel.Output{}, false
}
