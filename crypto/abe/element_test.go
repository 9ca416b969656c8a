package abe_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/cloudflare/circl/ecc/bls12381"
	"github.com/cloudflare/circl/ecc/bls12381/ff"

	"github.com/phrledger/phr/crypto/abe"
)

// A group is where an element belongs.
type group string

const (
	inG1 group = "G1"
	inG2 group = "G2"
	inGT group = "GT"
)

// A slot is a place in an encoding where a group element stands.
type slot struct {
	name string
	group
	put func(t *testing.T, element []byte) error // parses the encoding with element in that place
}

// slots are all places where group elements come in from outside.
func slots(t *testing.T) []slot {
	pk := master("hospital").PublicKey().Bytes()
	ak := issue(t, alice, "doctor@hospital")[0].Bytes()
	e := expression(t, "doctor@hospital")
	_, ct := encapsulate(t, e, abe.Wrap, "")

	public := func(from, to int) func(*testing.T, []byte) error {
		return func(t *testing.T, element []byte) error {
			_, err := abe.ParsePublicKey(edit(t, pk, func(w *wirePublicKey) { w.Key = slices.Replace(w.Key, from, to, element...) }))
			return err
		}
	}
	attribute := func(from, to int) func(*testing.T, []byte) error {
		return func(t *testing.T, element []byte) error {
			_, err := abe.ParseAttributeKey(edit(t, ak, func(w *wireAttributeKey) { w.Key = slices.Replace(w.Key, from, to, element...) }))
			return err
		}
	}
	row := func(from, to int) func(*testing.T, []byte) error {
		return func(t *testing.T, element []byte) error {
			bad := edit(t, ct, func(w *wireCiphertext) { w.Rows = slices.Replace(w.Rows, from, to, element...) })
			refuses(t, e, issue(t, alice, "doctor@hospital"), abe.Wrap, "", bad, abe.ErrDecapsulation)
			return e.Check(abe.Wrap, bad)
		}
	}
	return []slot{
		{"authority key e^α", inGT, public(0, 576)},
		{"authority key g1^y", inG1, public(576, 624)},
		{"attribute key K", inG2, attribute(0, 96)},
		{"attribute key K'", inG1, attribute(96, 144)},
		{"ciphertext C1", inGT, row(0, 576)},
		{"ciphertext C2", inG1, row(576, 624)},
		{"ciphertext C3", inG1, row(624, 672)},
		{"ciphertext C4", inG2, row(672, 768)},
	}
}

// refuseElements puts each of the bad elements of a group into every slot of that group.
func refuseElements(t *testing.T, bad map[group]map[string][]byte) {
	t.Helper()
	for _, s := range slots(t) {
		for name, element := range bad[s.group] {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				if err := s.put(t, element); !errors.Is(err, abe.ErrMalformed) {
					t.Errorf("got %v, want ErrMalformed", err)
				}
			})
		}
	}
}

func TestAttack01_IdentityPoint(t *testing.T) {
	var one bls12381.Gt
	one.SetIdentity()
	refuseElements(t, map[group]map[string][]byte{
		inG1: {"identity": identity(48)},
		inG2: {"identity": identity(96)},
		inGT: {"identity": encodeGT(t, &one)},
	})
}

func TestAttack02_OutsideSubgroup(t *testing.T) {
	refuseElements(t, map[group]map[string][]byte{
		inG1: {"curve": outsideG1(t)},
		inG2: {"curve": outsideG2(t)},
		inGT: outsideGT(t),
	})
}

func TestAttack03_PointEncoding(t *testing.T) {
	g1, g2 := bls12381.G1Generator(), bls12381.G2Generator()
	refuseElements(t, map[group]map[string][]byte{
		inG1: badEncodings(g1.BytesCompressed(), g1.Bytes(), offG1(t)),
		inG2: badEncodings(g2.BytesCompressed(), g2.Bytes(), offG2(t)),
		inGT: {
			"coefficient is p":   slices.Concat(fieldOrder, make([]byte, 576-48)),
			"coefficient is max": bytes.Repeat([]byte{0xff}, 576),
			"short":              make([]byte, 575),
			"trailing byte":      append(encodeGT(t, bls12381.Pair(g1, g2)), 0),
		},
	})
}

