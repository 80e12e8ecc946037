package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// RPCParams turns words into parameters: nil for none, one object as it is, else a list.
func RPCParams(words []string) any {
	if len(words) == 0 {
		return nil
	}
	list := make([]json.RawMessage, len(words))
	for i, word := range words {
		if json.Valid([]byte(word)) {
			list[i] = json.RawMessage(word)
		} else {
			list[i], _ = json.Marshal(word) // text always has a JSON form
		}
	}
	if first := bytes.TrimSpace(list[0]); len(list) == 1 && first[0] == '{' {
		return list[0]
	}
	return list
}

// PrintJSON shows a value in the form that nodes answer with.
func PrintJSON(w io.Writer, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		fmt.Fprintf(w, "%s\n", text)
	}
}
