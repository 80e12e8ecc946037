package rpcserver

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sort"
)

// A Param is one parameter of a method, positional in the order of Method.Params or named.
type Param struct {
	Name     string
	Kind     string // hex, hash, key, integer, boolean, string; with " list" behind it a list of them
	Required bool
	About    string
	Example  any
	Most     int // items of a list, where the description says so
}

// A Method is one row of a public interface. The table is the only source of dispatch, rights,
// limits, rpc.discover and the reference page.
type Method struct {
	Name    string
	Aliases []string // other names that existing clients use
	Right   Right
	About   string // one sentence, says what a null result means
	Params  []Param
	Result  any      // a value of the result's type, for the description
	Errors  []string // names beyond those that every method can answer
	Large   bool     // takes a raw transaction: larger body
	Peer    bool     // known to the clients of the wider ecosystem

	Handle func(context.Context, *Args) (any, error)

	stream bool // only inside a WebSocket
}

// A Service is the public interface of one product.
type Service struct {
	Title   string // "Asterism Pillars"
	About   string // a sentence about the interface, for people
	Metrics string // what the names of its metrics begin with: "aster_pillars_rpc"
	Methods []Method

	// Code is the number of an error's name, 0 of an unknown one; the names that all products have
	// are known here.
	Code func(name string) int
	// Fault turns an error of the product into an answer; nil is an internal error, which is logged.
	Fault func(error) *Fault
	// Unknown answers a method that is not in the table, or nil for the usual answer.
	Unknown func(name string) *Fault
	// Facts are what the page for a person says of the node. They are shown only if everybody may ask.
	Facts func() [][2]string
	// Version of the program.
	Version func() string

	// Paths answer calls besides / and /rpc.
	Paths []string
	// Envelope: a call without the member "jsonrpc" is answered in the envelope of the wider ecosystem.
	Envelope bool
	// Trailing: an object at the end of an array of parameters holds further ones by name.
	Trailing bool

	Download *Download // nil: none

	// Topics are the words that subscribe takes; Params what it takes besides topic and from; Open
	// begins at a cursor, which is empty at the newest. A cursor is a number where the parameter from is.
	Topics  []Topic
	Params  []Param
	Open    func(topic, from string, a *Args) (Feed, error)
	Default string // the topic of /events where none is named; empty refuses
	Most    int    // subscriptions of one WebSocket; 0 is 8

	byName map[string]*Method
	names  []string // alphabetical, aliases left out
}

// A Topic is something to subscribe to.
type Topic struct{ Name, About string }

// prepare adds what every interface has, where the product does not describe it in words of its own,
// and makes the indexes.
func (s *Service) prepare() {
	common := []Method{{Name: "rpc.discover", Right: Read, About: "Describes all methods in OpenRPC form.", Result: map[string]any{},
		Handle: func(context.Context, *Args) (any, error) { return s.describe(), nil }}}
	if s.Open != nil {
		common = append(common, s.streamMethods()...)
	}
	for _, m := range common {
		if i := slices.IndexFunc(s.Methods, func(own Method) bool { return own.Name == m.Name }); i >= 0 {
			s.Methods[i].Handle, s.Methods[i].stream = m.Handle, m.stream
		} else {
			s.Methods = append(s.Methods, m)
		}
	}
	s.byName = map[string]*Method{}
	for i := range s.Methods {
		m := &s.Methods[i]
		s.names = append(s.names, m.Name)
		for _, name := range append([]string{m.Name}, m.Aliases...) {
			if s.byName[name] != nil {
				panic("rpc: method registered twice: " + name)
			}
			s.byName[name] = m
		}
	}
	sort.Strings(s.names)
}

func (m *Method) place(name string) int {
	for i, p := range m.Params {
		if p.Name == name {
			return i
		}
	}
	panic(fmt.Sprintf("rpc: method %s has no parameter %s", m.Name, name))
}

// allow checks a method against a right.
func (m *Method) allow(right Right) *Fault {
	switch {
	case right >= m.Right:
		return nil
	case right == 0:
		return Faultf("unauthorized", "%s needs a token with the right %s: send Authorization: Bearer <token>", m.Name, m.Right).
			withStatus(http.StatusUnauthorized)
	}
	return Faultf("forbidden", "%s needs the right %s; this token has %s", m.Name, m.Right, right).
		With("needs", m.Right.String()).withStatus(http.StatusForbidden)
}
