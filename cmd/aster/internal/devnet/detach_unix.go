//go:build unix

package devnet

import (
	"os/exec"
	"syscall"
)

// detach keeps a Ctrl-C at the terminal from reaching the node: the devnet stops its nodes
// itself, in order.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
