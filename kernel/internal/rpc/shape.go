package rpc

import "bytes"

// checkShape refuses JSON that nests too deep or holds too many values, before anything is
// allocated for it. It does not check the syntax. [RPC-7]
func checkShape(body []byte) *fault {
	depth, values := 0, 1
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i += insideString(body[i+1:])
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':':
			values++
		}
		if depth > maxDepth {
			return faultf("too_many", "the request nests deeper than %d", maxDepth)
		}
	}
	if values > maxValues {
		return faultf("too_many", "the request holds more than %d values", maxValues)
	}
	return nil
}

// insideString is the length of the string whose inside b begins with, its last quote included; all
// of b if it never ends.
func insideString(b []byte) int {
	end := bytes.IndexByte(b, '"')
	if end >= 0 && bytes.IndexByte(b[:end], '\\') < 0 {
		return end + 1
	}
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
