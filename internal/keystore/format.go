package keystore

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Format of the file, version 1. [FMT-KEYSTORE]
const (
	formatName    = "asterism keystore"
	formatVersion = 1
	kdfName       = "argon2id"
	cipherName    = "xchacha20-poly1305"

	// MaxFile bounds a keystore file, in bytes.
	MaxFile = 256 << 10

	maxKind        = 64
	maxPublic      = 32 // fields
	maxPublicBytes = 4096
)

// file is a keystore in memory.
type file struct {
	Kind       string
	Public     map[string]string
	cost       Cost
	salt       [saltSize]byte
	nonce      [nonceSize]byte
	ciphertext []byte
}

// fileJSON is the file's text. Unknown members are refused, so nothing stands beside the
// authenticated ones.
type fileJSON struct {
	Format     string            `json:"format"`
	Version    int               `json:"version"`
	Kind       string            `json:"kind"`
	Public     map[string]string `json:"public,omitempty"`
	KDF        kdfJSON           `json:"kdf"`
	Cipher     cipherJSON        `json:"cipher"`
	Ciphertext string            `json:"ciphertext"`
}

type kdfJSON struct {
	Name      string `json:"name"`
	Passes    uint32 `json:"passes"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
	Salt      string `json:"salt"`
}

type cipherJSON struct {
	Name  string `json:"name"`
	Nonce string `json:"nonce"`
}

func (f *file) marshal() ([]byte, error) {
	b, err := json.MarshalIndent(fileJSON{
		Format: formatName, Version: formatVersion, Kind: f.Kind, Public: f.Public,
		KDF: kdfJSON{
			Name: kdfName, Passes: f.cost.Passes, MemoryKiB: f.cost.MemoryKiB,
			Threads: f.cost.Threads, Salt: hex.EncodeToString(f.salt[:]),
		},
		Cipher:     cipherJSON{Name: cipherName, Nonce: hex.EncodeToString(f.nonce[:])},
		Ciphertext: hex.EncodeToString(f.ciphertext),
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// parse decodes a file and checks every bound; it derives nothing.
func parse(data []byte) (*file, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: over %d bytes", ErrMalformed, MaxFile)
	}
	var j fileJSON
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: bytes after the end", ErrMalformed)
	}
	switch {
	case j.Format != formatName:
		return nil, fmt.Errorf("%w: format %.40q", ErrMalformed, j.Format)
	case j.Version > formatVersion:
		return nil, ErrVersion
	case j.Version != formatVersion, j.KDF.Name != kdfName, j.Cipher.Name != cipherName:
		return nil, fmt.Errorf("%w: unknown version, kdf or cipher", ErrMalformed)
	}
	f := &file{Kind: j.Kind, Public: j.Public, cost: Cost{j.KDF.Passes, j.KDF.MemoryKiB, j.KDF.Threads}}
	if err := f.cost.check(); err != nil {
		return nil, err
	}
	if err := f.checkPublic(); err != nil {
		return nil, err
	}
	if !unhex(f.salt[:], j.KDF.Salt) || !unhex(f.nonce[:], j.Cipher.Nonce) {
		return nil, fmt.Errorf("%w: salt or nonce", ErrMalformed)
	}
	if len(j.Ciphertext) > 2*(MaxSecret+16) {
		return nil, fmt.Errorf("%w: ciphertext is too long", ErrMalformed)
	}
	text, err := hex.DecodeString(j.Ciphertext)
	if err != nil || len(text) < 16 {
		return nil, fmt.Errorf("%w: ciphertext", ErrMalformed)
	}
	f.ciphertext = text
	return f, nil
}

func (f *file) checkPublic() error {
	if f.Kind == "" || len(f.Kind) > maxKind || len(f.Public) > maxPublic {
		return fmt.Errorf("%w: kind or public fields", ErrMalformed)
	}
	for k, v := range f.Public {
		if len(k) > maxKind || len(v) > maxPublicBytes {
			return fmt.Errorf("%w: public field %.40q is too long", ErrMalformed, k)
		}
	}
	return nil
}

// associated is what the cipher authenticates beside the secret: every field in the clear,
// each with its length, public fields in the order of their names.
func (f *file) associated() []byte {
	var b []byte
	put := func(p []byte) { b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...) }
	put([]byte(formatName))
	b = append(b, formatVersion)
	put([]byte(f.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Public)))
	for _, k := range sortedKeys(f.Public) {
		put([]byte(k))
		put([]byte(f.Public[k]))
	}
	put([]byte(kdfName))
	b = binary.BigEndian.AppendUint32(b, f.cost.Passes)
	b = binary.BigEndian.AppendUint32(b, f.cost.MemoryKiB)
	b = append(b, f.cost.Threads)
	put(f.salt[:])
	put([]byte(cipherName))
	put(f.nonce[:])
	return b
}

func unhex(dst []byte, text string) bool {
	if len(text) != 2*len(dst) {
		return false
	}
	_, err := hex.Decode(dst, []byte(text))
	return err == nil
}
