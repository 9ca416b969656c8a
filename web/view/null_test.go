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

// What screens count on to be a list is one, and never null.
func TestNoNullLists(t *testing.T) {
	w := newWorld(t)
	maria, empty := w.patient("Maria"), w.patient("")
	leo := w.holder("trainer@iron-gym", "Leo")
	hospital := w.at(w.authority("city-hospital").Home())
	id := maria.grant(ledger.Training, client.GrantRequest{To: "gid:" + string(leo.GID())}).Term.ID.String()
	for _, c := range []struct {
		who  *someone
		name string
		args any
	}{
		{empty, "sharing", view.Of{}},
		{maria, "sharing", view.Of{}},
		{leo, "sharing", view.Of{Patient: string(maria.GID())}},
		{empty, "circle", view.Nothing{}},
		{leo, "circle", view.Nothing{}},
		{empty, "grant.preview", view.GrantDraft{}},
		{maria, "grant.preview", view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"training"}}},
		{maria, "revoke.preview", view.GrantNames{Grants: []string{id}}},
		{maria, "seeAs", view.SeeAsQuery{As: string(leo.GID())}},
		{empty, "seeAs", view.SeeAsQuery{As: string(leo.GID())}},
		{empty, "access", view.AccessQuery{}},
		{maria, "emergencies", view.Of{}},
		{leo, "emergencies", view.Of{Patient: string(maria.GID())}},
		{empty, "emergency.card", view.Nothing{}},
		{hospital, "authority", view.Nothing{}},
		{hospital, "authority.invite", view.Offer{Attributes: []string{"doctor"}}},
		{hospital, "authority.impact", view.Revocation{Attributes: []string{"doctor"}}},
	} {
		asked, err := json.Marshal(c.args)
		must(t, err)
		result, err := c.who.View.Call(w.ctx, c.name, asked)
		must(t, err)
		noNull(t, c.name, reflect.ValueOf(result))
	}
}

// noNull finds lists that TypeScript takes to be there and are null.
func noNull(t *testing.T, at string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noNull(t, at, v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			noNull(t, fmt.Sprintf("%s[%d]", at, i), v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			optional := strings.HasSuffix(field.Tag.Get("json"), ",omitempty")
			if f := v.Field(i); f.Kind() == reflect.Slice && f.IsNil() && !optional {
				t.Errorf("%s.%s is null", at, field.Name)
			}
			noNull(t, at+"."+field.Name, v.Field(i))
		}
	}
}
