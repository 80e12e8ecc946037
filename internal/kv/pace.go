package kv

import (
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A pace makes work in the background rest between its parts: nodes of one network come to the same
// work at the same commit, and nobody's payments should feel it. Once somebody waits there is no rest.
type pace struct {
	began time.Time
	hurry <-chan struct{} // closed when somebody waits
}

// restShare is how long a pace rests for each span that it works, mostRest the longest rest.
const (
	restShare = 9
	mostRest  = time.Second
)

func newPace(hurry <-chan struct{}) *pace { return &pace{time.Now(), hurry} }

// rest ends a part of the work. A nil pace does not rest.
func (p *pace) rest() {
	if p == nil {
		return
	}
	pause := time.NewTimer(min(restShare*time.Since(p.began), mostRest))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-p.hurry:
	}
	p.began = time.Now()
}

// compacted is what Pebble says of files that it merges others into.
const compacted vfs.DiskWriteCategory = "pebble-compaction"

// A pacedFile rests while it is written, unless merging falls behind what comes.
type pacedFile struct {
	File
	*pace
	crowded func() bool
	part    int // bytes since the last rest
}

// restBytes are a part of a file: some milliseconds of merging.
const restBytes = 256 << 10

func (f *pacedFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if f.part += n; f.part >= restBytes {
		f.part = 0
		if f.crowded() {
			f.began = time.Now()
		} else {
			f.rest()
		}
	}
	return n, err
}
