// An authority with a console, as its operator runs it: the phr program with keys in a home of its own, at the node of a page.
import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { binary, start } from './harness.mjs'

const run = promisify(execFile)

const name = 'north-clinic'

/**
 * Founds an authority at the node of a demonstration, and serves its console.
 * @returns {Promise<{url: string, enrol: (code: string, person: string) => Promise<void>, stop: () => Promise<void>}>}
 */
export async function authority(site) {
	const { node } = await (await fetch(new URL('/about.json', site.url))).json()
	const keys = (dir) => ['--home', join(dir, 'home'), '--passphrase-file', join(dir, 'passphrase')]
	const found = async (dir) => {
		await writeFile(join(dir, 'passphrase'), 'correct horse battery\n', { mode: 0o600 })
		await run(binary(), ['id', 'create', ...keys(dir), '--no-recovery-test', '--recovery-file', join(dir, 'sheet')])
	}
	const served = await start(async (dir) => {
		await found(dir)
		const { stdout: fingerprint } = await run(binary(), ['authority', 'init', name, '--kind', 'hospital', '--node', node, ...keys(dir)])
		await run(binary(), ['authority', 'endorse', name, fingerprint.trim(), '--data', join(site.dir, 'node')])
		// Its first role begins with the first who is invited to it.
		await run(binary(), ['authority', 'invite', '--attr', 'doctor', '--node', node, ...keys(dir)])
		return ['authority', 'serve', '--console', '127.0.0.1:0', '--json', ...keys(dir)]
	})
	return {
		url: served.line.url,
		stop: served.stop,
		async enrol(code, person) {
			const dir = await mkdtemp(join(served.dir, 'member-'))
			await found(dir)
			await run(binary(), ['enroll', '--name', person, '--node', node, ...keys(dir), code])
		},
	}
}