// badEncodings are encodings to refuse for a point with the given compressed and uncompressed form.
func badEncodings(compressed, uncompressed, offCurve []byte) map[string][]byte {
	n := len(compressed)
	bad := map[string][]byte{
		"uncompressed":              uncompressed,
		"uncompressed, cut":         uncompressed[:n],
		"uncompressed identity":     append([]byte{0x40}, make([]byte, 2*n-1)...),
		"off the curve":             offCurve,
		"trailing byte":             append(bytes.Clone(compressed), 0),
		"x is p":                    slices.Concat(fieldOrder, make([]byte, n-48)),
		"x is max":                  bytes.Repeat([]byte{0xff}, n),
		"identity with a last byte": identity(n),
		"identity with a sign":      identity(n),
		"zero":                      make([]byte, n),
		"empty":                     {},
	}
	bad["x is p"][0] |= 0x80
	bad["x is max"][0] = 0x9f
	bad["identity with a last byte"][n-1] = 1
	bad["identity with a sign"][0] |= 0x20
	for flags := range 8 {
		if b := bytes.Clone(compressed); byte(flags<<5) != b[0]&0xa0 && byte(flags<<5) != b[0]&0xa0^0x20 {
			b[0] = b[0]&0x1f | byte(flags<<5)
			bad[fmt.Sprintf("flags %03b", flags)] = b
		}
	}
	return bad
}

// fieldOrder is p, big-endian.
var fieldOrder = ff.FpOrder()

func identity(n int) []byte { return append([]byte{0xc0}, make([]byte, n-1)...) }

func encodeGT(t testing.TB, x *bls12381.Gt) []byte {
	t.Helper()
	b, err := x.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compressedG1 returns an encoding with a small x for which x³+4 is, or is not, a square. Where it is, the point is on
// the curve but, but for a chance of 2^-125, outside the subgroup.
func compressedG1(t *testing.T, onCurve int) []byte {
	for n := uint64(1); ; n++ {
		var x, y2, four, root ff.Fp
		x.SetUint64(n)
		four.SetUint64(4)
		y2.Sqr(&x)
		y2.Mul(&y2, &x)
		y2.Add(&y2, &four)
		if root.Sqrt(&y2) == onCurve {
			b, err := x.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			b[0] |= 0x80
			return b
		}
	}
}

// compressedG2 is compressedG1 for x³+4(1+i).
func compressedG2(t *testing.T, onCurve int) []byte {
	for n := uint64(1); ; n++ {
		var x, y2, b4, root ff.Fp2
		x[0].SetUint64(n)
		b4[0].SetUint64(4)
		b4[1].SetUint64(4)
		y2.Sqr(&x)
		y2.Mul(&y2, &x)
		y2.Add(&y2, &b4)
		if root.Sqrt(&y2) == onCurve {
			b, err := x.MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			b[0] |= 0x80
			return b
		}
	}
}

func outsideG1(t *testing.T) []byte { return compressedG1(t, 1) }
func outsideG2(t *testing.T) []byte { return compressedG2(t, 1) }
func offG1(t *testing.T) []byte     { return compressedG1(t, 0) }
func offG2(t *testing.T) []byte     { return compressedG2(t, 0) }

// outsideGT are field elements that are not of order r.
func outsideGT(t *testing.T) map[string][]byte {
	var zero, minusOne, random, power ff.Fp12
	minusOne.SetOne()
	minusOne.Neg()
	for i := range 6 {
		random[i/3][i%3][0].SetUint64(uint64(3*i + 7))
		random[i/3][i%3][1].SetUint64(uint64(5*i + 1))
	}
	var cyclotomic ff.Cyclo6
	ff.EasyExponentiation(&cyclotomic, &random)
	power.Sqr(&random)
	out := make(map[string][]byte)
	for name, x := range map[string]ff.Fp12{
		"zero": zero, "minus one": minusOne, "random": random, "square": power, "cyclotomic": ff.Fp12(cyclotomic),
	} {
		b, err := x.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = b
	}
	return out
}

func TestAttack04_Scalar(t *testing.T) {
	order := bls12381.Order()
	one := make([]byte, 32)
	one[31] = 1
	bad := map[string][]byte{
		"zero": make([]byte, 32), "r": order, "r+1": addOne(order), "max": bytes.Repeat([]byte{0xff}, 32),
		"short": one[1:], "long": append([]byte{0}, one...), "trailing byte": append(bytes.Clone(one), 0), "empty": {},
	}
	mk, pk := master("hospital").Bytes(), master("hospital").PublicKey().Bytes()
	for name, k := range bad {
		for i := range 2 {
			b := edit(t, mk, func(w *wireMasterKey) { w.Secret = slices.Replace(w.Secret, 32*i, 32*i+32, k...) })
			if _, err := abe.ParseMasterKey(b); !errors.Is(err, abe.ErrMalformed) {
				t.Errorf("%s for scalar %d of a master key: %v", name, i, err)
			}
		}
		for i := range 3 {
			b := edit(t, pk, func(w *wirePublicKey) { w.Proof = slices.Replace(w.Proof, 32*i, 32*i+32, k...) })
			if _, err := abe.ParsePublicKey(b); !errors.Is(err, abe.ErrMalformed) {
				t.Errorf("%s for scalar %d of a proof: %v", name, i, err)
			}
		}
	}
}

// addOne returns the number after b, which does not end in 0xff.
func addOne(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1]++
	return b
}
