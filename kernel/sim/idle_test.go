package sim

import "testing"

// TestIdleAfterDrop runs a network in which a member's snapshots fall below the horizon while
// commits follow each other so closely that some commit is always being executed. Whoever held
// them waited for them for ever, so that the network never became idle and what they carried was
// not proposed again.
func TestIdleAfterDrop(t *testing.T) {
	r, err := Run(Options{Profile: "chaos", Seed: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Violation != nil {
		t.Errorf("%s\n%v", r.Options.Replay(), r.Violation)
	}
}
