package ledger

// layer is a map that may stand on another one: reads fall through, writes stay on top until they are absorbed. Values are
// immutable; a change replaces them. It is what makes trying a whole submission on a State cheap and undoing it free.
type layer[K comparable, V any] struct {
	base *layer[K, V]
	m    map[K]V
}

func (l *layer[K, V]) get(k K) (V, bool) {
	for ; l != nil; l = l.base {
		if v, ok := l.m[k]; ok {
			return v, true
		}
	}
	var zero V
	return zero, false
}

func (l *layer[K, V]) has(k K) bool {
	_, ok := l.get(k)
	return ok
}

// keys calls yield with every key, with some more than once.
func (l *layer[K, V]) keys(yield func(K) bool) {
	for ; l != nil; l = l.base {
		for k := range l.m {
			if !yield(k) {
				return
			}
		}
	}
}

func (l *layer[K, V]) set(k K, v V) {
	if l.m == nil {
		l.m = make(map[K]V)
	}
	l.m[k] = v
}

func (l *layer[K, V]) fork() layer[K, V] { return layer[K, V]{base: l} }

// absorb moves what was written on top into the base.
func (l *layer[K, V]) absorb() {
	for k, v := range l.m {
		l.base.set(k, v)
	}
	l.m = nil
}
