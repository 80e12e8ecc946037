package p2p

import "fmt"

// A Fault is one reason to refuse or end a connection. Its number travels in close frames and
// its name stands in logs, metrics and tests: add at the end, never renumber or rename.
type Fault uint8

// The faults, as docs/spec/network.md states them.
const (
	UnknownKey       Fault = iota + 1 // [NET-4] the certificate's key is no member's
	OtherNetwork                      // [NET-5] the other end belongs to another network
	SelfConnection                    // [NET-6] the other end holds our own key
	WrongMember                       // [NET-7] the address answers with another member's key
	WrongProtocol                     // [NET-2] not TLS 1.3 with our protocol name and one Ed25519 certificate
	HandshakeTimeout                  // [NET-8] not greeted in time
	HandshakeEvicted                  // [NET-9] too many half-open connections; the oldest goes
	HandshakeRate                     // [NET-9] too many connections from one address
	RefusedByPeer                     // [NET-8] the other end closed before it greeted us
	Duplicate                         // [NET-11] the pair already has a connection
	Replaced                          // [NET-11] a newer connection of the pair took over
	TooOften                          // [NET-11] the peer had a new connection a moment ago
	BackingOff                        // [NET-20] disconnected for misbehaviour a moment ago
	FrameTooLarge                     // [NET-14]
	FrameMalformed                    // [NET-14] unknown kind, or a length its kind does not have
	FrameUnexpected                   // [NET-10] a kind that has no place at this point
	Silent                            // [NET-17] not one byte in time
	Stalled                           // [NET-17] the other end does not read
	Misbehaviour                      // [NET-20] the node asked for the disconnection
	Stopping                          // [NET-19] this node shuts down
	faultEnd
)

var faultNames = [...]string{
	UnknownKey:       "unknown_key",
	OtherNetwork:     "other_network",
	SelfConnection:   "self_connection",
	WrongMember:      "wrong_member",
	WrongProtocol:    "wrong_protocol",
	HandshakeTimeout: "handshake_timeout",
	HandshakeEvicted: "handshake_evicted",
	HandshakeRate:    "handshake_rate",
	RefusedByPeer:    "refused_by_peer",
	Duplicate:        "duplicate",
	Replaced:         "replaced",
	TooOften:         "too_often",
	BackingOff:       "backing_off",
	FrameTooLarge:    "frame_too_large",
	FrameMalformed:   "frame_malformed",
	FrameUnexpected:  "frame_unexpected",
	Silent:           "silent",
	Stalled:          "stalled",
	Misbehaviour:     "misbehaviour",
	Stopping:         "stopping",
}

// FaultCount is the number of faults; tests count that each has a name.
const FaultCount = int(faultEnd) - 1

// Known reports whether f is one of the faults above; a close frame may carry any byte.
func (f Fault) Known() bool { return f > 0 && f < faultEnd }

// Error returns the stable name of the fault.
func (f Fault) Error() string {
	if !f.Known() {
		return fmt.Sprintf("fault_%d", uint8(f))
	}
	return faultNames[f]
}

// A ClosedByPeer is the fault that the other end gave for closing the connection. It is the
// peer's word, not our finding, so errors.Is against a Fault does not see through it.
type ClosedByPeer struct{ Fault Fault }

func (c ClosedByPeer) Error() string { return "closed by peer: " + c.Fault.Error() }

func fail(f Fault, format string, args ...any) error {
	return fmt.Errorf("%w: %s", f, fmt.Sprintf(format, args...))
}
