package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// PassphraseFileEnv names a file that holds a passphrase. The passphrase itself is never an
// argument and never a variable: both are readable by others.
const PassphraseFileEnv = "ASTER_PASSPHRASE_FILE"

// MaxPassphrase bounds a passphrase, in bytes.
const MaxPassphrase = 4096

// ErrNoPassphrase says that no way to ask for a passphrase is left.
var ErrNoPassphrase = errors.New("no passphrase: use a terminal, --passphrase-file, --passphrase-fd or " + PassphraseFileEnv)

// ErrMismatch says that the two entries of a new passphrase differ.
var ErrMismatch = errors.New("the two passphrases differ")

// A Source says where a passphrase comes from: the first of file, descriptor, environment
// and terminal that is given. One line end at the end is not part of it.
type Source struct {
	File    string // private file, mode 0600
	FD      int    // inherited file descriptor, above 2; 0 is none
	Confirm bool   // ask twice on the terminal: a new passphrase

	// Terminal is where to ask; nil is os.Stdin, and Message os.Stderr.
	Terminal *os.File
	Message  io.Writer
}

// Passphrase reads a passphrase; prompt is shown on a terminal only. An empty one is allowed
// from a file or descriptor, where it is deliberate, and refused from a terminal.
func (s Source) Passphrase(prompt string) ([]byte, error) {
	switch {
	case s.File != "":
		return passphraseFile(s.File)
	case s.FD > 0:
		return s.passphraseFD()
	case os.Getenv(PassphraseFileEnv) != "":
		return passphraseFile(os.Getenv(PassphraseFileEnv))
	}
	return s.ask(prompt)
}

func passphraseFile(path string) ([]byte, error) {
	b, err := readPrivate(path, MaxPassphrase+2)
	if err != nil {
		return nil, fmt.Errorf("read passphrase file: %w", err)
	}
	return trimLine(b)
}

func (s Source) passphraseFD() ([]byte, error) {
	if s.FD <= 2 {
		return nil, fmt.Errorf("passphrase descriptor %d: want one above 2", s.FD)
	}
	f := os.NewFile(uintptr(s.FD), "passphrase")
	if f == nil {
		return nil, fmt.Errorf("passphrase descriptor %d is not open", s.FD)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxPassphrase+3))
	if err != nil {
		return nil, fmt.Errorf("read passphrase descriptor: %w", err)
	}
	return trimLine(b)
}

func (s Source) ask(prompt string) ([]byte, error) {
	terminal, message := s.Terminal, s.Message
	if terminal == nil {
		terminal = os.Stdin
	}
	if message == nil {
		message = os.Stderr
	}
	if !term.IsTerminal(int(terminal.Fd())) {
		return nil, ErrNoPassphrase
	}
	first, err := askOnce(terminal, message, prompt)
	if err != nil || !s.Confirm {
		return first, err
	}
	second, err := askOnce(terminal, message, "Again: ")
	defer Zero(second)
	if err == nil && !bytes.Equal(first, second) {
		err = ErrMismatch
	}
	if err != nil {
		Zero(first)
		return nil, err
	}
	return first, nil
}

func askOnce(terminal *os.File, message io.Writer, prompt string) ([]byte, error) {
	fmt.Fprint(message, prompt)
	b, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(message)
	if err != nil {
		return nil, fmt.Errorf("read passphrase: %w", err)
	}
	if len(b) == 0 {
		return nil, ErrNoPassphrase
	}
	return trimLine(b)
}

// trimLine takes one line end off and refuses what is too long or has several lines, which
// is a wrong file more often than a passphrase.
func trimLine(b []byte) ([]byte, error) {
	b = bytes.TrimSuffix(b, []byte("\n"))
	b = bytes.TrimSuffix(b, []byte("\r"))
	if len(b) > MaxPassphrase || bytes.IndexByte(b, '\n') >= 0 {
		Zero(b)
		return nil, fmt.Errorf("passphrase has several lines or more than %d bytes", MaxPassphrase)
	}
	return b, nil
}
