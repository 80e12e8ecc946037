package store

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/pillars"
	"github.com/asterism-network/asterism/pillars/internal/state"
)

// The tables. A key is the table's byte and then the parts named here, integers big-endian, so that a scan is in the
// order of the numbers. [PIL-STO-2]
const (
	tableMeta        = 'm' // name of one value -> the value
	tableEntry       = 'b' // block id -> Entry, of every block stored and, in a pruned folder, of those that were
	tableBody        = 'd' // block id -> the block's bytes
	tableUndo        = 'u' // block id -> state.Undo, of our chain
	tableHeight      = 'n' // height -> block id, of our chain
	tableSide        = 's' // height, block id -> nothing, of judged blocks that are not of our chain
	tableState       = 'r' // a key of package state -> its record
	tableTransaction = 't' // transaction id -> height, position in the block
	tableAddress     = 'a' // address, height, position -> what the transaction does there: Receives, Spends
)

// The values that there is one of.
var (
	keyOrigin = []byte("morigin") // format, network and profile of the folder
	keyTip    = []byte("mtip")    // block id
	keyHash   = []byte("mhash")   // crypto.SetHash over the records of the state
	keyHigh   = []byte("mhigh")   // the highest height that our chain ever had
	keyFrom   = []byte("mfrom")   // lowest height with a body, in a pruned folder
)

func keyID(table byte, id [32]byte) []byte { return append([]byte{table}, id[:]...) }

func keyHeight(n uint32) []byte { return appendU32([]byte{tableHeight}, n) }

func keySide(n uint32, id pillars.BlockID) []byte {
	return append(appendU32([]byte{tableSide}, n), id[:]...)
}

func keyState(k state.Key) []byte { return append([]byte{tableState}, k...) }

// keyAddress starts with the kind, which says how many bytes follow, so no address is the front of another.
func keyAddress(a pillars.Address) []byte {
	return append([]byte{tableAddress, byte(a.Kind())}, a.Hash()...)
}

func keyPlace(a pillars.Address, at Place) []byte {
	return appendU32(appendU32(keyAddress(a), at.Height), at.Position)
}

func appendU32(b []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(b, v) }
func u32(b []byte) uint32                 { return binary.BigEndian.Uint32(b) }
