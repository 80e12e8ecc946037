package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// The ways in which a Staker refuses.
var (
	ErrNotStaking = errors.New("staking keys sign blocks under stake and their coinstakes only")
	ErrNoStaker   = errors.New("no key of this wallet may stake at that address: want an address of a single key, M… or t…")
)

// A Staker holds keys of a wallet that was unlocked for staking. It signs coinstakes that pay everything back to their owner, and
// blocks with such coinstakes; it has no method that could pay anybody. A node that is taken over can stake with it, no more:
// consensus refuses a coinstake that leaves a fee, and a transaction of that shape anywhere else. Its methods may be called from
// several goroutines.
type Staker struct {
	params pillars.Params

	mu   sync.Mutex
	keys map[pillars.Address]*btcec.PrivateKey
}

// Staker takes the keys of addresses out of an open wallet, or of all addresses that may stake if none is given. The wallet can be
// closed then.
func (w *Wallet) Staker(addresses ...pillars.Address) (*Staker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.master == nil {
		return nil, ErrWatchOnly
	}
	if len(addresses) == 0 {
		for a, p := range w.purses {
			if a.Kind() == pillars.ToPubKeyHash && p.Required == 1 {
				addresses = append(addresses, a)
			}
		}
	}
	s := &Staker{params: w.params, keys: map[pillars.Address]*btcec.PrivateKey{}}
	for _, a := range addresses {
		p := w.purses[a]
		if p == nil || a.Kind() != pillars.ToPubKeyHash || len(p.Keys) != 1 {
			s.Close()
			return nil, fmt.Errorf("%w: %s", ErrNoStaker, a.Text(w.params.Address))
		}
		key, ours, err := w.master.private(&p.Keys[0])
		if err != nil || !ours {
			s.Close()
			return nil, errors.Join(err, fmt.Errorf("%w: %s", ErrNoStaker, a.Text(w.params.Address)))
		}
		s.keys[a] = key
	}
	return s, nil
}

// StakerOf holds single keys: for development networks, whose keys everybody knows.
func StakerOf(p pillars.Params, keys ...*btcec.PrivateKey) *Staker {
	s := &Staker{params: p, keys: map[pillars.Address]*btcec.PrivateKey{}}
	for _, k := range keys {
		s.keys[pillars.PubKeyHashAddress(pillars.Hash160(k.PubKey().SerializeCompressed()))] = k
	}
	return s
}

// Owners are the addresses that it stakes for, in the order of their hashes.
func (s *Staker) Owners() []pillars.Address {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []pillars.Address
	for a := range s.keys {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b pillars.Address) int { return bytes.Compare(a.Hash(), b.Hash()) })
	return all
}

func (s *Staker) key(owner pillars.Address) (*btcec.PrivateKey, error) {
	k := s.keys[owner]
	if k == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoStaker, owner.Text(s.params.Address))
	}
	return k, nil
}

// returns says why a transaction is not a coinstake that pays everything back to its owner.
func returns(owner pillars.Address, tx *pillars.Transaction) error {
	if !tx.IsCoinstake() || tx.IsSegWit() {
		return fmt.Errorf("%w: %s is no coinstake", ErrNotStaking, tx.ID())
	}
	to := owner.Script()
	for i := range tx.Outputs[1:] {
		if o := &tx.Outputs[i+1]; !bytes.Equal(o.Script, to) || o.Attachment.Payload != nil {
			return fmt.Errorf("%w: output %d is not the owner's", ErrNotStaking, i+1)
		}
	}
	return nil
}

// SignCoinstake unlocks all inputs, which spend outputs to the owner's key.
func (s *Staker) SignCoinstake(owner pillars.Address, tx *pillars.Transaction) error {
	if err := returns(owner, tx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.key(owner)
	if err != nil {
		return err
	}
	for i := range tx.Inputs {
		tx.Inputs[i].Script = script.Unlock(tx, i, owner.Script(), key)
	}
	return nil
}

// SignBlock signs a block under stake whose coinstake is the owner's.
func (s *Staker) SignBlock(owner pillars.Address, b *pillars.Block) error {
	if b.Seal() != pillars.PoS || !b.Extended() || len(b.Transactions) < 2 {
		return fmt.Errorf("%w: a %s block", ErrNotStaking, b.Seal())
	}
	if err := returns(owner, b.Transactions[1]); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key, err := s.key(owner)
	if err != nil {
		return err
	}
	return b.Sign(key)
}

// Close forgets the keys, as far as the runtime lets it.
func (s *Staker) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		k.Zero()
	}
	clear(s.keys)
}
