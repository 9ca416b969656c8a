package view

import "context"

func (v *View) Authority(ctx context.Context, args Nothing) (r AuthorityState, err error) {

func (v *View) Invite(ctx context.Context, args Offer) (r Invited, err error) { return r, errNotBuilt }

func (v *View) Impact(ctx context.Context, args Revocation) (r Impact, err error) {

func (v *View) RevokeAttributes(ctx context.Context, args Token) (r Revoked, err error) {

func (v *View) Reissue(ctx context.Context, args Nothing) (r AuthorityState, err error) {

func (v *View) Log(ctx context.Context, args Nothing) (r LogState, err error) { return r, errNotBuilt }

func (v *View) FindInLog(ctx context.Context, args LogQuery) (r LogLines, err error) {

func (v *View) VerifyProof(ctx context.Context, args ProofQuery) (r VerifiedProof, err error) {

func (v *View) AuditLog(ctx context.Context, args Nothing) (r Audit, err error) {
