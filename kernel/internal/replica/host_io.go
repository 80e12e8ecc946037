package replica

import (
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/engine"
	"github.com/asterism-network/asterism/kernel/internal/mempool"
	"github.com/asterism-network/asterism/kernel/internal/wire"
)

// An Input is what happened to a node. Peers are known by their node keys, members or not; what
// concerns one epoch's graph says which. The zero Input is a tick.
type Input struct {
	Now      kernel.Timestamp
	Pressed  bool // clients stand in line, because transactions come faster than they leave
	Peers    []PeerChange
	Parts    []Part // of one epoch each
	Requests []Request
	Shown    []Shown
	Answers  []Shown // to where a peer is
	Admitted []mempool.Candidate
	Executed []engine.Execution
	Records  [][]byte // system records for the next own snapshot: they were checked, and could count
}

// A PeerChange tells that a connection came up or went down.
type PeerChange struct {
	Peer kernel.Key
	Up   bool
}

// A Part is what an input holds for the engine of one epoch: arrivals, what is missed, answers.
type Part struct {
	Epoch kernel.Epoch
	engine.Input
}

// A Request is a message that asks for something, Want, Ask, Have, More or StartQuery, or Kept, which says what not to ask for.
type Request struct {
	From    kernel.Key
	Message wire.Message
}

// A Shown tells that a peer is in an epoch, or says so.
type Shown struct {
	Peer  kernel.Key
	Epoch kernel.Epoch
}

// Join adds what another input holds, all but what is true of its moment only: one step takes both.
func (in *Input) Join(more *Input) {
	in.Peers = append(in.Peers, more.Peers...)
	for i := range more.Parts {
		in.part(more.Parts[i].Epoch).Join(&more.Parts[i].Input)
	}
	in.Requests = append(in.Requests, more.Requests...)
	in.Shown = append(in.Shown, more.Shown...)
	in.Answers = append(in.Answers, more.Answers...)
	in.Admitted = append(in.Admitted, more.Admitted...)
	in.Executed = append(in.Executed, more.Executed...)
	in.Records = append(in.Records, more.Records...)
}

// part is the part of an epoch, made if there is none.
func (in *Input) part(epoch kernel.Epoch) *engine.Input {
	for i := range in.Parts {
		if in.Parts[i].Epoch == epoch {
			return &in.Parts[i].Input
		}
	}
	in.Parts = append(in.Parts, Part{Epoch: epoch})
	return &in.Parts[len(in.Parts)-1].Input
}

// partOf is an input for one epoch's engine.
func partOf(epoch kernel.Epoch, in engine.Input) *Input {
	return &Input{Parts: []Part{{epoch, in}}}
}

// shown is an input that says no more than where a peer is.
func shown(peer kernel.Key, epoch kernel.Epoch) *Input {
	return &Input{Shown: []Shown{{peer, epoch}}}
}

// An Output is what the shell owes after a step, in the order of the fields, as engine.Output has it.
type Output struct {
	Persist []engine.Record // 1. append to the log
	Sync    bool            //    and sync it
	Send    []Envelope      // 2. may be lost, repeated or reordered
	Serve   []Serving       //    snapshots from the log, likewise
	Commits []engine.Ordered
	Refused []engine.Refused // 4. to the logs and metrics
	Faulty  []kernel.Equivocation
	Beaten  []engine.Beaten
	Admit   []engine.Admission
	Entered []*Seat          // epochs that the node has entered, for the logs; connections may be due to other nodes now
	Wake    kernel.Timestamp // 5. step again no later than this; 0 is never
	Failed  error            // the log lost what the next epoch needs: the node must stop, and start again
}

// An Envelope is a message to send to nodes, as far as they are connected.
type Envelope struct {
	To      []kernel.Key // never this node's own; shared, not to be changed
	Sample  int          // above 0: to that many of the connected ones, at random
	Own     bool         // an own new snapshot: Encode has a short form of it for members of its epoch
	Message wire.Message
}

// A Serving asks the shell to send snapshots out of the log, and wire.More{Epoch} after them if there
// are more.
type Serving struct {
	To    kernel.Key
	IDs   []kernel.SnapshotID
	More  bool
	Epoch kernel.Epoch
}
