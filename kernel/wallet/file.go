package wallet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/internal/codec"
	"github.com/asterism-network/asterism/internal/crypto"
	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/kernel"
)

// Files of a wallet, named after it.
const (
	keyKind  = "asterism wallet"
	keyFile  = ".wallet" // encrypted keys; the one to back up, beside the words
	scanFile = ".scan"   // rebuilt when deleted
	sentFile = ".sent"   // payments made
	lockFile = ".lock"
)

// ErrName says that a wallet's name is not a plain file name.
var ErrName = errors.New("wallet name: want 1 to 32 of a-z, 0-9, - and _")

// ErrLocked says that another process has the wallet open.
var ErrLocked = keystore.ErrInUse

// A Location says where a wallet is and what opens it.
type Location struct {
	Dir        string // made with mode 0700 if missing
	Name       string
	Network    kernel.NetworkID
	Passphrase []byte
	Cost       keystore.Cost     // for new files; the zero value is keystore.DefaultCost
	Strength   keystore.Strength // AllowWeak on devnets and in tests only
}

// A Birth is what a new wallet remembers about its making.
type Birth struct {
	Commit kernel.CommitIndex // scanning starts here; 0 finds everything
	Time   kernel.Timestamp
}

// Create makes a wallet from words, new or to be restored, and an optional BIP-39 passphrase,
// and opens it. It never overwrites a wallet. Words and passphrase are not kept: what the
// file holds is the seed they give.
func Create(at Location, words, wordsPassphrase string, birth Birth) (*Wallet, error) {
	seed, err := Seed(words, wordsPassphrase)
	if err != nil {
		return nil, err
	}
	defer clear(seed[:])
	return create(at, append([]byte{secretSeed}, seed[:]...), birth)
}

// CreateWatchOnly makes a wallet from a tracing key, and opens it.
func CreateWatchOnly(at Location, tracingKey string, birth Birth) (*Wallet, error) {
	keys, err := ParseTracingKey(tracingKey)
	if err != nil {
		return nil, err
	}
	secret := append([]byte{secretTrace}, keys.view[:]...)
	return create(at, append(secret, keys.address.Spend[:]...), birth)
}

func create(at Location, secret []byte, birth Birth) (*Wallet, error) {
	defer keystore.Zero(secret)
	if err := at.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(at.Dir, 0o700); err != nil {
		return nil, err
	}
	keys, err := readSecret(secret)
	if err != nil {
		return nil, err
	}
	if at.Cost == (keystore.Cost{}) {
		at.Cost = keystore.DefaultCost
	}
	public := map[string]string{
		"address":  keys.address.String(),
		"network":  at.Network.String(),
		"birthday": strconv.FormatUint(uint64(birth.Commit), 10),
		"created":  birth.Time.Time().Format("2006-01-02T15:04:05Z"),
		"watch":    strconv.FormatBool(keys.WatchOnly()),
	}
	data, err := keystore.Seal(keyKind, public, secret, at.Passphrase, at.Cost, at.Strength)
	if err != nil {
		return nil, err
	}
	if err := keystore.Create(at.path(keyFile), data); err != nil {
		return nil, err
	}
	return at.open(keys, birth.Commit)
}

// Open decrypts a wallet and reads its files. One process at a time can have it open.
func Open(at Location) (*Wallet, error) {
	if err := at.check(); err != nil {
		return nil, err
	}
	data, err := keystore.Load(at.path(keyFile))
	if err != nil {
		return nil, err
	}
	secret, err := keystore.Open(data, keyKind, at.Passphrase, at.Strength)
	if err != nil {
		return nil, err
	}
	defer keystore.Zero(secret)
	keys, err := readSecret(secret)
	if err != nil {
		return nil, err
	}
	info, err := readInfo(at.Name, data)
	if err != nil {
		return nil, err
	}
	if info.Network != at.Network {
		return nil, fmt.Errorf("%w: wallet %s is for %s, not %s", ErrNetwork, at.Name, info.Network.Short(), at.Network.Short())
	}
	return at.open(keys, info.Birthday)
}

// Kinds of secret in the key file.
const (
	secretSeed  = 1 // 64 bytes, kernel.AccountFromSeed
	secretTrace = 2 // view scalar, public spend key
)

func readSecret(secret []byte) (Keys, error) {
	r := codec.NewReader(secret)
	kind := r.U8("kind")
	b := r.View(64, "keys")
	if err := r.Done(); err != nil {
		return Keys{}, fmt.Errorf("%w: %v", keystore.ErrMalformed, err)
	}
	switch kind {
	case secretSeed:
		return AccountKeys(kernel.AccountFromSeed([64]byte(b))), nil
	case secretTrace:
		return viewKeys(kernel.Scalar(b[:32]), kernel.Key(b[32:]))
	}
	return Keys{}, keystore.ErrVersion
}

