package devnet

import (
	"fmt"
	"net"
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
		wanted = 0
	}
	for try := wanted; try < 65536; try += max(step, 1) {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", try))
		if err == nil {
			p.held = append(p.held, l)
			return l.Addr().(*net.TCPAddr).Port, wanted, nil
		}
		if p.any {
			return 0, 0, err
		}
	}
	return 0, 0, fmt.Errorf("no free port from %d on", wanted)
}

func (p *ports) release() {
	for _, l := range p.held {
		l.Close()
	}
}
