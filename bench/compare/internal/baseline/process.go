package baseline

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/bench/compare/internal/validator"
)

// A process is a running validator.
type process struct {
	home    string
	command *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	log     *os.File
}

// launch starts the validator of a folder; self is the command that becomes one when it is given
// the name of a spec.
func launch(ctx context.Context, self []string, home string) (*process, error) {
	log, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, self[0], append(self[1:len(self):len(self)], filepath.Join(home, validator.SpecFile))...)
	c.Stderr = log
	in, err := c.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return &process{home: home, command: c, in: in, answers: bufio.NewReader(out), log: log}, nil
}

// tell gives a command and waits for the answer.
func (p *process) tell(c validator.Command) (answer validator.Counters, err error) {
	line, err := json.Marshal(c)
	if err != nil {
		return answer, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer, p.broken(err)
	}
	line, err = p.answers.ReadBytes('\n')
	if err != nil {
		return answer, p.broken(err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return answer, p.broken(err)
	}
	if answer.Error != "" {
		return answer, p.broken(errors.New(answer.Error))
	}
	return answer, nil
}

// broken adds the end of the validator's log to an error.
func (p *process) broken(err error) error {
	text, _ := os.ReadFile(p.log.Name()) // what is missing in the message is no second error
	if len(text) > 2000 {
		text = text[len(text)-2000:]
	}
	return fmt.Errorf("%s: %w\n%s", filepath.Base(p.home), err, text)
}

// endTime is what a validator gets to close its stores.
const endTime = 10 * time.Second

// end closes the validator's input, which ends it, and kills it if it does not hear.
func (p *process) end() {
	p.in.Close()
	done := time.AfterFunc(endTime, func() { p.command.Process.Kill() })
	io.Copy(io.Discard, p.answers)
	p.command.Wait() // how it ended does not matter any more
	done.Stop()
	p.log.Close()
}

// A usage is what the system counted for a process so far.
type usage struct {
	cpu     time.Duration // user and system
	written int64         // bytes sent to the disk
	rss     int64         // bytes
}

// clockTick is the unit of CPU time in /proc, 1/100 s on every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

func (p *process) usage() (u usage, err error) {
	dir := filepath.Join("/proc", strconv.Itoa(p.command.Process.Pid))
	text, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return u, fmt.Errorf("read what the system counts of a process (needs Linux): %w", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may hold anything
	f := strings.Fields(rest)
	if len(f) < 22 {
		return u, fmt.Errorf("%s/stat has %d fields", dir, len(f))
	}
	number := func(s string) int64 {
		n, bad := strconv.ParseInt(s, 10, 64)
		err = errors.Join(err, bad)
		return n
	}
	u.cpu = time.Duration(number(f[11])+number(f[12])) * clockTick
	u.rss = number(f[21]) * int64(os.Getpagesize())
	text, failed := os.ReadFile(filepath.Join(dir, "io"))
	if failed != nil {
		return u, failed
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			u.written = number(strings.TrimSpace(value))
		}
	}
	return u, err
}
