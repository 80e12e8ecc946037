package secp

import (
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// library is a·G + b·K by btcec alone.
func library(key *btcec.PublicKey, a, b *btcec.ModNScalar) (x, y [32]byte, infinite bool) {
	var ag, k, bk, sum btcec.JacobianPoint
	key.AsJacobian(&k)
	btcec.ScalarBaseMultNonConst(a, &ag)
	btcec.ScalarMultNonConst(b, &k, &bk)
	btcec.AddNonConst(&ag, &bk, &sum)
	sum.ToAffine()
	return *sum.X.Bytes(), *sum.Y.Bytes(), sum.X.IsZero() && sum.Y.IsZero()
}

// same compares one sum with btcec's and reports whether it is infinite.
func same(t *testing.T, key *btcec.PublicKey, a, b *btcec.ModNScalar) bool {
	t.Helper()
	got, ok := combine(key, a, b)
	if !ok {
		t.Fatalf("%x lies on no curve", key.SerializeCompressed())
	}
	x, y, infinite := library(key, a, b)
	if infinite != (got.IsIdentity() == 1) {
		t.Fatalf("%v·G + %v·%x: infinite %v", a, b, key.SerializeCompressed(), !infinite)
	}
	if want := append(append([]byte{4}, x[:]...), y[:]...); !infinite && string(got.UncompressedBytes()) != string(want) {
		t.Fatalf("%v·G + %v·%x is %x, btcec says %x", a, b, key.SerializeCompressed(), got.UncompressedBytes(), want)
	}
	return infinite
}

func reduced(v *big.Int) *btcec.ModNScalar {
	var b [32]byte
	new(big.Int).Mod(v, btcec.S256().N).FillBytes(b[:])
	var s btcec.ModNScalar
	s.SetBytes(&b)
	return &s
}

// TestTable goes twice through every entry [j·256^i]G of the library's table, each time in other company: a scalar takes one entry for
// each of its 32 bytes.
func TestTable(t *testing.T) {
	key := keyOf(7).PubKey()
	zero := new(btcec.ModNScalar)
	try := func(at func(i int) byte) {
		var b [32]byte
		for i := range b {
			b[i] = at(i)
		}
		var s btcec.ModNScalar
		if s.SetBytes(&b) != 0 {
			t.Fatalf("%x is not below the order", b)
		}
		same(t, key, &s, zero)
	}
	for j := range 254 {
		try(func(int) byte { return byte(j + 1) })
		try(func(i int) byte { return byte((j+i)%254 + 1) })
	}
	for only := range 32 { // 32 bytes of 255 are above the order
		try(func(i int) byte {
			if i == only {
				return 255
			}
			return 0
		})
	}
}

// edges are scalars at which halves of scalars, windows and carries begin and end: small ones, powers of two, the eigenvalue of the curve's
// endomorphism and the short vectors of its lattice, fractions of the order, each with its neighbours and opposites.
func edges() (all []*btcec.ModNScalar) {
	hex := func(s string) *big.Int { v, _ := new(big.Int).SetString(s, 16); return v }
	n := btcec.S256().N
	at := []*big.Int{new(big.Int),
		hex("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72"), // the eigenvalue
		hex("3086d221a7d46bcde86c90e49284eb15"), hex("e4437ed6010e88286f547fa90abfe4c3"), hex("114ca50f7a8e2f3f657c1108d9d44cfd8"),
	}
	for _, bit := range []uint{63, 127, 129, 191} {
		at = append(at, new(big.Int).Lsh(big.NewInt(1), bit))
	}
	for bit := uint(1); bit < 256; bit += 9 {
		at = append(at, new(big.Int).Lsh(big.NewInt(1), bit))
	}
	for _, parts := range []int64{2, 3, 4, 5, 6, 7} {
		at = append(at, new(big.Int).Div(n, big.NewInt(parts)))
	}
	for _, v := range at {
		for near := int64(-2); near <= 2; near++ {
			w := new(big.Int).Add(v, big.NewInt(near))
			all = append(all, reduced(w), reduced(new(big.Int).Neg(w)))
		}
	}
	return all
}

// TestEdges compares sums at the edges with btcec's.
func TestEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	all, key := edges(), keyOf(1).PubKey() // the generator itself: its multiples meet those of the key
	for i, s := range all {
		same(t, key, s, all[r.IntN(len(all))])
		same(t, keyOf(uint32(i)+2).PubKey(), all[r.IntN(len(all))], s)
	}
}

