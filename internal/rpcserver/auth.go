package rpcserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A Right is what a token may do. Each includes the ones before it.
type Right uint8

// The rights.
const (
	Read   Right = iota + 1 // ask
	Submit                  // and send transactions
	Admin                   // and see who is connected
)

var rightNames = [...]string{"none", "read", "submit", "admin"}

// String returns the word used in token files and docs.
func (r Right) String() string { return rightNames[r] }

// A token is one credential. Only its hash is kept.
type token struct {
	name    string
	right   Right
	sum     [32]byte
	expires time.Time // zero is never
}

// Tokens say who may do what.
type Tokens struct {
	tokens   []token
	failures failureCount
}

// minToken is the least length of a token: 128 random bits in hex.
const minToken = 32

// ParseTokens reads lines of "name right token [expiry as RFC 3339]"; # begins a comment.
func ParseTokens(text string) (*Tokens, error) {
	t := new(Tokens)
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		entry, err := parseToken(fields)
		if err != nil {
			return nil, fmt.Errorf("%w: token file, line %d: %w", ErrConfig, i+1, err)
		}
		t.tokens = append(t.tokens, entry)
	}
	if len(t.tokens) == 0 {
		return nil, fmt.Errorf("%w: the token file has no token", ErrConfig)
	}
	return t, nil
}

func parseToken(fields []string) (entry token, err error) {
	if len(fields) != 3 && len(fields) != 4 {
		return entry, fmt.Errorf("want: name right token [expiry]")
	}
	entry.name = fields[0]
	for r := Read; r <= Admin; r++ {
		if fields[1] == r.String() {
			entry.right = r
		}
	}
	if entry.right == 0 {
		return entry, fmt.Errorf("right %q: want read, submit or admin", fields[1])
	}
	if len(fields[2]) < minToken {
		return entry, fmt.Errorf("the token of %s is shorter than %d characters", entry.name, minToken)
	}
	entry.sum = sha256.Sum256([]byte(fields[2]))
	if len(fields) == 4 {
		entry.expires, err = time.Parse(time.RFC3339, fields[3])
	}
	return entry, err
}

// find compares with every token in constant time.
func (t *Tokens) find(presented string, now time.Time) (found *token) {
	sum := sha256.Sum256([]byte(presented))
	for i := range t.tokens {
		entry := &t.tokens[i]
		live := entry.expires.IsZero() || now.Before(entry.expires)
		if subtle.ConstantTimeCompare(sum[:], entry.sum[:]) == 1 && live {
			found = entry
		}
	}
	return found
}

// RightOf is what the sender of r may do; zero is nothing. Without a token table everyone who
// reaches the listener, which is then on loopback, may do everything. A wrong token is held back
// after a few.
func (t *Tokens) RightOf(r *http.Request) Right {
	if t == nil {
		return Admin
	}
	scheme, presented, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || presented == "" {
		return 0
	}
	found := t.find(presented, time.Now())
	if found == nil {
		t.failures.delay(r)
		return 0
	}
	return found.right
}

const (
	freeFailures  = 5 // wrong tokens from one address before answers slow down
	failureDelay  = time.Second
	failureMemory = 4096 // addresses remembered; then all are forgotten
)

// A failureCount slows down those who guess tokens.
type failureCount struct {
	mu    sync.Mutex
	count map[string]int // by remote address
}

// delay counts a wrong token and holds the caller back after too many.
func (f *failureCount) delay(r *http.Request) {
	address := RemoteHost(r.RemoteAddr)
	f.mu.Lock()
	if f.count == nil || len(f.count) >= failureMemory {
		f.count = map[string]int{}
	}
	f.count[address]++
	slow := f.count[address] > freeFailures
	f.mu.Unlock()
	if !slow {
		return
	}
	timer := time.NewTimer(failureDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}
