package sim

import "math/rand/v2"

// A Network decides when messages between n ends arrive, if they do. Links are directed.
type Network struct {
	rng   *rand.Rand
	clock *Clock
	n     int
	links []link
	Conditions
	Stats NetworkStats
}

// Conditions hold for all links that are not cut.
type Conditions struct {
	Loss, Twice int  // messages in a thousand that are lost, or arrive twice
	Jitter      Time // added to a link's own delay, evenly from 0 up
	Late        int  // messages in a thousand that are held up
	LateBy      Time // and by how much at most; short delays are likelier than long ones
	Bandwidth   int  // bytes a millisecond of one link; 0 is without limit
	Resent      int  // packets in 100,000 that are lost on the way and sent again, as TCP does
}

// packet is how many bytes travel together.
const packet = 1400

type link struct {
	delay Time // the link's own
	cuts  int  // faults that cut it
	free  Time // when the bytes sent so far have left
	last  Time // when the newest message arrives, where what follows a lost packet waits for it
}

// NetworkStats count what became of messages.
type NetworkStats struct {
	Sent, Bytes, Lost, Cut, Repeated, Late, Resent uint64
}

// NewNetwork returns a network of n ends whose links have delays of their own between near and far.
func NewNetwork(clock *Clock, rng *rand.Rand, n int, near, far Time) *Network {
	w := &Network{rng: rng, clock: clock, n: n, links: make([]link, n*n)}
	for i := range w.links {
		w.links[i].delay = near + Time(rng.Int64N(int64(far-near)+1))
	}
	return w
}

func (w *Network) link(from, to int) *link { return &w.links[from*w.n+to] }

// Cut cuts the link in one direction; it stays cut until it was mended as often.
func (w *Network) Cut(from, to int) { w.link(from, to).cuts++ }

// Mend undoes one Cut.
func (w *Network) Mend(from, to int) {
	l := w.link(from, to)
	l.cuts = max(0, l.cuts-1)
}

// MendAll undoes every Cut.
func (w *Network) MendAll() {
	for i := range w.links {
		w.links[i].cuts = 0
	}
}

// Grow makes room for n ends. Links of new ends have the delays of the first link.
func (w *Network) Grow(n int) {
	links := make([]link, n*n)
	for i := range links {
		links[i].delay = w.links[1].delay
	}
	for from := range w.n {
		copy(links[from*n:from*n+w.n], w.links[from*w.n:(from+1)*w.n])
	}
	w.n, w.links = n, links
}

// Slow changes a link's own delay by d.
func (w *Network) Slow(from, to int, d Time) { w.link(from, to).delay += d }

// Delay is a link's own delay.
func (w *Network) Delay(from, to int) Time { return w.link(from, to).delay }

// Connected reports whether messages pass in both directions.
func (w *Network) Connected(a, b int) bool { return w.link(a, b).cuts == 0 && w.link(b, a).cuts == 0 }

// Send says after how long copies of a message of the given size arrive: none, one or two.
func (w *Network) Send(from, to, size int) (copies [2]Time, n int) {
	l := w.link(from, to)
	w.Stats.Sent++
	w.Stats.Bytes += uint64(size)
	if l.cuts > 0 {
		w.Stats.Cut++
		return copies, 0
	}
	if w.chance(w.Loss) {
		w.Stats.Lost++
		return copies, 0
	}
	copies[0], n = w.delay(l, size), 1
	if w.chance(w.Twice) {
		w.Stats.Repeated++
		copies[1], n = copies[0]+Time(w.rng.Int64N(50)), 2
	}
	return copies, n
}

func (w *Network) delay(l *link, size int) Time {
	d := max(l.delay, 0)
	if w.Jitter > 0 {
		d += Time(w.rng.Int64N(int64(w.Jitter) + 1))
	}
	if w.chance(w.Late) {
		w.Stats.Late++
		d += w.tail()
	}
	if w.Bandwidth > 0 {
		l.free = max(l.free, w.clock.Now()) + Time((size+w.Bandwidth-1)/w.Bandwidth)
		d += l.free - w.clock.Now()
	}
	if w.Resent > 0 {
		d = w.resend(l, size, d)
	}
	return d
}

// resend lets packets get lost: each loss costs a round trip, and what was sent later on the link
// arrives no earlier. The packets of a message are sent again together.
func (w *Network) resend(l *link, size int, d Time) Time {
	tries := 0
	for range (size + packet - 1) / packet {
		again := 0
		for w.rng.IntN(100_000) < w.Resent {
			again++
		}
		w.Stats.Resent += uint64(again)
		tries = max(tries, again)
	}
	d += Time(tries) * 2 * max(l.delay, 0)
	l.last = max(l.last, w.clock.Now()+d)
	return l.last - w.clock.Now()
}

// tail draws a delay up to LateBy, each power of two as likely as the next.
func (w *Network) tail() Time {
	top := int64(w.LateBy) + 1
	for top > 16 && w.rng.IntN(2) == 0 {
		top /= 2
	}
	return Time(w.rng.Int64N(top))
}

func (w *Network) chance(perMille int) bool { return perMille > 0 && w.rng.IntN(1000) < perMille }
