package crypto

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// readVectors decodes a file of test vectors; a field that the test does not know fails.
func readVectors(t testing.TB, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func scalarOf(t testing.TB, s string) Scalar { return Scalar(fromHex(t, s)) }

// equal fails unless got, in hex, is want; an empty want states nothing.
func equal(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if h := hex.EncodeToString(got); want != "" && h != want {
		t.Errorf("%s is %s, want %s", what, h, want)
	}
}

type edwardsCase struct {
	Key       Key       `json:"key"`
	Signature Signature `json:"signature"`
	Message   string    `json:"message"`
	Flags     []string  `json:"flags"`
	Valid     bool      `json:"valid"`
}

type edwardsFile struct {
	Description, Source string
	Cases               []edwardsCase
}

// TestVerificationEdgeCases proves which of the known disputed signatures the network accepts,
// and that single and batch verification agree on each. [V01]
func TestVerificationEdgeCases(t *testing.T) {
	for _, tt := range []struct {
		file         string
		hexMessage   bool
		total, valid int
	}{
		{"ed25519_cctv.json", false, 768, 212},
		{"ed25519_speccheck.json", true, 12, 4},
	} {
		t.Run(tt.file, func(t *testing.T) {
			var file edwardsFile
			readVectors(t, tt.file, &file)
			valid, all := 0, []Check(nil)
			for i, c := range file.Cases {
				message := []byte(c.Message)
				if tt.hexMessage {
					message = fromHex(t, c.Message)
				}
				check := Check{Key: c.Key, Message: message, Signature: c.Signature}
				single := Verify(c.Key, message, c.Signature)
				if single != c.Valid {
					t.Errorf("case %d %v: Verify is %t, want %t", i, c.Flags, single, c.Valid)
				}
				if prepared := NewPublicKey(c.Key).Verify(message, c.Signature); prepared != c.Valid {
					t.Errorf("case %d %v: PublicKey.Verify is %t, want %t", i, c.Flags, prepared, c.Valid)
				}
				known := NewPublicKey(c.Key).Check(message, c.Signature)
				for _, some := range [][]Check{{check}, {check, check}, {known, check}} {
					if each := VerifyEach(some); each[0] != c.Valid || each[len(some)-1] != c.Valid {
						t.Errorf("case %d %v: VerifyEach of %d is %v, want %t", i, c.Flags, len(some), each, c.Valid)
					}
					if batch := VerifyBatch(some); batch != c.Valid {
						t.Errorf("case %d %v: VerifyBatch of %d is %t, want %t", i, c.Flags, len(some), batch, c.Valid)
					}
				}
				if single {
					valid++
					all = append(all, check)
				}
				if i%20 == 0 && VerifyBatch(append(all, check)) != c.Valid {
					t.Errorf("case %d %v: a batch with good ones is %t, want %t", i, c.Flags, !c.Valid, c.Valid)
				}
			}
			if len(file.Cases) != tt.total || valid != tt.valid {
				t.Errorf("%d of %d accepted, want %d of %d", valid, len(file.Cases), tt.valid, tt.total)
			}
			if !VerifyBatch(all) {
				t.Error("the batch of all valid cases fails")
			}
		})
	}
}

func TestWalletSignatureVectors(t *testing.T) {
	var file struct {
		Description string
		Signatures  []struct {
			Private, Message string
			Key              Key
			Signature        Signature
		}
	}
	readVectors(t, "signatures.json", &file)
	for _, v := range file.Signatures {
		private, message := scalarOf(t, v.Private), fromHex(t, v.Message)
		if got := private.Public(); got != v.Key {
			t.Errorf("public key is %s, want %s", got, v.Key)
		}
		if got := private.Sign(message); got != v.Signature {
			t.Errorf("signature is %s, want %s", got, v.Signature)
		}
		if !Verify(v.Key, message, v.Signature) {
			t.Error("the signature does not verify")
		}
	}
}

// ghostVectors are one-time keys of an account whose private keys are there.
type ghostVectors struct {
	Description string
	Keys        []struct {
		Seed, R, X, Private string
		ViewPrivate         string `json:"view_private"`
		SpendPrivate        string `json:"spend_private"`
		Mask, Key           Key
		Index               uint64
	}
}

func TestGhostKeyVectors(t *testing.T) {
	var file ghostVectors
	readVectors(t, "ghost_keys.json", &file)
	for i, v := range file.Keys {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			view, spend := scalarOf(t, v.ViewPrivate), scalarOf(t, v.SpendPrivate)
			r := ScalarFromWide([64]byte(fromHex(t, v.Seed)))
			equal(t, "r", r[:], v.R)
			if got := Mask(r); got != v.Mask {
				t.Errorf("mask is %s, want %s", got, v.Mask)
			}
			key, err := GhostPublic(r, view.Public(), spend.Public(), v.Index)
			if err != nil || key != v.Key {
				t.Errorf("key is %s, %v, want %s", key, err, v.Key)
			}
			x, err := GhostScalar(view, v.Mask, v.Index)
			if err != nil {
				t.Error(err)
			}
			equal(t, "x", x[:], v.X)
			private, err := GhostPrivate(view, spend, v.Mask, v.Index)
			if err != nil || private.Public() != v.Key {
				t.Errorf("private key is not that of the one-time key: %v", err)
			}
			equal(t, "private", private[:], v.Private)
			owner, err := ViewGhost(view, v.Key, v.Mask, v.Index)
			if err != nil || owner != spend.Public() {
				t.Errorf("owner is %s, %v, want %s", owner, err, spend.Public())
			}
			if owner, _ := ViewGhost(view, v.Key, v.Mask, v.Index+1); owner == spend.Public() {
				t.Error("the key is recognized at another place")
			}
		})
	}
}

// TestGhostKeyOfNobody is the one-time key of the burn address, whose spend key is the identity.
func TestGhostKeyOfNobody(t *testing.T) {
	var seed [64]byte
	for i := range seed {
		seed[i] = byte(129 + i)
	}
	view := vanishView()
	key, err := GhostPublic(ScalarFromWide(seed), view.Public(), Scalar{}.Public(), 0)
	if want := "fb3a48aafa33020577495c2906ee73dd1f33150ea02aef3aa283631283a59a20"; err != nil || key.String() != want {
		t.Errorf("key is %s, %v, want %s", key, err, want)
	}
}

func TestAggregateVectors(t *testing.T) {
	var file struct {
		Description string
		Aggregates  []struct {
			Keys          []Key
			Signers       []uint16
			Message, Seed string
			Signature     Signature
		}
	}
	readVectors(t, "aggregates.json", &file)
	var ghosts ghostVectors
	readVectors(t, "ghost_keys.json", &ghosts)
	known := map[Key]Scalar{}
	for _, g := range ghosts.Keys {
		p, err := GhostPrivate(scalarOf(t, g.ViewPrivate), scalarOf(t, g.SpendPrivate), g.Mask, g.Index)
		if err != nil {
			t.Fatal(err)
		}
		known[g.Key] = p
	}
	for _, v := range file.Aggregates {
		message := [32]byte(fromHex(t, v.Message))
		if !AggregateVerify(v.Keys, v.Signers, message, v.Signature) {
			t.Error("the signature does not verify")
		}
		var privates []Scalar
		for _, s := range v.Signers {
			privates = append(privates, known[v.Keys[s]])
		}
		got, err := AggregateSign(v.Keys, v.Signers, privates, message, fromHex(t, v.Seed))
		if err != nil || got != v.Signature {
			t.Errorf("signature is %s, %v, want %s", got, err, v.Signature)
		}
	}
}
