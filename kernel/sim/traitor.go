package sim

import (
	"strings"

	"github.com/asterism-network/asterism/internal/sim"
	"github.com/asterism-network/asterism/kernel"
)

// isTraitor reports whether a fault makes a member a traitor.
func isTraitor(f sim.Fault) bool { return strings.HasPrefix(f.Kind, traitorKind) }

// Behaviours lists what traitors do.
func Behaviours() []string { return []string{"silent"} }

// A traitor is a member that does not keep to the rules.
type traitor struct {
	w         *world
	author    kernel.Author
	behaviour string
}

func (w *world) newTraitor(a kernel.Author, f sim.Fault) *traitor {
	return &traitor{w: w, author: a, behaviour: strings.TrimPrefix(f.Kind, traitorKind)}
}

func (t *traitor) start()                         {}
func (t *traitor) who() kernel.Author             { return t.author }
func (t *traitor) running() bool                  { return false }
func (t *traitor) lives() int                     { return 0 }
func (t *traitor) receive(int, []byte)            {}
func (t *traitor) connection(kernel.Author, bool) {}
