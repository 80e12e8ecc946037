package kv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sort"

	"github.com/cockroachdb/pebble/v2/objstorage/objstorageprovider"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// Names of the tables that a fold makes before the engine takes them under names of its own.
const (
	foldFile   = "FOLD"
	foldedLast = "FOLD.last"
)

// ingest gives sorted rows to the engine as two tables, which it takes all or nothing: those of
// Options.Growing, and those before. A table of the former lies behind all that the engine has, so it
// goes to the lowest level at once and is never written again.
func (e *pebbleEngine) ingest(t *table, rows []row, p *pace) error {
	cut := len(rows)
	if e.growing != 0 {
		cut = sort.Search(len(rows), func(i int) bool { return rows[i].head >= e.growing })
	}
	var paths []string
	for _, part := range []struct {
		name string
		rows []row
	}{{foldFile, rows[:cut]}, {foldedLast, rows[cut:]}} {
		path := e.options.FS.PathJoin(e.dir, part.name)
		if len(part.rows) == 0 {
			continue
		}
		if err := e.writeTable(path, t, part.rows, p); err != nil {
			return fmt.Errorf("write table: %w", err)
		}
		paths = append(paths, path)
	}
	if err := e.db.Ingest(context.Background(), paths); err != nil {
		return fmt.Errorf("take table: %w", err)
	}
	return nil
}

// restRows are a part of a table: a few milliseconds of writing.
const restRows = 8192

// writeTable makes a table and its bytes durable. A file of that name that a crash left can be one
// of the engine's by another name: it is removed, not written over.
func (e *pebbleEngine) writeTable(path string, t *table, rows []row, p *pace) error {
	if err := e.options.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := e.options.FS.Create(path, Ordinary)
	if err != nil {
		return err
	}
	o := e.options.MakeWriterOptions(0, format.MaxTableFormat())
	w := sstable.NewWriter(objstorageprovider.NewFileWritable(file), o)
	for i, r := range rows {
		if i%restRows == restRows-1 {
			p.rest()
		}
		key, value, there := t.at(r)
		if there {
			err = w.Set(key, value)
		} else {
			err = w.Delete(key)
		}
		if err != nil {
			return errors.Join(err, w.Close())
		}
	}
	return w.Close()
}
