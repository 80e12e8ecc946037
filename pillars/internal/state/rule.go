package state

import "fmt"

// A Rule is one reason to refuse a transaction or block that needs the state of the chain. Its name is in
// answers to peers and callers, logs and tests: add at the end, never rename.
type Rule uint8

// The rules, each with its number in docs/spec/pillars-state.md.
const (
	OnlyInBlocks         Rule = iota + 1 // [PIL-STA-10] a coinbase or coinstake by itself
	OutputUnknown                        // [PIL-STA-10] never made on this branch, or spent
	RewardUnripe                         // [PIL-STA-11] a coinbase's output spent too early
	DepositLocked                        // [PIL-STA-13] a deposit spent before its lock ended
	LockTimeAhead                        // [PIL-STA-14] the transaction's lock time
	RelativeLockAhead                    // [PIL-STA-15] an input's sequence
	InputSum                             // [PIL-STA-16] inputs above all money
	ValueCreated                         // [PIL-STA-16] outputs above inputs
	OutputExists                         // [PIL-STA-17] an unspent output has the same name
	SigOpsTooMany                        // [PIL-STA-18]
	FeeTooLow                            // [PIL-FEE-1]
	SpecialFeeTooLow                     // [PIL-FEE-2] of an issue or a registration
	ToAvatarWrong                        // [PIL-AVA-1] the output does not pay the avatar that it names
	FromAvatarWrong                      // [PIL-AVA-2] no input is of the avatar that an output names
	HolderWrong                          // [PIL-ACT-2] avatar, address and script of a payload do not name one holder
	ActionMixed                          // [PIL-ACT-1] payloads that one transaction must not hold together
	AssetSymbols                         // [PIL-AST-1] more than one asset
	AssetMismatch                        // [PIL-AST-2] inputs and outputs hold different quantities
	AssetSum                             // [PIL-AST-2] inputs together reach 2^64
	AssetExists                          // [PIL-AST-3]
	AssetUnknown                         // [PIL-AST-6]
	IssuerAbsent                         // [PIL-AST-4] no input is of the issuer's address
	DomainNotHeld                        // [PIL-AST-5] the domain is somebody's, and no certificate is passed through
	IssueCertificates                    // [PIL-AST-5] not just the certificates that come with an issue
	IssueTerms                           // [PIL-AST-6] a further issue with other decimals or threshold
	IssueForbidden                       // [PIL-AST-7] the asset allows no further issue
	IssueRightAbsent                     // [PIL-AST-7] the issuer does not pass the issue certificate through
	IssueHolding                         // [PIL-AST-8] less of the asset is passed through than the threshold asks
	SupplyRange                          // [PIL-AST-9] supply would reach 2^64
	CertificateExists                    // [PIL-CRT-1]
	CertificateUnknown                   // [PIL-CRT-2] passed through or transferred, but not spent
	CertificateLost                      // [PIL-CRT-2] spent, and not in the outputs
	CertificateChanged                   // [PIL-CRT-3]
	CertificateCount                     // [PIL-CRT-4] more than one issued or transferred, or one twice
	CertificateNotIssued                 // [PIL-CRT-5] cannot be issued in this way
	AvatarExists                         // [PIL-AVA-3]
	AddressTaken                         // [PIL-AVA-4] the address has an avatar
	AvatarPayer                          // [PIL-AVA-5] no ETP input of the address that gets the avatar
	AvatarUnknown                        // [PIL-AVA-6] transferred, but not spent
	AvatarLost                           // [PIL-AVA-6] spent, and not transferred
	AvatarInputs                         // [PIL-AVA-7] a transfer without exactly two inputs
	AvatarNowhere                        // [PIL-AVA-8] bound to nobody's address
	TokenExists                          // [PIL-TOK-1]
	TokenUnknown                         // [PIL-TOK-2] transferred, but not spent
	TokenLost                            // [PIL-TOK-2] spent, and not transferred
	TokenCount                           // [PIL-TOK-3] more than one transferred, or one registered twice
	TokenAddresses                       // [PIL-TOK-4] registered to several addresses
	CoinbaseHeight                       // [PIL-RWD-1] the script does not start with the height
	CoinbaseValue                        // [PIL-RWD-2] more than subsidy and fees
	CoinstakeFee                         // [PIL-RWD-3] inputs and outputs differ
	MinedTwice                           // [PIL-RWD-4] more than one output of assets
	MinedValue                           // [PIL-RWD-4] such an output with ETP
	MinedUnknown                         // [PIL-RWD-5] no live mining certificate
	MinedTooMuch                         // [PIL-RWD-6]
	ruleEnd
)

// RuleCount is the number of rules; tests count that each has a case.
const RuleCount = int(ruleEnd) - 1

var ruleNames = [...]string{
	OnlyInBlocks: "only_in_blocks", OutputUnknown: "output_unknown", RewardUnripe: "reward_unripe", DepositLocked: "deposit_locked",
	LockTimeAhead: "lock_time_ahead", RelativeLockAhead: "relative_lock_ahead", InputSum: "input_sum", ValueCreated: "value_created",
	OutputExists: "output_exists", SigOpsTooMany: "sigops_too_many", FeeTooLow: "fee_too_low", SpecialFeeTooLow: "special_fee_too_low",
	ToAvatarWrong: "to_avatar_wrong", FromAvatarWrong: "from_avatar_wrong", HolderWrong: "holder_wrong", ActionMixed: "action_mixed",
	AssetSymbols: "asset_symbols", AssetMismatch: "asset_mismatch", AssetSum: "asset_sum", AssetExists: "asset_exists",
	AssetUnknown: "asset_unknown", IssuerAbsent: "issuer_absent", DomainNotHeld: "domain_not_held",
	IssueCertificates: "issue_certificates", IssueTerms: "issue_terms", IssueForbidden: "issue_forbidden",
	IssueRightAbsent: "issue_right_absent", IssueHolding: "issue_holding", SupplyRange: "supply_range",
	CertificateExists: "certificate_exists", CertificateUnknown: "certificate_unknown", CertificateLost: "certificate_lost",
	CertificateChanged: "certificate_changed", CertificateCount: "certificate_count", CertificateNotIssued: "certificate_not_issued",
	AvatarExists: "avatar_exists", AddressTaken: "address_taken", AvatarPayer: "avatar_payer", AvatarUnknown: "avatar_unknown",
	AvatarLost: "avatar_lost", AvatarInputs: "avatar_inputs", AvatarNowhere: "avatar_nowhere", TokenExists: "token_exists",
	TokenUnknown: "token_unknown", TokenLost: "token_lost", TokenCount: "token_count", TokenAddresses: "token_addresses",
	CoinbaseHeight: "coinbase_height", CoinbaseValue: "coinbase_value", CoinstakeFee: "coinstake_fee", MinedTwice: "mined_twice",
	MinedValue: "mined_value", MinedUnknown: "mined_unknown", MinedTooMuch: "mined_too_much",
}

// String returns the stable name of the rule.
func (r Rule) String() string {
	if !r.Valid() {
		return fmt.Sprintf("rule_%d", uint8(r))
	}
	return ruleNames[r]
}

// Error makes a Rule an error, so errors.Is finds it through any wrapping.
func (r Rule) Error() string { return r.String() }

// Valid reports whether r is one of the rules.
func (r Rule) Valid() bool { return r > 0 && r < ruleEnd }

func reject(r Rule, format string, args ...any) error {
	return fmt.Errorf("%w: %s", r, fmt.Sprintf(format, args...))
}
