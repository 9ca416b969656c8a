package cmd_test

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// docs/attacks.md lists every test that tries an attack, in the row with its number, and no other.
func TestAttacksListed(t *testing.T) {
	listed, tried := listedAttacks(t), triedAttacks(t)
	for test := range tried {
		if !listed[test] {
			t.Errorf("docs/attacks.md does not list %s, or not under its number", test)
		}
	}
	for test := range listed {
		if !tried[test] {
			t.Errorf("docs/attacks.md lists %s, which is not there", test)
		}
	}
}

var (
	attackRow  = regexp.MustCompile(`^\| (\d+) \|`)
	attackCell = regexp.MustCompile("`([a-z/0-9]+)` ((?:`Test\\w+`,? ?)+)")
	attackName = regexp.MustCompile(`TestAttack(\d\d)_\w+`)
)

// listedAttacks returns the tests in the table, each as "package TestAttack…".
func listedAttacks(t *testing.T) map[string]bool {
	t.Helper()
	table, err := os.ReadFile("../docs/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]bool)
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		row := attackRow.FindStringSubmatch(lines.Text())
		if row == nil {
			continue
		}
		for _, cell := range attackCell.FindAllStringSubmatch(lines.Text(), -1) {
			for _, test := range attackName.FindAllStringSubmatch(cell[2], -1) {
				if number, _ := strconv.Atoi(test[1]); strconv.Itoa(number) == row[1] {
					all[cell[1]+" "+test[0]] = true
				}
			}
		}
	}
	return all
}

// triedAttacks returns the tests in the tree.
func triedAttacks(t *testing.T) map[string]bool {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^(?:func Test|test\(')(Attack\d\d_\w+)`) // in Go, and in the browser
	all := make(map[string]bool)
	err := filepath.WalkDir("..", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, "_test.go") && !strings.HasSuffix(file, ".test.mjs") {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		pkg := path.Dir(strings.TrimPrefix(filepath.ToSlash(file), "../"))
		for _, test := range declared.FindAllStringSubmatch(string(source), -1) {
			all[pkg+" Test"+test[1]] = true
		}
		return nil
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("found %d tests: %v", len(all), err)
	}
	return all
}

// What documents point to is there.
func TestLinks(t *testing.T) {
	documents, err := filepath.Glob("../docs/*.md")
	if err != nil || len(documents) < 5 {
		t.Fatalf("found %q, %v", documents, err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, document := range slices.Concat(documents, []string{"../README.md", "../NEWS.md"}) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), target[1])); err != nil {
				t.Errorf("%s points to %s: %v", document, target[1], err)
			}
		}
	}
}

// The Go in the README is the compiled example.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) == 0 {
		t.Error("the README shows no Go")
	}
	for _, block := range blocks {
		if !strings.Contains(string(example), block[1]) {
			t.Errorf("example_test.go does not have the README's\n%s", block[1])
		}
	}
}

// The walk in the README is the one that the scripts of the command line take, in the same order, and its record is theirs.
func TestReadmeWalk(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("phr/testdata/script/walk.txtar")
	if err != nil {
		t.Fatal(err)
	}
	steps := walkOf(string(script))
	walked := 0
	for _, line := range regexp.MustCompile(`(?m)^(\w+)\$ (phr .*)$`).FindAllStringSubmatch(string(readme), -1) {
		walked++
		at := slices.Index(steps, line[1]+" "+line[2])
		if at < 0 {
			t.Fatalf("the script does not go on with %q", line[0])
		}
		steps = steps[at+1:]
	}
	if walked < 10 {
		t.Errorf("the README walks %d steps", walked)
	}
	record, err := os.ReadFile("../docs/stick.json")
	if err != nil {
		t.Fatal(err)
	}
	if _, inScript, _ := strings.Cut(string(script), "-- stick.json --\n"); !strings.HasPrefix(inScript, string(record)) {
		t.Error("docs/stick.json is not what the script imports")
	}
}

// walkOf returns the commands of a script as somebody would type them, each after whose terminal it is in.
func walkOf(script string) (steps []string) {
	script = strings.NewReplacer("$LISTEN", "127.0.0.1:4222", "$", "").Replace(script)
	for line := range strings.Lines(script) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "! ")
		if service, ok := strings.CutPrefix(line, "start "); ok {
			_, line, _ = strings.Cut(service, " ")
		}
		switch who, verb, _ := strings.Cut(strings.TrimPrefix(line, "as "), " "); {
		case strings.HasPrefix(line, "as "):
			steps = append(steps, who+" phr "+verb)
		case strings.HasPrefix(line, "phr "), strings.HasPrefix(line, "exec phr "):
			steps = append(steps, "node "+strings.TrimPrefix(line, "exec "))
		}
	}
	return steps
}
