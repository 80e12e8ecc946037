package wallet

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// The published BIP-39 vectors (passphrase "TREZOR") fix words to seed.
func TestWordsGiveStandardSeeds(t *testing.T) {
	for words, want := range map[string]string{
		testWords: "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
		"legal winner thank year wave sausage worth useful legal winner thank yellow":                                                                                                                 "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
		"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art": "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8",
	} {
		seed, err := Seed(words, "TREZOR")
		if err != nil || hex.EncodeToString(seed[:]) != want {
			t.Errorf("%.20s…: %x, %v", words, seed, err)
		}
		shouted, err := Seed(" "+strings.ToUpper(strings.ReplaceAll(words, " ", "\n  ")), "TREZOR")
		if err != nil || shouted != seed {
			t.Errorf("space and capitals matter: %v", err)
		}
	}
	// Seed to address is facts of the wider ecosystem.
	var seed [64]byte
	for i := range seed {
		seed[i] = byte(i + 1)
	}
	const want = "XIN8AJMgQUD11jZYN9ggbQDqkmozrha3zPEZxEkKxVFBufZpEVMtrR6PjtmgtNAH6jrg8dTUQFb9waqqw9euU7Ea8AC6DEu8"
	if got := AccountKeys(kernel.AccountFromSeed(seed)).Address().String(); got != want {
		t.Errorf("address %s", got)
	}
}

func TestBadWords(t *testing.T) {
	for _, bad := range []string{
		"", "abandon", strings.Replace(testWords, "about", "abandon", 1), strings.Replace(testWords, "about", "nonsense", 1),
		testWords + " abandon abandon abandon", // 15 words are a standard we do not offer
	} {
		if _, err := Seed(bad, ""); !errors.Is(err, ErrWords) || strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := Seed(testWords, "pässword"); !errors.Is(err, ErrWordsPassphrase) {
		t.Error("passphrase that wallets normalise differently:", err)
	}
	if _, err := NewWords(seeded(1), 15); err == nil {
		t.Error("15 new words")
	}
	if _, err := NewWords(&limitedReader{left: 5}, 24); !errors.Is(err, errNoMore) {
		t.Error(err)
	}
	if words, err := NewWords(seeded(1), 12); err != nil || len(strings.Fields(words)) != 12 {
		t.Error(words, err)
	}
}

// 10,000 derivations (300 with -short) against an implementation on math/big that shares nothing
// with the product but BLAKE3: sender, receiver and spender must agree with it. [T32]
func TestGhostKeysAgainstBigIntegers(t *testing.T) {
	n := 2000
	if os.Getenv("ASTERISM_FULL") != "" {
		n = 10_000
	}
	if testing.Short() || raceEnabled {
		n = 300
	}
	curve := newBigCurve()
	random := seeded(32)
	draw := func() kernel.Scalar {
		var wide [64]byte
		random.Read(wide[:])
		return crypto.ScalarFromWide(wide)
	}
	var a kernel.Account
	for i := range n {
		if i%100 == 0 { // new receivers now and then: their public keys are the slow part
			a = kernel.Account{Spend: draw(), View: draw()}
		}
		r, index := draw(), uint64(random.Uint64()%1025)
		keys, address := AccountKeys(a), a.Address()
		ghost, err := crypto.GhostPublic(r, address.View, address.Spend, index)
		if err != nil {
			t.Fatal(err)
		}
		mask := crypto.Mask(r)

		ar := new(big.Int).Mul(little(a.View[:]), little(r[:]))
		shared := curve.encode(curve.multiply(ar.Mod(ar, curve.order)))
		x := curve.ghostNumber(shared, index)
		p := new(big.Int).Add(x, little(a.Spend[:]))
		p.Mod(p, curve.order)
		if want := curve.encode(curve.multiply(p)); [32]byte(ghost) != want {
			t.Fatalf("derivation %d: ghost key %s, want %x", i, ghost, want)
		}
		private, err := keys.private(ghost, mask, int(index))
		if err != nil || little(private[:]).Cmp(p) != 0 {
			t.Fatalf("derivation %d: private key differs: %v", i, err)
		}
		if !keys.recognizes(ghost, mask, int(index)) || keys.recognizes(ghost, mask, int(index)+1) {
			t.Fatalf("derivation %d is not recognized, or at the wrong place", i)
		}
	}
}

// bigCurve is twisted Edwards arithmetic straight from the definition.
type bigCurve struct {
	p, d, order *big.Int
	times       [32][256]bigPoint
}

// bigPoint is in projective coordinates x/z, y/z.
type bigPoint struct{ x, y, z *big.Int }

func newBigCurve() *bigCurve {
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	d := new(big.Int).ModInverse(big.NewInt(121666), p)
	d.Mul(d, big.NewInt(-121665)).Mod(d, p)
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	c := &bigCurve{p: p, d: d, order: order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))}
	c.table()
	return c
}

