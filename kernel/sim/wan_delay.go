package sim

import (
	"github.com/asterism-network/asterism/internal/sim"
)

// cities are where the nodes of a world-wide network stand, in turn.
var cities = [...]string{"Frankfurt", "London", "Virginia", "Oregon", "São Paulo", "Tokyo", "Singapore", "Sydney", "Mumbai", "Johannesburg"}

// roundTrips are milliseconds there and back between cities, as they are commonly seen between data
// centres: written down from general knowledge and rounded, not measured for this table.
var roundTrips = [len(cities)][len(cities)]sim.Time{
	1: {14},
	2: {90, 76},
	3: {145, 130, 65},
	4: {205, 190, 115, 175},
	5: {230, 215, 150, 95, 260},
	6: {160, 170, 220, 165, 325, 70},
	7: {290, 270, 200, 140, 310, 105, 92},
	8: {125, 120, 190, 220, 300, 125, 58, 150},
	9: {160, 160, 230, 280, 340, 350, 250, 410, 200},
}

// sameCity is the delay one way between two nodes of one city, ms.
const sameCity = 1

// between is the delay one way between the places of two nodes, ms.
func between(a, b int) sim.Time {
	a, b = max(a%len(cities), b%len(cities)), min(a%len(cities), b%len(cities))
	if a == b {
		return sameCity
	}
	return roundTrips[a][b] / 2
}

// stretch gives every link its delay.
func (m *wan) stretch() {
	o := m.options
	for a := range o.Nodes {
		for b := range a {
			d := between(a, b)
			if o.Delay > 0 {
				reach := int64(o.Delay) * int64(o.Spread) / 100
				d = o.Delay + sim.Time(m.rng.net.Int64N(2*reach+1)-reach)
			}
			m.net.Slow(a, b, d)
			m.net.Slow(b, a, d)
		}
	}
}

// mean is the delay one way between two different nodes that run, on average: the unit δ of the
// report. Half a millisecond more or less is lost here, see delta.
func (m *wan) mean() sim.Time { return sim.Time(m.delta() + 0.5) }

// delta is mean without rounding, ms.
func (m *wan) delta() float64 {
	n, sum := len(m.nodes)-m.options.Crashed, sim.Time(0)
	for a := range n {
		for b := range n {
			if a != b {
				sum += m.net.Delay(a, b)
			}
		}
	}
	return float64(sum) / float64(n*(n-1))
}
