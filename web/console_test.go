package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/web"
)

// sorry is an error as package view has it.
type sorry struct {
	Code string `json:"code"`
}

func (s *sorry) Error() string { return s.Code }

// console is a console whose program says what it was asked.
func console() *web.Console {
	return web.NewConsole(func(_ context.Context, name string, args json.RawMessage) (any, error) {
		if name == "authority.revoke" {
			return nil, &sorry{"moved"}
		}
		return map[string]any{"asked": name, "args": args}, nil
	})
}

func tokenOf(c *web.Console) string { return strings.TrimPrefix(c.Fragment(), "#console=") }

// ask sends a request to a console, with headers by name and value in turn, and returns status and body.
func ask(t testing.TB, url, body string, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	must(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	must(t, err)
	defer answer.Body.Close()
	var text strings.Builder
	_, err = bufio.NewReader(answer.Body).WriteTo(&text)
	must(t, err)
	return answer.StatusCode, text.String()
}

// Only who has the token, and is the page that is served here, is answered.
func TestConsoleDoor(t *testing.T) {
	c := console()
	url := served(t, web.Config{Console: c})
	token := tokenOf(c)
	if len(token) < 26 || tokenOf(console()) == token {
		t.Fatalf("the token %q can be guessed", token)
	}
	_, port, err := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	must(t, err)
	for _, tt := range []struct {
		name, host, origin, token, site string
		want                            int
	}{
		{"the page", "localhost:" + port, url, token, "same-origin", 200},
		{"the page, by number", "127.0.0.1:" + port, "http://127.0.0.1:" + port, token, "", 200},
		{"no token", "localhost:" + port, url, "", "", 403},
		{"a wrong token", "localhost:" + port, url, strings.Repeat("A", len(token)), "", 403},
		{"half a token", "localhost:" + port, url, token[:len(token)/2], "", 403},
		{"more than the token", "localhost:" + port, url, token + "A", "", 403},
		{"no origin", "localhost:" + port, "", token, "", 403},
		{"another page's", "localhost:" + port, "http://evil.example", token, "", 403},
		{"another port's", "localhost:" + port, "http://localhost:1", token, "", 403},
		{"no page's", "localhost:" + port, "null", token, "", 403},
		{"another site's", "localhost:" + port, url, token, "cross-site", 403},
		{"under another name", "evil.example", "http://evil.example", token, "", 421},
		{"under another name that leads here", "localhost.evil.example:" + port, url, token, "", 421},
	} {
		headers := []string{"Host", tt.host}
		for name, value := range map[string]string{"Origin": tt.origin, "Phr-Console": tt.token, "Sec-Fetch-Site": tt.site} {
			if value != "" {
				headers = append(headers, name, value)
			}
		}
		status, body := ask(t, url+"/console/call", `{"name":"authority","args":{}}`, headers...)
		if status != tt.want || strings.Contains(body, "asked") != (tt.want == 200) {
			t.Errorf("%s: %d %s, want %d", tt.name, status, body, tt.want)
		}
		if tt.want == 200 || tt.name == "no origin" { // browsers name none when a page reads its own
			continue
		}
		answer, _ := do(t, "GET", url+"/console/events", headers...)
		if answer.StatusCode != tt.want {
			t.Errorf("events for %s: %s, want %d", tt.name, answer.Status, tt.want)
		}
		if answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other pages may read it", tt.name)
		}
	}
	if answer, _ := do(t, "OPTIONS", url+"/console/call", "Origin", "http://evil.example"); answer.StatusCode != 405 || answer.Header.Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("asked first by another page: %s", answer.Status)
	}
}

