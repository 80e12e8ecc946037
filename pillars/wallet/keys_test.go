package wallet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/pillars"
)

// TestWords recomputes published vectors of BIP 39.
func TestWords(t *testing.T) {
	for _, tt := range []struct{ entropy, words, seed string }{
		{strings.Repeat("00", 16), testWords, "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"},
		{strings.Repeat("00", 32), strings.Repeat("abandon ", 23) + "art", "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8"},
	} {
		entropy, _ := hex.DecodeString(tt.entropy)
		words, err := NewWords(bytes.NewReader(entropy), len(strings.Fields(tt.words)))
		if err != nil || words != tt.words {
			t.Errorf("words %q, %v", words, err)
		}
		seed, err := Seed("  "+strings.ToUpper(tt.words), "TREZOR")
		if err != nil || hex.EncodeToString(seed[:]) != tt.seed {
			t.Errorf("seed %x, %v", seed, err)
		}
	}
	for _, bad := range []string{"", "abandon", strings.Replace(testWords, "about", "abandon", 1), strings.Repeat("abandon ", 15)} {
		if _, err := Seed(bad, ""); !errors.Is(err, ErrWords) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Seed(testWords, "pässword"); !errors.Is(err, ErrWordsPassphrase) {
		t.Error("a passphrase that other wallets read otherwise passes:", err)
	}
	if _, err := NewWords(bytes.NewReader(nil), 24); err == nil {
		t.Error("words without randomness")
	}
}

// bitcoin is a network with Bitcoin's addresses: that of the published vectors.
func bitcoin(version, scriptVersion byte, prefix string) pillars.Params {
	p := pillars.Devnet()
	p.Address = pillars.AddressParams{PubKeyHash: version, ScriptHash: scriptVersion, Bech32: prefix}
	return p
}

// TestPublishedAddresses recomputes the vectors of BIP 44 (as many wallets print them), 49, 84 and 86.
func TestPublishedAddresses(t *testing.T) {
	seed, err := Seed(testWords, "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMaster(seed[:])
	if err != nil {
		t.Fatal(err)
	}
	main, test := bitcoin(0, 5, "bc"), bitcoin(0x6f, 0xc4, "tb")
	for _, tt := range []struct {
		scheme       Scheme
		p            *pillars.Params
		coin         uint32
		chain, index uint32
		want         string
	}{
		{BIP44, &main, 0, 0, 0, "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA"},
		{BIP49, &test, 1, 0, 0, "2Mww8dCYPUpKHofjgcXcBCEGmniw9CoaiD2"},
		{BIP84, &main, 0, 0, 0, "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu"},
		{BIP84, &main, 0, 0, 1, "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g"},
		{BIP84, &main, 0, 1, 0, "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"},
		{BIP86, &main, 0, 0, 0, "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"},
		{BIP86, &main, 0, 0, 1, "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh"},
		{BIP86, &main, 0, 1, 0, "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7"},
	} {
		key, err := m.account(tt.scheme, tt.coin, 0)
		if err != nil {
			t.Fatal(err)
		}
		a := Account{ID: tt.scheme.String() + "/0", Members: []PublicKey{key}}
		if err := a.check(); err != nil {
			t.Fatal(err)
		}
		p, err := a.Purse(tt.chain, tt.index)
		if err != nil || p.Address.Text(tt.p.Address) != tt.want {
			t.Errorf("%s %d/%d: %s, want %s, %v", tt.scheme, tt.chain, tt.index, p.Address.Text(tt.p.Address), tt.want, err)
		}
	}
}

// TestExtendedKeys recomputes test vectors 1 and 3 of BIP 32: a hardened step, and a key that starts with zeros.
func TestExtendedKeys(t *testing.T) {
	for _, tt := range []struct{ seed, master, child string }{
		{"000102030405060708090a0b0c0d0e0f", "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
			"xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw"},
		{"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
			"xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf3ND1cZAceL7SfJ1Z3GC8vBgp2epUt13",
			"xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y"},
	} {
		seed, _ := hex.DecodeString(tt.seed)
		m, err := newMaster(seed)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]string{"m": tt.master, "m/0'": tt.child} {
			steps, err := ParsePath(path)
			if err != nil {
				t.Fatal(err)
			}
			ext, err := m.derive(steps)
			if err != nil {
				t.Fatal(err)
			}
			if public, err := ext.Neuter(); err != nil || public.String() != want {
				t.Errorf("%s: %s, want %s", path, public, want)
			}
		}
	}
}

// TestRunningNetwork compares with addresses, extended keys and multisig addresses that wallets of the running
// network (metaversejs 0.3.98) give for the same words.
func TestRunningNetwork(t *testing.T) {
	main, test := pillars.Classic(), pillars.ClassicTestnet()
	for _, tt := range []struct {
		words     string
		p         pillars.Params
		addresses []string
		extended  string
	}{
		{testWords, main, []string{"MFfP34AnvByBNkepVoZLZqrBbJdgr49PFC", "MSA2oTCwbSfDnRQF73JjGXtPZSZNoqNkY8", "MEKD1gcB5bHBgDjdsYxDYXYgaPPh62Z2fy"},
			"xpub661MyMwAqRbcFkPHucMnrGNzDwb6teAX1RbKQmqtEF8kK3Z7LZ59qafCjB9eCRLiTVG3uxBxgKvRgbubRhqSKXnGGb1aoaqLrpMBDrVxga8"},
		{testWords, test, []string{"tEgprR7yb5eeM8PVP7CsuVom49UKYVDn8n", "tRBUcpA8GLLgko8uzLxGcBqy2HQ1YZtac1", "tDLeq3ZMkUxeebUJkrbktBWG3EEKmk2uiR"}, ""},
		{strings.Repeat("abandon ", 23) + "art", main, []string{"MFZ2bXmgja1WRx2dtN2syxhLMGPBUcGxr6", "MWztxHrUcqMLsx5AfxRSawRxB6MTzr74Fs", "MPxR2D7gTBWf4ATmvXn4iyChxeJhqxaYsD"},
			"xpub661MyMwAqRbcGyN8GbvWnbho8q7eyA29H1oAMqpSSkf18EnhyGVX4yhcbfjXa8j9KW7APXiBmXXpfseCZy4whWaFo1xsQoTxLPYJH17sBeA"},
	} {
		w := testWallet(t, tt.words, tt.p)
		for i, want := range tt.addresses {
			if got := address(t, w, "direct/0", uint32(i)).Text(tt.p.Address); got != want {
				t.Errorf("m/%d: %s, want %s", i, got, want)
			}
		}
		if got := w.Accounts()[0].Members[0].String(); tt.extended != "" && !strings.HasSuffix(got, tt.extended) {
			t.Errorf("extended key %s, want %s", got, tt.extended)
		}
	}
	w := testWallet(t, testWords, main)
	var members []PublicKey
	for i := range uint32(3) {
		o, err := w.KeyOf(address(t, w, "direct/0", i))
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, PublicKey{Master: o.Master, Path: o.Path, fixed: o.Key})
	}
	a, err := w.AddMultisig(SharedScript, "old", 2, members)
	if err != nil {
		t.Fatal(err)
	}
	if got := address(t, w, a.ID, 0).Text(main.Address); got != "35uyVAyXzCNCDPo1EdCWrzxc6TNbx1Qkeb" {
		t.Error("multisig address", got)
	}
}

