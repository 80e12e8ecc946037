// Package settings reads what an operator decides from defaults, a TOML file, variables and flags, each over the one
// before, and remembers where every value came from. Unknown keys are errors. A program lists its keys once; the file
// that it writes for its operators is made from that list.
package settings

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
)

// A Key is one setting of a configuration C.
type Key[C any] struct {
	Name string // "rpc.listen": the key, and the flag --rpc.listen
	Flag string // another name for the flag, where people expect one; empty is none
	Help string
	Of   func(*C) any // pointer to the field: *string, *int, *uint32, *bool, *[]string, *map[string]string, or with a text form of its own
}

// An Origin says where a value came from.
type Origin string

// The origins, weakest first.
const (
	FromDefault Origin = "default"
	FromFile    Origin = "file"
	FromEnv     Origin = "environment"
	FromFlag    Origin = "flag"
)

// A Table is all settings of a program.
type Table[C any] struct {
	Program  string // for hints
	Prefix   string // of variables: ASTER_PILLARSD_
	Defaults func() C
	Keys     []Key[C]
}

// Variable is the environment variable of a key: ASTER_PILLARSD_RPC_LISTEN for rpc.listen.
func (t *Table[C]) Variable(k Key[C]) string {
	return t.Prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// AddFlags gives a command one flag for every key.
func (t *Table[C]) AddFlags(cmd *cobra.Command) {
	defaults := t.Defaults()
	for _, k := range t.Keys {
		cmd.Flags().String(k.Name, k.Text(&defaults), k.Help)
		if k.Flag != "" {
			cmd.Flags().String(k.Flag, "", "same as --"+k.Name)
		}
	}
}

// Load reads the configuration for a command, and where each value came from.
func (t *Table[C]) Load(cmd *cobra.Command, file string) (C, map[string]Origin, error) {
	c, from := t.Defaults(), map[string]Origin{}
	inFile, err := t.read(&c, file)
	if err != nil {
		return c, nil, err
	}
	for _, k := range t.Keys {
		from[k.Name] = FromDefault
		if slices.Contains(inFile, k.Name) {
			from[k.Name] = FromFile
		}
		if text, ok := os.LookupEnv(t.Variable(k)); ok {
			if err := k.Set(&c, text); err != nil {
				return c, nil, err
			}
			from[k.Name] = FromEnv
		}
		for _, name := range []string{k.Name, k.Flag} {
			if f := cmd.Flags().Lookup(name); name != "" && f != nil && f.Changed {
				if err := k.Set(&c, f.Value.String()); err != nil {
					return c, nil, err
				}
				from[k.Name] = FromFlag
			}
		}
	}
	return c, from, nil
}

// Read is what a file says, over the defaults.
func (t *Table[C]) Read(file string) (C, error) {
	c := t.Defaults()
	_, err := t.read(&c, file)
	return c, err
}

// read reads a TOML file strictly and returns which keys stand in it. A missing file is empty.
func (t *Table[C]) read(c *C, file string) (keys []string, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(c); err != nil {
		return nil, t.explain(file, err)
	}
	var raw map[string]any
	if err := toml.Unmarshal(text, &raw); err != nil {
		return nil, t.explain(file, err)
	}
	for _, k := range t.Keys {
		at := any(raw)
		for part := range strings.SplitSeq(k.Name, ".") {
			table, _ := at.(map[string]any)
			at = table[part]
		}
		if at != nil {
			keys = append(keys, k.Name)
		}
	}
	return keys, nil
}

// explain says where a file is wrong, and which key was probably meant.
func (t *Table[C]) explain(file string, err error) error {
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		row, _ := unknown.Errors[0].Position()
		name, meant := strings.Join(unknown.Errors[0].Key(), "."), ""
		if near := t.nearest(name); near != "" {
			meant = fmt.Sprintf("did you mean %q? ", near)
		}
		return cli.Fail(cli.BadConfig, "config_unknown_key", "%s:%d: unknown key %q", file, row, name).
			WithHint("%s%s config show lists all keys", meant, t.Program)
	case errors.As(err, &syntax):
		row, column := syntax.Position()
		return cli.Fail(cli.BadConfig, "config_syntax", "%s:%d:%d: %s", file, row, column, strings.TrimPrefix(syntax.Error(), "toml: "))
	}
	return cli.Fail(cli.BadConfig, "config_syntax", "%s: %v", file, err)
}

