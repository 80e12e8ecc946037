package replica

import (
	"testing"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// TestClockNeverGoesBack sets the wall clock back by an hour and forward again.
func TestClockNeverGoesBack(t *testing.T) {
	var c Clock
	day := 20_000 * 24 * time.Hour
	for _, step := range []struct {
		passed, wall, want time.Duration
	}{
		{0, day, day},
		{time.Second, day + time.Second, day + time.Second},
		{2 * time.Second, day - time.Hour, day + 1500*time.Millisecond}, // set back: half the pace
		{4 * time.Second, day - time.Hour, day + 2500*time.Millisecond},
		{6 * time.Second, day + time.Minute, day + time.Minute},                          // set right again
		{6 * time.Second, day + time.Hour, day + time.Minute},                            // no time has passed
		{7 * time.Second, day + 200*365*24*time.Hour, day + 200*365*24*time.Hour},        // absurd
		{9 * time.Second, day + 9*time.Second, day + 200*365*24*time.Hour + time.Second}, // time goes on
	} {
		want := kernel.Timestamp(step.want.Milliseconds())
		if got := c.Advance(step.passed.Milliseconds(), step.wall.Milliseconds()); got != want {
			t.Errorf("after %v with wall %v: %d, want %d", step.passed, step.wall, got, want)
		}
	}
}
