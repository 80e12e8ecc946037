package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/asterism-network/asterism/cmd/internal/cli"
	"github.com/asterism-network/asterism/cmd/internal/kerneld"
)

// A Machine is what the figures were taken on.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"` // that this process may use
	Memory     uint64  `json:"memory_bytes"`
	System     string  `json:"system"`
	LoadBefore float64 `json:"load_average_before"` // of one minute
	LoadAfter  float64 `json:"load_average_after"`
}

// describe fills in what is known before the load.
func (r *run) describe() {
	o, defaults := r.load.Options(), kerneld.Defaults()
	x := r.result
	x.Nodes, x.Payment, x.Seed = r.Nodes, r.Kind, r.Seed
	x.Load = Load{Inputs: r.Kind.Inputs(), Outputs: r.Kind.Outputs(), Signatures: r.Kind.Signatures(), Lanes: o.Lanes, Copies: r.Copies}
	window, _ := defaults.BatchWindow.MarshalText() // never fails
	x.Settings = Settings{
		GOMAXPROCS: runtime.GOMAXPROCS(0), Sync: "log synced before every own snapshot is sent, as in production", Window: string(window),
		Transport: "TLS 1.3 on loopback, full mesh", Topology: fmt.Sprintf("%d node processes and the load generator on one machine", r.Nodes),
		Folder: fileSystem(r.Home),
	}
	x.Machine = Machine{CPU: cpuModel(), Cores: runtime.NumCPU(), Memory: memory(), System: runtime.GOOS + "/" + runtime.GOARCH, LoadBefore: loadAverage()}
	x.Versions = cli.ReadBuild()
}

// count fills in what became of all payments.
func (r *run) count() {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	x := r.result
	x.Submitted, x.Final, x.Rejected = r.sent-x.Load.Funding, r.tracker.final-x.Load.Funding, r.tracker.rejected
	x.Lost = x.Submitted - x.Final - x.Rejected
	x.Machine.LoadAfter = loadAverage()
	bytes := 0
	for i := range r.examples {
		bytes += len(r.examples[i].Raw)
	}
	x.Load.Bytes = float64(bytes) / float64(len(r.examples))
}

func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func memory() uint64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	if fields := strings.Fields(string(text)); len(fields) > 1 && fields[0] == "MemTotal:" {
		kib, _ := strconv.ParseUint(fields[1], 10, 64)
		return kib << 10
	}
	return 0
}

func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
