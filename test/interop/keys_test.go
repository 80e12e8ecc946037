package interop_test

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A stream is randomness that a seed repeats.
type stream struct{ *rand.ChaCha8 }

func newStream(seed uint64) stream {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	return stream{rand.NewChaCha8(key)}
}

func (s stream) n(limit int) int { return int(s.Uint64() % uint64(limit)) }

func (s stream) bytes(n int) []byte {
	b := make([]byte, n)
	s.Read(b)
	return b
}

func (s stream) scalar() crypto.Scalar { return crypto.ScalarFromWide([64]byte(s.bytes(64))) }
func (s stream) key() kernel.Key       { return s.scalar().Public() }
func (s stream) hash() kernel.Hash     { return kernel.Hash(s.bytes(32)) }

// A ghostCase is a one-time key and all that made it.
type ghostCase struct {
	Address kernel.Address `json:"address"`
	Spend   kernel.Key     `json:"spend"`
	View    kernel.Key     `json:"view"`
	SpendBy hexBytes       `json:"spend_private"`
	ViewBy  hexBytes       `json:"view_private"`
	R       hexBytes       `json:"r"`
	Mask    kernel.Key     `json:"mask"`
	Index   uint64         `json:"index"`
	Key     kernel.Key     `json:"key"`
	X       hexBytes       `json:"x"`
}

type addressCase struct {
	Seed    hexBytes       `json:"seed"`
	Address kernel.Address `json:"address"`
	Spend   kernel.Key     `json:"spend"`
	View    kernel.Key     `json:"view"`
}

type signatureCase struct {
	Private   hexBytes         `json:"private"`
	Public    kernel.Key       `json:"public"`
	Message   hexBytes         `json:"message"`
	Signature kernel.Signature `json:"signature"`
}

// hexBytes is hex in JSON.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// indexes are those where the length of the hashed number changes, then any.
func (s stream) index(i int) uint64 {
	if edges := []uint64{0, 1, 127, 128, 255, 256, 1024, 16383, 16384}; i < len(edges) {
		return edges[i]
	}
	return uint64(s.n(1025))
}

// TestKeys compares addresses, one-time keys and signatures, both ways.
func TestKeys(t *testing.T) {
	needSDK(t)
	s := newStream(1)
	var facts struct {
		Addresses  []addressCase   `json:"addresses"`
		Ghosts     []ghostCase     `json:"ghosts"`
		Signatures []signatureCase `json:"signatures"`
	}
	for i := range 100 {
		seed := [64]byte(s.bytes(64))
		account := kernel.AccountFromSeed(seed)
		a := account.Address()
		facts.Addresses = append(facts.Addresses, addressCase{seed[:], a, a.Spend, a.View})

		r, index := s.scalar(), s.index(i)
		key, err := crypto.GhostPublic(r, a.View, a.Spend, index)
		if err != nil {
			t.Fatal(err)
		}
		x, err := crypto.GhostScalar(account.View, r.Public(), index)
		if err != nil {
			t.Fatal(err)
		}
		facts.Ghosts = append(facts.Ghosts, ghostCase{
			Address: a, Spend: a.Spend, View: a.View, SpendBy: account.Spend[:], ViewBy: account.View[:],
			R: r[:], Mask: r.Public(), Index: index, Key: key, X: x[:],
		})

		message := s.bytes(32)
		facts.Signatures = append(facts.Signatures, signatureCase{
			Private: account.Spend[:], Public: a.Spend, Message: message, Signature: account.Spend.Sign(message),
		})
	}
	var answer struct {
		Addresses  []addressCase   `json:"addresses"`
		Ghosts     []ghostCase     `json:"ghosts"`
		Signatures []signatureCase `json:"signatures"`
	}
	runScript(t, "keys.test.mjs", facts, &answer)
	if len(answer.Addresses) < 100 || len(answer.Ghosts) < 100 || len(answer.Signatures) < 100 {
		t.Fatalf("the SDK made %d addresses, %d one-time keys, %d signatures", len(answer.Addresses), len(answer.Ghosts), len(answer.Signatures))
	}
	for i, c := range answer.Addresses { // decoded by UnmarshalText, checksum and points checked
		if got := kernel.AccountFromSeed([64]byte(c.Seed)).Address(); got != c.Address || got.Spend != c.Spend || got.View != c.View {
			t.Errorf("address %d: the SDK made %v, we %v", i, c.Address, got)
		}
	}
	for i, c := range answer.Ghosts {
		checkGhost(t, i, c)
	}
	for i, c := range answer.Signatures {
		private := crypto.Scalar(c.Private)
		if private.Public() != c.Public || !crypto.Verify(c.Public, c.Message, c.Signature) || private.Sign(c.Message) != c.Signature {
			t.Errorf("signature %d of the SDK does not verify, or ours differs", i)
		}
	}
}

// checkGhost makes and recovers one of the SDK's one-time keys with our code.
func checkGhost(t *testing.T, i int, c ghostCase) {
	t.Helper()
	r, view, spend := crypto.Scalar(c.R), crypto.Scalar(c.ViewBy), crypto.Scalar(c.SpendBy)
	if got, err := crypto.GhostPublic(r, c.View, c.Spend, c.Index); err != nil || got != c.Key || r.Public() != c.Mask {
		t.Errorf("one-time key %d at index %d: the SDK made %v, we %v (%v)", i, c.Index, c.Key, got, err)
	}
	if got, err := crypto.ViewGhost(view, c.Key, c.Mask, c.Index); err != nil || got != c.Spend {
		t.Errorf("one-time key %d at index %d: the viewer sees %v, want %v (%v)", i, c.Index, got, c.Spend, err)
	}
	if x, err := crypto.GhostScalar(view, c.Mask, c.Index); err != nil || string(x[:]) != string(c.X) {
		t.Errorf("one-time key %d at index %d: x is %x, ours %x (%v)", i, c.Index, c.X, x, err)
	}
	if p, err := crypto.GhostPrivate(view, spend, c.Mask, c.Index); err != nil || p.Public() != c.Key {
		t.Errorf("one-time key %d at index %d: its private key gives %v (%v)", i, c.Index, p.Public(), err)
	}
}
