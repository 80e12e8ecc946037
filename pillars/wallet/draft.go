package wallet

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/script"
)

// maxInputs is the most inputs of a transaction that a wallet makes or reads: what fits into one
// of versions 1 to 4.
const maxInputs = 600

// A Draft is a transaction on its way to being signed, with everything that a machine without
// network needs to check it, show it and sign it: the transactions that it spends from, whole, since
// signatures of versions 1 to 4 do not cover values; the scripts; and where the keys are.
type Draft struct {
	Network string               // name of the profile
	Tx      *pillars.Transaction // its inputs have neither scripts nor witnesses
	Inputs  []DraftInput
	Outputs []DraftOutput
	Notes   []string // what the maker says about it; nothing that a signer should believe
}

// A DraftInput is what is known about one input.
type DraftInput struct {
	// Previous is the transaction that made the output. A PSBT may leave it out where the signature
	// covers the value; then Claimed is what it says the output is.
	Previous   *pillars.Transaction
	Claimed    *pillars.Output
	Redeem     []byte
	Witness    []byte
	Keys       []KeyOrigin
	Signatures []Signature
}

// A Signature is one key's, with its kind behind; a taproot one is 64 bytes.
type Signature struct {
	Key       Hex `json:"key"`
	Signature Hex `json:"signature"`
}

// A DraftOutput tells the owner where to look for an address of his own. A wallet derives it
// again before it calls an output its own.
type DraftOutput struct {
	Own   bool   `json:"own,omitempty"`
	Chain uint32 `json:"chain,omitempty"`
	Index uint32 `json:"index,omitempty"`
}

// Spent returns the output that an input spends, and the version that made it; proven says that
// the input's hash vouches for it.
func (d *Draft) Spent(i int) (spent script.Spent, proven bool) {
	in := &d.Inputs[i]
	if in.Previous == nil {
		return script.Spent{Output: *in.Claimed, Version: pillars.VersionSegWit}, false
	}
	return script.Spent{Output: in.Previous.Outputs[d.Tx.Inputs[i].Previous.Index], Version: in.Previous.Version}, true
}

func (d *Draft) allSpent() []script.Spent {
	all := make([]script.Spent, len(d.Inputs))
	for i := range all {
		all[i], _ = d.Spent(i)
	}
	return all
}

// Check judges everything about a draft that needs no network: that the transaction obeys the rules,
// that what it spends is what its inputs name, that scripts and keys are those of the outputs, and
// that all signatures in it verify.
func (d *Draft) Check(p *pillars.Params) error {
	if d.Network != p.Name {
		return fmt.Errorf("%w: draft for %q, this is %q", ErrNetwork, d.Network, p.Name)
	}
	if d.Tx == nil || len(d.Tx.Inputs) != len(d.Inputs) || len(d.Tx.Outputs) != len(d.Outputs) || len(d.Inputs) > maxInputs {
		return fmt.Errorf("%w: it does not describe its transaction", ErrDraft)
	}
	for i := range d.Tx.Inputs {
		if len(d.Tx.Inputs[i].Script) > 0 || len(d.Tx.Inputs[i].Witness) > 0 {
			return fmt.Errorf("%w: input %d is signed outside of it", ErrDraft, i)
		}
	}
	if d.Tx.IsCoinbase() || d.Tx.IsCoinstake() {
		return fmt.Errorf("%w: it belongs to a block's author", ErrDraft)
	}
	if err := d.Tx.Check(p); err != nil {
		return fmt.Errorf("%w: %w", ErrDraft, err)
	}
	if err := script.CheckOutputs(d.Tx); err != nil {
		return fmt.Errorf("%w: %w", ErrDraft, err)
	}
	for i := range d.Inputs {
		if err := d.checkPrevious(i); err != nil {
			return err
		}
	}
	return d.checkSignatures()
}

func (d *Draft) checkPrevious(i int) error {
	in, from := &d.Inputs[i], d.Tx.Inputs[i].Previous
	switch {
	case in.Previous == nil && in.Claimed == nil:
		return fmt.Errorf("%w: input %d comes without the transaction that it spends", ErrDraft, i)
	case in.Previous == nil:
		witness := script.Classify(in.Claimed.Script).Template.Witness()
		nested := script.Classify(in.Redeem).Template == script.WitnessPubKeyHash
		if !d.Tx.IsSegWit() || !witness && !nested || in.Claimed.Attachment != (pillars.Attachment{}) || !in.Claimed.Value.Valid() {
			return fmt.Errorf("%w: signatures of input %d would not cover what it spends", ErrDraft, i)
		}
	case in.Claimed != nil:
		return fmt.Errorf("%w: input %d says twice what it spends", ErrDraft, i)
	case in.Previous.ID() != from.Tx:
		return fmt.Errorf("%w: input %d comes with transaction %s and spends %s", ErrDraft, i, in.Previous.ID().Short(), from.Tx.Short())
	case from.Index >= uint32(len(in.Previous.Outputs)):
		return fmt.Errorf("%w: input %d spends output %d of %d", ErrDraft, i, from.Index, len(in.Previous.Outputs))
	}
	return nil
}

