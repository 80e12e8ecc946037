package interop_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A formatCase is a transaction of ours in every form that the SDK is asked about.
type formatCase struct {
	Name      string                 `json:"name"`
	Raw       hexBytes               `json:"raw"`
	Payload   hexBytes               `json:"payload"`
	View      kernel.TransactionView `json:"view"`
	Maps      []map[uint16]hexBytes  `json:"maps,omitempty"` // by input, by place of the key
	Aggregate *aggregateCase         `json:"aggregate,omitempty"`
}

type aggregateCase struct {
	Signers   []uint16 `json:"signers"`
	Signature hexBytes `json:"signature"`
}

// A form draws one kind of transaction.
type form struct {
	name string
	make func(s stream) *kernel.Transaction
}

var forms = []form{
	{"script", script},
	{"unsigned", func(s stream) *kernel.Transaction { tx := script(s); tx.Signatures = nil; return tx }},
	{"single signature", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Inputs = tx.Inputs[:1]
		tx.Signatures = []kernel.SignatureMap{{{Index: uint16(s.n(256)), Signature: s.signature()}}}
		return tx
	}},
	{"one and 256", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Inputs = tx.Inputs[:1]
		tx.Outputs = nil
		for range 256 {
			tx.Outputs = append(tx.Outputs, s.output(1))
		}
		return sign(s, tx)
	}},
	{"256 and one", func(s stream) *kernel.Transaction {
		tx := script(s)
		for len(tx.Inputs) < 256 {
			tx.Inputs = append(tx.Inputs, s.input())
		}
		tx.Outputs = tx.Outputs[:1]
		return sign(s, tx)
	}},
	{"storage", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Extra = s.bytes(5000)
		tx.Outputs = []kernel.Output{s.output(1)}
		tx.Outputs[0].Script = kernel.NewScript(64)
		return tx
	}},
	{"genesis", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Inputs = []kernel.Input{{Genesis: s.bytes(32)}}
		tx.Signatures = nil
		return tx
	}},
	{"withdrawal", func(s stream) *kernel.Transaction {
		tx := script(s)
		w := &kernel.Withdrawal{Address: fmt.Sprintf("bc1q%x", s.bytes(s.n(40)+1))}
		if s.n(2) == 0 {
			w.Tag = fmt.Sprintf("%d", s.Uint64())
		}
		out := kernel.Output{Type: kernel.OutputWithdrawalSubmit, Amount: s.amount(), Withdrawal: w}
		tx.Outputs = append([]kernel.Output{out}, tx.Outputs...)
		return sign(s, tx)
	}},
	{"deposit", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Inputs = []kernel.Input{{Deposit: &kernel.Deposit{
			Chain: kernel.AssetID(s.hash()), AssetKey: fmt.Sprintf("0x%x", s.bytes(20)),
			Transaction: fmt.Sprintf("0x%x", s.bytes(32)), Index: uint64(s.n(1 << 40)), Amount: s.amount(),
		}}}
		tx.Outputs = tx.Outputs[:1]
		return sign(s, tx)
	}},
	{"mint", func(s stream) *kernel.Transaction {
		tx := script(s)
		tx.Inputs = []kernel.Input{{Mint: &kernel.Mint{Group: "UNIVERSAL", Batch: uint64(s.n(10000)), Amount: s.amount()}}}
		tx.Signatures = nil
		return tx
	}},
	{"aggregate", func(s stream) *kernel.Transaction { // so that the bitmap is the shorter form
		tx := script(s)
		tx.Signatures, tx.Aggregate = nil, &kernel.AggregateSignature{Signature: s.signature()}
		for i := range 3 + s.n(20) {
			tx.Aggregate.Signers = append(tx.Aggregate.Signers, uint16(2*i+s.n(2)))
		}
		return tx
	}},
}

func (s stream) signature() kernel.Signature { return kernel.Signature(s.bytes(64)) }

// amount stays where the SDK's decoder, which holds amounts as floating-point numbers, is exact.
func (s stream) amount() kernel.Amount {
	return kernel.NewAmount(1 + s.Uint64()%(1<<(1+s.n(52))))
}

func (s stream) input() kernel.Input {
	return kernel.Input{OutputRef: kernel.OutputRef{Hash: kernel.TxHash(s.hash()), Index: uint16(s.n(1025))}}
}

