package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/kernel"
)

// An args reads the parameters of one call. Numbers, booleans and hashes may come as
// themselves or as strings. The first fault sticks; ask err at the end. [RPC-4]
type args struct {
	method *Method
	values []json.RawMessage // by place; nil where not given
	fault  *fault
}

// bind takes an array, an object or nothing. Params are known to be JSON.
func bind(m *Method, params json.RawMessage) (*args, *fault) {
	a := &args{method: m, values: make([]json.RawMessage, len(m.Params))}
	given := 0
	switch params = bytes.TrimSpace(params); {
	case len(params) == 0 || string(params) == "null":
	case params[0] == '[':
		fits := splitArray(params, func(value []byte) bool {
			if given == len(a.values) {
				return false
			}
			a.values[given] = value
			given++
			return true
		})
		if !fits {
			return nil, countFault(m)
		}
	case params[0] == '{':
		if !splitObject(params, a.named) && !a.unusual(params) {
			return nil, countFault(m)
		}
		given = len(m.Params)
	default:
		return nil, faultf("invalid_params", "params of %s must be an array or an object", m.Name)
	}
	for i, p := range m.Params {
		missing := i >= given || len(a.values[i]) == 0 || string(a.values[i]) == "null"
		if missing {
			a.values[i] = nil
		}
		if missing && p.Required {
			return nil, countFault(m).with("param", p.Name)
		}
	}
	return a, nil
}

// named takes one member of params; one that is no parameter is ignored.
func (a *args) named(name, value []byte) bool {
	for i := range a.method.Params {
		if a.method.Params[i].Name == string(name) {
			a.values[i] = value
		}
	}
	return true
}

// unusual reads params whose names are not written plainly.
func (a *args) unusual(params json.RawMessage) bool {
	var named map[string]json.RawMessage
	if json.Unmarshal(params, &named) != nil {
		return false
	}
	for i, p := range a.method.Params {
		a.values[i] = named[p.Name]
	}
	return true
}

func countFault(m *Method) *fault {
	names := make([]string, len(m.Params))
	for i, p := range m.Params {
		if names[i] = p.Name; !p.Required {
			names[i] += "?"
		}
	}
	f := faultf("invalid_params", "parameters of %s are [%s]", m.Name, strings.Join(names, ", "))
	f.peer = "invalid params count"
	return f
}

func (a *args) err() error {
	if a.fault == nil {
		return nil // not a typed nil
	}
	return a.fault
}

func (a *args) fail(name, why string) {
	if a.fault == nil {
		a.fault = faultf("invalid_params", "parameter %s of %s: %s", name, a.method.Name, why).with("param", name)
	}
}

// text returns a parameter as text: the inside of a string, or a bare number or boolean.
func (a *args) text(name string) (string, bool) {
	raw := a.values[a.method.place(name)]
	switch {
	case raw == nil:
		return "", false
	case raw[0] == '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			a.fail(name, "is not a string")
		}
		return s, true
	case raw[0] == '{' || raw[0] == '[':
		a.fail(name, "must not be an object or array")
	}
	return string(raw), true
}

// uint returns an integer up to limit, or absent if it is not given.
func (a *args) uint(name string, limit, absent uint64) uint64 {
	text, ok := a.text(name)
	if !ok {
		return absent
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n > limit {
		a.fail(name, "want an integer from 0 to "+strconv.FormatUint(limit, 10))
		return absent
	}
	return n
}

// limit is the length of a page, 1 to maxList.
func (a *args) limit() int {
	n := a.uint("limit", maxList, 100)
	if n == 0 {
		a.fail("limit", "want 1 to 500")
	}
	return int(n)
}

func (a *args) bool(name string) bool {
	text, ok := a.text(name)
	if !ok {
		return false
	}
	b, err := strconv.ParseBool(text)
	if err != nil {
		a.fail(name, "want true or false")
	}
	return b
}

// raw returns the bytes of a transaction given in hex.
func (a *args) raw(name string) []byte {
	text, _ := a.text(name)
	if len(text) > 2*kernel.MaxTransactionSize {
		if a.fault == nil {
			a.fault = refusal(kernel.TransactionTooLarge, kernel.TransactionTooLarge)
		}
		return nil
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		a.fail(name, "is not hex: "+err.Error())
	}
	return b
}

// raws returns the bytes of 1 to limit transactions given as a list of hex.
func (a *args) raws(name string, limit int) (raws [][]byte) {
	list := a.values[a.method.place(name)]
	if list[0] != '[' {
		a.fail(name, "want a list of hex")
		return nil
	}
	count := 0
	splitArray(list, func(text []byte) bool {
		if count++; count > limit || a.fault != nil {
			return true // counted only
		}
		raw, err := unhexText(text)
		if err != nil {
			a.fail(name, "number "+strconv.Itoa(count)+" is not hex: "+err.Error())
		}
		raws = append(raws, raw)
		return true
	})
	if a.fault == nil && (count == 0 || count > limit) {
		a.fault = faultf("too_many", "%s takes 1 to %d transactions, not %d", a.method.Name, limit, count)
	}
	return raws
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

// A textual reads itself from text.
type textual interface{ UnmarshalText([]byte) error }

// into reads a parameter that has a text form; an absent one is left as it is.
func (a *args) into(name string, v textual) {
	text, ok := a.text(name)
	if !ok {
		return
	}
	if err := v.UnmarshalText([]byte(text)); err != nil {
		a.fail(name, err.Error())
	}
}

func (a *args) txHash(name string) (h kernel.TxHash) {
	a.into(name, &h)
	return h
}
