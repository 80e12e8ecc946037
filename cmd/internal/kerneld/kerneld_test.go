package kerneld

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

func none(string) (string, bool) { return "", false }

// TestPrecedence gives every key a value by file, variable and flag, and expects the strongest.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("fanout = 1\n[rpc]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) (string, bool) {
		v, ok := map[string]string{"ASTER_RPC_LISTEN": "127.0.0.1:2", "ASTER_FANOUT": "2"}[name]
		return v, ok
	}
	flag := func(name string) (string, bool) { return "3", name == "fanout" }
	c, from, err := Source{File: file, Env: env, Flag: flag}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if c.Fanout != 3 || c.RPC.Listen != "127.0.0.1:2" || c.Log.Level != "warn" || c.Log.Format != "auto" {
		t.Errorf("values %+v", c)
	}
	for key, want := range map[string]Origin{"fanout": FromFlag, "rpc.listen": FromEnv, "log.level": FromFile, "log.format": FromDefault} {
		if from[key] != want {
			t.Errorf("%s comes from %s, want %s", key, from[key], want)
		}
	}
}

// TestSettingsComplete shows that every field of Config is a setting, that what WriteTOML writes
// comes back, and that every setting can be set by text.
func TestSettingsComplete(t *testing.T) {
	var c Config
	fields := 0
	var count func(reflect.Type)
	count = func(t reflect.Type) {
		for i := range t.NumField() {
			if f := t.Field(i).Type; f.Kind() == reflect.Struct {
				count(f)
			} else {
				fields++
			}
		}
	}
	count(reflect.TypeOf(c))
	if fields != len(settings) {
		t.Errorf("%d fields, %d settings", fields, len(settings))
	}

	c = Defaults()
	c.Listen, c.Fanout, c.Peers = "10.0.0.1:5850", 3, map[string]string{"süd \"1\"": "a:1", "b": "b:2"}
	c.RPC.TLSCert, c.RPC.TLSKey = "c.pem", "k.pem"
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(c.WriteTOML()), 0o600); err != nil {
		t.Fatal(err)
	}
	back, _, err := Source{File: file, Env: none, Flag: none}.Load()
	if err != nil || !reflect.DeepEqual(c, back) {
		t.Errorf("settings come back as %+v: %v", back, err)
	}
	var again Config
	for _, s := range settings {
		if err := s.set(&again, s.text(&back)); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

func TestUncommentedDefaults(t *testing.T) {
	defaults := Defaults()
	text := strings.ReplaceAll(defaults.WriteTOML(), "\n# ", "\n")
	if strings.Count(text, " = ") != len(settings) {
		t.Errorf("the file of init does not show every key:\n%s", text)
	}
}

// TestLock shows that two processes cannot hold one home.
func TestLock(t *testing.T) {
	home := Home(t.TempDir())
	unlock, err := home.Lock()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := home.Lock(); err == nil || err.(*cli.Error).Name != "locked" {
		t.Fatalf("second lock: %v", err)
	}
	unlock()
	unlock, err = home.Lock()
	if err != nil {
		t.Fatal("after unlock:", err)
	}
	unlock()
}

func FuzzConfig(f *testing.F) {
	defaults := Defaults()
	f.Add(defaults.WriteTOML())
	f.Add("peers = { a = \"b:1\" }\n[rpc]\nlisten = \"x\"")
	f.Add("rpc.lisen = 1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := filepath.Join(dir, "config.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := Source{File: file, Env: none, Flag: none}.Load()
		if err != nil {
			return
		}
		if err := os.WriteFile(file, []byte(c.WriteTOML()), 0o600); err != nil {
			t.Fatal(err)
		}
		back, _, err := Source{File: file, Env: none, Flag: none}.Load()
		if err != nil || back.WriteTOML() != c.WriteTOML() {
			t.Fatalf("accepted settings do not come back: %v", err)
		}
	})
}