// nearest returns the known key that is spelled most like name, or nothing if none is close.
func (t *Table[C]) nearest(name string) string {
	best, distance := "", 4
	for _, k := range t.Keys {
		_, last, nested := strings.Cut(k.Name, ".")
		for _, candidate := range []string{k.Name, last} {
			if candidate == "" || candidate == last && !nested {
				continue
			}
			if d := editDistance(name, candidate); d < distance {
				best, distance = k.Name, d
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

// Set reads a value from a flag or a variable.
func (k Key[C]) Set(c *C, text string) error {
	var err error
	switch field := k.Of(c).(type) {
	case *string:
		*field = text
	case *int:
		if *field, err = strconv.Atoi(text); err != nil {
			err = fmt.Errorf("%q is not a whole number", text)
		}
	case *uint32:
		var n uint64
		if n, err = strconv.ParseUint(text, 10, 32); err != nil {
			err = fmt.Errorf("%q is not a whole number from 0 to 4294967295", text)
		}
		*field = uint32(n)
	case *bool:
		if *field, err = strconv.ParseBool(text); err != nil {
			err = fmt.Errorf("%q is neither true nor false", text)
		}
	case *[]string:
		*field = nil
		for part := range strings.SplitSeq(text, ",") {
			if part != "" {
				*field = append(*field, part)
			}
		}
	case *map[string]string:
		*field, err = parsePairs(text)
	default:
		err = k.Of(c).(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	}
	if err != nil {
		return cli.Fail(cli.BadConfig, "config_value", "%s: %v", k.Name, err)
	}
	return nil
}

// Text is the value in the form that Set reads.
func (k Key[C]) Text(c *C) string {
	switch field := k.Of(c).(type) {
	case *[]string:
		return strings.Join(*field, ",")
	case *string:
		return *field
	case *int:
		return strconv.Itoa(*field)
	case *uint32:
		return strconv.FormatUint(uint64(*field), 10)
	case *bool:
		return strconv.FormatBool(*field)
	case *map[string]string:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(*field)) {
			all = append(all, name+"="+(*field)[name])
		}
		return strings.Join(all, ",")
	case encoding.TextMarshaler:
		text, err := field.MarshalText()
		if err != nil {
			panic(fmt.Sprintf("settings: %s has no text: %v", k.Name, err))
		}
		return string(text)
	}
	panic(fmt.Sprintf("settings: %s is of a type that is not known", k.Name))
}

// parsePairs reads "name=address,name=address".
func parsePairs(text string) (map[string]string, error) {
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if pair == "" {
			continue
		}
		name, address, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=host:port", pair)
		}
		pairs[name] = address
	}
	return pairs, nil
}

// toml is the value as it stands in the file.
func (k Key[C]) toml(c *C) string {
	switch field := k.Of(c).(type) {
	case *int, *uint32, *bool:
		return k.Text(c)
	case *[]string:
		quoted := make([]string, len(*field))
		for i, s := range *field {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case *map[string]string:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(*field)) {
			all = append(all, strconv.Quote(name)+" = "+strconv.Quote((*field)[name]))
		}
		if len(all) == 0 {
			return "{}"
		}
		return "{ " + strings.Join(all, ", ") + " }"
	}
	return strconv.Quote(k.Text(c))
}

// TOML writes the commented file of an operator: every key, those that are as by default as comments. Keys of
// one table must stand together, those of none first.
func (t *Table[C]) TOML(c *C) string {
	defaults := t.Defaults()
	var b strings.Builder
	fmt.Fprintf(&b, "# Settings of this node. Keys that stand behind # have that value by default.\n"+
		"# A flag (--rpc.listen) overrides a variable (%s), which overrides this file.\n"+
		"# `%s config show` prints every value and where it came from.\n", t.Variable(Key[C]{Name: "rpc.listen"}), t.Program)
	table := ""
	for _, k := range t.Keys {
		key := k.Name
		if name, below, nested := strings.Cut(k.Name, "."); nested {
			key = below
			if name != table {
				fmt.Fprintf(&b, "\n[%s]\n", name)
				table = name
			}
		}
		fmt.Fprintf(&b, "\n# %s\n", k.Help)
		if k.Text(c) == k.Text(&defaults) {
			b.WriteString("# ")
		}
		fmt.Fprintf(&b, "%s = %s\n", key, k.toml(c))
	}
	return b.String()
}

type shown struct {
	Key      string `json:"key"`
	Value    string `json:"value"`
	From     Origin `json:"from"`
	Variable string `json:"variable"`
}

// ShowCommand prints every value and where it came from.
func (t *Table[C]) ShowCommand(example string, load func(*cobra.Command) (C, map[string]Origin, error)) *cobra.Command {
	cmd := &cobra.Command{
		Use: "show", Short: "print every value and where it came from", Example: example, Args: cli.Args(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, from, err := load(cmd)
			if err != nil {
				return err
			}
			var all []shown
			table := cli.NewTable("KEY", "VALUE", "FROM", "VARIABLE")
			for _, k := range t.Keys {
				all = append(all, shown{k.Name, k.Text(&c), from[k.Name], t.Variable(k)})
				table.Row(k.Name, k.Text(&c), from[k.Name], t.Variable(k))
			}
			return cli.Print(cmd, all, func(w io.Writer) { table.WriteTo(w) })
		},
	}
	t.AddFlags(cmd)
	return cmd
}