func (s stream) output(keys int) kernel.Output {
	out := kernel.Output{Amount: s.amount(), Mask: s.key(), Script: kernel.NewScript(uint8(1 + s.n(keys)))}
	for range keys {
		out.Keys = append(out.Keys, s.key())
	}
	return out
}

// script is a payment with several of everything.
func script(s stream) *kernel.Transaction {
	tx := &kernel.Transaction{Asset: kernel.AssetID(s.hash()), Extra: s.bytes(s.n(257))}
	for range 1 + s.n(8) {
		tx.Inputs = append(tx.Inputs, s.input())
	}
	for range 1 + s.n(8) {
		tx.Outputs = append(tx.Outputs, s.output(1+s.n(5)))
	}
	for range s.n(17) {
		tx.References = append(tx.References, kernel.TxHash(s.hash()))
	}
	return sign(s, tx)
}

// sign gives every input one to three signatures that need not verify.
func sign(s stream, tx *kernel.Transaction) *kernel.Transaction {
	tx.Signatures = make([]kernel.SignatureMap, len(tx.Inputs))
	for i := range tx.Signatures {
		for j := range 1 + s.n(3) {
			tx.Signatures[i] = append(tx.Signatures[i], kernel.IndexedSignature{Index: uint16(3*j + s.n(3)), Signature: s.signature()})
		}
	}
	return tx
}

func newFormatCase(t *testing.T, name string, tx *kernel.Transaction) formatCase {
	t.Helper()
	raw, err := tx.AppendBinary(nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	payload, err := tx.AppendPayload(nil)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := new(kernel.Transaction).UnmarshalBinary(raw); err != nil {
		t.Fatalf("%s: our decoder refuses it: %v", name, err)
	}
	c := formatCase{Name: name, Raw: raw, Payload: payload, View: tx.View()}
	for _, m := range tx.Signatures {
		signatures := map[uint16]hexBytes{}
		for _, x := range m {
			signatures[x.Index] = x.Signature[:]
		}
		c.Maps = append(c.Maps, signatures)
	}
	if a := tx.Aggregate; a != nil {
		c.Aggregate = &aggregateCase{a.Signers, a.Signature[:]}
	}
	return c
}

// TestFormats lets the SDK decode and encode transactions of every form, and our decoder read
// what the SDK encodes by itself.
func TestFormats(t *testing.T) {
	needSDK(t)
	const each = 8
	s := newStream(2)
	facts := map[string]any{}
	var cases []formatCase
	for _, f := range forms {
		for i := range each {
			cases = append(cases, newFormatCase(t, fmt.Sprintf("%s %d", f.name, i), f.make(s)))
		}
	}
	facts["cases"] = cases
	// Beyond floating point: the SDK can encode these amounts and cannot decode them.
	large := script(s)
	large.Outputs[0].Amount = kernel.AmountFromUnits(math.MaxUint64, math.MaxUint64)
	large.Outputs = append(large.Outputs, s.output(1))
	large.Outputs[len(large.Outputs)-1].Amount = kernel.NewAmount(1<<53 + 1)
	facts["large"] = newFormatCase(t, "large amounts", large)

	var answer struct {
		Made []struct {
			Raw  hexBytes `json:"raw"`
			Hash string   `json:"hash"`
			Memo hexBytes `json:"memo"`
		} `json:"made"`
	}
	runScript(t, "formats.test.mjs", facts, &answer)
	if len(answer.Made) < 20 {
		t.Fatalf("the SDK made %d transactions", len(answer.Made))
	}
	for i, made := range answer.Made {
		var tx kernel.Transaction
		if err := tx.UnmarshalBinary(made.Raw); err != nil {
			t.Errorf("transaction %d of the SDK: %v\n%x", i, err, made.Raw)
			continue
		}
		again, err := tx.AppendBinary(nil)
		if err != nil || string(again) != string(made.Raw) {
			t.Errorf("transaction %d of the SDK: we write %x, it %x (%v)", i, again, made.Raw, err)
		}
		if tx.Hash().String() != made.Hash || string(tx.Extra) != string(made.Memo) {
			t.Errorf("transaction %d of the SDK: hash %v, it says %s", i, tx.Hash(), made.Hash)
		}
		hash := tx.Hash()
		for j, m := range tx.Signatures {
			if len(m) != 1 || !crypto.ValidKey(kernel.Key(m[0].Signature[:32])) {
				t.Errorf("transaction %d of the SDK: signature of input %d of %s", i, j, hash)
			}
		}
	}
}
