package lightnode

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/kernel/light"
)

// The file: the words below, the chain, whether the account reads history, and the account, each with
// its length. Both have checksums of their own. [CHK-20]
const (
	fileMagic  = "asterism light node 1\n"
	maxFile    = 256 << 20 // an account of half a million outputs
	maxAccount = maxFile - light.MaxStateSize - 64
)

// load reads the file; none is a fresh start.
func (n *Node) load() error {
	if n.config.File == "" {
		return nil
	}
	info, err := os.Stat(n.config.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%w %s: %d bytes are too many", ErrFile, n.config.File, info.Size())
	}
	b, err := os.ReadFile(n.config.File)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if err := n.decode(b); err != nil {
		return fmt.Errorf("%w %s: %w: remove it to start from the genesis again", ErrFile, n.config.File, err)
	}
	n.saved = true
	return nil
}

func (n *Node) decode(b []byte) error {
	r := codec.NewReader(b)
	if !bytes.Equal(r.View(len(fileMagic), "magic"), []byte(fileMagic)) {
		r.Fail(codec.BadValue, "magic")
	}
	chain := r.View32(light.MaxStateSize, "chain")
	history := r.Bool("history")
	account := r.View32(maxAccount, "account")
	if err := r.Done(); err != nil {
		return err
	}
	restored, err := light.Restore(n.config.Genesis, chain)
	if err != nil {
		return err
	}
	n.chain = restored
	if n.account == nil || len(account) == 0 {
		return nil
	}
	if history != n.config.History {
		return errors.New("it was made in the other way of reading (with or without history)")
	}
	n.account, err = light.RestoreAccount(n.config.Keys.View, n.config.Keys.Spend, account)
	return err
}

func (n *Node) encode() []byte {
	b := append([]byte(nil), fileMagic...)
	b = codec.AppendBytes32(b, n.chain.AppendBinary(nil))
	b = codec.AppendBool(b, n.config.History)
	var account []byte
	if n.account != nil {
		account = n.account.AppendBinary(nil)
	}
	return codec.AppendBytes32(b, account)
}

// save writes the file, whole or not at all.
func (n *Node) save() error {
	if n.config.File == "" || n.saved {
		return nil
	}
	if err := writeWhole(n.config.File, n.encode()); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	n.saved = true
	return nil
}

func writeWhole(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
