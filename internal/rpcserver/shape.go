package rpcserver

import (
	"bytes"
	"fmt"
)

// CheckShape says what is wrong with JSON that nests too deep or holds too many values, before
// anything is allocated for it; empty is nothing. It does not check the syntax. [RPC-7]
func CheckShape(body []byte) (why string) {
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
		if depth > MaxDepth {
			return fmt.Sprintf("the request nests deeper than %d", MaxDepth)
		}
	}
	if values > MaxValues {
		return fmt.Sprintf("the request holds more than %d values", MaxValues)
	}
	return ""
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
