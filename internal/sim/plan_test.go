package sim

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// TestKeep: what is left keeps its number, and a number that no fault has is none.
func TestKeep(t *testing.T) {
	plan := Plan{{Kind: "a", At: 1}, {Kind: "b", At: 2}, {Kind: "c", At: 3}}
	kept := plan.Keep([]int{2, 0, 9, -1})
	if want := (Plan{{Kind: "a", At: 1}, {}, {Kind: "c", At: 3}}); !reflect.DeepEqual(kept, want) {
		t.Errorf("got %v, want %v", kept, want)
	}
	if got := kept.Numbers(); !slices.Equal(got, []int{0, 2}) {
		t.Errorf("numbers %v", got)
	}
	if got := kept.Keep([]int{1, 2}).Numbers(); !slices.Equal(got, []int{2}) {
		t.Errorf("kept twice: %v", got)
	}
	if plan[1].Kind != "b" {
		t.Error("Keep changed the plan")
	}
}

func all(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i)
	}
	return numbers
}

// TestShrink: whatever few numbers are needed, exactly those are left.
func TestShrink(t *testing.T) {
	for _, needed := range [][]int{{}, {0}, {19}, {3, 4}, {0, 19}, {1, 7, 13}, {2, 3, 5, 7, 11, 13, 17}, all(20)} {
		t.Run(fmt.Sprint(needed), func(t *testing.T) {
			got := Shrink(all(20), 1000, func(list []int) bool {
				return !slices.ContainsFunc(needed, func(n int) bool { return !slices.Contains(list, n) })
			})
			if len(got) != len(needed) || len(got) > 0 && !slices.Equal(got, needed) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestShrinkAlternatives: with several ways to fail, one of them is left.
func TestShrinkAlternatives(t *testing.T) {
	has := slices.Contains[[]int]
	got := Shrink(all(30), 1000, func(l []int) bool { return has(l, 4) && has(l, 25) || has(l, 11) && has(l, 12) })
	if !slices.Equal(got, []int{4, 25}) && !slices.Equal(got, []int{11, 12}) {
		t.Errorf("got %v", got)
	}
}

// TestShrinkBounds: no more questions than allowed, and the answer still fails.
func TestShrinkBounds(t *testing.T) {
	for tries := range 40 {
		asked, last := 0, all(64)
		got := Shrink(all(64), tries, func(list []int) bool {
			asked++
			if slices.Contains(list, 9) && slices.Contains(list, 50) {
				last = slices.Clone(list)
				return true
			}
			return false
		})
		if asked > tries || !slices.Equal(got, last) {
			t.Fatalf("%d tries: asked %d times, got %v, last that failed %v", tries, asked, got, last)
		}
	}
	if got := Shrink(nil, 10, func([]int) bool { t.Error("nothing to leave out"); return true }); got != nil {
		t.Errorf("got %v", got)
	}
}
