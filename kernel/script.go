package kernel

import (
	"encoding/hex"
	"errors"
)

// MaxThreshold bounds a script's threshold. It may exceed the number of keys: 64 of one key can
// never be satisfied and burns the output.
const MaxThreshold = 64

// A Script says how many of an output's keys must sign to spend it: three bytes, compare, sum,
// threshold. Text form: hex, "fffe01". [FMT-SCRIPT]
type Script []byte

const (
	scriptCompare = 0xff
	scriptSum     = 0xfe
	scriptSize    = 3
	maxScriptSize = 1<<16 - 1 // the ledger knows three bytes only
)

var errScript = errors.New("script is not ff fe and a threshold of at most 64")

// NewScript returns the script for a threshold, which the caller keeps at MaxThreshold or below.
func NewScript(threshold uint8) Script { return Script{scriptCompare, scriptSum, threshold} }

// Threshold returns how many signatures the script asks for.
func (s Script) Threshold() (uint8, error) {
	if len(s) != scriptSize || s[0] != scriptCompare || s[1] != scriptSum || s[2] > MaxThreshold {
		return 0, errScript
	}
	return s[2], nil
}

// String returns the script in hex.
func (s Script) String() string { return hex.EncodeToString(s) }

// MarshalText returns the form of String.
func (s Script) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads hex.
func (s *Script) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) > maxScriptSize {
		return errScript
	}
	*s = b
	return nil
}
