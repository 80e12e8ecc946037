package rpcserver

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
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

// bind takes an array, an object or nothing. An object at the end of an array holds further
// parameters by name: so callers of the running network give options. Params are known to be JSON.
func bind(m *Method, params json.RawMessage) (*Args, *Fault) {
	a := &Args{method: m, values: make([]json.RawMessage, len(m.Params))}
	var list []json.RawMessage
	var named map[string]json.RawMessage
	switch params = bytes.TrimSpace(params); {
	case len(params) == 0 || string(params) == "null":
	case params[0] == '[':
		if json.Unmarshal(params, &list) != nil {
			return nil, countFault(m)
		}
		if n := len(list); n > 0 && list[n-1][0] == '{' {
			if json.Unmarshal(list[n-1], &named) != nil {
				return nil, countFault(m)
			}
			list = list[:n-1]
		}
	case params[0] == '{':
		if json.Unmarshal(params, &named) != nil {
			return nil, countFault(m)
		}
	default:
		return nil, Faultf("invalid_params", "params of %s must be an array or an object", m.Name)
	}
	if len(list) > len(m.Params) {
		return nil, countFault(m)
	}
	copy(a.values, list)
	for i, p := range m.Params {
		if v, ok := named[p.Name]; ok {
			a.values[i] = v
		}
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

func countFault(m *Method) *Fault {
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		if names[i] = p.Name; !p.Required {
			names[i] += "?"
		}
	}
	return Faultf("invalid_params", "parameters of %s are [%s]", m.Name, strings.Join(names, ", "))
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
	if a.fault == nil {
		a.fault = Faultf("invalid_params", "parameter %s of %s: %s", name, a.method.Name, why).With("param", name)
	}
}

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
		if a.fault == nil {
			a.fault = Faultf("too_large", "parameter %s of %s has %d bytes, at most %d are possible", name, a.method.Name, len(text)/2, limit)
		}
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		a.Fail(name, "is not hex: "+err.Error())
	}
	return b
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
		if a.fault == nil {
			a.fault = Faultf("too_many", "%s takes 1 to %d of %s, not %d", a.method.Name, limit, name, len(list)).With("param", name)
		}
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
