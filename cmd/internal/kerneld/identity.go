package kerneld

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
)

// keyKind names the secret of a node in its file.
const keyKind = "asterism node"

// An Identity is what makes a node that node: the seed of its RFC 8032 key and its share of
// the coin's secret, zero until the network's keys are dealt.
type Identity struct {
	Seed  [32]byte
	Share [32]byte
}

// HasShare reports whether the coin's keys were dealt to this node.
func (id *Identity) HasShare() bool { return id.Share != [32]byte{} }

// WriteIdentity creates the key file, or replaces the share in it. A test network's keys are
// public anyway and cost nothing to open.
func (h Home) WriteIdentity(id *Identity, public kernel.Key, passphrase []byte, testNetwork bool) error {
	cost, strength := keystore.DefaultCost, keystore.Strong
	if testNetwork {
		cost, strength = keystore.DevnetCost, keystore.AllowWeak
	}
	secret := append(bytes.Clone(id.Seed[:]), id.Share[:]...)
	defer keystore.Zero(secret)
	sealed, err := keystore.Seal(keyKind, map[string]string{"node": public.String()}, secret, passphrase, cost, strength)
	if err != nil {
		return err
	}
	if _, err := os.Stat(h.Key()); err == nil {
		return keystore.Replace(h.Key(), sealed)
	}
	return keystore.Create(h.Key(), sealed)
}

// ReadIdentity opens the key file.
func (h Home) ReadIdentity(passphrase func() ([]byte, error), testNetwork bool) (*Identity, error) {
	sealed, err := keystore.Load(h.Key())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, cli.Fail(cli.BadConfig, "no_key", "%s has no node.key", h).WithHint("kerneld init --home %s", h)
	}
	if err != nil {
		return nil, err
	}
	phrase, err := passphrase()
	if err != nil {
		return nil, err
	}
	defer keystore.Zero(phrase)
	secret, err := keystore.Open(sealed, keyKind, phrase, keystore.Strength(testNetwork))
	if err != nil {
		return nil, err
	}
	defer keystore.Zero(secret)
	if len(secret) != 64 {
		return nil, keystore.ErrMalformed
	}
	id := new(Identity)
	copy(id.Seed[:], secret[:32])
	copy(id.Share[:], secret[32:])
	return id, nil
}

// PublicKey is the node key as the key file shows it without a passphrase.
func (h Home) PublicKey() (kernel.Key, error) {
	var key kernel.Key
	sealed, err := keystore.Load(h.Key())
	if err != nil {
		return key, err
	}
	kind, public, err := keystore.Public(sealed)
	if err != nil {
		return key, err
	}
	if _, err := hex.DecodeString(public["node"]); kind != keyKind || err != nil {
		return key, keystore.ErrKind
	}
	return key, key.UnmarshalText([]byte(public["node"]))
}

// passphraseSource is where a daemon finds its passphrase: a file named by a flag, the service
// manager's credentials, a variable that names a file, the terminal.
func passphraseSource(file string, confirm bool) keystore.Source {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); file == "" && dir != "" {
		if name := filepath.Join(dir, "passphrase"); fileExists(name) {
			file = name
		}
	}
	return keystore.Source{File: file, Confirm: confirm}
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
