package crypto

import (
	"encoding/binary"
	"fmt"

	"filippo.io/edwards25519"
)

// One-time ("ghost") keys. A sender with the output's secret r and the receiver's address
// (view key A, spend key B) makes P = B + xG, where x is a hash of the shared point rA = aR and
// the output's place. The mask R = rG travels with the output. The holder of the view scalar a
// recognizes the output; only the holder of both scalars can spend it. [GHOST]

// Mask returns R = rG.
func Mask(r Scalar) Key { return r.Public() }

// GhostPublic returns the one-time key for the address (view, spend) at the given place in the
// transaction's outputs. It fails if the keys are not canonical points.
func GhostPublic(r Scalar, view, spend Key, index uint64) (Key, error) {
	a, err := point(view)
	if err != nil {
		return Key{}, fmt.Errorf("view key %s: %w", view, err)
	}
	b, err := point(spend)
	if err != nil {
		return Key{}, fmt.Errorf("spend key %s: %w", spend, err)
	}
	x := ghostNumber(a.ScalarMult(r.number(), a), index)
	return Key(b.Add(b, x.public()).Bytes()), nil
}

// GhostScalar returns x, the receiver's part of the one-time key under mask. It refuses a mask
// that is not of prime order: answering to one would tell the sender a few bits of view.
func GhostScalar(view Scalar, mask Key, index uint64) (Scalar, error) {
	x, err := ghostNumberFromMask(view, mask, index)
	if err != nil {
		return Scalar{}, err
	}
	return Scalar(x.Bytes()), nil
}

// GhostPrivate returns p = x + b, the private key of the one-time key.
func GhostPrivate(view, spend Scalar, mask Key, index uint64) (Scalar, error) {
	x, err := ghostNumberFromMask(view, mask, index)
	if err != nil {
		return Scalar{}, err
	}
	return Scalar(x.Add(x.Scalar, spend.number()).Bytes()), nil
}

// ViewGhost returns B = P - xG: the spend key that the one-time key belongs to, if view is the
// receiver's. Any other view scalar gives a point that is nobody's.
func ViewGhost(view Scalar, ghost, mask Key, index uint64) (Key, error) {
	x, err := ghostNumberFromMask(view, mask, index)
	if err != nil {
		return Key{}, err
	}
	p, err := point(ghost)
	if err != nil {
		return Key{}, fmt.Errorf("one-time key %s: %w", ghost, err)
	}
	return Key(p.Subtract(p, x.public()).Bytes()), nil
}

// A number is a scalar in the form of the arithmetic.
type number struct{ *edwards25519.Scalar }

func (n number) public() *edwards25519.Point {
	return new(edwards25519.Point).ScalarBaseMult(n.Scalar)
}

func ghostNumberFromMask(view Scalar, mask Key, index uint64) (number, error) {
	if !ValidKey(mask) {
		return number{}, fmt.Errorf("mask %s: %w", mask, errOrder)
	}
	r, err := point(mask)
	if err != nil {
		return number{}, fmt.Errorf("mask %s: %w", mask, err)
	}
	return ghostNumber(r.ScalarMult(view.number(), r), index), nil
}

// ghostNumber hashes the shared point and the output's place to x. The format hashes twice.
func ghostNumber(shared *edwards25519.Point, index uint64) number {
	once := doubleSum(binary.AppendUvarint(shared.Bytes(), index))
	x := doubleSum(once[:])
	return number{x.number()}
}

// doubleSum is wide(h1 || h2) with h1 the hash of b and h2 the hash of h1.
func doubleSum(b []byte) Scalar {
	h1 := Sum(b)
	h2 := Sum(h1[:])
	var wide [64]byte
	copy(wide[:32], h1[:])
	copy(wide[32:], h2[:])
	return ScalarFromWide(wide)
}
