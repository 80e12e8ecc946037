package rpcserver

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Args reads the parameters of one call. Numbers, booleans and hashes may come as themselves or as
// strings. The first fault sticks; ask Err at the end. [RPC-4]
type Args struct {
	Right  Right // of who calls
	method *Method
	values []json.RawMessage // by place; nil where not given
	fault  *Fault
}

// bind takes an array, an object or nothing. Params are known to be JSON.
func (s *Service) bind(m *Method, params json.RawMessage) (*Args, *Fault) {
	a := &Args{method: m, values: make([]json.RawMessage, len(m.Params))}
	fits := true
	switch params = bytes.TrimSpace(params); {
	case len(params) == 0 || string(params) == "null":
	case params[0] == '[':
		fits = a.inOrder(params, s.Trailing)
	case params[0] == '{':
		fits = a.byName(params)
	default:
		return nil, Faultf("invalid_params", "params of %s must be an array or an object", m.Name)
	}
	if !fits {
		return nil, countFault(m)
	}
	for i, p := range m.Params {
		missing := len(a.values[i]) == 0 || string(a.values[i]) == "null"
		if missing {
			a.values[i] = nil
		}
		if missing && p.Required {
			return nil, countFault(m).With("param", p.Name)
		}
	}
	return a, nil
}

// inOrder reads an array. With trailing, an object at its end holds further parameters by name: so
// callers of the running network give options.
func (a *Args) inOrder(params json.RawMessage, trailing bool) (fits bool) {
	list := make([]json.RawMessage, 0, len(a.values)+1)
	fits = splitArray(params, func(value []byte) bool {
		list = append(list, value)
		return len(list) <= len(a.values)+1
	})
	var options json.RawMessage
	if n := len(list); trailing && n > 0 && list[n-1][0] == '{' {
		list, options = list[:n-1], list[n-1]
	}
	if !fits || len(list) > len(a.values) {
		return false
	}
	copy(a.values, list)
	return options == nil || a.byName(options)
}

// byName reads an object; members that are no parameters are ignored.
func (a *Args) byName(params json.RawMessage) (fits bool) {
	take := func(name, value []byte) bool {
		for i := range a.method.Params {
			if a.method.Params[i].Name == string(name) {
				a.values[i] = value
			}
		}
		return true
	}
	if splitObject(params, take) {
		return true
	}
	var named map[string]json.RawMessage // names that are not written plainly
	if json.Unmarshal(params, &named) != nil {
		return false
	}
	for name, value := range named {
		take([]byte(name), value)
	}
	return true
}

func countFault(m *Method) *Fault {
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		if names[i] = p.Name; !p.Required {
			names[i] += "?"
		}
	}
	f := Faultf("invalid_params", "parameters of %s are [%s]", m.Name, strings.Join(names, ", "))
	f.Plain = "invalid params count"
	return f
}

// Err returns the first fault, as an error.
func (a *Args) Err() error {
	if a.fault == nil {
		return nil // not a typed nil
	}
	return a.fault
}

// Fail says that a parameter cannot be read so.
func (a *Args) Fail(name, why string) {
	a.Refuse(Faultf("invalid_params", "parameter %s of %s: %s", name, a.method.Name, why).With("param", name))
}

// Refuse answers the call with a fault, unless there is one already.
func (a *Args) Refuse(f *Fault) {
	if a.fault == nil {
		a.fault = f
	}
}

// Raw returns a parameter as it was sent, nil if it was not.
func (a *Args) Raw(name string) json.RawMessage { return a.values[a.method.place(name)] }

// Given reports whether a parameter was given.
func (a *Args) Given(name string) bool { return a.values[a.method.place(name)] != nil }

// Text returns a parameter as text: the inside of a string, or a bare number or boolean.
func (a *Args) Text(name string) (string, bool) {
	raw := a.values[a.method.place(name)]
	switch {
	case raw == nil:
		return "", false
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			a.Fail(name, "is not a string")
		}
		return s, true
	case raw[0] == '{' || raw[0] == '[':
		a.Fail(name, "must not be an object or array")
	}
	return string(raw), true
}

