package tree

import "slices"

// shares bound what peers may keep in our memory: each so much, all together so much. When the whole is full, the peer
// that holds most gives way to those that hold less, newest things first, so that a flood pushes out itself
// [PIL-CHN-9].
type shares struct {
	each, all int
	used      int
	holders   []*holder
}

type holder struct {
	peer  Peer
	used  int
	items []*item // in the order of arrival
}

// An item is one thing that is held: a node or a body.
type item struct {
	peer Peer
	cost int
	node *Node
	body *body
}

// room says whether a peer may hold so much more. If it could, were a victim dropped, that is returned: drop it and
// ask again. Without either there is no room. What is our own always has room.
func (s *shares) room(p Peer, cost int) (victim *item, ok bool) {
	has := 0
	var big *holder
	for _, h := range s.holders {
		if h.peer == p {
			has = h.used
		} else if h.peer != 0 && (big == nil || h.used > big.used) {
			big = h
		}
	}
	switch {
	case p == 0:
		return nil, true
	case has+cost > s.each:
		return nil, false
	case s.used+cost <= s.all:
		return nil, true
	case big == nil || big.used <= has+cost:
		return nil, false
	}
	return big.items[len(big.items)-1], false
}

// hold takes an item for which there is room.
func (s *shares) hold(it *item) {
	h := s.holder(it.peer)
	h.items = append(h.items, it)
	h.used += it.cost
	s.used += it.cost
}

// drop lets go of an item that is held.
func (s *shares) drop(it *item) {
	at := slices.IndexFunc(s.holders, func(h *holder) bool { return h.peer == it.peer })
	if at < 0 {
		panic("tree: drop of what nobody holds")
	}
	h := s.holders[at]
	i := len(h.items) - 1
	for i >= 0 && h.items[i] != it {
		i--
	}
	if i < 0 {
		panic("tree: drop of what is not held")
	}
	h.items = slices.Delete(h.items, i, i+1)
	h.used -= it.cost
	s.used -= it.cost
	if len(h.items) == 0 {
		s.holders = slices.Delete(s.holders, at, at+1)
	}
}

// of returns what a peer holds, newest first.
func (s *shares) of(p Peer) []*item {
	for _, h := range s.holders {
		if h.peer == p {
			all := slices.Clone(h.items)
			slices.Reverse(all)
			return all
		}
	}
	return nil
}

func (s *shares) holder(p Peer) *holder {
	for _, h := range s.holders {
		if h.peer == p {
			return h
		}
	}
	h := &holder{peer: p}
	s.holders = append(s.holders, h)
	return h
}
