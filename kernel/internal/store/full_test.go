package store

import "os"

// full is set by make test-full: the whole numbers of the test plan instead of a sample. It is
// asked inside tests: what is read before them does not count for the cache of test results.
func full() bool { return os.Getenv("ASTERISM_FULL") != "" }
