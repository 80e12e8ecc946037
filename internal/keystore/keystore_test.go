//go:build unix

package keystore

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func sealed(t testing.TB) []byte {
	t.Helper()
	b, err := Seal("wallet", map[string]string{"address": "XINabc", "network": "dev"}, []byte("the secret"), []byte("pass"), DevnetCost, AllowWeak)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	data := sealed(t)
	secret, err := Open(data, "wallet", []byte("pass"), AllowWeak)
	if err != nil || string(secret) != "the secret" {
		t.Fatalf("got %q, %v", secret, err)
	}
	kind, public, err := Public(data)
	if err != nil || kind != "wallet" || public["address"] != "XINabc" {
		t.Fatalf("got %q %v %v", kind, public, err)
	}
	if bytes.Contains(data, []byte("the secret")) {
		t.Fatal("the secret stands in the file")
	}
	if again := sealed(t); bytes.Equal(data, again) {
		t.Fatal("salt or nonce is not fresh")
	}
}

func TestDefaultCostMeetsTheFloor(t *testing.T) {
	if DefaultCost.weak() || DefaultCost.check() != nil || DefaultCost.MemoryKiB < 64<<10 || DefaultCost.Passes < 3 {
		t.Fatalf("%+v", DefaultCost)
	}
	if !DevnetCost.weak() {
		t.Fatal("the devnet cost is not marked weak")
	}
}

