// What opens a record in the browser, and what closes it: passkeys by Chromium's virtual authenticator, passphrase, recovery words.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, browse, demo } from './harness.mjs'
import { readSheet, setUp, testSheet } from './people.mjs'

const passphrase = 'four plain words together'
let site, browsers

before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

const closeButton = (page) => page.getByRole('button', { name: 'Close my record' })
const lockedHeading = (page) => page.getByRole('heading', { level: 1, name: 'Open your record' })

async function open(page) {
	await closeButton(page).waitFor({ timeout: 60_000 })
}

async function lock(page) {
	await closeButton(page).click()
	await lockedHeading(page).waitFor()
}

/** Gives a page a device that makes passkeys, with the PRF extension or without. */
async function authenticator(page, hasPrf) {
	const cdp = await page.context().newCDPSession(page)
	await cdp.send('WebAuthn.enable')
	const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
		options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf },
	})
	return {
		consent: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
		count: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
	}
}

/** Begins to set up, up to the choice of a key. */
async function beginSetUp(page, name) {
	await page.goto(site.url)
	await page.getByRole('link', { name: 'Set up my record' }).click()
	await page.getByLabel('What is your name?').fill(name)
	await page.getByRole('button', { name: 'Continue' }).click()
	await page.getByRole('button', { name: 'Make a passkey' }).click()
}

test('a passkey opens the record', { timeout: 600_000 }, async (t) => {
	const { page } = await browsers.person()
	const device = await authenticator(page, true)

	await t.test('which is set up with it', async () => {
		await beginSetUp(page, 'Noor Visser')
		await testSheet(page, await readSheet(page))
		await open(page)
		assert.equal(await device.count(), 1)
	})

	await t.test('after it was locked', async () => {
		await lock(page)
		assert.equal(await page.getByLabel('Passphrase').count(), 0, 'no passphrase opens it')
		await page.getByRole('button', { name: 'Open with passkey' }).click()
		await open(page)
	})

	await t.test('after the page was loaded anew', async () => {
		await page.reload()
		await lockedHeading(page).waitFor()
		await page.getByRole('button', { name: 'Open with passkey' }).click()
		await open(page)
	})

	await t.test('and not who is another', async () => {
		await lock(page)
		await device.consent(false)
		await page.getByRole('button', { name: 'Open with passkey' }).click()
		await page.getByRole('alert').getByText('The passkey was not used.').waitFor()
		await accessible(page, 'locked, with a passkey that was refused')
		await device.consent(true)
	})
})

test('a device without PRF leads to a passphrase', { timeout: 600_000 }, async () => {
	const { page } = await browsers.person()
	await authenticator(page, false)
	await beginSetUp(page, 'Bram Jansen')
	const notice = page.getByRole('alert')
	await notice.getByText('This passkey cannot open a record: the device does not support it.').waitFor()
	await notice.getByText('Use a passphrase instead.').waitFor()
	await accessible(page, 'set-up without PRF')
	await page.getByRole('button', { name: 'Use a passphrase instead' }).click()
	await page.getByLabel('New passphrase').fill(passphrase)
	await page.getByLabel('The same again').fill(passphrase)
	await page.getByRole('button', { name: 'Continue' }).click()
	await testSheet(page, await readSheet(page))
	await open(page)
})

test('a passphrase and recovery words', { timeout: 600_000 }, async (t) => {
	const { context, page } = await browsers.person()
	const words = await setUp(page, site.url, 'Sami Haddad', passphrase)
	const submit = page.getByRole('button', { name: 'Open', exact: true })

	await t.test('a wrong one opens nothing', async () => {
		await lock(page)
		await page.getByLabel('Passphrase').fill('four other words together')
		await submit.click()
		await page.getByRole('alert').waitFor({ timeout: 60_000 })
		await lockedHeading(page).waitFor()
	})

	await t.test('the right one opens it', async () => {
		await page.getByLabel('Passphrase').fill(passphrase)
		await submit.click()
		await open(page)
	})

	await t.test('so do the words of the sheet', async () => {
		await lock(page)
		await page.getByRole('button', { name: 'Use my recovery words' }).click()
		await page.getByLabel('Recovery words').fill(words.join(' '))
		await submit.click()
		await open(page)
	})

	await t.test('a passkey is added, and opens it', async () => {
		const device = await authenticator(page, true)
		await page.getByRole('link', { name: 'Keys & recovery' }).click()
		await page.getByRole('button', { name: 'Add a passkey' }).click()
		await page.getByText('Passkey', { exact: true }).waitFor()
		assert.equal(await device.count(), 1)
		await lock(page)
		await page.getByRole('button', { name: 'Open with passkey' }).click()
		await open(page)
	})

	await t.test('another tab learns that it was locked', async () => {
		const other = await context.newPage()
		await other.goto(site.url)
		await other.getByLabel('Passphrase').fill(passphrase)
		await other.getByRole('button', { name: 'Open', exact: true }).click()
		await open(other)
		await lock(page)
		await lockedHeading(other).waitFor()
		await other.getByText('Closed in another window.').waitFor()
		await other.close()
	})

	await t.test('the program that ends leaves it locked', async () => {
		await page.getByLabel('Passphrase').fill(passphrase)
		await submit.click()
		await open(page)
		const [worker] = page.workers()
		await worker.evaluate(() => globalThis.phr.panicked())
		await page.getByText('Something went wrong, so your record was closed.').waitFor()
		await page.getByLabel('Passphrase').fill(passphrase)
		await submit.click()
		await open(page)
	})
})