// Uint returns an integer up to limit, or absent if it is not given.
func (a *Args) Uint(name string, limit, absent uint64) uint64 {
	text, ok := a.Text(name)
	if !ok {
		return absent
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > limit {
		a.Fail(name, "want an integer from 0 to "+strconv.FormatUint(limit, 10))
		return absent
	}
	return n
}

// Limit is the length of a page, 1 to MaxList.
func (a *Args) Limit(name string, absent uint64) int {
	n := a.Uint(name, MaxList, absent)
	if n == 0 {
		a.Fail(name, "want 1 to "+strconv.Itoa(MaxList))
	}
	return int(n)
}

// Bool returns a boolean, or absent if it is not given.
func (a *Args) Bool(name string, absent bool) bool {
	text, ok := a.Text(name)
	if !ok {
		return absent
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		a.Fail(name, "want true or false")
	}
	return b
}

// Hex returns bytes given in hex, at most limit of them.
func (a *Args) Hex(name string, limit int) []byte {
	text, _ := a.Text(name)
	if len(text) > 2*limit {
		a.Refuse(Faultf("too_large", "parameter %s of %s has %d bytes, at most %d are possible", name, a.method.Name, len(text)/2, limit))
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		a.Fail(name, "is not hex: "+err.Error())
	}
	return b
}

// HexList returns 1 to limit byte strings, given as a list of hex; what says what they are.
func (a *Args) HexList(name string, limit int, what string) (all [][]byte) {
	list := a.Raw(name)
	if len(list) == 0 || list[0] != '[' {
		a.Fail(name, "want a list of hex")
		return nil
	}
	count := 0
	splitArray(list, func(text []byte) bool {
		if count++; count > limit || a.fault != nil {
			return true // counted only
		}
		b, err := unhexText(text)
		if err != nil {
			a.Fail(name, "number "+strconv.Itoa(count)+" is not hex: "+err.Error())
		}
		all = append(all, b)
		return true
	})
	if count == 0 || count > limit {
		a.Refuse(Faultf("too_many", "%s takes 1 to %d %s, not %d", a.method.Name, limit, what, count))
	}
	return all
}

// unhexText decodes a JSON string of hex digits.
func unhexText(text []byte) ([]byte, error) {
	if text[0] != '"' {
		return nil, errors.New("it is not a string")
	}
	if _, plain := stringEnd(text); !plain {
		var s string
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, err
		}
		return hex.DecodeString(s)
	}
	raw := make([]byte, hex.DecodedLen(len(text)-2))
	_, err := hex.Decode(raw, text[1:len(text)-1])
	return raw, err
}

// List returns 1 to limit texts: a list of strings, or one string.
func (a *Args) List(name string, limit int) (list []string) {
	raw := a.values[a.method.place(name)]
	if raw == nil {
		return nil
	}
	if raw[0] != '[' {
		text, _ := a.Text(name)
		return []string{text}
	}
	if json.Unmarshal(raw, &list) != nil {
		a.Fail(name, "want a list of strings")
		return nil
	}
	if len(list) == 0 || len(list) > limit {
		a.Refuse(Faultf("too_many", "%s takes 1 to %d of %s, not %d", a.method.Name, limit, name, len(list)).With("param", name))
		return nil
	}
	return list
}

// A Textual reads itself from text.
type Textual interface{ UnmarshalText([]byte) error }

// Into reads a parameter that has a text form; an absent one is left as it is.
func (a *Args) Into(name string, v Textual) (given bool) {
	text, ok := a.Text(name)
	if !ok {
		return false
	}
	if err := v.UnmarshalText([]byte(text)); err != nil {
		a.Fail(name, err.Error())
	}
	return true
}
