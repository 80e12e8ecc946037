package crypto

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

func signedChecks(n int) []Check {
	checks := make([]Check, n)
	for i := range checks {
		s, m := ScalarFromWide([64]byte{byte(i), byte(i >> 8), 1}), SumLabel("test", []byte{byte(i), byte(i >> 8)})
		checks[i] = Check{Key: s.Public(), Message: m[:], Signature: s.Sign(m[:])}
	}
	return checks
}

// prepare makes every second check one of a prepared key; one in four has a key of its own.
func prepare(checks []Check) []Check {
	keys := map[Key]*PublicKey{}
	for i := 0; i < len(checks); i += 2 {
		c := &checks[i]
		if i%8 == 6 { // several of one key
			s, m := testScalar(9), SumLabel("prepared", []byte{byte(i), byte(i >> 8)})
			*c = Check{Key: s.Public(), Message: m[:], Signature: s.Sign(m[:])}
		}
		if keys[c.Key] == nil {
			keys[c.Key] = NewPublicKey(c.Key)
		}
		*c = keys[c.Key].Check(c.Message, c.Signature)
	}
	return checks
}

// spoil breaks a check in one of the ways that are noticed at different places.
func spoil(c *Check, way int) {
	switch way % 6 {
	case 0: // another s
		c.Signature[33] ^= 1
	case 1: // another message
		c.Message = append(slices.Clone(c.Message), 0)
	case 2: // another key, on the curve
		c.Key = testScalar(200).Public()
	case 3: // s above the group order
		c.Signature[63] |= 0xf0
	case 4: // R is no point
		copy(c.Signature[:32], slices.Repeat([]byte{0xff}, 32))
	case 5: // a key of small order
		c.Key = smallOrderY[3]
	}
}

// TestVerifyEach spoils one check, some, most and all of batches of many sizes: each answer is
// that of the check alone.
func TestVerifyEach(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	if got := VerifyEach(nil); len(got) != 0 {
		t.Errorf("answers about nothing: %v", got)
	}
	for _, n := range []int{1, 2, 16, 17, 40, 150} {
		for _, share := range []float64{0, 0.01, 0.2, 0.9, 1} {
			checks, want := prepare(signedChecks(n)), make([]bool, n)
			spoiled := 0
			for i := range checks {
				if share > 0 && i == n/3 || rng.Float64() < share {
					spoil(&checks[i], rng.IntN(6))
					spoiled++
				}
				want[i] = Verify(checks[i].Key, checks[i].Message, checks[i].Signature)
			}
			if got := VerifyEach(checks); !slices.Equal(got, want) {
				t.Fatalf("%d checks, %d spoiled: %v, want %v", n, spoiled, got, want)
			}
			if VerifyBatch(checks) != (spoiled == 0) {
				t.Fatalf("%d checks, %d spoiled: VerifyBatch is %t", n, spoiled, spoiled > 0)
			}
		}
	}
}

// TestPreparedForAnotherKey changes the key of a check that was made by a prepared one: what counts
// is the key that the check shows.
func TestPreparedForAnotherKey(t *testing.T) {
	checks := signedChecks(4)
	prepared := NewPublicKey(checks[0].Key)
	for i, c := range checks {
		checks[i] = prepared.Check(c.Message, c.Signature)
		checks[i].Key = c.Key
	}
	if good := VerifyEach(checks); slices.Contains(good, false) {
		t.Errorf("good signatures by the keys that are shown: %v", good)
	}
	for i := range checks {
		checks[i].Key = checks[0].Key
	}
	if good := VerifyEach(checks); !slices.Equal(good, []bool{true, false, false, false}) {
		t.Errorf("signatures by other keys than the prepared one: %v", good)
	}
}

// FuzzVerifyEach takes bytes as a list of bits to flip in a batch of good checks.
func FuzzVerifyEach(f *testing.F) {
	good := prepare(signedChecks(20))
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 19, 3, 1})
	f.Add([]byte{5, 1, 255, 5, 1, 255, 6, 0, 7})
	f.Fuzz(func(t *testing.T, flips []byte) {
		checks := slices.Clone(good)
		for ; len(flips) >= 3; flips = flips[3:] {
			c, bit := &checks[int(flips[0])%len(checks)], (int(flips[1])<<8|int(flips[2]))%768
			if bit < 256 {
				c.Key[bit/8] ^= 1 << (bit % 8)
			} else {
				c.Signature[bit/8-32] ^= 1 << (bit % 8)
			}
		}
		each, all := VerifyEach(checks), true
		for i, c := range checks {
			single := ed25519.Verify(c.Key[:], c.Message, c.Signature[:])
			if each[i] != single {
				t.Fatalf("check %d: %t in a batch, %t alone", i, each[i], single)
			}
			all = all && single
		}
		if VerifyBatch(checks) != all {
			t.Fatalf("VerifyBatch is %t", !all)
		}
	})
}

// BenchmarkVerifyBatch: signatures by distinct keys together, in ns a signature; and the
// library's own batch beside it.
func BenchmarkVerifyBatch(b *testing.B) {
	for _, n := range []int{16, 64, 256, 1024} {
		checks := signedChecks(n)
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !VerifyBatch(checks) {
					b.Fatal("does not verify")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/signature")
		})
		b.Run(fmt.Sprintf("library/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				batch := ed25519.NewBatchVerifierWithCapacity(n)
				for i := range checks {
					batch.Add(checks[i].Key[:], checks[i].Message, checks[i].Signature[:])
				}
				if !batch.VerifyBatchOnly(nil) {
					b.Fatal("does not verify")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/signature")
		})
	}
}

// BenchmarkFew: what a few signatures cost together, by keys that are prepared and others.
func BenchmarkFew(b *testing.B) {
	for _, n := range []int{1, 2, 3, 6, 24} {
		checks, prepared := signedChecks(n), signedChecks(n)
		for i, c := range prepared {
			prepared[i] = NewPublicKey(c.Key).Check(c.Message, c.Signature)
		}
		for name, list := range map[string][]Check{"strange": checks, "prepared": prepared} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					VerifyEach(list)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/check")
			})
		}
	}
	c := signedChecks(1)[0]
	k := NewPublicKey(c.Key)
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			k.Verify(c.Message, c.Signature)
		}
	})
}

// BenchmarkVerifyEach: 1024 checks of which none, one, a tenth or all are bad, in ns a check.
func BenchmarkVerifyEach(b *testing.B) {
	const n = 1024
	for _, bad := range []int{0, 1, n / 10, n} {
		b.Run(fmt.Sprint(bad), func(b *testing.B) {
			checks := signedChecks(n)
			for i := range bad {
				spoil(&checks[i*n/bad], 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				VerifyEach(checks)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/check")
		})
	}
}
