package cmd_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// needle is one form in which a secret could have got out.
type needle struct {
	what, form string
	bytes      []byte
}

// search looks for many needles in one pass over a text. Needles are kept by how they begin.
type search map[[begins]byte][]needle

const begins = 8

func (s search) add(what, form string, b []byte) {
	if len(b) < begins {
		panic(fmt.Sprintf("%s, %s: too short to search for", what, form))
	}
	s[[begins]byte(b)] = append(s[[begins]byte(b)], needle{what, form, b})
}

// addWord adds a word of somebody's record, in the forms that text takes on its way through programs.
func (s search) addWord(word string) {
	escaped, err := json.Marshal(word)
	if err != nil {
		panic(err)
	}
	big, little := make([]byte, 0, 2*len(word)), make([]byte, 0, 2*len(word))
	for _, unit := range utf16.Encode([]rune(word)) {
		big, little = binary.BigEndian.AppendUint16(big, unit), binary.LittleEndian.AppendUint16(little, unit)
	}
	s.add(word, "upper case", []byte(strings.ToUpper(word)))
	s.add(word, "JSON", bytes.Trim(escaped, `"`))
	s.add(word, "quoted", []byte(strings.Trim(strconv.QuoteToASCII(word), `"`)))
	s.add(word, "UTF-16, big-endian", big)
	s.add(word, "UTF-16, little-endian", little)
	s.addBytes(word, []byte(word))
}

// addKey adds a secret key: every 16 bytes of it are as bad as the whole.
func (s search) addKey(what string, secret []byte) {
	const piece = 16
	for chunk := range slices.Chunk(secret, piece) {
		if len(chunk) < piece {
			chunk = secret[len(secret)-piece:]
		}
		s.addBytes(what, chunk)
	}
}

func (s search) addBytes(what string, b []byte) {
	s.add(what, "raw", b)
	s.add(what, "hex", []byte(hex.EncodeToString(b)))
	s.add(what, "upper-case hex", []byte(strings.ToUpper(hex.EncodeToString(b))))
	for skip := range 3 { // in the middle of a longer text, too
		whole := b[skip:][:(len(b)-skip)/3*3]
		s.add(what, "base64", []byte(base64.StdEncoding.EncodeToString(whole)))
		s.add(what, "base64 for URLs", []byte(base64.URLEncoding.EncodeToString(whole)))
	}
	for skip := range 5 {
		whole := base32.StdEncoding.EncodeToString(b[skip:][:(len(b)-skip)/5*5])
		s.add(what, "base32", []byte(whole))
		s.add(what, "lower-case base32", []byte(strings.ToLower(whole)))
	}
	decimals := strings.Trim(fmt.Sprint(b), "[]")
	s.add(what, "decimals", []byte(decimals))
	s.add(what, "JSON decimals", []byte(strings.ReplaceAll(decimals, " ", ",")))
}

// in returns what is found in data, each thing once.
func (s search) in(data []byte) (found []string) {
	for i := 0; i+begins <= len(data); i++ {
		for _, n := range s[[begins]byte(data[i:])] {
			if hit := n.what + " (" + n.form + ")"; bytes.HasPrefix(data[i:], n.bytes) && !slices.Contains(found, hit) {
				found = append(found, hit)
			}
		}
	}
	return found
}

// inFiles returns what is found in the files below dir, and in their names, by path. Skip names a directory to pass over.
func (s search) inFiles(t testing.TB, dir, skip string) map[string][]string {
	t.Helper()
	hits := make(map[string][]string)
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == skip {
			return fs.SkipDir
		}
		found := s.in([]byte(path))
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			found = append(found, s.in(data)...)
		}
		if len(found) > 0 {
			hits[path] = found
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("searched %d files in %s: %v", files, dir, err)
	}
	return hits
}

// The search finds what it is for, wherever it stands.
func TestSearch(t *testing.T) {
	const word = `"quoted" <wörd> kfmwq`
	key := make([]byte, 40)
	for i := range key {
		key[i] = byte(7*i + 200)
	}
	s := make(search)
	s.addWord(word)
	s.addKey("key", key)
	escaped, _ := json.Marshal(map[string]string{"a": word})
	inJSON, _ := json.Marshal(map[string][]byte{"a": append([]byte("x"), key...)})
	for name, data := range map[string][]byte{
		"word":             []byte("before " + word + " after"),
		"word in JSON":     escaped,
		"word in UTF-16":   []byte("\"\x00q\x00u\x00o\x00t\x00e\x00d\x00\"\x00 \x00<\x00w\x00\xf6\x00r\x00d\x00>\x00 \x00k\x00f\x00m\x00w\x00q\x00"),
		"word in upper":    []byte(strings.ToUpper(word)),
		"word in quotes":   fmt.Appendf(nil, "%+q", word),
		"word in base64":   []byte(base64.RawStdEncoding.EncodeToString([]byte("ab" + word + "cd"))),
		"key":              append([]byte("x"), key...),
		"a piece of a key": key[5:37],
		"key in JSON":      inJSON,
		"key in hex":       fmt.Appendf(nil, "%x", key),
		"key in base32":    []byte(base32.StdEncoding.EncodeToString(append([]byte("SU"), key...))),
		"key as numbers":   fmt.Append(nil, key),
	} {
		if len(s.in(data)) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if found := s.in([]byte("kfmw and a wörd or two, quoted")); found != nil {
		t.Errorf("found %q where there is nothing", found)
	}
}
