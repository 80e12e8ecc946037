package script

// Numbers on the stack: little-endian, the top bit of the last byte is the sign. Arithmetic takes
// up to four bytes, locks take five; results may be longer and then are bytes only.
const (
	numberBytes = 4
	lockBytes   = 5
)

// parseNumber reads a number of at most limit bytes; minimal asks for the shortest form.
func parseNumber(b []byte, limit int, strict bool) (int64, error) {
	if len(b) > limit {
		return 0, reject(NumberInvalid, "%d bytes, at most %d", len(b), limit)
	}
	if len(b) == 0 {
		return 0, nil
	}
	last := b[len(b)-1]
	if strict && last&0x7f == 0 && (len(b) == 1 || b[len(b)-2]&0x80 == 0) {
		return 0, reject(NumberInvalid, "%x has a shorter form", b)
	}
	v := int64(0)
	for i, d := range b {
		v |= int64(d) << (8 * i)
	}
	if last&0x80 != 0 {
		return -(v &^ (0x80 << (8 * (len(b) - 1)))), nil
	}
	return v, nil
}

// Number returns the shortest form of v.
func Number(v int64) []byte {
	if v == 0 {
		return nil
	}
	negative, rest := v < 0, uint64(v)
	if negative {
		rest = -rest
	}
	var b []byte
	for ; rest > 0; rest >>= 8 {
		b = append(b, byte(rest))
	}
	if b[len(b)-1]&0x80 != 0 {
		b = append(b, 0)
	}
	if negative {
		b[len(b)-1] |= 0x80
	}
	return b
}

// truth reads an item as true or false: all zeros are false, and so is minus zero.
func truth(b []byte) bool {
	for i, d := range b {
		if d != 0 {
			return i != len(b)-1 || d != 0x80
		}
	}
	return false
}

func boolean(v bool) []byte {
	if v {
		return []byte{1}
	}
	return nil
}
