package wire

import (
	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel"
)

// A Push carries the sender's own newest snapshot without what its receivers know or can compute:
// network, author, the ids of parents and the body's root. What is signed stays the same: the
// receiver puts the header together from the ids that it knows at the named places, and a wrong one
// is a signature that does not verify. [NET-PUSH]
type Push struct {
	Epoch      kernel.Epoch
	Round      kernel.Round
	Timestamp  kernel.Timestamp
	Named      uint64 // other authors whose snapshots of the round below are named, a bit each
	Older      []Place
	Share      *kernel.CoinShare
	Claim      kernel.CommitClaim
	Closing    bool
	Checkpoint *kernel.CheckpointVote
	Signature  kernel.Signature
	Body       []byte // encoded
}

// A Place is where an author has its snapshot of a round.
type Place struct {
	Author kernel.Author
	Round  kernel.Round
}

// An Ask asks for the snapshots of places: for what a Push names and the sender of this does not
// have, or for what it could not put together.
type Ask struct {
	Epoch  kernel.Epoch
	Places []Place
}

func (Push) kind() byte { return 8 }
func (Ask) kind() byte  { return 9 }

// MaxAsk bounds the places of an Ask. [LIM]
const MaxAsk = 256

// PushOf is the short form of an encoded snapshot, whose parents must be the only ones known at
// their places.
func PushOf(raw []byte) (*Push, *kernel.Header, error) {
	r := codec.NewReader(raw)
	head := r.View16(kernel.MaxHeaderSize, "header")
	body := r.View32(kernel.MaxBodySize, "body")
	if err := r.Done(); err != nil {
		return nil, nil, err
	}
	h := new(kernel.Header)
	if err := h.UnmarshalBinary(head); err != nil {
		return nil, nil, err
	}
	p := &Push{
		Epoch: h.Epoch, Round: h.Round, Timestamp: h.Timestamp, Share: h.Share, Claim: h.Claim, Closing: h.Closing,
		Checkpoint: h.Checkpoint, Signature: h.Signature, Body: body,
	}
	for _, parent := range h.Parents[1:] {
		if parent.Round+1 == h.Round {
			p.Named |= 1 << parent.Author
		} else {
			p.Older = append(p.Older, Place{parent.Author, parent.Round})
		}
	}
	return p, h, nil
}

// Places lists the places of all parents in the order of a header.
func (p *Push) Places(author kernel.Author) []Place {
	places := []Place{{author, p.Round - 1}}
	for a := range kernel.Author(kernel.MaxMembers) {
		if p.Named>>a&1 == 1 {
			places = append(places, Place{a, p.Round - 1})
		}
	}
	return append(places, p.Older...)
}

// Snapshot puts the snapshot together from the ids of its parents in the order of Places; raw is its
// encoded form, which it aliases. It is as good as one that was decoded.
func (p *Push) Snapshot(network kernel.NetworkID, author kernel.Author, ids []kernel.SnapshotID) (s *kernel.Snapshot, raw []byte, err error) {
	places := p.Places(author)
	if len(ids) != len(places) {
		panic("wire: not one id for each parent")
	}
	h := &kernel.Header{
		Network: network, Epoch: p.Epoch, Author: author, Round: p.Round, Timestamp: p.Timestamp,
		BodyLength: uint32(len(p.Body)), Share: p.Share, Claim: p.Claim,
		Closing: p.Closing, Checkpoint: p.Checkpoint, Signature: p.Signature,
		Parents: make([]kernel.Parent, len(places)),
	}
	for i, at := range places {
		h.Parents[i] = kernel.Parent{Author: at.Author, Round: at.Round, ID: ids[i]}
	}
	head, _ := h.AppendBinary(nil) // as long as it will be
	raw = codec.AppendBytes32(codec.AppendBytes16(make([]byte, 0, 6+len(head)+len(p.Body)), head), p.Body)
	s = &kernel.Snapshot{Header: new(kernel.Header), Body: new(kernel.Body)}
	if err := s.Body.UnmarshalBinary(raw[6+len(head):]); err != nil {
		return nil, nil, err
	}
	h.BodyRoot = s.Body.Root()
	_, _ = h.AppendBinary(raw[2:2])
	return s, raw, s.Header.UnmarshalBinary(raw[2 : 2+len(head)])
}

