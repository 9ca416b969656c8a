package abe

import (
	"crypto/sha3"
	"math/big"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/cloudflare/circl/ecc/bls12381"
)

// A row of a ciphertext is C1 ‖ C2 ‖ C3 ‖ C4, in the order of the share matrix.
const rowSize = gtSize + g1Size + g1Size + g2Size

// coins is all the randomness of one ciphertext, drawn in the order of the fields.
type coins struct {
	secret []scalar // s, v…: one scalar a column
	blind  []scalar // 0, w…: likewise
	perRow []scalar // t
}

func (e *Expression) coins(mu, hdr []byte) *coins {
	xof := sha3.NewCSHAKE256(nil, []byte("phr/abe/coins"))
	xof.Write(mu)
	xof.Write(hdr)
	n := columns(e.policy.Root())
	c := &coins{secret: make([]scalar, n), blind: make([]scalar, n), perRow: make([]scalar, len(e.rows))}
	for i := range c.secret {
		c.secret[i] = *nextScalar(xof)
	}
	for i := range c.blind[1:] {
		c.blind[i+1] = *nextScalar(xof)
	}
	for i := range c.perRow {
		c.perRow[i] = *nextScalar(xof)
	}
	return c
}

// encrypt returns Z = e^s and the rows of a ciphertext that hides it. Its only randomness is c.
func (e *Expression) encrypt(c *coins) (z *gt, rows []byte) {
	lambda := shares(e.policy.Root(), c.secret)
	omega := shares(e.policy.Root(), c.blind)
	rows = make([]byte, len(e.rows)*rowSize)
	parallel(len(e.rows), func(i int) {
		copy(rows[i*rowSize:], e.rows[i].encrypt(&lambda[i], &omega[i], &c.perRow[i]))
	})
	z = new(gt)
	z.Exp(generator(), &c.secret[0])
	return z, rows
}

func (r *row) encrypt(lambda, omega, t *scalar) []byte {
	var c1, blind gt
	c1.Exp(generator(), lambda)
	blind.Exp(r.key.alpha, t)
	c1.Mul(&c1, &blind)

	g := bls12381.G1Generator()
	var c2, c3, zero g1
	c2.ScalarMult(t, g)
	c2.Neg()
	c3.ScalarMult(t, r.key.y)
	zero.ScalarMult(omega, g)
	c3.Add(&c3, &zero)

	var c4 g2
	c4.ScalarMult(t, hashAttribute.point(r.name))

	out := appendGT(make([]byte, 0, rowSize), &c1)
	out = append(out, c2.BytesCompressed()...)
	out = append(out, c3.BytesCompressed()...)
	return append(out, c4.BytesCompressed()...)
}

// rowElements is a parsed row.
type rowElements struct {
	c1     *gt
	c2, c3 *g1
	c4     *g2
}

// parseRow parses a row with the given parser of its C1.
func parseRow(b []byte, parseC1 func([]byte) (*gt, error)) (r rowElements, err error) {
	if r.c2, err = parseG1(b[gtSize : gtSize+g1Size]); err != nil {
		return r, err
	}
	if r.c3, err = parseG1(b[gtSize+g1Size : gtSize+2*g1Size]); err != nil {
		return r, err
	}
	if r.c4, err = parseG2(b[gtSize+2*g1Size : rowSize]); err != nil {
		return r, err
	}
	r.c1, err = parseC1(b[:gtSize])
	return r, err
}

// decrypt recovers Z from the rows that o combines; the others are not looked at. The rows have been compared with
// nothing yet: from rows that nobody made honestly comes some Z or an error, and encapsulating again tells.
func (o *opener) decrypt(rows []byte) (*gt, error) {
	parsed := make([]rowElements, len(o.weights))
	errs := make([]error, len(o.weights))
	parallel(len(parsed), func(i int) {
		at := o.weights[i].row * rowSize
		parsed[i], errs[i] = parseRow(rows[at:at+rowSize], parseField)
	})
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}

	exponents, d := integers(o.weights)
	var z gt
	z.SetIdentity()
	var sum g1 // of C3^c
	sum.SetIdentity()
	var pairs pairing
	for i, c := range exponents {
		r := parsed[i]
		z.Mul(&z, powGT(r.c1, c))
		pairs.add(powG1(r.c2, c), o.keys[i].k)
		pairs.add(powG1(o.keys[i].kt, c), r.c4)
		sum.Add(&sum, powG1(r.c3, c))
	}
	pairs.add(&sum, hashGID.point(o.gid))
	z.Mul(&z, pairs.product())
	if d.Cmp(big.NewInt(1)) != 0 {
		var root scalar
		root.SetBytes(d.Bytes())
		root.Inv(&root)
		z.Exp(&z, &root)
	}
	return &z, nil
}

// powG1 returns p^c for a small public c, in time that depends on it.
func powG1(p *g1, c *big.Int) *g1 {
	out := new(g1)
	out.SetIdentity()
	abs := new(big.Int).Abs(c)
	for i := abs.BitLen() - 1; i >= 0; i-- {
		out.Double()
		if abs.Bit(i) == 1 {
			out.Add(out, p)
		}
	}
	if c.Sign() < 0 {
		out.Neg()
	}
	return out
}

// powGT is powG1 for GT.
func powGT(x *gt, c *big.Int) *gt {
	out := new(gt)
	out.SetIdentity()
	abs := new(big.Int).Abs(c)
	for i := abs.BitLen() - 1; i >= 0; i-- {
		out.Mul(out, out)
		if abs.Bit(i) == 1 {
			out.Mul(out, x)
		}
	}
	if c.Sign() < 0 {
		out.Inv(out)
	}
	return out
}

// pairing collects the factors e(p, q) of a product.
type pairing struct {
	p     []*g1
	q     []*g2
	signs []int
}

func (x *pairing) add(p *g1, q *g2) {
	x.p, x.q, x.signs = append(x.p, p), append(x.q, q), append(x.signs, 1)
}

// product computes all factors with one final exponentiation, or two at the same time where there are enough factors to
// make up for the second one.
func (x *pairing) product() *gt {
	if len(x.p) < 7 || runtime.GOMAXPROCS(0) == 1 {
		return bls12381.ProdPairFrac(x.p, x.q, x.signs)
	}
	var halves [2]*gt
	mid := len(x.p) / 2
	parallel(2, func(i int) {
		from, to := i*mid, mid+i*(len(x.p)-mid)
		halves[i] = bls12381.ProdPairFrac(x.p[from:to], x.q[from:to], x.signs[from:to])
	})
	halves[0].Mul(halves[0], halves[1])
	return halves[0]
}

// parallel calls f(0) to f(n-1), on as many goroutines as there are processors, and returns when all are done.
func parallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
