package epoch_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/epoch"
)

// Records sealed with this dictionary need it for ever.
func TestDictionaryIsFrozen(t *testing.T) {
	const want = "008bfa2b6d7ab23aeb48cd7622ed23e6d2678efbb7f6e44ee8caad71df8b50a3"
	if got := sha256.Sum256(epoch.Dictionary); hex.EncodeToString(got[:]) != want {
		t.Errorf("dictionary-1.txt has changed: %x; a new dictionary is a new file and a new encoding", got)
	}
}

func deflate(t testing.TB, plaintext []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriterDict(&out, flate.BestCompression, epoch.Dictionary)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plaintext); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rawFrame lays out a frame as anybody could.
func rawFrame(encoding byte, length int, data []byte, total int) []byte {
	b := append([]byte{encoding}, binary.BigEndian.AppendUint32(nil, uint32(length))...)
	b = append(b, data...)
	return append(b, make([]byte, max(0, total-len(b)))...)
}

func padded(encoding byte, data []byte) []byte {
	return rawFrame(encoding, len(data), data, epoch.Padme(epoch.FrameHead+len(data)))
}

func TestFrame(t *testing.T) {
	noise, err := io.ReadAll(io.LimitReader(stream("noise"), 1000))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		body     []byte
		encoding byte
	}{
		"empty": {nil, epoch.Stored},
		"short": {[]byte("x"), epoch.Stored},
		"noise": {noise, epoch.Stored},
		"text":  {[]byte(observation), epoch.Dictionary1},
	} {
		framed, err := epoch.Frame(test.body)
		if err != nil {
			t.Fatal(err)
		}
		if framed[0] != test.encoding || len(framed) != epoch.Padme(len(framed)) {
			t.Errorf("%s: encoding %d in %d bytes, want encoding %d in a bucket", name, framed[0], len(framed), test.encoding)
		}
		if got, err := epoch.Unframe(framed); err != nil || !bytes.Equal(got, test.body) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestUnframeRefused(t *testing.T) {
	text := deflate(t, []byte(observation))
	dirty := padded(epoch.Stored, make([]byte, 600))
	if len(dirty) == epoch.FrameHead+600 {
		t.Fatal("no padding to dirty")
	}
	dirty[len(dirty)-1] = 1
	highPadding := bytes.Clone(dirty)
	highPadding[len(dirty)-1] = 0xff
	for name, framed := range map[string][]byte{
		"empty":                  {},
		"head cut":               {epoch.Stored, 0, 0, 0},
		"unknown encoding":       padded(2, text),
		"length beyond the end":  rawFrame(epoch.Stored, 12, []byte("eleven byte"), 0),
		"length 2^32-1":          rawFrame(epoch.Stored, 1<<32-1, []byte("eleven byte"), 0),
		"length too small":       rawFrame(epoch.Stored, 1, make([]byte, 600), epoch.Padme(605)),
		"padding of no bucket":   rawFrame(epoch.Stored, 600, make([]byte, 600), epoch.Padme(605)+1),
		"padding to next bucket": rawFrame(epoch.Stored, 600, make([]byte, 600), epoch.Padme(epoch.Padme(605)+1)),
		"padding missing":        rawFrame(epoch.Stored, 600, make([]byte, 600), 0),
		"padding not zero":       dirty,
		"padding 0xff":           highPadding,
		"deflate of nothing":     padded(epoch.Dictionary1, nil),
		"deflate cut":            padded(epoch.Dictionary1, text[:len(text)-1]),
		"deflate and more":       padded(epoch.Dictionary1, append(bytes.Clone(text), 0)),
		"deflate twice":          padded(epoch.Dictionary1, append(bytes.Clone(text), text...)),
		"deflate of junk":        padded(epoch.Dictionary1, []byte("\xff\xff\xff\xff\xff")),
		"stored beyond MaxBody":  padded(epoch.Stored, make([]byte, epoch.MaxBody+1)),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := epoch.Unframe(framed); got != nil || !errors.Is(err, epoch.ErrOpen) {
				t.Errorf("Unframe = %d bytes, %v, want ErrOpen", len(got), err)
			}
		})
	}
}

