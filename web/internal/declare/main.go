// Command declare writes the TypeScript declarations of the messages of package view on standard output.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/web/view"
)

func main() {
	w := bufio.NewWriter(os.Stdout)
	d := declarer{seen: make(map[reflect.Type]bool)}
	fmt.Fprint(w, "// Made by go generate ./web from the structs of web/view: do not edit.\n")
	calls := "/** What may be asked, with what is answered. */\nexport interface Calls {\n"
	for _, c := range view.Calls() {
		calls += fmt.Sprintf("\t'%s': { args: %s; result: %s };\n", c.Name, d.name(c.Args), d.name(c.Result))
	}
	events := "/** What is told unasked. */\nexport interface Events {\n"
	all := view.Events()
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	}) {
		events += fmt.Sprintf("\t'%s': %s;\n", name, d.name(all[name]))
	}
	d.name(reflect.TypeFor[view.Error]())
	for _, text := range append(d.out, calls+"}\n", events+"}\n") {
		fmt.Fprintf(w, "\n%s", text)
	}
	if err := w.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A declarer collects the interfaces that it has named.
type declarer struct {
	seen map[reflect.Type]bool
	out  []string
}

// name returns how TypeScript calls a type, and declares it if it is a struct.
func (d *declarer) name(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "string"
	case t.Kind() == reflect.Pointer:
		return d.name(t.Elem())
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "string"
	case t.Kind() == reflect.Slice:
		return d.name(t.Elem()) + "[]"
	case t.Kind() == reflect.Struct:
		d.declare(t)
		return t.Name()
	case t.Kind() == reflect.Bool:
		return "boolean"
	case t.Kind() == reflect.String:
		return "string"
	case t.ConvertibleTo(reflect.TypeFor[float64]()):
		return "number"
	}
	panic(fmt.Sprintf("declare: no TypeScript for %s", t))
}

// declare adds the interface of a struct.
func (d *declarer) declare(t reflect.Type) {
	if d.seen[t] {
		return
	}
	d.seen[t] = true
	var extends []string
	fields := ""
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && tag == "" {
			extends = append(extends, d.name(f.Type))
			continue
		}
		optional := ""
		if strings.Contains(options, "omitempty") {
			optional = "?"
		}
		fields += fmt.Sprintf("\t%s%s: %s;\n", tag, optional, d.name(f.Type))
	}
	head := "export interface " + t.Name()
	if len(extends) > 0 {
		head += " extends " + strings.Join(extends, ", ")
	}
	if fields == "" && len(extends) == 0 {
		d.out = append(d.out, "export type "+t.Name()+" = { [key: string]: never };\n")
		return
	}
	d.out = append(d.out, head+" {\n"+fields+"}\n")
}
