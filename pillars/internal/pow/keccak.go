package pow

import (
	"encoding/binary"
	"io"

	"golang.org/x/crypto/sha3"
)

// A sponge hashes with the original Keccak padding, without an allocation a hash. It belongs to
// one computation.
type sponge struct {
	state512, state256 interface {
		io.ReadWriter
		Reset()
	}
	buf [itemBytes]byte
}

func newSponge() *sponge {
	type readable = interface {
		io.ReadWriter
		Reset()
	}
	return &sponge{
		state512: sha3.NewLegacyKeccak512().(readable),
		state256: sha3.NewLegacyKeccak256().(readable),
	}
}

// An item is 64 bytes of cache or dataset as 16 little-endian words.
type item [itemWords]uint32

// hash replaces an item by its Keccak-512.
func (k *sponge) hash(it *item) {
	for i, w := range it {
		binary.LittleEndian.PutUint32(k.buf[i*wordBytes:], w)
	}
	k.state512.Reset()
	k.state512.Write(k.buf[:])
	k.read512(it)
}

// start is the item that begins a computation: Keccak-512 of any bytes.
func (k *sponge) start(parts ...[]byte) (it item) {
	k.state512.Reset()
	for _, p := range parts {
		k.state512.Write(p)
	}
	k.read512(&it)
	return it
}

func (k *sponge) read512(it *item) {
	k.state512.Read(k.buf[:])
	for i := range it {
		it[i] = binary.LittleEndian.Uint32(k.buf[i*wordBytes:])
	}
}

func (k *sponge) sum256(parts ...[]byte) (sum [32]byte) {
	k.state256.Reset()
	for _, p := range parts {
		k.state256.Write(p)
	}
	k.state256.Read(sum[:])
	return sum
}

// fnvPrime and fnv are Ethash's way to mix two words. It is not the published FNV-1, which works on
// bytes.
const fnvPrime = 0x01000193

func fnv(a, b uint32) uint32 { return a*fnvPrime ^ b }