// A writer who may seal records makes one that would fill the reader's memory.
func TestAttack55_DecompressionBomb(t *testing.T) {
	keys, shred, h := generate(t, "current"), newShred(t, "s"), header()
	for _, size := range []int{epoch.MaxBody + 1, 8 << 20} {
		bomb := padded(epoch.Dictionary1, deflate(t, make([]byte, size)))
		sealed, err := epoch.SealFrame(stream("n"), keys, shred, h, bomb)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		body, err := epoch.Open(keys, shred, h, sealed)
		runtime.ReadMemStats(&after)
		if body != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%d bytes out of %d: %v, want ErrOpen", size, len(sealed), err)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 8*epoch.MaxBody {
			t.Errorf("%d bytes allocated for a bomb of %d", allocated, size)
		}
	}
}

func TestPadme(t *testing.T) {
	for _, test := range []struct{ length, want int }{
		{0, 0},
		{1, 1},
		{2, 2},
		{3, 3},
		{8, 8},
		{9, 10},
		{100, 104},
		{1000, 1024},
		{1024, 1024},
		{1025, 1088},
		{65537, 67584},
		{epoch.FrameHead + epoch.MaxBody, epoch.MaxFrame},
	} {
		if got := epoch.Padme(test.length); got != test.want {
			t.Errorf("padme(%d) = %d, want %d", test.length, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(1, 1<<40).Draw(t, "length")
		padded := epoch.Padme(length)
		if padded < length || float64(padded-length) > 0.12*float64(length) {
			t.Fatalf("padme(%d) = %d: shorter, or more than 12 %% longer", length, padded)
		}
		if epoch.Padme(padded) != padded {
			t.Fatalf("padme(%d) = %d is no fixed point", length, padded)
		}
		if next := epoch.Padme(length + 1); next < padded {
			t.Fatalf("padme is not monotone at %d", length)
		}
		// A length of e bits shows its first log2 e bits and no more.
		exponent := bits.Len(uint(padded)) - 1
		if hidden := exponent - bits.Len(uint(exponent)); hidden > 0 && padded&(1<<hidden-1) != 0 {
			t.Fatalf("padme(%d) = %d shows low bits", length, padded)
		}
	})
}

func FuzzUnframe(f *testing.F) {
	for _, body := range [][]byte{nil, []byte("x"), []byte(observation)} {
		framed, err := epoch.Frame(body)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(framed)
	}
	f.Add(padded(epoch.Dictionary1, deflate(f, make([]byte, epoch.MaxBody+1))))
	f.Fuzz(func(t *testing.T, framed []byte) {
		body, err := epoch.Unframe(framed)
		if err != nil {
			return
		}
		if len(body) > epoch.MaxBody {
			t.Errorf("%d bytes out of %d", len(body), len(framed))
		}
		again, err := epoch.Frame(body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := epoch.Unframe(again); err != nil || !bytes.Equal(got, body) {
			t.Errorf("%q does not survive a second frame: %v", body, err)
		}
	})
}

// testdata names the folder of third-party sample records, which are not part of this project.
func testdata(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PHR_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(filepath.Join(dir, "synthea")); err != nil {
		t.Skip("no sample records: set PHR_TESTDATA to a folder with synthea/*.json.gz")
	}
	return dir
}

func TestDictionaryPays(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testdata(t), "synthea", "*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bundles: %v", err)
	}
	var plain, framed, records int
	for _, file := range files[:2] {
		for _, resource := range resources(t, file) {
			b, err := epoch.Frame(resource)
			if err != nil {
				t.Fatal(err)
			}
			back, err := epoch.Unframe(b)
			if err != nil || !bytes.Equal(back, resource) {
				t.Fatalf("a resource of %s does not come back: %v", filepath.Base(file), err)
			}
			plain, framed, records = plain+len(resource), framed+len(b), records+1
		}
	}
	t.Logf("%d resources of %d bytes on average take %d", records, plain/records, framed/records)
	if framed*3 > plain {
		t.Errorf("%d bytes take %d, want a third at most", plain, framed)
	}
}

// resources reads the resources of a bundle without their white space.
func resources(t *testing.T, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct {
		Entry []struct{ Resource json.RawMessage }
	}
	if err := json.NewDecoder(z).Decode(&bundle); err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	for _, e := range bundle.Entry {
		var b bytes.Buffer
		if err := json.Compact(&b, e.Resource); err != nil {
			t.Fatal(err)
		}
		all = append(all, b.Bytes())
	}
	return all
}
