// What every browser test stands on: the demonstration served by a real phr, a real Chromium, and pages that are watched.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const root = resolve(import.meta.dirname, '../../..')
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The phr binary, built once for all tests. */
export function binary() {
	const path = process.env.PHR_BINARY
	if (path) return path
	const built = join(tmpdir(), `phr-browser-test-${process.getuid?.() ?? 0}`, 'phr')
	execFileSync('go', ['build', '-o', built, './cmd/phr'], { cwd: root, stdio: 'inherit' })
	return built
}

/**
 * Starts phr and waits for the line of JSON that says where it is.
 * @returns {Promise<{line: any, dir: string, stop: () => Promise<void>}>}
 */
export async function start(args, { ready = (line) => line.url } = {}) {
	const dir = await mkdtemp(join(tmpdir(), 'phr-browser-'))
	const child = spawn(binary(), await args(dir), { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
	let errors = ''
	child.stderr.on('data', (text) => (errors += text))
	const ended = new Promise((resolve) => child.once('exit', resolve))
	const stop = async () => {
		child.kill('SIGTERM')
		await ended
		await rm(dir, { recursive: true, force: true })
	}
	for await (const text of createInterface({ input: child.stdout })) {
		const line = text.startsWith('{') ? JSON.parse(text) : {}
		if (ready(line)) {
			child.stdout.resume()
			return { line, dir, stop }
		}
	}
	throw new Error(`phr ended: ${errors}`)
}

/** Starts the demonstration for the browser alone. */
export async function demo() {
	const { line, dir, stop } = await start((dir) => ['demo', '--web', '--json', '--listen', '127.0.0.1:0', '--data-dir', join(dir, 'node')])
	return { url: line.url, dir, stop }
}

/** Starts a browser. Every context that it makes fails the test for anything its console says. */
export async function browse() {
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
		args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
	})
	const contexts = []
	return {
		browser,
		async person(options = {}) {
			const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Amsterdam', viewport: { width: 1280, height: 860 }, ...options })
			context.setDefaultTimeout(60_000)
			const page = await context.newPage()
			const complaints = watch(page)
			contexts.push({ context, complaints })
			return { context, page, complaints }
		},
		/** Closes all, and fails for what any console has said. */
		async close() {
			const all = contexts.flatMap((c) => c.complaints)
			await browser.close()
			assert.deepEqual(all, [], 'console errors, failed requests or violations of the content security policy')
		},
	}
}

/** Collects what a page complains of: errors, warnings of its policy, requests that fail. */
export function watch(page) {
	const complaints = []
	const note = (text) => complaints.push(text)
	page.on('console', (m) => {
		if (m.type() === 'error' || /Content Security Policy|Trusted/i.test(m.text())) note(`${m.type()}: ${m.text()} (${m.location().url})`)
	})
	page.on('pageerror', (e) => note(`pageerror: ${e.stack ?? e}`))
	page.on('requestfailed', (r) => {
		if (!/net::ERR_ABORTED/.test(r.failure()?.errorText ?? '')) note(`request: ${r.url()} ${r.failure()?.errorText}`)
	})
	page.on('response', (r) => {
		if (r.status() >= 400) note(`response: ${r.status()} ${r.url()}`)
	})
	return complaints
}

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Fails for what axe finds on the screen as it is, by the standards or by some of its rules alone. */
export async function accessible(page, what, runOnly = standards) {
	if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource)
	const { violations } = await page.evaluate((runOnly) => globalThis.axe.run(document, { runOnly, resultTypes: ['violations'] }), runOnly)
	const found = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)
	assert.deepEqual(found, [], `axe on ${what}`)
	const headings = await page.locator('h1:visible').count()
	assert.equal(headings, 1, `${what} has ${headings} main headings`)
}

/** Fails if the page is wider than its window. */
export async function fits(page, what) {
	// Charts are drawn anew a frame after their place has another width.
	const fitting = () => document.documentElement.scrollWidth <= document.documentElement.clientWidth
	await page.waitForFunction(fitting, undefined, { timeout: 2000 }).catch(() => undefined)
	const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
	assert.ok(needed <= there, `${what} is ${needed} px wide in a window of ${there}`)
}
