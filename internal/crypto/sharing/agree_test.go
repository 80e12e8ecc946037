package sharing

import (
	"slices"
	"strconv"
	"testing"
)

// agreed makes the points of a polynomial with t coefficients at n indexes with gaps, at the base H.
func agreed(tb testing.TB, t, n int) (indexes []uint16, points []*Point) {
	tb.Helper()
	p, err := NewPolynomial(t-1, random(strconv.Itoa(t)+" of "+strconv.Itoa(n)))
	if err != nil {
		tb.Fatal(err)
	}
	h := HashToPoint("test", []byte("base"))
	for i := range n {
		x := uint16(1 + i + i/3)
		indexes, points = append(indexes, x), append(points, Multiply(p.At(x), h))
	}
	return indexes, points
}

// TestAgree: points of one polynomial agree, in any order; with one to n-t wrong ones among them
// they do not, however these are chosen.
func TestAgree(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 3}, {2, 3}, {3, 4}, {3, 5}, {5, 9}, {17, 34}} {
		threshold, n := size[0], size[1]
		indexes, points := agreed(t, threshold, n)
		if !Agree(threshold, indexes, points) {
			t.Fatalf("%d of %d: right points do not agree", threshold, n)
		}
		slices.Reverse(indexes)
		slices.Reverse(points)
		if !Agree(threshold, indexes, points) {
			t.Fatalf("%d of %d: in reverse they do not agree", threshold, n)
		}
		fault := HashToPoint("test", []byte("fault"))
		for wrong := 1; wrong <= n-threshold; wrong++ {
			spoilt := slices.Clone(points)
			for i := range wrong {
				spoilt[i*n/wrong] = new(Point).Add(spoilt[i*n/wrong], fault)
			}
			if Agree(threshold, indexes, spoilt) {
				t.Errorf("%d of %d: %d wrong ones agree", threshold, n, wrong)
			}
		}
		if n > threshold { // all on one polynomial, of one degree more
			indexes, points := agreed(t, threshold+1, n)
			if Agree(threshold, indexes, points) {
				t.Errorf("%d of %d: points of a higher degree agree", threshold, n)
			}
		}
	}
	indexes, points := agreed(t, 2, 4)
	indexes[3] = indexes[0]
	if Agree(2, indexes, points) {
		t.Error("one index twice")
	}
	indexes[3] = 0
	if Agree(2, indexes, points) {
		t.Error("index 0")
	}
}

// TestAgreeInWindows: both tests say the same, and the one in windows does not take on indexes
// whose factors are too large.
func TestAgreeInWindows(t *testing.T) {
	for _, size := range [][2]int{{1, 2}, {2, 3}, {3, 5}, {3, 6}, {4, 7}, {4, 8}} {
		indexes, points := agreed(t, size[0], size[1])
		for wrong := range len(points) + 1 {
			spoilt := slices.Clone(points)
			if wrong > 0 {
				spoilt[wrong-1] = new(Point).Add(points[wrong-1], points[0])
			}
			agree, ok := agreeInWindows(size[0], indexes, spoilt)
			if !ok || agree != (wrong == 0) || agree != agreeByWeights(size[0], indexes, spoilt) {
				t.Errorf("%v, wrong one %d: %t, %t", size, wrong, agree, ok)
			}
		}
	}
	if _, ok := smallDual([]uint16{1, 7, 18, 31, 50, 44}); ok {
		t.Error("large factors pass for small ones")
	}
}

// TestInterpolateSome: every few of the first twelve indexes give the same as weights modulo the
// order do, in any order, small factors or not.
func TestInterpolateSome(t *testing.T) {
	random := random("some")
	h, whole := HashToPoint("test", []byte("base")), 0
	for threshold := 1; threshold <= 4; threshold++ {
		p, err := NewPolynomial(threshold-1, random)
		if err != nil {
			t.Fatal(err)
		}
		want := Multiply(p.At(0), h)
		for choice := range 1 << 10 {
			var indexes []uint16
			var points []*Point
			for i := range 10 {
				if x := uint16(10 - i); choice>>i&1 == 1 {
					indexes, points = append(indexes, x), append(points, Multiply(p.At(x), h))
				}
			}
			if len(indexes) < threshold || len(indexes) > threshold+2 {
				continue
			}
			if got, err := InterpolateSome(threshold, indexes, points); err != nil || got.Equal(want) != 1 {
				t.Fatalf("%d of %v: another value (%v)", threshold, indexes, err)
			}
			if got, err := Interpolate(indexes, points); err != nil || got.Equal(want) != 1 {
				t.Fatalf("%v: another value (%v)", indexes, err)
			}
			if _, ok := wholeLagrange(indexes); ok {
				whole++
			}
		}
	}
	if whole == 0 {
		t.Error("no small factors")
	}
	if _, ok := wholeLagrange([]uint16{MaxHolders + 1, 1}); ok {
		t.Error("an index that may overflow")
	}
}

func BenchmarkAgree(b *testing.B) {
	for _, size := range [][2]int{{3, 5}, {4, 7}, {17, 34}} {
		indexes, points := agreed(b, size[0], size[1])
		b.Run(strconv.Itoa(size[1]), func(b *testing.B) {
			for b.Loop() {
				if !Agree(size[0], indexes, points) {
					b.Fatal("right points do not agree")
				}
			}
		})
	}
}
