package node

import (
	"bytes"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// FuzzKeyring reads files of checkpoint keys: nothing breaks, and what is read and written again is read as the same.
func FuzzKeyring(f *testing.F) {
	k := &keyring{keys: map[kernel.Epoch][32]byte{1: {1}, 7: {2}}}
	f.Add(k.encode()[:len(k.encode())-crypto.HashSize])
	f.Add([]byte(keyringMagic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := crypto.SumLabel(keyringMagic, body)
		k := &keyring{keys: make(map[kernel.Epoch][32]byte)}
		if k.decode(append(bytes.Clone(body), sum[:]...)) != nil {
			return
		}
		again := &keyring{keys: make(map[kernel.Epoch][32]byte)}
		if err := again.decode(k.encode()); err != nil || !bytes.Equal(again.encode(), k.encode()) {
			t.Fatalf("%v", err)
		}
	})
}
