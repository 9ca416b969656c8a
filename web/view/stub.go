package view

import "context"

func (v *View) Log(ctx context.Context, args Nothing) (r LogState, err error) { return r, errNotBuilt }

func (v *View) FindInLog(ctx context.Context, args LogQuery) (r LogLines, err error) { return r, errNotBuilt }

func (v *View) VerifyProof(ctx context.Context, args ProofQuery) (r VerifiedProof, err error) { return r, errNotBuilt }

func (v *View) AuditLog(ctx context.Context, args Nothing) (r Audit, err error) { return r, errNotBuilt }
