package consensus

import "fmt"

// A Rule is one reason to refuse a block. Its name is in logs, tests and answers to peers: add at the
// end, never rename.
type Rule uint8

// The rules, each with its number in docs/spec/pillars-consensus.md.
const (
	WrongNumber      Rule = iota + 1 // [PIL-BR-1]
	WrongParent                      // [PIL-BR-1]
	WrongForm                        // [PIL-BR-2]
	NotCheckpoint                    // [PIL-BR-3]
	TimeTooOld                       // [PIL-TIM-1]
	TimeBeforeParent                 // [PIL-TIM-2]
	SealNotActive                    // [PIL-RUN-4]
	DelegateTwice                    // [PIL-RUN-4]
	WorkRunTooLong                   // [PIL-RUN-1]
	StakeRunTooLong                  // [PIL-RUN-3]
	WrongBits                        // [PIL-DIF-1]
	NonceNotZero                     // [PIL-KND-6]
	MixNotZero                       // [PIL-KND-6]
	NoCoinstake                      // [PIL-KND-3]
	CoinstakeHere                    // [PIL-KND-3]
	SignatureHere                    // [PIL-KND-4]
	NoSignature                      // [PIL-KND-4]
	KeyHere                          // [PIL-KND-5]
	NoKey                            // [PIL-KND-5]
	WrongModifier                    // [PIL-KND-7]
	WrongWitnesses                   // [PIL-KND-7]
	UnknownEpoch                     // [PIL-POW-4]
	WrongMix                         // [PIL-POW-4]
	WorkTooLittle                    // [PIL-POW-4]
	StakeUnknown                     // [PIL-POS-1]
	StakeTooSmall                    // [PIL-POS-1]
	StakeImmature                    // [PIL-POS-4]
	StakeHashTooHigh                 // [PIL-POS-3]
	StakeNotLocked                   // [PIL-POS-5]
	StakeNotPlain                    // [PIL-POS-1]
	SignerNotOwner                   // [PIL-POS-6]
	CoinstakeVersion                 // [PIL-POS-7]
	CoinstakeInputs                  // [PIL-POS-7]
	CoinstakeOwner                   // [PIL-POS-7]
	CoinstakePieces                  // [PIL-POS-7]
	CoinstakeValue                   // [PIL-POS-7]
	WrongStake                       // [PIL-KND-8]
)

var ruleNames = [...]string{
	WrongNumber:      "wrong_number",
	WrongParent:      "wrong_parent",
	WrongForm:        "wrong_form",
	NotCheckpoint:    "not_checkpoint",
	TimeTooOld:       "time_too_old",
	TimeBeforeParent: "time_before_parent",
	SealNotActive:    "seal_not_active",
	DelegateTwice:    "delegate_twice",
	WorkRunTooLong:   "work_run_too_long",
	StakeRunTooLong:  "stake_run_too_long",
	WrongBits:        "wrong_bits",
	NonceNotZero:     "nonce_not_zero",
	MixNotZero:       "mix_not_zero",
	NoCoinstake:      "no_coinstake",
	CoinstakeHere:    "coinstake_here",
	SignatureHere:    "signature_here",
	NoSignature:      "no_signature",
	KeyHere:          "key_here",
	NoKey:            "no_key",
	WrongModifier:    "wrong_modifier",
	WrongWitnesses:   "wrong_witnesses",
	UnknownEpoch:     "unknown_epoch",
	WrongMix:         "wrong_mix",
	WorkTooLittle:    "work_too_little",
	StakeUnknown:     "stake_unknown",
	StakeTooSmall:    "stake_too_small",
	StakeImmature:    "stake_immature",
	StakeHashTooHigh: "stake_hash_too_high",
	StakeNotLocked:   "stake_not_locked",
	StakeNotPlain:    "stake_not_plain",
	SignerNotOwner:   "signer_not_owner",
	CoinstakeVersion: "coinstake_version",
	CoinstakeInputs:  "coinstake_inputs",
	CoinstakeOwner:   "coinstake_owner",
	CoinstakePieces:  "coinstake_pieces",
	CoinstakeValue:   "coinstake_value",
	WrongStake:       "wrong_stake",
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

// Reject names the rule that is broken and says with what.
func Reject(r Rule, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}
