package demo_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/phrledger/phr/cmd/phr/demo"
)

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Out: &out}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log("\n" + out.String())
	if got := strings.Count(out.String(), "\nok   ") + 1; got != 25 {
		t.Errorf("%d steps are ok, want 25", got)
	}
}
