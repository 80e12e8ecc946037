// Package p2p carries messages between nodes over TCP: framing with checksums, bounded queues, limits of connections, bans.
// It knows no chain: what a message means, and whom to dial, its handler says.
package p2p

import (
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// Config says whom a mesh talks to. Zero fields of numbers are their defaults.
type Config struct {
	Magic    uint32
	Listener net.Listener // nil: nobody can dial us
	Fixed    []string     // host:port of nodes that are dialled whatever happens
	Inbound  int          // connections that others open; default 32
	Outbound int          // connections that we open, the fixed ones apart; default 8, below 0 none
	Handler  Handler
	Limits   Limits
	Log      *slog.Logger // nil logs nothing
}

// A Handler is who talks. Its methods are called from many goroutines.
type Handler interface {
	// Joined is told of a new connection before anything is received from it.
	Joined(c *Conn)
	// Received takes a message; while it does not return nothing more is read from the connection.
	Received(c *Conn, m wire.Message)
	// Malformed is told that the bytes of a connection are no messages. It is closed then.
	Malformed(c *Conn, err error)
	// Left is told that a connection has ended, after all that was received from it.
	Left(c *Conn)
	// Pick says whom to dial next.
	Pick() (netip.AddrPort, bool)
}

// Limits bound what strangers can make this node hold or do [PIL-NET-2]. A zero field is its default.
type Limits struct {
	QueueBytes  int           // waiting to be sent to one peer; who is slower is hung up on; default 16 MiB
	AnswerBytes int           // above this, answers wait; default 4 MiB
	ReadBytes   int           // of messages being read or handed over, of all peers; default 64 MiB
	PerIP       int           // inbound connections from one address, this machine's apart; default 4
	Ping        time.Duration // between two; default 20 s
	Dead        time.Duration // without a byte, or with one write stuck; default 60 s
	Dialling    time.Duration // one attempt; default 5 s
	Retry       time.Duration // between attempts; default 1 s, of fixed nodes up to 30 times as long
}

func (l Limits) filled() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.QueueBytes, 16 << 20}, {&l.AnswerBytes, 4 << 20}, {&l.ReadBytes, 64 << 20}, {&l.PerIP, 4}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{{&l.Ping, 20 * time.Second}, {&l.Dead, time.Minute}, {&l.Dialling, 5 * time.Second}, {&l.Retry, time.Second}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return l
}

// Counters are what went over all connections.
type Counters struct {
	In, Out                            uint64 // bytes
	MessagesIn, MessagesOut            uint64
	Accepted, Refused, Dialled, Failed uint64
}

// A Peer is a connection's number; none is used twice.
type Peer = tree.Peer
