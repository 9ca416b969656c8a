package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/phrledger/phr/web"
)

// changed answers as a handler does, but for one path.
func changed(h http.Handler, path string, change func(*httptest.ResponseRecorder)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path {
			h.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		r.Header.Del("Accept-Encoding")
		h.ServeHTTP(answer, r)
		change(answer)
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

func TestVerify(t *testing.T) {
	own := build(t)
	h, err := web.New(web.Config{Build: own, Version: "v9"})
	must(t, err)
	flip := func(a *httptest.ResponseRecorder) { a.Body.Bytes()[a.Body.Len()/2] ^= 1 }
	for _, tt := range []struct {
		name, path string
		change     func(*httptest.ResponseRecorder)
		why        string // what is said of the path; "" if nothing is
	}{
		{"the same", "/nothing", flip, ""},
		{"one bit of the program", "/phr.wasm", flip, "SHA-256"},
		{"one bit of the page", "/", flip, "SHA-256"},
		{"one bit of a script", "/assets/index-3f9a.js", flip, "SHA-256"},
		{"a file that is not there", "/wasm_exec.js", func(a *httptest.ResponseRecorder) { a.Code = http.StatusNotFound }, "404"},
		{"another policy", "/", func(a *httptest.ResponseRecorder) { a.Header().Set("Content-Security-Policy", "default-src *") }, "Content-Security-Policy"},
		{"no policy", "/phr.wasm", func(a *httptest.ResponseRecorder) { a.Header().Del("Cross-Origin-Opener-Policy") }, "Cross-Origin-Opener-Policy"},
		{"another type", "/wasm_exec.js", func(a *httptest.ResponseRecorder) { a.Header().Set("Content-Type", "text/html") }, "text/html"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := own.Verify(t.Context(), serve(t, changed(h, tt.path, tt.change))+"/")
			must(t, err)
			if c.Version != "v9" || c.Files != 7 {
				t.Errorf("%+v", c)
			}
			if tt.why == "" {
				if len(c.Differences) > 0 {
					t.Errorf("%+v", c.Differences)
				}
				return
			}
			path := strings.Replace(tt.path+"$", "/$", "/index.html", 1)
			if len(c.Differences) != 1 || c.Differences[0].Path != strings.TrimSuffix(path, "$") || !strings.Contains(c.Differences[0].Why, tt.why) {
				t.Errorf("%+v, want one that says %s", c.Differences, tt.why)
			}
		})
	}
	t.Run("a file more", func(t *testing.T) {
		more := changed(h, "/about.json", func(a *httptest.ResponseRecorder) {
			text := strings.Replace(a.Body.String(), `"/phr.wasm"`, `"/evil.js": "00", "/phr.wasm"`, 1)
			a.Body.Reset()
			a.Body.WriteString(text)
			a.Header().Del("Content-Length")
		})
		c, err := own.Verify(t.Context(), serve(t, more))
		if err != nil || len(c.Differences) != 1 || c.Differences[0].Path != "/evil.js" {
			t.Errorf("%+v, %v", c, err)
		}
	})
	t.Run("something else", func(t *testing.T) {
		if c, err := own.Verify(t.Context(), serve(t, http.NotFoundHandler())); err == nil {
			t.Errorf("%+v", c)
		}
	})
	t.Run("leads elsewhere", func(t *testing.T) {
		if c, err := own.Verify(t.Context(), serve(t, http.RedirectHandler("http://localhost:1/", http.StatusFound))); err == nil {
			t.Errorf("%+v", c)
		}
	})
}

func TestVerifyNoAddress(t *testing.T) {
	if _, err := build(t).Verify(t.Context(), "localhost:8080"); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("of what is no address: %v", err)
	}
}
