package wallet

import (
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// DefaultWords is the length of a new sentence: 256 bits, as the running network's wallets.
const DefaultWords = 24

// NewWords draws a new sentence of 12 or 24 English words from random (BIP 39).
func NewWords(random io.Reader, count int) (string, error) {
	if count != 12 && count != 24 {
		return "", fmt.Errorf("%w: %d asked", ErrWords, count)
	}
	entropy := make([]byte, count*4/3)
	defer clear(entropy)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	words, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return "", fmt.Errorf("make words: %w", err)
	}
	return words, nil
}

// Seed returns the 64 bytes of BIP 39 for words and an optional passphrase. Space and capitals do
// not matter; a wrong passphrase gives another wallet and no error, as the standard wants.
//
// The standard normalises passphrases as Unicode. This does not, so it refuses what would differ.
func Seed(words, passphrase string) (seed [64]byte, err error) {
	words = strings.Join(strings.Fields(strings.ToLower(words)), " ")
	if n := len(strings.Fields(words)); n != 12 && n != 24 {
		return seed, ErrWords
	}
	for i := range len(passphrase) {
		if passphrase[i] >= 0x80 {
			return seed, ErrWordsPassphrase
		}
	}
	b, err := bip39.NewSeedWithErrorChecking(words, passphrase)
	if err != nil {
		return seed, ErrWords // the cause could quote a word
	}
	defer clear(b)
	copy(seed[:], b)
	return seed, nil
}
