//go:build !linux

package main

import "errors"

// A disk is a file system of one node's own; this system has no way to mount one without
// privileges.
type disk struct{ root string }

var errNoDisk = errors.New("only on Linux")

func newDisk(string) (*disk, error)         { return nil, errNoDisk }
func (*disk) fill(int64) error              { return errNoDisk }
func (*disk) free() error                   { return errNoDisk }
func (*disk) close()                        {}
func limitFiles(pid int, size uint64) error { return errNoDisk }
func holding() bool                         { return false }
