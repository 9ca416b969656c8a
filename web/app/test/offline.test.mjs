// What is written while the node can't be reached waits on the device, sealed, and goes out when it can: never under keys that
// somebody has who was let out in between.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { accessible, browse, demo } from './harness.mjs'
import { line } from './line.mjs'
import { goTo, login } from './people.mjs'
import { settled } from './tour.mjs'

let site, way, browsers

before(async () => {
	;[site, browsers] = await Promise.all([demo(), browse()])
	way = await line(site.url)
})
after(async () => {
	await browsers?.close()
	await way?.close()
	await site?.stop()
})

/** Waits until the code of screens is there, which is fetched before anybody goes to them. */
function fetched(page, names) {
	return page.waitForFunction((names) => {
		const there = performance.getEntriesByType('resource').map(({ name }) => name)
		return names.every((name) => there.some((address) => address.includes(`/assets/${name}-`) && address.endsWith('.js')))
	}, names)
}

/** Writes a note into Health. */
async function write(page, note) {
	await goTo(page, 'Timeline')
	await page.getByRole('main').getByRole('link', { name: 'Add', exact: true }).click()
	await page.getByLabel('Your note').fill(note)
	await page.getByRole('button', { name: 'Sign and save' }).click()
}

test('what is written without a connection', { timeout: 600_000 }, async (t) => {
	const [{ page: amara, complaints }, { page: elsewhere }, { page: doctor }] = await Promise.all([browsers.person(), browsers.person(), browsers.person()])
	await login(amara, way.url, 'Amara')
	await login(doctor, site.url, 'Chidi Okafor')
	await login(elsewhere, site.url, 'Amara')
	await settled(amara)
	await fetched(amara, ['Timeline', 'Add', 'RecordRows', 'VirtualList'])

	await t.test('is said to wait', async () => {
		way.cut()
		await amara.getByText('No connection. You can read what is open here.').waitFor()
		await write(amara, 'Slept badly while nothing was connected.')
		await amara.getByText('1 entry waits on this device, sealed.').waitFor()
		await write(amara, 'And again, the night after.')
		await amara.getByText('2 entries wait on this device, sealed.').waitFor()
		await accessible(amara, 'without a connection')
	})

	await t.test('while the doctor is let out from elsewhere', async () => {
		await goTo(elsewhere, 'Sharing')
		await elsewhere.getByRole('button', { name: 'Dr. Chidi Okafor', exact: true }).click()
		await elsewhere.getByRole('button', { name: /^Stop sharing: Health/ }).click()
		await elsewhere.getByRole('dialog').getByRole('button', { name: 'Stop sharing', exact: true }).click()
		await elsewhere.getByRole('dialog').waitFor({ state: 'detached' })
	})

	await t.test('and goes out when it is back, under new keys', async () => {
		way.mend()
		await amara.getByText('No connection. You can read what is open here.').waitFor({ state: 'detached' })
		await amara.getByText(/It is sent when the connection is back|They are sent when the connection is back/).waitFor({ state: 'detached' })
		await goTo(elsewhere, 'Timeline')
		await elsewhere.getByText('And again, the night after.').waitFor()
		await elsewhere.getByText('Slept badly while nothing was connected.').waitFor()
	})

	await t.test('so that who was let out sees nothing of it', async () => {
		await settled(doctor)
		const open = doctor.getByRole('button', { name: 'Open all' })
		if (await open.isVisible()) await open.click()
		assert.equal(await doctor.getByText('Slept badly').count(), 0)
	})

	// The browser itself says that it can't connect.
	complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('WebSocket connection to')))
})
