package kv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strconv"
	"strings"
)

// The engine's list of its files, the manifest, is a sequence of chunks that never cross a block:
// 4 checksum, 2 length, 1 type, then the payload.
const (
	chunkHeader = 7
	chunkBlock  = 32 << 10
	maxManifest = 1 << 30
)

// checkManifest looks for damage that the engine takes for the torn end of a crash: a chunk of the
// manifest that is there but wrong. The engine would go on from the list of files before it, and
// serve a state that never was.
func checkManifest(fsys FS, dir string) error {
	names, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list key-value store: %w", err)
	}
	name, newest := "", uint64(0)
	for _, n := range names {
		rest, ok := strings.CutPrefix(n, "marker.manifest.")
		number, target, found := strings.Cut(rest, ".")
		if i, err := strconv.ParseUint(number, 10, 64); ok && found && err == nil && (name == "" || i > newest) {
			name, newest = target, i
		}
	}
	if name == "" {
		return nil // a new store, or one whose engine will say what it misses
	}
	b, err := ReadFile(fsys, fsys.PathJoin(dir, name), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s is missing", ErrDamaged, name)
	}
	if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if at, ok := soundChunks(b); !ok {
		return fmt.Errorf("%w: %s at byte %d", ErrDamaged, name, at)
	}
	return nil
}

// soundChunks walks over chunks to the end, or to where a crash tore the last write. If it meets
// one that is there but wrong, it returns its place.
func soundChunks(b []byte) (at int, ok bool) {
	for len(b)-at >= chunkHeader {
		left := chunkBlock - at%chunkBlock
		if left < chunkHeader {
			at += left
			continue
		}
		rest := b[at:min(at+left, len(b))]
		sum, length := binary.LittleEndian.Uint32(rest), int(binary.LittleEndian.Uint16(rest[4:]))
		body := rest[chunkHeader-1:] // type and payload
		if length < len(body) && chunkSum(crc32.Checksum(body[:1+length], castagnoli)) == sum {
			at += chunkHeader + length
			continue
		}
		return at, tornChunk(rest, at, length) && !matches(sum, body)
	}
	return at, true
}

// tornChunk reports whether a crash in the middle of writing can have left the chunk so: it runs over
// the end, or a sector of it was never written.
func tornChunk(rest []byte, at, length int) bool {
	if chunkHeader+length > len(rest) {
		return true
	}
	for from := 0; from < chunkHeader+length; {
		to := min(chunkHeader+length, from+sector-(at+from)%sector)
		if len(bytes.TrimLeft(rest[from:to], "\x00")) == 0 {
			return true
		}
		from = to
	}
	return false
}

// matches reports whether the checksum is right for some length: then only the length is wrong,
// and the chunk was written whole.
func matches(sum uint32, body []byte) bool {
	c := uint32(0)
	for i := range body {
		if c = crc32.Update(c, castagnoli, body[i:i+1]); chunkSum(c) == sum {
			return true
		}
	}
	return false
}

// chunkSum is how the engine writes a CRC32C.
func chunkSum(c uint32) uint32 { return c>>15 | c<<17 + 0xa282ead8 }
