package recovery

// WithNeed returns the shares as if only need of them were needed.
func WithNeed(shares []*Share, need int) []*Share {
	var changed []*Share
	for _, s := range shares {
		c := *s
		c.need = need
		changed = append(changed, &c)
	}
	return changed
}

// WithValueOf returns the share with another one's value, in the right form.
func WithValueOf(s, other *Share) *Share {
	c := *s
	c.value = other.value
	return &c
}
