package mempool

import "fmt"

// A Rule is one reason not to keep a transaction that lies in this node's policy and not in the rules of blocks. Names
// are in answers to peers and callers, logs and tests: add at the end, never rename.
type Rule uint8

// The rules, each with its number in docs/spec/pillars-network.md.
const (
	AlreadyKnown        Rule = iota + 1 // [PIL-MEM-1] it waits here already, perhaps with another witness
	InputsMissing                       // [PIL-MEM-2] it spends what is not known, or not any more
	SizeTooLarge                        // [PIL-MEM-3] more bytes than are relayed
	SigOpsHeavy                         // [PIL-MEM-3] more signatures than are relayed
	Dust                                // [PIL-MEM-4] an output that costs more to spend than it holds
	FeeBelowFloor                       // [PIL-MEM-5] less than what is asked for its size now
	Conflict                            // [PIL-MEM-6] another that waits spends the same and does not allow its replacement
	ReplacementAncestor                 // [PIL-MEM-6] it spends from one that it would replace
	ReplacementNewInput                 // [PIL-MEM-6] it spends an unconfirmed output that those it replaces do not
	ReplacementFee                      // [PIL-MEM-6] it pays too little for what it replaces
	ReplacementTooMany                  // [PIL-MEM-6] it replaces too many
	AncestorsTooMany                    // [PIL-MEM-7] it builds on too many, or too large ones
	DescendantsTooMany                  // [PIL-MEM-7] too many build on one that it builds on
	NameTaken                           // [PIL-MEM-8] another that waits takes the same name
	PoolFull                            // [PIL-MEM-9] others pay more
	OrphanNoRoom                        // [PIL-MEM-10] its inputs are missing, and its sender holds too many such
	Replaced                            // [PIL-MEM-6] another took its place
	Expired                             // [PIL-MEM-11] it waited too long
	Mined                               // it is in a block of our chain
	Outspent                            // [PIL-MEM-12] a block of our chain spends the same
	ruleEnd
)

// RuleCount is how many rules there are; tests count that each has a case.
const RuleCount = int(ruleEnd) - 1

var ruleNames = [...]string{
	AlreadyKnown: "already_known", InputsMissing: "inputs_missing", SizeTooLarge: "size_too_large", SigOpsHeavy: "sigops_heavy",
	Dust: "dust", FeeBelowFloor: "fee_below_floor", Conflict: "conflict", ReplacementAncestor: "replacement_ancestor",
	ReplacementNewInput: "replacement_new_input", ReplacementFee: "replacement_fee", ReplacementTooMany: "replacement_too_many",
	AncestorsTooMany: "ancestors_too_many", DescendantsTooMany: "descendants_too_many", NameTaken: "name_taken",
	PoolFull: "pool_full", OrphanNoRoom: "orphan_no_room", Replaced: "replaced", Expired: "expired", Mined: "mined",
	Outspent: "outspent",
}

// String returns the stable name of the rule.
func (r Rule) String() string {
	if r == 0 || r >= ruleEnd {
		return fmt.Sprintf("rule_%d", uint8(r))
	}
	return ruleNames[r]
}

// Error makes a Rule an error, so errors.Is finds it through any wrapping.
func (r Rule) Error() string { return r.String() }

func reject(r Rule, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}
