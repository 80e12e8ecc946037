package p2p

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/asterism-network/asterism/internal/cputime"
	"github.com/asterism-network/asterism/internal/crypto"
)

// pair connects two meshes over loopback for a benchmark.
func pair(b *testing.B) (from, to *Mesh) {
	b.Helper()
	var meshes [2]*Mesh
	var listeners [2]net.Listener
	var addresses []string
	var members []crypto.Key
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		listeners[i], addresses, members = l, append(addresses, l.Addr().String()), append(members, seedOf(i).Public())
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	b.Cleanup(func() { cancel(); wg.Wait() })
	for i := range meshes {
		m, err := New(Config{
			Network: testNetwork, Seed: seedOf(i), Members: among(members, addresses),
			Listener: listeners[i], Limits: Limits{ReceiveRate: 1 << 34},
		})
		if err != nil {
			b.Fatal(err)
		}
		meshes[i] = m
		wg.Go(func() {
			if err := m.Run(ctx); err != nil {
				b.Error(err)
			}
		})
	}
	for !meshes[0].find(keyOf(1)).connected() || !meshes[1].find(keyOf(0)).connected() {
		time.Sleep(time.Millisecond)
	}
	return meshes[0], meshes[1]
}

// The benchmarks count the processor's time of both ends, the system's part included.

func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{128, 1 << 10, 16 << 10, 256 << 10, 4 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			from, to := pair(b)
			frame := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			b.ResetTimer()
			used := cputime.Process()
			go func() {
				for range b.N {
					for !from.Send(keyOf(1), frame) {
						time.Sleep(100 * time.Microsecond)
					}
				}
			}()
			for range b.N {
				<-to.Inbound()
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "frames/s")
			b.ReportMetric(float64(cputime.Process()-used)/float64(b.N)/float64(size), "cpu-ns/byte")
		})
	}
}

func BenchmarkPingPong(b *testing.B) {
	one, two := pair(b)
	frame := make([]byte, 2<<10)
	b.ResetTimer()
	used := cputime.Process()
	for range b.N {
		one.Send(keyOf(1), frame)
		<-two.Inbound()
		two.Send(keyOf(0), frame)
		<-one.Inbound()
	}
	b.StopTimer()
	b.ReportMetric(float64(cputime.Process()-used)/float64(b.N), "cpu-ns/op")
}
