package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// shownEpoch says how much data rests on an epoch.
type shownEpoch struct {
	Epoch   uint32          `json:"epoch"`
	Started time.Time       `json:"started"`
	Records uint64          `json:"records"`
	Erased  uint64          `json:"erased,omitempty"`
	Linked  bool            `json:"linked,omitempty"`
	Wraps   []ledger.TermID `json:"wraps,omitempty"` // by grant
}

// shownVersion says how much data rests on a version of an attribute.
type shownVersion struct {
	Attribute string    `json:"attribute"`
	Version   uint32    `json:"version"`
	InForce   uint32    `json:"in_force"` // 0: its authority is suspended
	Alone     bool      `json:"alone,omitempty"`
	Wraps     int       `json:"wraps"`
	Epochs    int       `json:"epochs"`
	Records   uint64    `json:"records"`
	Oldest    time.Time `json:"oldest"`
}

func showEpochs(r *client.Resting) []shownEpoch {
	all := make([]shownEpoch, len(r.Epochs))
	for i, e := range r.Epochs {
		all[i] = shownEpoch{Epoch: e.Number, Started: e.Started, Records: e.Records, Erased: e.Erased, Linked: e.Linked, Wraps: e.Wraps}
	}
	return all
}

// showVersions names the person of a grant in place of the attribute that stands for them.
func showVersions(r *client.Resting, x *client.Explanation) []shownVersion {
	all := make([]shownVersion, len(r.Versions))
	for i, v := range r.Versions {
		name := v.Attribute.String()
		for _, term := range x.Terms {
			name = named(name, x.Chain, &term)
		}
		all[i] = shownVersion{
			Attribute: name, Version: v.Version, InForce: v.InForce, Alone: v.Alone, Wraps: v.Wraps, Epochs: v.Epochs, Records: v.Records, Oldest: v.Oldest,
		}
	}
	return all
}

// tellResting says how much data rests on each epoch and on each version of an attribute.
func (e *env) tellResting(s *shownExplanation) {
	var most uint64
	for _, epoch := range s.Epochs {
		most = max(most, epoch.Records)
	}
	for _, v := range s.Versions {
		most = max(most, v.Records)
	}
	e.say("")
	e.say("what rests on each epoch's keys, every version of a record counted:")
	for _, epoch := range s.Epochs {
		erased := ""
		if epoch.Erased > 0 {
			erased = fmt.Sprintf(", %s erased", thousands(int(epoch.Erased)))
		}
		e.say("  epoch %-4d since %s  %s %s%s, wrapped for %s", epoch.Epoch, moment(epoch.Started), bar(epoch.Records, most),
			plural(int(epoch.Records), "record"), erased, plural(len(epoch.Wraps), "grant"))
	}
	if len(s.Versions) == 0 {
		return
	}
	e.say("what the holders of each attribute can open, by the wraps that stand:")
	for _, v := range s.Versions {
		e.say("  %-44s %s %s since %s%s", v.name(), bar(v.Records, most), plural(int(v.Records), "record"), moment(v.Oldest), v.remark())
	}
}

func (v *shownVersion) name() string {
	if strings.HasPrefix(v.Attribute, "gid:") {
		return v.Attribute // one key for good
	}
	return fmt.Sprintf("%s, version %d", v.Attribute, v.Version)
}

// remark says what is special about a version.
func (v *shownVersion) remark() string {
	remark := ""
	if !v.Alone {
		remark = ", with what else is asked for"
	}
	switch {
	case v.InForce == 0:
		return remark + ": its authority is suspended, and opens no session"
	case v.InForce != v.Version:
		return remark + fmt.Sprintf(": version %d is in force; who was removed could still open these, had they kept the wraps", v.InForce)
	}
	return remark
}

// widestBar is how many characters the longest bar has.
const widestBar = 16

// bar draws a number beside the largest one there is. What is not nothing shows.
func bar(n, most uint64) string {
	if n == 0 || most == 0 {
		return strings.Repeat("·", widestBar)
	}
	full := int(max(1, n*widestBar/most))
	return strings.Repeat("█", full) + strings.Repeat("·", widestBar-full)
}
