// What a patient types is nowhere but on their screen: not on the wire, not in what the browser keeps, not in any file of the node.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { browse, demo } from './harness.mjs'
import { goTo, setUp, shareWith } from './people.mjs'

const note = 'Quokkaberry'
const name = 'Zephyrmoor'
const search = 'Wigglethorpe'
const passphrase = 'Marzipan-Lighthouse-47'
const typed = [note, name, search, passphrase]

let site, browsers
before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

/** The forms in which a word may stand among bytes: as text, in two bytes a letter, in hexadecimal, and in base64 wherever it begins. */
function forms(word) {
	const bytes = Buffer.from(word)
	const base64 = [0, 1, 2].map((shift) => {
		const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
		return Buffer.from(text.slice(shift && shift + 1, -4)) // without what its neighbours have a part in
	})
	return [bytes, Buffer.from(word.toLowerCase()), Buffer.from(word, 'utf16le'), Buffer.from(bytes.toString('hex')), ...base64]
}

/** The words that stand somewhere in what was collected, each with where. */
function found(words, collected) {
	return words.flatMap((word) => collected.filter(({ bytes }) => forms(word).some((form) => bytes.includes(form))).map(({ where }) => `${word} in ${where}`))
}

/** Collects everything that a context sends and receives. */
function listen(context, page) {
	const all = []
	const keep = (where, payload) => payload && all.push({ where, bytes: Buffer.from(payload) })
	page.on('websocket', (socket) => {
		socket.on('framesent', ({ payload }) => keep('a frame that was sent', payload))
		socket.on('framereceived', ({ payload }) => keep('a frame that was received', payload))
	})
	context.on('request', (request) => {
		keep(`the address ${request.url()}`, request.url())
		keep(`the body of ${request.url()}`, request.postDataBuffer())
	})
	return all
}

/** Collects everything that the browser keeps for the page. */
async function kept(page) {
	const all = await page.evaluate(async () => {
		const request = (asked) => new Promise((resolve, reject) => ((asked.onsuccess = () => resolve(asked.result)), (asked.onerror = () => reject(asked.error))))
		const hex = (view) => Array.from(view, (byte) => byte.toString(16).padStart(2, '0')).join('')
		// What is bytes goes out as such, and all else as text.
		const pieces = (value) => {
			if (value instanceof ArrayBuffer) return [{ hex: hex(new Uint8Array(value)) }]
			if (ArrayBuffer.isView(value)) return [{ hex: hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) }]
			if (value && typeof value === 'object') return Object.entries(value).flatMap(([key, inner]) => [{ text: key }, ...pieces(inner)])
			return [{ text: String(value) }]
		}
		const kept = []
		for (const { name } of await indexedDB.databases()) {
			const database = await request(indexedDB.open(name))
			for (const store of database.objectStoreNames) {
				const records = database.transaction(store).objectStore(store)
				const [keys, values] = await Promise.all([request(records.getAllKeys()), request(records.getAll())])
				kept.push(...pieces([keys, values]).map((piece) => ({ where: `${name}/${store}`, ...piece })))
			}
			database.close()
		}
		for (const [where, storage] of Object.entries({ localStorage, sessionStorage })) kept.push({ where, text: JSON.stringify(storage) })
		for (const name of await caches.keys()) kept.push({ where: 'caches', text: name })
		kept.push({ where: 'cookies', text: document.cookie })
		return kept
	})
	return all.map(({ where, text, hex }) => ({ where, bytes: hex === undefined ? Buffer.from(text) : Buffer.from(hex, 'hex') }))
}

/** Reads every file of the node. */
async function files(dir) {
	const entries = await readdir(dir, { recursive: true, withFileTypes: true })
	return Promise.all(entries.filter((entry) => entry.isFile()).map(async (entry) => ({ where: entry.name, bytes: await readFile(join(entry.parentPath ?? entry.path, entry.name)) })))
}

test('a word that a patient types', { timeout: 600_000 }, async (t) => {
	const { context, page } = await browsers.person()
	const wire = listen(context, page)
	let words

	await t.test('is on the screen', async () => {
		words = await setUp(page, site.url, `Noor ${name}`, passphrase)
		await page.getByRole('main').getByRole('link', { name: 'Add', exact: true }).click()
		await page.getByLabel('Your note').fill(`Ate a ${note} today.`)
		await page.getByRole('button', { name: 'Sign and save' }).click()
		await page.getByRole('heading', { level: 1, name: `Ate a ${note} today.` }).waitFor()
		await goTo(page, 'Timeline')
		await page.getByRole('searchbox').fill(search)
		await page.getByText('Nothing found').waitFor()
		await page.getByRole('searchbox').fill(note)
		await page.getByRole('main').getByText(`Ate a ${note} today.`).waitFor()
		await shareWith(page, { authority: 'city-hospital', role: 'doctor', parts: ['Health'], write: true })
		await goTo(page, 'Keys & recovery')
		await page.getByRole('button', { name: 'Close my record' }).click()
		await page.getByLabel('Passphrase').fill(passphrase)
		await page.getByRole('button', { name: 'Open', exact: true }).click()
		await page.getByRole('button', { name: 'Close my record' }).waitFor()
	})

	const secret = () => [...typed, words.slice(0, 4).join(' '), words.slice(0, 4).join('')]

	await t.test('is in nothing that was sent or received', () => {
		assert.ok(wire.filter(({ where }) => where.includes('sent')).length > 20, 'frames that were sent are seen')
		assert.ok(wire.filter(({ where }) => where.includes('received')).length > 20, 'frames that were received are seen')
		assert.ok(wire.some(({ where, bytes }) => where.includes('sent') && bytes.includes('CONNECT ')), 'what was sent is read as it is')
		assert.notDeepEqual(found(['city-hospital'], wire), [], 'what is public is found')
		assert.deepEqual(found(secret(), wire), [])
	})

	await t.test('is in nothing that the browser keeps', async () => {
		const before = await kept(page)
		assert.ok(before.some(({ where, bytes }) => where.includes('/') && bytes.length > 200), 'the sealed vault is seen')
		assert.deepEqual(found([...typed.filter((word) => word !== name), ...secret().slice(typed.length)], before), [])
	})

	await t.test('is in no file of the node', async () => {
		const all = await files(site.dir)
		assert.notDeepEqual(found(['city-hospital'], all), [], 'what is public is found')
		assert.deepEqual(found(secret(), all), [])
	})

	await t.test('would be found if it were there', async () => {
		await page.evaluate(async (word) => {
			const opened = indexedDB.open('control')
			await new Promise((resolve, reject) => {
				opened.onupgradeneeded = () => opened.result.createObjectStore('words')
				opened.onsuccess = resolve
				opened.onerror = reject
			})
			const units = Uint16Array.from(word, (letter) => letter.charCodeAt(0))
			opened.result.transaction('words', 'readwrite').objectStore('words').put({ deep: [units.buffer] }, 1)
			opened.result.close()
			localStorage.setItem('control', btoa(`..${word}`))
			const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/nats`)
			await new Promise((resolve) => (socket.onopen = resolve))
			socket.send(new TextEncoder().encode(`PING ${word}\r\n`))
			await new Promise((resolve) => (socket.onclose = resolve))
			await fetch('/about.json', { headers: { 'Cache-Control': 'no-cache' } })
		}, note)
		const places = found([note], [...wire, ...(await kept(page))])
		for (const place of ['a frame that was sent', 'control/words', 'localStorage']) assert.ok(places.includes(`${note} in ${place}`), `${place}: ${places}`)
	})
})
