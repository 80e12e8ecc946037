package rpcclient

import (
	"encoding/json"
	"strings"
	"testing"
)

type written struct{ list []string }

func (w written) AppendJSON(b []byte) []byte {
	return append(append(append(b, `["`...), strings.Join(w.list, `","`)...), `"]`...)
}

// Parameters that write their own JSON are sent as the general encoder sends them, whatever the method is called.
func TestEncodeWritten(t *testing.T) {
	for _, method := range []string{"sendrawtransactions", `"\`, "\x00\a\x7f", "é\u2028\U000e0001", "\xff", "<&>", ""} {
		list := []string{"ab", "cd"}
		want, err := encode(7, method, list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encode(7, method, written{list})
		if err != nil || string(got) != string(want) || !json.Valid(got) {
			t.Errorf("method %q: %s, %v, want %s", method, got, err, want)
		}
	}
}
