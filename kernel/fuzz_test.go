package kernel

import (
	"bytes"
	"strings"
	"testing"
)

// A decoder with an encoder; what a fuzz target needs of a format.
type format struct {
	decode func([]byte) error
	encode func() []byte
}

// fuzz checks that whatever decodes encodes to the same bytes.
func fuzz(f *testing.F, newFormat func() format, seeds ...[]byte) {
	f.Helper()
	for _, s := range seeds {
		f.Add(s)
		f.Add(s[:len(s)/2])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		v := newFormat()
		if v.decode(b) != nil {
			return
		}
		if again := v.encode(); !bytes.Equal(again, b) {
			t.Errorf("decoded and encoded again it is\n%x\nwas\n%x", again, b)
		}
	})
}

// must is for encoders that cannot fail on what was decoded.
func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func FuzzTransaction(f *testing.F) {
	var file transactionFile
	readVectors(f, "transactions.json", &file)
	aggregate := fullTransaction()
	aggregate.Signatures, aggregate.Aggregate = nil, &AggregateSignature{Signers: []uint16{3, 900}}
	seeds := [][]byte{encode(f, fullTransaction()), encode(f, aggregate)}
	for _, v := range file.Transactions {
		seeds = append(seeds, fromHex(f, v.Payload))
	}
	fuzz(f, func() format {
		tx := new(Transaction)
		return format{tx.UnmarshalBinary, func() []byte {
			tx.Hash()
			tx.Class()
			tx.View()
			return must(tx.AppendBinary(nil))
		}}
	}, seeds...)
}

func FuzzHeader(f *testing.F) {
	fuzz(f, func() format {
		h := new(Header)
		return format{h.UnmarshalBinary, func() []byte { return must(h.AppendBinary(nil)) }}
	}, encodeHeader(f, testSnapshot().Header))
}

func FuzzBody(f *testing.F) {
	fuzz(f, func() format {
		b := new(Body)
		return format{b.UnmarshalBinary, func() []byte { return b.AppendBinary(nil) }}
	}, testSnapshot().Body.AppendBinary(nil))
}

func FuzzSnapshot(f *testing.F) {
	fuzz(f, func() format {
		s := new(Snapshot)
		return format{s.UnmarshalBinary, func() []byte { return must(s.AppendBinary(nil)) }}
	}, must(testSnapshot().AppendBinary(nil)))
}

func FuzzRecord(f *testing.F) {
	fuzz(f, func() format {
		r := new(Record)
		return format{r.UnmarshalBinary, func() []byte { return r.AppendBinary(nil) }}
	}, testRecord().AppendBinary(nil))
}

func FuzzEquivocation(f *testing.F) {
	a, b := testSnapshot().Header, testSnapshot().Header
	b.Timestamp++
	proof := EquivocationOf(a, b)
	fuzz(f, func() format {
		e := new(Equivocation)
		return format{e.UnmarshalBinary, func() []byte {
			e.Verify(Key{1})
			return e.AppendBinary(nil)
		}}
	}, proof.AppendBinary(nil))
}

func FuzzCheckpoint(f *testing.F) {
	fuzz(f, func() format {
		c := new(Checkpoint)
		return format{c.UnmarshalBinary, func() []byte { return c.AppendBinary(nil) }}
	}, testCheckpoint().AppendBinary(nil))
}

func FuzzCheckpointProof(f *testing.F) {
	fuzz(f, func() format {
		p := new(CheckpointProof)
		return format{p.UnmarshalBinary, func() []byte { return p.AppendBinary(nil) }}
	}, testCheckpointProof().AppendBinary(nil))
}

func FuzzRosterChange(f *testing.F) {
	fuzz(f, func() format {
		c := new(RosterChange)
		return format{c.UnmarshalBinary, func() []byte { return c.AppendBinary(nil) }}
	}, testRosterChange().AppendBinary(nil))
}

func FuzzEpochRoster(f *testing.F) {
	fuzz(f, func() format {
		r := new(EpochRoster)
		return format{r.UnmarshalBinary, func() []byte { return r.AppendBinary(nil) }}
	}, testEpochRoster().AppendBinary(nil))
}

func FuzzStateOutput(f *testing.F) {
	fuzz(f, func() format {
		o := new(StateOutput)
		return format{o.UnmarshalBinary, func() []byte { return o.AppendBinary(nil) }}
	}, testStateOutput().AppendBinary(nil))
}

func FuzzFinalityProof(f *testing.F) {
	fuzz(f, func() format {
		p := new(FinalityProof)
		return format{p.UnmarshalBinary, func() []byte { return p.AppendBinary(nil) }}
	}, testFinalityProof().AppendBinary(nil))
}

func FuzzOutputProof(f *testing.F) {
	fuzz(f, func() format {
		p := new(OutputProof)
		return format{p.UnmarshalBinary, func() []byte { return p.AppendBinary(nil) }}
	}, testOutputProof().AppendBinary(nil))
}

