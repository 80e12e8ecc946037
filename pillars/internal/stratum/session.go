package stratum

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/holiman/uint256"
	"golang.org/x/time/rate"

	"github.com/asterism-network/asterism/pillars/internal/consensus"
	"github.com/asterism-network/asterism/pillars/internal/forge"
)

// dialect is what a connection speaks; its first message says it.
type dialect int

const (
	unknown dialect = iota
	ethereumStratum
	ethproxy
)

func (d dialect) String() string {
	return [...]string{"unknown", "EthereumStratum/1.0.0", "ethproxy"}[d]
}

// A session is one miner's connection. One goroutine reads and answers, another pushes new work.
type session struct {
	server *Server
	conn   net.Conn
	host   netip.Addr
	prefix uint16 // its part of the nonces
	since  time.Time
	limit  *rate.Limiter

	writing sync.Mutex // one line at a time

	mu       sync.Mutex // guards what follows; never held while writing
	dialect  dialect
	name     string
	agent    string
	login    chan struct{} // closed when work may be pushed
	ready    bool
	share    uint64 // hashes of a share now; 0: as a block
	jobs     []sent
	accepted uint64
	refused  uint64
	blocks   uint64
	bad      int // refused shares in a row
	broken   int // lines that were no messages
	window   time.Time
	worth    uint64 // hashes since window
	pace     uint64 // hashes a second in the last full window
}

// sent is work that a connection has.
type sent struct {
	id    string
	job   *forge.Job
	share uint64
}

// startShare is where VarDiff begins: a second of a small graphics card.
const startShare = 1 << 24

func newSession(s *Server, conn net.Conn, host netip.Addr, prefix uint16) *session {
	sess := &session{
		server: s, conn: conn, host: host, prefix: prefix, since: time.Now(), window: time.Now(), login: make(chan struct{}),
		limit: rate.NewLimiter(perSecond, burst), share: s.o.Share,
	}
	if s.o.VarDiff && sess.share == 0 {
		sess.share = startShare
	}
	return sess
}

func (s *session) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	var push sync.WaitGroup
	defer push.Wait()
	defer cancel()
	push.Go(func() {
		defer cancel()
		select {
		case <-ctx.Done():
		case <-s.login:
			s.push(ctx)
		}
	})
	lines := bufio.NewScanner(s.conn)
	lines.Buffer(make([]byte, 0, 1024), maxLine)
	s.deadline(loginWithin)
	for lines.Scan() {
		if !s.limit.Allow() {
			s.server.ban(s.host, "too many messages")
			return
		}
		if !s.handle(ctx, lines.Bytes()) {
			return
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		s.server.ban(s.host, "a message without end")
	}
}

func (s *session) deadline(d time.Duration) { _ = s.conn.SetReadDeadline(time.Now().Add(d)) }

// handle answers one line; false ends the connection.
func (s *session) handle(ctx context.Context, text []byte) bool {
	r, err := parseRequest(text)
	if err != nil {
		s.broken++
		if s.broken >= brokenBefore {
			s.server.ban(s.host, "no messages")
			return false
		}
		return s.write(reply([]byte("null"), nil, faultOther.because("parse_error"), false))
	}
	result, f := s.answer(ctx, &r)
	s.mu.Lock()
	ready, proxy, worst := s.ready, s.dialect == ethproxy, s.bad
	s.mu.Unlock()
	if !s.write(reply(r.ID, result, f, proxy)) {
		return false
	}
	if worst >= badBefore {
		s.server.ban(s.host, "shares that are none")
		return false
	}
	if ready {
		s.deadline(idleAfter)
		s.begin()
	}
	return true
}

// begin lets work be pushed, after the answer to the login is out.
func (s *session) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.login:
	default:
		close(s.login)
	}
}

func (s *session) answer(ctx context.Context, r *request) (result any, f *fault) {
	switch r.Method {
	case "mining.subscribe":
		return s.subscribe(r)
	case "mining.authorize":
		return s.authorize(r)
	case "mining.extranonce.subscribe":
		return true, nil // it never changes
	case "mining.submit":
		return s.submit(ctx, r)
	case "eth_submitLogin":
		return s.submitLogin(r)
	case "eth_getWork":
		return s.getWork(ctx)
	case "eth_submitWork":
		return s.submitWork(ctx, r)
	case "eth_submitHashrate", "mining.hashrate":
		return true, nil
	}
	return nil, faultOther.because("unknown_method")
}

func (s *session) subscribe(r *request) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialect == ethproxy {
		return nil, faultOther.because("mixed_dialects")
	}
	s.dialect, s.agent = ethereumStratum, name(r.text(0))
	return []any{[]any{"mining.notify", fmt.Sprintf("%016x", rand.Uint64()), ethereumStratum.String()}, s.extraNonce()}, nil
}

