package devnet

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// ports hands out free ports of the loopback address. It holds what it gave until release, so
// that no port is given twice.
type ports struct {
	any  bool
	held []net.Listener
}

func newPorts(base int) *ports { return &ports{any: base == 0} }

// take returns the wanted port, or if that is busy the next free one a step further. Asked is
// the port that was wanted.
func (p *ports) take(wanted, step int) (port, asked int, err error) {
	if p.any {
		l, err := reserved.listen()
		if err != nil {
			return 0, 0, err
		}
		p.held = append(p.held, l)
		return portOf(l), 0, nil
	}
	for try := wanted; try < 65536; try += max(step, 1) {
		if l, err := listen(try); err == nil {
			p.held = append(p.held, l)
			return try, wanted, nil
		}
	}
	return 0, 0, fmt.Errorf("no free port from %d on", wanted)
}

func (p *ports) release() {
	for _, l := range p.held {
		l.Close()
	}
}

func listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

// Where any free ports come from: below those that systems give to outgoing connections, in blocks of which each belongs to one process.
const (
	firstPort = 10_000
	blockSize = 200
	blocks    = 110
)

// A block is a row of ports that no other devnet uses: its first port is listened on as long as this process lives. A port is handed out
// once, since the node that got it may be down for a while. Ports that the system chooses would not do: between their choice and
// the node's start an outgoing connection, or the next devnet, can get them.
type block struct {
	mu     sync.Mutex
	guards []net.Listener // the last one's block is in use
	next   int
	end    int
}

var reserved block

// errNoPorts says that nothing is free in any block.
var errNoPorts = errors.New("no free ports from 10000 to 31999 on the loopback address")

// listen returns a listener on the next free port.
func (b *block) listen() (net.Listener, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range blocks {
		for b.next < b.end {
			l, err := listen(b.next)
			b.next++
			if err == nil {
				return l, nil
			}
		}
		if err := b.reserve(); err != nil {
			return nil, err
		}
	}
	return nil, errNoPorts
}

// reserve takes another block.
func (b *block) reserve() error {
	from := rand.IntN(blocks)
	for i := range blocks {
		if guard, err := listen(firstPort + (from+i)%blocks*blockSize); err == nil {
			b.guards = append(b.guards, guard)
			b.next, b.end = portOf(guard)+1, portOf(guard)+blockSize
			return nil
		}
	}
	return errNoPorts
}
