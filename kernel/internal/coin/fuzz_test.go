package coin

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// FuzzVerify shows arbitrary bytes as a share. Whatever they are: single and batch checks agree,
// nothing but the author's one right point passes, and Combine returns instead of crashing.
func FuzzVerify(f *testing.F) {
	d := deal(f, 7)
	right, other := d.share(f, 2, 6), d.share(f, 0, 6)
	bytesOf := func(s *kernel.CoinShare) []byte { return append(s.Share[:], s.Proof[:]...) }
	f.Add(uint8(2), uint64(6), bytesOf(right.Share))
	f.Add(uint8(2), uint64(7), bytesOf(right.Share))
	f.Add(uint8(3), uint64(6), bytesOf(right.Share))
	f.Add(uint8(0), uint64(0), make([]byte, 96))
	f.Fuzz(func(t *testing.T, author uint8, round uint64, b []byte) {
		if len(b) != 96 {
			return
		}
		s := AuthorShare{kernel.Author(author), &kernel.CoinShare{Share: [32]byte(b[:32]), Proof: [64]byte(b[32:])}}
		good := d.key.Verify(s.Author, kernel.Round(round), s.Share)
		if good && d.share(t, s.Author, kernel.Round(round)).Share.Share != s.Share.Share {
			t.Fatal("a wrong point verifies")
		}
		value, err := d.key.Combine(6, []AuthorShare{right, other, s})
		if good && round == 6 && author != 2 && author != 0 && (err != nil || value != d.real(6)) {
			t.Fatalf("a verified share does not combine: %v", err)
		}
	})
}
