package stratum

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/holiman/uint256"
)

// A request is one line from a miner. Ids come back as they were; a name of the worker stands beside the parameters in
// ethproxy's dialect.
type request struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params []any           `json:"params"`
	Worker string          `json:"worker"`
}

var errMessage = errors.New("not a message")

// Bounds within a line, which is itself bounded.
const (
	maxID   = 64
	maxName = 128 // of a worker or a program, for people
)

func parseRequest(line []byte) (r request, err error) {
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errMessage, err)
	}
	if r.Method == "" || len(r.ID) > maxID || len(r.Params) > 16 {
		return r, errMessage
	}
	if len(r.ID) == 0 {
		r.ID = json.RawMessage("null")
	}
	return r, nil
}

// text returns a parameter that is text; empty if there is none.
func (r *request) text(i int) string {
	if i >= len(r.Params) {
		return ""
	}
	s, _ := r.Params[i].(string)
	return s
}

// name returns text for people, cut and without what is not printed.
func name(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), maxName)]
}

// unhex reads so many bytes of hex digits, with or without 0x.
func unhex(s string, size int) ([]byte, error) {
	b, err := hex.DecodeString(strings.TrimPrefix(strings.ToLower(s), "0x"))
	if err != nil || len(b) != size {
		return nil, fmt.Errorf("want %d bytes of hex digits", size)
	}
	return b, nil
}

// A fault is a refusal with a number, as miners expect it.
type fault struct {
	code int
	text string
}

// The faults of EthereumStratum/1.0.0.
var (
	faultOther        = fault{20, "other"}
	faultStale        = fault{21, "stale_work"}
	faultDuplicate    = fault{22, "duplicate_work"}
	faultLow          = fault{23, "low_difficulty"}
	faultUnauthorized = fault{24, "unauthorized"}
	faultUnsubscribed = fault{25, "not_subscribed"}
)

// because is a fault with another text.
func (f fault) because(text string) *fault { return &fault{f.code, text} }

// reply is an answer in either dialect.
func reply(id json.RawMessage, result any, f *fault, proxy bool) []byte {
	m := map[string]any{"id": id, "result": result, "error": nil}
	if f != nil {
		m["result"] = nil
		m["error"] = []any{f.code, f.text, nil}
		if proxy {
			m["error"] = map[string]any{"code": -32000, "message": f.text}
		}
	}
	if proxy {
		m["jsonrpc"] = "2.0"
	}
	return line(m)
}

func notice(method string, params ...any) []byte {
	return line(map[string]any{"id": nil, "method": method, "params": params})
}

func line(m any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic("stratum: " + err.Error()) // maps of text and numbers
	}
	return append(b, '\n')
}

// target is the largest result of a share of so many hashes.
func target(hashes uint64) (t uint256.Int) {
	t.SetAllOne()
	t.Div(&t, uint256.NewInt(max(hashes, 1)))
	return t
}

// enough reports whether a result is a share. Miners get the difficulty as a decimal fraction and round it, so a little more than
// the target passes.
func enough(result [32]byte, hashes uint64) bool {
	var got, slack uint256.Int
	got.SetBytes32(result[:])
	most := target(hashes)
	slack.Rsh(&most, 16)
	if _, over := most.AddOverflow(&most, &slack); over {
		return true
	}
	return !got.Gt(&most)
}

// difficulty is what EthereumStratum calls a share of so many hashes: one is the target 0xffff·2^208, 2^32·65536/65535 hashes. It is a
// millionth less, so that no miner withholds a result that is a block by a hair.
func difficulty(hashes uint64) float64 {
	return float64(hashes) / (1 << 32) * (65535.0 / 65536.0) * (1 - 1e-6)
}
