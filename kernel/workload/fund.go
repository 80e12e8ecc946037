package workload

import (
	"fmt"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// fanOut is how many lane coins one funding transaction makes: as many as a transaction may.
const fanOut = 256

// coins is how many the lanes begin with.
func (w *Workload) coins() int { return w.options.Lanes * w.options.Kind.Inputs() }

// Balances are what the genesis must hold for the lanes, in XIN: one for each funding
// transaction.
func (w *Workload) Balances() []kernel.GenesisOutput {
	address := w.source.Address()
	var all []kernel.GenesisOutput
	for left := w.coins(); left > 0; left -= fanOut {
		amount := kernel.NewAmount(uint64(min(left, fanOut)) * coinUnits)
		all = append(all, kernel.GenesisOutput{Asset: kernel.XIN, Address: address, Amount: amount})
	}
	return all
}

// Asset is how a genesis registers the asset of the payments.
func Asset() kernel.GenesisAsset {
	return kernel.GenesisAsset{ID: kernel.XIN, Symbol: "XIN", Chain: kernel.ETH, Key: kernel.XINAssetKey}
}

// Fund returns the transactions that give every lane its coins, on a network whose genesis holds
// the Balances. They must be final before the first payment is sent. It also begins the stream
// anew.
func (w *Workload) Fund(g *kernel.Genesis) ([]Payment, error) {
	sources, err := w.sources(g)
	if err != nil {
		return nil, err
	}
	funding, coins := make([]Payment, len(sources)), make([]coin, w.coins())
	parallel(len(sources), func(i int) {
		part := coins[i*fanOut : min((i+1)*fanOut, len(coins))]
		funding[i] = w.split(i, sources[i], part)
	})
	w.made, w.lanes = 0, make([]lane, w.options.Lanes)
	for i := range w.lanes {
		copy(w.lanes[i].coins[:], coins[i*w.options.Kind.Inputs():][:w.options.Kind.Inputs()])
	}
	return funding, nil
}

// sources finds the workload's balances among the transactions of a genesis.
func (w *Workload) sources(g *kernel.Genesis) ([]coin, error) {
	outputs, err := genesisOutputs(g)
	if err != nil {
		return nil, err
	}
	var found []coin
	wanted, place := w.Balances(), 0
	for _, b := range g.Balances {
		if b.Asset != kernel.XIN {
			continue
		}
		if len(found) < len(wanted) && b == wanted[len(found)] {
			c, err := w.own(outputs[place])
			if err != nil {
				return nil, err
			}
			found = append(found, c)
		}
		place++
	}
	if len(found) != len(wanted) {
		return nil, fmt.Errorf("workload: the genesis has %d of the %d balances that this load needs", len(found), len(wanted))
	}
	return found, nil
}

// A placed is an output with its name.
type placed struct {
	kernel.Output
	ref kernel.OutputRef
}

// genesisOutputs lists the outputs of the asset, in the order of the genesis' balances.
func genesisOutputs(g *kernel.Genesis) (all []placed, err error) {
	transactions, err := kernel.GenesisTransactions(g)
	for _, tx := range transactions {
		if tx.Asset != kernel.XIN {
			continue
		}
		hash := tx.Hash()
		for i, out := range tx.Outputs {
			all = append(all, placed{out, kernel.OutputRef{Hash: hash, Index: uint16(i)}})
		}
	}
	return all, err
}

// own makes a coin of an output that belongs to the source.
func (w *Workload) own(out placed) (coin, error) {
	private, err := crypto.GhostPrivate(w.source.View, w.source.Spend, out.Mask, uint64(out.ref.Index))
	if err != nil {
		return coin{}, fmt.Errorf("workload: genesis output %v: %w", out.ref, err)
	}
	if private.Public() != out.Keys[0] {
		return coin{}, fmt.Errorf("workload: genesis output %v is not under the key of its balance", out.ref)
	}
	return coin{ref: out.ref, key: out.Keys[0], private: private}, nil
}

// split makes one funding transaction: a balance into equal coins.
func (w *Workload) split(number int, source coin, into []coin) Payment {
	s := crypto.NewStream("asterism workload funding", u64(w.options.Seed), u64(uint64(number)))
	tx := &kernel.Transaction{Asset: kernel.XIN, Inputs: []kernel.Input{{OutputRef: source.ref}}, Outputs: make([]kernel.Output, len(into))}
	for i := range into {
		tx.Outputs[i], into[i] = output(s, w.owner, i, coinUnits)
	}
	p := sign(tx, []coin{source}, -1)
	for i := range into {
		into[i].ref = kernel.OutputRef{Hash: p.Hash, Index: uint16(i)}
	}
	return p
}

// Make returns the next n payments of the stream, in order: first one of every lane, then the
// second of every lane, and so on. It takes about 0.2 ms of one core for each.
func (w *Workload) Make(n int) []Payment {
	if w.lanes == nil {
		panic("workload: Make before Fund")
	}
	payments, lanes := make([]Payment, n), uint64(len(w.lanes))
	first := w.made
	parallel(int(min(uint64(n), lanes)), func(i int) {
		number := (first + uint64(i)) % lanes
		for at := i; at < n; at += int(lanes) {
			payments[at] = w.pay(int(number))
		}
	})
	w.made += uint64(n)
	return payments
}

// pay makes the next payment of a lane: all its coins, less what is paid, to itself again.
func (w *Workload) pay(number int) Payment {
	l, count := &w.lanes[number], w.options.Kind.Inputs()
	s := crypto.NewStream("asterism workload payment", u64(w.options.Seed), u64(uint64(number)), u64(l.step))
	tx := &kernel.Transaction{Asset: kernel.XIN, Inputs: make([]kernel.Input, count), Outputs: make([]kernel.Output, count+1)}
	spent := l.coins
	var next [2]coin
	for i := range count {
		tx.Inputs[i].OutputRef = spent[i].ref
		units := spent[i].amount
		if i == int(l.step%uint64(count)) {
			units -= paidUnits
		}
		tx.Outputs[i], next[i] = output(s, w.owner, i, units)
	}
	other := w.recipients[(uint64(number)+l.step)%recipientCount]
	tx.Outputs[count], _ = output(s, other, count, paidUnits)
	p := sign(tx, spent[:count], number)
	for i := range count {
		next[i].ref = kernel.OutputRef{Hash: p.Hash, Index: uint16(i)}
	}
	l.coins = next
	l.step++
	return p
}
