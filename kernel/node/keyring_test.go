package node

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// TestKeyring draws keys, opens the file again, signs, and erases what is over.
func TestKeyring(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	k, err := openKeyring(file)
	if err != nil {
		t.Fatal(err)
	}
	one, two := k.public(1), k.public(2)
	if one.IsZero() || one == two || k.public(1) != one {
		t.Fatalf("keys %s and %s", one, two)
	}
	if k, err = openKeyring(file); err != nil || k.public(1) != one || k.public(2) != two {
		t.Fatalf("another start has other keys: %v", err)
	}
	hash := kernel.Hash{3}
	if s, ok := k.sign(2, two, hash); !ok || !crypto.Verify(two, hash[:], s) {
		t.Error("the signature does not verify")
	}
	if _, ok := k.sign(2, one, hash); ok {
		t.Error("signs for a key of another epoch")
	}
	if _, ok := k.sign(9, one, hash); ok {
		t.Error("signs for an epoch without a key")
	}
	if err := k.erase(2); err != nil {
		t.Fatal(err)
	}
	if k, err = openKeyring(file); err != nil {
		t.Fatal(err)
	}
	if _, ok := k.sign(1, one, hash); ok || k.public(1) == one {
		t.Error("an erased key is still there")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 1
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openKeyring(file); !errors.Is(err, ErrKeyring) {
			t.Fatalf("byte %d differs: %v", i, err)
		}
		b[i] ^= 1
	}
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	if lost := k.public(7); !lost.IsZero() {
		t.Error("a key that is not durable is told")
	}
}
