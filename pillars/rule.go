package pillars

import "fmt"

// A Rule is one reason to refuse a block or transaction that needs no state of the chain. Its name
// is in answers to peers and callers: add at the end, never rename.
type Rule uint16

// The rules. Those of scripts are in package script, those with state where the state is.
const (
	BlockTooLarge         Rule = iota + 1 // [PIL-CHK-1] more bytes than the profile allows
	HeaderForm                            // [PIL-CHK-2] classic where the profile has extended headers, or the reverse
	NoCoinbase                            // [PIL-CHK-3] the first transaction is no coinbase
	CoinbaseMisplaced                     // [PIL-CHK-4] a later one is
	MerkleRepeated                        // [PIL-BLK-3] two joined leaves are equal
	MerkleMismatch                        // [PIL-CHK-5] the header has another root
	ExtensionMismatch                     // [PIL-CHK-6] the header has another extension root
	TransactionRepeated                   // [PIL-CHK-7] an id stands twice in the block
	SignerKeyInvalid                      // [PIL-SIG-1] the author's key is no point of the curve
	BlockSignatureInvalid                 // [PIL-SIG-1] the author's signature does not verify
	TransactionTooLarge                   // [PIL-CHK-10] more bytes than the profile allows
	TransactionVersion                    // [PIL-CHK-11] a version that this place or network does not take
	NoInputs                              // [PIL-CHK-12]
	NoOutputs                             // [PIL-CHK-13]
	InputNull                             // [PIL-CHK-14] an input from nowhere in a transaction that is no coinbase
	InputRepeated                         // [PIL-CHK-15] two inputs name one output
	CoinbaseScriptSize                    // [PIL-CHK-16] not 2 to 100 bytes
	ValueRange                            // [PIL-CHK-17] an output above MaxMoney
	ValueSumRange                         // [PIL-CHK-18] outputs together above MaxMoney
	TransactionAmbiguous                  // [PIL-CHK-19] bytes that are two transactions
	TransactionSize64                     // [PIL-CHK-20] 64 bytes, which could be a node of the Merkle tree
	AttachmentMisplaced                   // [PIL-ATT-2] an attachment that this place does not take
	AttachmentVersionRule                 // [PIL-ATT-3] attachment version 0 outside of a coinbase or coinstake
	SymbolInvalid                         // [PIL-ATT-4] not a symbol of an asset, certificate or token
	SymbolBanned                          // [PIL-ATT-5] contains a word that the profile bans, or is ETP
	AvatarInvalid                         // [PIL-ATT-6] not the symbol of an avatar
	AddressInvalid                        // [PIL-ATT-7] an attachment's address is none of the network
	QuantityZero                          // [PIL-ATT-8] an asset output or issue of nothing
	QuantitySum                           // [PIL-ATT-9] quantities of a symbol add up to 2^64 or more
	AssetDecimals                         // [PIL-ATT-10] more than 19
	AssetThreshold                        // [PIL-ATT-11] neither 0 to 100 nor 127
	CertificateKind                       // [PIL-ATT-12] a certificate type that does not exist
	MiningContent                         // [PIL-ATT-13] terms of mining that cannot be
	ModelInvalid                          // [PIL-LCK-1] not a lock model
	ruleEnd
)

// RuleCount is the number of rules; tests count that each has a case.
const RuleCount = int(ruleEnd) - 1

var ruleNames = [...]string{
	BlockTooLarge:         "block_too_large",
	HeaderForm:            "header_form",
	NoCoinbase:            "no_coinbase",
	CoinbaseMisplaced:     "coinbase_misplaced",
	MerkleRepeated:        "merkle_repeated",
	MerkleMismatch:        "merkle_mismatch",
	ExtensionMismatch:     "extension_mismatch",
	TransactionRepeated:   "transaction_repeated",
	SignerKeyInvalid:      "signer_key_invalid",
	BlockSignatureInvalid: "block_signature_invalid",
	TransactionTooLarge:   "transaction_too_large",
	TransactionVersion:    "transaction_version",
	NoInputs:              "no_inputs",
	NoOutputs:             "no_outputs",
	InputNull:             "input_null",
	InputRepeated:         "input_repeated",
	CoinbaseScriptSize:    "coinbase_script_size",
	ValueRange:            "value_range",
	ValueSumRange:         "value_sum_range",
	TransactionAmbiguous:  "transaction_ambiguous",
	TransactionSize64:     "transaction_size_64",
	AttachmentMisplaced:   "attachment_misplaced",
	AttachmentVersionRule: "attachment_version",
	SymbolInvalid:         "symbol_invalid",
	SymbolBanned:          "symbol_banned",
	AvatarInvalid:         "avatar_invalid",
	AddressInvalid:        "address_invalid",
	QuantityZero:          "quantity_zero",
	QuantitySum:           "quantity_sum",
	AssetDecimals:         "asset_decimals",
	AssetThreshold:        "asset_threshold",
	CertificateKind:       "certificate_kind",
	MiningContent:         "mining_content",
	ModelInvalid:          "model_invalid",
}

// String returns the stable name of the rule.
func (r Rule) String() string {
	if !r.Valid() {
		return fmt.Sprintf("rule_%d", uint16(r))
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
