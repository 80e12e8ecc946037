package explorer

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/asterism-network/asterism/kernel"
)

// functions are what templates may call. All of them return text, never markup.
func functions(assets map[string]*asset) template.FuncMap {
	return template.FuncMap{
		"static": func(name string) string { return "/static/" + name + "?v=" + assets[name].tag },
		"short":  short,
		"ms":     milliseconds,
		"age":    func(t kernel.Timestamp) string { return age(time.Since(t.Time())) },
		"exact":  func(t kernel.Timestamp) string { return t.Time().Format("2006-01-02 15:04:05.000 UTC") },
		"trim":   trimAmount,
		"words":  words,
	}
}

// short keeps the beginning and the end of an id: what people compare.
func short(v any) string {
	s := fmt.Sprint(v)
	if len(s) <= 20 {
		return s
	}
	return s[:8] + "…" + s[len(s)-6:]
}

// milliseconds writes a span as people say it: 184 ms, 2.31 s, 3.4 min.
func milliseconds(ms int64) string {
	switch {
	case ms < 1000:
		return fmt.Sprintf("%d ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.2f s", float64(ms)/1000)
	}
	return fmt.Sprintf("%.1f min", float64(ms)/60_000)
}

func age(d time.Duration) string {
	switch {
	case d < 2*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// trimAmount leaves the zeros at the end out: 0.5, not 0.50000000.
func trimAmount(a kernel.Amount) string {
	s := a.String()
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// words turns a stable name into words: withdrawal_submit, below_horizon.
func words(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "_", " ") }

// clip bounds text from outside; it may cut a character in two, which templates repair.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }
