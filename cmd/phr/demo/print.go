package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// print shows a step.
func (d *demo) print(n int, title string, proven []string, took time.Duration, err error) {
	if d.JSON {
		line := struct {
			Step    int      `json:"step"`
			Title   string   `json:"title"`
			OK      bool     `json:"ok"`
			Proven  []string `json:"proven"`
			Seconds float64  `json:"seconds"`
			Error   string   `json:"error,omitempty"`
		}{n, title, err == nil, proven, took.Seconds(), ""}
		if err != nil {
			line.Error = err.Error()
		}
		_ = json.NewEncoder(d.Out).Encode(line) // a closed pipe ends the show by itself
		return
	}
	mark := "ok  "
	if err != nil {
		mark = "FAIL"
	}
	fmt.Fprintf(d.Out, "%s %2d. %s  (%s)\n", mark, n, title, round(took))
	for _, line := range proven {
		fmt.Fprintf(d.Out, "         %s\n", line)
	}
	if err != nil {
		fmt.Fprintf(d.Out, "         %s\n", strings.ReplaceAll(err.Error(), "\n", "\n         "))
	}
}

func (d *demo) summary(failed int, took time.Duration) {
	if d.JSON {
		return
	}
	if failed > 0 {
		fmt.Fprintf(d.Out, "\n%d of the expectations failed.\n", failed)
		return
	}
	fmt.Fprintf(d.Out, "\nAll of it held, in %s.\n", round(took))
}

func round(t time.Duration) time.Duration {
	switch {
	case t > 10*time.Second:
		return t.Round(100 * time.Millisecond)
	case t > 100*time.Millisecond:
		return t.Round(time.Millisecond)
	default:
		return t.Round(10 * time.Microsecond)
	}
}

func bytes(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
