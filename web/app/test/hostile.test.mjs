// Records that others made to do harm: what they say is shown as text, and nothing of it is done.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { browse, demo } from './harness.mjs'
import { goTo, login } from './people.mjs'
import { places, settled, visit } from './tour.mjs'

let site, browsers
before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

// Each would tell on itself: by a mark on the window, a dialog, a request to a place that is none, or an element of this class.
const elsewhere = 'http://elsewhere.invalid/'
const payloads = [
	`<img class="injected" src="${elsewhere}a.png" onerror="window.harmed=1">`,
	`<script class="injected">window.harmed=1;alert(1)</script>`,
	`"><svg class="injected" onload="window.harmed=1"><a href="javascript:alert(1)">x</a></svg>`,
	`<a class="injected" href="javascript:window.harmed=1">open</a>`,
	`<iframe class="injected" srcdoc="<script>parent.harmed=1</script>"></iframe>`,
	`{{constructor.constructor('window.harmed=1')()}} \${window.harmed=1} {@html '<b class="injected">b</b>'}`,
	`<style class="injected">*{background:url(${elsewhere}b.png)}</style>`,
	'abc\u202Egnp.exe\u2066\u2067 \u200Fx\u0007\u001B[2J',
	`${'long'.repeat(5000)}`,
]
const svg = `<svg xmlns="http://www.w3.org/2000/svg" class="injected" onload="window.harmed=1"><script>window.harmed=1</script><image href="${elsewhere}c.png"/></svg>`
const page64 = Buffer.from(`<!doctype html><script>window.harmed=1</script><p>${payloads[0]}`).toString('base64')
const svg64 = Buffer.from(svg).toString('base64')

// As new as can be, so that they stand first in every list.
const date = new Date().toISOString().slice(0, 10)