// base has y = 4/5 and even x.
func (c *bigCurve) base() bigPoint {
	y := new(big.Int).ModInverse(big.NewInt(5), c.p)
	y.Mul(y, big.NewInt(4)).Mod(y, c.p)
	yy := new(big.Int).Mul(y, y)
	bottom := new(big.Int).Mul(c.d, yy)
	bottom.Add(bottom, big.NewInt(1)).ModInverse(bottom, c.p)
	x := new(big.Int).Sub(yy, big.NewInt(1))
	x.Mul(x, bottom).Mod(x, c.p).ModSqrt(x, c.p)
	if x.Bit(0) == 1 {
		x.Sub(c.p, x)
	}
	return bigPoint{x, y, big.NewInt(1)}
}

func (c *bigCurve) add(p, q bigPoint) bigPoint {
	mul := func(a, b *big.Int) *big.Int { r := new(big.Int).Mul(a, b); return r.Mod(r, c.p) }
	a := mul(p.z, q.z)
	b := mul(a, a)
	cx, dy := mul(p.x, q.x), mul(p.y, q.y)
	e := mul(c.d, mul(cx, dy))
	f, g := new(big.Int).Sub(b, e), new(big.Int).Add(b, e)
	x := mul(new(big.Int).Add(p.x, p.y), new(big.Int).Add(q.x, q.y))
	x.Sub(x, cx).Sub(x, dy)
	return bigPoint{mul(mul(a, f), x), mul(mul(a, g), new(big.Int).Add(dy, cx)), mul(f, g)}
}

// table fills times[i][j] = j·256^i·G, so that a multiplication is 32 additions.
func (c *bigCurve) table() {
	step := c.base()
	for i := range c.times {
		c.times[i][0] = bigPoint{new(big.Int), big.NewInt(1), big.NewInt(1)}
		for j := 1; j < 256; j++ {
			c.times[i][j] = c.add(c.times[i][j-1], step)
		}
		step = c.add(c.times[i][255], step)
	}
}

// multiply returns n·G.
func (c *bigCurve) multiply(n *big.Int) bigPoint {
	sum := bigPoint{new(big.Int), big.NewInt(1), big.NewInt(1)}
	for i, digit := range reversed(n.FillBytes(make([]byte, 32))) {
		sum = c.add(sum, c.times[i][digit])
	}
	return sum
}

func (c *bigCurve) encode(p bigPoint) (out [32]byte) {
	inverse := new(big.Int).ModInverse(p.z, c.p)
	x := new(big.Int).Mul(p.x, inverse)
	y := new(big.Int).Mul(p.y, inverse)
	x.Mod(x, c.p)
	y.Mod(y, c.p)
	copy(out[:], reversed(y.FillBytes(make([]byte, 32))))
	out[31] |= byte(x.Bit(0)) << 7
	return out
}

// ghostNumber is x of the one-time key: the format hashes twice.
func (c *bigCurve) ghostNumber(shared [32]byte, index uint64) *big.Int {
	once := c.double(binary.AppendUvarint(shared[:], index))
	text := reversed(once.FillBytes(make([]byte, 32)))
	return c.double(text)
}

func (c *bigCurve) double(b []byte) *big.Int {
	h1 := crypto.Sum(b)
	h2 := crypto.Sum(h1[:])
	n := little(append(h1[:], h2[:]...))
	return n.Mod(n, c.order)
}

func little(b []byte) *big.Int { return new(big.Int).SetBytes(reversed(b)) }

func reversed(b []byte) []byte {
	out := make([]byte, len(b))
	for i, v := range b {
		out[len(b)-1-i] = v
	}
	return out
}

// Keys and masks outside the prime-order group count for nothing, even where the arithmetic
// would match. [T32, F22]
func TestTorsionIsNotCounted(t *testing.T) {
	k := AccountKeys(alice)
	out, _, err := scriptOutput(&dice{source: seeded(1)}, To(k.address), coins(1), 0)
	if err != nil {
		t.Fatal(err)
	}
	tx := kernel.Transaction{Asset: kernel.BTC, Outputs: []kernel.Output{out}}
	if len(k.match(kernel.TxHash{1}, &tx)) != 1 {
		t.Fatal("base case")
	}
	for name, broken := range map[string]func(*kernel.Output){
		"key of order 8":     func(o *kernel.Output) { o.Keys[0] = smallOrder },
		"mask of order 8":    func(o *kernel.Output) { o.Mask = smallOrder },
		"key with torsion":   func(o *kernel.Output) { o.Keys[0] = plusTorsion(t, o.Keys[0]) },
		"mask with torsion":  func(o *kernel.Output) { o.Mask = plusTorsion(t, o.Mask) },
		"identity key":       func(o *kernel.Output) { o.Keys[0] = kernel.Key{1} },
		"zero mask":          func(o *kernel.Output) { o.Mask = kernel.Key{} },
		"not canonical":      func(o *kernel.Output) { o.Keys[0] = kernel.Key{0: 0xee, 1: 0xff} },
		"burning threshold":  func(o *kernel.Output) { o.Script = kernel.NewScript(64) },
		"other type":         func(o *kernel.Output) { o.Type = kernel.OutputNodePledge },
		"script of the past": func(o *kernel.Output) { o.Script = kernel.Script{1, 2, 3} },
	} {
		bad := out
		bad.Keys = []kernel.Key{out.Keys[0]}
		broken(&bad)
		tx.Outputs[0] = bad
		if found := k.match(kernel.TxHash{1}, &tx); len(found) != 0 {
			t.Errorf("%s is counted", name)
		}
	}
}
