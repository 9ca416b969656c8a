package demo

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/ledger/audit"
)

func (d *demo) audit(ctx context.Context) ([]string, error) {
	report, err := audit.Run(ctx, d.node.URL().Root, d.auditor.Log, audit.Options{Now: d.clock.now})
	if err != nil {
		return nil, err
	}
	lines := []string{
		fmt.Sprintf("%d entries on %d chains, %d records, %d sessions: signatures, chains, terms and sessions verified",
			report.Entries, report.Chains, report.Records, report.Sessions.Opened),
		fmt.Sprintf("the log tells of %d emergency, and of %d records and %d compartments erased, without what was in them",
			len(report.Emergencies), len(report.Erased), len(report.ErasedCompartments)),
	}
	for _, f := range report.Findings {
		lines = append(lines, fmt.Sprintf("%s: %s", f.Problem, f.What))
	}
	if err := expect(len(report.Emergencies) == 1 && len(report.Erased) > 0 && len(report.ErasedPatients) == 1,
		"the report does not show the emergency and what was erased: %+v", report); err != nil {
		return lines, err
	}
	return lines, expect(report.Sound(), "%d findings", len(report.Findings))
}
