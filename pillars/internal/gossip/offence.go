package gossip

import (
	"github.com/asterism-network/asterism/pillars/internal/tree"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// An Offence is why a peer loses points, or is sent away. Names are in logs, in Goodbye and in metrics: add at the
// end, never rename.
type Offence uint8

// The offences [PIL-PEE-3]. At a hundred points a peer is sent away and banned.
const (
	NoOffence      Offence = iota
	OtherNetwork           // another genesis or other parameters: sent away
	OtherVersion           // of the protocol: sent away
	Myself                 // it is this process: sent away
	HelloFirst             // a message before hello, or a second hello
	BadMessage             // bytes that are no message
	BadHeader              // a header that breaks a rule
	OtherChain             // its chain left ours below what is final: sent away
	BadBlock               // a block that breaks a rule
	NoBodies               // headers, and no bodies: sent away
	NoHeaders              // no answer to a question for headers: sent away
	Unasked                // something that it was not asked for
	BadTransaction         // one that no node relays
	BadEvidence            // twins that are none
	TooMuch                // more than a node needs to say
	Silent                 // nothing for too long: sent away
	offenceEnd
)

var offences = [...]struct {
	name   string
	points int
}{
	NoOffence: {"none", 0}, OtherNetwork: {"other_network", 0}, OtherVersion: {"other_version", 0}, Myself: {"myself", 0},
	HelloFirst: {"hello_first", 100}, BadMessage: {"bad_message", 100}, BadHeader: {"bad_header", 100}, OtherChain: {"other_chain", 0},
	BadBlock: {"bad_block", 100}, NoBodies: {"no_bodies", 0}, NoHeaders: {"no_headers", 0},
	Unasked: {"unasked", 10}, BadTransaction: {"bad_transaction", 100},
	BadEvidence: {"bad_evidence", 100}, TooMuch: {"too_much", 10}, Silent: {"silent", 0},
}

// String returns the offence's name.
func (o Offence) String() string {
	if o >= offenceEnd {
		return "unknown"
	}
	return offences[o].name
}

const banPoints = 100

// blame adds an offence's points to a peer, and sends it away when they are too many.
func (c *Core) blame(p *peer, o Offence) {
	p.points += offences[o].points
	if p.points >= banPoints {
		c.dismiss(p, o, c.limits.Ban)
	}
}

// dismiss sends a peer away.
func (c *Core) dismiss(p *peer, why Offence, ban uint32) {
	if p.gone {
		return
	}
	c.send(p, &wire.Goodbye{Reason: why.String()})
	p.gone = true
	c.count.Dismissed++
	if ban > 0 {
		c.count.Banned++
	}
	c.out.Drop = append(c.out.Drop, Dismissal{p.id, why, ban})
	c.release(p)
}

// Blame is told of an offence that the shell found: bytes that are no message.
func (c *Core) Blame(id tree.Peer, o Offence) {
	if p := c.byPeer[id]; p != nil {
		c.blame(p, o)
	}
}
