// The demonstration's story by clicks, in several browsers at once: a patient sets up, brings records, lets a doctor in, is
// written to, stops, and sees who looked.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { accessible, browse, demo } from './harness.mjs'
import { goTo, login, setUp, shareWith } from './people.mjs'

const data = process.env.PHR_TESTDATA ?? resolve(import.meta.dirname, '../../../../shared/data')
const bundle = join(data, 'ips', 'IPS-bundle-01.json')

let site, browsers
before(async () => {
	site = await demo()
	browsers = await browse()
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

test('a patient shares, is written to, and stops sharing', { timeout: 300_000 }, async (t) => {
	const [patient, doctor, trainer, insurer] = await Promise.all([0, 1, 2, 3].map(async () => (await browsers.person()).page))
	let name

	await t.test('sets up in four steps', async () => {
		name = 'Noor Visser'
		const words = await setUp(patient, site.url, name, 'four plain words together')
		assert.ok(words.length >= 12, `a sheet of ${words.length} words`)
		await patient.getByRole('heading', { level: 1, name: /Noor/ }).waitFor()
	})

	await t.test('imports a real bundle, looking first', async (t) => {
		if (!existsSync(bundle)) return t.skip(`no sample records in ${data}: set PHR_TESTDATA to their folder`)
		await patient.getByRole('link', { name: 'Add' }).first().click()
		await patient.getByText('File', { exact: true }).click()
		await patient.locator('input[type=file]').setInputFiles(bundle)
		const make = patient.getByRole('button', { name: /^Add \d+ entr/ })
		await make.waitFor()
		await make.click()
		await goTo(patient, 'Timeline')
		await patient.getByRole('main').getByRole('listitem').nth(3).waitFor()
	})

	await t.test('others see nothing yet', async () => {
		await Promise.all([login(doctor, site.url, 'Chidi Okafor'), login(trainer, site.url, 'Leo Marsh'), login(insurer, site.url, 'Ida Brandt')])
		for (const page of [doctor, trainer, insurer]) assert.equal(await page.getByText(name).count(), 0)
	})

	await t.test('lets the doctors of a hospital into her health data', async () => {
		const preview = await shareWith(patient, { authority: 'city-hospital', role: 'doctor', parts: ['Health'], write: true })
		assert.match(preview, /cannot open Training/)
		await patient.getByRole('row', { name: /Doctors of city-hospital/i }).waitFor()
	})

	await t.test('the doctor opens it and writes, and she sees it at once', async () => {
		await goTo(patient, 'Today')
		await doctor.getByRole('button', { name: 'Open all' }).click({ timeout: 20_000 })
		await doctor.getByRole('link', { name: new RegExp(name) }).click({ timeout: 30_000 })
		await doctor.getByRole('link', { name: 'Write and sign' }).click()
		await doctor.getByLabel('Your note').fill('Seen today. All is well, next visit in spring.')
		await doctor.getByRole('button', { name: /Sign/ }).click()
		await patient.getByText('Seen today. All is well').first().waitFor({ timeout: 15_000 })
	})

	await t.test('trainer and insurer stay outside', async () => {
		for (const page of [trainer, insurer]) {
			await page.reload()
			await login(page, site.url, page === trainer ? 'Leo Marsh' : 'Ida Brandt')
			await page.getByRole('heading', { level: 1 }).waitFor()
			assert.equal(await page.getByText(name).count(), 0)
		}
		assert.equal(await insurer.getByRole('link', { name: /write|add/i }).count(), 0, 'an insurer has no way to write')
	})

	await t.test('she stops, and the open page of the doctor is sealed', async () => {
		await doctor.getByRole('heading', { level: 1, name }).waitFor()
		await goTo(patient, 'Sharing')
		await patient.getByRole('button', { name: /^Doctors of city-hospital/i }).first().click()
		await patient.getByRole('button', { name: /^Stop sharing: Health/ }).click()
		const dialog = patient.getByRole('dialog')
		await dialog.getByText(/may keep what was already opened/).waitFor()
		await dialog.getByRole('button', { name: /^Stop sharing/ }).click()
		await doctor.getByRole('heading', { name: 'Sealed' }).waitFor({ timeout: 15_000 })
		assert.equal(await doctor.getByText('All is well, next visit').count(), 0, 'what was sealed is gone from the page')
		await accessible(doctor, 'a record that was sealed while it was open')
	})

	await t.test('the access log names the doctor', async () => {
		await goTo(patient, 'Access log')
		await patient.getByText('Dr. Chidi Okafor, city-hospital').first().waitFor()
	})

	await t.test('an auditor verifies the log', async () => {
		const { page } = await browsers.person()
		await login(page, site.url, 'Nadia Rahman')
		await page.getByRole('heading', { level: 1 }).waitFor()
		await page.getByRole('heading', { name: 'The log goes on as it should' }).waitFor()
		await page.getByRole('button', { name: 'Run the audit' }).click()
		await page.getByText('Nothing wrong was found').waitFor({ timeout: 60_000 })
	})
})
