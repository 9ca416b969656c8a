package client

import (
	"encoding/json"
	"io"

	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// ExportAll writes everything of some records of a chart as one FHIR collection Bundle: every version, withdrawn ones and the
// reasons for it too, but nothing that is erased already. What is not FHIR stands in it as a Binary, tagged with its media class. It returns how many entries there
// are, and how many could not be read and are left out.
func ExportAll(w io.Writer, c *chart.Chart, ids []chart.RecordID) (written, unread int, err error) {
	enc := fhir.NewEncoder(w)
	for _, id := range ids {
		for _, v := range c.History(id) {
			if v.Unreadable != "" {
				if v.Unreadable != ErrErased.Error() {
					unread++
				}
				continue
			}
			r, err := resourceOf(&v)
			if err == nil {
				err = enc.Encode(r)
			}
			if err != nil {
				return written, unread, err
			}
			written++
		}
	}
	return written, unread, enc.Close()
}

// resourceOf returns a version as a FHIR resource.
func resourceOf(v *chart.Version) (fhir.Resource, error) {
	if v.Class == chart.FHIR && v.Kind != chart.Retracted {
		return v.Resource, nil
	}
	type tag struct {
		System string `json:"system"`
		Code   string `json:"code"`
	}
	binary := struct {
		Type        string           `json:"resourceType"`
		ID          string           `json:"id"`
		Meta        map[string][]tag `json:"meta"`
		ContentType string           `json:"contentType"`
		Data        []byte           `json:"data"`
	}{
		"Binary", string(v.ID),
		map[string][]tag{"tag": {{"urn:phr:class", v.Class}, {"urn:phr:kind", string(v.Kind)}}},
		"application/octet-stream", v.Body,
	}
	if v.Class == chart.Note || v.Class == CardMedia || v.Kind == chart.Retracted {
		binary.ContentType = "text/plain; charset=utf-8"
	}
	if v.Text != "" {
		binary.Data = []byte(v.Text)
	}
	raw, err := json.Marshal(binary)
	return fhir.Resource{Raw: raw}, err
}
