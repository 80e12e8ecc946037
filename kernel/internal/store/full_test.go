package store

import "os"

// full is set by make test-full: the whole numbers of the test plan instead of a sample.
var full = os.Getenv("ASTERISM_FULL") != ""
