// A line to a server that can be cut, as a network can.
import { createServer, connect } from 'node:net'
import { once } from 'node:events'

/**
 * Serves what another address serves, until it is cut.
 * @returns {Promise<{url: string, cut: () => void, mend: () => void, close: () => Promise<void>}>}
 */
export async function line(to) {
	const { hostname, port } = new URL(to)
	const open = new Set()
	let whole = true
	const server = createServer((near) => {
		near.on('error', () => undefined)
		if (!whole) return near.destroy()
		const far = connect(Number(port), hostname)
		far.on('error', () => near.destroy())
		for (const [one, other] of [[near, far], [far, near]]) {
			open.add(one)
			one.on('close', () => (open.delete(one), other.destroy()))
			one.pipe(other)
		}
	})
	server.listen(0, '127.0.0.1')
	await once(server, 'listening')
	const cut = () => {
		whole = false
		for (const socket of open) socket.destroy()
	}
	return {
		url: `http://localhost:${server.address().port}/`,
		cut,
		mend: () => (whole = true),
		async close() {
			cut()
			server.close()
			await once(server, 'close')
		},
	}
}
