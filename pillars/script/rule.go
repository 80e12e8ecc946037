package script

import "fmt"

// A Rule is one reason why a script does not allow what a transaction does. Its name is in answers
// to peers and callers: add at the end, never rename.
type Rule uint8

// The rules. Those marked ○ are policy: a transaction that breaks them is valid in a block.
const (
	EvalFalse            Rule = iota + 1 // [PIL-SCR-1] ends with false, or with nothing
	ScriptSize                           // [PIL-SCR-2] over 10,000 bytes
	PushSize                             // [PIL-SCR-3] an item over 520 bytes
	OpCount                              // [PIL-SCR-4] over 201 opcodes that are no pushes
	StackSize                            // [PIL-SCR-5] over 1,000 items
	KeyCount                             // [PIL-SCR-6] a multisig of over 20 keys, or under none
	SigCount                             // [PIL-SCR-7] a multisig that asks for more signatures than keys, or under none
	BadOpcode                            // [PIL-SCR-8] an opcode without meaning, or bytes that end inside a push
	DisabledOpcode                       // [PIL-SCR-9] an opcode that is switched off
	StackOperation                       // [PIL-SCR-10] takes more than there is
	AltStackOperation                    // [PIL-SCR-11] the same of the second stack
	UnbalancedIf                         // [PIL-SCR-12] if, else and endif do not match
	ReturnReached                        // [PIL-SCR-13]
	VerifyFailed                         // [PIL-SCR-14]
	EqualVerifyFailed                    // [PIL-SCR-15]
	NumEqualVerifyFailed                 // [PIL-SCR-16]
	CheckSigVerifyFailed                 // [PIL-SCR-17]
	MultiSigVerifyFailed                 // [PIL-SCR-18]
	NumberInvalid                        // [PIL-SCR-19] too long for a number; ○ or not the shortest form
	SignatureDER                         // [PIL-SCR-20] not strict DER (BIP 66)
	ScriptHashPushes                     // [PIL-SCR-21] an input of a redeem script that is not only pushes; ○ or any other input
	LockTimeNegative                     // [PIL-SCR-22]
	LockTimeUnsatisfied                  // [PIL-SCR-23] BIP 65 or BIP 112
	AttenuationInvalid                   // [PIL-SCR-24] no lock model, or no outpoint
	WrongKind                            // [PIL-SCR-25] the output cannot be spent by this kind of transaction
	SegWitFailed                         // [PIL-SCR-26] the Bitcoin engine refuses
	OutputTemplate                       // [PIL-TPL-2] an output script of no template
	OutputWitness                        // [PIL-TPL-3] something other than ETP under a witness program
	SignatureHashType                    // ○ [PIL-POL-1]
	SignatureHighS                       // ○ [PIL-POL-2]
	KeyEncoding                          // ○ [PIL-POL-3]
	NullDummyBroken                      // ○ [PIL-POL-4]
	NullFailBroken                       // ○ [PIL-POL-5]
	PushNotMinimal                       // ○ [PIL-POL-6]
	NopDiscouraged                       // ○ [PIL-POL-7]
	StackNotClean                        // ○ [PIL-POL-8]
	LockAmount                           // [PIL-LCK-2] too little, or not just what is locked
	LockUnknown                          // [PIL-LCK-3] continues a lock that is not there
	LockLost                             // [PIL-LCK-4] a lock that has not ended is not continued
	LockEarly                            // [PIL-LCK-5] continues with less of a lock than is due
	ruleEnd
)

// RuleCount is the number of rules; tests count that each has a case.
const RuleCount = int(ruleEnd) - 1

var ruleNames = [...]string{
	EvalFalse: "eval_false", ScriptSize: "script_size", PushSize: "push_size", OpCount: "op_count", StackSize: "stack_size",
	KeyCount: "key_count", SigCount: "sig_count", BadOpcode: "bad_opcode", DisabledOpcode: "disabled_opcode",
	StackOperation: "stack_operation", AltStackOperation: "alt_stack_operation", UnbalancedIf: "unbalanced_if",
	ReturnReached: "return_reached", VerifyFailed: "verify_failed", EqualVerifyFailed: "equal_verify_failed",
	NumEqualVerifyFailed: "num_equal_verify_failed", CheckSigVerifyFailed: "check_sig_verify_failed",
	MultiSigVerifyFailed: "multi_sig_verify_failed", NumberInvalid: "number_invalid", SignatureDER: "signature_der",
	ScriptHashPushes: "script_hash_pushes", LockTimeNegative: "lock_time_negative", LockTimeUnsatisfied: "lock_time_unsatisfied",
	AttenuationInvalid: "attenuation_invalid", WrongKind: "wrong_kind", SegWitFailed: "segwit_failed",
	OutputTemplate: "output_template", OutputWitness: "output_witness", SignatureHashType: "signature_hash_type",
	SignatureHighS: "signature_high_s", KeyEncoding: "key_encoding", NullDummyBroken: "null_dummy", NullFailBroken: "null_fail",
	PushNotMinimal: "push_not_minimal", NopDiscouraged: "nop_discouraged", StackNotClean: "stack_not_clean",
	LockAmount: "lock_amount", LockUnknown: "lock_unknown", LockLost: "lock_lost", LockEarly: "lock_early",
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