// A form says how an input is spent.
type form struct {
	out      script.Output // of the output, or of the script behind its hash
	code     []byte        // what signatures are made over
	required int
	keys     []Hex // in the order of the script
	version  int   // of the witness program, -1 for none
}

// form reads it off the scripts, whose hashes are in the output; nothing is believed.
func (d *Draft) form(i int) (f form, err error) {
	in := &d.Inputs[i]
	spent, _ := d.Spent(i)
	f = form{code: spent.Output.Script, version: -1, required: 1}
	f.out = script.Classify(f.code)
	if f.out.Template == script.ScriptHash {
		hash := pillars.Hash160(in.Redeem)
		if !bytes.Equal(hash[:], f.out.Address.Hash()) {
			return f, fmt.Errorf("%w: input %d has another redeem script", ErrDraft, i)
		}
		f.code = in.Redeem
		f.out = script.Classify(f.code)
	} else if len(in.Redeem) > 0 {
		return f, fmt.Errorf("%w: input %d needs no redeem script", ErrDraft, i)
	}
	if f.out.Template == script.WitnessScriptHash {
		hash := sha256.Sum256(in.Witness)
		if !bytes.Equal(hash[:], f.out.Address.Hash()) {
			return f, fmt.Errorf("%w: input %d has another witness script", ErrDraft, i)
		}
		f.code, f.version = in.Witness, 0
		f.out = script.Classify(f.code)
		if f.out.Template != script.MultiSig {
			return f, fmt.Errorf("%w: input %d has a witness script that is no multisig", ErrDraft, i)
		}
	} else if len(in.Witness) > 0 {
		return f, fmt.Errorf("%w: input %d needs no witness script", ErrDraft, i)
	}
	if err := f.findKeys(in, i); err != nil {
		return f, err
	}
	if f.version >= 0 && !d.Tx.IsSegWit() { // anybody could spend it: versions 1 to 4 ask for no signature here
		return f, fmt.Errorf("%w: input %d spends a witness program under version %d", ErrDraft, i, d.Tx.Version)
	}
	return f, nil
}

// findKeys lists the keys that may sign: those of the script, or the one whose hash it has.
func (f *form) findKeys(in *DraftInput, i int) error {
	switch f.out.Template {
	case script.MultiSig:
		f.required = f.out.Required
		for _, key := range f.out.Keys {
			f.keys = append(f.keys, key)
		}
		return nil
	case script.PubKey:
		f.keys = []Hex{f.out.Keys[0]}
		return nil
	case script.Taproot:
		f.version = 1
	case script.WitnessPubKeyHash:
		f.version = 0
	case script.PubKeyHash, script.LockHeight, script.SequenceLock, script.Attenuation:
	default:
		return fmt.Errorf("%w: input %d spends a script of kind %s", ErrDraft, i, f.out.Template)
	}
	for _, o := range in.Keys {
		if f.fits(o.Key) {
			f.keys = []Hex{o.Key}
			return nil
		}
	}
	return fmt.Errorf("%w: input %d comes without the key to its output", ErrDraft, i)
}

// fits reports whether a key is the one that the output has the hash of.
func (f *form) fits(key []byte) bool {
	if f.out.Template == script.Taproot {
		output, err := taprootOutput(key)
		return err == nil && bytes.Equal(output, f.out.Address.Hash())
	}
	hash := pillars.Hash160(key)
	return bytes.Equal(hash[:], f.out.Address.Hash())
}

