package browser

import (
	"fmt"
	"syscall/js"
)

const (
	databaseName = "phr"
	tableName    = "files"
)

// Database is what the browser keeps for this origin, which all stores share. It is safe for concurrent use.
type Database struct{ db js.Value }

// OpenDatabase opens it, and makes it the first time.
func OpenDatabase() (*Database, error) {
	var request js.Value
	if err := caught(func() { request = js.Global().Get("indexedDB").Call("open", databaseName, 1) }); err != nil {
		return nil, fmt.Errorf("opening what this browser keeps: %w", err)
	}
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		request.Get("result").Call("createObjectStore", tableName)
		return nil
	})
	defer upgrade.Release()
	request.Set("onupgradeneeded", upgrade)
	if err := await(request, "success", "error", "blocked"); err != nil {
		return nil, fmt.Errorf("opening what this browser keeps: %w", err)
	}
	return &Database{request.Get("result")}, nil
}

// change does something in one transaction, which is on disk when change returns.
func (d *Database) change(do func(table js.Value)) error {
	var tx js.Value
	err := caught(func() {
		tx = d.db.Call("transaction", tableName, "readwrite", map[string]any{"durability": "strict"})
		do(tx.Call("objectStore", tableName))
	})
	if err != nil {
		return err
	}
	return await(tx, "complete", "error", "abort")
}

// ask returns what a request for reading gives.
func (d *Database) ask(request func(table js.Value) js.Value) (js.Value, error) {
	var asked js.Value
	err := caught(func() {
		asked = request(d.db.Call("transaction", tableName, "readonly").Call("objectStore", tableName))
	})
	if err != nil {
		return js.Undefined(), err
	}
	if err := await(asked, "success", "error"); err != nil {
		return js.Undefined(), err
	}
	return asked.Get("result"), nil
}
