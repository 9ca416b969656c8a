package agent_test

import "testing"

func BenchmarkAgent(b *testing.B) {
	r := start(b, 0)
	e := event(r.GID())
	b.Run("sign an event", func(b *testing.B) {
		for b.Loop() {
			if err := r.SignEvent(e); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1 KiB", 1 << 10}, {"1 MiB", 1 << 20}} {
		contents := make([]byte, size.bytes)
		b.Run("seal a file of "+size.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.Seal("note", contents); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
