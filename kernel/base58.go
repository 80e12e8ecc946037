package kernel

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// encodeBase58 writes b as a number in base 58; each leading zero byte is a leading '1'. It
// takes quadratic time: for short b only.
func encodeBase58(b []byte) string {
	zeros := 0
	for zeros < len(b) && b[zeros] == 0 {
		zeros++
	}
	var digits []byte // least significant first
	for _, v := range b[zeros:] {
		carry := int(v)
		for i := range digits {
			carry += int(digits[i]) << 8
			digits[i], carry = byte(carry%58), carry/58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	text := make([]byte, 0, zeros+len(digits))
	for range zeros {
		text = append(text, base58Digits[0])
	}
	for i := len(digits) - 1; i >= 0; i-- {
		text = append(text, base58Digits[digits[i]])
	}
	return string(text)
}

// decodeBase58 is the inverse of encodeBase58; the caller limits the length of s.
func decodeBase58(s string) ([]byte, bool) {
	zeros := 0
	for zeros < len(s) && s[zeros] == base58Digits[0] {
		zeros++
	}
	var number []byte // least significant first
	for i := zeros; i < len(s); i++ {
		carry, ok := base58Value(s[i])
		if !ok {
			return nil, false
		}
		for i := range number {
			carry += int(number[i]) * 58
			number[i], carry = byte(carry), carry>>8
		}
		for ; carry > 0; carry >>= 8 {
			number = append(number, byte(carry))
		}
	}
	b := make([]byte, zeros, zeros+len(number))
	for i := len(number) - 1; i >= 0; i-- {
		b = append(b, number[i])
	}
	return b, true
}

func base58Value(c byte) (int, bool) {
	for i := range len(base58Digits) {
		if base58Digits[i] == c {
			return i, true
		}
	}
	return 0, false
}
