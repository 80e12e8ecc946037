package devnet

import "time"

// A flow measures whether payments keep becoming final: the longest time from one that did to the
// next. The watch's mu guards it.
type flow struct {
	submitted, final int
	last             time.Time
	longest          time.Duration
}

// note takes the moment at which the first node showed a payment final.
func (f *flow) note(now time.Time) {
	f.final++
	if !f.last.IsZero() {
		f.longest = max(f.longest, now.Sub(f.last))
	}
	f.last = now
}

// FlowReport is what the scenarios say of the payments beside them.
type FlowReport struct {
	Submitted int `json:"submitted"`
	Final     int `json:"final"`
}

// gapAllowed is how long payments may take to flow on while members come and go.
const gapAllowed = 2 * time.Second
