package pow

import "encoding/binary"

// A Hasher answers what Ethash says of a head hash and a nonce: the mix that goes into the header, and the
// result that is compared with the target. A Cache and a Dataset give the same answers, the Dataset
// some hundred times faster.
type Hasher interface {
	Hash(head [32]byte, nonce uint64) (mix, result [32]byte)
}

// Hash is Ethash by light verification.
func (c *Cache) Hash(head [32]byte, nonce uint64) (mix, result [32]byte) {
	k := newSponge()
	return hashimoto(k, head, nonce, c.dataset, func(n uint32) (item, item) { return c.pair(k, n) })
}

// hashimoto is the loop of Dryja's Hashimoto as Ethash has it: 64 accesses of two items each, each
// place picked by what was read before. The nonce enters with its least significant byte first.
func hashimoto(k *sponge, head [32]byte, nonce, dataset uint64, read func(n uint32) (item, item)) (digest, result [32]byte) {
	var le [8]byte
	binary.LittleEndian.PutUint64(le[:], nonce)
	start := k.start(head[:], le[:])
	var mix [mixWords]uint32
	copy(mix[:itemWords], start[:])
	copy(mix[itemWords:], start[:])

	pages := newReducer(uint32(dataset / mixBytes))
	for i := range uint32(accesses) {
		a, b := read(pages.mod(fnv(i^start[0], mix[i%mixWords])))
		for w := range a {
			mix[w] = fnv(mix[w], a[w])
			mix[w+itemWords] = fnv(mix[w+itemWords], b[w])
		}
	}
	for i := 0; i < mixWords; i += 4 {
		word := fnv(fnv(fnv(mix[i], mix[i+1]), mix[i+2]), mix[i+3])
		binary.LittleEndian.PutUint32(digest[i:], word)
	}
	return digest, k.sum256(start.bytes(), digest[:])
}

func (it *item) bytes() []byte {
	b := make([]byte, 0, itemBytes)
	for _, w := range it {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}
