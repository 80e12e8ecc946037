package replica

import "testing"

func TestWeighedStaysWithinItsRoom(t *testing.T) {
	w := newWeighed[int, string](100, 800)
	for i := range 50 {
		w.add(i, "value", 60)
		if w.bytes > 800 || w.cache.Len() > 13 {
			t.Fatalf("%d bytes in %d values", w.bytes, w.cache.Len())
		}
	}
	if _, ok := w.get(0); ok {
		t.Error("the oldest value is still there")
	}
	w.add(49, "again", 10)
	if v, _ := w.get(49); v != "again" || w.bytes != 12*60+10 {
		t.Errorf("replaced: %q, %d bytes", v, w.bytes)
	}
	w.add(100, "too large", 101)
	if _, ok := w.get(100); ok {
		t.Error("one value took an eighth of the room")
	}
	w.remove(49)
	if w.bytes != 12*60 {
		t.Errorf("%d bytes after a removal", w.bytes)
	}
}
