package view_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// absent returns where a result has null in place of something that is always there, by what TypeScript is told of its type.
func absent(of reflect.Type, value any, path string) (found []string) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch of.Kind() {
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			break
		}
		all, ok := value.([]any)
		if !ok {
			return []string{path}
		}
		for i, v := range all {
			found = append(found, absent(of.Elem(), v, fmt.Sprintf("%s[%d]", path, i))...)
		}
	case reflect.Struct:
		members, ok := value.(map[string]any)
		if !ok {
			if _, text := value.(string); text { // a time
				return nil
			}
			return []string{path}
		}
		for i := range of.NumField() {
			field := of.Field(i)
			name, option, _ := strings.Cut(field.Tag.Get("json"), ",")
			if field.Anonymous {
				found = append(found, absent(field.Type, value, path)...)
				continue
			}
			member, there := members[name]
			if there || !strings.Contains(option, "omitempty") {
				found = append(found, absent(field.Type, member, path+"."+name)...)
			}
		}
	default:
		if value == nil {
			return []string{path}
		}
	}
	return found
}

// Whoever asks for whatever, no array is null.
func TestNothingIsNull(t *testing.T) {
	w := newWorld(t)
	maria, empty, doctor := w.maria(), w.patient(""), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	auditor, nobody := w.holder("auditor@phr", "A. Udit"), w.person()
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	empty.grant(ledger.Training, client.GrantRequest{To: "doctor@city-hospital", FromNow: true})
	record := call[view.Timeline](maria, "timeline", view.TimelineQuery{Limit: 1}).Rows[0].ID
	asked := map[string]any{
		"timeline": view.TimelineQuery{Text: "no such thing"}, "record": view.RecordQuery{ID: record}, "record.proof": view.RecordQuery{ID: record},
		"seeAs": view.SeeAsQuery{As: "doctor@city-hospital"}, "grant.preview": view.GrantDraft{To: "doctor@city-hospital", Compartments: []string{"training"}},
		"access.export": view.Format{Format: "csv"}, "log.proof": view.ProofQuery{Sequence: 1}, "patients": view.PatientsQuery{Open: true},
		"import.preview": view.File{Name: "x", Bytes: []byte(`{"resourceType":"Basic"}`)},
	}
	answered := make(map[string]bool)
	ask := func(who string, p *someone, name string, args any) {
		raw, err := json.Marshal(args)
		must(t, err)
		result, err := p.View.Call(w.ctx, name, raw)
		if err != nil {
			return // not everybody may ask for everything
		}
		answered[name] = true
		encoded, err := json.Marshal(result)
		must(t, err)
		var decoded any
		must(t, json.Unmarshal(encoded, &decoded))
		for _, path := range absent(reflect.TypeOf(result), decoded, name) {
			t.Errorf("to %s, %s is null", who, path)
		}
	}
	for _, c := range view.Calls() {
		for who, p := range map[string]*someone{"a patient": maria, "one without records": empty, "a doctor": doctor, "an auditor": auditor, "nobody": nobody} {
			args := asked[c.Name]
			if args == nil {
				args = reflect.Zero(c.Args).Interface()
			}
			ask(who, p, c.Name, args)
		}
		if c.Args == reflect.TypeFor[view.Of]() {
			ask("a doctor, of a patient,", doctor, c.Name, view.Of{Patient: string(maria.GID())})
			ask("a doctor, of one without records,", doctor, c.Name, view.Of{Patient: string(empty.GID())})
		}
	}
	for _, name := range []string{"me", "today", "timeline", "trends", "summary", "record", "record.proof", "patients", "import.preview", "export", "log", "log.find", "log.proof", "log.audit", "measurables", "access", "sharing", "circle", "seeAs"} {
		if !answered[name] {
			t.Errorf("nobody was answered %s", name)
		}
	}
}

// What makes no sense is refused in words, whatever it is.
func TestCalls(t *testing.T) {
	w := newWorld(t)
	p := w.patient("")
	for name, args := range map[string]string{"nothing": "{}", "today": `{"more":1}`, "timeline": `[]`, "vault.lock": "{}", "record": `{"id":7}`, "erase": "{}"} {
		_, err := p.View.Call(w.ctx, name, json.RawMessage(args))
		failing(t, err, view.CodeInput)
	}
}
