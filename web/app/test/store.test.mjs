// Runs the tests of package browser, and with them what every store of a home must do, in Chromium.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { browse } from './harness.mjs';

const root = new URL('../../..', import.meta.url).pathname;

test('stores in a browser', { timeout: 300_000 }, async (t) => {
	const dir = mkdtempSync(join(tmpdir(), 'phr-store-'));
	t.after(() => rmSync(dir, { recursive: true }));
	const wasm = join(dir, 'test.wasm');
	execFileSync('go', ['test', '-c', '-o', wasm, './web/browser'], { cwd: root, env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' } });
	const support = readFileSync(join(execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim(), 'lib/wasm/wasm_exec.js'));
	const files = { '/': ['text/html', '<!doctype html>'], '/wasm_exec.js': ['text/javascript', support], '/test.wasm': ['application/wasm', readFileSync(wasm)] };
	const server = createServer(({ url }, answer) => {
		const [kind, contents] = files[url] ?? ['text/plain', ''];
		answer.writeHead(files[url] ? 200 : 404, { 'Content-Type': kind }).end(contents);
	}).listen(0, 'localhost');
	t.after(() => server.close());
	await new Promise((resolve) => server.once('listening', resolve));

	const { browser } = await browse();
	t.after(() => browser.close());
	const page = await browser.newPage();
	const lines = [];
	page.on('console', (line) => lines.push(line.text()));
	await page.goto(`http://localhost:${server.address().port}/`);
	await page.addScriptTag({ url: '/wasm_exec.js' });
	const code = await page.evaluate(async () => {
		const go = new globalThis.Go();
		go.argv = ['test', '-test.v'];
		const ended = new Promise((resolve) => (go.exit = resolve));
		const { instance } = await WebAssembly.instantiateStreaming(fetch('/test.wasm'), go.importObject);
		void go.run(instance);
		return ended;
	});
	assert.equal(code, 0, lines.join('\n'));
	assert.match(lines.join('\n'), /--- PASS: TestStores /);
});
