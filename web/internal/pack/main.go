// Pack builds the program in the browser for a release, which has it in it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/phrledger/phr/web"
)

func main() {
	if err := web.Pack(context.Background(), "wasm"); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}
