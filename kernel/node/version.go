package node

import (
	"errors"
	"fmt"

	"github.com/asterism-network/asterism/kernel"
	"github.com/asterism-network/asterism/kernel/internal/ledger"
)

// ErrVersion says that the holders of XIN have decided on rules that this program does not know.
var ErrVersion = errors.New("this program is too old for the network")

// checkVersion refuses to take part in an epoch whose rules this program does not know: it ends
// before it writes or sends anything of that epoch, and a newer program goes on from its folder. [GOV-9]
func (n *Node) checkVersion(epoch kernel.Epoch) error {
	view := n.store.View()
	defer view.Close()
	knows := n.config.knows
	if knows == 0 {
		knows = kernel.ProtocolVersion
	}
	return versionFits(ledger.ProtocolOf(view), epoch, knows)
}

func versionFits(p ledger.Protocol, epoch kernel.Epoch, knows uint32) error {
	if v := p.At(epoch); v > knows {
		return fmt.Errorf("%w: epoch %d runs protocol version %d, this program knows versions up to %d; install a newer one and start it on the same folder",
			ErrVersion, epoch, v, knows)
	}
	return nil
}
