package rpc

import (
	"context"
	"fmt"
	"sort"
)

// A Param is one parameter of a method, positional in the order of Method.Params or named.
type Param struct {
	Name     string
	Kind     string // hex, hex list, hash, key, integer, boolean, string
	Required bool
	About    string
	Example  any
}

// A Method is one row of the public interface. The table is the only source of dispatch,
// rights, limits, rpc.discover and docs/reference/rpc.md.
type Method struct {
	Name   string
	Right  Right
	About  string // one sentence, says what a null result means
	Params []Param
	Result any      // a value of the result's type, for the description
	Errors []string // names beyond those that every method can answer
	Large  bool     // takes a raw transaction: larger body
	Peer   bool     // known to the wider ecosystem
	Stream bool     // only inside a WebSocket; the handler lives there

	handle func(context.Context, *Server, *args) (any, error)
}

// methods is the registry, by name.
var methods = map[string]*Method{}

// methodNames lists the registry in alphabetical order.
var methodNames []string

func register(table ...Method) struct{} {
	for i := range table {
		m := &table[i]
		if methods[m.Name] != nil {
			panic("rpc: method registered twice: " + m.Name)
		}
		methods[m.Name] = m
		methodNames = append(methodNames, m.Name)
	}
	sort.Strings(methodNames)
	return struct{}{}
}

func (m *Method) place(name string) int {
	for i, p := range m.Params {
		if p.Name == name {
			return i
		}
	}
	panic(fmt.Sprintf("rpc: method %s has no parameter %s", m.Name, name))
}
