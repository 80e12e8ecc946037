package ledger

import (
	"bytes"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// Limits of a transaction. [TX-3] to [TX-9]
const (
	maxInputs     = 256
	maxOutputs    = 256
	maxOutputKeys = 256
	maxReferences = 16
	maxInputIndex = 1024

	extraLimit        = 256    // bytes, unless the transaction pays for storage
	storageStep       = 1024   // bytes of extra that one storagePrice buys
	storagePrice      = 10_000 // units of XIN: 0.0001
	storageThreshold  = 64     // with one key nobody can ever spend it
	storageLimit      = kernel.MaxTransactionSize
	custodianExtra    = kernel.MaxTransactionSize
	storageLimitSteps = storageLimit / storageStep
)

// A Parsed is what the signed bytes of a transaction say by themselves: nothing in it depends
// on state, so it may be computed anywhere, on any core, and kept.
type Parsed struct {
	Transaction *kernel.Transaction // nil when the bytes do not decode
	Hash        kernel.TxHash
	Signed      kernel.Hash // of the full signed bytes, see Verifier
	Refusal     *Refusal    // the first rule without state that it breaks, or nil
}

// Signatures is how many signatures must be verified for it, at least 1: what it costs, whatever its bytes are. One
// payment can have 65,536.
func (p *Parsed) Signatures() int {
	if p.Refusal != nil {
		return 1 // nobody asks for them
	}
	return p.Transaction.SignatureCount()
}

// Carries is how many signatures stand in it, asked for or not, and 1 where nothing decodes: what bodies and messages
// are bounded by. The rules of the ledger have no part in that, so that they can change. [DAG-12]
func (p *Parsed) Carries() int {
	if p.Transaction == nil {
		return 1
	}
	return p.Transaction.SignatureCount()
}

// Parse decodes the signed bytes of a transaction and checks every rule that needs no state.
func Parse(raw []byte) *Parsed { return ParseSigned(raw, SignedHash(raw)) }

// ParseSigned is Parse for a caller that knows the hash of the signed bytes already. What it returns holds
// nothing of raw, which may be part of something much larger.
func ParseSigned(raw []byte, signed kernel.Hash) *Parsed {
	tx := new(kernel.Transaction)
	if err := tx.UnmarshalBinary(raw); err != nil {
		return &Parsed{Signed: signed, Refusal: refuse(kernel.Malformed, "%v", err)}
	}
	detach(tx)
	return parsed(tx, raw, signed)
}

// detach copies what decoding left in the bytes that it decoded.
func detach(tx *kernel.Transaction) {
	for i := range tx.Inputs {
		tx.Inputs[i].Genesis = bytes.Clone(tx.Inputs[i].Genesis)
	}
	for i := range tx.Outputs {
		tx.Outputs[i].Script = detachedScript(tx.Outputs[i].Script)
	}
	tx.Extra = bytes.Clone(tx.Extra)
}

// standardScript is that of nearly all outputs. Nobody changes it.
var standardScript = kernel.NewScript(1)

func detachedScript(s kernel.Script) kernel.Script {
	if bytes.Equal(s, standardScript) {
		return standardScript
	}
	return bytes.Clone(s)
}

func parsed(tx *kernel.Transaction, raw []byte, signed kernel.Hash) *Parsed {
	return &Parsed{Transaction: tx, Hash: tx.Hash(), Signed: signed, Refusal: checkForm(tx, len(raw))}
}

// SignedHash names the full signed bytes of a transaction: the hash by which they stand in a body.
func SignedHash(raw []byte) kernel.Hash {
	return kernel.EntryHash(kernel.Entry{Kind: kernel.EntryTransaction, Bytes: raw})
}

// CheckForm checks every rule that needs no state. Size is that of the signed bytes. The error
// is a *Refusal.
func CheckForm(tx *kernel.Transaction, size int) error { return asError(checkForm(tx, size)) }

// checkForm goes from cheap to dear; which of several broken rules it names has no effect.
func checkForm(tx *kernel.Transaction, size int) *Refusal {
	if r := checkCounts(tx, size); r != nil {
		return r
	}
	if r := checkInputs(tx); r != nil {
		return r
	}
	if r := checkOutputs(tx); r != nil {
		return r
	}
	if r := checkExtra(tx); r != nil {
		return r
	}
	if r := checkClassForm(tx); r != nil {
		return r
	}
	return checkPoints(tx)
}

// checkCounts bounds everything that later checks loop over. [TX-3] [TX-4] [TX-5] [TX-6] [TX-9]
func checkCounts(tx *kernel.Transaction, size int) *Refusal {
	switch {
	case size > kernel.MaxTransactionSize:
		return refuse(kernel.TransactionTooLarge, "%d bytes, at most %d", size, kernel.MaxTransactionSize)
	case len(tx.Inputs) == 0 || len(tx.Outputs) == 0:
		return refuse(kernel.UnknownClass, "%d inputs and %d outputs", len(tx.Inputs), len(tx.Outputs))
	case len(tx.Inputs) > maxInputs:
		return refuse(kernel.TooManyInputs, "%d inputs, at most %d", len(tx.Inputs), maxInputs)
	case len(tx.Outputs) > maxOutputs:
		return refuse(kernel.TooManyOutputs, "%d outputs, at most %d", len(tx.Outputs), maxOutputs)
	case len(tx.References) > maxReferences:
		return refuse(kernel.TooManyReferences, "%d references, at most %d", len(tx.References), maxReferences)
	}
	for i := range tx.Outputs {
		if n := len(tx.Outputs[i].Keys); n > maxOutputKeys {
			return refuse(kernel.TooManyKeys, "output %d has %d keys, at most %d", i, n, maxOutputKeys)
		}
	}
	return nil
}

// checkInputs checks inputs among themselves and against the class. [TX-2] [TX-7] [TX-10] [TX-34]
func checkInputs(tx *kernel.Transaction) *Refusal {
	for i := range tx.Inputs {
		if len(tx.Inputs[i].Genesis) > 0 {
			return refuse(kernel.GenesisInput, "input %d", i)
		}
	}
	class := tx.Class()
	if class == kernel.ClassUnknown {
		return refuse(kernel.UnknownClass, "inputs and outputs fit no class")
	}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if in.Index > maxInputIndex {
			return refuse(kernel.InputIndexRange, "input %d has index %d, at most %d", i, in.Index, maxInputIndex)
		}
		if in.Deposit != nil && class != kernel.ClassDeposit { // a mint beside a deposit is a DepositShape
			return refuse(kernel.UnknownClass, "input %d brings value into a %v transaction", i, class)
		}
	}
	if ref, twice := duplicateInput(tx.Inputs); twice {
		return refuse(kernel.InputDuplicate, "%v:%d is spent twice", ref.Hash, ref.Index)
	}
	return nil
}

