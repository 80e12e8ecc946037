package sim

import (
	"encoding/json"
	"testing"
)

func measureWAN(t *testing.T, o WANOptions) *WANReport {
	t.Helper()
	r, err := MeasureWAN(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wanOf(change func(*WANOptions)) WANOptions {
	o := WANOptions{Nodes: 7, Wave: 5, Delay: 100, Rate: 20_000, Seconds: 5, Seed: 1}
	change(&o)
	return o
}