// checkSignatures verifies what is there; an incomplete draft is no error.
func (d *Draft) checkSignatures() error {
	h := d.hasher()
	for i := range d.Inputs {
		f, err := d.form(i)
		if err != nil {
			return err
		}
		if n := len(d.Inputs[i].Signatures); n > len(f.keys) {
			return fmt.Errorf("%w: input %d has %d signatures for %d keys", ErrDraft, i, n, len(f.keys))
		}
		var seen []Hex
		for _, s := range d.Inputs[i].Signatures {
			if slices.ContainsFunc(seen, func(k Hex) bool { return bytes.Equal(k, s.Key) }) || !f.has(s.Key) {
				return fmt.Errorf("%w: input %d, key %s", ErrSignature, i, s.Key)
			}
			seen = append(seen, s.Key)
			if err := h.verify(i, &f, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *form) has(key Hex) bool {
	return slices.ContainsFunc(f.keys, func(k Hex) bool { return bytes.Equal(k, key) })
}

func (in *DraftInput) signature(key Hex) Hex {
	for _, s := range in.Signatures {
		if bytes.Equal(s.Key, key) {
			return s.Signature
		}
	}
	return nil
}

// Missing returns how many signatures each input still needs.
func (d *Draft) Missing() ([]int, error) {
	missing := make([]int, len(d.Inputs))
	for i := range d.Inputs {
		f, err := d.form(i)
		if err != nil {
			return nil, err
		}
		missing[i] = max(0, f.required-len(d.Inputs[i].Signatures))
	}
	return missing, nil
}

// Complete reports whether nothing is missing.
func (d *Draft) Complete() bool {
	missing, err := d.Missing()
	return err == nil && !slices.ContainsFunc(missing, func(n int) bool { return n > 0 })
}

// Combine takes over the signatures of another draft of the same transaction. Both must pass Check.
func (d *Draft) Combine(other *Draft, p *pillars.Params) error {
	if err := d.Check(p); err != nil {
		return err
	}
	if err := other.Check(p); err != nil {
		return err
	}
	if !bytes.Equal(d.Tx.AppendBinary(nil), other.Tx.AppendBinary(nil)) {
		return fmt.Errorf("%w: the other is of another transaction", ErrDraft)
	}
	for i := range d.Inputs {
		d.Inputs[i].merge(other.Inputs[i].Signatures)
	}
	return d.checkSignatures()
}

func (in *DraftInput) merge(more []Signature) {
	for _, s := range more {
		if in.signature(s.Key) == nil {
			in.Signatures = append(in.Signatures, s)
		}
	}
}

// Finish puts the signatures into the transaction and judges it by the rules of the network, as a
// node that relays it would. The draft stays as it is.
func (d *Draft) Finish(p *pillars.Params) (*pillars.Transaction, error) {
	if err := d.Check(p); err != nil {
		return nil, err
	}
	tx := *d.Tx
	tx.Inputs = slices.Clone(d.Tx.Inputs)
	for i := range tx.Inputs {
		f, err := d.form(i)
		if err != nil {
			return nil, err
		}
		if err := d.unlock(i, &f, &tx.Inputs[i]); err != nil {
			return nil, err
		}
	}
	if err := tx.Check(p); err != nil {
		return nil, fmt.Errorf("%w: signed, %w", ErrDraft, err)
	}
	if err := script.NewChecker(&tx, d.allSpent(), script.Standard).Verify(); err != nil {
		return nil, fmt.Errorf("%w: signed, %w", ErrDraft, err)
	}
	return &tx, nil
}

// unlock writes one input's script or witness.
func (d *Draft) unlock(i int, f *form, to *pillars.Input) error {
	var sigs [][]byte
	for _, key := range f.keys { // in the order of the script, as many as it wants
		if sig := d.Inputs[i].signature(key); sig != nil && len(sigs) < f.required {
			sigs = append(sigs, sig)
		}
	}
	if len(sigs) < f.required {
		return fmt.Errorf("%w: input %d has %d of %d", ErrIncomplete, i, len(sigs), f.required)
	}
	items := sigs
	switch f.out.Template {
	case script.MultiSig:
		items = append([][]byte{nil}, sigs...) // one item more than is asked for, see checkmultisig
	case script.PubKey, script.Taproot:
	default:
		items = append(items, f.keys[0])
	}
	if f.out.Template == script.LockHeight {
		items = append(items, script.Number(int64(f.out.Lock)))
	}
	if f.version >= 0 {
		to.Witness = items
		if len(d.Inputs[i].Witness) > 0 {
			to.Witness = append(to.Witness, d.Inputs[i].Witness)
		}
		items = nil
	}
	if len(d.Inputs[i].Redeem) > 0 {
		items = append(items, d.Inputs[i].Redeem)
	}
	for _, item := range items {
		to.Script = script.AppendPush(to.Script, item)
	}
	return nil
}
