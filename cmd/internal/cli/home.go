package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// DataFolder is where our programs keep what they keep: ASTER_HOME, else the system's place for
// application data.
func DataFolder() (string, error) {
	if dir := os.Getenv("ASTER_HOME"); dir != "" {
		return filepath.Abs(dir)
	}
	if runtime.GOOS == "linux" {
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "asterism"), nil
		}
		user, err := os.UserHomeDir()
		return filepath.Join(user, ".local", "share", "asterism"), err
	}
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "Asterism"), err
}

// MakeHome makes a folder that only its owner may enter, and refuses one that others may.
func MakeHome(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return CheckHome(dir)
}

// CheckHome refuses a home that is missing or that others may enter: keys lie in it.
func CheckHome(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Fail(BadConfig, "no_home", "%s does not exist", dir).WithHint("make it with init, or name another with --home")
	case err != nil:
		return err
	case !info.IsDir():
		return Fail(BadConfig, "no_home", "%s is not a folder", dir)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return Fail(Forbidden, "home_permissions", "others may enter %s (mode %04o)", dir, info.Mode().Perm()).WithHint("chmod 700 %s", dir)
	}
	return nil
}
