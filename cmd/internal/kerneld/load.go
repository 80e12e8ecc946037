package kerneld

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/pelletier/go-toml/v2"
)

// An Origin says where a value came from.
type Origin string

// The origins, weakest first.
const (
	FromDefault Origin = "default"
	FromFile    Origin = "file"
	FromEnv     Origin = "environment"
	FromFlag    Origin = "flag"
)

// A Source is where settings are looked up, each one after the other overriding the one before.
type Source struct {
	File string                           // TOML; may be missing
	Env  func(string) (string, bool)      // os.LookupEnv
	Flag func(name string) (string, bool) // only flags that were given
}

// Load reads the configuration and where each value came from, and checks it.
func (s Source) Load() (Config, map[string]Origin, error) {
	c := Defaults()
	from := map[string]Origin{}
	inFile, err := c.readFile(s.File)
	if err != nil {
		return c, nil, err
	}
	for _, key := range settings {
		from[key.name] = FromDefault
		if slices.Contains(inFile, key.name) {
			from[key.name] = FromFile
		}
		if text, ok := s.Env(key.variable()); ok {
			if err := key.set(&c, text); err != nil {
				return c, nil, err
			}
			from[key.name] = FromEnv
		}
		if text, ok := s.Flag(key.name); ok {
			if err := key.set(&c, text); err != nil {
				return c, nil, err
			}
			from[key.name] = FromFlag
		}
	}
	return c, from, c.Check()
}

// readFile reads the TOML file strictly and returns which keys stand in it. A missing file is
// empty.
func (c *Config) readFile(file string) (keys []string, err error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(c); err != nil {
		return nil, explainTOML(file, err)
	}
	var raw map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return nil, explainTOML(file, err)
	}
	for _, key := range settings {
		at := any(raw)
		for part := range strings.SplitSeq(key.name, ".") {
			table, _ := at.(map[string]any)
			at = table[part]
		}
		if at != nil {
			keys = append(keys, key.name)
		}
	}
	return keys, nil
}

// explainTOML says where a file is wrong, and which key was probably meant.
func explainTOML(file string, err error) error {
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		first := unknown.Errors[0]
		row, _ := first.Position()
		name := strings.Join(first.Key(), ".")
		e := cli.Fail(cli.BadConfig, "config_unknown_key", "%s:%d: unknown key %q", file, row, name)
		if near := nearest(name); near != "" {
			return e.WithHint("did you mean %q? kerneld config show lists all keys", near)
		}
		return e.WithHint("kerneld config show lists all keys")
	case errors.As(err, &syntax):
		row, column := syntax.Position()
		return cli.Fail(cli.BadConfig, "config_syntax", "%s:%d:%d: %s", file, row, column, strings.TrimPrefix(syntax.Error(), "toml: "))
	}
	return cli.Fail(cli.BadConfig, "config_syntax", "%s: %v", file, err)
}

// nearest returns the known key that is spelled most like name, or nothing if none is close.
func nearest(name string) string {
	best, distance := "", 4
	for _, key := range settings {
		_, last, nested := strings.Cut(key.name, ".")
		for _, candidate := range []string{key.name, last} {
			if candidate == "" || candidate == last && !nested {
				continue
			}
			if d := editDistance(name, candidate); d < distance {
				best, distance = key.name, d
			}
		}
	}
	return best
}

// editDistance counts the letters to insert, remove or change.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
