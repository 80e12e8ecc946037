package rpcserver

import "testing"

// TestCapPerAddress: one remote address has its own cap, loopback does not, and the total holds
// for all.
func TestCapPerAddress(t *testing.T) {
	l := &CappedListener{Total: 5, PerAddress: 2}
	for i, tt := range []struct {
		host string
		want bool
	}{
		{"192.0.2.1", true}, {"192.0.2.1", true}, {"192.0.2.1", false}, {"192.0.2.2", true},
		{"127.0.0.1", true}, {"127.0.0.1", true}, {"127.0.0.1", false}, {"192.0.2.2", false},
	} {
		if got := l.take(tt.host); got != tt.want {
			t.Errorf("connection %d from %s: %v", i, tt.host, got)
		}
	}
	l.give("192.0.2.1")
	if !l.take("192.0.2.1") || l.take("192.0.2.1") {
		t.Error("one place came back, for one connection")
	}
}
