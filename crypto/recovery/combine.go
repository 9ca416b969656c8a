package recovery

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cloudflare/circl/secretsharing"
)

// ErrShares is returned, wrapped, for shares that do not open the secret asked for.
var ErrShares = errors.New("the shares don't open the secret")

// Combine returns the secret that the shares open. Belongs tells whether a secret is the one looked for, by what is public about
// it: a share can be of the right form and still be wrong. Shares of another split, too few and doubled ones are named. If there are
// more shares than needed and some are wrong, those that are right open the secret; the error then is a *ShareError beside it.
func Combine(shares []*Share, belongs func(*Secret) bool) (*Secret, error) {
	if err := checkSet(shares); err != nil {
		return nil, err
	}
	need := shares[0].need
	for chosen := range choose(len(shares), need) {
		secret, err := open(shares, chosen)
		if err != nil {
			return nil, err
		}
		if secret == nil || !belongs(secret) {
			continue
		}
		if wrong := disagreeing(shares, chosen, belongs); len(wrong) > 0 {
			return secret, &ShareError{Shares: wrong}
		}
		return secret, nil
	}
	if len(shares) == need {
		return nil, fmt.Errorf("%w: they are of one set, but one of them was changed, or they are of somebody else's secret", ErrShares)
	}
	return nil, fmt.Errorf("%w: no %d of these %d do; they are of somebody else's secret, or too many were changed", ErrShares, need, len(shares))
}

// ShareError names shares that do not belong to the others.
type ShareError struct{ Shares []int }

// Error names the shares.
func (e *ShareError) Error() string {
	var numbers []string
	for _, i := range e.Shares {
		numbers = append(numbers, fmt.Sprint(i))
	}
	return "share " + strings.Join(numbers, " and ") + " was changed: the others open the secret without it"
}

// Unwrap returns ErrShares.
func (e *ShareError) Unwrap() error { return ErrShares }

// checkSet says what is wrong with shares that can't be combined at all.
func checkSet(shares []*Share) error {
	if len(shares) == 0 {
		return fmt.Errorf("%w: there are none", ErrShares)
	}
	first, seen := shares[0], make(map[int]bool)
	for _, s := range shares {
		if s.set != first.set || s.need != first.need || s.of != first.of {
			return fmt.Errorf("%w: share %d is of the set %s (%d of %d), but share %d of the set %s (%d of %d)",
				ErrShares, first.index, first.Set(), first.need, first.of, s.index, s.Set(), s.need, s.of)
		}
		if seen[s.index] {
			return fmt.Errorf("%w: share %d is given twice", ErrShares, s.index)
		}
		seen[s.index] = true
	}
	if len(shares) < first.need {
		return fmt.Errorf("%w: %d are needed, and there are %d", ErrShares, first.need, len(shares))
	}
	return nil
}

// open interpolates the chosen shares, as many as are needed. It returns nil for shares that meet in zero, which no split makes.
func open(shares []*Share, chosen []int) (*Secret, error) {
	points := make([]secretsharing.Share, len(chosen))
	for i, c := range chosen {
		points[i] = shares[c].scalars()
	}
	scalar, err := secretsharing.Recover(uint(len(chosen)-1), points)
	if err != nil {
		return nil, fmt.Errorf("combining shares: %w", err)
	}
	if scalar.IsZero() {
		return nil, nil
	}
	return secretOf(scalar), nil
}

// disagreeing returns the shares that, put in the place of one that is right, open something else.
func disagreeing(shares []*Share, right []int, belongs func(*Secret) bool) []int {
	used := make(map[int]bool)
	for _, r := range right {
		used[r] = true
	}
	var wrong []int
	for i := range shares {
		if used[i] {
			continue
		}
		other, err := open(shares, append([]int{i}, right[1:]...))
		if err != nil || other == nil || !belongs(other) {
			wrong = append(wrong, shares[i].index)
		}
	}
	return wrong
}

// choose yields every way to choose k of n, in order. What it yields is valid until the next one.
func choose(n, k int) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		chosen := make([]int, k)
		for i := range chosen {
			chosen[i] = i
		}
		for yield(chosen) {
			i := k - 1
			for i >= 0 && chosen[i] == n-k+i {
				i--
			}
			if i < 0 {
				return
			}
			chosen[i]++
			for j := i + 1; j < k; j++ {
				chosen[j] = chosen[j-1] + 1
			}
		}
	}
}
