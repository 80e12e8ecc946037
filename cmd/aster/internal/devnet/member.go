package devnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/kerneld"
)

// A running is a node that was started. It ends by itself only on failure.
type running interface {
	stop()               // ask it to end
	kill()               // end it now, as a power cut would as nearly as possible
	ended() <-chan error // gets one value when the node is gone; nil if it was asked to
}

// start starts a node in the way the devnet was told to.
func (n *Network) start(m *member) (running, error) {
	if n.options.Processes {
		return n.startProcess(m)
	}
	return n.startInside(m)
}

// openLog opens the file that a node's log lines go to; it survives restarts.
func openLog(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
}

// inside is a node in this process.
type inside struct {
	cancel context.CancelFunc
	done   chan error
}

func (n *Network) startInside(m *member) (running, error) {
	log, err := openLog(m.Log)
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	config, err := m.home.NodeConfig(n.Genesis, &m.config, func() ([]byte, error) { return nil, nil }, logger)
	if err != nil {
		log.Close()
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	config.Misbehave = m.misbehave
	ctx, cancel := context.WithCancel(context.Background())
	r := &inside{cancel: cancel, done: make(chan error, 1)}
	go func() {
		defer log.Close()
		err := kerneld.Run(ctx, config)
		if err != nil {
			err = fmt.Errorf("%s: %w", m.Name, err)
		}
		r.done <- err
	}()
	return r, nil
}

func (r *inside) stop()               { r.cancel() }
func (r *inside) kill()               { r.cancel() }
func (r *inside) ended() <-chan error { return r.done }

// process is a node in a process of its own: this very program, started as a daemon.
type process struct {
	cmd    *exec.Cmd
	asked  chan struct{} // closed when it was told to end
	done   chan error
	waited chan struct{}
}

func (n *Network) startProcess(m *member) (running, error) {
	return launch(m.Name, m.Log, "kerneld", "run", "--home", m.Home, "--passphrase-file", n.passphraseFile(), "--until-stdin-ends")
}

// launch starts this very program with a daemon's command line, in a process that does not outlive this one. Its output goes
// to the log.
func launch(name, logFile string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := openLog(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own descriptor
	cmd := exec.Command(self, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	detach(cmd)
	tie, err := cmd.StdinPipe() // closed by the system when this process ends, however it ends
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	r := &process{cmd: cmd, asked: make(chan struct{}), done: make(chan error, 1), waited: make(chan struct{})}
	go func() {
		err := cmd.Wait()
		tie.Close()
		close(r.waited)
		select {
		case <-r.asked:
			err = nil
		default:
			err = fmt.Errorf("%s ended by itself: %w; see %s", name, errors.Join(err, errEnded), logFile)
		}
		r.done <- err
	}()
	return r, nil
}

var errEnded = errors.New("process exited")

func (r *process) stop() {
	r.ask(syscall.SIGTERM)
	go func() {
		select {
		case <-r.waited:
		case <-time.After(10 * time.Second):
			r.cmd.Process.Kill()
		}
	}()
}

func (r *process) kill() { r.ask(syscall.SIGKILL) }

func (r *process) ask(s os.Signal) {
	select {
	case <-r.asked:
	default:
		close(r.asked)
	}
	if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.cmd.Process.Kill() // a system without that signal
	}
}

func (r *process) ended() <-chan error { return r.done }

// wait waits for a process that ends by itself, and returns how it ended.
func (r *process) wait(ctx context.Context) error {
	select {
	case <-r.waited:
	case <-ctx.Done():
		r.kill()
		<-r.waited
		return context.Cause(ctx)
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit %d", code)
	}
	return nil
}
