package rpc

// checkShape refuses JSON that nests too deep or holds too many values, before anything is
// allocated for it. It does not check the syntax. [RPC-7]
func checkShape(body []byte) *fault {
	depth, values, inString := 0, 1, false
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' || c == ':':
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
