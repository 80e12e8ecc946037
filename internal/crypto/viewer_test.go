package crypto

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// Viewer and ViewGhost are two ways to ask one question.
func TestViewerAgreesWithViewGhost(t *testing.T) {
	draw := func(n uint64) Scalar {
		var wide [64]byte
		binary.BigEndian.PutUint64(wide[:], n)
		wide[40] = 7
		return ScalarFromWide(wide)
	}
	for i := range uint64(60) {
		view, spend, r, index := draw(3*i), draw(3*i+1), draw(3*i+2), 5*i
		public := spend.Public()
		viewer, err := NewViewer(view, public)
		if err != nil {
			t.Fatal(err)
		}
		ghost, err := GhostPublic(r, view.Public(), public, index)
		if err != nil {
			t.Fatal(err)
		}
		mask := Mask(r)
		for name, tt := range map[string]struct {
			ghost, mask Key
			index       uint64
		}{
			"own":          {ghost, mask, index},
			"other place":  {ghost, mask, index + 1},
			"other mask":   {ghost, public, index},
			"other key":    {public, mask, index},
			"zero mask":    {ghost, Key{}, index},
			"identity":     {Key{1}, mask, index},
			"broken key":   {Key{0: ghost[0] ^ 1, 31: ghost[31]}, mask, index},
			"broken mask":  {ghost, Key{0: 2, 31: 0x80}, index},
			"exchanged":    {mask, ghost, index},
			"not on curve": {ghost, Key{0: 2}, index},
		} {
			got, err := ViewGhost(view, tt.ghost, tt.mask, tt.index)
			want := err == nil && got == public && ValidKey(tt.ghost)
			if viewer.Owns(tt.ghost, tt.mask, tt.index) != want || (name == "own") != want {
				t.Fatalf("%d: %s: want %v", i, name, want)
			}
		}
		if s := fmt.Sprintf("%v %+v %#v", viewer, viewer, viewer); s != "viewer(hidden) viewer(hidden) viewer(hidden)" {
			t.Fatal("viewer prints", s)
		}
	}
	if _, err := NewViewer(draw(1), Key{1}); err == nil {
		t.Error("the identity is a spend key")
	}
}

func BenchmarkViewer(b *testing.B) {
	view, spend := ScalarFromWide([64]byte{1}), ScalarFromWide([64]byte{2}).Public()
	viewer, err := NewViewer(view, spend)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		viewer.Owns(spend, spend, 3)
	}
}

// Who knows or guesses the view key modulo 8 can make a key that fits a mask with torsion. It
// must not count.
func TestViewerRefusesTorsion(t *testing.T) {
	view, spend := ScalarFromWide([64]byte{5: 1}), ScalarFromWide([64]byte{6: 1}).Public()
	viewer, err := NewViewer(view, spend)
	if err != nil {
		t.Fatal(err)
	}
	torsion, err := point(Key{31: 0x80}) // y = 0: order 4
	if err != nil {
		t.Fatal(err)
	}
	for _, twisted := range []bool{false, true} {
		r, err := point(ScalarFromWide([64]byte{7: 1}).Public())
		if err != nil {
			t.Fatal(err)
		}
		if twisted {
			r.Add(r, torsion)
		}
		b, err := point(spend)
		if err != nil {
			t.Fatal(err)
		}
		mask := Key(r.Bytes())
		x := ghostNumber(r.ScalarMult(view.number(), r), 0)
		ghost := Key(b.Add(b, x.public()).Bytes())
		if viewer.Owns(ghost, mask, 0) == twisted {
			t.Errorf("mask with torsion: %v", twisted)
		}
	}
}
