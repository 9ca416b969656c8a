package abe

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloudflare/circl/ecc/bls12381"
	"github.com/cloudflare/circl/ecc/bls12381/ff"
	"github.com/fxamacker/cbor/v2"
)

// The tests of this file pin down what the package relies on in circl and what it guards against. Where one fails after an
// update of circl, the guard named in it must be looked at again.

func number(n uint64) *scalar {
	k := new(scalar)
	k.SetUint64(n)
	return k
}

func point1(n uint64) *g1 {
	p := new(g1)
	p.ScalarMult(number(n), bls12381.G1Generator())
	return p
}

func point2(n uint64) *g2 {
	p := new(g2)
	p.ScalarMult(number(n), bls12381.G2Generator())
	return p
}

// TestCirclZeroValue: accumulators start with SetIdentity.
func TestCirclZeroValue(t *testing.T) {
	zero := new(g1)
	if zero.IsIdentity() || zero.IsOnG1() || zero.IsEqual(zero) {
		t.Error("new(G1) has become a group element")
	}
	sum := point1(5)
	sum.Add(sum, zero)
	if sum.IsEqual(point1(5)) {
		t.Error("new(G1) has become neutral")
	}
	if zero.BytesCompressed()[0] != 0xc0 {
		t.Error("new(G1) is no longer written as the identity")
	}
	if !bls12381.Pair(zero, bls12381.G2Generator()).IsIdentity() {
		t.Error("pairing with new(G1) is no longer 1")
	}
	var empty, product gt
	product.Mul(&empty, generator())
	if !product.IsEqual(&empty) {
		t.Error("new(Gt) has become neutral")
	}
	if number(0).IsZero() != 1 || new(scalar).IsZero() != 1 {
		t.Error("new(Scalar) is not zero")
	}
}

// TestCirclSetBytes: parseG1 and parseG2 look at the length first and at the identity last.
func TestCirclSetBytes(t *testing.T) {
	p, q := point1(7), point2(7)
	for name, encoding := range map[string][]byte{
		"identity": append([]byte{0xc0}, make([]byte, g1Size-1)...), "uncompressed": p.Bytes(), "compressed": p.BytesCompressed(),
	} {
		if err := new(g1).SetBytes(encoding); err != nil {
			t.Errorf("G1 %s: %v", name, err)
		}
	}
	for name, encoding := range map[string][]byte{
		"identity": append([]byte{0xc0}, make([]byte, g2Size-1)...), "uncompressed": q.Bytes(), "compressed": q.BytesCompressed(),
	} {
		if err := new(g2).SetBytes(encoding); err != nil {
			t.Errorf("G2 %s: %v", name, err)
		}
	}
	if err := new(g1).SetBytes(append(p.BytesCompressed(), 0)); err == nil {
		t.Error("G1 with a trailing byte")
	}
	if err := new(g2).SetBytes(append(q.BytesCompressed(), 0)); err == nil {
		t.Error("G2 with a trailing byte")
	}
}

// TestCirclGT: parseGT looks at the length and at the order.
func TestCirclGT(t *testing.T) {
	x := bls12381.Pair(point1(3), point2(4))
	encoding := appendGT(nil, x)
	if err := new(gt).UnmarshalBinary(append(bytes.Clone(encoding), 1, 2, 3)); err != nil {
		t.Error("trailing bytes are refused now")
	}
	if err := new(gt).UnmarshalBinary(make([]byte, gtSize)); err != nil {
		t.Error("zero is refused now")
	}
	for n := uint64(1); n < 8; n++ {
		x.Exp(x, number(n))
		if !inGT(appendGT(nil, x)) {
			t.Errorf("an element of order r fails the fast test, exponent %d", n)
		}
	}
	var one gt
	one.SetIdentity()
	if !inGT(appendGT(nil, &one)) {
		t.Error("1 fails the fast test")
	}
	if inGT(make([]byte, gtSize)) {
		t.Error("zero passes the fast test")
	}
	order := new(scalar)
	order.SetBytes(bls12381.Order())
	if order.IsZero() != 1 {
		t.Fatal("Order is not r")
	}
}

