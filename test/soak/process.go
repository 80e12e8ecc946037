package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A process is a kerneld that was started. Its standard input is a pipe that the system closes
// when this program ends, however it ends, and kerneld ends with it.
type process struct {
	cmd   *exec.Cmd
	tie   io.WriteCloser
	asked atomic.Bool // its end is expected
	ended chan struct{}
	guard *guard
}

// startProcess starts kerneld with its output at the end of a log file.
func startProcess(program, log string, args ...string) (*process, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Env = writer{out}, environment()
	cmd.Stderr = cmd.Stdout
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us; we end the nodes in order
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if p.tie, err = cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", program, err), out.Close())
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // how it ended is in ProcessState
		p.tie.Close()
		out.Close()
	}()
	return p, nil
}

// A writer hides that it is a file: the process writes into a pipe and we into the file, so
// that what limits the process's files does not take its last words.
type writer struct{ io.Writer }

// environment is ours without settings that would reach into the nodes, and with all stacks in
// a crash.
func environment() []string {
	var e []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ASTER_") && !strings.HasPrefix(v, holdPrefix) {
			e = append(e, v)
		}
	}
	return append(e, "GOTRACEBACK=all")
}

const holdPrefix = "ASTERISM_SOAK_"

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill ends the process as a power switch would, as far as the process can tell.
func (p *process) kill() {
	p.asked.Store(true)
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.thaw()
}

// How long a node may take to end after it was asked to.
const stopLimit = 20 * time.Second

var errStuck = errors.New("the process does not end when asked to")

// stop ends the process in good order; an exit code other than 0 is an error.
func (p *process) stop() error {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its stacks go into its log
		time.Sleep(time.Second)
		p.kill()
		return errStuck
	}
	if code := p.code(); code != 0 {
		return fmt.Errorf("the process ends with code %d when asked to stop", code)
	}
	return nil
}

// code is the exit code, -1 after a signal; only once it has ended.
func (p *process) code() int { return p.cmd.ProcessState.ExitCode() }

// freeze stops the process in its tracks. A guard wakes it when it is told to, or when this
// program is no more: no stopped process stays behind.
func (p *process) freeze() error {
	g, err := newGuard(p.pid())
	if err != nil {
		return err
	}
	p.guard = g
	return p.cmd.Process.Signal(syscall.SIGSTOP)
}

// thaw lets a frozen process go on.
func (p *process) thaw() {
	if p.guard != nil {
		p.guard.end()
		p.guard = nil
	}
}

// A guard is a shell that waits for the end of its input and then wakes a process.
type guard struct {
	cmd *exec.Cmd
	tie io.WriteCloser
}

func newGuard(pid int) (*guard, error) {
	cmd := exec.Command("sh", "-c", fmt.Sprintf("read wait; kill -CONT %d 2>/dev/null", pid))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tie, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the guard of process %d: %w", pid, err)
	}
	return &guard{cmd, tie}, nil
}

func (g *guard) end() {
	g.tie.Close()
	_ = g.cmd.Wait()
}
