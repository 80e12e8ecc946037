package node

import (
	"encoding/json"
	"testing"

	"github.com/asterism-network/asterism/pillars/internal/book"
)

// FuzzPeers: whatever the file of addresses holds, the book that it makes is bounded, and can be kept and read again.
func FuzzPeers(f *testing.F) {
	f.Add([]byte(`[{"addr":"10.1.2.3:5251","source":"10.9.9.9","seen":1700000000,"last":1700000100,"fails":2,"tried":true}]`))
	f.Add([]byte(`[{"addr":"[2001:db8::1]:1","source":"::","seen":4294967295},{"addr":"","source":""}]`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseBook(text)
		if err != nil {
			return
		}
		known := book.New(1, 2, true)
		known.Load(all)
		if known.Len() > len(all) {
			t.Fatalf("%d addresses of %d", known.Len(), len(all))
		}
		kept := known.All()
		raw, err := json.Marshal(linesOf(kept))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := parseBook(raw); err != nil || len(again) != len(kept) {
			t.Fatalf("%d of %d, %v", len(again), len(kept), err)
		}
		known.Pick(3, 1_800_000_000, func(book.Addr) bool { return false })
	})
}