// TestGTMembership compares the fast test with x^r = 1 on random, cyclotomic and r-order elements.
func TestGTMembership(t *testing.T) {
	minusOne := number(1)
	minusOne.Neg()
	slow := func(x *ff.Fp12) bool {
		var power, one ff.Fp12
		k, _ := minusOne.MarshalBinary()
		power.Exp(x, k)
		power.Mul(&power, x)
		one.SetOne()
		return power.IsEqual(&one) == 1
	}
	var x ff.Fp12
	for i := range 6 {
		x[i/3][i%3][0].SetUint64(uint64(i + 1))
		x[i/3][i%3][1].SetUint64(uint64(i*i + 2))
	}
	for range 10 {
		var cyclotomic ff.Cyclo6
		var root ff.URoot
		ff.EasyExponentiation(&cyclotomic, &x)
		ff.HardExponentiation(&root, &cyclotomic)
		for name, y := range map[string]ff.Fp12{"random": x, "cyclotomic": ff.Fp12(cyclotomic), "root of unity": ff.Fp12(root)} {
			b, _ := y.MarshalBinary()
			if got, want := inGT(b), slow(&y); got != want || want != (name == "root of unity") {
				t.Errorf("%s: fast test %t, slow test %t", name, got, want)
			}
		}
		x.Mul(&x, &x)
		x[0][0][0].SetUint64(99)
	}
}

// TestCirclScalar: parseScalar looks at the length and at zero; readScalar reduces 48 bytes itself.
func TestCirclScalar(t *testing.T) {
	k := number(258)
	encoding := appendScalar(nil, k)
	if len(encoding) != scalarSize || encoding[30] != 1 || encoding[31] != 2 {
		t.Errorf("encoding of 258 is %x", encoding)
	}
	if err := new(scalar).UnmarshalBinary(append(encoding, 9)); err != nil {
		t.Error("trailing bytes are refused now")
	}
	if err := new(scalar).UnmarshalBinary(bls12381.Order()); err == nil {
		t.Error("r is accepted")
	}
	if err := new(scalar).UnmarshalBinary(make([]byte, 31)); err == nil {
		t.Error("31 bytes are accepted")
	}
	inverse := new(scalar)
	inverse.Inv(number(0))
	if inverse.IsZero() != 1 {
		t.Error("the inverse of zero is not zero any more")
	}
	wide := append(make([]byte, 15), 1) // 2^256 = 1 ‖ 32 zero bytes
	wide = append(wide, make([]byte, 32)...)
	k.SetBytes(wide)
	half := number(1 << 32)
	want := number(1)
	for range 8 {
		want.Mul(want, half)
	}
	if k.IsEqual(want) != 1 {
		t.Error("SetBytes does not reduce 48 bytes")
	}
}

// TestCirclScalarRandom: what Random makes of its bytes is not their number, so nobody else could reproduce the vectors.
func TestCirclScalarRandom(t *testing.T) {
	k := new(scalar)
	if err := k.Random(bytes.NewReader(bytes.Repeat([]byte{0x11}, 64))); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(appendScalar(nil, k), bytes.Repeat([]byte{0x11}, 32)) {
		t.Error("Random has become reproducible")
	}
	got, err := readScalar(bytes.NewReader(append(make([]byte, 16), bytes.Repeat([]byte{0x11}, 32)...)))
	if err != nil || !bytes.Equal(appendScalar(nil, got), bytes.Repeat([]byte{0x11}, 32)) {
		t.Errorf("readScalar: %v", err)
	}
	for _, r := range []*bytes.Reader{bytes.NewReader(nil), bytes.NewReader(make([]byte, 47)), bytes.NewReader(make([]byte, 48))} {
		if k, err := readScalar(r); err == nil || k != nil {
			t.Error("readScalar takes a short or zero source")
		}
	}
}

// TestCirclPrinting: scalars print, points vanish in JSON and CBOR; hence redacted and encodings of our own.
func TestCirclPrinting(t *testing.T) {
	k := number(0xabcdef)
	if !strings.Contains(fmt.Sprint(k), "abcdef") {
		t.Error("a scalar no longer prints its value")
	}
	for _, v := range []any{k, point1(2), point2(2), generator()} {
		if b, err := json.Marshal(v); err != nil || string(b) != "{}" {
			t.Errorf("%T is %s in JSON", v, b)
		}
	}
	for _, v := range []any{point1(2), point2(2)} {
		if b, err := cbor.Marshal(v); err != nil || !bytes.Equal(b, []byte{0xa0}) {
			t.Errorf("%T is %x in CBOR", v, b)
		}
	}
}

