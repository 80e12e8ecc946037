package kernel

import (
	"bytes"
	"errors"
	"testing"

	"github.com/asterism-network/asterism/internal/codec"
)

func testVerdict() *VerdictRecord {
	return &VerdictRecord{Draft: Hash{1}, Dealers: 0b10110, CheckpointKey: Key{2},
		Complaints: []ComplaintRecord{{Dealer: 1, Opened: Key{3}, Proof: [64]byte{4}}, {Dealer: 4, Opened: Key{5}}}}
}

func TestVerdictRecord(t *testing.T) {
	b := testVerdict().AppendBinary(nil)
	var v VerdictRecord
	if err := v.UnmarshalBinary(b); err != nil || !bytes.Equal(v.AppendBinary(nil), b) || len(v.Complaints) != 2 || v.Complaints[1].Dealer != 4 {
		t.Fatal("decoded and encoded again it differs:", err)
	}
	for _, tt := range []struct {
		name   string
		broken func(*VerdictRecord)
		want   *codec.Error
	}{
		{"dealer beyond every roster", func(v *VerdictRecord) { v.Dealers |= 1 << 50 }, &codec.Error{Fault: codec.BadValue, Field: "dealers"}},
		{"complaint about somebody else", func(v *VerdictRecord) { v.Complaints[0].Dealer = 3 }, &codec.Error{Fault: codec.BadValue, Field: "complaints"}},
		{"a complaint too many", func(v *VerdictRecord) { v.Complaints[0].Dealer = v.Complaints[1].Dealer }, &codec.Error{Fault: codec.Trailing, Field: "value"}},
	} {
		bad := testVerdict()
		tt.broken(bad)
		if err := new(VerdictRecord).UnmarshalBinary(bad.AppendBinary(nil)); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := new(VerdictRecord).UnmarshalBinary(b[:len(b)-1]); err == nil {
		t.Error("a truncated verdict decodes")
	}
}

func TestDealingRecord(t *testing.T) {
	d := DealingRecord{Draft: Hash{1}, Dealing: []byte{2, 3}}
	b := d.AppendBinary(nil)
	var again DealingRecord
	if err := again.UnmarshalBinary(b); err != nil || !bytes.Equal(again.AppendBinary(nil), b) {
		t.Fatal("decoded and encoded again it differs:", err)
	}
	long := DealingRecord{Dealing: make([]byte, MaxDealing+1)}
	if err := again.UnmarshalBinary(long.AppendBinary(nil)); !errors.Is(err, &codec.Error{Fault: codec.TooLarge, Field: "dealing"}) {
		t.Errorf("too long: %v", err)
	}
}

func FuzzVerdictRecord(f *testing.F) {
	f.Add(testVerdict().AppendBinary(nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var v VerdictRecord
		if v.UnmarshalBinary(b) == nil && !bytes.Equal(v.AppendBinary(nil), b) {
			t.Fatal("not canonical")
		}
	})
}

func FuzzDealingRecord(f *testing.F) {
	d := DealingRecord{Draft: Hash{1}, Dealing: []byte{2, 3}}
	f.Add(d.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d DealingRecord
		if d.UnmarshalBinary(b) == nil && !bytes.Equal(d.AppendBinary(nil), b) {
			t.Fatal("not canonical")
		}
	})
}
