package wallet

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/asterism-network/asterism/internal/keystore"
	"github.com/asterism-network/asterism/pillars"
)

// Files of a wallet, named after it [PIL-WAL-FILE].
const (
	keyKind  = "asterism pillars wallet"
	keyFile  = ".pillars"      // encrypted; the one to back up, beside the words
	bookFile = ".pillars-book" // accounts, labels, what was sent; authenticated
	lockFile = ".pillars-lock"

	bookFormat  = "asterism pillars book"
	bookVersion = 1
	maxBook     = 256 << 20 // bytes
)

// Kinds of secret in the key file.
const (
	secretSeed  = 1 // 64 bytes of BIP 39
	secretWatch = 2 // 32 random bytes, which authenticate the book
)

// A Location says where a wallet is and what opens it.
type Location struct {
	Dir        string // made with mode 0700 if missing
	Name       string
	Params     pillars.Params
	Passphrase []byte
	Cost       keystore.Cost     // for new files; the zero value is keystore.DefaultCost
	Strength   keystore.Strength // AllowWeak on devnets and in tests only
}

func (at Location) path(suffix string) string { return filepath.Join(at.Dir, at.Name+suffix) }

func (at Location) check() error {
	if !validName(at.Name) {
		return fmt.Errorf("%w: %.40q", ErrName, at.Name)
	}
	return at.Params.Check()
}

// Create makes a wallet from words, new or to be restored, and an optional passphrase of the words,
// and opens it. It never overwrites a wallet. Words are not kept: the file holds the seed they give.
func Create(at Location, words, wordsPassphrase string, now time.Time) (*Wallet, error) {
	seed, err := Seed(words, wordsPassphrase)
	if err != nil {
		return nil, err
	}
	defer clear(seed[:])
	w, err := New(seed, at.Params)
	if err != nil {
		return nil, err
	}
	return at.create(append([]byte{secretSeed}, seed[:]...), w, now)
}

// CreateWatchOnly makes a wallet without keys, and opens it; see Wallet.Watch and AddMultisig.
func CreateWatchOnly(at Location, now time.Time) (*Wallet, error) {
	secret := append(make([]byte, 0, 33), secretWatch)
	secret = secret[:33]
	rand.Read(secret[1:])
	return at.create(secret, newWallet(at.Params, nil, newBook()), now)
}

