package sim

import "github.com/asterism-network/asterism/internal/kv"

type faultFS struct{ kv.FS }

func newFaultFS(fs kv.FS) *faultFS                    { return &faultFS{fs} }
func (f *faultFS) SetFull(bool)                       {}
func (f *faultFS) FailAfter(int)                      {}
func (f *faultFS) Slow(func(string))                  {}
func (f *faultFS) Flip(string, uint64) (string, bool) { return "", false }