// A fileHeader binds scan and payment files to one wallet on one network, without naming its
// address.
type fileHeader struct {
	Format  string           `json:"format"`
	Version int              `json:"version"`
	Network kernel.NetworkID `json:"network"`
	Wallet  kernel.Hash      `json:"wallet"`
}

func headerFor(format string, network kernel.NetworkID, keys Keys) fileHeader {
	return fileHeader{
		Format: format, Version: 1, Network: network,
		Wallet: crypto.SumLabel("asterism wallet file", keys.view[:], keys.address.Spend[:]),
	}
}

func (at Location) open(keys Keys, birthday kernel.CommitIndex) (*Wallet, error) {
	unlock, err := keystore.Lock(at.path(lockFile))
	if err != nil {
		return nil, err
	}
	w := New(keys, at.Network, birthday)
	w.name, w.unlock = at.Name, unlock
	if err := w.load(at); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// compactAfter is the number of entries after which opening rewrites the scan file as one.
const compactAfter = 2000

func (w *Wallet) load(at Location) error {
	entries := 0
	header := headerFor("asterism scan", w.network, w.keys)
	scan, err := openJournal(at.path(scanFile), header, func(entry []byte) error {
		entries++
		return w.facts.replay(entry)
	})
	if err != nil {
		return err
	}
	w.scanFile, w.saved = scan, w.facts.cursor.Next
	sent, err := openJournal(at.path(sentFile), headerFor("asterism payments", w.network, w.keys), w.book.replay)
	if err != nil {
		return err
	}
	w.sentFile = sent
	if entries > compactAfter {
		return w.scanFile.rewrite(header, w.facts.everything())
	}
	return nil
}

func (f *facts) replay(entry []byte) error {
	var c change
	if err := decodeStrict(entry, &c); err != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return f.apply(&c)
}

func (b *book) replay(entry []byte) error {
	var p Payment
	if err := decodeStrict(entry, &p); err != nil {
		return fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return b.put(p)
}

func (at Location) path(suffix string) string { return filepath.Join(at.Dir, at.Name+suffix) }

func (at Location) check() error {
	valid := at.Name != "" && len(at.Name) <= 32 && !strings.ContainsFunc(at.Name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
	if !valid {
		return fmt.Errorf("%w: %.40q", ErrName, at.Name)
	}
	return nil
}

// An Info is what a wallet shows without its passphrase. It is authentic only after Open.
type Info struct {
	Name      string             `json:"name"`
	Address   kernel.Address     `json:"address"`
	Network   kernel.NetworkID   `json:"network"`
	Birthday  kernel.CommitIndex `json:"birthday"`
	Created   string             `json:"created"`
	WatchOnly bool               `json:"watch_only"`
}

// ReadInfo returns what the wallet of the given name shows without a passphrase.
func ReadInfo(dir, name string) (Info, error) {
	at := Location{Dir: dir, Name: name}
	if err := at.check(); err != nil {
		return Info{}, err
	}
	data, err := keystore.Load(at.path(keyFile))
	if err != nil {
		return Info{}, err
	}
	return readInfo(name, data)
}

func readInfo(name string, data []byte) (Info, error) {
	kind, public, err := keystore.Public(data)
	if err != nil {
		return Info{}, err
	}
	if kind != keyKind {
		return Info{}, fmt.Errorf("%w: %q", keystore.ErrKind, kind)
	}
	info := Info{Name: name, Created: public["created"], WatchOnly: public["watch"] == "true"}
	birthday, err := strconv.ParseUint(public["birthday"], 10, 64)
	info.Birthday = kernel.CommitIndex(birthday)
	if err = errors.Join(err, info.Address.UnmarshalText([]byte(public["address"])), info.Network.UnmarshalText([]byte(public["network"]))); err != nil {
		return Info{}, fmt.Errorf("%w: %v", keystore.ErrMalformed, err)
	}
	return info, nil
}

// List returns the wallets in a folder by name. A folder that does not exist has none; a file
// that cannot be read is reported beside those that can.
func List(dir string) ([]Info, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+keyFile))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var list []Info
	var bad []error
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), keyFile)
		info, err := ReadInfo(dir, name)
		if err != nil {
			bad = append(bad, fmt.Errorf("wallet %s: %w", name, err))
			continue
		}
		list = append(list, info)
	}
	return list, errors.Join(bad...)
}

// ChangePassphrase seals a wallet's keys under a new passphrase. After a crash the file opens
// with the old or the new one.
func ChangePassphrase(at Location, next []byte) error {
	return keystore.ChangePassphrase(at.path(keyFile), keyKind, at.Passphrase, next, at.Cost, at.Strength)
}

// RemoveScan deletes the scan file of a closed wallet, so that the next scan reads everything
// again. Payments stay known.
func RemoveScan(dir, name string) error {
	at := Location{Dir: dir, Name: name}
	if err := at.check(); err != nil {
		return err
	}
	if err := os.Remove(at.path(scanFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
