package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/asterism-network/asterism/cmd/internal/cli"
)

// A Burst is what three times the capacity did for some seconds: on top of usual clients, who pay
// at 40 % of the capacity before, meanwhile and after, others come with the rest.
//
// All latencies count from when a payment was due, and nobody gives up: a payment that a node slows
// down or sends away is brought again, and the time until then is part of its latency. So a burst leaves
// about four seconds of the capacity standing before the nodes, and these are served beside the usual
// clients afterwards: nodes that did nothing else would need 1/0.6 of that, 6.7 s.
type Burst struct {
	Seconds   int      `json:"seconds"`
	Usual     float64  `json:"usual_tx_per_s"`
	Peak      float64  `json:"peak_tx_per_s"`
	Submitted int      `json:"submitted"`          // due during the burst
	Retried   int      `json:"retried"`            // submissions that were asked to come back later
	Slowed    float64  `json:"slowed_s"`           // how long the slowest of these payments stood before a node
	Drained   float64  `json:"drained_s"`          // seconds after the burst until the last of them was final
	Before    Latency  `json:"finality_before_ms"` // of usual clients
	During    Latency  `json:"finality_during_ms"` // of usual and other clients
	Usually   Latency  `json:"finality_usual_ms"`  // of usual clients in the burst
	After     []Second `json:"after"`              // of usual clients, by the second after the burst in which payments were due
	Recovered float64  `json:"recovered_s"`        // seconds after the burst until the median of those due is normal again and stays so; -1 never
}

// A Second is the finality of the payments that were due in it, and how long their median stood before
// a node until it was taken.
type Second struct {
	P50   float64 `json:"p50"`
	P99   float64 `json:"p99"`
	Taken float64 `json:"taken_p50"`
}

const (
	usualShare   = 0.4
	burstFactor  = 3
	burstBefore  = 8 * time.Second
	burstAfter   = 20 * time.Second
	normalFactor = 2 // times the median before is normal
)

// burst pays three times the capacity for some seconds and watches the network recover.
func (r *run) burst(ctx context.Context, capacity float64) error {
	if err := r.drain(ctx); err != nil {
		return r.explain(err)
	}
	b := &Burst{Seconds: r.Burst, Usual: usualShare * capacity, Peak: burstFactor * capacity}
	r.result.Burst = b
	usual := &stream{rate: b.Usual, sender: r.sender}
	others := &stream{rate: b.Peak - b.Usual, sender: r.rush}
	length := time.Duration(r.Burst) * time.Second
	r.make(int(b.Usual*(burstBefore+length+burstAfter).Seconds()+others.rate*length.Seconds()) + 4)
	r.say("%.0f payments a second, then %.0f for %d s, then %.0f again", b.Usual, b.Peak, r.Burst, b.Usual)
	if err := r.open(ctx, burstBefore, usual); err != nil {
		return err
	}
	began, before := r.number, r.retries()
	if err := r.open(ctx, length, usual, others); err != nil {
		return err
	}
	ended, end := r.number, time.Now()
	if err := r.open(ctx, burstAfter, usual); err != nil {
		return err
	}
	if err := r.drain(ctx); err != nil {
		return r.explain(err)
	}
	b.Submitted, b.Retried = ended-began, r.retries()-before
	b.Before, _ = r.latencies(began-int(b.Usual*burstBefore.Seconds()/2), began) // the second half
	var taking Latency
	b.During, taking = r.latencies(began, ended)
	b.Slowed, b.Drained = taking.Max/1000, r.drained(began, ended, end)
	b.Usually = r.usually(began, ended)
	b.After = r.seconds(ended, r.number, end)
	b.Recovered = recovered(b.After, normalFactor*b.Before.P50)
	r.say("normal again %.0f s after the burst", b.Recovered)
	return nil
}

func (r *run) retries() int { return r.sender.now().retried + r.rush.now().retried }

// usually is the finality of the usual clients' among a range of payments.
func (r *run) usually(from, to int) Latency {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	var all []time.Duration
	for _, t := range r.tracker.when[from:to] {
		if !t.rush && !t.final.IsZero() {
			all = append(all, t.final.Sub(t.due))
		}
	}
	return latencyOf(all)
}

// drained is how many seconds after a moment the last of a range of payments was final.
func (r *run) drained(from, to int, since time.Time) float64 {
	r.tracker.mu.Lock()
	defer r.tracker.mu.Unlock()
	last := since
	for _, t := range r.tracker.when[from:to] {
		if t.final.After(last) {
			last = t.final
		}
	}
	return last.Sub(since).Seconds()
}

// seconds is the finality of a range of payments by the second that they were due in.
func (r *run) seconds(from, to int, begin time.Time) (all []Second) {
	for start := from; start < to; {
		limit := begin.Add(time.Duration(len(all)+1) * time.Second)
		r.tracker.mu.Lock()
		end := start
		for end < to && r.tracker.when[end].due.Before(limit) {
			end++
		}
		r.tracker.mu.Unlock()
		final, taken := r.latencies(start, end)
		all = append(all, Second{final.P50, final.P99, taken.P50})
		start = end
	}
	return all
}

// recovered is the number of the first second from which on every median is normal.
func recovered(after []Second, normal float64) float64 {
	first := len(after)
	for first > 0 && after[first-1].P50 <= normal {
		first--
	}
	if first == len(after) {
		return -1
	}
	return float64(first)
}

func (b *Burst) print(t *cli.Table) {
	t.Row("burst", fmt.Sprintf("%.0f a second for %d s: finality p50 %.0f ms before, %.0f during, %.0f of usual clients; normal again after %.0f s",
		b.Peak, b.Seconds, b.Before.P50, b.During.P50, b.Usually.P50, b.Recovered))
	t.Row("", fmt.Sprintf("%d payments, %d submissions told to come back later, the slowest taken after %.1f s, all final %.1f s after the burst",
		b.Submitted, b.Retried, b.Slowed, b.Drained))
}