// few is how many inputs or keys of outputs a transaction has at most, but for rare ones: room for so
// many is on the stack.
const few = 8

func duplicateInput(inputs []kernel.Input) (kernel.OutputRef, bool) {
	if len(inputs) == 1 {
		return kernel.OutputRef{}, false
	}
	refs := make([]kernel.OutputRef, 0, few)
	for i := range inputs {
		refs = append(refs, inputs[i].OutputRef)
	}
	slices.SortFunc(refs, compareRefs)
	for i := 1; i < len(refs); i++ {
		if refs[i] == refs[i-1] {
			return refs[i], true
		}
	}
	return kernel.OutputRef{}, false
}

func compareRefs(a, b kernel.OutputRef) int {
	if c := a.Hash.Compare(b.Hash); c != 0 {
		return c
	}
	return int(a.Index) - int(b.Index)
}

// checkOutputs checks each output by itself, points excepted, and their sum.
// [TX-11] [TX-12] [TX-16] [TX-17]
func checkOutputs(tx *kernel.Transaction) *Refusal {
	for i := range tx.Outputs {
		if r := checkOutput(i, &tx.Outputs[i]); r != nil {
			return r
		}
	}
	if _, ok := outputSum(tx); !ok {
		return refuse(kernel.AmountOverflow, "outputs sum up to 2^128 units or more")
	}
	return nil
}

