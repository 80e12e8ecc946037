package lightnode

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
)

// FuzzFile reads light nodes' files: nothing breaks, and what is read is written as it was.
func FuzzFile(f *testing.F) {
	g := &kernel.Genesis{Name: "fuzz", Timestamp: 1_800_000_000_000, Parameters: kernel.DefaultParameters(), CoinKey: make([]kernel.Key, 3)}
	for i := range byte(7) {
		key := crypto.NodeKeyFromSeed([32]byte{i, 3}).Public()
		g.Members = append(g.Members, kernel.Member{Name: "node-" + string('a'+rune(i)), Key: key, Payee: kernel.AccountFromSeed([64]byte{i, 4}).Address()})
	}
	user := kernel.AccountFromSeed([64]byte{9})
	config := Config{Genesis: g, Nodes: []*client.Client{client.New("http://127.0.0.1:1")}, Keys: &Keys{View: user.View, Spend: user.Address().Spend}}
	config.File = filepath.Join(f.TempDir(), "light")
	n, err := Open(config)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(n.encode())
	n.account = nil
	f.Add(n.encode())
	f.Add([]byte(fileMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(config.File, b, 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := Open(config)
		if err != nil {
			return
		}
		if again := n.encode(); len(n.account.Own()) > 0 && !bytes.Equal(again, b) {
			t.Fatalf("%x is written as %x", b, again)
		}
	})
}
