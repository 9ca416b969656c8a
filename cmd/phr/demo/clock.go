package demo

import (
	"sync/atomic"
	"time"
)

// clock is the time on the stage: that of the machine, put forward where a step has to wait for days.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }
