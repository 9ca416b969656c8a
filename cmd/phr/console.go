package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/web"
	"github.com/phrledger/phr/web/view"
)

// console shows an authority to its operator in a browser. The keys stay in this process.
type console struct {
	door    *web.Console
	handler *web.Handler
	l       net.Listener
	log     *slog.Logger
}

// openConsole opens one at a loopback address, and says where: whoever has the whole URL is the operator.
func (e *env) openConsole(c *client.Client, address string) (*console, error) {
	build, err := web.OpenPage()
	if err != nil {
		return nil, err
	}
	o := &console{log: e.log()}
	var v *view.View
	o.door = web.NewConsole(func(ctx context.Context, name string, args json.RawMessage) (any, error) {
		return v.Call(ctx, name, args)
	})
	v = view.New(view.Config{Client: c, Post: o.door.Post, Serving: true})
	if o.handler, err = web.New(web.Config{Build: build, Node: c.URL(), Version: buildVersion(), Console: o.door, Log: o.log}); err != nil {
		return nil, err
	}
	if o.l, err = net.Listen("tcp", address); err != nil {
		return nil, err
	}
	return o, e.showURL(web.LocalURL(o.l.Addr()) + o.door.Fragment())
}

// serve answers until ctx ends.
func (o *console) serve(ctx context.Context) error { return web.Serve(ctx, o.l, o.handler, o.log) }

// admitted tells the pages that are open of somebody new.
func (o *console) admitted(m *authority.Admission) {
	o.door.Post("changed", view.Changed{What: "authority", Text: m.Display})
}
