package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/kernel"
)

// A keyring holds the secret keys that this node signs checkpoints with, one for each epoch, in a file
// of its own beside the folder. A key is drawn when the roster of its epoch is under way, and erased
// when the epoch is over and certified: whoever steals the machine later cannot write that epoch's history
// again. A member without one signs with its node key. [CHK-2]
type keyring struct {
	file string

	mu   sync.Mutex
	keys map[kernel.Epoch][32]byte
}

const (
	keyringMagic = "asterism checkpoint keys 1\n"
	maxKeyring   = 64 // epochs
)

// ErrKeyring says that the file of the keys for checkpoints cannot be used.
var ErrKeyring = errors.New("keys for checkpoints")

// keyringFile is where the keys are.
func (c *Config) keyringFile() string {
	if c.Keyring != "" {
		return c.Keyring
	}
	return c.Home + ".checkpoint-keys"
}

func openKeyring(file string) (*keyring, error) {
	k := &keyring{file: file, keys: make(map[kernel.Epoch][32]byte)}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err == nil {
		err = k.decode(b)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrKeyring, file, err)
	}
	return k, nil
}

func (k *keyring) decode(b []byte) error {
	if len(b) < crypto.HashSize || crypto.SumLabel(keyringMagic, b[:len(b)-crypto.HashSize]) != [crypto.HashSize]byte(b[len(b)-crypto.HashSize:]) {
		return errors.New("the file is damaged: remove it, and the next epoch's checkpoints are signed with a new key")
	}
	r := codec.NewReader(b[:len(b)-crypto.HashSize])
	if string(r.View(len(keyringMagic), "magic")) != keyringMagic {
		r.Fail(codec.BadValue, "magic")
	}
	for range r.Count16(maxKeyring, 4+32, "keys") {
		epoch := kernel.Epoch(r.U32("epoch"))
		var seed [32]byte
		r.Fixed(seed[:], "key")
		k.keys[epoch] = seed
	}
	return r.Done()
}

func (k *keyring) encode() []byte {
	b := codec.AppendU16([]byte(keyringMagic), uint16(len(k.keys)))
	for _, epoch := range k.epochs() {
		b = codec.AppendU32(b, uint32(epoch))
		seed := k.keys[epoch]
		b = append(b, seed[:]...)
	}
	sum := crypto.SumLabel(keyringMagic, b)
	return append(b, sum[:]...)
}

func (k *keyring) epochs() (list []kernel.Epoch) {
	for epoch := range k.keys {
		list = append(list, epoch)
	}
	slices.Sort(list)
	return list
}

// public is the key of an epoch, drawn and durable if there was none; zero if that fails.
func (k *keyring) public(epoch kernel.Epoch) kernel.Key {
	k.mu.Lock()
	defer k.mu.Unlock()
	seed, ok := k.keys[epoch]
	if !ok {
		if list := k.epochs(); len(list) == maxKeyring {
			delete(k.keys, list[0])
		}
		if _, err := rand.Read(seed[:]); err != nil {
			return kernel.Key{}
		}
		k.keys[epoch] = seed
		if k.save() != nil {
			delete(k.keys, epoch)
			return kernel.Key{}
		}
	}
	return crypto.NodeKeyFromSeed(seed).Public()
}

// sign signs with the key of an epoch, if it has the given public half.
func (k *keyring) sign(epoch kernel.Epoch, public kernel.Key, h kernel.Hash) (s kernel.Signature, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seed, ok := k.keys[epoch]
	if !ok {
		return s, false
	}
	key := crypto.NodeKeyFromSeed(seed)
	return key.Sign(h[:]), key.Public() == public
}

// erase forgets the keys of epochs below one.
func (k *keyring) erase(below kernel.Epoch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	erased := false
	for _, epoch := range k.epochs() {
		if epoch < below {
			delete(k.keys, epoch)
			erased = true
		}
	}
	if !erased {
		return nil
	}
	return k.save()
}

// save writes the file, whole or not at all; k.mu is held.
func (k *keyring) save() error {
	f, err := os.CreateTemp(filepath.Dir(k.file), filepath.Base(k.file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(k.encode())
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), k.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(k.file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// A checkpointSigner signs with the key that the epoch's roster names for this node.
type checkpointSigner struct {
	node    crypto.NodeKey
	keyring *keyring
}

// SignCheckpoint implements replica.CheckpointSigner.
func (c checkpointSigner) SignCheckpoint(roster *kernel.EpochRoster, h kernel.Hash) (kernel.Author, kernel.Signature, bool) {
	for i := range roster.Members {
		author := kernel.Author(i)
		if roster.Members[i].Key != c.node.Public() || roster.Members[i].Flagged {
			continue
		}
		if public := roster.CheckpointKey(author); public != c.node.Public() {
			s, ok := c.keyring.sign(roster.Epoch, public, h)
			return author, s, ok
		}
		return author, c.node.Sign(h[:]), true
	}
	return 0, kernel.Signature{}, false
}
