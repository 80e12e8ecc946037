package kernel

import "fmt"

// A Rule is one reason to refuse a transaction. Its number is written into receipts and its
// name into RPC answers, logs and tests: add at the end, never renumber or rename.
type Rule uint16

// The rules, in the order in which docs/spec/ledger.md states them.
const (
	Malformed           Rule = iota + 1 // [TX-1] bytes are not a canonical version-5 transaction
	UnknownClass                        // [TX-2] inputs and outputs fit no transaction class
	TooManyInputs                       // [TX-3]
	TooManyOutputs                      // [TX-4]
	TooManyKeys                         // [TX-5]
	TooManyReferences                   // [TX-6]
	InputIndexRange                     // [TX-7] input index over 1024
	ExtraTooLarge                       // [TX-8]
	TransactionTooLarge                 // [TX-9]
	InputDuplicate                      // [TX-10] an output is spent twice in one transaction
	AmountZero                          // [TX-11]
	AmountOverflow                      // [TX-12] a sum reaches 2^128
	OutputKeyInvalid                    // [TX-13] not a canonical curve point, or of small order
	OutputKeyDuplicate                  // [TX-14]
	MaskInvalid                         // [TX-15]
	ScriptInvalid                       // [TX-16]
	OutputShape                         // [TX-17] keys, script, mask or withdrawal data where the type has none, or missing
	SignatureShape                      // [TX-18] not one map per input, or indexes out of range
	ThresholdNotMet                     // [TX-19] fewer signatures than the script asks
	SignatureInvalid                    // [TX-20]
	InputNotFound                       // [TX-21]
	InputSpent                          // [TX-22]
	InputAsset                          // [TX-23] input of another asset
	InputType                           // [TX-24] output type that this class may not spend
	AmountMismatch                      // [TX-25] inputs and outputs differ
	GhostKeyUsed                        // [TX-26]
	ReferenceNotFound                   // [TX-27]
	DepositUsed                         // [TX-28] the external transfer is already credited
	DepositAsset                        // [TX-29] chain or asset key differ from the asset's first deposit
	DepositCeiling                      // [TX-30]
	DepositCustodian                    // [TX-31] no custodian, or not signed by it
	DepositShape                        // [TX-32]
	WithdrawalShape                     // [TX-33]
	GenesisInput                        // [TX-34] genesis inputs appear in commit 0 only
	ClassNotActive                      // [TX-35] class without rules on this network yet
	AlreadyFinal                        // [TX-36] submission only: the transaction has a receipt
	ConflictsWith                       // [TX-37] submission only: another transaction that waits on this node takes the same thing
	PledgeShape                         // [TX-38]
	MemberExtraInvalid                  // [TX-39] extra does not name a member
	PledgeFunding                       // [TX-40] the pledge's first input has not one key
	PledgeAmount                        // [TX-41] not the pledge in force
	MemberKnown                         // [TX-42] the signer's key is a member's already
	TooManyMembers                      // [TX-43] no place is left
	AcceptShape                         // [TX-44]
	MemberNotPledging                   // [TX-45] the input is not the pledge of the member that extra names
	CancelShape                         // [TX-46]
	CancelAmount                        // [TX-47] not a hundredth goes to the pool
	CancelReceiver                      // [TX-48] the rest does not go back to the pledger
	OutputLocked                        // [TX-49] the input votes on a motion, or is a light witness's
	AssetFrozen                         // [TX-50] nothing of the asset comes in or leaves
	ruleEnd
)

// RuleCount is the number of rules; tests count that each has a case.
const RuleCount = int(ruleEnd) - 1

var ruleNames = [...]string{
	Malformed:           "malformed",
	UnknownClass:        "unknown_class",
	TooManyInputs:       "too_many_inputs",
	TooManyOutputs:      "too_many_outputs",
	TooManyKeys:         "too_many_keys",
	TooManyReferences:   "too_many_references",
	InputIndexRange:     "input_index_range",
	ExtraTooLarge:       "extra_too_large",
	TransactionTooLarge: "transaction_too_large",
	InputDuplicate:      "input_duplicate",
	AmountZero:          "amount_zero",
	AmountOverflow:      "amount_out_of_range",
	OutputKeyInvalid:    "output_key_invalid",
	OutputKeyDuplicate:  "output_key_duplicate",
	MaskInvalid:         "mask_invalid",
	ScriptInvalid:       "script_invalid",
	OutputShape:         "output_shape",
	SignatureShape:      "signature_shape",
	ThresholdNotMet:     "threshold_not_met",
	SignatureInvalid:    "signature_invalid",
	InputNotFound:       "input_not_found",
	InputSpent:          "input_spent",
	InputAsset:          "input_asset",
	InputType:           "input_type",
	AmountMismatch:      "amount_mismatch",
	GhostKeyUsed:        "ghost_key_used",
	ReferenceNotFound:   "reference_not_found",
	DepositUsed:         "deposit_used",
	DepositAsset:        "deposit_asset",
	DepositCeiling:      "deposit_ceiling",
	DepositCustodian:    "deposit_custodian",
	DepositShape:        "deposit_shape",
	WithdrawalShape:     "withdrawal_shape",
	GenesisInput:        "genesis_input",
	ClassNotActive:      "class_not_active",
	AlreadyFinal:        "already_final",
	ConflictsWith:       "conflicts_with",
	PledgeShape:         "pledge_shape",
	MemberExtraInvalid:  "member_extra",
	PledgeFunding:       "pledge_funding",
	PledgeAmount:        "pledge_amount",
	MemberKnown:         "member_known",
	TooManyMembers:      "too_many_members",
	AcceptShape:         "accept_shape",
	MemberNotPledging:   "member_not_pledging",
	CancelShape:         "cancel_shape",
	CancelAmount:        "cancel_amount",
	CancelReceiver:      "cancel_receiver",
	OutputLocked:        "output_locked",
	AssetFrozen:         "asset_frozen",
}

// String returns the stable name of the rule.
func (r Rule) String() string {
	if r == 0 || r >= ruleEnd {
		return fmt.Sprintf("rule_%d", uint16(r))
	}
	return ruleNames[r]
}

// Error makes a Rule an error, so errors.Is finds it through any wrapping.
func (r Rule) Error() string { return r.String() }

// Valid reports whether r is a rule of this protocol version.
func (r Rule) Valid() bool { return r > 0 && r < ruleEnd }

// MarshalText returns the rule's name; no rule is the empty text.
func (r Rule) MarshalText() ([]byte, error) {
	if r == 0 {
		return nil, nil
	}
	return []byte(r.String()), nil
}

// UnmarshalText reads the form of MarshalText.
func (r *Rule) UnmarshalText(text []byte) error {
	*r = 0
	for i, name := range ruleNames {
		if name == string(text) {
			*r = Rule(i)
			return nil
		}
	}
	return fmt.Errorf("unknown rule %q", text)
}
