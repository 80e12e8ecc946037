package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/pillars/internal/gossip"
	"github.com/asterism-network/asterism/pillars/internal/wire"
)

// evidenceFile is where a node keeps proof of stakes that were used twice [PIL-EVD-3]: messages of the wire, one behind the other,
// the oldest first.
const evidenceFile = "twins.bin"

// maxEvidence is how much evidence is kept: the newest.
const maxEvidence = 64

// loadEvidence reads what an earlier life of the node kept. Each pair is proved again: the file is no better than a peer.
func (n *Node) loadEvidence() error {
	path := filepath.Join(n.home, evidenceFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > int64(maxEvidence*wire.KindTwins.MaxSize()) {
		return fmt.Errorf("%s has %d bytes", path, info.Size())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all, err := decodeEvidence(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, t := range all {
		n.core.Recall(t)
	}
	n.evidence = all
	return nil
}

// errEvidence is what is wrong with a file of evidence.
var errEvidence = errors.New("no evidence")

func decodeEvidence(raw []byte) (all []*wire.Twins, err error) {
	each := wire.KindTwins.MaxSize()
	if len(raw)%each != 0 || len(raw) > maxEvidence*each {
		return nil, fmt.Errorf("%w: %d bytes", errEvidence, len(raw))
	}
	for ; len(raw) > 0; raw = raw[each:] {
		m, err := wire.Decode(wire.KindTwins, raw[:each])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errEvidence, err)
		}
		t := m.(*wire.Twins)
		if !gossip.Proves(t) {
			return nil, fmt.Errorf("%w: a pair that proves nothing", errEvidence)
		}
		all = append(all, t)
	}
	return all, nil
}

// saveEvidence writes the file anew, beside the old one, and puts it in its place once it is on the disk. The owner calls it:
// evidence takes a stake and two signatures to make, so that it is rare, and there are fifty kilobytes at most.
func (n *Node) saveEvidence() error {
	var raw []byte
	for _, t := range n.evidence {
		raw = append(raw, wire.Encode(t)...)
	}
	path := filepath.Join(n.home, evidenceFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
