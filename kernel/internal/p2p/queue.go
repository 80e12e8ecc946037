package p2p

// A queue holds frames in order, bounded in bytes and in count. It always takes one frame,
// however large, so that no legal frame is stuck for ever. It has no lock of its own.
type queue struct {
	frames    [][]byte // those before head are gone
	head      int
	bytes     int
	maxBytes  int
	maxFrames int
}

func (q *queue) len() int { return len(q.frames) - q.head }

// fits reports whether push would take a frame of n bytes.
func (q *queue) fits(n int) bool {
	return q.len() == 0 || q.len() < q.maxFrames && n <= q.maxBytes-q.bytes
}

// push takes the frame unless the queue is full.
func (q *queue) push(frame []byte) bool {
	if !q.fits(len(frame)) {
		return false
	}
	if q.head > 0 && len(q.frames) == cap(q.frames) && q.head >= len(q.frames)/2 {
		n := copy(q.frames, q.frames[q.head:]) // reuse the space of those that are gone
		clear(q.frames[n:])
		q.frames, q.head = q.frames[:n], 0
	}
	q.frames = append(q.frames, frame)
	q.bytes += len(frame)
	return true
}

// pop returns the oldest frame, or nil when there is none.
func (q *queue) pop() []byte {
	if q.len() == 0 {
		return nil
	}
	frame := q.frames[q.head]
	q.frames[q.head] = nil
	q.head++
	q.bytes -= len(frame)
	if q.head == len(q.frames) {
		q.frames, q.head = q.frames[:0], 0
	}
	return frame
}

// reset drops everything, also the space, and returns how many frames were lost.
func (q *queue) reset() int {
	lost := q.len()
	q.frames, q.head, q.bytes = nil, 0, 0
	return lost
}