func (p *Push) append(b []byte) []byte {
	b = codec.AppendU32(b, uint32(p.Epoch))
	b = codec.AppendU64(b, uint64(p.Round))
	b = codec.AppendU64(b, uint64(p.Timestamp))
	b = codec.AppendU64(b, p.Named)
	b = append(b, byte(len(p.Older)))
	for _, at := range p.Older {
		b = appendPlace(b, at)
	}
	b = codec.AppendBool(b, p.Share != nil)
	if p.Share != nil {
		b = append(b, p.Share.Share[:]...)
		b = append(b, p.Share.Proof[:]...)
	}
	b = codec.AppendU64(b, uint64(p.Claim.Index))
	b = append(b, p.Claim.Digest[:]...)
	b = codec.AppendBool(b, p.Closing)
	b = codec.AppendBool(b, p.Checkpoint != nil)
	if p.Checkpoint != nil {
		b = codec.AppendU64(b, uint64(p.Checkpoint.Index))
		b = append(b, p.Checkpoint.Signature[:]...)
	}
	b = append(b, p.Signature[:]...)
	return append(b, p.Body...)
}

func appendPlace(b []byte, at Place) []byte {
	return codec.AppendU64(append(b, byte(at.Author)), uint64(at.Round))
}

// decodePush reads a Push. Which authors it names, and how deep, the header's own rules judge when
// it is put together; here it is held to places that can be.
func decodePush(r *codec.Reader) Push {
	p := Push{Epoch: kernel.Epoch(r.U32("epoch"))}
	if p.Round = kernel.Round(r.U64("round")); p.Round < 2 || p.Round > kernel.MaxRound {
		r.Fail(codec.BadValue, "round")
	}
	p.Timestamp = kernel.Timestamp(r.U64("timestamp"))
	if p.Named = r.U64("named"); p.Named>>kernel.MaxMembers != 0 {
		r.Fail(codec.BadValue, "named")
	}
	n := int(r.U8("older"))
	if n > kernel.MaxMembers {
		r.Fail(codec.TooLarge, "older")
		n = 0
	}
	for range n {
		p.Older = append(p.Older, readPlace(r))
	}
	if r.Bool("coin share") {
		p.Share = new(kernel.CoinShare)
		r.Fixed(p.Share.Share[:], "coin share")
		r.Fixed(p.Share.Proof[:], "coin share proof")
	}
	p.Claim.Index = kernel.CommitIndex(r.U64("commit index"))
	r.Fixed(p.Claim.Digest[:], "commit digest")
	p.Closing = r.Bool("closing")
	if r.Bool("checkpoint") {
		p.Checkpoint = new(kernel.CheckpointVote)
		p.Checkpoint.Index = kernel.CommitIndex(r.U64("checkpoint index"))
		r.Fixed(p.Checkpoint.Signature[:], "checkpoint signature")
	}
	r.Fixed(p.Signature[:], "signature")
	p.Body = r.View(r.Left(), "body")
	return p
}

func readPlace(r *codec.Reader) (at Place) {
	if at.Author = kernel.Author(r.U8("author")); at.Author >= kernel.MaxMembers {
		r.Fail(codec.BadValue, "author")
	}
	if at.Round = kernel.Round(r.U64("round")); at.Round == 0 || at.Round > kernel.MaxRound {
		r.Fail(codec.BadValue, "round")
	}
	return at
}

func decodeAsk(r *codec.Reader) Ask {
	a := Ask{Epoch: kernel.Epoch(r.U32("epoch"))}
	a.Places = make([]Place, r.Count16(MaxAsk, 9, "ask"))
	for i := range a.Places {
		a.Places[i] = readPlace(r)
	}
	return a
}
