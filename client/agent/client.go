package agent

import (
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Client asks an agent. It is client.Keys, and safe for concurrent use; requests that are made at the same time go over connections of
// their own.
type Client struct {
	path   string
	idle   chan *net.UnixConn // connections that wait for a request
	first  *identity.Inception
	public *identity.Keys
}

var _ client.Keys = (*Client)(nil)

// keptOpen is how many connections wait for requests.
const keptOpen = 4

// Dial connects to the agent at a socket, and learns whose keys it holds. It fails with ErrAway if there is none.
func Dial(path string) (*Client, error) {
	c := &Client{path: path, idle: make(chan *net.UnixConn, keptOpen)}
	who, err := ask[person](c, opWho, none{})
	if err != nil {
		return nil, err
	}
	if c.first, err = identity.ParseInception(who.FirstSign, who.FirstSeal, who.Recovery); err == nil {
		c.public, err = identity.ParseKeys(who.Sign, who.Seal)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close hangs up.
func (c *Client) Close() {
	for {
		select {
		case conn := <-c.idle:
			conn.Close()
		default:
			return
		}
	}
}

// Status is how it stands with an agent.
type Status struct {
	Locked bool
	GID    identity.GID
	Home   string        // the directory whose keys it holds
	Idle   time.Duration // without use, after which it locks; 0: never
}

// Status asks how it stands with the agent, which works while it is locked too.
func (c *Client) Status() (*Status, error) {
	s, err := ask[status](c, opStatus, none{})
	if err != nil {
		return nil, err
	}
	return &Status{s.Locked, s.GID, s.Home, time.Duration(s.Idle)}, nil
}

// Lock makes the agent wipe the keys from memory.
func (c *Client) Lock() error { return c.call(opLock, none{}, nil) }

// Unlock makes the agent open the home again. It fails with keystore.ErrPassphrase.
func (c *Client) Unlock(passphrase []byte) error { return c.call(opUnlock, one{passphrase}, nil) }

// GID returns whose keys the agent holds, as it said when it was dialled.
func (c *Client) GID() identity.GID { return c.first.GID() }

// Inception implements client.Keys.
func (c *Client) Inception() *identity.Inception { return c.first }

// Public returns the public keys in force when the agent was dialled.
func (c *Client) Public() *identity.Keys { return c.public }

// SignEvent implements client.Keys.
func (c *Client) SignEvent(e *ledger.Event) error {
	bare := *e
	bare.Signature = nil
	encoded, err := bare.Marshal()
	if err != nil {
		return err
	}
	e.Signature, err = c.bytes(opSignEvent, one{encoded})
	return err
}

// SignHello implements client.Keys.
func (c *Client) SignHello(unsigned []byte) ([]byte, error) {
	return c.bytes(opSignHello, one{unsigned})
}

// SignAnswer implements client.Keys.
func (c *Client) SignAnswer(th2, tag [32]byte) ([]byte, error) {
	return c.bytes(opSignAnswer, answerArgs{th2, tag})
}

// Open implements client.Keys. Under an info that the agent does not know it fails with ErrRefused.
func (c *Client) Open(info string, aad, sealed []byte) ([]byte, error) {
	return c.bytes(opOpen, openArgs{info, aad, sealed})
}

// RequestEnrolment implements client.Keys.
func (c *Client) RequestEnrolment(code authority.Code, display string, founder *identity.Keys) ([]byte, error) {
	return c.bytes(opEnrol, enrolArgs{code.Text(), display, founder.Sign[:], founder.Seal})
}

// Attributes implements client.Keys.
func (c *Client) Attributes() ([]client.HeldKey, error) {
	r, err := ask[heldKeys](c, opAttributes, none{})
	if err != nil {
		return nil, err
	}
	var all []client.HeldKey
	for _, k := range r.Keys {
		all = append(all, k.key())
	}
	return all, nil
}

// KeepKey implements client.Keys. The key stays with the agent.
func (c *Client) KeepKey(issued *ledger.Entry, pks []*abe.PublicKey) (client.HeldKey, bool, error) {
	entry, err := issued.Marshal()
	if err != nil {
		return client.HeldKey{}, false, err
	}
	kept, err := ask[keptKey](c, opKeep, keepArgs{entry, encodePublic(pks)})
	if err != nil {
		return client.HeldKey{}, false, err
	}
	return kept.Key.key(), kept.Added, nil
}

func encodePublic(pks []*abe.PublicKey) [][]byte {
	encoded := make([][]byte, len(pks))
	for i, pk := range pks {
		encoded[i] = pk.Bytes()
	}
	return encoded
}

// Decapsulate lets the agent open a ciphertext that is for the expression. One for another policy does not open, as it would not
// with the keys at hand.
func (c *Client) Decapsulate(x *abe.Expression, label abe.Label, context, ciphertext []byte) (key [32]byte, err error) {
	h, err := abe.ParseHeader(ciphertext)
	if err != nil || h.Label != label || h.Policy.String() != x.Policy().String() ||
		!slices.Equal(h.Versions, x.Versions()) || !slices.Equal(h.KeyHashes, x.KeyHashes()) {
		return key, abe.ErrDecapsulation
	}
	opened, err := c.bytes(opDecapsulate, decapsulateArgs{encodePublic(x.Keys()), string(label), context, ciphertext})
	if err == nil && len(opened) != len(key) {
		err = abe.ErrDecapsulation
	}
	if err != nil {
		return key, err
	}
	return [32]byte(opened), nil
}

// MasterKey implements client.Keys.
func (c *Client) MasterKey() (*abe.PublicKey, error) {
	b, err := c.bytes(opMaster, none{})
	if err != nil {
		return nil, err
	}
	return abe.ParsePublicKey(b)
}

// IssueGrant implements client.Keys. To the agent's own person it fails with ErrRefused.
func (c *Client) IssueGrant(gid identity.GID, keys *identity.Keys, term ledger.TermID) (*ledger.KeyIssued, error) {
	b, err := c.bytes(opIssue, issueArgs{gid, keys.Sign[:], keys.Seal, term})
	if err != nil {
		return nil, err
	}
	issued := new(ledger.KeyIssued)
	return issued, canonical.Unmarshal(b, issued)
}

// Escrow implements client.Keys.
func (c *Client) Escrow() (sealed, sum []byte, err error) {
	r, err := ask[escrowed](c, opEscrow, none{})
	if err != nil || len(r.Sealed) == 0 {
		return nil, nil, err
	}
	return r.Sealed, r.Sum, nil
}

// SetEscrowed implements client.Keys.
func (c *Client) SetEscrowed(sum []byte) error { return c.call(opEscrowed, one{sum}, nil) }

// Seal implements client.Keys.
func (c *Client) Seal(name string, plaintext []byte) ([]byte, error) {
	return c.bytes(opSeal, fileArgs{name, plaintext})
}

// Unseal implements client.Keys.
func (c *Client) Unseal(name string, sealed []byte) ([]byte, error) {
	return c.bytes(opUnseal, fileArgs{name, sealed})
}

// Node implements client.Keys.
func (c *Client) Node() (string, error) {
	r, err := ask[text](c, opNode, none{})
	if err != nil {
		return "", err
	}
	return r.Text, nil
}

// SetNode implements client.Keys.
func (c *Client) SetNode(url string) error { return c.call(opSetNode, text{url}, nil) }

// bytes asks for something that is answered by bytes.
func (c *Client) bytes(op string, args any) ([]byte, error) {
	r, err := ask[one](c, op, args)
	if err != nil {
		return nil, err
	}
	return r.Bytes, nil
}

func ask[R any](c *Client, op string, args any) (*R, error) {
	r := new(R)
	return r, c.call(op, args, r)
}

// answerTime bounds how long the agent may take: it derives a key from a passphrase at most, one after another.
const answerTime = 2 * time.Minute

// call makes one request and decodes its result, unless that is nil.
func (c *Client) call(op string, args, result any) error {
	encoded, err := canonical.Marshal(args)
	if err != nil {
		return err
	}
	defer clear(encoded)
	conn, err := c.connection()
	if err != nil {
		return err
	}
	r, err := exchange(conn, &request{Op: op, Args: encoded})
	if err != nil {
		conn.Close()
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	c.giveBack(conn)
	if r.Class != "" {
		return tell(r.Class, r.Text)
	}
	if result == nil {
		return nil
	}
	defer clear(r.Result)
	return canonical.Unmarshal(r.Result, result)
}

func exchange(conn *net.UnixConn, q *request) (*response, error) {
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	if err := writeMessage(conn, q); err != nil {
		return nil, err
	}
	r := new(response)
	return r, readMessage(conn, r)
}

func (c *Client) connection() (*net.UnixConn, error) {
	select {
	case conn := <-c.idle:
		return conn, nil
	default:
		return dial(c.path)
	}
}

func (c *Client) giveBack(conn *net.UnixConn) {
	select {
	case c.idle <- conn:
	default:
		conn.Close()
	}
}
