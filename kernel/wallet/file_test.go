package wallet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
)

const testWords = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func location(t testing.TB, c *chain) Location {
	return Location{
		Dir: t.TempDir(), Name: "test", Network: c.network(), Passphrase: []byte("pass"),
		Cost: keystore.DevnetCost, Strength: keystore.AllowWeak,
	}
}

func owner(t testing.TB) kernel.Account {
	seed, err := Seed(testWords, "")
	if err != nil {
		t.Fatal(err)
	}
	return kernel.AccountFromSeed(seed)
}

func TestFilesKeepEverything(t *testing.T) {
	c := newChain(t, 3, owner(t))
	at := location(t, c)
	w, err := Create(at, testWords, "", Birth{Time: 1_800_000_000_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(at); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := Create(at, testWords, "", Birth{}); !errors.Is(err, keystore.ErrExists) {
		t.Errorf("overwritten: %v", err)
	}
	c.scan(w)
	c.pay(w, "a", btc(bob, coins(10)))
	want := view(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	list, err := List(at.Dir)
	if err != nil || len(list) != 1 || list[0].Name != "test" || list[0].Address != owner(t).Address() || list[0].Network != c.network() {
		t.Fatalf("%+v, %v", list, err)
	}
	wrong := at
	wrong.Passphrase = []byte("nope")
	if _, err := Open(wrong); !errors.Is(err, keystore.ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	wrong = at
	wrong.Strength = keystore.Strong
	if _, err := Open(wrong); !errors.Is(err, keystore.ErrWeak) {
		t.Errorf("weak file: %v", err)
	}
	wrong = at
	wrong.Network[0] ^= 1
	if _, err := Open(wrong); !errors.Is(err, ErrNetwork) {
		t.Errorf("other network: %v", err)
	}
	wrong = at
	wrong.Name = "../test"
	if _, err := Open(wrong); !errors.Is(err, ErrName) {
		t.Errorf("path as name: %v", err)
	}

	if err := ChangePassphrase(at, []byte("next")); err != nil {
		t.Fatal(err)
	}
	at.Passphrase = []byte("next")
	again, err := Open(at)
	if err != nil {
		t.Fatal(err)
	}
	if got := view(again); got != want {
		t.Errorf("after opening\n%s\nwant\n%s", got, want)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	if err := RemoveScan(at.Dir, at.Name); err != nil {
		t.Fatal(err)
	}
	again, err = Open(at)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	c.scan(again)
	if got := view(again); got != want {
		t.Errorf("after a rescan\n%s\nwant\n%s", got, want)
	}
	for _, file := range []string{keyFile, scanFile, sentFile} {
		info, err := os.Stat(at.path(file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
	}
}

// view is everything that a wallet shows.
func view(w *Wallet) string {
	return fmt.Sprintf("%v\n%v\n%+v\n%+v", w.Outputs(), w.Balances(), w.History(), w.Payments())
}

// The files are cut all over, as a crash would leave them. The wallet must open, and after
// a scan show what it would show without the crash: nothing lost, nothing counted twice.
func TestKillAtEveryWrite(t *testing.T) {
	c := newChain(t, 2, owner(t), bob)
	at := location(t, c)
	w, err := Create(at, testWords, "", Birth{})
	if err != nil {
		t.Fatal(err)
	}
	c.scan(w)
	other := c.wallet(bob)
	for i := range uint64(3) {
		c.pay(w, fmt.Sprint("r", i), btc(bob, coins(1+i)))
		c.pay(other, fmt.Sprint("r", i), btc(owner(t), coins(2)))
		c.scan(w)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w, err = Open(at)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(w.Outputs(), w.Balances(), len(w.History()))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{scanFile, sentFile} {
		whole, err := os.ReadFile(at.path(file))
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(whole)/100)
		if testing.Short() {
			step = max(1, len(whole)/25)
		}
		for n := 0; n <= len(whole); n += step {
			for _, tail := range [][]byte{nil, make([]byte, 37)} { // a cut, or blocks that were never filled
				if err := os.WriteFile(at.path(file), append(bytes.Clone(whole[:n]), tail...), 0o600); err != nil {
					t.Fatal(err)
				}
				w, err := Open(at)
				if err != nil {
					t.Fatalf("%s cut at %d: %v", file, n, err)
				}
				c.scan(w)
				if got := fmt.Sprint(w.Outputs(), w.Balances(), len(w.History())); got != want {
					t.Fatalf("%s cut at %d:\n%s\nwant\n%s", file, n, got, want)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := os.WriteFile(at.path(file), whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A flipped bit in an entry that was once durable is damage, not a torn write.
func TestDamageIsNamed(t *testing.T) {
	c := newChain(t, 2, owner(t))
	at := location(t, c)
	w, err := Create(at, testWords, "", Birth{})
	if err != nil {
		t.Fatal(err)
	}
	c.scan(w)
	c.pay(w, "a", btc(bob, coins(1)))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(at.path(scanFile))
	if err != nil {
		t.Fatal(err)
	}
	whole[frameHead+200] ^= 1
	if err := os.WriteFile(at.path(scanFile), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if w, err := Open(at); !errors.Is(err, ErrDamaged) {
		w.Close()
		t.Fatalf("%v", err)
	}
	if err := RemoveScan(at.Dir, at.Name); err != nil {
		t.Fatal(err)
	}
	w, err = Open(at)
	if err != nil {
		t.Fatal(err)
	}
	c.scan(w)
	if final(w) != coins(199) {
		t.Fatalf("%s", final(w))
	}
	// The payment file of another wallet is refused.
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	foreign := at
	foreign.Name = "foreign"
	f, err := Create(foreign, testWords, "another passphrase", Birth{})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(at.path(sentFile), foreign.path(sentFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(foreign); !errors.Is(err, ErrDamaged) {
		t.Fatalf("foreign file: %v", err)
	}
}

func TestScanFileIsCompacted(t *testing.T) {
	c := newChain(t, 2, owner(t))
	at := location(t, c)
	w, err := Create(at, testWords, "", Birth{})
	if err != nil {
		t.Fatal(err)
	}
	c.scan(w)
	c.pay(w, "a", btc(bob, coins(1)))
	for range compactAfter {
		if err := w.scanFile.put(change{Cursor: w.facts.cursor}); err != nil {
			t.Fatal(err)
		}
	}
	want := view(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(at.path(scanFile))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if w, err = Open(at); err != nil {
			t.Fatal(err)
		}
		if got := view(w); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	after, err := os.Stat(at.path(scanFile))
	if err != nil || after.Size() > before.Size()/10 {
		t.Fatalf("%d bytes, were %d, %v", after.Size(), before.Size(), err)
	}
}
