package demo_test

import (
	"bytes"
	"os"
	"path/filepath"
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
	if got := strings.Count(out.String(), "\nok   ") + 1; got != 13 {
		t.Errorf("%d steps are ok, want 13", got)
	}
}

func TestDemoWithData(t *testing.T) {
	dir := os.Getenv("PHR_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(dir, "synthea", "Eura_*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("no sample data: set PHR_TESTDATA to the folder that holds synthea/")
	}
	var out bytes.Buffer
	if err := demo.Run(t.Context(), demo.Options{Out: &out, Data: files, JSON: true}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}
