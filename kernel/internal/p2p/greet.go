package p2p

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"
)

// greet exchanges hellos and settles with the peer that this connection stays. On success
// the link is attached. [NET-10]
func (l *link) greet() error {
	if l.peer.barredFor(time.Now()) > 0 {
		l.refuse(BackingOff)
		return BackingOff
	}
	if _, err := l.conn.Write(appendFrame(nil, frameHello, l.mesh.instance[:])); err != nil {
		return err
	}
	hello, err := l.expect(frameHello)
	if err != nil {
		return err
	}
	l.instance = instance(hello)
	if l.peer.decides {
		keep, err := l.expect(frameKeep)
		if err != nil {
			return err
		}
		l.sequence = binary.BigEndian.Uint64(keep)
		return l.attach()
	}
	l.sequence = l.mesh.sequence.Add(1)
	if err := l.attach(); err != nil {
		return err
	}
	if _, err := l.conn.Write(appendFrame(nil, frameKeep, binary.BigEndian.AppendUint64(nil, l.sequence))); err != nil {
		l.peer.detach(l, time.Now())
		return err
	}
	return nil
}

func (l *link) attach() error {
	replaced, err := l.peer.attach(l, l.mesh.timing, time.Now())
	var f Fault
	if errors.As(err, &f) {
		l.refuse(f)
	}
	if replaced != nil {
		replaced.stop(Replaced)
	}
	return err
}

// expect reads the next frame of the greeting.
func (l *link) expect(want frameKind) ([]byte, error) {
	kind, payload, err := l.reader.next(func(n int) error {
		if n > headerSize+len(instance{}) {
			return fail(FrameUnexpected, "%d bytes before the greeting", n)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case kind == frameClose:
		return nil, ClosedByPeer{Fault(payload[0])}
	case kind != want:
		return nil, fail(FrameUnexpected, "kind %d, want %d", kind, want)
	}
	return payload, nil
}

func (l *link) refuse(f Fault) { l.conn.Write(appendFrame(nil, frameClose, []byte{byte(f)})) }

// greetError names what went wrong before the greeting was over.
func greetError(step string, err error) error {
	var f Fault
	var c ClosedByPeer
	var timeout net.Error
	switch {
	case errors.As(err, &f), errors.As(err, &c):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %s", HandshakeTimeout, step)
	}
	return fmt.Errorf("%w: %s: %w", RefusedByPeer, step, err)
}
