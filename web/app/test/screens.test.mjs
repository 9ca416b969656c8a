// Every screen of every role, in light, dark and on a telephone: axe finds nothing, one main heading, nothing to scroll sideways.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { authority } from './authority.mjs'
import { accessible, browse, demo, fits } from './harness.mjs'

import { login, readSheet, testSheet } from './people.mjs'
import { look, lookAtDialog, places, visit } from './tour.mjs'

let site, browsers
const seen = new Set()

before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
})
after(async () => {
	await browsers?.close()
	await site?.stop()
})

/** A page of its own for somebody, without motion: what fades in has no contrast yet. */
async function page(options) {
	return (await browsers.person({ reducedMotion: 'reduce', ...options })).page
}

async function as(name) {
	const one = await page()
	await login(one, site.url, name)
	return one
}

/** Looks at a screen that is gone to by its address. */
async function see(page, name, params) {
	await visit(page, name, params)
	await look(page, name)
	seen.add(name)
}

/** What the first link to a screen has in the place of a colon. */
async function param(page, before) {
	const link = page.locator(`main a[href^="#${before}"]`).first()
	await link.waitFor()
	return decodeURIComponent((await link.getAttribute('href')).slice(before.length + 1).split('/')[0])
}

/** Opens the records in a list of patients, unless they are open already. */
async function openAll(page) {
	const open = page.getByRole('button', { name: 'Open all' })
	await open.or(page.locator('main a[href^="#/patient/"]')).first().waitFor()
	if (await open.isVisible()) await open.click()
}

test('a patient', { timeout: 600_000 }, async (t) => {
	const amara = await as('Amara')
	await t.test('screens', async () => {
		for (const name of ['about', 'today', 'trends', 'access', 'emergency', 'add', 'keys', 'more', 'timeline', 'sharing']) await see(amara, name)
		await visit(amara, 'timeline')
		await see(amara, 'record', { id: await param(amara, '/record/') })
	})
	await t.test('an address that is none', async () => {
		await amara.evaluate(() => (location.hash = '/nowhere'))
		await amara.getByRole('heading', { level: 1, name: 'This page is not here' }).waitFor()
		await look(amara, 'nowhere')
	})
	await t.test('sharing, question by question', async () => {
		await visit(amara, 'sharing')
		await amara.getByRole('button', { name: 'Share access' }).click()
		const dialog = amara.getByRole('dialog')
		const next = dialog.getByRole('button', { name: 'Continue' })
		await dialog.getByLabel('Where do they work?').selectOption('iron-gym')
		await look(amara, 'sharing: who')
		await next.click()
		await dialog.getByRole('checkbox').first().check()
		await look(amara, 'sharing: what')
		await next.click()
		await dialog.getByRole('radio').first().waitFor()
		await look(amara, 'sharing: until when')
		await next.click()
		await dialog.getByText(/will be able to open/).waitFor()
		await lookAtDialog(amara, 'sharing: preview')
	})
	await t.test('people and what they can open', async () => {
		await amara.getByRole('button', { name: 'Dr. Chidi Okafor', exact: true }).click()
		const stop = amara.getByRole('dialog').getByRole('button', { name: /^Stop sharing/ }).first()
		await stop.waitFor()
		await look(amara, 'somebody who can open something')
		await stop.click()
		await amara.getByRole('dialog').getByText(/cannot open anything new/).waitFor()
		await lookAtDialog(amara, 'stop sharing')
		await amara.getByRole('button', { name: 'Dr. Chidi Okafor', exact: true }).click()
		await amara.getByRole('link', { name: /^See/ }).click()
		await amara.getByRole('heading', { level: 1, name: /Okafor/ }).waitFor()
		await look(amara, 'as a doctor sees it')
		seen.add('seeAs')
	})
	await t.test('the reach of a record', async () => {
		await visit(amara, 'timeline')
		await amara.locator('main').getByRole('button', { name: /who can open it/ }).first().click()
		await lookAtDialog(amara, 'reach')
	})
	await t.test('shortcuts', async () => {
		await amara.keyboard.press('?')
		await lookAtDialog(amara, 'shortcuts')
	})
	await t.test('from right to left', async () => {
		await visit(amara, 'keys')
		await amara.locator('select:has(option[value="ar"])').selectOption('ar')
		await amara.waitForFunction(() => document.documentElement.dir === 'rtl' && document.documentElement.lang === 'ar')
		for (const name of ['today', 'timeline', 'trends', 'sharing', 'access', 'emergency', 'add', 'keys']) {
			await visit(amara, name)
			await accessible(amara, `${name} in Arabic`)
			for (const width of [1280, 390, 320]) {
				await amara.setViewportSize({ width, height: 844 })
				await fits(amara, `${name} in Arabic, ${width} px`)
			}
			await amara.setViewportSize({ width: 1280, height: 860 })
		}
	})
	await amara.context().close()
})

