// The pictures of the documents: each can be taken as it was, and with PICTURES=1 it is taken anew.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { browse, demo } from './harness.mjs'
import { login } from './people.mjs'
import { places, settled, visit } from './tour.mjs'

const folder = resolve(import.meta.dirname, '../../../docs/pictures')
const most = 200 * 1024

let site, browsers
before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

async function picture(page, name) {
	await settled(page)
	await page.evaluate(async () => {
		document.activeElement?.blur()
		await document.fonts.ready
	})
	const taken = await page.screenshot({ animations: 'disabled' })
	assert.ok(taken.length < most, `${name} has ${taken.length} bytes`)
	if (!process.env.PICTURES) return
	await mkdir(folder, { recursive: true })
	await writeFile(join(folder, `${name}.png`), taken)
}

test('pictures', { timeout: 600_000 }, async (t) => {
	const { page } = await browsers.person({ reducedMotion: 'reduce' })
	await login(page, site.url, 'Amara')
	await settled(page)
	await page.getByRole('heading', { name: 'Blood pressure' }).waitFor()

	await t.test('today', async () => {
		await picture(page, 'today')
		await page.emulateMedia({ colorScheme: 'dark' })
		await picture(page, 'today-dark')
		await page.emulateMedia({ colorScheme: 'light' })
		await page.setViewportSize({ width: 390, height: 844 })
		await picture(page, 'today-mobile')
		await page.setViewportSize({ width: 1280, height: 860 })
	})
	await t.test('a record', async () => {
		await visit(page, 'timeline')
		await page.getByRole('main').getByRole('link', { name: /Blood pressure well controlled/ }).click()
		await page.getByRole('heading', { level: 1, name: /Blood pressure/ }).waitFor()
		await picture(page, 'record')
	})
	await t.test('sharing', async () => {
		await visit(page, 'sharing')
		await page.getByRole('table').waitFor()
		await picture(page, 'sharing')
		await page.getByRole('button', { name: 'Share access' }).click()
		await page.getByLabel('Where do they work?').selectOption('iron-gym')
		const next = page.getByRole('button', { name: 'Continue' })
		await next.click()
		await page.getByRole('checkbox', { name: /^Training/ }).check()
		await next.click()
		await page.getByRole('radio').first().waitFor()
		await next.click()
		await page.getByText(/will be able to open/).waitFor()
		await picture(page, 'share-preview')
		await page.keyboard.press('Escape')
	})
	await t.test('in Arabic', async () => {
		await visit(page, 'keys')
		await page.locator('select:has(option[value="ar"])').selectOption('ar')
		await visit(page, 'today')
		await picture(page, 'arabic')
	})
	await t.test('a doctor’s patient', async () => {
		const { page: doctor } = await browsers.person({ reducedMotion: 'reduce' })
		await login(doctor, site.url, 'Chidi Okafor')
		await settled(doctor)
		const open = doctor.getByRole('button', { name: 'Open all' })
		const link = doctor.locator(`main a[href^="#${places.patient.replace(':patient', '')}"]`).first()
		await open.or(link).first().waitFor()
		if (await open.isVisible()) await open.click()
		await link.click()
		await doctor.getByRole('heading', { name: 'Results' }).waitFor()
		await picture(doctor, 'patient')
	})
	await t.test('the audit', async () => {
		const { page: auditor } = await browsers.person({ reducedMotion: 'reduce' })
		await login(auditor, site.url, 'Nadia Rahman')
		await picture(auditor, 'audit')
	})
})
