// Package words turns the words that people write down into the seed of their keys (BIP 39).
package words

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
)

// What is wrong with words or with their passphrase.
var (
	ErrWords      = errors.New("not 12 or 24 words of a wallet: check spelling and order")
	ErrPassphrase = errors.New("passphrase of the words: only ASCII, so that every wallet derives the same keys")
)

// Default is the length of a new sentence: 256 bits.
const Default = 24

// New draws a new sentence of 12 or 24 English words from random.
func New(random io.Reader, count int) (string, error) {
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
			return seed, ErrPassphrase
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