// TestMessages compares with signatures that metaversejs makes for the same words.
func TestMessages(t *testing.T) {
	w := testWallet(t, testWords, pillars.Classic())
	for i, tt := range []struct{ text, want string }{
		{"hello", "1fc44bcff6300680a5fb1b2118b3638185b9b2ae836f1b4a306535a9baf8bad6971990f9598e058db66b8cb7e75729461a1007740125e4c11e550f22d5306adf35"},
		{strings.Repeat("a", 300), "1f5da1208d77c59ea2a6144fbdf91dc471f57cad270805ec78260904a7c4468907640ebf1dc2f14737c125fb0bb57bde004ca2fbe8681cfe186ad6bf6f1f3f8570"},
	} {
		at := address(t, w, "direct/0", uint32(i))
		sig, err := w.SignMessage(at, tt.text)
		if err != nil || hex.EncodeToString(sig) != tt.want {
			t.Errorf("signature %x, want %s, %v", sig, tt.want, err)
		}
		if err := VerifyMessage(at, tt.text, sig); err != nil {
			t.Error(err)
		}
		if err := VerifyMessage(at, tt.text+".", sig); !errors.Is(err, ErrSignature) {
			t.Error("another text verifies:", err)
		}
		if err := VerifyMessage(address(t, w, "direct/0", 7), tt.text, sig); !errors.Is(err, ErrSignature) {
			t.Error("another address verifies:", err)
		}
		if parsed, err := ParseSignature(tt.want); err != nil || !bytes.Equal(parsed, sig) {
			t.Error(err)
		}
	}
	segwit := address(t, w, "bip84/0", 0)
	sig, err := w.SignMessage(segwit, "x")
	if err != nil || VerifyMessage(segwit, "x", sig) != nil {
		t.Error("P2WPKH:", err)
	}
	if _, err := w.SignMessage(address(t, w, "bip86/0", 0), "x"); !errors.Is(err, ErrMessage) {
		t.Error("taproot:", err)
	}
	if err := VerifyMessage(segwit, "x", sig[:64]); !errors.Is(err, ErrMessage) {
		t.Error("a short signature:", err)
	}
}

// TestSecretsDoNotPrint: no verb shows the master key.
func TestSecretsDoNotPrint(t *testing.T) {
	w := testWallet(t, testWords, pillars.Devnet())
	for _, text := range []string{w.master.String(), w.master.GoString()} {
		if text != "master 73c5da0a" {
			t.Errorf("prints %q", text)
		}
	}
	if _, err := ParsePublicKey("xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"); err == nil || strings.Contains(err.Error(), "xprv") {
		t.Error("a private key is taken or quoted:", err)
	}
}

// TestKeyText: what prints is read again, and only that.
func TestKeyText(t *testing.T) {
	w := testWallet(t, testWords, pillars.Devnet())
	for _, a := range w.Accounts() {
		text := a.Members[0].String()
		k, err := ParsePublicKey(text)
		if err != nil || k.String() != text {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, bad := range []string{"", "[", "[73c5da0a", "[73c5da0]xpub", "[73c5da0a/x]xpub", "[73c5da0a/0]00", "xpub1", strings.Repeat("a", 301), "[zzzzzzzz]03" + strings.Repeat("0", 64)} {
		if _, err := ParsePublicKey(bad); !errors.Is(err, ErrKeyText) {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "0/1", "m/", "m/2147483648", "m/01", "m/0h", "m" + strings.Repeat("/0", 11)} {
		if _, err := ParsePath(bad); !errors.Is(err, ErrKeyText) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
