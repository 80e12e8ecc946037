package store

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/consensus"
)

// FuzzEntry: what decodes encodes to the same bytes.
func FuzzEntry(f *testing.F) {
	h := pillars.Header{Version: pillars.HeaderVersion(pillars.PoS, true), Number: 7}
	b := pillars.Block{Header: h, Extension: pillars.Extension{Stake: pillars.Outpoint{Index: 9}}}
	e := EntryOf(&b, consensus.Start(&h))
	f.Add(e.append(nil))
	f.Add(e.append(nil)[:100])
	f.Fuzz(func(t *testing.T, raw []byte) {
		var e Entry
		if e.decode(raw) == nil && !bytes.Equal(e.append(nil), raw) {
			t.Errorf("%x decodes and encodes to %x", raw, e.append(nil))
		}
	})
}

// FuzzOrigin: no bytes make a folder pass for another network's, and none panic.
func FuzzOrigin(f *testing.F) {
	p := pillars.Classic()
	g, err := p.GenesisBlock()
	if err != nil {
		f.Fatal(err)
	}
	good := originOf(&p, g.ID()).append(nil)
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if checkOrigin(raw, &p) == nil && !bytes.Equal(raw, good) {
			t.Errorf("%x passes", raw)
		}
	})
}
