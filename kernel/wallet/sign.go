package wallet

import (
	"fmt"
	"io"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// sign signs a plan that spends own outputs and returns the bytes, which do exactly what the
// plan showed.
func (k Keys) sign(p *Plan, random io.Reader) ([]byte, error) {
	if !k.canSpend {
		return nil, ErrWatchOnly
	}
	tx := *p.tx
	hash := tx.Hash()
	privates := make([]kernel.Scalar, len(p.spends))
	defer clear(privates)
	for i := range p.spends {
		o := &p.spends[i]
		if o.Shared() {
			return nil, fmt.Errorf("%w: output %s is shared, make a signing request", ErrRequest, o.Ref)
		}
		var err error
		if privates[i], err = k.private(o.Keys[0], o.Mask, int(o.Ref.Index)); err != nil {
			return nil, err
		}
	}
	if err := authorize(&tx, hash, p, privates, random); err != nil {
		return nil, err
	}
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	// The plan's effects were decoded from a payload with this hash; the bytes that leave must
	// be of the same one.
	var again kernel.Transaction
	if err := again.UnmarshalBinary(raw); err != nil || again.Hash() != p.effects.Transaction {
		return nil, fmt.Errorf("%w: %v", ErrEffects, err)
	}
	return raw, nil
}

func authorize(tx *kernel.Transaction, hash kernel.TxHash, p *Plan, privates []kernel.Scalar, random io.Reader) error {
	if p.request.Aggregate {
		return aggregate(tx, hash, p, privates, random)
	}
	tx.Signatures = make([]kernel.SignatureMap, len(privates))
	for i, private := range privates {
		sig := private.Sign(hash[:])
		if !crypto.Verify(p.spends[i].Keys[0], hash[:], sig) {
			panic("wallet: own signature does not verify") // a fault of the machine; never let it out
		}
		tx.Signatures[i] = kernel.SignatureMap{{Signature: sig}}
	}
	return nil
}

func aggregate(tx *kernel.Transaction, hash kernel.TxHash, p *Plan, privates []kernel.Scalar, random io.Reader) error {
	keys := make([]kernel.Key, len(privates))
	signers := make([]uint16, len(privates))
	for i := range privates {
		keys[i], signers[i] = p.spends[i].Keys[0], uint16(i)
	}
	d := dice{source: random}
	var seed [32]byte
	d.fill(seed[:])
	if d.err != nil {
		return d.err
	}
	sig, err := crypto.AggregateSign(keys, signers, privates, hash, seed[:])
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if !crypto.AggregateVerify(keys, signers, hash, sig) {
		panic("wallet: own signature does not verify")
	}
	tx.Aggregate = &kernel.AggregateSignature{Signers: signers, Signature: sig}
	return nil
}
