package wallet

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// ErrWords says that words are not a BIP-39 sentence of 12 or 24 words with a good checksum.
var ErrWords = errors.New("not 12 or 24 words of a wallet: check spelling and order")

// DefaultWords is the length of a new sentence: 256 bits.
const DefaultWords = 24

// NewWords draws a new sentence of 12 or 24 English words from random.
func NewWords(random io.Reader, count int) (string, error) {
	if count != 12 && count != 24 {
		return "", fmt.Errorf("%d words: want 12 or 24", count)
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

// Seed returns the 64 bytes of BIP-39 for words and an optional passphrase, from which
// kernel.AccountFromSeed derives the account. Space and capitals do not matter; a wrong
// passphrase gives another account and no error, as the standard wants.
func Seed(words, passphrase string) (seed [64]byte, err error) {
	words = normalWords(words)
	n := len(strings.Fields(words))
	if n != 12 && n != 24 {
		return seed, ErrWords
	}
	b, err := bip39.NewSeedWithErrorChecking(words, passphrase)
	if err != nil {
		return seed, ErrWords // the cause could quote a word
	}
	defer clear(b)
	copy(seed[:], b)
	return seed, nil
}

func normalWords(words string) string {
	return strings.Join(strings.Fields(strings.ToLower(words)), " ")
}
