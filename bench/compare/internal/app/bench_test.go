package app

import (
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
)

// BenchmarkVerify compares the two ways to verify the two signatures of a payment.
func BenchmarkVerify(b *testing.B) {
	var checks []crypto.Check
	for i := range 2 {
		key := crypto.NodeKeyFromSeed([32]byte{byte(i)})
		checks = append(checks, crypto.Check{Key: key.Public(), Message: make([]byte, 32), Signature: key.Sign(make([]byte, 32))})
	}
	b.Run("single", func(b *testing.B) {
		for b.Loop() {
			for _, c := range checks {
				crypto.Verify(c.Key, c.Message, c.Signature)
			}
		}
	})
	b.Run("batch", func(b *testing.B) {
		for b.Loop() {
			crypto.VerifyBatch(checks)
		}
	})
}
