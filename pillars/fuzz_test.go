package pillars

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// seeds are encodings of everything that the generators below draw, and the published blocks.
func blockSeeds(f *testing.F) (blocks [][]byte) {
	for _, v := range publishedBlocks(f) {
		_, raw := v.block(f)
		blocks = append(blocks, raw)
	}
	for i := range 8 {
		b := drawBlock().Example(i)
		blocks = append(blocks, b.AppendBinary(nil))
	}
	return blocks
}

func FuzzBlock(f *testing.F) {
	for _, raw := range blockSeeds(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := new(Block)
		if b.UnmarshalBinary(raw) != nil {
			return
		}
		if again := b.AppendBinary(nil); !bytes.Equal(again, raw) {
			t.Fatalf("encodes as %x", again)
		}
		p := Classic()
		if b.Extended() {
			p = Devnet()
		}
		_ = b.Check(&p)
		_ = b.VerifySignature()
	})
}

func FuzzHeader(f *testing.F) {
	for _, raw := range blockSeeds(f) {
		f.Add(raw[:HeaderSize])
		f.Add(raw[:ExtendedHeaderSize])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var h, again Header
		if h.UnmarshalBinary(raw) != nil {
			return
		}
		if !bytes.Equal(h.AppendBinary(nil), raw) {
			t.Fatal("encodes otherwise")
		}
		if err := again.UnmarshalBinary(h.AppendBinary(nil)); err != nil || again != h || again.ID() != h.ID() {
			t.Fatal("decodes otherwise")
		}
	})
}

func FuzzTransaction(f *testing.F) {
	for i := range 40 {
		f.Add(drawTransaction().Example(i).AppendBinary(nil))
	}
	for _, v := range publishedBlocks(f) {
		b, _ := v.block(f)
		for _, tx := range b.Transactions {
			f.Add(tx.AppendBinary(nil))
		}
	}
	p := Devnet()
	f.Fuzz(func(t *testing.T, raw []byte) {
		tx := new(Transaction)
		if tx.UnmarshalBinary(raw) != nil {
			return
		}
		if again := tx.AppendBinary(nil); !bytes.Equal(again, raw) {
			t.Fatalf("encodes as %x", again)
		}
		if tx.Check(&p) == nil && tx.Size() == 64 {
			t.Fatal("a transaction that could be a node of the tree")
		}
	})
}

func FuzzAddress(f *testing.F) {
	p := Devnet().Address
	for _, a := range []Address{PubKeyHashAddress([20]byte{1}), ScriptHashAddress([20]byte{2}), WitnessPubKeyHashAddress([20]byte{3}),
		WitnessScriptHashAddress([32]byte{4}), TaprootAddress([32]byte{5}), BlackHole()} {
		f.Add(a.Text(p))
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s, p)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.Text(p), p)
		if err != nil || again != a || a.Kind() == 0 || len(a.Script()) == 0 {
			t.Fatalf("%q is %v, then %v, %v", s, a, again, err)
		}
	})
}

// FuzzTexts reads every other text form: what is read and written again is read the same.
func FuzzTexts(f *testing.F) {
	for _, s := range []string{"PN=0;LH=20000;TYPE=1;LQ=9001;LP=60001;UN=3", "initial:1,interval:2,base:0.30", "1.5", "0.00000001",
		"PN=1;LH=5;TYPE=2;LQ=15;LP=100;UN=3;UC=1,9,90;UQ=5,5,5", "PN=1;LH=5;TYPE=3;LQ=15;LP=100;UN=3;IR=8;UC=1,9,90;UQ=5,5,5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if m, err := ParseLockModel(s); err == nil {
			again, err := ParseLockModel(m.String())
			if err != nil || !reflect.DeepEqual(m, again) {
				t.Fatalf("%s: %v, %v", m, again, err)
			}
			checkModel(t, m)
		}
		if m, err := ParseMiningTerms(s); err == nil {
			if again, err := ParseMiningTerms(m.String()); err != nil || again != m {
				t.Fatalf("%s: %v, %v", m, again, err)
			}
		}
		if a, err := ParseAmount(s); err == nil {
			if again, err := ParseAmount(a.String()); err != nil || again != a {
				t.Fatalf("%s: %v, %v", a, again, err)
			}
		}
		if h, err := ParseHash(s); err == nil && h.String() != s {
			t.Fatalf("%s", h)
		}
	})
}

