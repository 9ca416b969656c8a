package embedded

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/ledger/stream"
)

// MintUser returns the JWT that lets the owner of the nkey g.User connect and do what g says, until it expires. It is
// useless without the key. It refuses a grant without both lists, which to NATS would mean that everything is allowed,
// and one that never expires.
func (s *Server) MintUser(g stream.UserGrant) (string, error) {
	if !g.Expires.After(time.Now()) {
		return "", errors.New("minting a session: it expires in the past")
	}
	return s.mint(g, false)
}

// mint signs the grant. Only the guest's is a bearer's, which needs no key.
func (s *Server) mint(g stream.UserGrant, bearer bool) (string, error) {
	if len(g.Pub) == 0 || len(g.Sub) == 0 || g.MaxPayload <= 0 {
		return "", errors.New("minting a session: a list or limit of the grant is empty")
	}
	if !nkeys.IsValidPublicUserKey(g.User) {
		return "", errors.New("minting a session: not a public user key")
	}
	u := jwt.NewUserClaims(g.User)
	// The name is what a service is told about its caller. It is the only such field that a client can't choose.
	u.Name = g.User
	u.Tags.Add(userTag(g.User))
	if g.Session != "" {
		u.Tags.Add("session:" + g.Session)
	}
	u.Pub.Allow.Add(g.Pub...)
	u.Sub.Allow.Add(g.Sub...)
	u.Limits.Payload = g.MaxPayload
	u.Limits.Subs = maxSubs
	u.BearerToken = bearer
	u.AllowedConnectionTypes.Add(jwt.ConnectionTypeStandard, jwt.ConnectionTypeWebsocket, jwt.ConnectionTypeInProcess)
	if !bearer {
		u.Expires = g.Expires.Add(time.Second - 1).Unix() // or a session's last moments would be refused
	}
	token, err := u.Encode(s.keys.clients)
	if err != nil {
		return "", fmt.Errorf("minting a session: %w", err)
	}
	return token, nil
}

// maxSubs bounds the subscriptions of one connection: one for all requests, one for each fetch under way.
const maxSubs = 64

// userTag is how Kick finds a user's connections. Tags come from the verified JWT and are lower-case; the user name the
// server reports is what the client says of itself.
func userTag(user string) string { return "user:" + strings.ToLower(user) }

// nodeUser mints the node's own user, for the life of this process.
func (s *Server) nodeUser() (token string, key nkeys.KeyPair, err error) {
	key, err = nkeys.CreateUser()
	if err != nil {
		return "", nil, fmt.Errorf("making the node's user: %w", err)
	}
	public, err := key.PublicKey()
	if err != nil {
		return "", nil, fmt.Errorf("making the node's user: %w", err)
	}
	u := jwt.NewUserClaims(public)
	u.Name = "node"
	u.Pub.Allow.Add(">")
	u.Sub.Allow.Add(">")
	u.AllowedConnectionTypes.Add(jwt.ConnectionTypeInProcess)
	if token, err = u.Encode(s.keys.ledger); err != nil {
		return "", nil, fmt.Errorf("making the node's user: %w", err)
	}
	return token, key, nil
}

// kickPage is how many connections Kick looks at in one go.
const kickPage = 1024

// Kick closes every connection of this user at once. Its JWT stays valid until it expires, so that it may come back:
// the caller first ends the session for the services and deletes its consumers, and then there is nothing left to do
// with it.
func (s *Server) Kick(user string) error {
	var found []uint64
	for offset := 0; ; offset += kickPage {
		page, err := s.srv.Connz(&server.ConnzOptions{
			Username: true, Account: s.keys.clients.public, Offset: offset, Limit: kickPage,
		})
		if err != nil {
			return fmt.Errorf("ending a session's connections: %w", err)
		}
		for _, c := range page.Conns {
			if slices.Contains(c.Tags, userTag(user)) {
				found = append(found, c.Cid)
			}
		}
		if offset+kickPage >= page.Total {
			break
		}
	}
	for _, cid := range found {
		_ = s.srv.DisconnectClientByID(cid) // it fails when the connection is gone already
	}
	return nil
}
