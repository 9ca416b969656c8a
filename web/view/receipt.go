package view

import (
	"context"
	"encoding/json"
)

// GrantReceipt returns the receipts of grants, those that are over too: a FHIR Consent, or a Bundle of several.
func (v *View) GrantReceipt(ctx context.Context, args GrantNames) (Download, error) {
	var consents []json.RawMessage
	for _, id := range args.Grants {
		held, err := v.holding(ctx, id)
		if err != nil {
			return Download{}, err
		}
		consent, err := held.book.Consent(ctx, held.grant.ID)
		if err != nil {
			return Download{}, err
		}
		consents = append(consents, consent)
	}
	d := Download{Media: "application/fhir+json"}
	switch len(consents) {
	case 0:
		return d, misused("say which grants")
	case 1:
		d.Name, d.Bytes = "consent-"+args.Grants[0]+".json", consents[0]
		return d, nil
	}
	type entry struct {
		Resource json.RawMessage `json:"resource"`
	}
	bundle := struct {
		ResourceType string  `json:"resourceType"`
		Type         string  `json:"type"`
		Entry        []entry `json:"entry"`
	}{ResourceType: "Bundle", Type: "collection"}
	for _, c := range consents {
		bundle.Entry = append(bundle.Entry, entry{c})
	}
	var err error
	d.Name = "consents.json"
	d.Bytes, err = json.MarshalIndent(bundle, "", "  ")
	return d, err
}