func (at Location) create(secret []byte, w *Wallet, now time.Time) (*Wallet, error) {
	defer keystore.Zero(secret)
	if err := at.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(at.Dir, 0o700); err != nil {
		return nil, err
	}
	if _, err := os.Lstat(at.path(bookFile)); err == nil {
		return nil, fmt.Errorf("%w: %s", keystore.ErrExists, at.path(bookFile))
	}
	if at.Cost == (keystore.Cost{}) {
		at.Cost = keystore.DefaultCost
	}
	public := map[string]string{
		"network": at.Params.Name, "created": now.UTC().Format(time.RFC3339),
		"watch": strconv.FormatBool(w.master == nil), "fingerprint": w.Fingerprint().String(),
	}
	data, err := keystore.Seal(keyKind, public, secret, at.Passphrase, at.Cost, at.Strength)
	if err != nil {
		return nil, err
	}
	if err := keystore.Create(at.path(keyFile), data); err != nil {
		return nil, err
	}
	if err := at.attach(w, secret); err != nil {
		return nil, err
	}
	if err := w.save(w.book); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// attach locks the files and says how the book is written.
func (at Location) attach(w *Wallet, secret []byte) error {
	unlock, err := keystore.Lock(at.path(lockFile))
	if err != nil {
		return err
	}
	key := bookKey(secret)
	w.name, w.unlock = at.Name, unlock
	w.save = func(b *book) error {
		data, err := marshalBook(b, at.Params.Name, key)
		if err != nil {
			return err
		}
		return keystore.Replace(at.path(bookFile), data)
	}
	return nil
}

// bookKey authenticates the book: whoever cannot open the wallet cannot put a foreign key into one of
// its multisigs.
func bookKey(secret []byte) []byte {
	hash := pillars.TaggedHash("asterism pillars wallet book", secret)
	return hash[:]
}

type bookJSON struct {
	Format  string          `json:"format"`
	Version int             `json:"version"`
	Network string          `json:"network"`
	MAC     Hex             `json:"mac"` // HMAC-SHA256 of network, a zero byte, and the bytes of book
	Book    json.RawMessage `json:"book"`
}

func bookMAC(network string, body, key []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(append([]byte(network), 0))
	mac.Write(body)
	return mac.Sum(nil)
}

func marshalBook(b *book, network string, key []byte) ([]byte, error) {
	body, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	return json.Marshal(bookJSON{bookFormat, bookVersion, network, bookMAC(network, body, key), body})
}

func parseBook(data []byte, network string, key []byte) (*book, error) {
	var j bookJSON
	if err := decodeStrict(data, maxBook, &j); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	switch {
	case j.Format != bookFormat || j.Version != bookVersion:
		return nil, fmt.Errorf("%w: format %.40q version %d", ErrDamaged, j.Format, j.Version)
	case j.Network != network:
		return nil, fmt.Errorf("%w: %.40q, want %q", ErrNetwork, j.Network, network)
	case !hmac.Equal(j.MAC, bookMAC(network, j.Book, key)):
		return nil, fmt.Errorf("%w: the book was changed by somebody else", ErrDamaged)
	}
	b := newBook()
	if err := decodeStrict(j.Book, maxBook, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return b, b.check()
}

// Open decrypts a wallet and reads its book. One process at a time can have it open. A book that was
// lost is begun anew, with the usual accounts: multisigs and labels are then gone.
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
	_, public, err := keystore.Public(data)
	if err != nil {
		return nil, err
	}
	if public["network"] != at.Params.Name {
		return nil, fmt.Errorf("%w: wallet %s is for %.40q", ErrNetwork, at.Name, public["network"])
	}
	w, err := readSecret(secret, at.Params)
	if err != nil {
		return nil, err
	}
	if err := at.attach(w, secret); err != nil {
		return nil, err
	}
	if err := at.load(w, secret); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

func (at Location) load(w *Wallet, secret []byte) error {
	data, err := os.ReadFile(at.path(bookFile))
	if errors.Is(err, os.ErrNotExist) {
		return w.save(w.book)
	}
	if err != nil {
		return err
	}
	if w.book, err = parseBook(data, at.Params.Name, bookKey(secret)); err != nil {
		return err
	}
	w.purses = map[pillars.Address]*Purse{}
	return w.fill()
}

func readSecret(secret []byte, p pillars.Params) (*Wallet, error) {
	switch {
	case len(secret) == 65 && secret[0] == secretSeed:
		return New([64]byte(secret[1:]), p)
	case len(secret) == 33 && secret[0] == secretWatch:
		return newWallet(p, nil, newBook()), nil
	}
	return nil, keystore.ErrVersion
}

// An Info is what a wallet shows without its passphrase. It is authentic only after Open.
type Info struct {
	Name        string `json:"name"`
	Network     string `json:"network"`
	Created     string `json:"created"`
	WatchOnly   bool   `json:"watch_only"`
	Fingerprint string `json:"fingerprint"`
}

// List returns the wallets in a folder by name. A folder that does not exist has none; a file that
// cannot be read is reported beside those that can.
func List(dir string) ([]Info, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*"+keyFile))
	if err != nil {
		return nil, err
	}
	var list []Info
	var bad []error
	for _, file := range files { // Glob sorts
		name := filepath.Base(file[:len(file)-len(keyFile)])
		info, err := readInfo(file, name)
		if err != nil {
			bad = append(bad, fmt.Errorf("wallet %s: %w", name, err))
			continue
		}
		list = append(list, info)
	}
	return list, errors.Join(bad...)
}

func readInfo(file, name string) (Info, error) {
	data, err := keystore.Load(file)
	if err != nil {
		return Info{}, err
	}
	kind, public, err := keystore.Public(data)
	if err != nil {
		return Info{}, err
	}
	if kind != keyKind {
		return Info{}, fmt.Errorf("%w: %q", keystore.ErrKind, kind)
	}
	return Info{name, public["network"], public["created"], public["watch"] == "true", public["fingerprint"]}, nil
}

// ChangePassphrase seals a wallet's keys under a new passphrase. After a crash the file opens with
// the old or the new one.
func ChangePassphrase(at Location, next []byte) error {
	return keystore.ChangePassphrase(at.path(keyFile), keyKind, at.Passphrase, next, at.Cost, at.Strength)
}