// extraNonce is the connection's part of the nonces, in hex.
func (s *session) extraNonce() string { return fmt.Sprintf("%04x", s.prefix) }

func (s *session) authorize(r *request) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialect != ethereumStratum {
		return nil, &faultUnsubscribed
	}
	s.name, s.ready = name(r.text(0)), true
	return true, nil
}

func (s *session) submitLogin(r *request) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialect == ethereumStratum {
		return nil, faultOther.because("mixed_dialects")
	}
	s.dialect, s.ready, s.name = ethproxy, true, name(r.text(0))
	if r.Worker != "" {
		s.name = name(s.name + "." + r.Worker)
	}
	return true, nil
}

// worker is under which name work is asked for: one header for all that have parts of the nonces, one each for the others.
func (s *session) worker() string {
	if s.dialect == ethproxy {
		return "ethproxy " + s.extraNonce()
	}
	return "stratum"
}

func (s *session) getWork(ctx context.Context) (any, *fault) {
	s.mu.Lock()
	ok, worker := s.dialect == ethproxy && s.ready, s.worker()
	s.mu.Unlock()
	if !ok {
		return nil, &faultUnauthorized
	}
	job, err := s.server.source.Work(ctx, worker)
	if err != nil {
		return nil, faultOther.because(err.Error())
	}
	return s.proxyWork(s.take(job)), nil
}

// take remembers work of this connection, and says at which difficulty its shares count.
func (s *session) take(job *forge.Job) sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, had := range s.jobs {
		if had.job.Head == job.Head && had.share == s.shareOf(job) {
			return had
		}
	}
	n := sent{id: hex.EncodeToString(job.Head[:8]), job: job, share: s.shareOf(job)}
	if len(s.jobs) == keptJobs {
		s.jobs = s.jobs[1:]
	}
	s.jobs = append(s.jobs, n)
	return n
}

// shareOf is how many hashes a share of a job is worth: never more than a block. The caller holds mu.
func (s *session) shareOf(job *forge.Job) uint64 {
	block := hashesOf(job)
	if s.share == 0 {
		return block
	}
	return min(s.share, block)
}

// hashesOf is how many hashes a block takes on average: 2^256 by the boundary.
func hashesOf(job *forge.Job) uint64 {
	var n, b uint256.Int
	n.SetAllOne()
	b.SetBytes32(job.Boundary[:])
	if n.Div(&n, &b); !n.IsUint64() {
		return 1 << 63
	}
	return n.Uint64()
}

func (s *session) proxyWork(n sent) []string {
	t := target(n.share)
	boundary := t.Bytes32()
	return []string{hex0(n.job.Head[:]), hex0(n.job.Seed[:]), hex0(boundary[:]), fmt.Sprintf("0x%x", n.job.Height)}
}

func hex0(b []byte) string { return "0x" + hex.EncodeToString(b) }

// push sends work whenever there is better, until the connection ends.
func (s *session) push(ctx context.Context) {
	var last *forge.Job
	said := uint64(0)
	for ctx.Err() == nil {
		s.mu.Lock()
		worker, proxy := s.worker(), s.dialect == ethproxy
		s.mu.Unlock()
		job, err := s.server.source.Work(ctx, worker)
		if err != nil {
			wait(ctx, askAgain, nil)
			continue
		}
		if job != last {
			n := s.take(job)
			if !s.sendWork(n, proxy, &said, last == nil || last.Height != job.Height) {
				return
			}
			last = job
		}
		wait(ctx, askAgain, job.Changed)
		s.adjust()
	}
}

func (s *session) sendWork(n sent, proxy bool, said *uint64, clean bool) bool {
	if proxy {
		return s.write(line(map[string]any{"id": 0, "jsonrpc": "2.0", "result": s.proxyWork(n)}))
	}
	if n.share != *said {
		*said = n.share
		if !s.write(notice("mining.set_difficulty", difficulty(n.share))) {
			return false
		}
	}
	return s.write(notice("mining.notify", n.id, hex.EncodeToString(n.job.Seed[:]), hex.EncodeToString(n.job.Head[:]), clean))
}

func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
	}
}

// submit takes a share of EthereumStratum: worker, job, and the nonce without the connection's part.
func (s *session) submit(ctx context.Context, r *request) (any, *fault) {
	s.mu.Lock()
	ok := s.dialect == ethereumStratum && s.ready
	n, known := s.job(func(n *sent) bool { return n.id == r.text(1) })
	s.mu.Unlock()
	if !ok {
		return nil, &faultUnauthorized
	}
	rest, err := unhex(r.text(2), 6)
	if err != nil {
		return s.refuse(faultOther.because("nonce: " + err.Error()))
	}
	if !known {
		return s.refuse(&faultStale)
	}
	nonce := uint64(s.prefix)<<48 | binary.BigEndian.Uint64(append([]byte{0, 0}, rest...))
	return s.judge(ctx, n, forge.Solution{Head: n.job.Head, Nonce: nonce})
}

