package sharing

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
)

var testContext = [32]byte{1, 2, 3}

func holders(n int) (keys []crypto.Key, secrets []*Number) {
	for i := range n {
		s := HashToNumber("holder", []byte{byte(i)})
		keys, secrets = append(keys, KeyOf(Public(s))), append(secrets, s)
	}
	return keys, secrets
}

func dealing(t testing.TB, degree, n int, seed string) *Dealing {
	t.Helper()
	keys, _ := holders(n)
	d, err := Deal(testContext, degree, keys, random(seed))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryHolderOpensItsShare(t *testing.T) {
	keys, secrets := holders(7)
	d := dealing(t, 2, 7, "a")
	if err := d.Check(testContext, 2, 7); err != nil {
		t.Fatal(err)
	}
	var indexes []uint16
	var points []*Point
	for i := range keys {
		share, err := d.Open(testContext, i, secrets[i])
		if err != nil {
			t.Fatalf("holder %d: %v", i, err)
		}
		n, err := ParseNumber(share)
		if err != nil {
			t.Fatal(err)
		}
		indexes, points = append(indexes, uint16(i)+1), append(points, Public(n))
		if _, err := d.Open(testContext, (i+1)%7, secrets[i]); !errors.Is(err, ErrShare) {
			t.Errorf("holder %d opens its neighbour's box: %v", i, err)
		}
	}
	whole, err := Interpolate(indexes[3:6], points[3:6])
	if err != nil || KeyOf(whole) != d.Commitments[0] {
		t.Errorf("three shares do not give the secret: %v", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	other := dealing(t, 2, 7, "other")
	for _, tt := range []struct {
		name   string
		broken func(*Dealing)
		want   error
	}{
		{"a commitment less", func(d *Dealing) { d.Commitments = d.Commitments[1:] }, ErrShape},
		{"a share less", func(d *Dealing) { d.Boxes = d.Boxes[1:] }, ErrShape},
		{"identity", func(d *Dealing) { d.Commitments[2] = crypto.Key{} }, ErrIdentity},
		{"not a point", func(d *Dealing) { d.Commitments[1] = crypto.Key{1} }, ErrPoint},
		{"no ephemeral key", func(d *Dealing) { d.Ephemeral = crypto.Key{} }, ErrEphemeral},
		{"somebody else's ephemeral key", func(d *Dealing) { d.Ephemeral = other.Ephemeral }, ErrEphemeral},
		{"proof changed", func(d *Dealing) { d.Knowledge[3] ^= 1 }, ErrEphemeral},
	} {
		d := dealing(t, 2, 7, "a")
		tt.broken(d)
		if err := d.Check(testContext, 2, 7); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	// A liar repeats an honest dealing, ephemeral key and proof included, under its own name.
	if err := other.Check([32]byte{9}, 2, 7); !errors.Is(err, ErrEphemeral) {
		t.Errorf("dealing of another context: got %v, want %v", err, ErrEphemeral)
	}
}

func TestComplaints(t *testing.T) {
	keys, secrets := holders(7)
	honest, lying := dealing(t, 2, 7, "honest"), dealing(t, 2, 7, "lying")
	ephemeral, err := ParsePoint(lying.Ephemeral)
	if err != nil {
		t.Fatal(err)
	}
	wrong := lying.cipher(testContext, 3, keys[3], Multiply(secrets[3], ephemeral))
	lying.Boxes[3] = Box(wrong.seal(crypto.Scalar{5})) // another number
	lying.Boxes[4][9] ^= 1                             // does not decrypt
	outside := lying.cipher(testContext, 5, keys[5], Multiply(secrets[5], ephemeral))
	lying.Boxes[5] = Box(outside.seal(crypto.Scalar{31: 0xff})) // not a number
	for _, holder := range []int{3, 4, 5} {
		if _, err := lying.Open(testContext, holder, secrets[holder]); !errors.Is(err, ErrShare) {
			t.Fatalf("holder %d: got %v, want %v", holder, err, ErrShare)
		}
		c, err := lying.Complain(secrets[holder])
		if err != nil {
			t.Fatal(err)
		}
		if err := lying.Judge(testContext, holder, keys[holder], c); err != nil {
			t.Errorf("complaint of %d is not proven: %v", holder, err)
		}
		for name, got := range map[string]error{
			"against another dealer": honest.Judge(testContext, holder, keys[holder], c),
			"by another holder":      lying.Judge(testContext, 0, keys[0], c),
			"by nobody":              lying.Judge(testContext, 70, keys[0], c),
			"without a key":          lying.Judge(testContext, holder, keys[holder], new(Complaint)),
		} {
			if !errors.Is(got, ErrOpening) {
				t.Errorf("complaint %s: got %v, want %v", name, got, ErrOpening)
			}
		}
		c.Proof[0] ^= 1
		if err := lying.Judge(testContext, holder, keys[holder], c); !errors.Is(err, ErrOpening) {
			t.Errorf("complaint with a changed proof: got %v, want %v", err, ErrOpening)
		}
	}
	c, err := lying.Complain(secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := lying.Judge(testContext, 0, keys[0], c); !errors.Is(err, ErrFalseComplaint) {
		t.Errorf("complaint about a right share: got %v, want %v", err, ErrFalseComplaint)
	}
}

func TestSumOfDealings(t *testing.T) {
	keys, secrets := holders(10)
	a, b := dealing(t, 3, 10, "a"), dealing(t, 3, 10, "b")
	ca, errA := ParseCommitments(a.Commitments)
	cb, errB := ParseCommitments(b.Commitments)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	sum := AddCommitments(ca, cb)
	for i := range keys {
		x, errA := a.Open(testContext, i, secrets[i])
		y, errB := b.Open(testContext, i, secrets[i])
		total, errS := SumNumbers(x, y)
		if err := errors.Join(errA, errB, errS); err != nil {
			t.Fatal(err)
		}
		n, err := ParseNumber(total)
		if err != nil || !sum.Holds(uint16(i)+1, n) {
			t.Errorf("holder %d: the sum of its shares is not its share of the sum", i)
		}
	}
	if _, err := SumNumbers(crypto.Scalar{31: 0xff}); !errors.Is(err, ErrNumber) {
		t.Errorf("sum of a non-canonical number: %v", err)
	}
}

func FuzzDealing(f *testing.F) {
	f.Add(dealing(f, 2, 7, "a").AppendBinary(nil))
	f.Add([]byte{0})
	f.Add(bytes.Repeat([]byte{0xff}, 200))
	_, secrets := holders(7)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, d := codec.NewReader(b), new(Dealing)
		d.Decode(r)
		if r.Done() != nil {
			return
		}
		if again := d.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes to %x", b, again)
		}
		if d.Check(testContext, 2, 7) != nil {
			return
		}
		for i, s := range secrets {
			if _, err := d.Open(testContext, i, s); err == nil {
				continue
			}
			c, err := d.Complain(s)
			if err != nil || d.Judge(testContext, i, KeyOf(Public(s)), c) != nil {
				t.Fatalf("a bad share cannot be proven bad: %v", err)
			}
		}
	})
}