// TestMeet: sums whose two halves are equal, and sums that vanish.
func TestMeet(t *testing.T) {
	for i := range uint32(100) {
		private := keyOf(i + 1)
		var a, b btcec.ModNScalar
		b.Set(&keyOf(i*31 + 5).Key)
		a.Mul2(&b, &private.Key) // a·G = b·K
		if same(t, private.PubKey(), &a, &b) {
			t.Fatalf("twice point %d is infinite", i)
		}
		if a.Negate(); !same(t, private.PubKey(), &a, &b) {
			t.Fatalf("sum %d is not infinite", i)
		}
	}
}

// keyOf is a private key of its number: the first are small.
func keyOf(i uint32) *btcec.PrivateKey {
	var b [32]byte
	if binary.BigEndian.PutUint32(b[28:], i); i > 20 {
		b = sha256.Sum256(b[:])
	}
	private, _ := btcec.PrivKeyFromBytes(b[:])
	return private
}

// agree asks both libraries about a signature of each kind.
func agree(t *testing.T, key *btcec.PublicKey, hash *[32]byte, rb, sb *[32]byte) (good bool) {
	t.Helper()
	var r, s btcec.ModNScalar
	if r.SetBytes(rb) == 0 && s.SetBytes(sb) == 0 {
		good = VerifyECDSA(key, hash, &r, &s)
		if want := ecdsa.NewSignature(&r, &s).Verify(hash[:], key); good != want {
			t.Fatalf("ECDSA: key %x hash %x r %x s %x: %v, btcec says %v", key.SerializeCompressed(), hash, rb, sb, good, want)
		}
	}
	raw := [64]byte(append(rb[:], sb[:]...))
	sig, err := schnorr.ParseSignature(raw[:])
	want := err == nil && sig.Verify(hash[:], key)
	if got := VerifySchnorr(key, hash, &raw); got != want {
		t.Fatalf("Schnorr: key %x hash %x signature %x: %v, btcec says %v", key.SerializeCompressed(), hash, raw, got, want)
	}
	return good || want
}

// TestVerify: good signatures verify, with keys of either y and an s of either sign, and what is changed does not.
func TestVerify(t *testing.T) {
	for i := range uint32(60) {
		private := keyOf(i + 1)
		hash := sha256.Sum256(private.Serialize())
		sig := ecdsa.Sign(private, hash[:])
		r, s := sig.R(), sig.S()
		rb, sb := r.Bytes(), s.Bytes()
		if !agree(t, private.PubKey(), &hash, &rb, &sb) {
			t.Fatalf("signature %d does not verify", i)
		}
		high := s
		high.Negate()
		if hb := high.Bytes(); !agree(t, private.PubKey(), &hash, &rb, &hb) {
			t.Fatalf("signature %d with the other s does not verify", i)
		}
		two, err := schnorr.Sign(private, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		raw := two.Serialize()
		x, y := [32]byte(raw[:32]), [32]byte(raw[32:])
		if !agree(t, private.PubKey(), &hash, &x, &y) {
			t.Fatalf("signature %d of BIP 340 does not verify", i)
		}
		hash[i%32] ^= 1 << (i % 8)
		if agree(t, private.PubKey(), &hash, &rb, &sb) || agree(t, private.PubKey(), &hash, &x, &y) {
			t.Fatalf("signature %d of another hash verifies", i)
		}
	}
}

// TestEdgeSignatures: hashes, r and s at the edges, none of which anybody signed.
func TestEdgeSignatures(t *testing.T) {
	n, p := btcec.S256().N, btcec.S256().P
	var all [][32]byte
	for _, v := range []*big.Int{new(big.Int), n, p, new(big.Int).Rsh(n, 1), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(3))} {
		for near := int64(-2); near <= 2; near++ {
			if w := new(big.Int).Add(v, big.NewInt(near)); w.Sign() >= 0 {
				var b [32]byte
				w.FillBytes(b[:])
				all = append(all, b)
			}
		}
	}
	for i := range all {
		for k := range all {
			agree(t, keyOf(uint32(i%3)+1).PubKey(), &all[(i+k)%len(all)], &all[i], &all[k])
		}
	}
}

