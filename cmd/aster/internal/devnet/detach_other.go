//go:build !unix

package devnet

import "os/exec"

func detach(*exec.Cmd) {}
