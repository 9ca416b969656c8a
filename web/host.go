package web

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
)

// hosts are the names that a browser may use for what is served here. Any other in a request is a page elsewhere that has its own
// name lead here (DNS rebinding), so that the browser takes what is here for that page's.
type hosts struct {
	origins []string // besides those of loopback addresses
	names   []string // of origins
	tls     []string // of those that are https
}

func parseHosts(origins []string) (h hosts, err error) {
	for _, origin := range origins {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
			return h, fmt.Errorf("%q is no origin: it looks like https://phr.example.org", origin)
		}
		h.origins, h.names = append(h.origins, origin), append(h.names, u.Host)
		if u.Scheme == "https" {
			h.tls = append(h.tls, u.Host)
		}
	}
	return h, nil
}

// known tells whether a request names this machine, or a name that was given.
func (h *hosts) known(r *http.Request) bool {
	return slices.Contains(h.names, r.Host) || isLoopback(r.Host)
}

// secure tells whether a request came by https, as far as its name says.
func (h *hosts) secure(r *http.Request) bool { return slices.Contains(h.tls, r.Host) }

// own tells whether a request, of those that change or connect something, comes from the page that is served here. Every browser
// says where it comes from; who is no browser needs none of this.
func (h *hosts) own(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return slices.Contains(h.origins, origin) || isLoopback(r.Host) && origin == "http://"+r.Host
}

func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || name == "127.0.0.1" || name == "::1" || name == "[::1]"
}