// checkModel asks of a model what must hold of each: what is locked only falls, it ends exactly
// with its last block, and the way does not matter.
func checkModel(t *testing.T, m LockModel) {
	t.Helper()
	left := m.Blocks - m.Elapsed()
	if later, ended := m.After(left); !ended {
		t.Fatalf("%s is %s at its end", m, later)
	}
	if left == 0 {
		return
	}
	half, ended := m.After(left / 2)
	if ended || half.Locked() > m.Locked() || half.check() != nil {
		t.Fatalf("%s is %s after %d", m, half, left/2)
	}
	if half.Elapsed() != m.Elapsed()+left/2 {
		t.Fatalf("%s is %s after %d", m, half, left/2)
	}
	last, ended := half.After(left - left/2 - 1)
	if straight, _ := m.After(left - 1); ended || !reflect.DeepEqual(last, straight) {
		t.Fatalf("%s is %s or %s before its end", m, last, straight)
	}
}

// TestRoundTrips draws values and asks that decoding gives the same value [PIL-TX-1] [PIL-BLK-1].
func TestRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := drawBlock().Draw(t, "block")
		raw, again := b.AppendBinary(nil), new(Block)
		if err := again.UnmarshalBinary(raw); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(b, again) {
			t.Fatalf("%+v\n%+v", b, again)
		}
		for n := range raw {
			if new(Block).UnmarshalBinary(raw[:n]) == nil {
				t.Fatalf("%d of %d bytes are a block too", n, len(raw))
			}
		}
		if new(Block).UnmarshalBinary(append(raw, 0)) == nil {
			t.Fatal("a byte more is a block too")
		}
	})
}

func drawBytes(limit int) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		b := rapid.SliceOfN(rapid.Byte(), 0, limit).Draw(t, "bytes")
		if len(b) == 0 {
			return nil
		}
		return b
	})
}

func drawText(limit int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(rapid.Byte(), 0, limit).Draw(t, "text"))
	})
}

func drawPayload() *rapid.Generator[Payload] {
	return rapid.Custom(func(t *rapid.T) Payload {
		symbol, other, address := drawText(MaxSymbol).Draw(t, "symbol"), drawText(MaxSymbol).Draw(t, "other"), drawText(MaxAddress).Draw(t, "address")
		number := rapid.Uint64().Draw(t, "number")
		small := rapid.Uint8().Draw(t, "small")
		switch rapid.IntRange(0, 9).Draw(t, "payload") {
		case 0:
			return Award{number}
		case 1:
			return AssetIssue{symbol, number, small, small ^ 0x55, [2]byte{small, 1}, other, address, drawText(MaxDescription).Draw(t, "description")}
		case 2:
			return AssetTransfer{symbol, number}
		case 3:
			return Message{drawText(MaxMessage).Draw(t, "message")}
		case 4:
			return Avatar{uint32(small%2 + 1), symbol, address}
		case 5:
			return Certificate{symbol, other, address, CertMining, small % 4, drawText(MaxCertContent).Draw(t, "content")}
		case 6:
			return Certificate{symbol, other, address, CertificateType(number) &^ CertHasContent, small % 4, ""}
		case 7:
			return Token{StatusRegister, symbol, address, drawText(MaxToken).Draw(t, "content")}
		case 8:
			return Token{StatusTransfer, symbol, address, ""}
		}
		return Null{}
	})
}

func drawTransaction() *rapid.Generator[*Transaction] {
	return rapid.Custom(func(t *rapid.T) *Transaction {
		tx := &Transaction{Version: rapid.Uint32Range(0, VersionSegWit).Draw(t, "version"), LockTime: rapid.Uint32().Draw(t, "lock time")}
		least := 0
		if tx.IsSegWit() {
			tx.Bitcoin, least = rapid.Int32().Draw(t, "bitcoin"), 1
		}
		tx.Inputs = rapid.SliceOfN(drawInput(tx.IsSegWit()), least, 4).Draw(t, "inputs")
		tx.Outputs = rapid.SliceOfN(drawOutput(!tx.IsSegWit()), 0, 4).Draw(t, "outputs")
		return tx
	})
}

