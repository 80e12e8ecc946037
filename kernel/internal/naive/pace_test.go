package naive

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/asterism-network/asterism/kernel"
)

// TestExpectedRounds holds the formula to the table in docs/spec/order.md, and to what a network
// with f silent members does.
func TestExpectedRounds(t *testing.T) {
	for _, tt := range []struct {
		n    int
		want string
	}{{7, "4.57"}, {10, "4.71"}, {13, "4.78"}, {25, "4.90"}, {50, "4.97"}} {
		num, den := ExpectedRounds(tt.n, kernel.DefaultParameters())
		if got := fmt.Sprintf("%.2f", float64(num)/float64(den)); got != tt.want {
			t.Errorf("n = %d: %s rounds, want %s", tt.n, got, tt.want)
		}
	}
	for _, slots := range []uint8{1, 2, 3, 7} {
		p := kernel.Parameters{Wave: 5, Slots: slots, Horizon: 100, Depth: 50}
		num, den := ExpectedRounds(7, p)
		want, got := float64(num)/float64(den), measuredRounds(t, 7, p, 250)
		t.Logf("7 members, 2 silent, %d slots: %.3f rounds, stated %.3f", slots, got, want)
		if got > want+0.15 || got < want-0.15 {
			t.Errorf("%d slots: %.3f rounds, stated %.3f", slots, got, want)
		}
	}
}

// measuredRounds is how many rounds above its own a snapshot was final on average, where the f
// last of n members are silent.
func measuredRounds(t *testing.T, n int, p kernel.Parameters, rounds kernel.Round) float64 {
	rules := Of(n, p)
	rules.Leaders = func(d kernel.Round) (out []kernel.Author) {
		for _, a := range rand.New(rand.NewPCG(5, uint64(d))).Perm(n)[:p.Slots] {
			out = append(out, kernel.Author(a))
		}
		return out
	}
	l := &loom{t, New(rules)}
	_, q := l.Numbers()
	var authors []kernel.Author
	for a := range q {
		authors = append(authors, kernel.Author(a))
	}
	final, sum, count, known := make(map[*Snap]bool), kernel.Round(0), 0, 0
	for r := kernel.Round(1); r <= rounds; r++ {
		l.round(r, authors...)
		leaders := l.judge(l.All()).read().leaders
		for _, leader := range leaders[known:] {
			for _, s := range l.Snaps()[n:] {
				if leader.Cone.Has(s) && !final[s] {
					final[s] = true
					sum += r - s.Round
					count++
				}
			}
		}
		known = len(leaders)
	}
	if count < int(rounds-30)*q {
		t.Fatalf("%d snapshots are final", count)
	}
	return float64(sum) / float64(count)
}

// TestCommonCore takes all graphs of four members without equivocation over one wave: of every
// round at least q snapshots are voted for by everybody, so they are committed directly if the
// coin names them. States are the parts of round 1 that the four newest cones hold.
func TestCommonCore(t *testing.T) {
	for _, wave := range []int{4, 5} {
		states := map[cones]bool{{1, 2, 4, 8}: true}
		for range wave - 2 { // up to the round that votes
			next := make(map[cones]bool)
			for s := range states {
				var options [4][]uint8
				for a := range options {
					for named := range uint8(16) {
						if named>>a&1 == 1 && (named == 15 || named == 15^1<<((a+1)%4) || named == 15^1<<((a+2)%4) || named == 15^1<<((a+3)%4)) {
							options[a] = append(options[a], s.union(named))
						}
					}
				}
				for i := range 256 {
					next[cones{options[0][i&3], options[1][i>>2&3], options[2][i>>4&3], options[3][i>>6]}] = true
				}
			}
			states = next
		}
		least := 4
		for s := range states {
			least = min(least, bits.OnesCount8(s[0]&s[1]&s[2]&s[3]))
		}
		t.Logf("wave %d: %d states, at least %d snapshots have everybody's vote", wave, len(states), least)
		if least < 3 {
			t.Errorf("wave %d: only %d", wave, least)
		}
	}
}

// cones are parts of round 1, by author.
type cones [4]uint8

func (c cones) union(named uint8) (out uint8) {
	for a := range c {
		if named>>a&1 == 1 {
			out |= c[a]
		}
	}
	return out
}
