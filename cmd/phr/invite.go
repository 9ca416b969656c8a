package main

import (
	"context"
	"strings"
	"time"

	"github.com/phrledger/phr/authority"
)

// authorityInvite opens an invitation and prints its code, which is kept nowhere.
func authorityInvite(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	attributes := fs.String("attr", "", "`ATTRIBUTES` to give, separated by commas")
	uses := fs.Int("uses", 1, "`N` people may come in by it")
	expires := fs.String("expires", "", "`TIME` after which it is void, such as 7d (14d)")
	note := fs.String("note", "", "`TEXT` for yourself: whom it is for")
	data := registryFlag(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *attributes == "" {
		return e.misused("--attr is missing")
	}
	o := authority.Offer{Attributes: strings.Split(*attributes, ","), Uses: *uses, Note: *note}
	if *expires != "" {
		d, err := parseDuration(*expires)
		if err != nil {
			return e.misused("--expires: " + err.Error())
		}
		o.Expires = time.Now().Add(d)
	}
	c, err := e.dialAuthority(ctx, *data)
	if err != nil {
		return err
	}
	defer hangUp(c)
	code, invitation, err := c.Invite(ctx, o)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Code       string                 `json:"code"`
			Invitation authority.InvitationID `json:"invitation"`
			Attributes []string               `json:"attributes"`
			Uses       int                    `json:"uses"`
			Expires    time.Time              `json:"expires"`
		}{code.Text(), invitation.ID, invitation.Attributes, invitation.Uses, invitation.Expires})
	}
	e.say("%s", code.Text())
	e.note("Hand this code over in person. Whoever has it is taken for the one invited, until %s.", moment(invitation.Expires))
	return nil
}
