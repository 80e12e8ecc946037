package store

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// The tables of the key-value store. A key is the table's byte and then the parts named here,
// integers big-endian, so that a scan is in the order of the numbers. [STO-9]
const (
	tableMeta        = 'm' // name of one value → the value
	tableEntry       = 'l' // snapshot id → place in the log
	tableVariant     = 'v' // epoch, author, round, number in order of acceptance → snapshot id
	tableTransaction = 'z' // number of a transaction's row, in the order of receipts → receipt, outputs; the last table, see kv.Options.Growing
	tableHash        = 'h' // fingerprint of a transaction's hash → numbers
	tableGhost       = 'g' // fingerprint of a one-time key → numbers of the rows that have outputs with it
	tableSpend       = 'x' // number of a row, index of an output → number of the transaction that spent it
	tableIdentity    = 'i' // deposit's or mint's identity → number of a transaction
	tableNumber      = 'n' // number of an asset, in the order of first outputs → asset id
	tableAsset       = 'a' // asset id → asset
	tableFault       = 'f' // number in order of discovery → fault
	tableBlame       = 'b' // kind, author, epoch, round of a fault → its number
	tableCommit      = 'c' // commit index → commit
	tableJudged      = 'j' // commit index → number of its first receipt, and how many rows there are
	tablePosition    = 'p' // position among all committed snapshots → snapshot id
	tableSnapshot    = 's' // snapshot id → commit index, position
	tableEmptied     = 'y' // commit index → outputs that it spent; gone when the trees are past it
	tablePlaces      = 'q' // number of a row that was written without its places → places
	tableTree        = 'w' // tree, level, index → nodes of a checkpoint's tree
	tableCertificate = 'e' // commit index → certified checkpoint
	tableRoster      = 'r' // epoch → its roster
	tableIssued      = 't' // transaction → bytes, of those that no snapshot brought: of genesis, and the ledger's own
	tableSystem      = 'k' // key of a system row → its value
	tableFormer      = 'o' // commit that ended an epoch → what changes in place, as it was then
)

// The values that there is one of.
var (
	keyOrigin    = []byte("morigin")    // format, network and node of the folder
	keyHead      = []byte("mhead")      // ledger.Head
	keyConsensus = []byte("mconsensus") // opaque state of the commit rule
	keyIndexed   = []byte("mindexed")   // how far the index reaches in the log
	keyDoubt     = []byte("mdoubt")     // why the log is in doubt
	keyTrees     = []byte("mtrees")     // where the trees of checkpoints stand
	keyVote      = []byte("mvote")      // the newest checkpoint that this node has signed
	keyFrozen    = []byte("mfrozen")    // what the newest end of an epoch keeps of the state
	keyBase      = []byte("mbase")      // the commit that the folder's history begins behind; before it only genesis is there
	keyPrevious  = []byte("mprevious")  // digest of the commit before that one
	keySwept     = []byte("mswept")     // the commit up to which what the base makes useless is gone
	keyOldest    = []byte("moldest")    // number of the oldest segment of the log that must be there
)

// A key buffer that is long enough for every table.
const maxKey = 1 + 4 + 1 + 8 + 32

func key32(table byte, id *[32]byte) []byte {
	return append(append(make([]byte, 0, maxKey), table), id[:]...)
}

func key64(table byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, maxKey), table), n)
}

func appendNumberKey(b []byte, table byte, n number) []byte {
	return binary.BigEndian.AppendUint64(append(b, table), uint64(n))
}

func appendSpendKey(b []byte, n number, index uint16) []byte {
	return binary.BigEndian.AppendUint16(appendNumberKey(b, tableSpend, n), index)
}

func keyBlame(b []byte, kind ledger.FaultKind, author kernel.Author, epoch kernel.Epoch, round kernel.Round) []byte {
	b = append(b, tableBlame, byte(kind), byte(author))
	b = binary.BigEndian.AppendUint32(b, uint32(epoch))
	return binary.BigEndian.AppendUint64(b, uint64(round))
}

// A slot is where a snapshot may stand: equivocators have several in one.
type slot struct {
	epoch  kernel.Epoch
	author kernel.Author
	round  kernel.Round
}

const slotKey = 1 + 4 + 1 + 8

func keySlot(s slot) []byte {
	b := append(make([]byte, 0, maxKey), tableVariant)
	b = binary.BigEndian.AppendUint32(b, uint32(s.epoch))
	b = append(b, byte(s.author))
	return binary.BigEndian.AppendUint64(b, uint64(s.round))
}

func keyVariant(s slot, number uint16) []byte {
	return binary.BigEndian.AppendUint16(keySlot(s), number)
}

// slotOf decodes a variant's key.
func slotOf(key []byte) (s slot, number uint16, ok bool) {
	if len(key) != slotKey+2 || key[0] != tableVariant {
		return s, 0, false
	}
	s.epoch = kernel.Epoch(binary.BigEndian.Uint32(key[1:]))
	s.author = kernel.Author(key[5])
	s.round = kernel.Round(binary.BigEndian.Uint64(key[6:]))
	return s, binary.BigEndian.Uint16(key[slotKey:]), true
}
