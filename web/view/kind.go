package view

import (
	"context"
	"sync"

	"github.com/phrledger/phr/crypto/policy"
)

// kinds are what authorities are, as far as that was asked: it does not change.
type kinds struct {
	mu    sync.Mutex
	known map[policy.Authority]string
}

// kind returns what an authority is, such as hospital; "" where that is not known.
func (v *View) kind(ctx context.Context, name policy.Authority) string {
	v.kinds.mu.Lock()
	kind, ok := v.kinds.known[name]
	v.kinds.mu.Unlock()
	if ok {
		return kind
	}
	fact, err := v.config.Client.Authority(ctx, name)
	if err != nil {
		return ""
	}
	v.kinds.mu.Lock()
	defer v.kinds.mu.Unlock()
	if v.kinds.known == nil {
		v.kinds.known = make(map[policy.Authority]string)
	}
	v.kinds.known[name] = string(fact.Role)
	return string(fact.Role)
}