// Every change of any field must be noticed by one of the named errors.
func TestRefusals(t *testing.T) {
	base := sealed(t)
	edit := func(change func(map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(base, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	kdf := func(field string, v any) []byte {
		return edit(func(m map[string]any) { m["kdf"].(map[string]any)[field] = v })
	}
	for _, tt := range []struct {
		name       string
		data       []byte
		kind, pass string
		s          Strength
		want       error
	}{
		{"wrong passphrase", base, "wallet", "other", AllowWeak, ErrPassphrase},
		{"wrong kind", base, "node", "pass", AllowWeak, ErrKind},
		{"weak where strong is asked", base, "wallet", "pass", Strong, ErrWeak},
		{"changed public field", edit(func(m map[string]any) { m["public"] = map[string]string{"address": "XINevil"} }), "wallet", "pass", AllowWeak, ErrPassphrase},
		{"changed kind", edit(func(m map[string]any) { m["kind"] = "node" }), "node", "pass", AllowWeak, ErrPassphrase},
		{"changed passes", kdf("passes", 2), "wallet", "pass", AllowWeak, ErrPassphrase},
		{"changed salt", kdf("salt", strings.Repeat("00", 16)), "wallet", "pass", AllowWeak, ErrPassphrase},
		{"short salt", kdf("salt", "00"), "wallet", "pass", AllowWeak, ErrMalformed},
		{"memory over 1 GiB", kdf("memory_kib", 1<<20+1), "wallet", "pass", AllowWeak, ErrCost},
		{"no memory", kdf("memory_kib", 0), "wallet", "pass", AllowWeak, ErrCost},
		{"no passes", kdf("passes", 0), "wallet", "pass", AllowWeak, ErrCost},
		{"many passes", kdf("passes", 17), "wallet", "pass", AllowWeak, ErrCost},
		{"no threads", kdf("threads", 0), "wallet", "pass", AllowWeak, ErrCost},
		{"another kdf", kdf("name", "scrypt"), "wallet", "pass", AllowWeak, ErrMalformed},
		{"newer version", edit(func(m map[string]any) { m["version"] = 2 }), "wallet", "pass", AllowWeak, ErrVersion},
		{"another format", edit(func(m map[string]any) { m["format"] = "x" }), "wallet", "pass", AllowWeak, ErrMalformed},
		{"unknown member", edit(func(m map[string]any) { m["more"] = 1 }), "wallet", "pass", AllowWeak, ErrMalformed},
		{"short ciphertext", edit(func(m map[string]any) { m["ciphertext"] = "00" }), "wallet", "pass", AllowWeak, ErrMalformed},
		{"trailing bytes", append(bytes.Clone(base), "{}"...), "wallet", "pass", AllowWeak, ErrMalformed},
		{"too long", bytes.Repeat([]byte(" "), MaxFile+1), "wallet", "pass", AllowWeak, ErrMalformed},
		{"empty", nil, "wallet", "pass", AllowWeak, ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secret, err := Open(tt.data, tt.kind, []byte(tt.pass), tt.s)
			if !errors.Is(err, tt.want) || secret != nil {
				t.Fatalf("got %q, %v, want %v", secret, err, tt.want)
			}
		})
	}
}

// A wrong passphrase and a flipped ciphertext bit must not be told apart.
func TestOneErrorForPassphraseAndTamper(t *testing.T) {
	data := sealed(t)
	_, wrong := Open(data, "wallet", []byte("nope"), AllowWeak)
	i := bytes.LastIndex(data, []byte(`"ciphertext": "`)) + len(`"ciphertext": "`)
	if data[i]++; data[i] == '9'+1 || data[i] == 'f'+1 {
		data[i] = '0' // still hex, or it would be another error
	}
	_, tampered := Open(data, "wallet", []byte("pass"), AllowWeak)
	if wrong == nil || tampered == nil || wrong.Error() != tampered.Error() {
		t.Fatalf("%v / %v", wrong, tampered)
	}
}

func TestFileIsPrivateAndNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	data := sealed(t)
	if err := Create(path, data); err != nil {
		t.Fatal(err)
	}
	if err := Create(path, data); !errors.Is(err, ErrExists) {
		t.Fatalf("second create: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if got, err := Load(path); err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); !errors.Is(err, ErrPermissions) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	next := sealed(t)
	if err := Replace(path, next); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path); err != nil || !bytes.Equal(got, next) {
		t.Fatal("replace:", err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".keystore-*"))
	if err != nil || len(left) != 0 {
		t.Fatal("temporary files left:", left, err)
	}
}

func TestPassphraseSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pass")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	write("correct horse\n", 0o600)
	if p, err := (Source{File: path}).Passphrase(""); err != nil || string(p) != "correct horse" {
		t.Errorf("file: %q, %v", p, err)
	}
	t.Setenv(PassphraseFileEnv, path)
	if p, err := (Source{}).Passphrase(""); err != nil || string(p) != "correct horse" {
		t.Errorf("environment: %q, %v", p, err)
	}
	write("correct horse\n", 0o644)
	if _, err := (Source{File: path}).Passphrase(""); !errors.Is(err, ErrPermissions) {
		t.Errorf("readable file: %v", err)
	}
	write("a\nb\n", 0o600)
	if _, err := (Source{File: path}).Passphrase(""); err == nil {
		t.Error("two lines are accepted")
	}
	t.Setenv(PassphraseFileEnv, "")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := (Source{Terminal: r}).Passphrase(""); !errors.Is(err, ErrNoPassphrase) {
		t.Errorf("no terminal: %v", err)
	}
	w.WriteString("by descriptor\r\n")
	w.Close()
	if p, err := (Source{FD: dup(t, r)}).Passphrase(""); err != nil || string(p) != "by descriptor" {
		t.Errorf("descriptor: %q, %v", p, err)
	}
	if _, err := (Source{FD: 1}).Passphrase(""); err == nil {
		t.Error("standard output is accepted as a source")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sealed(f))
	f.Add([]byte(`{"format":"asterism keystore","version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := parse(data)
		if err != nil {
			return
		}
		again, err := parsed.marshal()
		if err != nil {
			t.Fatal(err)
		}
		second, err := parse(again)
		if err != nil {
			t.Fatal("a parsed file does not parse again:", err)
		}
		if !bytes.Equal(parsed.associated(), second.associated()) || !bytes.Equal(parsed.ciphertext, second.ciphertext) {
			t.Fatal("marshal changed the file")
		}
	})
}