func FuzzOutputRange(f *testing.F) {
	o := testStateOutput()
	fuzz(f, func() format {
		p := new(OutputRange)
		return format{p.UnmarshalBinary, func() []byte {
			p.Verify(TreeHead{Hash{1}, 9})
			return p.AppendBinary(nil)
		}}
	}, (&OutputRange{From: 3, Outputs: []*StateOutput{o, nil, o}, Hashes: []Hash{{1}, {2}}}).AppendBinary(nil))
}

func FuzzReceiptRange(f *testing.F) {
	fuzz(f, func() format {
		p := new(ReceiptRange)
		return format{p.UnmarshalBinary, func() []byte {
			p.Verify(TreeHead{Hash{1}, 9})
			return p.AppendBinary(nil)
		}}
	}, (&ReceiptRange{From: 3, Receipts: []Receipt{{Status: Final}}, Hashes: []Hash{{1}, {2}}}).AppendBinary(nil))
}

func FuzzProofFile(f *testing.F) {
	output := testProofFile()
	output.Finality, output.Transaction, output.Output = nil, nil, testOutputProof()
	fuzz(f, func() format {
		var p *ProofFile
		return format{
			func(b []byte) (err error) { p, err = DecodeProofFile(b); return err },
			func() []byte { return must(p.Encode()) },
		}
	}, must(testProofFile().Encode()), must(output.Encode()))
}

func FuzzReceipt(f *testing.F) {
	fuzz(f, func() format {
		r := new(Receipt)
		return format{r.UnmarshalBinary, func() []byte { return r.AppendBinary(nil) }}
	}, Receipt{Status: Final}.AppendBinary(nil), Receipt{Status: Rejected, Rule: InputSpent}.AppendBinary(nil))
}

func FuzzCommit(f *testing.F) {
	fuzz(f, func() format {
		c := new(Commit)
		return format{c.UnmarshalBinary, func() []byte { return c.AppendBinary(nil) }}
	}, testCommit().AppendBinary(nil))
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"0", "1.5", "0.00000001", maxAmount.String(), "3402823669209384634633746074317.68211456", "1e9", "-1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAmount(s)
		if err != nil {
			return
		}
		if again, err := ParseAmount(a.String()); err != nil || again != a {
			t.Errorf("%q is %s, which reads as %s, %v", s, a, again, err)
		}
	})
}

func FuzzParseAddress(f *testing.F) {
	text := testAccount(1).Address().String()
	f.Add(text)
	f.Add(text[:50])
	f.Add("XIN1111")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err == nil && a.String() != s {
			t.Errorf("%q and %q are one address", s, a)
		}
	})
}

func FuzzParseGenesis(f *testing.F) {
	f.Add(must(testGenesis().MarshalIndentJSON()))
	f.Add([]byte(`{"name":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := ParseGenesis(b)
		if err != nil {
			return
		}
		again, err := ParseGenesis(must(g.MarshalIndentJSON()))
		if err != nil || again.NetworkID() != g.NetworkID() {
			t.Errorf("written and read again it is another genesis: %v", err)
		}
	})
}

// FuzzTexts reads any text as each kind of id and value that has a short form: what is read prints
// as it was, so nothing has two spellings.
func FuzzTexts(f *testing.F) {
	hash := Hash{1, 2, 3}
	for _, s := range []string{hash.String(), testAccount(1).Spend.Public().String(), "fffe01", "final", "rejected", InputSpent.Error(), "", "FF", "0x01"} {
		f.Add(s)
	}
	f.Add(Signature{1}.String())
	f.Fuzz(func(t *testing.T, s string) {
		same := func(kind, again string, err error) {
			if err == nil && again != s {
				t.Errorf("%s %q prints as %q", kind, s, again)
			}
		}
		h, err := ParseHash(s)
		same("hash", h.String(), err)
		tx, err := ParseTxHash(s)
		same("transaction", tx.String(), err)
		id, err := ParseSnapshotID(s)
		same("snapshot", id.String(), err)
		asset, err := ParseAssetID(s)
		same("asset", asset.String(), err)
		node, err := ParseNodeID(s)
		same("node", node.String(), err)
		network, err := ParseNetworkID(s)
		same("network", network.String(), err)
		// Keys, signatures and scripts are read in upper case too: other software writes them so.
		var key Key
		if key.UnmarshalText([]byte(s)) == nil && key.String() != strings.ToLower(s) {
			t.Errorf("key %q prints as %q", s, key)
		}
		var signature Signature
		if signature.UnmarshalText([]byte(s)) == nil && signature.String() != strings.ToLower(s) {
			t.Errorf("signature %q prints as %q", s, signature)
		}
		var script Script
		if script.UnmarshalText([]byte(s)) == nil && script.String() != strings.ToLower(s) {
			t.Errorf("script %q prints as %q", s, script)
		}
		var status Status
		if err := status.UnmarshalText([]byte(s)); err != nil || status != 0 && status.String() != s {
			t.Errorf("status %q prints as %q, %v", s, status, err) // one of a newer node is none, and no error
		}
		var rule Rule
		if err := rule.UnmarshalText([]byte(s)); err == nil {
			text, err := rule.MarshalText()
			same("rule", string(text), err)
		}
		if b, ok := decodeBase58(s); ok {
			same("base58", encodeBase58(b), nil)
		}
	})
}
