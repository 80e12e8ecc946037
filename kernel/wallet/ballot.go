package wallet

import (
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Ballots puts at least amount of the wallet's XIN that no payment holds behind a statement: the smallest output
// that is enough, or else the largest together; zero is all that fits into one record. Statement gives the hash that the chosen outputs'
// keys sign. The outputs cannot be spent until what they vote on has ended.
func (w *Wallet) Ballots(amount kernel.Amount, avoid []Ref, statement func([]kernel.Ballot) kernel.Hash) (ballots []kernel.Ballot, sum kernel.Amount, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	chosen, sum, err := w.chooseBallots(amount, avoid)
	if err != nil {
		return nil, sum, err
	}
	for i := range chosen {
		ballots = append(ballots, kernel.Ballot{Output: kernel.OutputRef(chosen[i].Ref)})
	}
	hash := statement(ballots)
	for i := range chosen {
		o := &chosen[i]
		private, err := w.keys.private(o.Keys[0], o.Mask, int(o.Ref.Index))
		if err != nil {
			return nil, sum, err
		}
		sig := private.Sign(hash[:])
		clear(private[:])
		if !crypto.Verify(o.Keys[0], hash[:], sig) {
			panic("wallet: own signature does not verify")
		}
		ballots[i].Signatures = kernel.SignatureMap{{Signature: sig}}
	}
	return ballots, sum, nil
}

// chooseBallots picks outputs, by ascending reference as a record wants them.
func (w *Wallet) chooseBallots(amount kernel.Amount, avoid []Ref) (chosen []Output, sum kernel.Amount, err error) {
	all := w.spendable(func(o *Output) bool {
		return o.Asset == kernel.XIN && !o.Shared() && !slices.Contains(avoid, o.Ref)
	})
	slices.SortStableFunc(all, func(a, b Output) int { return b.Amount.Compare(a.Amount) })
	if !amount.IsZero() {
		enough := slices.IndexFunc(all, func(o Output) bool { return o.Amount.Compare(amount) < 0 })
		if enough < 0 {
			enough = len(all)
		}
		if enough > 0 { // those before it would do alone: more than needed would be locked
			all = all[enough-1:]
		}
	}
	for i := range all[:min(len(all), kernel.MaxBallots)] {
		if !amount.IsZero() && sum.Compare(amount) >= 0 {
			break
		}
		chosen, sum = append(chosen, all[i]), plus(sum, all[i].Amount)
	}
	if len(chosen) == 0 || sum.Compare(amount) < 0 {
		return nil, sum, fmt.Errorf("%w: have %s XIN in %d outputs of one record, need %s", ErrInsufficient, sum, len(chosen), amount)
	}
	slices.SortFunc(chosen, func(a, b Output) int { return a.Ref.compare(b.Ref) })
	return chosen, sum, nil
}
