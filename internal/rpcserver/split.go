package rpcserver

import (
	"bytes"
	"encoding/json"
)

// A submission of many transactions is a megabyte of JSON, of which the general decoder makes six
// passes, one byte at a time. What follows takes apart values that are known to be JSON without
// copying; it answers not ok where a name is written in an unusual way, and the general decoder
// does the work.

// valid is json.Valid, which takes five times as long for hex: it is given every string that holds no escape empty.
func valid(body []byte) bool {
	bones := make([]byte, 0, 512)
	for {
		begin := 1 + bytes.IndexByte(body, '"')
		if begin == 0 {
			return json.Valid(append(bones, body...))
		}
		bones, body = append(bones, body[:begin]...), body[begin:]
		end := insideString(body)
		if !plainText(body[:end]) {
			bones = append(bones, body[:end]...)
		} else if end > 0 {
			bones = append(bones, body[end-1])
		}
		body = body[end:]
	}
}

// plainText reports whether all bytes stand for themselves where they are inside a string.
func plainText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == '\\' {
			return false
		}
	}
	return true
}

// splitObject calls visit for every member of an object, in order, until visit returns false.
func splitObject(object []byte, visit func(name, value []byte) bool) (ok bool) {
	rest := object[1:]
	for {
		if rest = skipTo(rest, '"', '}'); rest[0] == '}' {
			return true
		}
		end, plain := stringEnd(rest)
		if !plain {
			return false
		}
		name := rest[1 : end-1]
		value := bytes.TrimLeft(rest[end:], jsonSpace)
		value = bytes.TrimLeft(value[1:], jsonSpace) // behind the colon
		end = valueEnd(value)
		if !visit(name, value[:end]) {
			return false
		}
		rest = value[end:]
	}
}

// splitArray calls visit for every element of an array, in order, until visit returns false.
func splitArray(array []byte, visit func(value []byte) bool) (ok bool) {
	rest := bytes.TrimLeft(array[1:], jsonSpace)
	for rest[0] != ']' {
		end := valueEnd(rest)
		if !visit(rest[:end]) {
			return false
		}
		if rest = bytes.TrimLeft(rest[end:], jsonSpace); rest[0] == ',' {
			rest = bytes.TrimLeft(rest[1:], jsonSpace)
		}
	}
	return true
}

const jsonSpace = " \t\r\n"

// skipTo skips what may stand between members.
func skipTo(b []byte, x, y byte) []byte {
	for b[0] != x && b[0] != y {
		b = b[1:]
	}
	return b
}

// stringEnd is the length of the string that b begins with, its quotes included. It is plain if
// the bytes between them stand for themselves.
func stringEnd(b []byte) (end int, plain bool) {
	end = 1 + bytes.IndexByte(b[1:], '"')
	if bytes.IndexByte(b[1:end], '\\') < 0 {
		return end + 1, true
	}
	for i := 1; ; i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, false
		}
	}
}

// valueEnd is the length of the value that b begins with.
func valueEnd(b []byte) int {
	switch b[0] {
	case '"':
		end, _ := stringEnd(b)
		return end
	case '{', '[':
		return nestEnd(b)
	}
	for i, c := range b {
		switch c {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return i
		}
	}
	return len(b)
}

// nestEnd is valueEnd for an object or array.
func nestEnd(b []byte) int {
	for i, depth := 0, 0; ; {
		switch b[i] {
		case '"':
			end, _ := stringEnd(b[i:])
			i += end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}
