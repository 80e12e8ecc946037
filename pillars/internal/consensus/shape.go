package consensus

import "github.com/asterism-network/asterism/pillars"

// checkNonce: only work has a mix hash, only work and delegates' turns have a nonce [PIL-KND-6].
func checkNonce(h *pillars.Header) error {
	if h.Seal() == pillars.PoW {
		return nil
	}
	if h.MixHash != [32]byte{} {
		return Reject(MixNotZero, "%s block", h.Seal())
	}
	if h.Nonce != 0 && h.Seal() == pillars.PoS {
		return Reject(NonceNotZero, "%s block", h.Seal())
	}
	return nil
}

// CheckShape says whether a block looks like what its version claims to be and like nothing else, so
// that no block can be taken through the rules of another kind [PIL-KND-1]. It needs the block alone,
// which must have passed Block.Check: there the coinbase has its place and the header commits to the extension.
func CheckShape(b *pillars.Block) error {
	if err := checkNonce(&b.Header); err != nil {
		return err
	}
	if err := checkCoinstake(b); err != nil {
		return err
	}
	if err := checkSignature(b); err != nil {
		return err
	}
	return checkKeys(b)
}

// checkCoinstake: a coinstake is second in a PoS block and nowhere else [PIL-KND-3].
func checkCoinstake(b *pillars.Block) error {
	stake := b.Seal() == pillars.PoS
	for i, tx := range b.Transactions {
		if tx.IsCoinstake() && (!stake || i != 1) {
			return Reject(CoinstakeHere, "transaction %d of a %s block", i, b.Seal())
		}
	}
	if stake && (len(b.Transactions) < 2 || !b.Transactions[1].IsCoinstake()) {
		return Reject(NoCoinstake, "the second transaction is none")
	}
	return nil
}

// checkSignature: work carries no signature, stake and delegates do [PIL-KND-4]. Whether it is a
// good one is asked later.
func checkSignature(b *pillars.Block) error {
	switch has := b.Signature != [64]byte{}; {
	case has && !b.Seal().Signed():
		return Reject(SignatureHere, "%s block", b.Seal())
	case !has && b.Seal().Signed():
		return Reject(NoSignature, "%s block", b.Seal())
	}
	return nil
}

// checkKeys: a signed block has its author's key in exactly one place, other blocks have none
// [PIL-KND-5].
func checkKeys(b *pillars.Block) error {
	classic := b.Seal() == pillars.DPoS && !b.Extended()
	if err := checkKey(b, b.ClassicKey, classic); err != nil {
		return err
	}
	if !b.Extended() && b.Extension != (pillars.Extension{}) {
		return Reject(KeyHere, "a classic block has no extension")
	}
	if err := checkKey(b, b.Extension.Key, b.Extended() && b.Seal().Signed()); err != nil {
		return err
	}
	return checkStated(b)
}

// checkStated: an extension states the stake of a PoS block as the coinstake has it, and none under
// other seals [PIL-KND-8].
func checkStated(b *pillars.Block) error {
	var stake pillars.Outpoint
	if b.Extended() && b.Seal() == pillars.PoS {
		stake = b.Transactions[1].Inputs[0].Previous
	}
	if b.Extension.Stake != stake {
		return Reject(WrongStake, "%s:%d is stated", b.Extension.Stake.Tx, b.Extension.Stake.Index)
	}
	return nil
}

func checkKey(b *pillars.Block, key [33]byte, wanted bool) error {
	switch has := key != [33]byte{}; {
	case has && !wanted:
		return Reject(KeyHere, "%s block", b.Seal())
	case !has && wanted:
		return Reject(NoKey, "%s block", b.Seal())
	}
	return nil
}

// CheckExtension says whether a block's extension states the modifier and the delegates of the branch that
// it follows [PIL-KND-7]. Witnesses is the root of the delegates' table, zero while there are none.
func (b *Branch) CheckExtension(p *pillars.Params, e *pillars.Extension, witnesses pillars.Hash) error {
	if !p.Extended {
		return nil
	}
	if e.Modifier != b.Modifier {
		return Reject(WrongModifier, "%s after %d, want %s", e.Modifier.Short(), b.Number, b.Modifier.Short())
	}
	if e.Witnesses != witnesses {
		return Reject(WrongWitnesses, "%s after %d, want %s", e.Witnesses.Short(), b.Number, witnesses.Short())
	}
	return nil
}