// What an operator's screens ask for is answered, and nothing else.
func TestConsoleCalls(t *testing.T) {
	c := console()
	url := served(t, web.Config{Console: c})
	for _, tt := range []struct {
		asked string
		want  int
		body  string
	}{
		{`{"name":"me"}`, 200, `{"result":{"args":null,"asked":"me"}}`},
		{`{"name":"circle","args":{}}`, 200, `{"result":{"args":{},"asked":"circle"}}`},
		{`{"name":"authority.impact","args":{"gid":"x"}}`, 200, `{"result":{"args":{"gid":"x"},"asked":"authority.impact"}}`},
		{`{"name":"authority.revoke","args":{}}`, 200, `{"error":{"code":"moved"}}`},
		{`{"name":"sharing","args":{}}`, 404, ""},
		{`{"name":"vault.export","args":{}}`, 404, ""},
		{`{"name":"authorityx","args":{}}`, 404, ""},
		{`{"name":""}`, 404, ""},
		{`{`, 400, ""},
		{`{"name":"me","args":"` + strings.Repeat("x", 70<<10) + `"}`, 400, ""},
	} {
		status, body := ask(t, url+"/console/call", tt.asked, "Origin", url, "Phr-Console", tokenOf(c))
		if status != tt.want || tt.body != "" && body != tt.body {
			t.Errorf("%.60s: %d %s, want %d %s", tt.asked, status, body, tt.want, tt.body)
		}
	}
	for path, want := range map[string]int{"/console/": 404, "/console/call": 405, "/console/keys": 404, "/nats": 404} {
		if answer, _ := do(t, "GET", url+path, "Phr-Console", tokenOf(c), "Origin", url); answer.StatusCode != want {
			t.Errorf("GET %s: %s, want %d", path, answer.Status, want)
		}
	}
	if _, said := do(t, "GET", url+"/about.json"); !strings.Contains(string(said), `"console": true`) || strings.Contains(string(said), tokenOf(c)) {
		t.Errorf("about: %s", said)
	}
	without := served(t, web.Config{})
	if _, said := do(t, "GET", without+"/about.json"); strings.Contains(string(said), "console") {
		t.Errorf("about without one: %s", said)
	}
	if status, _ := ask(t, without+"/console/call", `{"name":"me"}`, "Origin", without, "Phr-Console", tokenOf(c)); status != 405 {
		t.Errorf("called without one: %d", status)
	}
}

// Events come as they are posted, to each page that is open.
func TestConsoleEvents(t *testing.T) {
	c := console()
	url := served(t, web.Config{Console: c})
	ctx, leave := context.WithCancel(t.Context())
	var pages []*bufio.Reader
	for range 2 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/console/events", nil)
		must(t, err)
		r.Header.Set("Phr-Console", tokenOf(c))
		answer, err := http.DefaultTransport.RoundTrip(r)
		must(t, err)
		defer answer.Body.Close()
		if answer.StatusCode != 200 || answer.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%s, %s", answer.Status, answer.Header.Get("Content-Type"))
		}
		pages = append(pages, bufio.NewReader(answer.Body))
	}
	c.Post("changed", map[string]string{"what": "authority\nevent: forged"})
	for _, page := range pages {
		var lines []string
		for range 3 {
			line, err := page.ReadString('\n')
			must(t, err)
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
		if want := "event: changed|data: {\"what\":\"authority\\nevent: forged\"}|"; strings.Join(lines, "|") != want {
			t.Errorf("told %q, want %q", lines, want)
		}
	}
	leave()
	for _, page := range pages {
		if _, err := page.ReadString('\n'); !errors.Is(err, context.Canceled) {
			t.Errorf("after leaving: %v", err)
		}
	}
	for range 1000 {
		c.Post("changed", nil) // nobody reads: nothing waits for them
	}
}

// Issuing keys may take longer than a server waits otherwise.
func TestConsoleTakesItsTime(t *testing.T) {
	c := web.NewConsole(func(ctx context.Context, _ string, _ json.RawMessage) (any, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(300 * time.Millisecond):
			return "done", nil
		}
	})
	h, err := web.New(web.Config{Build: build(t), Console: c})
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	server := &http.Server{Handler: h, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		must(t, server.Close())
		<-done
	})
	url := strings.TrimSuffix(web.LocalURL(l.Addr()), "/")
	if status, body := ask(t, url+"/console/call", `{"name":"authority.reissue"}`, "Origin", url, "Phr-Console", tokenOf(c)); status != 200 || body != `{"result":"done"}` {
		t.Errorf("%d %s", status, body)
	}
}
