package script

import (
	"github.com/btcsuite/btcd/btcec/v2"

	"github.com/asterism-network/asterism/internal/crypto/secp"
)

// checkSig takes a key and a signature and pushes whether the one made the other.
func (m *machine) checkSig(op byte) error {
	if err := m.stack.need(2); err != nil {
		return err
	}
	key, sig := m.stack.take(0), m.stack.take(0)
	code := withoutPush(m.code, sig)
	good, err := m.signed(sig, key, code)
	if err != nil {
		return err
	}
	if !good && m.flags&NullFail != 0 && len(sig) > 0 {
		return reject(NullFailBroken, "input %d", m.input)
	}
	m.stack.push(boolean(good))
	if op == OpCheckSigVerify {
		return m.verifyTop(CheckSigVerifyFailed)
	}
	return nil
}

// checkMultiSig takes keys and signatures and pushes whether each signature is by one of the keys,
// both in the same order. It takes one item more than it should, as Bitcoin does.
func (m *machine) checkMultiSig(op byte) error {
	keys, err := m.counted(maxKeys, KeyCount)
	if err != nil {
		return err
	}
	sigs, err := m.counted(len(keys), SigCount)
	if err != nil {
		return err
	}
	dummy, err := m.stack.pop()
	if err != nil {
		return err
	}
	good, err := m.allSigned(sigs, keys)
	if err != nil {
		return err
	}
	if !good && m.flags&NullFail != 0 {
		for _, sig := range sigs {
			if len(sig) > 0 {
				return reject(NullFailBroken, "input %d", m.input)
			}
		}
	}
	if m.flags&NullDummy != 0 && len(dummy) > 0 {
		return reject(NullDummyBroken, "%d bytes", len(dummy))
	}
	m.stack.push(boolean(good))
	if op == OpCheckMultiSigVerify {
		return m.verifyTop(MultiSigVerifyFailed)
	}
	return nil
}

// counted takes a number and that many items, topmost first.
func (m *machine) counted(limit int, rule Rule) ([][]byte, error) {
	n, err := m.number()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(limit) {
		return nil, reject(rule, "%d, at most %d", n, limit)
	}
	if rule == KeyCount { // each key counts as an opcode
		if err := m.count(int(n)); err != nil {
			return nil, err
		}
	}
	if err := m.stack.need(int(n)); err != nil {
		return nil, err
	}
	items := make([][]byte, n)
	for i := range items {
		items[i] = m.stack.take(0)
	}
	return items, nil
}

// allSigned matches signatures to keys from the last to the first of both.
func (m *machine) allSigned(sigs, keys [][]byte) (bool, error) {
	code := m.code
	for _, sig := range sigs {
		code = withoutPush(code, sig)
	}
	for len(sigs) > 0 && len(sigs) <= len(keys) {
		good, err := m.signed(sigs[0], keys[0], code)
		if err != nil {
			return false, err
		}
		if good {
			sigs = sigs[1:]
		}
		keys = keys[1:]
	}
	return len(sigs) == 0, nil
}

// signed judges the forms of signature and key and whether the one verifies under the other.
func (m *machine) signed(sig, key, code []byte) (bool, error) {
	if err := m.checkSignature(sig); err != nil {
		return false, err
	}
	if m.flags&StrictKeys != 0 && !strictKey(key) {
		return false, reject(KeyEncoding, "%x", key)
	}
	if len(sig) == 0 {
		return false, nil
	}
	parsed, err := btcec.ParsePubKey(key)
	if err != nil {
		return false, nil
	}
	r, s, ok := scalars(sig[:len(sig)-1])
	if !ok {
		return false, nil
	}
	hash := m.hashFor(code, sig[len(sig)-1])
	return secp.VerifyECDSA(parsed, (*[32]byte)(&hash), r, s), nil
}

// checkSignature judges the form of a signature with its kind behind. The empty one is well formed
// and never verifies.
func (m *machine) checkSignature(sig []byte) error {
	if len(sig) == 0 {
		return nil
	}
	body, kind := sig[:len(sig)-1], sig[len(sig)-1]
	if !strictDER(body) {
		return reject(SignatureDER, "%x", sig)
	}
	if m.flags&LowS != 0 {
		if _, s, ok := scalars(body); ok && s.IsOverHalfOrder() {
			return reject(SignatureHighS, "%x", sig)
		}
	}
	if base := kind &^ SigHashAnyoneCanPay; m.flags&StrictHashType != 0 && (base < SigHashAll || base > SigHashSingle) {
		return reject(SignatureHashType, "%#02x", kind)
	}
	return nil
}

// strictKey reports whether a key is a compressed or uncompressed point by its first byte and length.
func strictKey(key []byte) bool {
	switch {
	case len(key) == 33:
		return key[0] == 2 || key[0] == 3
	case len(key) == 65:
		return key[0] == 4
	}
	return false
}

// strictDER reports whether b is a sequence of two positive integers in their shortest form, with
// nothing behind (BIP 66).
func strictDER(b []byte) bool {
	if len(b) < 8 || len(b) > 72 || b[0] != 0x30 || int(b[1]) != len(b)-2 {
		return false
	}
	rest, ok := derInteger(b[2:])
	if !ok {
		return false
	}
	rest, ok = derInteger(rest)
	return ok && len(rest) == 0
}

// derInteger reads one integer and returns what follows it.
func derInteger(b []byte) (rest []byte, ok bool) {
	if len(b) < 3 || b[0] != 0x02 {
		return nil, false
	}
	n := int(b[1])
	if n == 0 || n > len(b)-2 || b[2]&0x80 != 0 || n > 1 && b[2] == 0 && b[3]&0x80 == 0 {
		return nil, false
	}
	return b[2+n:], true
}

// scalars reads r and s of a strict signature; ok is false if one is not below the group order.
func scalars(b []byte) (r, s *btcec.ModNScalar, ok bool) {
	r, s = new(btcec.ModNScalar), new(btcec.ModNScalar)
	n := int(b[3])
	return r, s, setScalar(r, b[4:4+n]) && setScalar(s, b[6+n:])
}

func setScalar(v *btcec.ModNScalar, b []byte) bool {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return len(b) <= 32 && !v.SetByteSlice(b) && !v.IsZero()
}
