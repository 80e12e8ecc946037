// Package crypto holds the mechanisms every product builds on: hashing with labels, keys on
// the Ed25519 curve, one-time keys, plain and aggregate signatures, the threshold coin and
// the incremental set hash. It knows no product words and does no I/O.
package crypto

import "github.com/zeebo/blake3"

// HashSize is the size of every hash in bytes.
const HashSize = 32

// Sum is BLAKE3-256 over the parts, one after the other, without a label. It is the "B3" of
// the transaction format that the wider ecosystem speaks; our own objects use SumLabel.
func Sum(parts ...[]byte) (h [HashSize]byte) {
	if len(parts) == 1 {
		return blake3.Sum256(parts[0])
	}
	w := blake3.New()
	for _, p := range parts {
		w.Write(p)
	}
	w.Sum(h[:0])
	return h
}

// SumLabel is BLAKE3-256 over the length of label in one byte, label, and the parts one after
// the other. A label belongs to one use for ever, so no value hashed for one purpose can be
// shown for another. Parts must have fixed or self-delimiting lengths.
func SumLabel(label string, parts ...[]byte) (h [HashSize]byte) {
	size := 1 + len(label)
	for _, p := range parts {
		size += len(p)
	}
	if size <= shortSum {
		var room [shortSum]byte
		b := append(append(room[:0], byte(len(label))), label...)
		for _, p := range parts {
			b = append(b, p...)
		}
		return blake3.Sum256(b)
	}
	w := blake3.New()
	w.Write([]byte{byte(len(label))})
	w.WriteString(label)
	for _, p := range parts {
		w.Write(p)
	}
	w.Sum(h[:0])
	return h
}

// shortSum is how many bytes are one chunk of BLAKE3. To put so many together costs less than the
// ten kilobytes of a hasher.
const shortSum = 1024
