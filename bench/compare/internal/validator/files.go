package validator

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/asterism-network/asterism/kernel"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"
)

// SpecFile is the name of a validator's Spec in its folder.
const SpecFile = "spec.json"

// WriteNetwork makes the folders of validators that know each other, one for each address, and
// writes their specs. The common spec gives what is the same for all; payments are one file each.
func WriteNetwork(dir string, addresses, payments []string, common Spec) ([]Spec, error) {
	specs := make([]Spec, len(addresses))
	doc := types.GenesisDoc{ChainID: common.Chain, GenesisTime: time.Now(), InitialHeight: 1, ConsensusParams: parameters()}
	for i, address := range addresses {
		s := common
		s.Home, s.Index, s.Payments = filepath.Join(dir, fmt.Sprint("validator-", i)), i, payments[i]
		if err := os.MkdirAll(filepath.Join(s.Home, "data"), 0o700); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(filepath.Join(s.Home, "config"), 0o700); err != nil {
			return nil, err
		}
		node := &p2p.NodeKey{PrivKey: ed25519.GenPrivKey()}
		if err := node.SaveAs(s.file(nodeFile)); err != nil {
			return nil, err
		}
		signer := privval.GenFilePV(s.file(keyFile), s.file(stateFile))
		signer.Save()
		doc.Validators = append(doc.Validators, types.GenesisValidator{Address: signer.Key.Address, PubKey: signer.Key.PubKey, Power: 1})
		common.Peers = append(common.Peers, p2p.IDAddressString(node.ID(), address))
		specs[i] = s
	}
	for i := range specs {
		s := &specs[i]
		s.Peers = common.Peers
		if i > 0 {
			s.Profile = "" // one is enough
		}
		if err := doc.SaveAs(s.file(docFile)); err != nil {
			return nil, err
		}
		text, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(s.file(SpecFile), text, 0o600); err != nil {
			return nil, err
		}
	}
	return specs, nil
}

// WriteTransactions writes signed transactions to a file, each after its length.
func WriteTransactions(name string, all [][]byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	for _, raw := range all {
		w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(raw)))) // the error stays until Flush
		w.Write(raw)
	}
	return errors.Join(w.Flush(), f.Close())
}

// ReadTransactions reads what WriteTransactions wrote.
func ReadTransactions(name string) (all [][]byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		n := binary.BigEndian.Uint32(length[:])
		if n > kernel.MaxTransactionSize {
			return nil, fmt.Errorf("read %s: a transaction of %d bytes", name, n)
		}
		raw := make([]byte, n)
		if _, err := io.ReadFull(r, raw); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, raw)
	}
}

// readGenesis decodes the transactions of a file.
func readGenesis(name string) ([]*kernel.Transaction, error) {
	raw, err := ReadTransactions(name)
	if err != nil {
		return nil, err
	}
	all := make([]*kernel.Transaction, len(raw))
	for i := range raw {
		all[i] = new(kernel.Transaction)
		if err := all[i].UnmarshalBinary(raw[i]); err != nil {
			return nil, fmt.Errorf("transaction %d of %s: %w", i, name, err)
		}
	}
	return all, nil
}
