package replica

import (
	"testing"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// TestFirstKept keeps at least the last whole epoch, whatever the operator asks for. [PRU-1]
func TestFirstKept(t *testing.T) {
	for _, tt := range []struct {
		current kernel.Epoch
		keep    int
		want    kernel.Epoch
		ok      bool
	}{
		{0, 1, 0, false}, {1, 1, 0, false}, {2, 1, 1, true}, {2, 0, 1, true}, {2, -5, 1, true}, {2, 2, 0, false}, {9, 3, 6, true}, {9, 1 << 20, 0, false},
	} {
		if got, ok := firstKept(tt.current, tt.keep); got != tt.want || ok != tt.ok {
			t.Errorf("in epoch %d, %d kept: from %d, %t", tt.current, tt.keep, got, ok)
		}
	}
}

// TestContested keeps epochs whose faults voters may still want to see. [PRU-1]
func TestContested(t *testing.T) {
	const none = ^kernel.Epoch(0)
	faults := []ledger.Fault{{Epoch: 2, Commit: 100, Author: 1}, {Epoch: 4, Commit: 205, Author: 2}, {Epoch: 3, Commit: 210, Author: 3}}
	nobody := func(*ledger.Fault) bool { return false }
	for _, tt := range []struct {
		name     string
		head     kernel.CommitIndex
		appealed func(*ledger.Fault) bool
		want     kernel.Epoch
	}{
		{"all windows are open", 150, nobody, 2},
		{"at the end of the first", 200, nobody, 2},
		{"behind it", 201, nobody, 3},
		{"the third is of an older epoch", 306, nobody, 3},
		{"behind all", 311, nobody, none},
		{"an appeal about the first", 1000, func(f *ledger.Fault) bool { return f.Author == 1 }, 2},
		{"one about the second", 1000, func(f *ledger.Fault) bool { return f.Author == 2 }, 4},
	} {
		if got := oldestContested(faults, tt.head, 100, tt.appealed); got != tt.want {
			t.Errorf("%s: from epoch %d, want %d", tt.name, got, tt.want)
		}
	}
}
