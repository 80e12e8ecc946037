package coin

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto/sharing"
	"github.com/asterism-network/asterism/kernel"
)

var rewrite = flag.Bool("rewrite", false, "write the vectors anew")

const vectorFile = "../../../testdata/vectors/coin.json"

// Vectors are for implementers in other languages; see docs/spec/coin.md.
type vectors struct {
	Description string           `json:"description"`
	Network     kernel.NetworkID `json:"network"`
	Epoch       kernel.Epoch     `json:"epoch"`
	Members     int              `json:"members"`
	CoinKey     []kernel.Key     `json:"coin_key"`
	Secrets     []kernel.Key     `json:"secrets"`
	Rounds      []roundVector    `json:"rounds"`
}

type roundVector struct {
	Round  kernel.Round    `json:"round"`
	Base   kernel.Key      `json:"base"`
	Shares []shareVector   `json:"shares"`
	Coin   kernel.Hash     `json:"coin"`
	Order  []kernel.Author `json:"order"`
}

type shareVector struct {
	Author kernel.Author `json:"author"`
	Share  kernel.Key    `json:"share"`
	Proof  string        `json:"proof"`
}

func makeVectors(t *testing.T) []byte {
	d := deal(t, 7)
	v := vectors{
		Description: "The coin of seven members; numbers and points are little-endian hex as in RFC 9496.",
		Network:     d.network, Epoch: d.epoch, Members: 7, CoinKey: d.roster.CoinKey,
	}
	for _, s := range d.secrets {
		v.Secrets = append(v.Secrets, kernel.Key(s))
	}
	for _, round := range []kernel.Round{1, 2, 1 << 32} {
		r := roundVector{Round: round, Base: sharing.KeyOf(d.key.base(round)), Coin: d.real(round)}
		for _, s := range d.shares(t, round) {
			r.Shares = append(r.Shares, shareVector{s.Author, s.Share.Share, hex.EncodeToString(s.Share.Proof[:])})
		}
		r.Order = append(r.Order, Permutation(r.Coin, []kernel.Author{0, 1, 2, 3, 4, 5, 6})...)
		v.Rounds = append(v.Rounds, r)
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, '\n')
}

func TestVectors(t *testing.T) {
	got := makeVectors(t)
	if *rewrite {
		if err := os.WriteFile(vectorFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the coin differs from testdata/vectors/coin.json; if that is meant: go test ./kernel/internal/coin -run Vectors -rewrite")
	}
}
