// Package browser is what a browser has in the place of files, locks and sockets: IndexedDB, Web Locks and WebSockets.
//
// What this does not protect: a browser deletes what a page keeps when its owner clears it, and may when the disk is full. What is
// deleted is not overwritten. Two tabs are held apart by locks that only pages of the same origin honour.
package browser
