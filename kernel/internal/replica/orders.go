package replica

import (
	"encoding/binary"

	"github.com/asterism-network/asterism/kernel/internal/consensus"
)

// With each commit the store keeps the order of its epoch, and that of the epoch before as it ended: a
// node that restarts may have to go on there until a single snapshot decides the end. Either may be
// empty: nothing is committed in this epoch yet, or there was none before.

// joinOrders is the stored form of both.
func joinOrders(current, ended []byte) []byte {
	b := make([]byte, 0, 4+len(current)+len(ended))
	b = binary.BigEndian.AppendUint32(b, uint32(len(current)))
	return append(append(b, current...), ended...)
}

// splitOrders undoes joinOrders. A folder in which nothing is committed holds nothing.
func splitOrders(b []byte) (current, ended []byte) {
	if len(b) < 4 || uint32(len(b)-4) < binary.BigEndian.Uint32(b) {
		return nil, nil
	}
	n := binary.BigEndian.Uint32(b)
	return b[4 : 4+n], b[4+n:]
}

func orderOf(b []byte) (*consensus.Order, error) {
	if len(b) == 0 {
		return nil, nil
	}
	o := new(consensus.Order)
	return o, o.UnmarshalBinary(b)
}
