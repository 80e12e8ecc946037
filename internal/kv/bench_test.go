package kv

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// BenchmarkPlainOpen opens an empty store.
func BenchmarkPlainOpen(b *testing.B) {
	for b.Loop() {
		db, err := Open(Crashable(), "db", Options{Engine: Plain})
		if err != nil {
			b.Fatal(err)
		}
		_ = db.Close()
	}
	b.ReportAllocs()
}

// BenchmarkPlainCommit commits batches of five pairs to a store of 10,000.
func BenchmarkPlainCommit(b *testing.B) {
	db, err := Open(Crashable(), "db", Options{Engine: Plain})
	if err != nil {
		b.Fatal(err)
	}
	key, value := make([]byte, 33), make([]byte, 60)
	for n := uint64(0); b.Loop(); n++ {
		batch := db.NewBatchSize(600)
		for i := range byte(5) {
			binary.BigEndian.PutUint64(key, n%2000*0x9e3779b97f4a7c15)
			key[8] = i
			batch.Set(key, value)
		}
		if err := batch.Commit(n%8 == 0); err != nil {
			b.Fatal(err)
		}
		if n%16 == 0 {
			_ = db.Snapshot().Close()
		}
	}
	b.ReportAllocs()
}

// BenchmarkBufferedCommit commits what 100 payments write, a row each and six keys that are appended
// to, to a buffer that is large beside the processor's caches. One operation is a payment.
func BenchmarkBufferedCommit(b *testing.B) {
	db, err := Open(Crashable(), "db", Options{Engine: Plain, Buffer: &Buffer{Bytes: 1 << 30, Commits: 1 << 30, Filtered: []byte("f"), FilterBytes: 32 << 20}})
	if err != nil {
		b.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	row := make([]byte, 250)
	number := uint64(0)
	commit := func() {
		batch := db.NewBatchSize(64 << 10)
		for range 100 {
			key := binary.BigEndian.AppendUint64([]byte("r"), number)
			batch.Set(key, row)
			for range 6 {
				batch.Append(binary.BigEndian.AppendUint64([]byte("f"), random.Uint64()), key[4:])
			}
			number++
		}
		if err := batch.Commit(false); err != nil {
			b.Fatal(err)
		}
	}
	for range 1000 {
		commit()
	}
	b.ResetTimer()
	for done := 0; done < b.N; done += 100 {
		commit()
	}
	b.ReportAllocs()
}
