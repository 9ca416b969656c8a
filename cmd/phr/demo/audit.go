package demo

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger/audit"
)

func (d *demo) audit(ctx context.Context) ([]string, error) {
	newest, witnessed, err := d.auditor.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	asked := func(signed []byte, log note.Verifier) error {
		_, err := d.witness.policy().Check(signed, log, d.clock.now())
		return err
	}
	report, err := audit.Run(ctx, d.node.URL().Root, d.auditor.Log,
		audit.Options{Now: d.clock.now, Checkpoint: newest, Witnessed: witnessed, Witnesses: asked})
	if err != nil {
		return nil, err
	}
	lines := []string{
		fmt.Sprintf("%d entries on %d chains, %d records, %d sessions: signatures, chains, terms and sessions verified",
			report.Entries, report.Chains, report.Records, report.Sessions.Opened),
		fmt.Sprintf("its tree is the one that %d checkpoints in the log and the node's newest commit to, and a witness has signed up to entry %d",
			report.Checkpoints, report.Witnessed),
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
	if err := expect(report.Checkpoints > 0 && report.Witnessed > 0, "the tree was compared with nothing: %+v", report); err != nil {
		return lines, err
	}
	return lines, expect(report.Sound(), "%d findings", len(report.Findings))
}
