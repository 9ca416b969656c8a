package vault

import (
	"context"
	"sync"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/web/view"
)

// unlocked is somebody who has unlocked.
type unlocked struct {
	home   *client.Home
	client *client.Client
	view   *view.View
	ctx    context.Context // until it is locked
	end    context.CancelFunc

	mu     sync.Mutex
	used   time.Time
	timer  *time.Timer // locks
	queued int         // as the screens were told
}

func (o *unlocked) lastUsed() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.used
}

// opened connects somebody whose home is open, and sees to it that the node knows them. What goes wrong closes the home.
func (v *Vault) opened(ctx context.Context, home *client.Home) (view.VaultPerson, error) {
	o, err := v.connect(ctx, home, false)
	if err == nil {
		if err = v.register(ctx, o); err != nil {
			o.close()
		}
	}
	if err != nil {
		home.Close()
		return view.VaultPerson{}, err
	}
	v.begun(o)
	return v.shown(home.GID())
}

// connect makes a client of a home.
func (v *Vault) connect(ctx context.Context, home *client.Home, sample bool) (*unlocked, error) {
	c, err := client.Dial(ctx, client.Config{Home: home, Node: v.config.Node, Dialer: v.line, Log: v.config.Log, Now: v.config.Now})
	if err != nil {
		return nil, err
	}
	o := &unlocked{home: home, client: c, used: v.config.Now()}
	post := func(event string, data any) {
		v.config.Post(event, data)
		if changed, ok := data.(view.Changed); ok && changed.What == "records" {
			v.count(o) // what waited may be written
		}
	}
	o.view = view.New(view.Config{Client: c, Post: post, Now: v.config.Now, Sample: sample})
	o.ctx, o.end = context.WithCancel(context.Background())
	if err := home.SetNode(v.config.Node.String()); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// register has the node know somebody who was set up here, once.
func (v *Vault) register(ctx context.Context, o *unlocked) error {
	gid := o.home.GID()
	p, err := v.person(gid)
	if err != nil || !p.Unnamed {
		return err
	}
	if !p.Patient {
		err = o.client.RegisterIdentity(ctx)
	} else if err = o.client.RegisterPatient(ctx); err == nil {
		err = o.client.SetName(ctx, p.Name)
	}
	if err != nil {
		return err
	}
	p.Unnamed = false
	return v.setPerson(gid, p)
}

// begun makes somebody the one who has unlocked, in the place of whoever had before.
func (v *Vault) begun(o *unlocked) {
	v.mu.Lock()
	before := v.open
	v.open = o
	v.mu.Unlock()
	if before != nil {
		before.close()
	}
	o.mu.Lock()
	o.timer = time.AfterFunc(v.config.Idle, func() { v.lock(o, whyIdle) })
	o.mu.Unlock()
	v.count(o)
	go o.view.Run(o.ctx) // it ends with o.ctx, and for no other reason
}

// close ends everything of somebody, and wipes their keys.
func (o *unlocked) close() {
	o.end()
	o.mu.Lock()
	if o.timer != nil {
		o.timer.Stop()
	}
	o.mu.Unlock()
	o.client.Close()
	o.home.Close()
}

// count tells the screens how much waits, if that has changed.
func (v *Vault) count(o *unlocked) {
	waiting, err := o.home.Unsent()
	if err != nil {
		return // it is locked meanwhile
	}
	n := 0
	for _, drafts := range waiting {
		n += drafts
	}
	o.mu.Lock()
	changed := n != o.queued
	o.queued = n
	o.mu.Unlock()
	if changed {
		v.config.Post("connection", view.Connection{State: v.line.state(), Queued: n})
	}
}

// connected hears that the way to the node has opened or closed.
func (v *Vault) connected(state string) {
	v.mu.Lock()
	o := v.open
	v.mu.Unlock()
	if o == nil {
		return
	}
	o.mu.Lock()
	queued := o.queued
	o.mu.Unlock()
	v.config.Post("connection", view.Connection{State: state, Queued: queued})
}
