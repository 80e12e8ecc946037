package wallet

import (
	"io"

	"github.com/asterism-network/asterism/internal/words"
)

// What is wrong with words or with their passphrase.
var (
	ErrWords           = words.ErrWords
	ErrWordsPassphrase = words.ErrPassphrase
)

// DefaultWords is the length of a new sentence: 256 bits.
const DefaultWords = words.Default

// NewWords draws a new sentence of 12 or 24 English words from random (BIP 39).
func NewWords(random io.Reader, count int) (string, error) { return words.New(random, count) }

// Seed returns the 64 bytes of BIP 39 for words and an optional passphrase. Space and capitals do
// not matter; a wrong passphrase gives another wallet and no error, as the standard wants. A
// passphrase beyond ASCII is ErrWordsPassphrase: the standard normalises it, which wallets do
// differently.
func Seed(sentence, passphrase string) (seed [64]byte, err error) {
	return words.Seed(sentence, passphrase)
}
