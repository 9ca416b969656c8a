package main

import (
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// shownTerm is a grant as 'grants' tells of it.
type shownTerm struct {
	Grant       ledger.TermID      `json:"grant"`
	Compartment ledger.Compartment `json:"compartment"`
	Expression  string             `json:"expression"`
	To          string             `json:"to"` // the expression, with the person it names
	GID         identity.GID       `json:"gid,omitempty"`
	Write       bool               `json:"write"`
	History     bool               `json:"history"`
	Until       *time.Time         `json:"until,omitempty"`
	Purpose     string             `json:"purpose,omitempty"`
	Approval    string             `json:"approval,omitempty"` // who must approve: it opens in an emergency only
	Proxy       bool               `json:"proxy,omitempty"`    // the person acts for the patient
	Ended       bool               `json:"ended,omitempty"`
}

// showTerm returns what people are told of a term. A person in it is named by their GID.
func showTerm(chain ledger.Chain, x *client.ExplainedTerm) shownTerm {
	s := shownTerm{
		Grant: x.ID, Compartment: chain.Compartment, Expression: x.Expression, To: named(x.Expression, chain, x) + approvedBy(x), GID: x.Person,
		Write: x.Write, History: x.History, Purpose: x.Purpose, Approval: x.Approval, Proxy: x.Proxy, Ended: x.Ended,
	}
	if x.Until != 0 {
		until := time.UnixMilli(x.Until)
		s.Until = &until
	}
	return s
}

// approvedBy says who has to approve what opens in an emergency only.
func approvedBy(x *client.ExplainedTerm) string {
	if !x.Emergency() {
		return ""
	}
	return ", approved by another who is " + x.Approval
}

// named writes the person whom a grant names in place of the attribute that stands for them.
func named(text string, chain ledger.Chain, x *client.ExplainedTerm) string {
	if x.Person == "" {
		return text
	}
	return strings.ReplaceAll(text, ledger.GrantAttribute(chain.GID(), x.ID).String(), "gid:"+string(x.Person))
}

func (s *shownTerm) may() string {
	may := "read"
	if s.Write {
		may = "read and write"
	}
	if s.Proxy {
		may += " as proxy"
	}
	if s.Approval != "" {
		may += " in an emergency"
	}
	return may
}

func (s *shownTerm) from() string {
	if s.History {
		return "from the beginning"
	}
	return "from the grant on"
}

func (s *shownTerm) ending() string {
	switch {
	case s.Until == nil:
		return ""
	case s.Ended:
		return ", ended " + moment(*s.Until)
	}
	return ", until " + moment(*s.Until)
}

// cells are what tables tell of a grant, whoever it is to.
func (s *shownTerm) cells() []string {
	return []string{
		s.Grant.String(), string(s.Compartment), s.may(), strings.TrimPrefix(s.from(), "from "), strings.TrimPrefix(strings.TrimPrefix(s.ending(), ", "), "until "), s.Purpose,
	}
}
