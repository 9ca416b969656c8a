package client_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// injected are texts that would end what they stand in, or that a spreadsheet or a terminal would act on.
var injected = []string{
	`"},{"resourceType":"Patient"}],"x":"`, `</div><script>alert(1)</script>`, `\u0022,"outcome":"0`, "=cmd|' /C calc'!A0", "\t=1+1",
	"\r\n=1+1,\"x\"\r\n", " +1+1", "@SUM(A1)", "-2+3", "\uff1d1+1", "x;=1+1", `";=1+1`, "\u200b=1+1", "\u200d=1+1", "\u00a0=1+1", "(=1+1",
	"'=1+1", "\x1b[2J\u009b1m\u202etxet", "Dr.\x00Roe", "\xff=1+1", strings.Repeat("=", 1000),
}

// hostileAccounting has a text of others in every place that takes one.
func hostileAccounting(text string) *client.Accounting {
	who := func(letter string) client.Person {
		return client.Person{GID: identity.GID(strings.Repeat(letter, 32)), Name: text, Authority: "city-hospital"}
	}
	at := time.Unix(1_800_000_000, 0)
	request := &ledger.Entry{Event: &ledger.Event{ID: ledger.EventID{1}, Body: &ledger.BreakglassRequested{Reason: text}}}
	return &client.Accounting{Patient: who("a").GID, Node: who("n").GID, Disclosures: []client.Disclosure{{
		Who: who("b"), Operation: ledger.OpRead, Compartment: ledger.Health, From: at, Until: at, Outcome: text, Session: ledger.SessionID{1},
		Grant:     &client.Basis{Term: ledger.Term{ID: ledger.TermID{1}, Purpose: text}, To: text, Granted: at},
		Emergency: &client.Emergency{Breakglass: &ledger.Breakglass{Requested: request}}, Approver: who("c"),
		Reviews: []client.Review{{Who: who("d"), Time: at, Finding: text}}, Node: who("n").GID,
		Places: []client.Place{{Event: ledger.EventID{1}, Number: 1}},
	}}}
}

// harmless checks that no character is one that a terminal acts on, but for ends of lines.
func harmless(t *testing.T, written string) {
	t.Helper()
	if strings.ContainsFunc(written, func(r rune) bool { return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
		t.Errorf("a terminal acts on %q", written)
	}
}

// Whatever others wrote, a table holds it in its cell, and no cell begins with a formula, whatever separates cells.
func TestAttack55_FormulasInAccounting(t *testing.T) {
	for _, text := range injected {
		var out bytes.Buffer
		must(t, hostileAccounting(text).WriteCSV(&out))
		written := out.String()
		harmless(t, strings.ReplaceAll(written, "\r\n", "\n"))
		if strings.Count(written, "\n") != 2 || strings.Count(written, "\r\n") != 2 {
			t.Errorf("%q makes other lines: %q", text, written)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		must(t, err)
		at := func(name string) string { return rows[1][slices.Index(rows[0], name)] }
		if len(rows) != 2 || at("gid") != strings.Repeat("b", 32) || at("operation") != "read" || at("number") != "1" || at("first_access") != "false" {
			t.Errorf("%q breaks out of its cell: %q", text, rows)
		}
		for i, cell := range rows[1] {
			for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(`;,|"`, r) }) {
				if begin := strings.TrimLeftFunc(part, unicode.IsSpace); begin != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(begin)[0]) {
					t.Errorf("%s begins with a formula: %q", rows[0][i], cell)
				}
			}
		}
	}
}

// Nothing that others wrote changes what an AuditEvent says, or what else stands in the Bundle.
func TestAttack55_InjectionIntoAuditEvents(t *testing.T) {
	for _, text := range injected {
		a := hostileAccounting(text)
		var out bytes.Buffer
		must(t, a.WriteFHIR(&out))
		harmless(t, out.String())
		e := auditEvents(t, a)[0]
		plain := fhir.Printable(text)
		for path, want := range map[string]string{
			"outcome": "0", "outcomeDesc": plain, "agent.0.name": plain, "agent.0.who.identifier.value": strings.Repeat("b", 32),
			"purposeOfEvent.1.coding.0.display": plain, "entity.2.what.display": plain, "entity.2.detail.1.valueString": plain,
		} {
			if got := e.at(path); got != want {
				t.Errorf("%q: %s is %q, want %q", text, path, got, want)
			}
		}
	}
}