func checkOutput(i int, out *kernel.Output) *Refusal {
	if out.Amount.IsZero() {
		return refuse(kernel.AmountZero, "output %d", i)
	}
	if keyless(out.Type) {
		if len(out.Keys) > 0 || len(out.Script) > 0 || !out.Mask.IsZero() {
			return refuse(kernel.OutputShape, "output %d of type %#x takes no keys, mask or script", i, uint8(out.Type))
		}
		if out.Withdrawal != nil && out.Type != kernel.OutputWithdrawalSubmit {
			return refuse(kernel.OutputShape, "output %d of type %#x takes no withdrawal", i, uint8(out.Type))
		}
		return nil
	}
	if out.Withdrawal != nil {
		return refuse(kernel.OutputShape, "output %d of type %#x takes no withdrawal", i, uint8(out.Type))
	}
	if _, err := out.Script.Threshold(); err != nil {
		return refuse(kernel.ScriptInvalid, "output %d: %v", i, err)
	}
	return nil
}

// checkPoints checks masks and keys, the dear part. Prime order is not asked for: wallets and
// addresses check it. A mask must not be the zero bytes, though they encode a point. [TX-13]
// [TX-14] [TX-15]
func checkPoints(tx *kernel.Transaction) *Refusal {
	if key, twice := duplicateKey(tx.Outputs); twice {
		return refuse(kernel.OutputKeyDuplicate, "invalid output key %v: listed twice", key)
	}
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		if keyless(out.Type) {
			continue
		}
		if out.Mask.IsZero() || !crypto.CanonicalPoint(out.Mask) {
			return refuse(kernel.MaskInvalid, "output %d: mask %v", i, out.Mask)
		}
		for _, key := range out.Keys {
			if !crypto.CurveKey(key) {
				return refuse(kernel.OutputKeyInvalid, "invalid output key %v", key)
			}
		}
	}
	return nil
}

func duplicateKey(outputs []kernel.Output) (kernel.Key, bool) {
	keys := make([]kernel.Key, 0, few)
	for i := range outputs {
		keys = append(keys, outputs[i].Keys...)
	}
	slices.SortFunc(keys, func(a, b kernel.Key) int { return bytes.Compare(a[:], b[:]) })
	for i := 1; i < len(keys); i++ {
		if keys[i] == keys[i-1] {
			return keys[i], true
		}
	}
	return kernel.Key{}, false
}

// keyless reports whether outputs of type t stand without keys, mask and script.
func keyless(t kernel.OutputType) bool {
	switch t {
	case kernel.OutputWithdrawalSubmit, kernel.OutputWithdrawalClaim,
		kernel.OutputNodePledge, kernel.OutputNodeAccept, kernel.OutputNodeCancel:
		return true
	}
	return false
}

func outputSum(tx *kernel.Transaction) (sum kernel.Amount, ok bool) {
	for i := range tx.Outputs {
		if sum, ok = sum.Add(tx.Outputs[i].Amount); !ok {
			return sum, false
		}
	}
	return sum, true
}

// checkExtra bounds the extra by what the transaction pays for it. [TX-8]
func checkExtra(tx *kernel.Transaction) *Refusal {
	if limit := extraAllowed(tx); len(tx.Extra) > limit {
		return refuse(kernel.ExtraTooLarge, "extra of %d bytes, at most %d", len(tx.Extra), limit)
	}
	return nil
}

func extraAllowed(tx *kernel.Transaction) int {
	limit := extraLimit
	if tx.Asset != kernel.XIN {
		return limit
	}
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		threshold, err := out.Script.Threshold()
		if err != nil || threshold != storageThreshold || len(out.Keys) != 1 {
			continue
		}
		switch out.Type {
		case kernel.OutputScript:
			limit = max(limit, storageBought(out.Amount))
		case kernel.OutputCustodianUpdate:
			limit = max(limit, custodianExtra)
		}
	}
	return limit
}

// storageBought is floor(amount / 0.0001 XIN) KiB, at most storageLimit.
func storageBought(amount kernel.Amount) int {
	hi, lo := amount.Units()
	if hi > 0 || lo/storagePrice >= storageLimitSteps {
		return storageLimit
	}
	return int(lo/storagePrice) * storageStep
}

// checkClassForm checks what the class asks of a transaction's own bytes. Classes that have no
// rules on this network yet are left to the state rules: they are void, but nobody's fault.
func checkClassForm(tx *kernel.Transaction) *Refusal {
	switch tx.Class() {
	case kernel.ClassDeposit:
		return checkDepositForm(tx)
	case kernel.ClassWithdrawalSubmit:
		if r := checkWithdrawalForm(tx); r != nil {
			return r
		}
		return checkSignatureForm(tx)
	case kernel.ClassScript:
		return checkSignatureForm(tx)
	}
	return nil
}

