package sim

import "fmt"

// A Fault is one thing that goes wrong in a run, for a while or once. What its numbers mean is
// the kind's business.
type Fault struct {
	Kind  string `json:"kind"`
	At    Time   `json:"at_ms"`
	For   Time   `json:"for_ms,omitempty"`
	Node  int    `json:"node"`
	Other int    `json:"other,omitempty"`
	Arg   int    `json:"arg,omitempty"`
}

// String is the fault in a line.
func (f Fault) String() string {
	return fmt.Sprintf("%s node=%d other=%d arg=%d at=%dms for=%dms", f.Kind, f.Node, f.Other, f.Arg, f.At, f.For)
}

// A Plan is all that goes wrong in a run. Each fault keeps its number when others are left out.
type Plan []Fault

// Keep returns the plan in which only the faults with these numbers happen; the others are of
// the kind "", which is none.
func (p Plan) Keep(numbers []int) Plan {
	out := make(Plan, len(p))
	for _, n := range numbers {
		if n >= 0 && n < len(p) {
			out[n] = p[n]
		}
	}
	return out
}

// Numbers lists the numbers of the faults that happen.
func (p Plan) Numbers() (numbers []int) {
	for i, f := range p {
		if f.Kind != "" {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// Shrink looks for a small set of numbers for which fails still holds, asking at most tries
// times. It halves the set as long as that works, then leaves out ever smaller parts (Zeller's
// delta debugging). fails holds for numbers; the result is numbers itself if nothing can go.
func Shrink(numbers []int, tries int, fails func([]int) bool) []int {
	ask := func(list []int) bool {
		if tries <= 0 {
			return false
		}
		tries--
		return fails(list)
	}
	if len(numbers) > 0 && ask(nil) {
		return nil
	}
	for parts := 2; len(numbers) > 1; {
		smaller := without(numbers, parts, ask)
		switch {
		case smaller != nil:
			numbers, parts = smaller, max(2, parts-1)
		case parts >= len(numbers):
			return numbers
		default:
			parts = min(2*parts, len(numbers))
		}
		if tries <= 0 {
			return numbers
		}
	}
	return numbers
}

// without leaves out one of the given number of parts, if what remains still fails.
func without(numbers []int, parts int, fails func([]int) bool) []int {
	size := (len(numbers) + parts - 1) / parts
	for from := 0; from < len(numbers); from += size {
		to := min(from+size, len(numbers))
		rest := append(append([]int{}, numbers[:from]...), numbers[to:]...)
		if fails(rest) {
			return rest
		}
	}
	return nil
}
