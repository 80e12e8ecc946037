package kv

import (
	"encoding/binary"
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