// checkSignatureForm demands one map per input or an aggregate, indexes ascending, and at least
// one signature per input whatever its script says. [TX-18] [TX-19]
func checkSignatureForm(tx *kernel.Transaction) *Refusal {
	if a := tx.Aggregate; a != nil {
		if len(tx.Signatures) > 0 {
			return refuse(kernel.SignatureShape, "invalid signature keys: maps and an aggregate")
		}
		if len(a.Signers) < len(tx.Inputs) {
			return refuse(kernel.ThresholdNotMet, "invalid tx signature number %d for %d inputs", len(a.Signers), len(tx.Inputs))
		}
		if !ascending(len(a.Signers), func(i int) uint16 { return a.Signers[i] }) {
			return refuse(kernel.SignatureShape, "invalid signature keys: signers do not ascend")
		}
		return nil
	}
	if len(tx.Signatures) == 0 {
		return refuse(kernel.ThresholdNotMet, "invalid tx signature number 0 for %d inputs", len(tx.Inputs))
	}
	if len(tx.Signatures) != len(tx.Inputs) {
		return refuse(kernel.SignatureShape, "invalid tx signature number %d for %d inputs", len(tx.Signatures), len(tx.Inputs))
	}
	for i, m := range tx.Signatures {
		if len(m) == 0 {
			return refuse(kernel.ThresholdNotMet, "invalid tx signature number 0 of input %d", i)
		}
		if !ascending(len(m), func(j int) uint16 { return m[j].Index }) {
			return refuse(kernel.SignatureShape, "invalid signature keys of input %d: indexes do not ascend", i)
		}
	}
	return nil
}

func ascending(n int, at func(int) uint16) bool {
	for i := 1; i < n; i++ {
		if at(i-1) >= at(i) {
			return false
		}
	}
	return true
}

// checkDepositForm: one input, one script output, and the custodian's one signature. [TX-32]
func checkDepositForm(tx *kernel.Transaction) *Refusal {
	in := &tx.Inputs[0]
	switch d := in.Deposit; {
	case len(tx.Inputs) != 1 || len(tx.Outputs) != 1:
		return refuse(kernel.DepositShape, "%d inputs and %d outputs, want one each", len(tx.Inputs), len(tx.Outputs))
	case tx.Outputs[0].Type != kernel.OutputScript:
		return refuse(kernel.DepositShape, "output of type %#x", uint8(tx.Outputs[0].Type))
	case in.OutputRef != kernel.OutputRef{}:
		return refuse(kernel.DepositShape, "the input also names an output")
	case tx.Asset.IsZero() || d.Chain.IsZero():
		return refuse(kernel.DepositShape, "asset or chain is zero")
	case !trimmed(d.AssetKey) || !trimmed(d.Transaction):
		return refuse(kernel.DepositShape, "asset key %.80q and transaction %.80q must be without spaces around them and not empty", d.AssetKey, d.Transaction)
	case d.Amount.IsZero():
		return refuse(kernel.AmountZero, "deposit")
	case d.Amount != tx.Outputs[0].Amount:
		return refuse(kernel.AmountMismatch, "invalid input output amount %v %v", d.Amount, tx.Outputs[0].Amount)
	case tx.Aggregate != nil || len(tx.Signatures) != 1 || len(tx.Signatures[0]) != 1 || tx.Signatures[0][0].Index != 0:
		return refuse(kernel.SignatureShape, "invalid tx signature number: a deposit has one signature, of key 0")
	}
	return nil
}

func trimmed(s string) bool { return s != "" && strings.TrimSpace(s) == s }

// checkWithdrawalForm: the first output leaves the ledger, the others are change. [TX-33]
func checkWithdrawalForm(tx *kernel.Transaction) *Refusal {
	first := &tx.Outputs[0]
	if first.Type != kernel.OutputWithdrawalSubmit || first.Withdrawal == nil || first.Withdrawal.Address == "" {
		return refuse(kernel.WithdrawalShape, "the first output must name an external address")
	}
	for i := range tx.Outputs[1:] {
		if t := tx.Outputs[i+1].Type; t != kernel.OutputScript {
			return refuse(kernel.WithdrawalShape, "output %d of type %#x", i+1, uint8(t))
		}
	}
	return nil
}