// TestCirclAliasing: results are written onto operands in many places.
func TestCirclAliasing(t *testing.T) {
	p := point1(3)
	p.ScalarMult(number(5), p)
	p.Add(p, p)
	if !p.IsEqual(point1(30)) {
		t.Error("G1 onto an operand")
	}
	q := point2(3)
	q.ScalarMult(number(5), q)
	q.Add(q, q)
	if !q.IsEqual(point2(30)) {
		t.Error("G2 onto an operand")
	}
	p.Neg()
	p.Double()
	p.Add(p, point1(60))
	if !p.IsIdentity() {
		t.Error("Neg and Double are not in place")
	}
	var x, want gt
	x.Exp(generator(), number(6))
	x.Mul(&x, &x)
	x.Exp(&x, number(2))
	x.Inv(&x)
	want.Exp(generator(), number(24))
	x.Mul(&x, &want)
	if !x.IsIdentity() {
		t.Error("GT onto an operand")
	}
	k := number(9)
	k.Inv(k)
	k.Mul(k, number(9))
	if k.IsEqual(number(1)) != 1 {
		t.Error("scalar onto an operand")
	}
	bls12381.G1Generator().Double()
	bls12381.Order()[0] ^= 1
	if !bls12381.G1Generator().IsEqual(point1(1)) || bls12381.Order()[0] != 0x73 {
		t.Error("generator or order is shared")
	}
}

// TestCirclProjective: Go's == is not equality of points.
func TestCirclProjective(t *testing.T) {
	p, q := point1(4), point1(2)
	q.Add(q, q)
	if *p == *q {
		t.Error("two ways to one point end in the same coordinates")
	}
	if !p.IsEqual(q) || !bytes.Equal(p.BytesCompressed(), q.BytesCompressed()) {
		t.Error("one point with two encodings")
	}
}

// TestCirclProdPairFrac: signs other than -1 count as +1, and identities do no harm.
func TestCirclProdPairFrac(t *testing.T) {
	var identity g1
	identity.SetIdentity()
	p, q := []*g1{point1(2), point1(3), &identity}, []*g2{point2(5), point2(7), point2(1)}
	for _, signs := range [][]int{{1, -1, 1}, {0, -1, -1}, {2, -1, 0}, {-2, -1, 1}} {
		var want gt
		want.Exp(generator(), number(11))
		got := bls12381.ProdPairFrac(p, q, signs) // 2·5 - 3·7 = -11
		got.Mul(got, &want)
		if !got.IsIdentity() {
			t.Errorf("signs %v", signs)
		}
	}
	if !p[0].IsEqual(point1(2)) || !p[1].IsEqual(point1(3)) {
		t.Error("inputs were changed")
	}
	if !bls12381.ProdPairFrac(nil, nil, nil).IsIdentity() {
		t.Error("the empty product is not 1")
	}
}

// TestCirclConcurrentReads: shared elements are read from many goroutines; meaningful under -race.
func TestCirclConcurrentReads(t *testing.T) {
	p, q, k := point1(2), point2(3), number(4)
	x := generator()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var a g1
			var b g2
			var y gt
			a.ScalarMult(k, p)
			b.ScalarMult(k, q)
			y.Exp(x, k)
			p.BytesCompressed()
			bls12381.ProdPairFrac([]*g1{p}, []*g2{q}, []int{-1})
		})
	}
	wg.Wait()
}

// TestCirclHash: Hash is RFC 9380's random-oracle form (appendix J.10.1, message "abc").
func TestCirclHash(t *testing.T) {
	var p g2
	p.Hash([]byte("abc"), []byte("QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"))
	const x = "139cddbccdc5e91b9623efd38c49f81a6f83f175e80b06fc374de9eb4b41dfe4ca3a230ed250fbe3a2acf73a41177fd8" + // imaginary
		"02c2d18e033b960562aae3cab37a27ce00d80ccd5ba4b7fe0e7a210245129dbec7780ccc7954725f4168aff2787776e6"
	if got := hex.EncodeToString(p.Bytes()[:g2Size]); got != x {
		t.Errorf("x of the hash of abc is %s", got)
	}
	var encoded g2
	encoded.Encode([]byte("abc"), []byte("QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"))
	if encoded.IsEqual(&p) {
		t.Error("Encode has become Hash")
	}
}
