package store

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/asterism-network/asterism/internal/kv"
	"github.com/asterism-network/asterism/kernel"
)

// A writtenLog is the files of a log and what was appended to it.
type writtenLog struct {
	id      origin
	files   map[string][]byte
	names   []string
	records map[kernel.SnapshotID]Record
}

func writeLog(t testing.TB) *writtenLog {
	f := newFixture(t, kv.Memory(), 1)
	w := &writtenLog{id: origin{network: f.network, node: f.self, format: formatVersion}, records: make(map[kernel.SnapshotID]Record)}
	disk := kv.Memory()
	l, _, err := openLog(disk, logDir, w.id, 2<<10, mark{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 16 {
		r := f.record(kernel.Author(i%7), kernel.Round(1+i/7))
		w.records[r.ID] = r
		if _, err := l.append([]Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	w.names, w.files = treeOf(t, disk, logDir)
	return w
}

// damage changes copies of the files as bytes say: flips, cuts, zeros, and blocks from elsewhere.
func (w *writtenLog) damage(b []byte) (files map[string][]byte, marked bool) {
	files = make(map[string][]byte)
	for name, content := range w.files {
		files[name] = bytes.Clone(content)
	}
	for ; len(b) >= 5; b = b[5:] {
		name := w.names[int(b[0])%len(w.names)]
		content := files[name]
		if len(content) == 0 {
			continue
		}
		at := (int(b[1])<<8 | int(b[2])) % len(content)
		switch b[3] % 5 {
		case 0:
			content[at] ^= max(b[4], 1)
		case 1:
			content = content[:at]
		case 2:
			clear(content[at:min(len(content), at+512)])
		case 3:
			from := w.files[w.names[int(b[4])%len(w.names)]]
			copy(content[at:], from[min(at, len(from)):])
		case 4:
			content = append(content, make([]byte, b[4])...)
		}
		files[name] = content
		marked = marked || name == logDir+"/"+markFile
	}
	return files, marked
}

// open recovers the log and returns the records it vouches for.
func (w *writtenLog) open(t *testing.T, disk kv.FS) (recovery, bool) {
	t.Helper()
	l, rec, err := openLog(disk, logDir, w.id, 2<<10, mark{})
	if err != nil {
		return rec, false
	}
	last := uint64(0)
	for _, found := range rec.tail {
		if found.sequence <= last {
			t.Fatalf("sequence %d after %d", found.sequence, last)
		}
		last = found.sequence
		want, known := w.records[found.ID]
		got, err := l.readers.read(found.entry, false)
		if !known || err != nil || !equalRecord(got, want) {
			t.Fatalf("record %s is not what was appended: %v", found.ID, err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	return rec, true
}

// FuzzRecovery damages the files of a log and opens it: it never panics, vouches for nothing that
// was not appended, says so when something is missing that the mark knows was durable, and what it
// found once it finds again.
func FuzzRecovery(f *testing.F) {
	w := writeLog(f)
	f.Add([]byte{1, 0, 200, 0, 1})
	f.Add([]byte{0, 0, 3, 0, 1, 3, 0, 100, 1, 0})
	f.Add([]byte{2, 4, 0, 2, 0})
	f.Add([]byte{4, 0, 0, 3, 2})
	f.Add([]byte{5, 0, 90, 4, 77, 0, 0, 0, 1, 0})
	f.Add(fmt.Appendf(nil, "%d%d", 12345, 67890))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 60 {
			return
		}
		disk := kv.Memory()
		if err := disk.MkdirAll(logDir, 0o700); err != nil {
			t.Fatal(err)
		}
		files, marked := w.damage(b)
		for name, content := range files {
			writeFile(t, disk, name, content)
		}
		first, ok := w.open(t, disk)
		if !ok {
			return // refused: another folder's, or no folder at all
		}
		if len(first.tail) < len(w.records) && first.doubt == "" && !marked {
			t.Fatalf("%d of %d records, and no doubt", len(first.tail), len(w.records))
		}
		again, ok := w.open(t, disk)
		if !ok || len(again.tail) != len(first.tail) {
			t.Fatalf("opened again: %d records, before %d", len(again.tail), len(first.tail))
		}
	})
}
