package devnet

import (
	"context"

	"github.com/asterism-network/asterism/kernel/client"
)

// A Held network runs until Stop, for a program that drives and measures it itself. Its nodes
// are processes.
type Held struct{ session *session }

// Hold starts every node as a process and waits until all take part.
func (n *Network) Hold(ctx context.Context, say func(format string, args ...any)) (*Held, error) {
	n.options.Processes = true
	s := &session{Network: n, say: say, running: make([]running, len(n.members))}
	for _, m := range n.members {
		s.clients = append(s.clients, client.New(m.RPC))
	}
	h := &Held{s}
	for i := range n.members {
		if err := s.start(i); err != nil {
			h.Stop()
			return nil, err
		}
	}
	if err := s.ready(ctx); err != nil {
		h.Stop()
		return nil, err
	}
	return h, nil
}

// PIDs lists the nodes' processes.
func (h *Held) PIDs() (pids []int) {
	for _, r := range h.session.running {
		if p, ok := r.(*process); ok {
			pids = append(pids, p.cmd.Process.Pid)
		}
	}
	return pids
}

// Failed returns the error of a node that ended by itself, if any has.
func (h *Held) Failed() error { return h.session.failed() }

// Stop stops every node and waits for it.
func (h *Held) Stop() { h.session.stopAll() }
