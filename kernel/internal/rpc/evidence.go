package rpc

import (
	"context"
	"encoding/hex"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

func (s *Server) evidenceMethods() []Method {
	return []Method{
		{Name: "getfault", Right: Read, Handle: s.getFault,
			About:  "A fault with what proves it: the body entry and, of an equivocation, both statements that the author signed; null if there is none of that number.",
			Params: []Param{{Name: "number", Kind: "integer", Required: true, About: "number of the fault, from 0, as listfaults counts", Example: 0}},
			Result: &client.FaultEvidence{}},
	}
}

func (s *Server) getFault(_ context.Context, a *args) (any, error) {
	number := a.Uint("number", lastCommit, 0)
	if err := a.Err(); err != nil {
		return nil, err
	}
	found := s.history.Faults(number, 1)
	if len(found) == 0 {
		return (*client.FaultEvidence)(nil), nil
	}
	f := &found[0]
	out := &client.FaultEvidence{Fault: showFault(f), Number: number, Statements: []client.SignedStatement{}}
	entry, carrier, ok := s.entryOf(f)
	if !ok {
		return out, nil
	}
	out.Record, out.Carrier = hex.EncodeToString(entry.Bytes), carrier
	switch f.Kind {
	case ledger.FaultEquivocation:
		s.addStatements(out, entry)
	case ledger.FaultDoubleSpend, ledger.FaultInvalid:
		s.addCarried(out, carrier, entry)
	}
	return out, nil
}

// entryOf finds the body entry that a fault was found by, in the commit that found it.
func (s *Server) entryOf(f *ledger.Fault) (entry kernel.Entry, carrier kernel.SnapshotID, ok bool) {
	commit, ok := s.history.Ordered(f.Commit)
	if !ok {
		return entry, carrier, false
	}
	for _, c := range commit.Snapshots {
		raw, held := s.history.Body(c.ID)
		var body kernel.Body
		if !held || body.UnmarshalBinary(raw) != nil {
			continue
		}
		for _, e := range body.Entries {
			if kernel.EntryHash(e) == f.Entry {
				return e, c.ID, true
			}
		}
	}
	return entry, carrier, false
}

// addCarried adds what the author signed, and the way from the entry to the body's root in it.
func (s *Server) addCarried(out *client.FaultEvidence, carrier kernel.SnapshotID, entry kernel.Entry) {
	header, known := s.history.Header(carrier)
	raw, held := s.history.Body(carrier)
	var body kernel.Body
	if !known || !held || body.UnmarshalBinary(raw) != nil {
		return
	}
	for i := range body.Entries {
		if kernel.EntryHash(body.Entries[i]) == kernel.EntryHash(entry) {
			out.Header, out.Carried = header, kernel.EvidenceEntryOf(&body, i)
			return
		}
	}
}

// addStatements puts both signed statements of an equivocation beside each other, with the key that
// signed them, which is one of the members' there ever were.
func (s *Server) addStatements(out *client.FaultEvidence, entry kernel.Entry) {
	var record kernel.Record
	var proof kernel.Equivocation
	if record.UnmarshalBinary(entry.Bytes) != nil || proof.UnmarshalBinary(record.Payload) != nil {
		return
	}
	key, _ := s.signerOf(&proof)
	out.Key = key
	if !key.IsZero() {
		out.Node = kernel.NodeIDOf(proof.Network, key)
	}
	for i := range proof.Rest {
		id := kernel.SnapshotIDOf(proof.Network, proof.Epoch, proof.Author, proof.Round, proof.Rest[i])
		statement := client.SignedStatement{ID: id, Rest: proof.Rest[i], Signature: proof.Signed[i], Valid: crypto.Verify(key, id[:], proof.Signed[i])}
		if h, held := s.history.Header(id); held {
			statement.Header = hex.EncodeToString(h)
		}
		out.Statements = append(out.Statements, statement)
	}
}

func (s *Server) signerOf(proof *kernel.Equivocation) (kernel.Key, bool) {
	for _, m := range s.node.Info().Genesis.Members {
		if proof.Verify(m.Key) {
			return m.Key, true
		}
	}
	view, release := s.history.View()
	defer release()
	for _, m := range ledger.MembersOf(view) {
		if proof.Verify(m.Member.Key) {
			return m.Member.Key, true
		}
	}
	return kernel.Key{}, false
}