test('those who are shared with', { timeout: 600_000 }, async (t) => {
	await t.test('a doctor', async () => {
		const doctor = await as('Chidi Okafor')
		await see(doctor, 'breakGlass')
		await see(doctor, 'patients')
		await openAll(doctor)
		const patient = await param(doctor, '/patient/')
		for (const name of ['patient', 'patientTrends', 'patientWrite', 'patientTimeline']) await see(doctor, name, { patient })
		await see(doctor, 'patientRecord', { patient, id: await param(doctor, `/patient/${patient}/record/`) })
		await doctor.context().close()
	})
	await t.test('a trainer', async () => {
		const trainer = await as('Leo Marsh')
		await look(trainer, 'clients')
		await openAll(trainer)
		const patient = await param(trainer, '/patient/')
		for (const name of ['patient', 'patientWrite']) await see(trainer, name, { patient })
		await trainer.context().close()
	})
	for (const [role, name] of [['an insurer', 'Ida Brandt'], ['an employer', 'Hugo Weiss']]) {
		await t.test(role, async () => {
			const reader = await as(name)
			await see(reader, 'keys')
			await see(reader, 'shared')
			await see(reader, 'patient', { patient: await param(reader, '/patient/') })
			await reader.context().close()
		})
	}
})

test('an auditor', { timeout: 600_000 }, async () => {
	const auditor = await as('Nadia Rahman')
	await see(auditor, 'auditSearch')
	await see(auditor, 'audit')
	await see(auditor, 'auditProof', { sequence: '3' })
	await auditor.context().close()
})

test('somebody new', { timeout: 600_000 }, async (t) => {
	const noor = await page()
	const next = noor.getByRole('button', { name: 'Continue' })
	const passphrase = 'four plain words together'
	await t.test('at the door', async () => {
		await noor.goto(site.url)
		await noor.getByRole('button', { name: /Amara/ }).waitFor()
		await look(noor, 'welcome')
		await see(noor, 'restore')
	})
	await t.test('sets up', async () => {
		await see(noor, 'setup')
		await noor.getByLabel('What is your name?').fill('Noor Visser')
		await next.click()
		await noor.getByRole('button', { name: 'Make a passkey' }).waitFor()
		await look(noor, 'set-up: passkey')
		await noor.getByRole('button', { name: 'Use a passphrase instead' }).click()
		await noor.getByLabel('New passphrase').fill('short')
		await noor.getByLabel('The same again').fill('short')
		await next.click()
		await noor.getByRole('alert').waitFor()
		await look(noor, 'set-up: passphrase')
		await noor.getByLabel('New passphrase').fill(passphrase)
		await noor.getByLabel('The same again').fill(passphrase)
		await next.click()
		await noor.getByRole('button', { name: 'I have it on paper' }).waitFor()
		await look(noor, 'set-up: sheet')
		const words = await readSheet(noor)
		await look(noor, 'set-up: test')
		await testSheet(noor, words)
		await noor.getByRole('button', { name: 'Close my record' }).waitFor({ timeout: 60_000 })
	})
	await t.test('has nothing yet', async () => {
		for (const name of ['sharing', 'timeline', 'trends', 'access', 'emergency', 'today']) await see(noor, name)
	})
	await t.test('her keys', async () => {
		await see(noor, 'keys')
		await noor.getByRole('button', { name: 'Change the passphrase' }).click()
		await lookAtDialog(noor, 'change of the passphrase')
		await noor.getByRole('button', { name: 'Remove from this device' }).click()
		await lookAtDialog(noor, 'removal from the device')
	})
	await t.test('locks', async () => {
		await noor.getByRole('button', { name: 'Close my record' }).click()
		await noor.getByLabel('Passphrase').fill('four other words together')
		await noor.getByRole('button', { name: 'Open', exact: true }).click()
		await noor.getByRole('alert').waitFor()
		await look(noor, 'locked, with a wrong passphrase')
		await noor.getByRole('button', { name: 'Use my recovery words' }).click()
		await look(noor, 'locked, with recovery words')
		seen.add('unlock')
	})
	await noor.context().close()
})

test('an authority', { timeout: 600_000 }, async (t) => {
	const north = await authority(site)
	try {
		const operator = await page()
		await operator.goto(north.url)
		await operator.getByRole('heading', { level: 1, name: 'north-clinic' }).waitFor()
		await t.test('its screens', async () => {
			await see(operator, 'authorityMembers')
			await see(operator, 'authorityVersions')
			await see(operator, 'authority')
		})
		await t.test('invites', async () => {
			await see(operator, 'authorityInvite')
			await operator.getByRole('checkbox').first().check()
			await operator.getByRole('button', { name: 'Make the code' }).click()
			await operator.getByRole('heading', { name: 'This code is shown once' }).waitFor()
			await look(operator, 'an invitation')
			await north.enrol(await operator.getByRole('main').locator('code').first().innerText(), 'Dr. Ana Ruiz')
		})
		await t.test('takes a role away', async () => {
			await visit(operator, 'authorityMembers')
			await see(operator, 'authorityMember', { gid: await param(operator, '/authority/people/') })
			await operator.getByRole('button', { name: 'See what it does' }).first().waitFor()
		})
		await operator.context().close()
	} finally {
		await north.stop()
	}
})

test('every screen there is was seen', () => {
	assert.deepEqual(Object.keys(places).filter((name) => !seen.has(name)), [])
})
