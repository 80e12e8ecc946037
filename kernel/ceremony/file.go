package ceremony

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// parse reads exactly one JSON value of at most limit bytes into v; fields that v does not have
// are refused, so a misspelt one cannot be lost in silence.
func parse(b []byte, limit int, what string, v any) error {
	if len(b) > limit {
		return fmt.Errorf("%s: %w: %d bytes, at most %d", what, ErrFile, len(b), limit)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%s: %w: %w", what, ErrFile, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: %w: something follows the value", what, ErrFile)
	}
	return nil
}

// format writes v for files and people. The same value gives the same bytes.
func format(v any) []byte {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("ceremony: %v", err)) // all types here have a JSON form
	}
	return append(b, '\n')
}