func drawInput(witness bool) *rapid.Generator[Input] {
	return rapid.Custom(func(t *rapid.T) Input {
		in := Input{Script: drawBytes(300).Draw(t, "script"), Sequence: rapid.Uint32().Draw(t, "sequence")}
		copy(in.Previous.Tx[:], drawBytes(32).Draw(t, "from"))
		in.Previous.Index = rapid.Uint32().Draw(t, "index")
		if items := rapid.SliceOfN(drawBytes(80), 0, 3).Draw(t, "witness"); witness && len(items) > 0 {
			in.Witness = items
		}
		return in
	})
}

func drawOutput(attached bool) *rapid.Generator[Output] {
	return rapid.Custom(func(t *rapid.T) Output {
		o := Output{Value: Amount(rapid.Uint64().Draw(t, "value")), Script: drawBytes(300).Draw(t, "script")}
		if !attached {
			return o
		}
		o.Attachment.Version = rapid.SampledFrom([]uint32{AttachmentBare, AttachmentPlain, AttachmentAvatars}).Draw(t, "attachment")
		if o.Attachment.Version == AttachmentAvatars {
			o.Attachment.To, o.Attachment.From = drawText(MaxSymbol).Draw(t, "to"), drawText(MaxSymbol).Draw(t, "from")
		}
		if rapid.Bool().Draw(t, "payload") {
			o.Attachment.Payload = drawPayload().Draw(t, "payload")
		}
		return o
	})
}

func drawBlock() *rapid.Generator[*Block] {
	return rapid.Custom(func(t *rapid.T) *Block {
		seal := rapid.SampledFrom([]Seal{PoW, PoS, DPoS}).Draw(t, "seal")
		b := &Block{Header: Header{Version: HeaderVersion(seal, rapid.Bool().Draw(t, "extended"))}}
		b.Timestamp, b.Nonce, b.Number = rapid.Uint32().Draw(t, "time"), rapid.Uint64().Draw(t, "nonce"), rapid.Uint32().Draw(t, "number")
		copy(b.Previous[:], drawBytes(32).Draw(t, "previous"))
		copy(b.Merkle[:], drawBytes(32).Draw(t, "merkle"))
		copy(b.MixHash[:], drawBytes(32).Draw(t, "mix"))
		b.Bits.SetBytes(drawBytes(32).Draw(t, "bits"))
		if b.Extended() {
			copy(b.ExtensionRoot[:], drawBytes(32).Draw(t, "root"))
			copy(b.Extension.Key[:], drawBytes(33).Draw(t, "key"))
			copy(b.Extension.Witnesses[:], drawBytes(32).Draw(t, "witnesses"))
			copy(b.Extension.Modifier[:], drawBytes(32).Draw(t, "modifier"))
			copy(b.Extension.Stake.Tx[:], drawBytes(32).Draw(t, "stake"))
			b.Extension.Stake.Index = rapid.Uint32().Draw(t, "stake index")
		}
		if seal.Signed() {
			copy(b.Signature[:], drawBytes(64).Draw(t, "signature"))
		}
		if seal == DPoS && !b.Extended() {
			copy(b.ClassicKey[:], drawBytes(33).Draw(t, "key"))
		}
		b.Transactions = rapid.SliceOfN(drawTransaction(), 0, 3).Draw(t, "transactions")
		return b
	})
}

// FuzzProfile: a profile that is taken is written and read again as the same one, and has a genesis or a reason why not.
func FuzzProfile(f *testing.F) {
	for _, p := range []Params{MainnetLike(), Testnet(), Devnet(), Classic()} {
		text, err := p.MarshalJSON()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseParams(text)
		if err != nil {
			return
		}
		again, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		q, err := ParseParams(again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		if last, err := q.MarshalJSON(); err != nil || string(last) != string(again) {
			t.Fatalf("%v: %s and %s", err, again, last)
		}
		_, _ = p.GenesisBlock()
	})
}
