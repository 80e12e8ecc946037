package engine

import "github.com/asterism-network/asterism/kernel"

// A patience says how long what an author sent may take to arrive by itself, in ms, before it is
// asked for. Asking too early brings everything twice, and a busy network then does twice the
// work; asking late makes rounds slow where somebody sends to some only. So each author has as
// long as twice its latest delay behind others, and no time at all after something of it came
// only because it was asked for.
type patience [kernel.MaxMembers]kernel.Timestamp

const (
	askDelay  = 20  // ms: the least
	askLatest = 250 // and the most
)

// with returns how long to wait for a snapshot of an author.
func (p *patience) with(a kernel.Author) kernel.Timestamp { return max(p[a], askDelay) }

// late notes that a snapshot came by itself so long after others that name it.
func (p *patience) late(a kernel.Author, delay kernel.Timestamp) {
	p[a] = max(min(2*delay, askLatest), p[a]-p[a]/8)
}

// lost notes that a snapshot had to be asked for.
func (p *patience) lost(a kernel.Author) { p[a] = 0 }
