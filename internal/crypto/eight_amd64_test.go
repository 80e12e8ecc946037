package crypto

import "testing"

// TestWithoutEight runs what uses eight lanes as on a machine that has none.
func TestWithoutEight(t *testing.T) {
	defer func(have bool) { haveEight = have }(haveEight)
	haveEight = false
	t.Run("decoding", TestDecodeAll)
	t.Run("batches", TestVerifyEach)
}
