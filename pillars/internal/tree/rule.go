package tree

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/pillars"
)

// A Rule is one reason not to take a header or block that lies neither in its own form nor in the state of
// its branch. Names are in logs, tests and answers to peers: add at the end, never rename.
type Rule uint8

// The rules, each with its number in docs/spec/pillars-chain.md.
const (
	ParentUnknown  Rule = iota + 1 // [PIL-CHN-2] the parent has not been seen
	ParentInvalid                  // [PIL-CHN-4] the chain below it breaks a rule
	BelowFinality                  // [PIL-CHN-6] it leaves our chain below what is final
	TooEarly                       // [PIL-CHN-7] its stamp is too far ahead to wait for
	NoRoom                         // [PIL-CHN-9] its sender holds too much of our memory
	WrongExtension                 // [PIL-CHN-1] the header commits to another extension
)

var ruleNames = [...]string{
	ParentUnknown:  "parent_unknown",
	ParentInvalid:  "parent_invalid",
	BelowFinality:  "below_finality",
	TooEarly:       "too_early",
	NoRoom:         "no_room",
	WrongExtension: "wrong_extension",
}

// RuleCount is how many rules there are.
const RuleCount = len(ruleNames) - 1

// Error returns the rule's name.
func (r Rule) Error() string {
	if r == 0 || int(r) >= len(ruleNames) {
		return fmt.Sprintf("rule_%d", uint8(r))
	}
	return ruleNames[r]
}

func reject(r Rule, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}

// RuleName is the name of the rule that an error is about: the innermost error's text.
func RuleName(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// memory is what is known to be invalid, the newest so many.
type memory struct {
	reasons map[pillars.BlockID]error
	ring    []pillars.BlockID
	next    int
}

func newMemory(size int) memory {
	return memory{reasons: map[pillars.BlockID]error{}, ring: make([]pillars.BlockID, 0, size)}
}

// set remembers why a block is invalid, and forgets the oldest if there are too many.
func (m *memory) set(id pillars.BlockID, why error) {
	if _, ok := m.reasons[id]; ok {
		m.reasons[id] = why
		return
	}
	if len(m.ring) < cap(m.ring) {
		m.ring = append(m.ring, id)
	} else {
		delete(m.reasons, m.ring[m.next])
		m.ring[m.next] = id
		m.next = (m.next + 1) % len(m.ring)
	}
	m.reasons[id] = why
}

func (m *memory) reason(id pillars.BlockID) error { return m.reasons[id] }
func (m *memory) len() int                        { return len(m.reasons) }