// submitWork takes a share of ethproxy: nonce, head hash, mix hash.
func (s *session) submitWork(ctx context.Context, r *request) (any, *fault) {
	s.mu.Lock()
	ok := s.dialect == ethproxy && s.ready
	s.mu.Unlock()
	if !ok {
		return nil, &faultUnauthorized
	}
	nonce, err := unhex(r.text(0), 8)
	head, err2 := unhex(r.text(1), 32)
	mix, err3 := unhex(r.text(2), 32)
	if err := errors.Join(err, err2, err3); err != nil {
		return s.refuse(faultOther.because("nonce, head hash, mix hash: " + err.Error()))
	}
	s.mu.Lock()
	n, known := s.job(func(n *sent) bool { return n.job.Head == [32]byte(head) })
	s.mu.Unlock()
	if !known {
		return s.refuse(&faultStale)
	}
	return s.judge(ctx, n, forge.Solution{Head: [32]byte(head), Nonce: binary.BigEndian.Uint64(nonce), Mix: [32]byte(mix)})
}

// job finds work of this connection, the newest first: its shares may have become easier. The caller holds mu.
func (s *session) job(is func(*sent) bool) (sent, bool) {
	for i := len(s.jobs) - 1; i >= 0; i-- {
		if is(&s.jobs[i]) {
			return s.jobs[i], true
		}
	}
	return sent{}, false
}

// judge says what a share is worth, and hands it on if it is a block.
func (s *session) judge(ctx context.Context, n sent, sol forge.Solution) (any, *fault) {
	job, result, err := s.server.source.Result(sol)
	switch {
	case errors.Is(err, forge.ErrDuplicateWork):
		return s.refuse(&faultDuplicate)
	case err != nil:
		return s.late(&faultStale)
	case !enough(result, n.share):
		return s.refuse(&faultLow)
	}
	block := false
	if lessOrEqual(result, job.Boundary) {
		_, err := s.server.source.Submit(ctx, sol)
		switch {
		case errors.Is(err, forge.ErrDuplicateWork):
			return s.refuse(&faultDuplicate)
		case errors.Is(err, consensus.WrongMix):
			return s.refuse(faultOther.because("wrong_mix"))
		case err != nil:
			return s.late(faultStale.because(err.Error()))
		}
		block = true
	} else if !s.server.source.Note(sol) {
		return s.refuse(&faultDuplicate)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted++
	s.bad = 0
	s.worth += n.share
	if block {
		s.blocks++
	}
	return true, nil
}

func lessOrEqual(a, b [32]byte) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return true
}

// refuse counts a share that is none: enough of them in a row end the connection.
func (s *session) refuse(f *fault) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	s.bad++
	return nil, f
}

// late counts a share that came too late, which is nobody's fault.
func (s *session) late(f *fault) (any, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused++
	return nil, f
}

// Windows over which shares are counted, and what VarDiff aims at within its bounds.
const (
	countFor   = time.Minute
	shareEach  = 10 // seconds
	leastShare = 1 << 10
	mostShare  = 1 << 60
)

// adjust counts what the last minute was worth and, with VarDiff, aims at a share every ten seconds.
func (s *session) adjust() {
	s.mu.Lock()
	defer s.mu.Unlock()
	passed := time.Since(s.window)
	if passed < countFor {
		return
	}
	seconds := uint64(passed / time.Second)
	s.pace = s.worth / seconds
	if s.server.o.VarDiff {
		high, low := bits.Mul64(s.worth, shareEach)
		aim, _ := bits.Div64(high, low, seconds) // a window is longer than a share takes
		s.share = min(max(aim, s.share/4, leastShare), s.share*4, mostShare)
	}
	s.window, s.worth = time.Now(), 0
}

// write sends one line; false if the miner does not take it.
func (s *session) write(b []byte) bool {
	s.writing.Lock()
	defer s.writing.Unlock()
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	_, err := s.conn.Write(b)
	return err == nil
}

func (s *session) info() (Miner, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Miner{
		Name: s.name, Agent: s.agent, Host: s.host.String(), Dialect: s.dialect.String(), Since: s.since.Unix(), Share: s.share,
		Accepted: s.accepted, Refused: s.refused, Blocks: s.blocks, HashRate: s.pace,
	}, s.ready
}
