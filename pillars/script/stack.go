package script

import "slices"

// A stack holds items from bottom to top. Items are never changed in place: they may be views into
// a script, or stand on the stack more than once.
type stack [][]byte

func (s *stack) push(items ...[]byte) { *s = append(*s, items...) }

func (s *stack) pop() ([]byte, error) {
	top, err := s.peek(0)
	if err == nil {
		*s = (*s)[:len(*s)-1]
	}
	return top, err
}

// peek returns the item so deep below the top.
func (s *stack) peek(depth int) ([]byte, error) {
	if err := s.need(depth + 1); err != nil {
		return nil, err
	}
	return (*s)[len(*s)-1-depth], nil
}

func (s *stack) need(n int) error {
	if len(*s) < n {
		return reject(StackOperation, "%d items, want %d", len(*s), n)
	}
	return nil
}

// take removes the item so deep below the top and returns it. It must be there.
func (s *stack) take(depth int) []byte {
	at := len(*s) - 1 - depth
	item := (*s)[at]
	*s = slices.Delete(*s, at, at+1)
	return item
}

func (s stack) clone() stack { return slices.Clone(s) }

// copyUp pushes n items again that end so deep below the top, in their order.
func (s *stack) copyUp(n, depth int) error {
	if err := s.need(n + depth); err != nil {
		return err
	}
	end := len(*s) - depth
	s.push(slices.Clone((*s)[end-n : end])...)
	return nil
}

// moveUp moves n items that end so deep below the top to the top, in their order.
func (s *stack) moveUp(n, depth int) error {
	if err := s.need(n + depth); err != nil {
		return err
	}
	for range n {
		s.push(s.take(n + depth - 1))
	}
	return nil
}
