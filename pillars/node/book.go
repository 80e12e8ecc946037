package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/asterism-network/asterism/pillars/internal/book"
)

// bookFile is where a node keeps the addresses of others. Losing it costs the time to find them again.
const bookFile = "peers.json"

// maxBookFile bounds what is read of it: above what the fullest book takes.
const maxBookFile = 8 << 20

// A bookLine is one address in the file.
type bookLine struct {
	Addr   netip.AddrPort `json:"addr"`
	Source netip.Addr     `json:"source"`
	Seen   uint32         `json:"seen"`
	Last   uint32         `json:"last,omitempty"`
	Fails  uint32         `json:"fails,omitempty"`
	Tried  bool           `json:"tried,omitempty"`
}

func (n *Node) loadBook(b *book.Book) error {
	path := filepath.Join(n.home, bookFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Size() > maxBookFile {
		return fmt.Errorf("%s has %d bytes", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	all, err := parseBook(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	b.Load(all)
	return nil
}

func parseBook(text []byte) (all []book.Record, err error) {
	var lines []bookLine
	if err := json.Unmarshal(text, &lines); err != nil {
		return nil, err
	}
	for _, l := range lines {
		if l.Addr.IsValid() && l.Source.IsValid() {
			all = append(all, book.Record{Addr: addrOf(l.Addr), Source: l.Source.As16(), Seen: l.Seen, Last: l.Last, Fails: l.Fails, Tried: l.Tried})
		}
	}
	return all, nil
}

func linesOf(all []book.Record) []bookLine {
	lines := make([]bookLine, 0, len(all))
	for _, r := range all {
		addr := netip.AddrPortFrom(netip.AddrFrom16(r.IP).Unmap(), r.Port)
		lines = append(lines, bookLine{addr, netip.AddrFrom16(r.Source).Unmap(), r.Seen, r.Last, r.Fails, r.Tried})
	}
	return lines
}

// saveBook writes the file anew, beside the old one, and puts it in its place.
func (n *Node) saveBook(all []book.Record) error {
	text, err := json.Marshal(linesOf(all))
	if err != nil {
		return err
	}
	path := filepath.Join(n.home, bookFile)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// keepBook saves the addresses from time to time, and at the end.
func (n *Node) keepBook(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for {
		var all []book.Record
		select {
		case <-ctx.Done():
			return nil // the loop saves last
		case <-tick.C:
			n.post(func(*Desk) { all = n.core.Book().All() })
		}
		if err := n.saveBook(all); err != nil {
			n.log.Warn("save addresses of other nodes", "err", err)
		}
	}
}
