package client_test

import (
	"encoding/hex"
	"testing"

	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/client"
	"github.com/asterism-network/asterism/kernel/internal/rpc"
)

// verifyWitness checks with public values only that the node vouches for the snapshot, and that
// its stored form is what the author signed.
func verifyWitness(t *testing.T, s settled, snapshot *client.Snapshot) {
	t.Helper()
	at := kernel.Timestamp(snapshot.Witness.Timestamp / 1_000_000)
	message := rpc.WitnessMessage(snapshot.Hash, snapshot.Topology, at)
	if !crypto.Verify(s.Genesis.Members[0].Key, message, snapshot.Witness.Signature) {
		t.Error("the witness is not the node's")
	}
	encoded, err := hex.DecodeString(snapshot.Hex)
	if err != nil {
		t.Fatal(err)
	}
	var h kernel.Header
	if err := h.UnmarshalBinary(encoded); err != nil {
		t.Fatal(err)
	}
	id := h.ID()
	if id != snapshot.Hash || !crypto.Verify(s.Genesis.Members[h.Author].Key, id[:], *snapshot.Signature) {
		t.Error("the snapshot is not its author's")
	}
}
