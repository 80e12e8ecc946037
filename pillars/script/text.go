package script

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Text writes a script in the running network's text form: names of opcodes, and pushed bytes as
// hex in brackets. A script that ends inside a push is one raw chunk of hex, and so is what has
// no name.
func Text(script []byte) string {
	all, ok := instructions(script)
	if !ok {
		return "<" + hex.EncodeToString(script) + ">"
	}
	words := make([]string, len(all))
	for i, in := range all {
		words[i] = in.text()
	}
	return strings.Join(words, " ")
}

func (in instruction) text() string {
	if in.op >= OpPushData1 && in.op <= OpPushData4 && len(in.data) == 0 { // a long way to push nothing
		return fmt.Sprintf("<%02x%0*x>", in.op, 2<<(in.op-OpPushData1), 0)
	}
	if in.op > Op0 && in.op <= OpPushData4 {
		return "[ " + hex.EncodeToString(in.data) + " ]"
	}
	if in.op >= Op1 && in.op <= Op16 {
		return strconv.Itoa(int(in.op) - Op1 + 1)
	}
	if name := opNames[in.op]; name != "" {
		return name
	}
	return fmt.Sprintf("<%02x>", in.op)
}

// ParseText reads the form of Text. It does not say how bytes were pushed: they are pushed the
// shortest way, but a lock model as its template has it.
func ParseText(text string) ([]byte, error) {
	if len(text) > 8*MaxScriptSize {
		return nil, fmt.Errorf("script text of %d characters", len(text))
	}
	var script []byte
	words := strings.Fields(text)
	for at := 0; at < len(words); at++ {
		word := words[at]
		if word == "[" && at+2 < len(words) && words[at+2] == "]" {
			data, err := hex.DecodeString(words[at+1])
			if err != nil || len(data) == 0 {
				return nil, fmt.Errorf("script text: %.40q is no bytes", words[at+1])
			}
			script, at = AppendPush(script, data), at+2
			continue
		}
		raw, err := parseWord(word)
		if err != nil {
			return nil, err
		}
		script = append(script, raw...)
	}
	if out := Classify(script); out.Template == Attenuation {
		script = out.Script()
	}
	if len(script) > MaxScriptSize {
		return nil, reject(ScriptSize, "%d bytes", len(script))
	}
	return script, nil
}

// parseWord reads the name of an opcode, a number from 1 to 16, or a raw chunk of hex.
func parseWord(word string) ([]byte, error) {
	if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= 16 {
		return []byte{byte(Op1 - 1 + n)}, nil
	}
	if inner, ok := strings.CutPrefix(word, "<"); ok && strings.HasSuffix(inner, ">") {
		if raw, err := hex.DecodeString(strings.TrimSuffix(inner, ">")); err == nil {
			return raw, nil
		}
	}
	for op, name := range opNames {
		if name != "" && name == word {
			return []byte{byte(op)}, nil
		}
	}
	return nil, fmt.Errorf("script text: %.40q is no opcode", word)
}