// TestHighX: a sum whose x lies between the order and p, which no signature made by chance has. R is such a point; any s then
// gives the key for which (r, s) is a signature.
func TestHighX(t *testing.T) {
	found := 0
	for add := uint32(1); found < 5; add++ {
		var b [32]byte
		new(big.Int).Add(btcec.S256().N, big.NewInt(int64(add))).FillBytes(b[:])
		point, err := btcec.ParsePubKey(append([]byte{2}, b[:]...))
		if err != nil {
			continue
		}
		found++
		var r, s, e btcec.ModNScalar
		r.SetInt(add)
		s.SetInt(12_345)
		hash := sha256.Sum256(b[:])
		e.SetBytes(&hash)
		var at, sr, eg, sum btcec.JacobianPoint // K = (s·R - e·G)/r
		point.AsJacobian(&at)
		btcec.ScalarMultNonConst(&s, &at, &sr)
		btcec.ScalarBaseMultNonConst(new(btcec.ModNScalar).NegateVal(&e), &eg)
		btcec.AddNonConst(&sr, &eg, &sum)
		btcec.ScalarMultNonConst(new(btcec.ModNScalar).InverseValNonConst(&r), &sum, &at)
		at.ToAffine()
		key := btcec.NewPublicKey(&at.X, &at.Y)
		rb, sb := r.Bytes(), s.Bytes()
		if !agree(t, key, &hash, &rb, &sb) {
			t.Errorf("x = order + %d: not verified", add)
		}
		r.SetInt(add + 1)
		if rb = r.Bytes(); agree(t, key, &hash, &rb, &sb) {
			t.Errorf("x = order + %d: verified with another r", add)
		}
	}
}

// TestNoCurve: a key made by hand that lies on no curve verifies nothing.
func TestNoCurve(t *testing.T) {
	var x, y btcec.FieldVal
	x.SetInt(1)
	y.SetInt(1)
	key := btcec.NewPublicKey(&x, &y)
	var one btcec.ModNScalar
	one.SetInt(1)
	if VerifyECDSA(key, &[32]byte{1}, &one, &one) || VerifySchnorr(key, &[32]byte{1}, &[64]byte{1}) {
		t.Error("verified")
	}
}

// FuzzVerify compares with btcec on keys of any form and any bytes; with a seed it signs, and then changes what it is told to.
func FuzzVerify(f *testing.F) {
	public := keyOf(30).PubKey()
	f.Add(public.SerializeCompressed(), []byte("hash"), []byte{1}, []byte{1}, uint32(0), byte(0), byte(0))
	f.Add(public.SerializeUncompressed(), []byte("hash"), []byte{}, []byte{}, uint32(5), byte(0), byte(0))
	f.Add([]byte{}, []byte{}, []byte{}, []byte{}, uint32(7), byte(3), byte(1))
	f.Fuzz(func(t *testing.T, raw, hashed, rb, sb []byte, seed uint32, at, change byte) {
		hash := *fill(hashed)
		if key, err := btcec.ParsePubKey(raw); err == nil {
			agree(t, key, &hash, fill(rb), fill(sb))
		}
		if seed == 0 {
			return
		}
		private := keyOf(seed)
		sig := ecdsa.Sign(private, hash[:])
		r, s := sig.R(), sig.S()
		x, y := r.Bytes(), s.Bytes()
		two, err := schnorr.Sign(private, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		both := two.Serialize()
		v, w := [32]byte(both[:32]), [32]byte(both[32:])
		for _, b := range []*[32]byte{&x, &v, &y, &w} {
			b[at%32] ^= change
		}
		if good := agree(t, private.PubKey(), &hash, &x, &y) && agree(t, private.PubKey(), &hash, &v, &w); good != (change == 0) {
			t.Fatalf("changed by %#x: %v", change, good)
		}
	})
}

// fill puts bytes at the end of 32.
func fill(b []byte) *[32]byte {
	var out [32]byte
	b = b[:min(len(b), 32)]
	copy(out[32-len(b):], b)
	return &out
}

// BenchmarkVerify is one signature, the parsed key given, by this package and by btcec.
func BenchmarkVerify(b *testing.B) {
	private := keyOf(30)
	hash := sha256.Sum256(nil)
	sig := ecdsa.Sign(private, hash[:])
	r, s := sig.R(), sig.S()
	two, err := schnorr.Sign(private, hash[:])
	if err != nil {
		b.Fatal(err)
	}
	raw := [64]byte(two.Serialize())
	key := private.PubKey()
	for name, verify := range map[string]func() bool{
		"ecdsa":         func() bool { return VerifyECDSA(key, &hash, &r, &s) },
		"ecdsa/btcec":   func() bool { return sig.Verify(hash[:], key) },
		"schnorr":       func() bool { return VerifySchnorr(key, &hash, &raw) },
		"schnorr/btcec": func() bool { return two.Verify(hash[:], key) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !verify() {
					b.Fatal("no")
				}
			}
		})
	}
}
