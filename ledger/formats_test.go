package ledger_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// encoded are the sources of the structures that stand in logs, key material and messages.
var encoded = []string{".", "protocol", "stream/errors.go", "tree", "../crypto/epoch", "../crypto/abe", "../crypto/identity", "../crypto/keystore", "../crypto/pairing", "../authority/challenge", "../authority/request.go"}

// TestFormatsAreListed compares docs/formats.md with the sources: every key of every structure stands in its table.
func TestFormatsAreListed(t *testing.T) {
	listed, declared := listedFormats(t), map[string][]string{}
	for _, source := range encoded {
		maps.Copy(declared, declaredFormats(t, source))
	}
	if len(declared) < 60 {
		t.Fatalf("only %d structures found in the sources", len(declared))
	}
	for name, want := range declared {
		if got, ok := listed[name]; !ok {
			t.Errorf("%s is not in docs/formats.md; its rows begin\n%s", name, strings.Join(want, "\n"))
		} else if !slices.Equal(got, want) {
			t.Errorf("%s in docs/formats.md:\n%s\nin the sources:\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	for name := range listed {
		if _, ok := declared[name]; !ok {
			t.Errorf("%s is in docs/formats.md and nowhere else", name)
		}
	}
}

// listedFormats reads the tables: a heading with the structure's name, then rows of key, field, type and meaning.
func listedFormats(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	listed, name := map[string][]string{}, ""
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "## ") {
			name = ""
		} else if heading, ok := strings.CutPrefix(line, "### "); ok {
			name = strings.Trim(strings.Fields(heading)[0], "`")
			listed[name] = nil
		}
		cells := strings.Split(line, "|")
		if name == "" || len(cells) != 6 || strings.Contains(cells[1], "key") || strings.Contains(cells[1], "--") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[4] == "" {
			t.Errorf("%s: %s says nothing", name, cells[2])
		}
		listed[name] = append(listed[name], row(cells[1], cells[2], cells[3]))
	}
	return listed
}

func row(key, field, kind string) string { return fmt.Sprintf("| %s | %s | %s |", key, field, kind) }

// declaredFormats finds the structures with integer keys, or encoded as arrays, in a directory or file.
func declaredFormats(t *testing.T, source string) map[string][]string {
	t.Helper()
	files := []string{source}
	if !strings.HasSuffix(source, ".go") {
		files, _ = filepath.Glob(filepath.Join(source, "*.go"))
	}
	declared := map[string][]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					if rows, ok := rowsOf(s); ok {
						declared[parsed.Name.Name+"."+spec.Name.Name] = rows
					}
				}
			}
			return true
		})
	}
	return declared
}

// rowsOf returns a row for each field of a structure that is encoded.
func rowsOf(s *ast.StructType) (rows []string, encoded bool) {
	array := false
	for _, f := range s.Fields.List {
		var tag string
		if f.Tag != nil {
			tag = reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("cbor")
		}
		key, options, _ := strings.Cut(tag, ",")
		if options == "toarray" {
			array = true
			continue
		}
		if !array && !strings.HasPrefix(options, "keyasint") {
			continue
		}
		kind := wireType(f.Type)
		if strings.Contains(options, "omit") {
			kind += ", optional"
		}
		for _, name := range f.Names {
			if array {
				key = fmt.Sprint(len(rows))
			}
			rows = append(rows, row(key, name.Name, kind))
		}
	}
	return rows, len(rows) > 0
}

// wireType says how a Go type is encoded.
func wireType(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.ArrayType:
		element := wireType(x.Elt)
		switch {
		case element != "byte" && x.Len == nil:
			return "list of " + element
		case x.Len == nil:
			return "bytes"
		}
		if n, ok := x.Len.(*ast.BasicLit); ok && element == "byte" {
			return "bytes[" + n.Value + "]"
		}
		return "bytes[32]" // sizes with a name are those of keys and seeds
	case *ast.MapType:
		return "map of " + wireType(x.Value)
	case *ast.StarExpr:
		return wireType(x.X)
	case *ast.SelectorExpr:
		return wireName(x.Sel.Name)
	case *ast.Ident:
		return wireName(x.Name)
	}
	return fmt.Sprintf("%T", x)
}

func wireName(name string) string {
	switch name {
	case "uint64", "uint32", "uint16", "uint8", "int", "Suite":
		return "uint"
	case "int64":
		return "int"
	case "string", "GID", "Authority", "Attribute", "Kind", "Compartment", "Class", "Operation", "AuthorityKind", "Label":
		return "text"
	case "Hash", "hash":
		return "bytes[32]"
	case "EventID", "TermID", "SessionID", "SubmissionID", "InvitationID":
		return "bytes[16]"
	case "Leaf":
		return "bytes[6]"
	case "RawMessage":
		return "any"
	}
	return name
}
