package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
)

func testLocation(t *testing.T, name string) Location {
	return Location{
		Dir: filepath.Join(t.TempDir(), "wallets"), Name: name, Params: pillars.Devnet(), Passphrase: []byte("open"),
		Cost: keystore.DevnetCost, Strength: keystore.AllowWeak,
	}
}

var birth = time.Unix(1_700_000_000, 0)

func closed(t *testing.T, w *Wallet) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFiles: what a wallet decided survives, and only who knows the passphrase opens it.
func TestFiles(t *testing.T) {
	at := testLocation(t, "alice")
	w, err := Create(at, testWords, "", birth)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Create(at, testWords, "", birth); !errors.Is(err, keystore.ErrExists) {
		t.Error("overwritten:", err)
	}
	if _, err := Open(at); !errors.Is(err, ErrLocked) {
		t.Error("open twice:", err)
	}
	first, err := w.NewAddress("bip86/0")
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.MemberKey(SharedWitness, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddMultisig(SharedWitness, "alone", 1, []PublicKey{key}); err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel("x", "rent"); err != nil {
		t.Fatal(err)
	}
	closed(t, w)

	again, err := Open(at)
	if err != nil {
		t.Fatal(err)
	}
	second, err := again.NewAddress("bip86/0")
	if err != nil || second.Index != first.Index+1 || again.Label("x") != "rent" || len(again.Accounts()) != 5 || again.Owns(first.Address) == nil {
		t.Error("forgotten", err, second)
	}
	closed(t, again)
	if _, err := again.Sign(&Draft{}); !errors.Is(err, ErrWatchOnly) {
		t.Error("a closed wallet signs:", err)
	}

	wrong := at
	wrong.Passphrase = []byte("sesame")
	if _, err := Open(wrong); !errors.Is(err, keystore.ErrPassphrase) {
		t.Error("wrong passphrase:", err)
	}
	wrong = at
	wrong.Params = pillars.Testnet()
	if _, err := Open(wrong); !errors.Is(err, ErrNetwork) {
		t.Error("another network:", err)
	}
	wrong = at
	wrong.Name = "../x"
	if _, err := Open(wrong); !errors.Is(err, ErrName) {
		t.Error("a path as a name:", err)
	}
	if err := ChangePassphrase(at, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(at); !errors.Is(err, keystore.ErrPassphrase) {
		t.Error("the old passphrase opens:", err)
	}
	at.Passphrase = []byte("new")
	if again, err = Open(at); err != nil {
		t.Fatal(err)
	}
	closed(t, again)
	list, err := List(at.Dir)
	if err != nil || len(list) != 1 || list[0].Name != "alice" || list[0].Fingerprint != "73c5da0a" || list[0].WatchOnly {
		t.Errorf("list %+v, %v", list, err)
	}
	for _, file := range []string{keyFile, bookFile} {
		info, err := os.Stat(at.path(file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, info.Mode(), err)
		}
		data, _ := os.ReadFile(at.path(file))
		for _, secret := range []string{"abandon", "xprv", "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc1"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %s", file, secret)
			}
		}
	}
}

// TestBookIsAuthentic: nobody without the passphrase puts a key into a multisig, or undoes a label.
func TestBookIsAuthentic(t *testing.T) {
	at := testLocation(t, "alice")
	w, err := Create(at, testWords, "", birth)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetLabel("x", "rent"); err != nil {
		t.Fatal(err)
	}
	closed(t, w)
	good, err := os.ReadFile(at.path(bookFile))
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"another label": strings.Replace(string(good), "rent", "food", 1), "another network": strings.Replace(string(good), `"devnet"`, `"x"`, 1),
		"cut": string(good[:len(good)-1]), "longer": string(good) + " 1", "empty": "", "another format": strings.Replace(string(good), bookFormat, "y", 1),
	} {
		if err := os.WriteFile(at.path(bookFile), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(at); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNetwork) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(at.path(bookFile)); err != nil {
		t.Fatal(err)
	}
	w, err = Open(at)
	if err != nil || len(w.Accounts()) != 4 {
		t.Error("a lost book:", err)
	}
	closed(t, w)
}

// TestWatchOnlyAndOffline: one machine sees and plans, the other one has the keys and no network.
func TestWatchOnlyAndOffline(t *testing.T) {
	for _, account := range []string{"direct", "bip84", "bip86"} {
		s := newScene(t)
		at := testLocation(t, "eyes")
		eyes, err := CreateWatchOnly(at, birth)
		if err != nil {
			t.Fatal(err)
		}
		accounts := s.w.Accounts()
		mine := accounts[slices.IndexFunc(accounts, func(a Account) bool { return a.ID == account+"/0" })]
		scheme, _ := ParseScheme(account)
		key, err := ParsePublicKey(mine.Members[0].String())
		if err != nil {
			t.Fatal(err)
		}
		a, err := eyes.Watch(scheme, "cold", key)
		if err != nil {
			t.Fatal(err)
		}
		closed(t, eyes)
		if eyes, err = Open(at); err != nil {
			t.Fatal(err)
		}
		s.l.scan(eyes)
		if _, err := eyes.AddAccount(BIP84, 0); !errors.Is(err, ErrWatchOnly) {
			t.Error("derives from nothing:", err)
		}
		d := must(t)(eyes.Send([]Payment{{To: s.to(), Amount: pillars.ETP}}, Options{Account: a.ID}))
		if _, err := eyes.Sign(d); !errors.Is(err, ErrWatchOnly) {
			t.Error("signs:", err)
		}
		file, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		cold := testWallet(t, testWords, s.l.p) // never scanned
		carried, err := ParseDraft(file, &s.l.p)
		if err != nil {
			t.Fatal(err)
		}
		e, err := cold.Effects(carried)
		own := 0
		for _, x := range e.Makes {
			if x.Own {
				own++
			}
		}
		if err != nil || len(e.Warnings) > 0 || e.Fee != s.l.p.Fees.Transaction || own != 1 {
			t.Errorf("the cold machine shows %v, %v", e, err)
		}
		if n, err := cold.Sign(carried); err != nil || n != len(d.Inputs) {
			t.Fatal(n, err)
		}
		back, err := ParseDraft(must2(json.Marshal(carried)), &s.l.p)
		if err != nil {
			t.Fatal(err)
		}
		tx, err := eyes.Broadcast(t.Context(), s.l, back, "")
		if err != nil {
			t.Fatal(err)
		}
		s.l.mine(tx)
		s.l.pass(s.l.p.Finality + 1)
		s.l.scan(eyes)
		if len(eyes.Sent()) != 0 {
			t.Error("a payment that is final is still kept")
		}
		closed(t, eyes)
	}
}

// TestAccountRules: each thing an account must not be.
func TestAccountRules(t *testing.T) {
	w := testWallet(t, testWords, pillars.Devnet())
	own, err := w.MemberKey(SharedScript, 0)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := w.KeyOf(address(t, w, "direct/0", 0))
	if err != nil {
		t.Fatal(err)
	}
	one := PublicKey{Master: fixed.Master, Path: fixed.Path, fixed: fixed.Key}
	for name, try := range map[string]func() error{
		"none of one":     func() error { _, err := w.AddMultisig(SharedScript, "a", 0, []PublicKey{own}); return err },
		"two of one":      func() error { _, err := w.AddMultisig(SharedScript, "a", 2, []PublicKey{own}); return err },
		"twice":           func() error { _, err := w.AddMultisig(SharedScript, "a", 1, []PublicKey{own, own}); return err },
		"mixed":           func() error { _, err := w.AddMultisig(SharedScript, "a", 1, []PublicKey{own, one}); return err },
		"nobody":          func() error { _, err := w.AddMultisig(SharedScript, "a", 1, nil); return err },
		"no key":          func() error { _, err := w.AddMultisig(SharedScript, "a", 1, []PublicKey{{}}); return err },
		"many":            func() error { _, err := w.AddMultisig(SharedScript, "a", 1, make([]PublicKey, 16)); return err },
		"name":            func() error { _, err := w.AddMultisig(SharedScript, "A b", 1, []PublicKey{own}); return err },
		"one key":         func() error { _, err := w.AddMultisig(BIP84, "a", 1, []PublicKey{own}); return err },
		"exists":          func() error { _, err := w.AddAccount(BIP84, 0); return err },
		"direct has one":  func() error { _, err := w.AddAccount(Direct, 1); return err },
		"watch a fixed":   func() error { _, err := w.Watch(BIP84, "a", one); return err },
		"watch a shared":  func() error { _, err := w.Watch(SharedScript, "a", own); return err },
		"unknown":         func() error { _, err := w.AddAccount(schemeEnd, 0); return err },
		"change of first": func() error { _, err := w.Address("direct/0", Change, 0); return err },
		"far":             func() error { _, err := w.Address("bip84/0", Receive, maxIndex); return err },
	} {
		if err := try(); !errors.Is(err, ErrAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.Accounts()) != 4 {
		t.Errorf("%d accounts now", len(w.Accounts()))
	}
}