/** A bundle with a payload in every text of many kinds of records. */
function bundle() {
	const records = payloads.toReversed().flatMap((bad, i) => {
		const concept = { text: bad, coding: [{ system: `javascript:alert(${i})`, code: bad, display: bad }] }
		const common = { text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${payloads[1]}</div>` }, note: [{ text: bad }] }
		return [
			{ resourceType: 'Observation', status: 'final', code: concept, effectiveDateTime: date, valueString: bad, performer: [{ display: bad }], ...common },
			{ resourceType: 'Observation', status: 'final', code: concept, effectiveDateTime: date, valueQuantity: { value: 5 + i, unit: bad }, interpretation: [concept], referenceRange: [{ text: bad, low: { value: 1, unit: bad }, high: { value: 9, unit: bad } }], ...common },
			{ resourceType: 'Condition', code: concept, onsetDateTime: date, clinicalStatus: { coding: [{ code: 'active' }] }, ...common },
			{ resourceType: 'AllergyIntolerance', code: concept, recordedDate: date, reaction: [{ manifestation: [concept], description: bad }], ...common },
			{ resourceType: 'MedicationStatement', status: 'active', medicationCodeableConcept: concept, effectiveDateTime: date, dosage: [{ text: bad }], ...common },
			{ resourceType: 'DocumentReference', status: 'current', description: bad, date: `${date}T00:00:00Z`, content: [{ attachment: { contentType: bad, title: bad, url: 'javascript:alert(1)' } }] },
		]
	})
	for (const [contentType, data] of [['image/svg+xml', svg64], ['image/png', svg64], ['text/html', page64], ['application/pdf', page64]]) {
		records.push({ resourceType: 'DocumentReference', status: 'current', description: `Attached ${contentType}`, date: `${date}T00:00:00Z`, content: [{ attachment: { contentType, title: payloads[0], data } }] })
	}
	return { resourceType: 'Bundle', type: 'collection', entry: records.map((resource) => ({ resource })) }
}

/** Watches a page for what it may not do. What the console says is watched for already. */
function guard(context, page) {
	const harm = []
	page.on('dialog', (dialog) => (harm.push(`a dialog: ${dialog.message()}`), dialog.dismiss()))
	page.on('popup', (popup) => harm.push(`a window: ${popup.url()}`))
	page.on('console', (message) => harm.push(`on the console: ${message.text()}`))
	page.on('framenavigated', (frame) => new URL(frame.url()).origin === new URL(site.url).origin || harm.push(`went to ${frame.url()}`))
	context.on('request', (request) => new URL(request.url()).origin === new URL(site.url).origin || request.url().startsWith('blob:') || harm.push(`asked for ${request.url()}`))
	return harm
}

/** Fails if anything on the page came out of a record as more than text. */
async function unharmed(page, harm, where) {
	const found = await page.evaluate(() => ({
		harmed: 'harmed' in globalThis,
		elements: [...document.querySelectorAll('.injected, iframe, object, embed, body script, body style, a[href^="javascript:" i], img:not([src^="blob:"])')].map((element) => element.outerHTML.slice(0, 200)),
		handlers: [...document.querySelectorAll('*')].flatMap((element) => element.getAttributeNames().filter((name) => name.startsWith('on'))),
		turned: [...document.querySelectorAll('h1, .title')].some(({ textContent }) => /[\u202A-\u202E\u2066-\u2069]/.test(textContent)),
	}))
	assert.deepEqual({ ...found, harm }, { harmed: false, elements: [], handlers: [], turned: false, harm: [] }, where)
	const [needed, there] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
	assert.ok(needed <= there, `${where} is ${needed} px wide in a window of ${there}`)
}

/** Opens the first entries of a list, with all that folds out, and on paper. */
async function openEntries(page, harm, list, count) {
	const addresses = await page.locator('main a[href*="/record/"]').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
	assert.ok(addresses.length > 5, `${addresses.length} entries in ${list}`)
	for (const address of new Set(addresses.slice(0, count))) {
		await page.evaluate((address) => (document.activeElement?.blur(), (location.hash = address)), address)
		await page.waitForFunction(() => document.activeElement?.tagName === 'H1')
		await settled(page)
		for (const summary of await page.locator('main summary').all()) await summary.click()
		await unharmed(page, harm, `${list}, ${address}`)
	}
	await page.emulateMedia({ media: 'print' })
	await unharmed(page, harm, `${list}, on paper`)
	await page.emulateMedia({ media: 'screen' })
}

test('Attack55_HostileContent', { timeout: 600_000 }, async (t) => {
	const [amara, doctor] = await Promise.all([browsers.person(), browsers.person()])

	await t.test('the payloads do harm where they are not taken for text', async () => {
		const { page } = await browsers.person()
		const harm = guard(page.context(), page)
		await page.route('**', (route) => route.fulfill({ contentType: 'text/html', body: `<h1 class="title">${payloads.join('')}</h1>` }))
		await page.goto(site.url)
		await assert.rejects(unharmed(page, harm, 'control'))
		assert.ok(await page.evaluate(() => 'harmed' in globalThis), 'a script ran')
		assert.ok(harm.some((text) => text.includes(elsewhere)), 'another place was asked')
		await page.close()
	})

	await t.test('the patient brings them in', async () => {
		const { context, page } = amara
		amara.harm = guard(context, page)
		await login(page, site.url, 'Amara')
		await visit(page, 'add')
		await page.getByText('File', { exact: true }).click()
		await page.locator('input[type=file]').setInputFiles({ name: `${payloads[0].replaceAll('/', '')}.json`, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(bundle())) })
		const add = page.getByRole('button', { name: /^Add .*entr/ })
		await add.waitFor()
		await unharmed(page, amara.harm, 'what is about to be added')
		await add.click()
		await page.getByRole('heading', { level: 1, name: 'Timeline' }).waitFor()
	})

	await t.test('her name is one', async () => {
		const { page, harm } = amara
		await visit(page, 'keys')
		await page.getByLabel('How people you share with see you').fill('<b class="injected">Amara')
		await page.getByRole('button', { name: 'Save', exact: true }).click()
		await page.getByText('Your name is changed.').first().waitFor()
		await unharmed(page, harm, 'keys')
	})

	await t.test('she looks at everything', async () => {
		const { page, harm } = amara
		for (const name of ['today', 'trends', 'sharing', 'access', 'emergency', 'timeline']) {
			await visit(page, name)
			await unharmed(page, harm, name)
		}
		await page.getByText('<img class="injected"').first().waitFor()
		await openEntries(page, harm, 'timeline', 60)
		await visit(page, 'timeline')
		await page.getByRole('searchbox').fill('<script')
		await page.getByText('<script class="injected">').first().waitFor()
		await unharmed(page, harm, 'search')
	})

	await t.test('so does the doctor', async () => {
		const { context, page } = doctor
		const harm = guard(context, page)
		await login(page, site.url, 'Chidi Okafor')
		await settled(page)
		const open = page.getByRole('button', { name: 'Open all' })
		const link = page.locator('main a[href^="#/patient/"]').first()
		await open.or(link).first().waitFor()
		if (await open.isVisible()) await open.click()
		await link.waitFor()
		await page.getByText('<b class="injected">Amara').first().waitFor()
		await unharmed(page, harm, 'patients')
		const patient = decodeURIComponent((await link.getAttribute('href')).slice('#/patient/'.length))
		for (const name of ['patient', 'patientTrends', 'patientTimeline']) {
			await visit(page, name, { patient })
			await unharmed(page, harm, places[name])
		}
		await page.getByText('<img class="injected"').first().waitFor()
		await openEntries(page, harm, 'the doctor’s timeline', 10)
	})
})
