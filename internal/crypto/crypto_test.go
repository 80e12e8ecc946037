package crypto

import (
	"crypto/sha3"
	"fmt"
	"hash"
	"math/rand/v2"
	"strings"
	"testing"

	"filippo.io/edwards25519"
)

// vanishView is the view key of the account derived from 64 zero bytes.
func vanishView() Scalar {
	h1 := sha3.Sum256(make([]byte, 64))
	h2 := sha3.Sum256(h1[:])
	var wide [64]byte
	copy(wide[:32], h1[:])
	copy(wide[32:], h2[:])
	return ScalarFromWide(wide)
}

func testScalar(n byte) Scalar { return ScalarFromWide([64]byte{0: n, 40: n, 63: n}) }

// torsion returns a point of order 8, in its canonical encoding.
func torsion(t *testing.T) Key {
	t.Helper()
	k, err := ParseKey("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// mixed returns a key of the prime order plus a point of order 8.
func mixed(t *testing.T, k Key) Key {
	t.Helper()
	a, err := point(k)
	if err != nil {
		t.Fatal(err)
	}
	b, err := point(torsion(t))
	if err != nil {
		t.Fatal(err)
	}
	return Key(a.Add(a, b).Bytes())
}

func TestPointRules(t *testing.T) {
	good := testScalar(7).Public()
	prime := Key{0: 0xed, 31: 0x7f}
	for i := 1; i < 31; i++ {
		prime[i] = 0xff // p itself: a second encoding of y = 0
	}
	identity := Key{0: 1}
	notOnCurve := Key{0: 2}
	for _, tt := range []struct {
		name                    string
		key                     Key
		valid, curve, canonical bool
	}{
		{"of prime order", good, true, true, true},
		{"with torsion", mixed(t, good), false, true, true},
		{"of order 8", torsion(t), false, false, true},
		{"identity", identity, false, false, true},
		{"identity with the sign bit", Key{0: 1, 31: 0x80}, false, false, false},
		{"y = 0, order 4", Key{}, false, false, true},
		{"y = p", prime, false, false, false},
		{"y = p + 1, the identity", func() Key { k := prime; k[0]++; return k }(), false, false, false},
		{"not on the curve", notOnCurve, false, false, false},
		{"all ones", Key([]byte(strings.Repeat("\xff", 32))), false, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ValidKey(tt.key); got != tt.valid {
				t.Errorf("ValidKey is %t", got)
			}
			if got := CurveKey(tt.key); got != tt.curve {
				t.Errorf("CurveKey is %t", got)
			}
			if got := CanonicalPoint(tt.key); got != tt.canonical {
				t.Errorf("CanonicalPoint is %t", got)
			}
			if _, err := point(tt.key); (err == nil) != tt.canonical {
				t.Errorf("the constant-time decoder says %v", err)
			}
		})
	}
}

func TestScalarValid(t *testing.T) {
	order := Scalar(fromHex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"))
	below := order
	below[0]--
	for _, tt := range []struct {
		name string
		s    Scalar
		want bool
	}{
		{"zero", Scalar{}, false},
		{"one", Scalar{1}, true},
		{"order - 1", below, true},
		{"order", order, false},
	} {
		if got := tt.s.Valid(); got != tt.want {
			t.Errorf("%s: Valid is %t", tt.name, got)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s", below, below, below, below); strings.Contains(s, "236") {
		t.Errorf("a scalar prints: %s", s)
	}
}

// TestNodeKey checks RFC 8032 section 7.1, test 2, and that a wallet that uses the expanded seed
// has the same public key.
func TestNodeKey(t *testing.T) {
	seed := [32]byte(fromHex(t, "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"))
	k := NodeKeyFromSeed(seed)
	equal(t, "public key", k.public[:], "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
	sig := k.Sign([]byte{0x72})
	equal(t, "signature", sig[:], "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")
	if !Verify(k.Public(), []byte{0x72}, sig) || k.Seed() != seed || ScalarFromSeed(seed).Public() != k.Public() {
		t.Error("key, seed and scalar do not belong together")
	}
	if s := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(s, "4c") || strings.Contains(s, "76") {
		t.Errorf("a node key prints: %s", s)
	}
}

// TestEveryBitCounts flips each bit of a good signature, message and key.
func TestEveryBitCounts(t *testing.T) {
	s := testScalar(3)
	key, message := s.Public(), Sum([]byte("message"))
	sig := s.Sign(message[:])
	flip(t, "signature", sig[:], func(b []byte) bool { return Verify(key, message[:], Signature(b)) })
	flip(t, "message", message[:], func(b []byte) bool { return Verify(key, b, sig) })
	flip(t, "key", key[:], func(b []byte) bool { return Verify(Key(b), message[:], sig) })

	keys := []Key{testScalar(1).Public(), testScalar(2).Public(), testScalar(3).Public()}
	agg, err := AggregateSign(keys, []uint16{0, 2}, []Scalar{testScalar(1), testScalar(3)}, message, make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	flip(t, "aggregate signature", agg[:], func(b []byte) bool {
		return AggregateVerify(keys, []uint16{0, 2}, message, Signature(b))
	})
}

// flip reports every bit of good whose change ok does not notice.
func flip(t *testing.T, what string, good []byte, ok func([]byte) bool) {
	t.Helper()
	if !ok(good) {
		t.Fatalf("%s: the base case is not valid", what)
	}
	for i := range 8 * len(good) {
		b := append([]byte(nil), good...)
		b[i/8] ^= 1 << (i % 8)
		if ok(b) {
			t.Errorf("%s: bit %d does not count", what, i)
		}
	}
}

func TestVerifyBatch(t *testing.T) {
	if !VerifyBatch(nil) {
		t.Error("nothing to check is a failure")
	}
	for _, n := range []int{1, 2, 3, 70, 200} { // larger batches run other algorithms
		checks := make([]Check, n)
		for i := range checks {
			s, m := testScalar(byte(i)+1), Sum([]byte{byte(i)})
			checks[i] = Check{Key: s.Public(), Message: m[:], Signature: s.Sign(m[:])}
		}
		if !VerifyBatch(checks) {
			t.Fatalf("%d good signatures fail", n)
		}
		for _, bad := range []int{0, n / 2, n - 1} {
			checks[bad].Signature[40] ^= 1
			if VerifyBatch(checks) {
				t.Errorf("%d signatures pass with a bad one at %d", n, bad)
			}
			checks[bad].Signature[40] ^= 1
		}
	}
}

// TestBatchDoesNotCancel gives two signatures errors that cancel in a plain sum.
func TestBatchDoesNotCancel(t *testing.T) {
	s, m := testScalar(9), Sum([]byte("m"))
	a, b := s.Sign(m[:]), s.Sign(m[:])
	a[32]++
	b[32]--
	if VerifyBatch([]Check{{Key: s.Public(), Message: m[:], Signature: a}, {Key: s.Public(), Message: m[:], Signature: b}}) {
		t.Error("two errors cancel")
	}
}

func TestGhostKeysRefuseBadPoints(t *testing.T) {
	r, view, spend := testScalar(1), testScalar(2), testScalar(3)
	bad := Key{0: 2}
	if _, err := GhostPublic(r, bad, spend.Public(), 0); err == nil {
		t.Error("view key off the curve")
	}
	if _, err := GhostPublic(r, view.Public(), bad, 0); err == nil {
		t.Error("spend key off the curve")
	}
	for name, mask := range map[string]Key{"off the curve": bad, "with torsion": mixed(t, Mask(r)), "identity": {0: 1}} {
		if _, err := GhostScalar(view, mask, 0); err == nil {
			t.Errorf("GhostScalar takes a mask: %s", name)
		}
		if _, err := GhostPrivate(view, spend, mask, 0); err == nil {
			t.Errorf("GhostPrivate takes a mask: %s", name)
		}
		if _, err := ViewGhost(view, spend.Public(), mask, 0); err == nil {
			t.Errorf("ViewGhost takes a mask: %s", name)
		}
	}
	if _, err := ViewGhost(view, bad, Mask(r), 0); err == nil {
		t.Error("one-time key off the curve")
	}
}

func TestAggregateRefuses(t *testing.T) {
	privates := []Scalar{testScalar(1), testScalar(2), testScalar(3)}
	keys := []Key{privates[0].Public(), privates[1].Public(), privates[2].Public()}
	message, seed := Sum([]byte("m")), make([]byte, 32)
	good, err := AggregateSign(keys, []uint16{0, 1}, privates[:2], message, seed)
	if err != nil || !AggregateVerify(keys, []uint16{0, 1}, message, good) {
		t.Fatal("base case is not valid:", err)
	}
	for _, signers := range [][]uint16{nil, {0}, {0, 2}, {1, 0}, {0, 0}, {0, 3}, {0, 1, 2}} {
		if AggregateVerify(keys, signers, message, good) {
			t.Errorf("signers %v are not those who signed", signers)
		}
	}
	if AggregateVerify([]Key{keys[1], keys[0]}, []uint16{0, 1}, message, good) {
		t.Error("keys in another order")
	}
	if AggregateVerify([]Key{keys[0], {0: 2}}, []uint16{0, 1}, message, good) {
		t.Error("key off the curve")
	}
	// A key that cancels the other in a plain sum must not let its owner sign alone.
	a, _ := point(keys[0])
	b, _ := point(keys[1])
	rogue := Key(b.Subtract(b, a).Bytes())
	if AggregateVerify([]Key{keys[0], rogue}, []uint16{0, 1}, message, privates[1].Sign(message[:])) {
		t.Error("a rogue key signs for another")
	}
	for name, err := range map[string]error{
		"short seed":    second(AggregateSign(keys, []uint16{0, 1}, privates[:2], message, seed[:31])),
		"missing key":   second(AggregateSign(keys, []uint16{0, 1}, privates[:1], message, seed)),
		"wrong key":     second(AggregateSign(keys, []uint16{0, 1}, privates[1:], message, seed)),
		"signers order": second(AggregateSign(keys, []uint16{1, 0}, privates[:2], message, seed)),
		"no signers":    second(AggregateSign(keys, nil, nil, message, seed)),
	} {
		if err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

func second(_ Signature, err error) error { return err }

// TestAggregateOfMany sums the keys of many signers once more, plainly, and counts what is hashed: what all
// coefficients begin with is hashed once, and not for each of the 65,536 signers that 20 kB of a transaction can name.
func TestAggregateOfMany(t *testing.T) {
	const many = 100
	keys, signers := make([]Key, 3*many), make([]uint16, many)
	for i := range keys {
		keys[i] = ScalarFromWide([64]byte{byte(i), byte(i >> 8), 1}).Public()
	}
	for i := range signers {
		signers[i] = uint16(3 * i)
	}
	begin := append([]byte(coefficientLabel), u32(many)...)
	for _, s := range signers {
		begin = append(append(begin, u32(int(s))...), keys[s][:]...)
	}
	sum := edwards25519.NewIdentityPoint()
	for _, s := range signers {
		p, err := point(keys[s])
		if err != nil {
			t.Fatal(err)
		}
		c := wideNumber(begin, u32(int(s)), keys[s][:])
		sum.Add(sum, p.ScalarMult(c, p))
	}

	var hashed int
	got, _, err := aggregateKey(countingHash{newAggregateHash(), &hashed}, keys, signers)
	if err != nil || got != Key(sum.Bytes()) {
		t.Errorf("sum of keys is %s, %v, want %x", got, err, sum.Bytes())
	}
	if want := len(begin) + many*(4+len(Key{})); hashed != want {
		t.Errorf("%d bytes are hashed, want %d", hashed, want)
	}
}

// A countingHash counts what it and its clones are given.
type countingHash struct {
	hash.Cloner
	bytes *int
}

func (c countingHash) Write(b []byte) (int, error) {
	*c.bytes += len(b)
	return c.Cloner.Write(b)
}

func (c countingHash) Clone() (hash.Cloner, error) {
	clone, err := c.Cloner.Clone()
	return countingHash{clone, c.bytes}, err
}

func TestSetHash(t *testing.T) {
	elements := make([][]byte, 50)
	for i := range elements {
		elements[i] = fmt.Appendf(nil, "element %d", i)
	}
	var empty, all SetHash
	for _, e := range elements {
		all.Add(e)
	}
	if all.Sum() == empty.Sum() {
		t.Fatal("a set has the hash of the empty one")
	}
	shuffled, rng := SetHash{}, rand.New(rand.NewPCG(1, 2))
	for _, i := range rng.Perm(len(elements)) {
		shuffled.Add(elements[i])
	}
	if shuffled != all {
		t.Error("the order of additions counts")
	}
	var halves [2]SetHash
	for i, e := range elements {
		halves[i%2].Add(e)
	}
	halves[0].Merge(&halves[1])
	if halves[0] != all {
		t.Error("the union of two halves is not the whole")
	}
	for i, e := range elements {
		without := all
		without.Remove(e)
		without.Add([]byte("another"))
		if without == all {
			t.Errorf("element %d can be replaced", i)
		}
	}
	for _, i := range rng.Perm(len(elements)) {
		shuffled.Remove(elements[i])
	}
	if shuffled != empty {
		t.Error("removing every element does not empty the set")
	}
	twice := SetHash{}
	twice.Add(elements[0])
	once := twice
	twice.Add(elements[0])
	if once == twice {
		t.Error("adding twice is adding once")
	}
	if b, _ := all.AppendBinary(nil); SetHash(b) != all {
		t.Error("the bytes are not the state")
	}
}

// TestLanes compares the word arithmetic with one lane at a time.
func TestLanes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		a, b := rng.Uint64(), rng.Uint64()
		var sum, difference uint64
		for i := 0; i < 64; i += 16 {
			sum |= uint64(uint16(a>>i)+uint16(b>>i)) << i
			difference |= uint64(uint16(a>>i)-uint16(b>>i)) << i
		}
		if addLanes(a, b) != sum || subLanes(a, b) != difference {
			t.Fatalf("lanes of %016x and %016x", a, b)
		}
	}
}

func TestSumLabelSeparates(t *testing.T) {
	if SumLabel("ab", []byte("c")) == SumLabel("a", []byte("bc")) {
		t.Error("a label runs into the value")
	}
	if SumLabel("", []byte("x")) == Sum([]byte("x")) {
		t.Error("an empty label is no label")
	}
	if Sum([]byte("ab"), []byte("c")) != Sum([]byte("abc")) {
		t.Error("parts are not concatenated")
	}
}

// TestUsual: what honest signers sign takes the short way, which would not be missed otherwise.
func TestUsual(t *testing.T) {
	for i := range byte(8) {
		s, m := testScalar(i+1), Sum([]byte{i})
		key, sig := NewPublicKey(s.Public()), s.Sign(m[:])
		if !key.usual(m[:], &sig) {
			t.Errorf("signature %d is not as usual", i)
		}
		if sig[i*8] ^= 1; key.usual(m[:], &sig) {
			t.Errorf("signature %d with another bit is", i)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s, m := testScalar(1), Sum([]byte("m"))
	key, sig := s.Public(), s.Sign(m[:])
	prepared := NewPublicKey(key)
	b.Run("key", func(b *testing.B) {
		for b.Loop() {
			Verify(key, m[:], sig)
		}
	})
	b.Run("prepared", func(b *testing.B) {
		for b.Loop() {
			prepared.Verify(m[:], sig)
		}
	})
}

func BenchmarkCanonicalPoint(b *testing.B) {
	k := testScalar(1).Public()
	for b.Loop() {
		CanonicalPoint(k)
	}
}

// FuzzVerify checks that single and batch verification agree on any bytes.
func FuzzVerify(f *testing.F) {
	s, m := testScalar(1), Sum([]byte("m"))
	key, sig := s.Public(), s.Sign(m[:])
	f.Add(key[:], m[:], sig[:])
	f.Add(key[:], []byte{}, make([]byte, 64))
	f.Add(make([]byte, 32), m[:], make([]byte, 64))
	f.Fuzz(func(t *testing.T, key, message, sig []byte) {
		if len(key) != 32 || len(sig) != 64 {
			return
		}
		c := Check{Key: Key(key), Message: message, Signature: Signature(sig)}
		if single := Verify(c.Key, message, c.Signature); single != VerifyBatch([]Check{c}) || single != VerifyBatch([]Check{c, c, c}) {
			t.Errorf("Verify is %t, VerifyBatch is not", single)
		} else if single != NewPublicKey(c.Key).Verify(message, c.Signature) {
			t.Errorf("Verify is %t, PublicKey.Verify is not", single)
		}
		if ValidKey(c.Key) && !CurveKey(c.Key) || CurveKey(c.Key) && !CanonicalPoint(c.Key) {
			t.Errorf("the rules for points contradict each other")
		}
		if _, err := point(c.Key); (err == nil) != CanonicalPoint(c.Key) {
			t.Errorf("the two decoders of points disagree")
		}
	})
}
