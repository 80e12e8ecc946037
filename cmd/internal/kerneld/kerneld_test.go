package kerneld

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/settings"
)

// TestPrecedence gives every key a value by file, variable and flag, and expects the strongest.
func TestPrecedence(t *testing.T) {
	home := Home(t.TempDir())
	if err := os.WriteFile(home.Config(), []byte("fanout = 1\n[rpc]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ASTER_RPC_LISTEN", "127.0.0.1:2")
	t.Setenv("ASTER_FANOUT", "2")
	cmd := runCommand()
	if err := cmd.ParseFlags([]string{"--fanout", "3"}); err != nil {
		t.Fatal(err)
	}
	c, from, err := loadConfig(cmd, home)
	if err != nil {
		t.Fatal(err)
	}
	if c.Fanout != 3 || c.RPC.Listen != "127.0.0.1:2" || c.Log.Level != "warn" || c.Log.Format != "auto" {
		t.Errorf("values %+v", c)
	}
	for key, want := range map[string]settings.Origin{"fanout": settings.FromFlag, "rpc.listen": settings.FromEnv, "log.level": settings.FromFile, "log.format": settings.FromDefault} {
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
	if fields != len(table.Keys) {
		t.Errorf("%d fields, %d settings", fields, len(table.Keys))
	}

	c = Defaults()
	c.Listen, c.Fanout, c.Peers = "10.0.0.1:5850", 3, map[string]string{"süd \"1\"": "a:1", "b": "b:2"}
	c.RPC.TLSCert, c.RPC.TLSKey = "c.pem", "k.pem"
	home := Home(t.TempDir())
	if err := os.WriteFile(home.Config(), []byte(c.WriteTOML()), 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := home.ReadConfig()
	if err != nil || !reflect.DeepEqual(c, back) {
		t.Errorf("settings come back as %+v: %v", back, err)
	}
	var again Config
	for _, k := range table.Keys {
		if err := k.Set(&again, k.Text(&back)); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
}

func TestUncommentedDefaults(t *testing.T) {
	defaults := Defaults()
	text := strings.ReplaceAll(defaults.WriteTOML(), "\n# ", "\n")
	if strings.Count(text, " = ") != len(table.Keys) {
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
	home := Home(f.TempDir())
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(home.Config(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := home.ReadConfig()
		if err != nil {
			return
		}
		if err := os.WriteFile(home.Config(), []byte(c.WriteTOML()), 0o600); err != nil {
			t.Fatal(err)
		}
		back, err := home.ReadConfig()
		if err != nil || back.WriteTOML() != c.WriteTOML() {
			t.Fatalf("accepted settings do not come back: %v", err)
		}
	})
}
