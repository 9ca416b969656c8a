package abe

import (
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/policy"
)

// Expression is a policy with everything resolved that encapsulating to it needs: a version for each attribute, a key for
// each authority. It is immutable and safe for concurrent use.
type Expression struct {
	policy   *policy.Policy
	versions map[policy.Attribute]uint32
	keys     []*PublicKey // in order of policy.Authorities()
	rows     []row
	text     string   // with versions
	hashes   [][]byte // of keys
}

// row is a row of the share matrix: a leaf of the policy.
type row struct {
	attribute policy.Attribute
	version   uint32
	name      string // versioned: what F hashes
	key       *PublicKey
}

// NewExpression resolves p. It fails when version does not know an attribute, when an authority's key is not among keys,
// and when two keys claim the same authority. Keys of other authorities are ignored. It does no curve work.
func NewExpression(p *policy.Policy, version func(policy.Attribute) (uint32, bool), keys ...*PublicKey) (*Expression, error) {
	byAuthority := make(map[policy.Authority]*PublicKey, len(keys))
	for _, pk := range keys {
		if byAuthority[pk.authority] != nil {
			return nil, fmt.Errorf("resolving policy: two keys of authority %q", pk.authority)
		}
		byAuthority[pk.authority] = pk
	}
	e := &Expression{policy: p, versions: make(map[policy.Attribute]uint32)}
	for _, authority := range p.Authorities() {
		pk := byAuthority[authority]
		if pk == nil {
			return nil, fmt.Errorf("resolving policy: no key of authority %q", authority)
		}
		e.keys = append(e.keys, pk)
		e.hashes = append(e.hashes, pk.hash[:])
	}
	for _, attribute := range p.Attributes() {
		v, ok := version(attribute)
		if !ok {
			return nil, fmt.Errorf("resolving policy: no version of attribute %q", attribute)
		}
		e.versions[attribute] = v
	}
	for _, attribute := range p.Leaves() {
		v := e.versions[attribute]
		e.rows = append(e.rows, row{attribute, v, versionedName(attribute, v), byAuthority[attribute.Authority]})
	}
	e.text = versionedText(p, e.versions)
	return e, nil
}

// Policy returns the policy without versions.
func (e *Expression) Policy() *policy.Policy { return e.policy }

// Versions returns the version of each attribute, in order of Policy().Attributes().
func (e *Expression) Versions() []uint32 { return inOrder(e.policy, e.versions) }

// Keys returns each authority's key, in order of Policy().Authorities().
func (e *Expression) Keys() []*PublicKey { return slices.Clone(e.keys) }

// KeyHashes returns the hash of each authority's key, in order of Policy().Authorities().
func (e *Expression) KeyHashes() [][32]byte {
	hashes := make([][32]byte, len(e.keys))
	for i, pk := range e.keys {
		hashes[i] = pk.hash
	}
	return hashes
}

func inOrder(p *policy.Policy, versions map[policy.Attribute]uint32) []uint32 {
	var out []uint32
	for _, a := range p.Attributes() {
		out = append(out, versions[a])
	}
	return out
}

// opener is what a reader brings to a ciphertext: the rows to combine and the key for each.
type opener struct {
	gid     string
	weights []weight
	keys    []*AttributeKey // by place in weights
}

// opener chooses the fewest rows that keys, all of one person, satisfy the policy with.
func (e *Expression) opener(keys []*AttributeKey) (*opener, error) {
	byRow := make(map[int]*AttributeKey)
	for _, k := range keys {
		if k.gid != keys[0].gid {
			return nil, fmt.Errorf("%w: keys of more than one person", ErrNotSatisfied)
		}
		for i := range e.rows {
			if e.rows[i].opensWith(k) {
				byRow[i] = k
			}
		}
	}
	o := &opener{weights: combine(e.policy.Root(), func(row int) bool { return byRow[row] != nil })}
	if o.weights == nil {
		return nil, ErrNotSatisfied
	}
	for _, w := range o.weights {
		o.keys = append(o.keys, byRow[w.row])
	}
	o.gid = o.keys[0].gid
	return o, nil
}

func (r *row) opensWith(k *AttributeKey) bool {
	return k.attribute == r.attribute && k.version == r.version && k.authorityKey == r.key.hash
}
