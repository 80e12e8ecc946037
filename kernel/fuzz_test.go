package kernel

import (
	"bytes"
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
	}, (&Checkpoint{Network: NetworkID{1}, Index: 2}).AppendBinary(nil))
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
