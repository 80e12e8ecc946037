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
// that no block can be taken through the rules of another kind [PIL-KND-1]. It needs the block alone.
func CheckShape(b *pillars.Block) error {
	if err := checkNonce(&b.Header); err != nil {
		return err
	}
	if err := checkTransactions(b); err != nil {
		return err
	}
	if err := checkSignature(b); err != nil {
		return err
	}
	return checkKeys(b)
}

// checkTransactions: a coinbase comes first and nowhere else; a coinstake is second in a PoS block
// and nowhere else [PIL-KND-2, PIL-KND-3].
func checkTransactions(b *pillars.Block) error {
	seal := b.Seal()
	if len(b.Transactions) == 0 || !b.Transactions[0].IsCoinbase() {
		return Reject(NoCoinbase, "the first transaction is none")
	}
	for i, tx := range b.Transactions[1:] {
		if namesNull(tx) {
			return Reject(CoinbaseTwice, "transaction %d spends from nowhere", i+1)
		}
		if tx.IsCoinstake() && (seal != pillars.PoS || i != 0) {
			return Reject(CoinstakeHere, "transaction %d of a %s block", i+1, seal)
		}
	}
	if seal == pillars.PoS && (len(b.Transactions) < 2 || !b.Transactions[1].IsCoinstake()) {
		return Reject(NoCoinstake, "the second transaction is none")
	}
	return nil
}

// namesNull reports whether an input, any, spends from nowhere. It is wider than the shape of a
// coinbase: a second one must not hide behind a real input or in a SegWit envelope.
func namesNull(tx *pillars.Transaction) bool {
	for i := range tx.Inputs {
		if tx.Inputs[i].Previous.IsNull() {
			return true
		}
	}
	return false
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

// checkKeys: the key stands in exactly one place, and where it says so the header commits to it
// [PIL-KND-5, PIL-KND-7].
func checkKeys(b *pillars.Block) error {
	classic := b.Seal() == pillars.DPoS && !b.Extended()
	if (b.ClassicKey != [33]byte{}) && !classic {
		return Reject(KeyHere, "behind a %s block", b.Seal())
	}
	if classic && b.ClassicKey == [33]byte{} {
		return Reject(NoKey, "behind a %s block", b.Seal())
	}
	if !b.Extended() {
		if b.Extension != (pillars.Extension{}) || !b.ExtensionRoot.IsZero() {
			return Reject(WrongExtension, "a classic block has none")
		}
		return nil
	}
	if has := b.Extension.Key != [33]byte{}; has != b.Seal().Signed() {
		if has {
			return Reject(KeyHere, "in the extension of a %s block", b.Seal())
		}
		return Reject(NoKey, "in the extension of a %s block", b.Seal())
	}
	if root := b.Extension.Root(); root != b.ExtensionRoot {
		return Reject(WrongExtension, "root is %s, the header has %s", root.Short(), b.ExtensionRoot.Short())
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
