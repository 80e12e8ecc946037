package pillars

import (
	"encoding/json"
	"os"
	"testing"
)

// vectors loads a file of testdata/vectors at the root of the repository.
func vectors(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
