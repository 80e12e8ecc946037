package wallet

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// FuzzDraft: whatever a file holds, what is read passes Check and writes itself the same.
func FuzzDraft(f *testing.F) {
	p, w, legacy, segwit := drafts(f)
	for _, d := range []*Draft{legacy, segwit} {
		data, err := json.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDraft(data, &p)
		if err != nil {
			return
		}
		again, err := ParseDraft(must2(json.Marshal(d)), &p)
		if err != nil || !bytes.Equal(must2(json.Marshal(again)), must2(json.Marshal(d))) {
			t.Fatalf("reads %v", err)
		}
		w.Effects(d)
		w.Sign(d)
		d.Finish(&p)
	})
}

// FuzzPSBT: no bytes bring the reader down, and nothing that Check refuses comes out of it.
func FuzzPSBT(f *testing.F) {
	p, w, _, segwit := drafts(f)
	data, err := segwit.PSBT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	segwit.Inputs[0].Signatures = nil
	f.Add(must2(segwit.PSBT()))
	f.Fuzz(func(t *testing.T, data []byte) {
		segwit.AddPSBT(data, &p)
		d, err := ParsePSBT(data, &p)
		if err != nil {
			return
		}
		if err := d.Check(&p); err != nil {
			t.Fatal(err)
		}
		w.Effects(d)
		w.Sign(d)
	})
}

// FuzzKeyText: what is read prints and is read again.
func FuzzKeyText(f *testing.F) {
	for _, a := range testWallet(f, testWords, pillars.Devnet()).Accounts() {
		f.Add(a.Members[0].String())
	}
	f.Add("[73c5da0a/0]0376bf533d4b15510fa9f4124b6e48616f07debcf2ef0cfb185cdc4a576450b475")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		again, err := ParsePublicKey(k.String())
		if err != nil || again.String() != k.String() {
			t.Fatalf("%q becomes %q, %v", text, k, err)
		}
	})
}

// FuzzBook: an authentic book of whatever content is refused or opens.
func FuzzBook(f *testing.F) {
	w := testWallet(f, testWords, pillars.Devnet())
	f.Add(must2(json.Marshal(w.book)))
	key := bookKey([]byte("x"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return
		}
		var compact bytes.Buffer
		json.Compact(&compact, body)
		data, err := json.Marshal(bookJSON{bookFormat, bookVersion, "devnet", bookMAC("devnet", compact.Bytes(), key), compact.Bytes()})
		if err != nil {
			return
		}
		b, err := parseBook(data, "devnet", key)
		if err != nil {
			return
		}
		again := newWallet(pillars.Devnet(), nil, b)
		b.Gap = 1
		for _, a := range b.Accounts {
			a.Next = [2]uint32{}
		}
		again.fill()
	})
}
